//! Finding what has been there before.
//!
//! Greedy, with one candidate for each place: a table leads from the hash of the next bytes to the last place that had
//! it. Two neighbouring places are looked up at a time, before it is known whether the first one matches: what costs is
//! not arithmetic but waiting for memory and branches that cannot be predicted.

use std::hint::select_unpredictable;

use super::symbols::{MAX_MATCH, Symbols};
use super::zeroed;

/// The longest input there may be.
pub(super) const CAPACITY: usize = 1 << 20;
/// Matches are looked for up to so many bytes before the end, so that nothing has to be checked for each read.
const MARGIN: usize = 24;
/// Places in the table. A larger one finds more, and pushes the window out of the CPU's first cache.
const TABLE: usize = 1 << 15;
/// Bytes that are hashed. Matches of 4 are taken where they turn up; to look for all of them costs more than they save.
const HASHED: u32 = 5;
/// For each 2^7 bytes without a match, steps become longer by one, but not without end: what comes again after a dense
/// stretch, or that stretch itself, should still be found.
const PATIENCE: u32 = 7;
const LONGEST_STEP: usize = 32;

/// The input, at the front of an array whose length the compiler knows.
pub(super) struct Window(Box<[u8; CAPACITY + MARGIN]>);

impl Window {
    /// Returns the 8 bytes from `at` on.
    #[inline(always)]
    pub(super) fn eight(&self, at: usize) -> u64 {
        let at = at & (CAPACITY - 1);
        u64::from_le_bytes(*self.0[at..].first_chunk().expect("the window has a margin"))
    }

    /// Returns the 4 bytes from `at` on.
    #[inline(always)]
    pub(super) fn four(&self, at: usize) -> u32 {
        let at = at & (CAPACITY - 1);
        u32::from_le_bytes(*self.0[at..].first_chunk().expect("the window has a margin"))
    }
}

pub(super) struct Matcher {
    pub(super) window: Window,
    len: usize,
    /// Places, modulo 2^16. An old one, or none, is a place like any other: whether it matches is seen there.
    table: Box<[u16; TABLE]>,
}

impl Matcher {
    pub(super) fn new() -> Self {
        Self { window: Window(zeroed()), len: 0, table: zeroed() }
    }

    /// Takes a new input. Nothing remains of the one before that could be seen in a result.
    pub(super) fn start(&mut self, input: &[u8]) {
        self.window.0[..input.len()].copy_from_slice(input);
        self.len = input.len();
        self.table.fill(0);
    }

    /// Fills `symbols` with what stands for the input from `start` to `stop`, or a bit further if the last match goes
    /// on. Returns where it ends.
    pub(super) fn find(&mut self, start: usize, stop: usize, symbols: &mut Symbols) -> usize {
        let Self { window, len: end, table } = self;
        symbols.clear();
        let limit = stop.min(end.saturating_sub(MARGIN));
        // Literals since here.
        let mut anchor = start;
        // Nothing comes before the first byte.
        let mut at = start.max(1);
        while at < limit {
            let (first, distance_of_first) = look_up(window, table, at);
            let (second, distance_of_second) = look_up(window, table, at + 1);
            let first_matches = first as u32 == 0;
            if !(first_matches | (second as u32 == 0)) {
                at += (2 + ((at - anchor) >> PATIENCE)).min(LONGEST_STEP);
                continue;
            }
            let next = at + 2;
            let differs = select_unpredictable(first_matches, first, second);
            let distance = select_unpredictable(first_matches, distance_of_first, distance_of_second);
            at += usize::from(!first_matches);
            if distance == 0 {
                // The place itself, met again where two blocks touch, or one that is 32 KiB away.
                at = next;
                continue;
            }
            let length = match_length(window, at, distance, differs, *end);
            symbols.add(window, anchor, at, length, distance);
            anchor = at + length;
            // Not all places in a match are worth their time.
            for inside in [at + 2, anchor - 2] {
                table[hash(window.eight(inside))] = inside as u16;
            }
            at = anchor;
        }
        let stop = stop.max(anchor);
        symbols.add_literals(window, anchor, stop);
        stop
    }
}

/// Puts a place into the table. Returns how its next 8 bytes differ from those at the candidate (as an exclusive or) and
/// how far away that is: at most 32767, for which the last 15 bits of a place are enough.
#[inline(always)]
fn look_up(window: &Window, table: &mut [u16; TABLE], at: usize) -> (u64, usize) {
    let bytes = window.eight(at);
    let entry = &mut table[hash(bytes)];
    let distance = at.wrapping_sub(usize::from(*entry)) & 0x7fff;
    *entry = at as u16;
    (bytes ^ window.eight(at - distance), distance)
}

#[inline(always)]
fn hash(bytes: u64) -> usize {
    // Any odd number with many bits will do. This one is 2^64 divided by the golden ratio.
    let mixed = (bytes << (64 - 8 * HASHED)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (64 - TABLE.ilog2())) as usize
}

/// Returns how long a match is whose first 8 bytes differ as `differs` says.
#[inline(always)]
fn match_length(window: &Window, at: usize, distance: usize, differs: u64, end: usize) -> usize {
    let beyond = window.eight(at + 8) ^ window.eight(at + 8 - distance);
    if differs | beyond != 0 {
        // Most are as short as that.
        let short = select_unpredictable(differs != 0, differs, beyond).trailing_zeros();
        let same = short + select_unpredictable(differs != 0, 0, 64);
        return (same / 8) as usize;
    }
    let longest = MAX_MATCH.min(end - at);
    let mut length = 16;
    while length < longest {
        let differs = window.eight(at + length) ^ window.eight(at + length - distance);
        if differs != 0 {
            length += (differs.trailing_zeros() / 8) as usize;
            break;
        }
        length += 8;
    }
    length.min(longest)
}
