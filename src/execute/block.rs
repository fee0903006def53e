//! Pieces of the streams of a job: what is stored in the source, what that inflates to, what is made of it.

/// A piece of each stream. Those that nobody wants are empty, and so are the stored bytes of what is not compressed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Streams<'b> {
    pub(super) stored: &'b [u8],
    pub(super) plain: &'b [u8],
    pub(super) made: &'b [u8],
}

/// The same, to be handed from thread to thread, and to be used again: first touches of fresh memory are slow.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) stored: Vec<u8>,
    /// Where in `stored` its piece begins.
    pub(super) from: usize,
    pub(super) plain: Vec<u8>,
    pub(super) made: Vec<u8>,
    /// Where in the content the stored bytes are, when it is a guess that they can be inflated by themselves.
    pub(super) at: u64,
}

impl Block {
    pub(super) fn streams(&self) -> Streams<'_> {
        Streams { stored: &self.stored[self.from..], plain: &self.plain, made: &self.made }
    }
}
