//! The one loop that moves bytes. It reads a content once, inflates it, hands both on, counts, checks limits and
//! cancellation, and refuses truncation. Who receives measures, or has it done here. What comes out are facts, or an error.

use std::cell::RefCell;
use std::io;

use super::meter::Late;
use super::tap::{Receiver, Tap};
use super::{Content, Measured, Meter};
use crate::codec::{self, Compression};
use crate::context::Context;
use crate::digest::Algorithm;
use crate::error::{Error, Result};
use crate::limits::exceeded;

/// Receives a piece of a stream.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<()>;

/// Where the bytes of a content go.
#[derive(Default)]
pub(crate) struct Flow<'a> {
    /// Receives the bytes as they are stored.
    pub(crate) stored: Option<Sink<'a>>,
    /// Receives the bytes after inflating.
    pub(crate) plain: Option<Sink<'a>>,
    /// Measures the bytes after inflating, which takes longer where they are received.
    pub(crate) plain_meter: Option<&'a mut Meter>,
}

/// Moves a content from some place on to a receiver that measures it; `compression` says how to inflate it, if it is to be.
pub(crate) fn relay(
    (content, from): (&Content, u64),
    compression: Compression,
    to: &mut dyn Receiver,
    cx: &Context<'_>,
) -> Result<()> {
    read((content, from), compression, to, &mut Err, cx)
}

/// Moves all of a content and returns what its stored bytes were.
pub(crate) fn pump(
    content: &Content,
    compression: Compression,
    algorithm: Algorithm,
    flow: Flow<'_>,
    cx: &Context<'_>,
) -> Result<Measured> {
    measure(content, compression, algorithm, flow, &mut Err, cx)
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
    let measured = measure(content, compression, algorithm, flow, &mut keep, cx)?;
    Ok((measured, broken))
}

fn measure(
    content: &Content,
    compression: Compression,
    algorithm: Algorithm,
    flow: Flow<'_>,
    broken: Broken<'_>,
    cx: &Context<'_>,
) -> Result<Measured> {
    let inflates = flow.plain.is_some() || flow.plain_meter.is_some();
    let compression = if inflates { compression } else { Compression::None };
    let mut to = Measuring { flow, stored: Late::new(algorithm), is_plain: compression == Compression::None };
    read((content, 0), compression, &mut to, broken, cx)?;
    Ok(to.stored.finish())
}

/// Measures what it receives and hands it on.
struct Measuring<'a> {
    flow: Flow<'a>,
    stored: Late,
    /// Whether what is stored is plain.
    is_plain: bool,
}

impl Receiver for Measuring<'_> {
    fn stored(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        give(&mut self.flow.stored, bytes)?;
        if !self.is_plain {
            self.stored.take(bytes);
            return Ok(());
        }
        self.stored.update(bytes);
        self.plain(bytes)
    }

    fn plain(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(meter) = &mut self.flow.plain_meter {
            self.stored.beside(meter, bytes);
        }
        give(&mut self.flow.plain, bytes)
    }
}

fn give(sink: &mut Option<Sink<'_>>, bytes: &[u8]) -> Result<()> {
    sink.as_mut().map_or(Ok(()), |sink| sink(bytes))
}

/// Decides what becomes of a stream that cannot be inflated.
type Broken<'a> = &'a mut dyn FnMut(Error) -> Result<()>;

fn read(
    (content, from): (&Content, u64),
    compression: Compression,
    to: &mut dyn Receiver,
    broken: Broken<'_>,
    cx: &Context<'_>,
) -> Result<()> {
    let to = RefCell::new(to);
    let mut tap = Tap::open(content, from, &to, cx)?;
    if compression != Compression::None {
        let mut take = |bytes: &[u8]| to.borrow_mut().plain(bytes);
        if let Err(stop) = inflate(&mut tap, compression, &mut take, cx) {
            match (stop, tap.failure.take()) {
                (_, Some(failure)) => return Err(failure),
                (Stop::Stream(cause), None) => broken(tap.undecodable(compression, cause))?,
                (Stop::Limit(error), None) => broken(error)?,
                (Stop::Receiver(error), None) => return Err(error),
            }
        }
    }
    tap.finish()
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
