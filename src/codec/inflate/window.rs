//! What was made last: matches are copied from it, and it is handed out from here.

/// As far back as a match goes.
pub(super) const HISTORY: usize = 1 << 15;
/// The longest match.
const MAX_MATCH: usize = 258;
/// A power of two, so that places can be cut to it for nothing. So much less the history is made at a time: not too much
/// for the nearer caches, from which it will be hashed and written.
const SIZE: usize = 1 << 18;
/// Copies go in chunks of this size.
const CHUNK: usize = 16;
/// No symbols are decoded from here on. Some literals, the longest match and the chunks it ends in fit behind.
const LIMIT: usize = SIZE - MAX_MATCH - 4 * CHUNK;

/// An array whose length the compiler knows, with room for a chunk at its last place.
type Bytes = [u8; SIZE + CHUNK];

pub(super) struct Window {
    bytes: Box<Bytes>,
    /// Where what is made goes.
    pub(super) at: usize,
    /// Where what was made last begins.
    fresh: usize,
}

impl Window {
    pub(super) fn new() -> Self {
        let bytes = vec![0; size_of::<Bytes>()].into_boxed_slice().try_into().expect("it has that length");
        Self { bytes, at: 0, fresh: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.at = 0;
        self.fresh = 0;
    }

    /// Forgets what was made, but for what matches may need.
    pub(super) fn advance(&mut self) {
        if self.at >= LIMIT {
            self.bytes.copy_within(self.at - HISTORY..self.at, 0);
            self.at = HISTORY;
        }
        self.fresh = self.at;
    }

    pub(super) fn fresh(&self) -> &[u8] {
        &self.bytes[self.fresh..self.at]
    }

    /// Returns how many bytes fit.
    pub(super) fn room(&self) -> usize {
        SIZE - self.at
    }

    /// Adds bytes that fit.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.bytes[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// Returns what adds symbols. Where it ends is to be told to the window.
    pub(super) fn made(&mut self) -> Made<'_> {
        Made { bytes: &mut self.bytes, at: self.at }
    }
}

/// Adds symbols. Meant to be passed by value, so that its number can stay in a register.
pub(super) struct Made<'a> {
    bytes: &'a mut Bytes,
    pub(super) at: usize,
}

impl Made<'_> {
    #[inline(always)]
    pub(super) fn has_room(&self) -> bool {
        self.at < LIMIT
    }

    #[inline(always)]
    pub(super) fn push(&mut self, literal: u16) {
        self.bytes[self.at & (SIZE - 1)] = literal as u8;
        self.at += 1;
    }

    /// Repeats what is so far back, which is there.
    #[inline(always)]
    pub(super) fn repeat(&mut self, distance: usize, length: usize) {
        let mut to = self.at;
        self.at += length;
        if distance < CHUNK {
            return repeat_near(self.bytes, distance, to, self.at);
        }
        // Most matches are no longer than two chunks.
        loop {
            copy(self.bytes, to - distance, to);
            copy(self.bytes, to - distance + CHUNK, to + CHUNK);
            to += 2 * CHUNK;
            if to >= self.at {
                return;
            }
        }
    }
}

/// Repeats a few bytes up to `end`: what was repeated once is twice as long, until it is a chunk.
fn repeat_near(bytes: &mut Bytes, mut distance: usize, mut to: usize, end: usize) {
    if distance == 1 {
        let byte = bytes[to - 1];
        return bytes[to..end].fill(byte);
    }
    while to < end {
        copy(bytes, to - distance, to);
        if distance < CHUNK {
            to += distance;
            distance *= 2;
        } else {
            to += CHUNK;
        }
    }
}

#[inline(always)]
fn copy(bytes: &mut Bytes, from: usize, to: usize) {
    let (from, to) = (from & (SIZE - 1), to & (SIZE - 1));
    let chunk: [u8; CHUNK] = *bytes[from..].first_chunk().expect("there is room for a chunk");
    bytes[to..to + CHUNK].copy_from_slice(&chunk);
}
