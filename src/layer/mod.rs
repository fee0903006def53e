//! What is inside a layer: the entries of its tar, read while its bytes pass and never unpacked.
//!
//! [`read`] tells of a layer's entries one by one and measures the layer on the way. A [`Catalog`] makes lists of them,
//! and [`Merged`] is the tree that several layers are together.

mod budget;
mod entry;
mod header;
mod listing;
mod merged;
mod names;
mod paths;
mod problem;
mod scanner;
mod sparse;

pub(crate) use budget::Charge;
pub use entry::FileKind;
pub(crate) use entry::{Entry, Time, Xattrs, shown};
pub(crate) use listing::{Catalog, Contents, Listing};
pub use merged::Fate;
pub(crate) use merged::{Hidden, Merged, Tally, Visible};
pub(crate) use paths::{PathId, Paths};
pub(crate) use problem::{Fault, Problem};
pub(crate) use scanner::{Event, Scanner, Sink};

use crate::codec::Compression;
use crate::content::{Content, Flow, Measured, Meter, pump};
use crate::context::Context;
use crate::digest::{Algorithm, DiffId};
use crate::error::Result;

/// What a layer was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The stored bytes.
    pub(crate) stored: Measured,
    /// The uncompressed tar.
    pub(crate) diff_id: DiffId,
    /// Its size.
    pub(crate) size: u64,
}

/// Reads a layer once: tells of its entries and of what is wrong in its tar, and measures it. `algorithm` is that of the
/// digest that the stored bytes should have, `diff_id` that of its diff_id.
///
/// # Errors
///
/// Those of the pump, for a layer that cannot be read or inflated, and those of `sink`.
pub(crate) fn read(
    content: &Content,
    compression: Compression,
    (algorithm, diff_id): (Algorithm, Algorithm),
    sink: Sink<'_>,
    cx: &Context<'_>,
) -> Result<Found> {
    let mut scanner = Scanner::new(&cx.limits);
    let found = measure_with(content, compression, (algorithm, diff_id), &mut |bytes| scanner.push(bytes, sink), cx)?;
    scanner.finish(sink)?;
    Ok(found)
}

/// Hands the bytes of the tar on.
fn measure_with(
    content: &Content,
    compression: Compression,
    (algorithm, diff_id): (Algorithm, Algorithm),
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    cx: &Context<'_>,
) -> Result<Found> {
    // The same bytes need not be hashed twice.
    let apart = compression != Compression::None || algorithm != diff_id;
    let mut meter = apart.then(|| Meter::new(diff_id));
    let flow = Flow { plain: Some(sink), plain_meter: meter.as_mut(), ..Flow::default() };
    let stored = pump(content, compression, algorithm, flow, cx)?;
    let plain = meter.map_or(stored, Meter::finish);
    Ok(Found { stored, diff_id: DiffId::of_tar(plain.digest), size: plain.size })
}

/// Reads a layer once and only measures it.
///
/// # Errors
///
/// Those of the pump.
pub(crate) fn measure(
    content: &Content,
    compression: Compression,
    (algorithm, diff_id): (Algorithm, Algorithm),
    cx: &Context<'_>,
) -> Result<Found> {
    measure_with(content, compression, (algorithm, diff_id), &mut |_| Ok(()), cx)
}
