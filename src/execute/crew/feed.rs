//! Cutting what is read into blocks for a lane.

use super::{Crew, LaneId};
use crate::codec::{BLOCK_LEN, Encoding};
use crate::content::Receiver;
use crate::error::Result;
use crate::execute::block::{Block, Streams};

/// Blocks that are only handed on are smaller than those that are compressed.
const PASSING_LEN: usize = 256 << 10;

/// Hands the streams of a job to its lane: at once where nobody else could do it meanwhile, else as blocks.
pub(in crate::execute) struct Feed<'c, 'a> {
    crew: &'c Crew<'a>,
    lane: LaneId,
    encoding: Option<Encoding>,
    /// Whether what is stored is the plain stream.
    is_plain: bool,
    /// Stored bytes that go with the plain bytes to come: measuring both takes hardly longer than one.
    waiting: Vec<u8>,
    /// How much of them was handed on.
    handed_on: usize,
    /// Plain bytes that are not enough for a block yet.
    begun: Option<Block>,
    any: bool,
}

impl<'c, 'a> Feed<'c, 'a> {
    pub(in crate::execute) fn new(
        crew: &'c Crew<'a>,
        lane: LaneId,
        encoding: Option<Encoding>,
        is_plain: bool,
    ) -> Self {
        let (waiting, handed_on) = (Vec::new(), 0);
        Self { crew, lane, encoding, is_plain, waiting, handed_on, begun: None, any: false }
    }

    /// Hands on what is left. Of an empty stream, a block without bytes is compressed.
    pub(in crate::execute) fn end(mut self) -> Result<()> {
        if self.begun.is_none() && (self.any || self.encoding.is_none()) {
            return self.rest();
        }
        let last = self.begun.take().unwrap_or_else(|| self.crew.empty_block());
        self.send(last)
    }

    fn block_len(&self) -> usize {
        if self.encoding.is_some() { BLOCK_LEN } else { PASSING_LEN }
    }

    /// Commits plain bytes that need not be compressed, and as many stored ones, if this thread is to do that. Tells whether
    /// it was.
    fn pass(&mut self, plain: &[u8]) -> Result<bool> {
        if self.encoding.is_some() || self.begun.is_some() {
            return Ok(false);
        }
        let stored = &self.waiting[self.handed_on..];
        let stored = &stored[..stored.len().min(plain.len())];
        let passed = self.crew.commit_now(self.lane, Streams { stored, plain, made: &[] })?;
        self.handed_on += if passed { stored.len() } else { 0 };
        Ok(passed)
    }

    /// Puts plain bytes together.
    fn gather(&mut self, mut bytes: &[u8]) -> Result<()> {
        let len = self.block_len();
        while !bytes.is_empty() {
            let mut block = self.begun.take().unwrap_or_else(|| self.crew.empty_block());
            block.plain.reserve_exact(len - block.plain.len());
            let (now, later) = bytes.split_at(bytes.len().min(len - block.plain.len()));
            block.plain.extend_from_slice(now);
            bytes = later;
            if block.plain.len() < len {
                self.begun = Some(block);
            } else {
                self.send(block)?;
            }
        }
        Ok(())
    }

    /// Hands on a block, with the stored bytes that wait.
    fn send(&mut self, mut block: Block) -> Result<()> {
        self.any = true;
        std::mem::swap(&mut block.stored, &mut self.waiting);
        block.from = std::mem::take(&mut self.handed_on);
        self.crew.push(self.lane, block, self.encoding)
    }

    /// Hands on the stored bytes that wait.
    fn rest(&mut self) -> Result<()> {
        let stored = &self.waiting[self.handed_on..];
        if stored.is_empty() || self.crew.commit_now(self.lane, Streams { stored, ..Streams::default() })? {
            return Ok(());
        }
        let mut block = self.crew.empty_block();
        std::mem::swap(&mut block.stored, &mut self.waiting);
        block.from = std::mem::take(&mut self.handed_on);
        // Nothing is to be compressed of it.
        self.crew.push(self.lane, block, None)
    }
}

impl Receiver for Feed<'_, '_> {
    fn read_len(&self) -> usize {
        if self.is_plain { self.block_len() } else { PASSING_LEN }
    }

    fn stored(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        if !self.is_plain {
            self.rest()?;
            std::mem::swap(&mut self.waiting, bytes);
            self.handed_on = 0;
            return Ok(());
        }
        if self.pass(bytes)? {
            return Ok(());
        }
        if self.begun.is_some() || (self.encoding.is_some() && bytes.len() < BLOCK_LEN) {
            return self.gather(bytes);
        }
        let mut block = self.crew.block_to_fill();
        std::mem::swap(&mut block.plain, bytes);
        self.send(block)
    }

    fn plain(&mut self, bytes: &[u8]) -> Result<()> {
        if self.pass(bytes)? { Ok(()) } else { self.gather(bytes) }
    }
}
