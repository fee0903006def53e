//! The input, where all of it is in memory and reads need no check.

use std::hint::select_unpredictable;

use super::symbols::MAX_MATCH;
use super::zeroed;

/// The longest input there may be.
pub(super) const CAPACITY: usize = 1 << 20;
/// Matches are looked for up to so many bytes before the end, so that nothing has to be checked for each read.
pub(super) const MARGIN: usize = 24;

/// The input, at the front of an array whose length the compiler knows. What is behind it is of no consequence.
pub(in crate::codec) struct Window {
    bytes: Box<[u8; CAPACITY + MARGIN]>,
    len: usize,
}

impl Window {
    pub(super) fn new() -> Self {
        Self { bytes: zeroed(), len: 0 }
    }

    /// Takes a new input.
    pub(super) fn fill(&mut self, input: &[u8]) {
        self.bytes[..input.len()].copy_from_slice(input);
        self.len = input.len();
    }

    /// Returns where the search for matches ends, for a block that goes up to `stop`.
    pub(super) fn limit(&self, stop: usize) -> usize {
        stop.min(self.len.saturating_sub(MARGIN))
    }

    /// Returns the 8 bytes from `at` on.
    #[inline(always)]
    pub(super) fn eight(&self, at: usize) -> u64 {
        let at = at & (CAPACITY - 1);
        u64::from_le_bytes(*self.bytes[at..].first_chunk().expect("the window has a margin"))
    }

    /// Returns the 4 bytes from `at` on.
    #[inline(always)]
    pub(super) fn four(&self, at: usize) -> u32 {
        let at = at & (CAPACITY - 1);
        u32::from_le_bytes(*self.bytes[at..].first_chunk().expect("the window has a margin"))
    }

    /// Returns how long a match is of which the first `same` bytes of 8 are known to be the same, and no more if `same` is
    /// less than 8.
    #[inline(always)]
    pub(super) fn match_length(&self, at: usize, distance: usize, same: usize) -> usize {
        let beyond = self.eight(at + 8) ^ self.eight(at + 8 - distance);
        let most = 8 + (beyond.trailing_zeros() / 8) as usize;
        let mut length = select_unpredictable(same < 8, same, most);
        if length < 16 {
            // Most are as short as that.
            return length;
        }
        let longest = MAX_MATCH.min(self.len - at);
        while length < longest {
            let differs = self.eight(at + length) ^ self.eight(at + length - distance);
            if differs != 0 {
                length += (differs.trailing_zeros() / 8) as usize;
                break;
            }
            length += 8;
        }
        length.min(longest)
    }
}

/// Returns a hash of the first `HASHED` bytes, below `SIZE`.
#[inline(always)]
pub(super) fn hash<const HASHED: u32, const SIZE: usize>(bytes: u64) -> usize {
    // Any odd number with many bits will do. This one is 2^64 divided by the golden ratio.
    let mixed = (bytes << (64 - 8 * HASHED)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (64 - SIZE.ilog2())) as usize
}
