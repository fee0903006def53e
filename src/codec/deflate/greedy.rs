//! Finding what has been there before, for speed above all.
//!
//! Greedy, with one candidate for each place: a table leads from the hash of the next bytes to the last place that had
//! it. Two neighbouring places are looked up at a time, before it is known whether the first one matches: what costs is
//! not arithmetic but waiting for memory and branches that cannot be predicted.

use std::hint::select_unpredictable;

use super::symbols::Symbols;
use super::window::{Window, hash};
use super::{Finder, step, zeroed};

/// Places in the table. A smaller one fits into nearer caches, but that gains less time than it loses matches.
const TABLE: usize = 1 << 16;
/// Bytes that are hashed. Shorter matches are taken where they turn up: to look for those of 5 as well takes 6 % longer and
/// makes files 1 % smaller.
const HASHED: u32 = 6;

pub(in crate::codec) struct Greedy {
    /// Places, modulo 2^16. An old one, or none, is a place like any other: whether it matches is seen there.
    table: Box<[u16; TABLE]>,
}

impl Finder for Greedy {
    const BLOCK: usize = 48 << 10;
    const EFFORT: u8 = 4;
    const MIN_MATCH: usize = 4;

    fn new() -> Self {
        Self { table: zeroed() }
    }

    fn start(&mut self) {
        self.table.fill(0);
    }

    fn find(&mut self, window: &Window, start: usize, stop: usize, symbols: &mut Symbols) -> usize {
        let limit = window.limit(stop);
        // Literals since here.
        let mut anchor = start;
        // Nothing comes before the first byte.
        let mut at = start.max(1);
        while at < limit {
            let (first, distance_of_first) = self.look_up(window, at);
            let (second, distance_of_second) = self.look_up(window, at + 1);
            let first_matches = first as u32 == 0;
            if !(first_matches | (second as u32 == 0)) {
                at += step(at - anchor);
                continue;
            }
            let next = at + 2;
            let differs = select_unpredictable(first_matches, first, second);
            let distance = select_unpredictable(first_matches, distance_of_first, distance_of_second);
            at += usize::from(!first_matches);
            if distance == 0 {
                // The place itself, met again where two blocks touch, or one that is 32 KiB away.
                at = next;
                continue;
            }
            let length = window.match_length(at, distance, (differs.trailing_zeros() / 8) as usize);
            symbols.add(window, anchor, at, length, distance);
            anchor = at + length;
            // Not all places in a match are worth their time.
            for inside in [at + 2, anchor - 2] {
                self.table[hash::<HASHED, TABLE>(window.eight(inside))] = inside as u16;
            }
            at = anchor;
        }
        let stop = stop.max(anchor);
        symbols.add_literals(window, anchor, stop);
        stop
    }
}

impl Greedy {
    /// Puts a place into the table. Returns how its next 8 bytes differ from those at the candidate (as an exclusive or)
    /// and how far away that is: at most 32767, for which the last 15 bits of a place are enough.
    #[inline(always)]
    fn look_up(&mut self, window: &Window, at: usize) -> (u64, usize) {
        let bytes = window.eight(at);
        let entry = &mut self.table[hash::<HASHED, TABLE>(bytes)];
        let distance = at.wrapping_sub(usize::from(*entry)) & 0x7fff;
        *entry = at as u16;
        (bytes ^ window.eight(at - distance), distance)
    }
}
