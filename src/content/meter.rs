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

/// Measures stored bytes beside those that are made of them: two hashes at a time take hardly longer than one.
pub(super) struct Late {
    meter: Meter,
    waiting: Vec<u8>,
    measured: usize,
}

impl Late {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        Self { meter: Meter::new(algorithm), waiting: Vec::new(), measured: 0 }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.meter.update(bytes);
    }

    /// Takes bytes that were used, and gives an old buffer for them.
    pub(super) fn take(&mut self, bytes: &mut Vec<u8>) {
        self.catch_up();
        std::mem::swap(&mut self.waiting, bytes);
        self.measured = 0;
    }

    /// Measures other bytes, and some of those that wait.
    pub(super) fn beside(&mut self, meter: &mut Meter, bytes: &[u8]) {
        let waiting = &self.waiting[self.measured..];
        let now = &waiting[..waiting.len().min(bytes.len())];
        Meter::update_both(meter, bytes, &mut self.meter, now);
        self.measured += now.len();
    }

    fn catch_up(&mut self) {
        self.meter.update(&self.waiting[self.measured..]);
        self.measured = self.waiting.len();
    }

    pub(super) fn finish(mut self) -> Measured {
        self.catch_up();
        self.meter.finish()
    }
}
