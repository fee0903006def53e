//! The one loop that moves bytes. It reads a content once, hashes what is stored (unless its receiver does), inflates it,
//! hands both on, counts, checks limits and cancellation, and refuses truncation. What it returns are facts, or an error.

use std::io;

use super::tap::Tap;
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

const MEASURED: &str = "it was given a meter";

/// Receives a piece of a stream.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<()>;

/// Where the bytes of a content go.
pub(crate) struct Flow<'a> {
    /// Receives the bytes as they are stored.
    pub(crate) stored: Option<Sink<'a>>,
    /// Receives the bytes after inflating; without it nothing is inflated.
    pub(crate) plain: Option<Sink<'a>>,
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
    Tap::open(content, None, vec![to], cx)?.finish().map(drop)
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
    let (plain, inflated) = match compression {
        Compression::None => (flow.plain, None),
        _ => (None, flow.plain),
    };
    let sinks = flow.stored.into_iter().chain(plain).collect();
    let mut tap = Tap::open(content, Some(Meter::new(algorithm)), sinks, cx)?;
    if let Some(Err(stop)) = inflated.map(|plain| inflate(&mut tap, compression, plain, cx)) {
        match (stop, tap.failure.take()) {
            (_, Some(failure)) => return Err(failure),
            (Stop::Stream(cause), None) => broken(tap.undecodable(compression, cause))?,
            (Stop::Limit(error), None) => broken(error)?,
            (Stop::Receiver(error), None) => return Err(error),
        }
    }
    Ok(tap.finish()?.expect(MEASURED))
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
