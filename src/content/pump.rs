//! The one loop that moves bytes. It reads a content once, hashes what is stored, inflates it, hands both on, counts,
//! checks limits and cancellation, and refuses truncation. What it returns are facts, or an error.

use std::io::{self, BufRead, Read};
use std::ops::Range;

use super::{Content, Reader};
use crate::code::Code;
use crate::codec::{self, Compression};
use crate::context::{Context, Ongoing};
use crate::digest::{Algorithm, Digest, Hasher};
use crate::error::{Error, Result};
use crate::limits::exceeded;

/// Writes go in pieces of this size. Larger ones make some kernels take large pages, which is slower.
pub(crate) const BUFFER_LEN: usize = 64 << 10;
/// Reads are larger: that costs nothing, and threads meet less often where they take turns.
const READ_LEN: usize = 256 << 10;

/// Receives a piece of a stream.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<()>;

/// Where the bytes of a content go.
pub(crate) struct Flow<'a> {
    /// Receives the bytes as they are stored.
    pub(crate) stored: Option<Sink<'a>>,
    /// Receives the bytes after inflating; without it nothing is inflated.
    pub(crate) plain: Option<Sink<'a>>,
}

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

    pub(crate) fn finish(self) -> Measured {
        Measured { digest: self.hasher.finish(), size: self.size }
    }
}

/// Moves all of a content and returns what its stored bytes were.
pub(crate) fn pump(
    content: &Content,
    compression: Compression,
    algorithm: Algorithm,
    flow: Flow<'_>,
    cx: &Context<'_>,
) -> Result<Measured> {
    read(content, compression, algorithm, flow, &mut Err, cx)
}

/// As [`pump`]; a stream that cannot be inflated is read to its end all the same. Returns why it could not, too.
pub(crate) fn survey(
    content: &Content,
    compression: Compression,
    algorithm: Algorithm,
    flow: Flow<'_>,
    cx: &Context<'_>,
) -> Result<(Measured, Option<Error>)> {
    let mut broken = None;
    let mut keep = |error| {
        broken = Some(error);
        Ok(())
    };
    let measured = read(content, compression, algorithm, flow, &mut keep, cx)?;
    Ok((measured, broken))
}

/// `broken` decides what becomes of a stream that cannot be inflated.
fn read(
    content: &Content,
    compression: Compression,
    algorithm: Algorithm,
    flow: Flow<'_>,
    broken: &mut dyn FnMut(Error) -> Result<()>,
    cx: &Context<'_>,
) -> Result<Measured> {
    let mut tap = Tap {
        reader: content.open()?,
        content,
        reading: cx.started(content.source(), content.origin(), content.size()),
        cx,
        meter: Meter::new(algorithm),
        sinks: Vec::from_iter(flow.stored),
        buffer: vec![0; READ_LEN],
        ready: 0..0,
        failure: None,
    };
    match flow.plain {
        Some(plain) if compression == Compression::None => tap.sinks.push(plain),
        Some(plain) => {
            if let Err(stop) = inflate(&mut tap, compression, plain, cx) {
                match (stop, tap.failure.take()) {
                    (_, Some(failure)) => return Err(failure),
                    (Stop::Stream(cause), None) => broken(tap.undecodable(compression, cause))?,
                    (Stop::Limit(error), None) => broken(error)?,
                    (Stop::Receiver(error), None) => return Err(error),
                }
            }
        }
        None => {}
    }
    while tap.next()? > 0 {}
    Ok(tap.meter.finish())
}

/// Why inflating stopped.
enum Stop {
    /// The decoder failed, or its input did.
    Stream(io::Error),
    Limit(Error),
    Receiver(Error),
}

fn inflate(tap: &mut Tap<'_, '_>, compression: Compression, plain: Sink<'_>, cx: &Context<'_>) -> Result<(), Stop> {
    let content = tap.content;
    let limit = cx.limits.inflated_bytes;
    let mut decoder = codec::decoder(compression, tap, &cx.limits).map_err(Stop::Stream)?;
    let mut total = 0;
    loop {
        let bytes = decoder.fill_buf().map_err(Stop::Stream)?;
        let n = bytes.len();
        if n == 0 {
            return Ok(());
        }
        total += n as u64;
        if total > limit {
            let message = format!("too large: inflates to more than {limit} bytes");
            return Err(Stop::Limit(content.locate(exceeded("inflated-bytes", message))));
        }
        plain(bytes).map_err(Stop::Receiver)?;
        decoder.consume(n);
    }
}

/// Reads the stored bytes and hands them to meter and sinks on the way. A decoder above it can only pass an `io::Error`
/// on, so the real reason of a failure is kept here.
struct Tap<'a, 's> {
    reader: Reader<'a>,
    content: &'a Content,
    /// Tells the observer.
    reading: Ongoing<'a>,
    cx: &'a Context<'a>,
    meter: Meter,
    sinks: Vec<Sink<'s>>,
    buffer: Vec<u8>,
    ready: Range<usize>,
    failure: Option<Error>,
}

impl Tap<'_, '_> {
    /// Words the error for a stream that the decoder gave up on, after what it had read by then.
    fn undecodable(&self, compression: Compression, cause: io::Error) -> Error {
        let position = self.meter.size - self.ready.len() as u64;
        let error = codec::undecodable(compression, cause).or_coded(Code::Compression);
        self.content.locate(error.at(self.content.offset_of(position)))
    }

    /// Reads the next piece; returns its length, 0 at the end.
    fn next(&mut self) -> Result<usize> {
        self.cx.cancel.check()?;
        let n = loop {
            match self.reader.read(&mut self.buffer) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(|e| self.content.failed(e))?,
            }
        };
        if n == 0 && self.meter.size < self.content.size() {
            return Err(self.content.ends_early(self.meter.size));
        }
        let bytes = &self.buffer[..n];
        self.meter.update(bytes);
        for sink in &mut self.sinks {
            sink(bytes)?;
        }
        if n > 0 {
            self.reading.advance(n as u64);
        }
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
