//! What stands for the input: runs of literals and matches, and how often which symbol occurs.

use super::window::Window;
use super::zeroed;

pub(super) const MAX_MATCH: usize = 258;
/// The end of a block in the alphabet of literals and lengths, where lengths follow.
pub(super) const END_OF_BLOCK: usize = 256;
/// As many sequences and literals as a block may have; powers of two.
pub(super) const MOST_SEQUENCES: usize = 1 << 15;
pub(super) const MOST_LITERALS: usize = 1 << 17;
/// Literals that are copied at a time, however many there are.
const COPIED: usize = 16;

/// A run of literals and the match after it: 32 bits of run, 8 of the distance's symbol, 16 of distance - 1, 8 of length - 3.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sequence(u64);

impl Sequence {
    #[inline(always)]
    fn new(run: usize, length: u8, distance: u16, symbol: u8) -> Self {
        Self((run as u64) << 32 | u64::from(symbol) << 24 | u64::from(distance) << 8 | u64::from(length))
    }

    #[inline(always)]
    pub(super) fn literals(self) -> usize {
        (self.0 >> 32) as usize
    }

    #[inline(always)]
    pub(super) fn distance_symbol(self) -> usize {
        (self.0 >> 24) as usize & 31
    }

    /// Returns the distance of the match, less 1.
    #[inline(always)]
    pub(super) fn distance(self) -> u32 {
        (self.0 >> 8) as u32 & 0xffff
    }

    /// Returns the length of the match, less 3.
    #[inline(always)]
    pub(super) fn length(self) -> u8 {
        self.0 as u8
    }
}

/// What stands for a block.
pub(in crate::codec) struct Symbols {
    sequences: Box<[Sequence; MOST_SEQUENCES]>,
    sequences_len: usize,
    /// Without what is between them, so that counting and writing them waits for nothing.
    literals: Box<[u8; MOST_LITERALS + COPIED]>,
    literals_len: usize,
    lengths: Box<[u32; 256]>,
    distances: Box<[u32; 32]>,
}

impl Symbols {
    pub(super) fn new() -> Self {
        Self {
            sequences: zeroed(),
            sequences_len: 0,
            literals: zeroed(),
            literals_len: 0,
            lengths: zeroed(),
            distances: zeroed(),
        }
    }

    /// Forgets the block before.
    pub(super) fn start(&mut self) -> Found<'_> {
        self.sequences_len = 0;
        self.literals_len = 0;
        self.lengths.fill(0);
        self.distances.fill(0);
        Found { symbols: self, sequences: 0, literals: 0 }
    }

    pub(super) fn sequences(&self) -> &[Sequence] {
        &self.sequences[..self.sequences_len]
    }

    /// Returns how many literals there are, with those after the last sequence.
    pub(super) fn literals_len(&self) -> usize {
        self.literals_len
    }

    /// Returns four literals, the first of which has this number.
    #[inline(always)]
    pub(super) fn four(&self, number: usize) -> [u8; 4] {
        *self.literals[number % MOST_LITERALS..].first_chunk().expect("there is more room")
    }

    /// Returns how often each symbol of the two alphabets occurs: literals and lengths, and distances.
    pub(super) fn counts(&self) -> ([u32; 288], [u32; 32]) {
        // Four tables, as one would wait for itself where bytes repeat.
        let mut literals = [[0u32; 256]; 4];
        let [first, second, third, fourth] = &mut literals;
        let (fours, rest) = self.literals[..self.literals_len].as_chunks();
        for &[a, b, c, d] in fours {
            first[usize::from(a)] += 1;
            second[usize::from(b)] += 1;
            third[usize::from(c)] += 1;
            fourth[usize::from(d)] += 1;
        }
        rest.iter().for_each(|&byte| first[usize::from(byte)] += 1);

        let mut counts = [0; 288];
        counts[END_OF_BLOCK] = 1;
        for byte in 0..256 {
            counts[byte] = literals.iter().map(|table| table[byte]).sum();
            counts[usize::from(LENGTHS[byte].symbol)] += self.lengths[byte];
        }
        (counts, *self.distances)
    }
}

/// Symbols to which others are added. Its numbers can stay in registers.
pub(in crate::codec) struct Found<'a> {
    symbols: &'a mut Symbols,
    sequences: usize,
    literals: usize,
}

impl Found<'_> {
    /// Adds the literals from `from` to `at` and the match there.
    #[inline(always)]
    pub(super) fn add(&mut self, input: &[u8], window: Window, from: usize, at: usize, length: usize, distance: usize) {
        let (run, length, distance) = (at - from, (length - 3) as u8, (distance - 1) as u16);
        let symbol = distance_symbol(distance);
        self.symbols.lengths[usize::from(length)] += 1;
        self.symbols.distances[usize::from(symbol)] += 1;
        self.symbols.sequences[self.sequences % MOST_SEQUENCES] = Sequence::new(run, length, distance, symbol);
        self.sequences += 1;

        let room = &mut self.symbols.literals[self.literals % MOST_LITERALS..];
        room[..COPIED].copy_from_slice(window.sixteen(from));
        if run > COPIED {
            room[..run].copy_from_slice(&input[from..at]);
        }
        self.literals += run;
    }

    /// Adds the literals at the end.
    pub(super) fn end(self, input: &[u8], from: usize, to: usize) {
        let all = self.literals + to - from;
        self.symbols.literals[self.literals..all].copy_from_slice(&input[from..to]);
        self.symbols.literals_len = all;
        self.symbols.sequences_len = self.sequences;
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
fn distance_symbol(distance: u16) -> u8 {
    // Above 256, all have at least 7 extra bits.
    let index = if distance < 256 { distance } else { 256 + (distance >> 7) };
    DISTANCES[usize::from(index & 511)]
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
