//! The codes of a block, themselves in code (RFC 1951 section 3.2.7).

use super::Damage;
use super::bits::Bits;
use super::tables::Tables;

/// The order in which the lengths of the code for lengths are written.
pub(super) const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// As many lengths as there can be.
const MOST: usize = 286 + 30;

/// What has been read of a header.
pub(super) struct Header {
    literals: usize,
    distances: usize,
    /// Lengths of the code for lengths that follow.
    coded: usize,
    code: [u8; 19],
    lengths: [u8; MOST],
    /// How many of `code` and then of `lengths` are there.
    read: usize,
    read_code: usize,
}

impl Header {
    /// Reads how many lengths there are; `None` if the input ends before.
    pub(super) fn begin(bits: &mut Bits<'_>) -> Option<Result<Self, Damage>> {
        let counts = bits.take(14)? as usize;
        let (literals, distances, coded) = (257 + (counts & 31), 1 + (counts >> 5 & 31), 4 + (counts >> 10));
        if literals > 286 || distances > 30 {
            return Some(Err(Damage("too many length or distance symbols")));
        }
        Some(Ok(Self { literals, distances, coded, code: [0; 19], lengths: [0; MOST], read: 0, read_code: 0 }))
    }

    /// Goes on reading; `None` if the input ends before the header does.
    pub(super) fn read(&mut self, bits: &mut Bits<'_>, tables: &mut Tables) -> Option<Result<(), Damage>> {
        while self.read_code < self.coded {
            self.code[ORDER[self.read_code]] = bits.take(3)? as u8;
            self.read_code += 1;
            if self.read_code == self.coded
                && let Err(damage) = tables.set_lengths(&self.code)
            {
                return Some(Err(damage));
            }
        }
        let all = self.literals + self.distances;
        while self.read < all {
            bits.fill();
            let entry = tables.lengths.short(bits.peek());
            let (symbol, length) = (entry.base() as u8, entry.bits());
            // What is repeated how often, with how many extra bits.
            let (value, least, extra) = match symbol {
                16 => (self.read.checked_sub(1).map(|last| self.lengths[last]), 3, 2),
                17 => (Some(0), 3, 3),
                18 => (Some(0), 11, 7),
                length => (Some(length), 1, 0),
            };
            if bits.count() < length + extra {
                return None;
            }
            bits.drop(length);
            let repeats = least + (bits.peek() as usize & ((1 << extra) - 1));
            bits.drop(extra);
            let end = self.read + repeats;
            let (Some(value), Some(place)) = (value, self.lengths[..all].get_mut(self.read..end)) else {
                return Some(Err(Damage("invalid bit length repeat")));
            };
            place.fill(value);
            self.read = end;
        }
        let (literals, distances) = self.lengths[..all].split_at(self.literals);
        Some(tables.set(literals, distances))
    }
}
