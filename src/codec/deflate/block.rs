//! One block of a deflate stream, in the smallest of its three forms (RFC 1951 section 3.2.3).

use std::hint::select_unpredictable;

use super::bits::BitWriter;
use super::header::Header;
use super::huffman;
use super::symbols::{END_OF_BLOCK, LENGTHS, LONG_RUN, Symbols, distance_extra_bits, distance_symbol};
use super::window::Window;

/// The longest code of a literal or length; the format allows 15. Four of these, or the longest match, are at most the 56
/// bits that fit into a [`BitWriter`] at once.
const LITERAL_BITS: usize = 14;
const DISTANCE_BITS: usize = 15;
/// The longest block that is stored.
const STORED: usize = 65_535;

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

/// Writes the block for `input`, which starts at `start` in the window and for which `symbols` stand.
pub(super) fn write<'a>(
    input: &[u8],
    start: usize,
    is_last: bool,
    window: &Window,
    symbols: &Symbols,
    mut bits: BitWriter<'a>,
) -> BitWriter<'a> {
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
    let stored_cost = input.len().div_ceil(STORED).max(1) * 5 * 8 + input.len() * 8;

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
    let mut bits = write_symbols(start, window, symbols, &codes, bits);
    bits.drain();
    bits
}

fn store<'a>(input: &[u8], is_last: bool, mut bits: BitWriter<'a>) -> BitWriter<'a> {
    let mut pieces = input.chunks(STORED).peekable();
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

/// A code and how long it is: bits 8 and up, and bits 0 to 5. What more there is in between is no matter: shifts take no
/// more than 6 bits.
#[derive(Clone, Copy, Default)]
struct Code(u32);

impl Code {
    fn new(bits: u32, count: u32) -> Self {
        Self(bits << 8 | count)
    }

    #[inline(always)]
    fn bits(self) -> u64 {
        u64::from(self.0 >> 8)
    }

    #[inline(always)]
    fn count(self) -> u32 {
        self.0 & 63
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

fn write_symbols<'a>(
    start: usize,
    window: &Window,
    symbols: &Symbols,
    codes: &Codes,
    mut bits: BitWriter<'a>,
) -> BitWriter<'a> {
    let symbol_codes = huffman::codes(&codes.literals);
    let code = |symbol: usize| Code::new(symbol_codes[symbol].into(), codes.literals[symbol].into());
    let literals: [Code; 256] = std::array::from_fn(code);
    let lengths: [Code; 256] = std::array::from_fn(|length| {
        let (length, code) = (&LENGTHS[length], code(LENGTHS[length].symbol.into()));
        Code::new(code.0 >> 8 | u32::from(length.extra) << code.count(), code.count() + u32::from(length.extra_bits))
    });
    let distance_codes = huffman::codes(&codes.distances);
    let distances: [DistanceCode; 32] = std::array::from_fn(|symbol| {
        let code = Code::new(distance_codes[symbol].into(), codes.distances[symbol].into());
        let extra = distance_extra_bits(symbol);
        DistanceCode { code, mask: (1 << extra) - 1, count: code.count() + extra }
    });

    let mut at = start;
    for sequence in symbols.sequences() {
        let run = sequence.literals();
        write_literals(window, at, run, &literals, &mut bits);
        at += run;
        if run == LONG_RUN as usize {
            continue;
        }
        let length = lengths[usize::from(sequence.length())];
        let distance = distances[distance_symbol(sequence.distance()) & 31];
        let extra = u64::from(sequence.distance() & distance.mask) << distance.code.count();
        bits.put(length.bits() | (distance.code.bits() | extra) << length.count(), length.count() + distance.count);
        bits.flush();
        at += usize::from(sequence.length()) + 3;
    }
    write_literals(window, at, symbols.rest, &literals, &mut bits);
    let end = code(END_OF_BLOCK);
    bits.put(end.bits(), end.count());
    bits.flush();
    bits
}

#[inline(always)]
fn write_literals(window: &Window, mut at: usize, mut run: usize, codes: &[Code; 256], bits: &mut BitWriter) {
    while run > 4 {
        let four = window.four(at).to_le_bytes().map(|byte| codes[usize::from(byte)]);
        write_four(four, bits);
        at += 4;
        run -= 4;
    }
    let mut four = window.four(at).to_le_bytes().map(|byte| codes[usize::from(byte)]);
    for (place, code) in four.iter_mut().enumerate() {
        *code = Code(select_unpredictable(place < run, code.0, 0));
    }
    write_four(four, bits);
}

#[inline(always)]
fn write_four([a, b, c, d]: [Code; 4], bits: &mut BitWriter) {
    let (front, back) = (a.bits() | b.bits() << a.count(), c.bits() | d.bits() << c.count());
    let (front_count, back_count) = (a.count() + b.count(), c.count() + d.count());
    bits.put(front | back << front_count, front_count + back_count);
    bits.flush();
}
