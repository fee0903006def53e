//! Finding what has been there before, for speed above all.
//!
//! Greedy, with one candidate for each place: a table leads from the hash of the next bytes to the last place that had
//! it. What costs is not arithmetic but waiting for memory and branches that cannot be predicted. So two neighbouring
//! places are looked up at a time, before it is known whether the first one matches, and an entry tells by itself whether
//! it is a match: only those are read.

use std::hint::select_unpredictable;

use super::symbols::Found;
use super::window::{MAX_DISTANCE, Window, mix};
use super::{Finder, Place, zeroed};

/// Places in the table, as a power of two. Twice as many take 2 % longer and make files 0.4 % smaller.
const TABLE_BITS: u32 = 14;
/// Bytes that are hashed. Shorter matches are not found: to look for those of 5 as well takes 8 % longer and makes files 1 %
/// smaller.
const HASHED: u32 = 6;
/// How far to go when two places have no match, in 2^5ths: a bit further each time, but not without end. What comes again
/// after a dense stretch, or that stretch itself, should still be found.
const STEP_BITS: u32 = 5;
const FIRST_STEP: usize = 2 << STEP_BITS;
const LAST_STEP: usize = 32 << STEP_BITS;

pub(in crate::codec) struct Greedy {
    /// Sums of a place and further bits of the hash of what is there. Two with the same hash differ by their distance, others
    /// most likely by more than any distance there is.
    table: Box<[u32; 1 << TABLE_BITS]>,
    /// How far to go next.
    step: usize,
}

impl Finder for Greedy {
    const BLOCK: usize = 64 << 10;
    const EFFORT: u8 = 4;
    const MIN_MATCH: usize = 4;

    fn new() -> Self {
        Self { table: zeroed(), step: FIRST_STEP }
    }

    fn start(&mut self) {
        self.table.fill(0);
        self.step = FIRST_STEP;
    }

    #[inline(always)]
    fn search(&mut self, input: &[u8], window: Window, place: Place, limit: usize, found: &mut Found) -> Place {
        let Place { mut at, mut anchor } = place;
        let mut step = self.step.min(LAST_STEP);
        while at < limit {
            let [here, next] = window.two_eights(at);
            let (first, second) = (self.enter(at, here), self.enter(at + 1, next));
            let (first_matches, second_matches) = (is_near(first), is_near(second));
            if !(first_matches | second_matches) {
                at += step >> STEP_BITS;
                step += 1;
                continue;
            }
            let distance = select_unpredictable(first_matches, first, second) as usize;
            let place = at + usize::from(!first_matches);
            let differs = select_unpredictable(first_matches, here, next) ^ window.eight(place.wrapping_sub(distance));
            if (differs as u32 != 0) | (distance.wrapping_sub(1) >= place) {
                // Other bytes with the same hash, or the place itself, met again where two blocks touch.
                at += 2;
                continue;
            }
            let length = window.match_length(place, distance, (differs.trailing_zeros() / 8) as usize);
            found.add(input, window, anchor, place, length, distance);
            anchor = place + length;
            // Not all places in a match are worth their time.
            for inside in [place + 2, anchor - 2] {
                self.enter(inside, window.eight(inside));
            }
            at = anchor;
            step = FIRST_STEP;
        }
        self.step = step;
        Place { at, anchor }
    }
}

impl Greedy {
    /// Puts a place into the table. Returns how far away the one is that was there, if it has the same bytes, and otherwise
    /// most likely a number that is no distance.
    #[inline(always)]
    fn enter(&mut self, at: usize, bytes: u64) -> u32 {
        let mixed = mix::<HASHED>(bytes);
        let entry = &mut self.table[(mixed >> (u64::BITS - TABLE_BITS)) as usize];
        let new = ((mixed >> (u32::BITS - TABLE_BITS)) as u32).wrapping_add(at as u32);
        new.wrapping_sub(std::mem::replace(entry, new))
    }
}

#[inline(always)]
fn is_near(distance: u32) -> bool {
    distance <= MAX_DISTANCE as u32
}
