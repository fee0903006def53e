//! What a code stands for: tables that are looked up with the next bits of the stream.

use super::Damage;
use super::entry::{DISTANCES, Entry, LENGTHS, LITERALS, SYMBOLS};

/// What is found at once, of codes that have up to 11, 9 and 7 bits. Longer ones are rare, as each stands for a symbol that
/// is: 1 in 400 literals and 1 in 1000 distances of ordinary layers. Larger tables would be slower to make and to read.
const LITERALS_AT_ONCE: usize = 1 << 11;
const DISTANCES_AT_ONCE: usize = 1 << 9;
const LENGTHS_AT_ONCE: usize = 1 << 7;
/// The longest code there is.
const LONGEST: usize = 15;
/// A code. `N` is a power of two.
pub(super) struct Table<const N: usize> {
    entries: [Entry; N],
    /// For codes that are longer than those in `entries`: the entries in the order of their codes, ...
    sorted: [Entry; SYMBOLS],
    /// ... and for each length the first code that is longer, with 15 bits, and where in `sorted` code 0 would be.
    long: [(u16, u16); LONGEST + 1],
}

/// The three codes of a block.
pub(super) struct Tables {
    pub(super) literals: Table<LITERALS_AT_ONCE>,
    pub(super) distances: Table<DISTANCES_AT_ONCE>,
    pub(super) lengths: Table<LENGTHS_AT_ONCE>,
}

impl Tables {
    pub(super) fn new() -> Box<Self> {
        Box::new(Self { literals: Table::new(), distances: Table::new(), lengths: Table::new() })
    }

    pub(super) fn set_lengths(&mut self, lengths: &[u8; 19]) -> Result<(), Damage> {
        // The code for lengths must be complete in any case.
        match self.lengths.build(lengths, &LENGTHS) {
            Ok(Code::Complete) => Ok(()),
            _ => Err(Damage("invalid code lengths set")),
        }
    }

    /// Sets the codes for literals and distances (section 3.2.7), as strictly as zlib does: a code may be incomplete if it
    /// is that of a single symbol, and there may be no distances at all.
    pub(super) fn set(&mut self, literals: &[u8], distances: &[u8]) -> Result<(), Damage> {
        if literals[256] == 0 {
            return Err(Damage("invalid code -- missing end-of-block"));
        }
        self.literals.build(literals, &LITERALS).map_err(|()| Damage("invalid literal/lengths set"))?;
        self.distances.build(distances, &DISTANCES).map_err(|()| Damage("invalid distances set"))?;
        Ok(())
    }

    /// Sets the codes that need no header (section 3.2.6).
    pub(super) fn set_fixed(&mut self) {
        let mut literals = [8; 288];
        literals[144..256].fill(9);
        literals[256..280].fill(7);
        self.set(&literals, &[5; 32]).expect("the code is complete");
    }
}

/// What a code has.
#[derive(Debug, PartialEq, Eq)]
enum Code {
    Complete,
    /// One symbol with one bit, or none.
    Degenerate,
}

impl<const N: usize> Table<N> {
    fn new() -> Self {
        Self { entries: [Entry::INVALID; N], sorted: [Entry::INVALID; SYMBOLS], long: [(0, 0); LONGEST + 1] }
    }

    /// Makes the canonical code (section 3.2.2) with these lengths for these symbols.
    fn build(&mut self, lengths: &[u8], symbols: &[Entry]) -> Result<Code, ()> {
        let mut counts = [0u16; LONGEST + 1];
        for &length in lengths {
            counts[usize::from(length & 15)] += 1;
        }
        counts[0] = 0;
        // How many codes of 15 bits are used up.
        let used: u32 = (1..=LONGEST).map(|length| u32::from(counts[length]) << (LONGEST - length)).sum();
        let code = match used {
            0x8000 => Code::Complete,
            0 => Code::Degenerate,
            _ if used == 0x4000 && counts[1] == 1 => Code::Degenerate,
            _ => return Err(()),
        };

        let mut starts = [0u16; LONGEST + 1];
        for length in 1..LONGEST {
            starts[length + 1] = starts[length] + counts[length];
        }
        let mut next = starts;
        for (&length, &symbol) in lengths.iter().zip(symbols) {
            let place = &mut next[usize::from(length & 15)];
            if length > 0 {
                self.sorted[usize::from(*place)] = symbol.coded(length.into());
                *place += 1;
            }
        }

        // All bits that follow a code lead to it: the table for one more bit is the one before, twice, with the codes of
        // that length where there was none.
        self.entries[0] = if code == Code::Complete { Entry::LONG } else { Entry::INVALID.coded(1) };
        let mut first = 0u32;
        for length in 1..=LONGEST {
            let count = u32::from(counts[length]);
            let start = usize::from(starts[length]);
            if length <= N.ilog2() as usize {
                let size = 1 << (length - 1);
                self.entries.copy_within(..size, size);
                for (code, &entry) in (first..).zip(&self.sorted[start..start + count as usize]) {
                    let reversed = code.reverse_bits() >> (32 - length);
                    self.entries[reversed as usize & (N - 1)] = entry;
                }
            }
            self.long[length] =
                (((first + count) << (LONGEST - length)) as u16, (start as u16).wrapping_sub(first as u16));
            first = (first + count) << 1;
        }
        Ok(code)
    }

    /// Returns the entry for the code that the next bits begin with, unless it is long.
    #[inline(always)]
    pub(super) fn short(&self, bits: u64) -> Entry {
        self.entries[bits as usize & (N - 1)]
    }

    /// Returns the entry for the code that the next bits begin with, which can be any.
    pub(super) fn any(&self, bits: u64) -> Entry {
        let entry = self.short(bits);
        if entry.is_long() { self.long(bits) } else { entry }
    }

    #[cold]
    fn long(&self, bits: u64) -> Entry {
        let code = (bits as u16).reverse_bits() >> 1;
        let found = (N.ilog2() as usize + 1..=LONGEST).find(|&length| code < self.long[length].0);
        let length = found.unwrap_or(LONGEST);
        let place = (code >> (LONGEST - length)).wrapping_add(self.long[length].1);
        self.sorted.get(usize::from(place)).copied().unwrap_or(Entry::INVALID)
    }
}
