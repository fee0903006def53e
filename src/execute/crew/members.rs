//! Inflating a gzip stream with all threads, member by member, as long as it can be guessed where they begin.

use super::{Crew, LaneId};
use crate::codec::{Cut, Cutter};
use crate::content::Receiver;
use crate::error::{Error, Result};

/// Hands runs of members to a lane, to be inflated by any thread.
pub(in crate::execute) struct Members<'c, 'a> {
    crew: &'c Crew<'a>,
    lane: LaneId,
    cutter: Cutter,
    /// How much of the content was read.
    read: u64,
    /// Where in it the next run begins.
    at: u64,
    /// Whether it goes on with something else than members that can be found, or a guess was wrong.
    is_over: bool,
}

impl<'c, 'a> Members<'c, 'a> {
    pub(in crate::execute) fn new(crew: &'c Crew<'a>, lane: LaneId) -> Self {
        Self { crew, lane, cutter: Cutter::default(), read: 0, at: 0, is_over: false }
    }

    /// Returns up to where the members were inflated, and up to where the content was read; `is_whole` if that is its end.
    /// What is behind the first of them, a decoder of the whole stream has to inflate.
    pub(in crate::execute) fn end(mut self, is_whole: bool) -> Result<(u64, u64)> {
        while is_whole && !self.is_over && self.hand_on(Cutter::last)? {}
        Ok((self.crew.wrong_guess(self.lane)?.unwrap_or(self.at), self.read))
    }

    /// Hands on what is cut off next, and tells whether there was something.
    fn hand_on(&mut self, cut: impl Fn(&mut Cutter) -> Cut) -> Result<bool> {
        let len = match cut(&mut self.cutter) {
            Cut::Members(len) => len,
            Cut::More => return Ok(false),
            Cut::Other => {
                self.is_over = true;
                return Ok(false);
            }
        };
        let mut block = self.crew.empty_block();
        self.cutter.take(len, &mut block.stored);
        block.at = self.at;
        self.is_over = !self.crew.push_members(self.lane, block)?;
        self.at += len as u64;
        Ok(!self.is_over)
    }
}

impl Receiver for Members<'_, '_> {
    fn stored(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        self.read += bytes.len() as u64;
        self.cutter.push(bytes);
        while self.hand_on(Cutter::next)? {}
        // Nobody is told: it is how the reader is stopped.
        if self.is_over { Err(Error::cancelled()) } else { Ok(()) }
    }

    fn plain(&mut self, _: &[u8]) -> Result<()> {
        unreachable!("other threads inflate")
    }
}
