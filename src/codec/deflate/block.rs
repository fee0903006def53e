//! One block of a deflate stream, in the smallest of its three forms (RFC 1951 section 3.2.3).

use std::hint::select_unpredictable;

use super::super::member::LONGEST_STORED;
use super::bits::BitWriter;
use super::header::Header;
use super::huffman;
use super::symbols::{END_OF_BLOCK, LENGTHS, Symbols, distance_extra_bits};

/// The longest code of a literal or length; the format allows 15. Four of these, or the longest match, are at most the 56
/// bits that fit into a [`BitWriter`] at once.
const LITERAL_BITS: usize = 14;
const DISTANCE_BITS: usize = 15;

/// The two codes of a block.
struct Codes {
    literals: [u8; 288],
    distances: [u8; 32],
}

impl Codes {
    /// The codes that need no header (section 3.2.6).
    fn fixed() -> Self {
        let mut literals = [8; 288];
        literals[144..256].fill(9);
        literals[256..280].fill(7);
        Self { literals, distances: [5; 32] }
    }

    /// Returns how many bits the symbols take, without what follows them.
    fn cost(&self, literals: &[u32; 288], distances: &[u32; 32]) -> usize {
        let cost = |counts: &[u32], lengths: &[u8]| -> usize {
            counts.iter().zip(lengths).map(|(&count, &length)| count as usize * usize::from(length)).sum()
        };
        cost(literals, &self.literals) + cost(distances, &self.distances)
    }
}

/// Writes the block for `input`, for which `symbols` stand.
pub(super) fn write<'a>(input: &[u8], is_last: bool, symbols: &Symbols, mut bits: BitWriter<'a>) -> BitWriter<'a> {
    let (literals, distances) = symbols.counts();
    let own = Codes {
        literals: huffman::lengths(&literals, LITERAL_BITS),
        distances: huffman::lengths(&distances, DISTANCE_BITS),
    };
    let header = Header::new(&own.literals, &own.distances);
    let fixed = Codes::fixed();
    // What follows the symbols is the same with any code.
    let extra_of_lengths = (265..285).map(|symbol| literals[symbol] as usize * ((symbol - 261) / 4)).sum::<usize>();
    let extra_of_distances =
        (0..32).map(|symbol| distances[symbol] as usize * distance_extra_bits(symbol) as usize).sum::<usize>();
    let extra = extra_of_lengths + extra_of_distances;
    let own_cost = 3 + header.cost() + own.cost(&literals, &distances) + extra;
    let fixed_cost = 3 + fixed.cost(&literals, &distances) + extra;
    let stored_cost = input.len().div_ceil(LONGEST_STORED).max(1) * 5 * 8 + input.len() * 8;

    if stored_cost <= own_cost.min(fixed_cost) {
        return store(input, is_last, bits);
    }
    let last = u64::from(is_last);
    let codes = if fixed_cost <= own_cost {
        bits.put(last | 1 << 1, 3);
        fixed
    } else {
        bits.put(last | 2 << 1, 3);
        header.write(&mut bits);
        own
    };
    bits.flush();
    let mut bits = write_symbols(symbols, &codes, bits);
    bits.drain();
    bits
}

fn store<'a>(input: &[u8], is_last: bool, mut bits: BitWriter<'a>) -> BitWriter<'a> {
    let mut pieces = input.chunks(LONGEST_STORED).peekable();
    while let Some(piece) = pieces.next() {
        let len = piece.len() as u64;
        bits.put(u64::from(is_last && pieces.peek().is_none()), 3);
        bits.align();
        bits.put(len | (len ^ 0xffff) << 16, 32);
        bits.align();
        bits.bytes(piece);
    }
    bits
}

/// A code, with what follows it where that is known, and how many bits that is.
#[derive(Clone, Copy, Default)]
struct Code {
    bits: u32,
    count: u32,
}

impl Code {
    #[inline(always)]
    fn then(self, bits: u32, count: u32) -> Self {
        Self { bits: self.bits | bits << self.count, count: self.count + count }
    }
}

/// How a distance is written that has a given symbol.
#[derive(Clone, Copy, Default)]
struct DistanceCode {
    code: Code,
    /// The bits of the distance that follow the code.
    mask: u32,
    /// All bits.
    count: u32,
}

fn write_symbols<'a>(symbols: &Symbols, codes: &Codes, mut bits: BitWriter<'a>) -> BitWriter<'a> {
    let symbol_codes = huffman::codes(&codes.literals);
    let code = |symbol: usize| Code { bits: symbol_codes[symbol].into(), count: codes.literals[symbol].into() };
    let literals: [Code; 256] = std::array::from_fn(code);
    let lengths: [Code; 256] = std::array::from_fn(|length| {
        let length = &LENGTHS[length];
        code(length.symbol.into()).then(length.extra.into(), length.extra_bits.into())
    });
    let distance_codes = huffman::codes(&codes.distances);
    let distances: [DistanceCode; 32] = std::array::from_fn(|symbol| {
        let code = Code { bits: distance_codes[symbol].into(), count: codes.distances[symbol].into() };
        let extra = distance_extra_bits(symbol);
        DistanceCode { code, mask: (1 << extra) - 1, count: code.count + extra }
    });

    let mut at = 0;
    for sequence in symbols.sequences() {
        at = write_literals(symbols, at, sequence.literals(), &literals, &mut bits);
        let length = lengths[usize::from(sequence.length())];
        let distance = distances[sequence.distance_symbol()];
        let extra = u64::from(sequence.distance() & distance.mask) << (distance.code.count & 63);
        let after = u64::from(distance.code.bits) | extra;
        bits.put(u64::from(length.bits) | after << (length.count & 63), length.count + distance.count);
        bits.flush();
    }
    write_literals(symbols, at, symbols.literals_len() - at, &literals, &mut bits);
    let end = code(END_OF_BLOCK);
    bits.put(end.bits.into(), end.count);
    bits.flush();
    bits
}

/// Writes a run of literals from the one with the number `at` on. Returns the number of the next.
#[inline(always)]
fn write_literals(
    symbols: &Symbols,
    mut at: usize,
    mut run: usize,
    codes: &[Code; 256],
    bits: &mut BitWriter,
) -> usize {
    while run > 4 {
        write_four(symbols.four(at).map(|byte| codes[usize::from(byte)]), bits);
        at += 4;
        run -= 4;
    }
    let mut four = symbols.four(at).map(|byte| codes[usize::from(byte)]);
    for (place, code) in four.iter_mut().enumerate() {
        code.bits = select_unpredictable(place < run, code.bits, 0);
        code.count = select_unpredictable(place < run, code.count, 0);
    }
    write_four(four, bits);
    at + run
}

#[inline(always)]
fn write_four([a, b, c, d]: [Code; 4], bits: &mut BitWriter) {
    let front = u64::from(a.bits) | u64::from(b.bits) << (a.count & 63);
    let back = u64::from(c.bits) | u64::from(d.bits) << (c.count & 63);
    let front_count = a.count + b.count;
    bits.put(front | back << (front_count & 63), front_count + c.count + d.count);
    bits.flush();
}
