//! Reading the stored bytes of a content.

use std::cell::RefCell;
use std::io::{self, BufRead, Read};
use std::ops::Range;

use super::{Content, Reader};
use crate::code::Code;
use crate::codec::{self, Compression};
use crate::context::{Context, Ongoing};
use crate::error::{Error, Result};

/// Receives a content.
pub(crate) trait Receiver {
    /// How much is read at a time. Larger reads cost nothing, and threads meet less often where they take turns.
    fn read_len(&self) -> usize {
        256 << 10
    }

    /// Takes stored bytes, in order, once nobody else needs them. It may keep the buffer and leave another: what is in
    /// that does not matter.
    fn stored(&mut self, bytes: &mut Vec<u8>) -> Result<()>;

    /// Takes what was inflated, in order.
    fn plain(&mut self, bytes: &[u8]) -> Result<()>;
}

/// Reads the stored bytes, and hands them on when they were used. A decoder above it can only pass an `io::Error` on, so the
/// real reason of a failure is kept here.
pub(super) struct Tap<'a, 'r> {
    reader: Reader<'a>,
    pub(super) content: &'a Content,
    /// Tells the observer.
    reading: Ongoing<'a>,
    cx: &'a Context<'a>,
    /// How much was read.
    position: u64,
    to: &'a RefCell<&'r mut dyn Receiver>,
    buffer: Vec<u8>,
    ready: Range<usize>,
    pub(super) failure: Option<Error>,
}

impl<'a, 'r> Tap<'a, 'r> {
    pub(super) fn open(
        content: &'a Content,
        from: u64,
        to: &'a RefCell<&'r mut dyn Receiver>,
        cx: &'a Context<'a>,
    ) -> Result<Self> {
        Ok(Self {
            reader: content.open_at(from)?,
            content,
            reading: cx.started(content.source(), content.origin(), content.size()),
            cx,
            position: from,
            to,
            buffer: Vec::new(),
            ready: 0..0,
            failure: None,
        })
    }

    /// Reads what is left.
    pub(super) fn finish(mut self) -> Result<()> {
        while self.next()? > 0 {}
        Ok(())
    }

    /// Words the error for a stream that the decoder gave up on, after what it had read by then.
    pub(super) fn undecodable(&self, compression: Compression, cause: io::Error) -> Error {
        let position = self.position - self.ready.len() as u64;
        let error = codec::undecodable(compression, cause).or_coded(Code::Compression);
        self.content.locate(error.at(self.content.offset_of(position)))
    }

    /// Hands the last piece on and reads the next; returns its length, 0 at the end.
    fn next(&mut self) -> Result<usize> {
        self.cx.cancel.check()?;
        let mut to = self.to.borrow_mut();
        if !self.buffer.is_empty() {
            to.stored(&mut self.buffer)?;
        }
        self.buffer.resize(to.read_len(), 0);
        let n = loop {
            match self.reader.read(&mut self.buffer) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(|e| self.content.failed(e))?,
            }
        };
        if n == 0 && self.position < self.content.size() {
            return Err(self.content.ends_early(self.position));
        }
        self.position += n as u64;
        self.buffer.truncate(n);
        self.reading.advance(n as u64);
        Ok(n)
    }
}

impl BufRead for Tap<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.ready.is_empty() {
            let n = self.next().map_err(|error| {
                self.failure = Some(error);
                io::Error::other("the input failed")
            })?;
            self.ready = 0..n;
        }
        Ok(&self.buffer[self.ready.clone()])
    }

    fn consume(&mut self, n: usize) {
        self.ready.start += n;
    }
}

impl Read for Tap<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let n = ready.len().min(buf.len());
        buf[..n].copy_from_slice(&ready[..n]);
        self.consume(n);
        Ok(n)
    }
}
