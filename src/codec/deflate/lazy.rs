//! Finding what has been there before, for size as well.
//!
//! Two candidates for each place: the last ones with the same 3 bytes and the same 6 bytes. Of the matches at two
//! neighbouring places the better one is taken.
//!
//! What this costs is waiting: whether there is a match, where it ends, where the next one is looked for. Each follows from
//! the one before, and none can be predicted. All places are therefore entered in the tables some time ahead, a few in each
//! round, between the reads that are waited for and the branch that waits: entering waits for nothing.

use std::hint::select_unpredictable;

use super::symbols::Found;
use super::window::{MAX_DISTANCE, Window, mix};
use super::{Finder, Place, zeroed};

/// Places in the tables by 3 and by 6 bytes, as powers of two.
const NEAR_BITS: u32 = 14;
const FAR_BITS: u32 = 16;
/// Places that are entered at a time: a few more than a round gets on.
const ROUND: usize = 8;
/// How far ahead they are at most.
const AHEAD: usize = 64;
/// Places whose candidates are kept: those ahead and a round more.
const KEPT: usize = 128;

pub(in crate::codec) struct Lazy {
    /// Places, modulo 2^16. An old one, or none, is a place like any other: whether it matches is seen there.
    near: Box<[u16; 1 << NEAR_BITS]>,
    far: Box<[u16; 1 << FAR_BITS]>,
    /// What the tables had for the last places, by place.
    near_candidates: [u16; KEPT],
    far_candidates: [u16; KEPT],
    /// Places before this one are in the tables.
    entered: usize,
}

impl Finder for Lazy {
    const BLOCK: usize = 32 << 10;
    const EFFORT: u8 = 0;
    const MIN_MATCH: usize = 3;

    fn new() -> Self {
        Self { near: zeroed(), far: zeroed(), near_candidates: [0; KEPT], far_candidates: [0; KEPT], entered: 0 }
    }

    fn start(&mut self) {
        self.near.fill(0);
        self.far.fill(0);
        self.entered = 0;
    }

    #[inline(always)]
    fn search(&mut self, input: &[u8], window: Window, place: Place, limit: usize, found: &mut Found) -> Place {
        let Place { mut at, mut anchor } = place;
        while at < limit {
            while self.entered < at + 2 {
                self.enter(window);
            }
            let (first, second) = (self.best(window, at), self.best(window, at + 1));
            if self.entered < at + AHEAD {
                self.enter(window);
            }
            if !(first.is_long_enough() | second.is_long_enough()) {
                at += step(at - anchor);
                continue;
            }
            let later = second.is_better_than(first);
            let best = Match(select_unpredictable(later, second.0, first.0));
            at += usize::from(later);
            if best.distance() > MAX_DISTANCE {
                // What is there now comes after this place.
                at += 1;
                continue;
            }
            let length = window.match_length(at, best.distance(), best.length());
            found.add(input, window, anchor, at, length, best.distance());
            at += length;
            anchor = at;
        }
        Place { at, anchor }
    }
}

impl Lazy {
    /// Enters the next places, and keeps what was there.
    #[inline(always)]
    fn enter(&mut self, window: Window) {
        let from = self.entered & (KEPT - ROUND);
        let near = self.near_candidates[from..].first_chunk_mut::<ROUND>().expect("a multiple of a round");
        let far = self.far_candidates[from..].first_chunk_mut::<ROUND>().expect("a multiple of a round");
        for pair in 0..ROUND / 2 {
            let at = self.entered + 2 * pair;
            // Enough for two places.
            let bytes = window.eight(at);
            for (at, bytes, kept) in [(at, bytes, 2 * pair), (at + 1, bytes >> 8, 2 * pair + 1)] {
                let entry = &mut self.far[(mix::<6>(bytes) >> (u64::BITS - FAR_BITS)) as usize];
                far[kept] = std::mem::replace(entry, at as u16);
                let entry = &mut self.near[(mix::<3>(bytes) >> (u64::BITS - NEAR_BITS)) as usize];
                near[kept] = std::mem::replace(entry, at as u16);
            }
        }
        self.entered += ROUND;
    }

    /// Returns the longer match of the two candidates.
    #[inline(always)]
    fn best(&self, window: Window, at: usize) -> Match {
        let bytes = window.eight(at);
        let candidates = [self.near_candidates[at % KEPT], self.far_candidates[at % KEPT]];
        let [near, far] = candidates.map(|place| {
            let differs = bytes ^ window.eight(place.into());
            // Less 1, which leaves the 15 bits that are known of it.
            let distance = at.wrapping_sub(usize::from(place) + 1) & 0x7fff;
            (differs.trailing_zeros() / 8) << 15 | (distance as u32 ^ 0x7fff)
        });
        Match(near.max(far))
    }
}

/// A match that may be none: how many of the first 8 bytes are the same, and 15 bits of how near they are. The larger
/// number is the better match.
#[derive(Clone, Copy)]
struct Match(u32);

impl Match {
    #[inline(always)]
    fn is_long_enough(self) -> bool {
        self.0 >= 3 << 15
    }

    /// Tells whether a match is worth a literal before it, instead of the one that is possible there: it is longer by two, or
    /// by one and nearer.
    #[inline(always)]
    fn is_better_than(self, earlier: Self) -> bool {
        self.0 > select_unpredictable(earlier.is_long_enough(), earlier.0 + (1 << 15), 0)
    }

    #[inline(always)]
    fn length(self) -> usize {
        (self.0 >> 15) as usize
    }

    #[inline(always)]
    fn distance(self) -> usize {
        (self.0 as usize & 0x7fff ^ 0x7fff) + 1
    }
}

/// Returns how far to go when two places have no match, and none was found for so many bytes before. Steps become longer by
/// one for each 2^7 bytes, but not without end: what comes again after a dense stretch, or that stretch itself, should still
/// be found.
#[inline(always)]
fn step(literals: usize) -> usize {
    (2 + (literals >> 7)).min(32)
}
