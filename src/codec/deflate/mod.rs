//! A deflate encoder (RFC 1951) for speed above all, for inputs that are in memory as a whole.
//!
//! There is no crate for it: libdeflate at its fastest takes half as long again for the sake of size, zlib-rs makes
//! larger files in the same time, and ISA-L's bytes depend on the CPU. Here the bytes depend on the input only.

mod bits;
mod block;
mod header;
mod huffman;
mod matcher;
mod symbols;
#[cfg(test)]
mod tests;

use bits::{BitWriter, ROOM, Room};
use libdeflater::Crc;
use matcher::{CAPACITY, Matcher};
use symbols::Symbols;

/// Bytes of input for which one pair of codes is made: as many as can be stored as one. What is left at the end is added
/// if it is shorter than half.
const BLOCK: usize = block::STORED;

/// Everything that is needed to compress, to be used again and again.
pub(super) struct FastDeflate {
    matcher: Matcher,
    symbols: Symbols,
    room: Box<Room>,
}

impl FastDeflate {
    pub(super) fn new() -> Self {
        Self { matcher: Matcher::new(), symbols: Symbols::new(), room: zeroed() }
    }

    /// Appends a gzip member (RFC 1952) that holds `input`, which has at most [`CAPACITY`] bytes.
    pub(super) fn gzip(&mut self, input: &[u8], out: &mut Vec<u8>) {
        // No name, no time; compressed as fast as possible; by an unknown system.
        out.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255]);
        self.compress(input, out);
        let mut crc = Crc::new();
        crc.update(input);
        out.extend_from_slice(&crc.sum().to_le_bytes());
        out.extend_from_slice(&(input.len() as u32).to_le_bytes());
    }

    /// Appends a complete stream that holds `input`, which has at most [`CAPACITY`] bytes.
    pub(super) fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) {
        assert!(input.len() <= CAPACITY, "the input is longer than the window");
        self.matcher.start(input);
        let mut bits = BitWriter::new(&mut self.room, out);
        let mut start = 0;
        loop {
            let left = input.len() - start;
            let stop = if left <= BLOCK + BLOCK / 2 { input.len() } else { start + BLOCK };
            let end = self.matcher.find(start, stop, &mut self.symbols);
            let is_last = end == input.len();
            bits = block::write(&input[start..end], start, is_last, &self.matcher.window, &self.symbols, bits);
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

// What can be written between two drains: a block that is larger than its input is stored.
const _: () = assert!(BLOCK + BLOCK / 2 + symbols::MAX_MATCH + 64 < ROOM);
// A sequence stands for at least a match, and the window's places are known by 15 bits.
const _: () = assert!((BLOCK + BLOCK / 2) / symbols::MIN_MATCH < symbols::MOST);
