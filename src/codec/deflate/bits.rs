//! Bits into bytes, the least significant first (RFC 1951 section 3.1.1).

/// Bytes there is room for between two calls of [`BitWriter::drain`]; a power of two.
pub(super) const ROOM: usize = 1 << 17;

/// The room of a [`BitWriter`], with what one write of 8 bytes may go beyond.
pub(super) type Room = [u8; ROOM + 8];

/// Collects bits. Meant to be passed by value, so that its numbers can stay in registers.
pub(super) struct BitWriter<'a> {
    room: &'a mut Room,
    out: &'a mut Vec<u8>,
    /// Whole bytes in `room`.
    at: usize,
    /// Bits that are no whole byte yet, and how many.
    bits: u64,
    count: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(room: &'a mut Room, out: &'a mut Vec<u8>) -> Self {
        Self { room, out, at: 0, bits: 0, count: 0 }
    }

    /// Adds bits, at most 56 of them between two calls of [`flush`](Self::flush). Above `count` there are none.
    #[inline(always)]
    pub(super) fn put(&mut self, bits: u64, count: u32) {
        self.bits |= bits << (self.count & 63);
        self.count += count;
    }

    /// Moves whole bytes into the room.
    #[inline(always)]
    pub(super) fn flush(&mut self) {
        let at = self.at & (ROOM - 1);
        self.room[at..at + 8].copy_from_slice(&self.bits.to_le_bytes());
        self.at += (self.count >> 3) as usize;
        self.bits >>= self.count & 56;
        self.count &= 7;
    }

    /// Moves the room's bytes to where they belong.
    pub(super) fn drain(&mut self) {
        self.flush();
        assert!(self.at < ROOM, "a block was larger than it was computed to be");
        self.out.extend_from_slice(&self.room[..self.at]);
        self.at = 0;
    }

    /// Fills the last byte with zeros.
    pub(super) fn align(&mut self) {
        self.count = self.count.next_multiple_of(8);
        self.drain();
    }

    /// Adds bytes after [`align`](Self::align).
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }
}
