//! The one loop that moves bytes. It reads a content once, hashes what is stored (unless its receiver does), inflates it,
//! hands both on, counts, checks limits and cancellation, and refuses truncation. What it returns are facts, or an error.

use std::cell::RefCell;
use std::io;

use super::meter::Late;
use super::tap::{Measure, Tap};
use super::{Content, Measured, Meter};
use crate::codec::{self, Compression};
use crate::context::Context;
use crate::digest::Algorithm;
use crate::error::{Error, Result};
use crate::limits::exceeded;

/// Writes go in pieces of this size. Larger ones make some kernels take large pages, which is slower.
pub(crate) const BUFFER_LEN: usize = 64 << 10;
/// Reads are larger: that costs nothing, and threads meet less often where they take turns.
pub(super) const READ_LEN: usize = 256 << 10;

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

/// Moves all of a content that is not compressed to a receiver that measures it.
pub(crate) fn relay(content: &Content, to: Sink<'_>, cx: &Context<'_>) -> Result<()> {
    Tap::open(content, Measure::Receiver, to, cx)?.finish()
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
    let Flow { mut stored, mut plain, mut plain_meter } = flow;
    let inflates = compression != Compression::None && (plain.is_some() || plain_meter.is_some());
    let late = RefCell::new(Late::new(algorithm));
    let mut take = |bytes: &[u8]| {
        if let Some(meter) = &mut plain_meter {
            late.borrow_mut().beside(meter, bytes);
        }
        give(&mut plain, bytes)
    };
    if !inflates {
        let mut both = |bytes: &[u8]| give(&mut stored, bytes).and_then(|()| take(bytes));
        let mut meter = Meter::new(algorithm);
        Tap::open(content, Measure::Tap(&mut meter), &mut both, cx)?.finish()?;
        return Ok(meter.finish());
    }
    let mut hand_on = |bytes: &[u8]| give(&mut stored, bytes);
    let mut tap = Tap::open(content, Measure::Later(&late), &mut hand_on, cx)?;
    if let Err(stop) = inflate(&mut tap, compression, &mut take, cx) {
        match (stop, tap.failure.take()) {
            (_, Some(failure)) => return Err(failure),
            (Stop::Stream(cause), None) => broken(tap.undecodable(compression, cause))?,
            (Stop::Limit(error), None) => broken(error)?,
            (Stop::Receiver(error), None) => return Err(error),
        }
    }
    tap.finish()?;
    Ok(late.into_inner().finish())
}

fn give(sink: &mut Option<Sink<'_>>, bytes: &[u8]) -> Result<()> {
    sink.as_mut().map_or(Ok(()), |sink| sink(bytes))
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
