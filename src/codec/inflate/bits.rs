//! Bytes into bits, the least significant first (RFC 1951 section 3.1.1).

/// A piece of the input, and bits taken from it that are not used yet. Meant to be passed by value, so that its numbers can
/// stay in registers.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    input: &'a [u8],
    at: usize,
    pending: Pending,
}

/// Bits that are left between two pieces of the input: too few for what comes next.
#[derive(Clone, Copy, Default)]
pub(super) struct Pending {
    /// Above `count` there may be more of the input already, or zeros.
    bits: u64,
    /// Modulo 64.
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(input: &'a [u8], pending: Pending) -> Self {
        Self { input, at: 0, pending }
    }

    /// Returns how much of the input was taken, and what is left of that.
    pub(super) fn finish(self) -> (usize, Pending) {
        (self.at, self.pending)
    }

    /// Returns how many bytes of the input were not taken.
    #[inline(always)]
    pub(super) fn bytes_left(&self) -> usize {
        self.input.len() - self.at
    }

    /// The next bits; how many of them count is [`count`](Self::count).
    #[inline(always)]
    pub(super) fn peek(&self) -> u64 {
        self.pending.bits
    }

    #[inline(always)]
    pub(super) fn count(&self) -> u32 {
        self.pending.count & 63
    }

    /// Makes it 56 bits or more; `false` if there are not so many bytes left that this can be done at once.
    #[inline(always)]
    pub(super) fn refill(&mut self) -> bool {
        let Some(next) = self.input.get(self.at..).and_then(|rest| rest.first_chunk()) else { return false };
        // Bits above the count are added again as what they are.
        self.pending.bits |= u64::from_le_bytes(*next) << self.count();
        self.at += ((63 - self.count()) >> 3) as usize;
        self.pending.count = self.count() | 56;
        true
    }

    /// Makes it 56 bits or more, or all there are.
    pub(super) fn fill(&mut self) {
        if !self.refill() {
            self.pending.count = self.count();
            while self.pending.count < 56 && self.bytes_left() > 0 {
                self.pending.bits |= u64::from(self.input[self.at]) << self.pending.count;
                self.pending.count += 8;
                self.at += 1;
            }
        }
    }

    /// Drops bits that there are. Only the last 6 bits of the number matter.
    #[inline(always)]
    pub(super) fn drop(&mut self, count: u32) {
        self.pending.bits >>= count & 63;
        self.pending.count = self.pending.count.wrapping_sub(count);
    }

    /// Takes bits, 32 of them or less; `None` if there are not so many yet.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        self.fill();
        if self.count() < count {
            return None;
        }
        let bits = self.peek() & ((1 << count) - 1);
        self.drop(count);
        Some(bits as u32)
    }

    /// Drops what is left of a byte.
    pub(super) fn align(&mut self) {
        self.drop(self.count() & 7);
    }

    /// Gives whole bytes back to the input, as far as they come from this piece of it.
    pub(super) fn give_back(&mut self) {
        let bytes = self.at.min((self.count() >> 3) as usize);
        self.at -= bytes;
        self.pending.count = self.count() - 8 * bytes as u32;
        self.pending.bits &= (1 << self.pending.count) - 1;
    }

    /// Takes whole bytes, at most `most`; no bits are left before that.
    pub(super) fn bytes(&mut self, most: usize) -> &'a [u8] {
        let rest = &self.input[self.at..];
        let bytes = &rest[..most.min(rest.len())];
        self.at += bytes.len();
        bytes
    }
}
