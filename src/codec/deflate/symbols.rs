//! What stands for the input: runs of literals and matches, and how often which symbol occurs.

use super::window::Window;
use super::zeroed;

pub(super) const MAX_MATCH: usize = 258;
/// The end of a block in the alphabet of literals and lengths, where lengths follow.
pub(super) const END_OF_BLOCK: usize = 256;
/// As many sequences as a block may have; a power of two.
pub(super) const MOST: usize = 1 << 15;
/// The longest run of literals that fits into a [`Sequence`]; there is no match after it.
pub(super) const LONG_RUN: u32 = 511;

/// A run of literals and the match after it: 9 bits of run, 8 bits of length - 3, 15 bits of distance - 1.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sequence(u32);

impl Sequence {
    #[inline(always)]
    pub(super) fn literals(self) -> usize {
        (self.0 & LONG_RUN) as usize
    }

    /// Returns the length of the match, less 3.
    #[inline(always)]
    pub(super) fn length(self) -> u8 {
        (self.0 >> 9) as u8
    }

    /// Returns the distance of the match, less 1.
    #[inline(always)]
    pub(super) fn distance(self) -> u32 {
        self.0 >> 17
    }
}

pub(in crate::codec) struct Symbols {
    sequences: Box<[Sequence; MOST]>,
    used: usize,
    /// Literals after the last sequence.
    pub(super) rest: usize,
    /// How often each byte is a literal. Four tables, as one would wait for itself where bytes repeat.
    literals: Box<[[u32; 256]; 4]>,
    lengths: Box<[u32; 256]>,
    distances: Box<[u32; 32]>,
}

impl Symbols {
    pub(super) fn new() -> Self {
        Self {
            sequences: zeroed(),
            used: 0,
            rest: 0,
            literals: Box::new([[0; 256]; 4]),
            lengths: zeroed(),
            distances: zeroed(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.used = 0;
        self.rest = 0;
        *self.literals = [[0; 256]; 4];
        self.lengths.fill(0);
        self.distances.fill(0);
    }

    pub(super) fn sequences(&self) -> &[Sequence] {
        &self.sequences[..self.used]
    }

    /// Adds the literals from `from` to `at` and the match there.
    #[inline(always)]
    pub(super) fn add(&mut self, window: &Window, from: usize, at: usize, length: usize, distance: usize) {
        let (length, distance) = (length as u32 - 3, distance as u32 - 1);
        self.lengths[length as usize & 255] += 1;
        self.distances[distance_symbol(distance)] += 1;
        let mut run = (at - from) as u32;
        while run >= LONG_RUN {
            self.push(LONG_RUN);
            run -= LONG_RUN;
        }
        self.push(run | length << 9 | distance << 17);
        self.count_literals(window, from, at);
    }

    /// Adds the literals at the end.
    pub(super) fn add_literals(&mut self, window: &Window, from: usize, to: usize) {
        self.rest = to - from;
        self.count_literals(window, from, to);
    }

    #[inline(always)]
    fn push(&mut self, sequence: u32) {
        self.sequences[self.used & (MOST - 1)] = Sequence(sequence);
        self.used += 1;
    }

    #[inline(always)]
    fn count_literals(&mut self, window: &Window, mut from: usize, to: usize) {
        let [first, second, third, fourth] = &mut *self.literals;
        while to - from > 4 {
            let [a, b, c, d] = window.four(from).to_le_bytes();
            first[usize::from(a)] += 1;
            second[usize::from(b)] += 1;
            third[usize::from(c)] += 1;
            fourth[usize::from(d)] += 1;
            from += 4;
        }
        // Up to four are left. To add nothing for those that are too many is cheaper than to branch.
        let [a, b, c, d] = window.four(from).to_le_bytes();
        let left = to - from;
        first[usize::from(a)] += u32::from(left > 0);
        second[usize::from(b)] += u32::from(left > 1);
        third[usize::from(c)] += u32::from(left > 2);
        fourth[usize::from(d)] += u32::from(left > 3);
    }

    /// Returns how often each symbol of the two alphabets occurs: literals and lengths, and distances.
    pub(super) fn counts(&self) -> ([u32; 288], [u32; 32]) {
        let mut counts = [0; 288];
        counts[END_OF_BLOCK] = 1;
        for byte in 0..256 {
            counts[byte] = self.literals.iter().map(|table| table[byte]).sum();
            counts[usize::from(LENGTHS[byte].symbol)] += self.lengths[byte];
        }
        (counts, *self.distances)
    }
}

/// How the length of a match is written.
#[derive(Clone, Copy)]
pub(super) struct Length {
    pub(super) symbol: u16,
    pub(super) extra_bits: u8,
    pub(super) extra: u8,
}

/// By length - 3 (RFC 1951 section 3.2.5).
pub(super) static LENGTHS: [Length; 256] = {
    let mut lengths = [Length { symbol: 285, extra_bits: 0, extra: 0 }; 256];
    let mut length = 0;
    // The last one has a symbol of its own.
    while length < 255 {
        let extra_bits = if length < 8 { 0 } else { (length as u32).ilog2() - 2 };
        let symbol = 257 + 4 * extra_bits as u16 + (length >> extra_bits) as u16;
        lengths[length] =
            Length { symbol, extra_bits: extra_bits as u8, extra: (length & ((1 << extra_bits) - 1)) as u8 };
        length += 1;
    }
    lengths
};

/// Returns how many bits follow the symbol of a distance.
pub(super) const fn distance_extra_bits(symbol: usize) -> u32 {
    (symbol as u32 / 2).saturating_sub(1)
}

/// Returns the symbol of a distance - 1 (RFC 1951 section 3.2.5).
#[inline(always)]
pub(super) fn distance_symbol(distance: u32) -> usize {
    // Above 256, all have at least 7 extra bits.
    let index = if distance < 256 { distance } else { 256 + (distance >> 7) };
    usize::from(DISTANCES[index as usize & 511])
}

static DISTANCES: [u8; 512] = {
    let mut symbols = [0; 512];
    let mut index = 0;
    while index < 512 {
        let distance: u32 = if index < 256 { index as u32 } else { (index as u32 - 256) << 7 };
        symbols[index] = if distance < 4 {
            distance as u8
        } else {
            let bits = distance.ilog2();
            (2 * bits + (distance >> (bits - 1) & 1)) as u8
        };
        index += 1;
    }
    symbols
};
