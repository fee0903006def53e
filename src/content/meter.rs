//! What a stream is: its hash and its length.

use crate::digest::{Algorithm, Digest, Hasher, update_both};

/// What a stream was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

/// Counts and hashes a stream.
pub(crate) struct Meter {
    hasher: Hasher,
    size: u64,
}

impl Meter {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        Self { hasher: Hasher::new(algorithm), size: 0 }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// Does what two updates do, in less time.
    pub(crate) fn update_both(one: &mut Self, bytes: &[u8], other: &mut Self, others: &[u8]) {
        update_both(&mut one.hasher, bytes, &mut other.hasher, others);
        one.size += bytes.len() as u64;
        other.size += others.len() as u64;
    }

    pub(crate) fn finish(self) -> Measured {
        Measured { digest: self.hasher.finish(), size: self.size }
    }
}
