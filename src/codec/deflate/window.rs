//! The input as far back as matches reach, where reads need no check.

use std::hint::select_unpredictable;

use super::symbols::MAX_MATCH;
use super::zeroed;

/// The longest input there may be.
pub(super) const CAPACITY: usize = 1 << 20;
/// The bytes at hand: as many as distances go back, at places modulo this length.
const RING: usize = 1 << 15;
/// The ring's beginning is repeated behind its end, for reads that go beyond.
const REPEATED: usize = 16;
/// Bytes that are brought at a time.
const CHUNK: usize = 512;
/// Bytes that are at hand behind a place where a match may begin: the longest match, and what is read with it.
const AHEAD: usize = MAX_MATCH + 30;
/// The farthest match. Behind it, the ring has already what comes next; a finder may go on from up to a step before.
pub(super) const MAX_DISTANCE: usize = RING - AHEAD - CHUNK - 64;
/// Matches are looked for up to so many bytes before the end, so that nothing has to be checked for each read.
const MARGIN: usize = 24;

/// Room for the bytes at hand, to be used again and again. What it has from before is of no consequence.
pub(in crate::codec) struct Ring(Box<[u8; RING + REPEATED]>);

impl Ring {
    pub(super) fn new() -> Self {
        Self(zeroed())
    }
}

/// An input, of which a ring has what is looked at.
pub(in crate::codec) struct Input<'a> {
    pub(super) bytes: &'a [u8],
    ring: &'a mut [u8; RING + REPEATED],
    /// How much of it was brought into the ring.
    brought: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8], ring: &'a mut Ring) -> Self {
        Self { bytes, ring: &mut ring.0, brought: 0 }
    }

    /// Brings what is needed to look at `at`, which never goes back by more than a step.
    pub(super) fn window(&mut self, at: usize) -> Window<'_> {
        let end = self.bytes.len().min((at + AHEAD + CHUNK) & !(CHUNK - 1));
        while self.brought < end {
            let place = self.brought % RING;
            let chunk = &self.bytes[self.brought..end.min(self.brought + CHUNK)];
            self.ring[place..][..chunk.len()].copy_from_slice(chunk);
            self.brought += chunk.len();
            if place == 0 {
                self.ring.copy_within(..REPEATED, RING);
            }
        }
        let margin = if self.brought == self.bytes.len() { MARGIN } else { AHEAD };
        Window { ring: self.ring, end: self.brought, limit: self.brought.saturating_sub(margin) }
    }
}

/// The bytes around a place.
#[derive(Clone, Copy)]
pub(in crate::codec) struct Window<'a> {
    ring: &'a [u8; RING + REPEATED],
    end: usize,
    /// Matches can be looked for before this place.
    pub(super) limit: usize,
}

impl<'a> Window<'a> {
    /// Returns the 16 bytes from `at` on.
    #[inline(always)]
    pub(super) fn sixteen(self, at: usize) -> &'a [u8; 16] {
        self.ring[at % RING..].first_chunk().expect("what is beyond the end is repeated")
    }

    /// Returns the 8 bytes from `at` on.
    #[inline(always)]
    pub(super) fn eight(self, at: usize) -> u64 {
        eight(self.sixteen(at), 0)
    }

    /// Returns the 8 bytes from `at` on, and those from `at + 1` on.
    #[inline(always)]
    pub(super) fn two_eights(self, at: usize) -> [u64; 2] {
        let sixteen = self.sixteen(at);
        [eight(sixteen, 0), eight(sixteen, 1)]
    }

    /// Returns how long a match is of which the first `same` bytes of 8 are known to be the same, and no more if `same` is
    /// less than 8.
    #[inline(always)]
    pub(super) fn match_length(self, at: usize, distance: usize, same: usize) -> usize {
        let beyond = self.eight(at + 8) ^ self.eight(at + 8 - distance);
        let most = 8 + (beyond.trailing_zeros() / 8) as usize;
        let length = select_unpredictable(same < 8, same, most);
        // Most are as short as that.
        if length < 16 { length } else { self.long_match(at, distance) }
    }

    /// Returns how long a match is that has 16 bytes.
    fn long_match(self, at: usize, distance: usize) -> usize {
        let longest = MAX_MATCH.min(self.end - at);
        let mut length = 16;
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

#[inline(always)]
fn eight(bytes: &[u8; 16], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("there are 16"))
}

/// Mixes the first `HASHED` bytes, so that all of them count in the first bits.
#[inline(always)]
pub(super) fn mix<const HASHED: u32>(bytes: u64) -> u64 {
    // Any odd number with many bits will do. This one is 2^64 divided by the golden ratio.
    (bytes << (64 - 8 * HASHED)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
