//! Cutting a gzip stream into runs of members that can be inflated apart from each other.
//!
//! What is compressed here consists of members that begin with the same bytes, so that where one ends can be guessed without
//! inflating it. A guess is right if what is between two of them inflates to whole members: then a decoder of the whole
//! stream would make the same of it. If not, that decoder has to say what it is.

use memchr::memmem;

use super::BLOCK_LEN;
use super::gzip::inflate_members;
use super::inflate::Inflate;
use super::member::{BEGIN, SYSTEM};

/// As much as a member can be whose contents are one block: what cannot shrink is stored, which takes hardly more.
const STORED_MAX: usize = BLOCK_LEN + (BLOCK_LEN >> 6);
/// The size of the contents is the last thing in a member (RFC 1952, 2.3.1).
const SIZE_LEN: usize = 4;

/// Finds runs of members in a stream.
#[derive(Default)]
pub(crate) struct Cutter {
    waiting: Vec<u8>,
    /// How much of it is a run of members, likely, and how large their contents are.
    end: usize,
    plain: usize,
    /// How much of it was looked at.
    seen: usize,
}

/// What a stream goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Members, likely, in so many bytes.
    Members(usize),
    /// That cannot be told yet.
    More,
    /// Something else, or a member that is too large.
    Other,
}

impl Cutter {
    /// As much of a stream's start as [`suits`](Self::suits) wants to see.
    pub(crate) const HEAD_LEN: usize = BEGIN.len() + 2;

    /// Tells whether a stream that starts like this can have members that can be found.
    pub(crate) fn suits(head: &[u8]) -> bool {
        head.starts_with(&BEGIN) && head.get(Self::HEAD_LEN - 1) == Some(&SYSTEM)
    }

    /// Adds what comes next in the stream.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// Tells what the stream goes on with.
    pub(crate) fn next(&mut self) -> Cut {
        while self.plain < BLOCK_LEN
            && let Some((at, size)) = self.boundary()
        {
            if self.plain + size > BLOCK_LEN {
                return Cut::Members(self.end);
            }
            (self.end, self.plain, self.seen) = (at, self.plain + size, at + 1);
        }
        let is_enough = self.plain == BLOCK_LEN || self.waiting.len() > STORED_MAX;
        match self.end {
            _ if !is_enough => Cut::More,
            0 => Cut::Other,
            end => Cut::Members(end),
        }
    }

    /// Tells what is left of a stream that has ended.
    pub(crate) fn last(&mut self) -> Cut {
        match (self.next(), self.waiting.len()) {
            (Cut::More, 1..) => {
                let fits = size_before(&self.waiting).is_some_and(|size| self.plain + size <= BLOCK_LEN);
                Cut::Members(if fits || self.end == 0 { self.waiting.len() } else { self.end })
            }
            (cut, _) => cut,
        }
    }

    /// Finds where the next member begins, likely, and how large the contents of the one before it are.
    fn boundary(&mut self) -> Option<(usize, usize)> {
        loop {
            // What begins with the first byte is no boundary.
            let from = self.seen.max(1);
            let found = memmem::find(self.waiting.get(from..)?, &BEGIN);
            let unseen = (self.waiting.len() + 1).saturating_sub(BEGIN.len());
            self.seen = found.map_or(unseen.max(from), |found| from + found);
            let at = from + found?;
            let head = self.waiting.get(at..at + Self::HEAD_LEN)?;
            match size_before(&self.waiting[..at]).filter(|size| *size <= BLOCK_LEN && Self::suits(head)) {
                Some(size) => return Some((at, size)),
                // It only looks like a member's begin.
                None => self.seen = at + 1,
            }
        }
    }

    /// Takes the bytes that were cut off.
    pub(crate) fn take(&mut self, len: usize, to: &mut Vec<u8>) {
        to.extend(self.waiting.drain(..len));
        self.seen -= len.min(self.seen);
        (self.end, self.plain) = (0, 0);
    }
}

fn size_before(bytes: &[u8]) -> Option<usize> {
    Some(u32::from_le_bytes(*bytes.last_chunk::<SIZE_LEN>()?) as usize)
}

/// Inflates runs of members, as a [`Cutter`] finds them.
pub(crate) struct BlockDecoder(Inflate);

impl BlockDecoder {
    pub(crate) fn new() -> Self {
        Self(Inflate::new())
    }

    /// Appends the contents to `plain`, which is empty, and tells whether `stored` is such a run.
    pub(crate) fn decode(&mut self, stored: &[u8], plain: &mut Vec<u8>) -> bool {
        plain.reserve_exact(BLOCK_LEN);
        inflate_members(&mut self.0, stored, plain, BLOCK_LEN)
    }
}

/// Inflates the runs of a stream that comes in pieces of this size, up to the first that is none. Returns what was made of
/// each, and where they end.
#[cfg(any(test, fuzzing))]
pub(crate) fn inflate_runs(stored: &[u8], piece_len: usize) -> (Vec<Vec<u8>>, usize) {
    let (mut cutter, mut decoder) = (Cutter::default(), BlockDecoder::new());
    let (mut runs, mut end) = (Vec::new(), 0);
    let mut all = |cutter: &mut Cutter, next: fn(&mut Cutter) -> Cut| {
        loop {
            let len = match next(cutter) {
                Cut::Members(len) => len,
                other => return other == Cut::More,
            };
            let (mut members, mut plain) = (Vec::new(), Vec::new());
            cutter.take(len, &mut members);
            if !decoder.decode(&members, &mut plain) {
                return false;
            }
            runs.push(plain);
            end += len;
        }
    };
    let mut push = |piece: &[u8]| {
        cutter.push(piece);
        all(&mut cutter, Cutter::next)
    };
    if stored.chunks(piece_len).all(&mut push) {
        all(&mut cutter, Cutter::last);
    }
    (runs, end)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;
    use crate::codec::encode::{BlockEncoder, Encoding};
    use crate::codec::member::gzip_stored;
    use crate::codec::{Compression, decoder};
    use crate::limits::Limits;

    /// Compresses as layers are.
    fn compressed(plain: &[u8]) -> Vec<u8> {
        let mut encoder = BlockEncoder::new(Encoding::new(Compression::Gzip, None).unwrap()).unwrap();
        let (mut stored, mut made) = (Vec::new(), Vec::new());
        for block in plain.chunks(BLOCK_LEN) {
            encoder.encode(block, &mut made).unwrap();
            stored.extend_from_slice(&made);
        }
        stored
    }

    fn text(len: usize) -> Vec<u8> {
        (0..len as u32).flat_map(|i| (i / 5 % 1000).to_le_bytes()).take(len).collect()
    }

    /// Cuts and inflates. Tells what was made of each run, and whether that is all of the stream.
    fn cut(stored: &[u8], piece_len: usize) -> (Vec<Vec<u8>>, bool) {
        let (runs, end) = inflate_runs(stored, piece_len);
        (runs, end == stored.len())
    }

    fn inflated(stored: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        let limits = Limits::default();
        decoder(Compression::Gzip, stored, &limits)?.read_to_end(&mut plain)?;
        Ok(plain)
    }

    #[test]
    fn each_block_is_a_run_of_its_own() {
        let plain = text(3 * BLOCK_LEN + 7);
        let stored = compressed(&plain);
        assert!(Cutter::suits(&stored));
        for piece_len in [5, 4099, 1 << 18, usize::MAX] {
            let (runs, is_whole) = cut(&stored, piece_len);
            assert!(is_whole && runs.iter().map(Vec::len).eq([BLOCK_LEN, BLOCK_LEN, BLOCK_LEN, 7]));
            assert!(runs.concat() == plain);
        }
    }

    #[test]
    fn small_members_go_together() {
        let plain = text(BLOCK_LEN + 1000);
        let stored: Vec<u8> = plain.chunks(100_000).flat_map(compressed).collect();
        let (runs, is_whole) = cut(&stored, 1000);
        assert!(is_whole && runs.concat() == plain);
        assert_eq!(runs.len(), 2);
    }

    #[test]
    fn what_is_stored_may_look_like_a_member() {
        let first = compressed(&text(BLOCK_LEN));
        // By what stands before it, it is behind so many bytes; only the last is taken for what it is not.
        for (size, is_right) in [(u32::MAX, true), (BLOCK_LEN as u32 + 1, true), (1, true), (BLOCK_LEN as u32, false)] {
            let plain = [&text(5000), &size.to_le_bytes()[..], &compressed(b"inner"), b"more"].concat();
            let mut stored = Vec::new();
            gzip_stored(&plain, &mut stored);
            let stream = [&first[..], &stored, &first].concat();
            let (runs, is_whole) = cut(&stream, 70_000);
            assert_eq!(is_whole, is_right, "{size}");
            let all = [&text(BLOCK_LEN)[..], &plain, &text(BLOCK_LEN)].concat();
            let right = if is_right { &all } else { &all[..BLOCK_LEN] };
            assert!(runs.concat() == right, "{size}");
        }
    }

    #[test]
    fn other_streams_are_left_alone() {
        let plain = text(3 * BLOCK_LEN);
        let mut go = Vec::new();
        flate2::GzBuilder::new()
            .operating_system(255)
            .read(&plain[..], flate2::Compression::fast())
            .read_to_end(&mut go)
            .unwrap();
        // It begins the same.
        assert!(Cutter::suits(&go) && !Cutter::suits(&plain) && !Cutter::suits(&go[..9]));
        assert_eq!(cut(&go, 1 << 18), (Vec::new(), false));
        // A member that is too large, in between.
        let own = compressed(&text(2 * BLOCK_LEN));
        let (runs, is_whole) = cut(&[&own[..], &go, &own].concat(), 1 << 18);
        assert!(!is_whole && runs.len() == 2);
        // Padding, which only the end of a stream may have.
        for stream in [[&own[..], &[0; 50], &own].concat(), [&own[..], &[0; 50]].concat()] {
            assert!(!cut(&stream, 1 << 18).1);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever happens to a stream: if all runs can be inflated by themselves, so can it, to the same; if not, what could
        /// be is what it begins with.
        #[test]
        fn runs_are_what_the_stream_is(
            lens in prop::collection::vec(1_usize..BLOCK_LEN, 1..4),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
            left in any::<prop::sample::Index>(),
            is_cut in any::<bool>(),
        ) {
            let mut stored: Vec<u8> = lens.iter().flat_map(|&len| compressed(&text(len))).collect();
            for (at, byte) in changes {
                let at = at.index(stored.len());
                stored[at] = byte;
            }
            if is_cut {
                stored.truncate(left.index(stored.len()));
            }
            let (runs, is_whole) = cut(&stored, 10_000);
            match inflated(&stored) {
                Ok(plain) if is_whole => prop_assert!(runs.concat() == plain),
                Ok(plain) => prop_assert!(plain.starts_with(&runs.concat())),
                Err(_) => prop_assert!(!is_whole || stored.is_empty()),
            }
        }
    }
}
