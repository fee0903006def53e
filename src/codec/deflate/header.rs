//! The codes of a block, themselves in code (RFC 1951 section 3.2.7).

use super::bits::BitWriter;
use super::huffman;

/// The order in which the lengths of the code for lengths are written.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// Repeat the last length 3 to 6 times, zero 3 to 10 times, zero 11 to 138 times.
const REPEAT: u8 = 16;
const ZEROS: u8 = 17;
const MANY_ZEROS: u8 = 18;

pub(super) struct Header {
    literals: usize,
    distances: usize,
    /// Symbols and what follows them.
    symbols: Vec<(u8, u8)>,
    counts: [u32; 19],
    lengths: [u8; 19],
    /// How many of `lengths` are written.
    written: usize,
}

impl Header {
    pub(super) fn new(literals: &[u8; 288], distances: &[u8; 32]) -> Self {
        let used = |lengths: &[u8]| lengths.iter().rposition(|&length| length > 0).map_or(0, |last| last + 1);
        // The end of the block is always used, and a code has always two symbols.
        let (literals, distances) = (&literals[..used(literals)], &distances[..used(distances)]);
        let all = [literals, distances].concat();
        let mut symbols = Vec::with_capacity(all.len());
        for run in all.chunk_by(|a, b| a == b) {
            add_run(run[0], run.len(), &mut symbols);
        }
        let mut counts = [0; 19];
        symbols.iter().for_each(|&(symbol, _)| counts[usize::from(symbol)] += 1);
        let lengths = huffman::lengths(&counts, 7);
        let written = ORDER.iter().rposition(|&symbol| lengths[symbol] > 0).map_or(4, |last| 4.max(last + 1));
        Self { literals: literals.len(), distances: distances.len(), symbols, counts, lengths, written }
    }

    /// Returns how many bits it takes.
    pub(super) fn cost(&self) -> usize {
        let bits = |symbol: usize| usize::from(self.lengths[symbol]) + extra_bits(symbol) as usize;
        14 + 3 * self.written + (0..19).map(|symbol| self.counts[symbol] as usize * bits(symbol)).sum::<usize>()
    }

    pub(super) fn write(&self, bits: &mut BitWriter) {
        bits.put((self.literals - 257) as u64, 5);
        bits.put((self.distances - 1) as u64, 5);
        bits.put((self.written - 4) as u64, 4);
        bits.flush();
        for &symbol in &ORDER[..self.written] {
            bits.put(self.lengths[symbol].into(), 3);
            bits.flush();
        }
        let codes = huffman::codes(&self.lengths);
        for &(symbol, extra) in &self.symbols {
            let symbol = usize::from(symbol);
            bits.put(codes[symbol].into(), self.lengths[symbol].into());
            bits.put(extra.into(), extra_bits(symbol));
            bits.flush();
        }
    }
}

fn extra_bits(symbol: usize) -> u32 {
    match symbol {
        16 => 2,
        17 => 3,
        18 => 7,
        _ => 0,
    }
}

fn add_run(length: u8, mut run: usize, symbols: &mut Vec<(u8, u8)>) {
    if length == 0 {
        while run >= 11 {
            let many = run.min(138);
            symbols.push((MANY_ZEROS, (many - 11) as u8));
            run -= many;
        }
        if run >= 3 {
            symbols.push((ZEROS, (run - 3) as u8));
            run = 0;
        }
    } else if run > 3 {
        symbols.push((length, 0));
        run -= 1;
        while run >= 3 {
            let many = run.min(6);
            symbols.push((REPEAT, (many - 3) as u8));
            run -= many;
        }
    }
    symbols.extend(std::iter::repeat_n((length, 0), run));
}
