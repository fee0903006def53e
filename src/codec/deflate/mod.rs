//! A deflate encoder (RFC 1951) for inputs that are in memory as a whole, whose bytes depend on the input only.
//!
//! There is no crate for it: at the sizes that [`Lazy`] reaches libdeflate takes a third longer, at its fastest it takes
//! 1.8 times as long as [`Greedy`], for files that are 5 % smaller; zlib-rs makes far larger ones in the same time, and
//! ISA-L's bytes depend on the CPU.

mod bits;
mod block;
mod greedy;
mod header;
mod huffman;
mod lazy;
mod symbols;
#[cfg(test)]
mod tests;
mod window;

use super::member::{gzip_header, gzip_trailer};
use bits::{BitWriter, ROOM, Room};
use symbols::{Found, Symbols};
use window::{CAPACITY, Input, Ring, Window};

pub(super) use greedy::Greedy;
pub(super) use lazy::Lazy;

/// What finds matches, with more or less effort.
pub(super) trait Finder {
    /// Bytes of input for which one pair of codes is made. What is left at the end is added if it is shorter than half.
    const BLOCK: usize;
    /// How much effort it is, as a gzip header tells it (RFC 1952, XFL).
    const EFFORT: u8;
    /// The shortest match there is.
    const MIN_MATCH: usize;

    fn new() -> Self;

    /// Forgets the input before: nothing remains of it that could be seen in a result.
    fn start(&mut self);

    /// Adds matches before `limit`, and the literals before them, to what was found. Returns where it goes on: at `limit` or
    /// further.
    fn search(&mut self, input: &[u8], window: Window, place: Place, limit: usize, found: &mut Found) -> Place;

    /// Adds to `symbols` what stands for the input from `start` to `stop`, or a bit further if the last match goes on.
    /// Returns where it ends.
    // By itself, it gets all registers.
    #[inline(never)]
    fn find(&mut self, input: &mut Input, start: usize, stop: usize, symbols: &mut Symbols) -> usize {
        let mut found = symbols.start();
        // Nothing comes before the first byte.
        let mut place = Place { at: start.max(1), anchor: start };
        loop {
            let bytes = input.bytes;
            let window = input.window(place.at);
            let limit = window.limit.min(stop);
            if place.at >= limit {
                break;
            }
            place = self.search(bytes, window, place, limit, &mut found);
        }
        let stop = stop.max(place.anchor);
        found.end(input.bytes, place.anchor, stop);
        stop
    }
}

/// Where a finder looks next, and since where there are only literals.
#[derive(Clone, Copy)]
pub(super) struct Place {
    at: usize,
    anchor: usize,
}

/// Everything that is needed to compress, to be used again and again.
pub(super) struct Deflate<F> {
    ring: Ring,
    finder: F,
    symbols: Symbols,
    room: Box<Room>,
}

impl<F: Finder> Deflate<F> {
    pub(super) fn new() -> Self {
        const {
            let most = F::BLOCK + F::BLOCK / 2 + symbols::MAX_MATCH;
            // What can be written between two drains: a block that is larger than its input is stored.
            assert!(most + 64 < ROOM);
            assert!(most <= symbols::MOST_LITERALS);
            // A sequence stands for at least a match.
            assert!(most / F::MIN_MATCH < symbols::MOST_SEQUENCES);
        }
        Self { ring: Ring::new(), finder: F::new(), symbols: Symbols::new(), room: zeroed() }
    }

    /// Appends a gzip member (RFC 1952) that holds `input`, which has at most [`CAPACITY`] bytes.
    pub(super) fn gzip(&mut self, input: &[u8], out: &mut Vec<u8>) {
        gzip_header(F::EFFORT, out);
        self.compress(input, out);
        gzip_trailer(input, out);
    }

    /// Appends a complete stream that holds `input`, which has at most [`CAPACITY`] bytes.
    pub(super) fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        assert!(input.len() <= CAPACITY, "the input is longer than the window");
        let mut looked_at = Input::new(input, &mut self.ring);
        self.finder.start();
        let mut bits = BitWriter::new(&mut self.room, out);
        let mut start = 0;
        loop {
            let left = input.len() - start;
            let stop = if left <= F::BLOCK + F::BLOCK / 2 { input.len() } else { start + F::BLOCK };
            let end = self.finder.find(&mut looked_at, start, stop, &mut self.symbols);
            let is_last = end == input.len();
            bits = block::write(&input[start..end], is_last, &self.symbols, bits);
            if is_last {
                return bits.align();
            }
            start = end;
        }
    }
}

/// An array on the heap, made there.
fn zeroed<T: Clone + Default, const N: usize>() -> Box<[T; N]> {
    let boxed = vec![T::default(); N].into_boxed_slice().try_into();
    boxed.ok().expect("it has as many as were made")
}
