//! The reading side of a job.

use super::crew::{Crew, Feed, LaneId, Members};
use super::route::Route;
use super::share::Reused;
use super::{Facts, Source};
use crate::codec::{Compression, Cutter};
use crate::content::{Content, Flow, Receiver, pump, relay};
use crate::context::{Context, Event};
use crate::digest::Algorithm;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::Blob;
use crate::plan::JobId;

/// Reads a job's blob and hands on, block by block, what is measured and what its result is made of.
pub(super) fn read(source: Source<'_>, id: JobId, crew: &Crew<'_>, lane: LaneId) -> Result<()> {
    if let Some(reused) = source.sharing.reused(id) {
        return reuse(source, id, &reused, crew, lane);
    }
    let route = source.route(id);
    let blob = source.blob(source.jobs.get(id));
    let content = &blob.content;
    let is_cut = crew.has_helpers && can_be_cut(&route, blob, source.cx)?;
    let from = if is_cut { members(content, crew, lane, source.cx)? } else { 0 };
    if from == 0 || from < content.size() {
        let mut feed = Feed::new(crew, lane, route.encoding, route.is_plain());
        relay((content, from), route.compression, &mut feed, source.cx)?;
        feed.end()?;
    }
    crew.end(lane, None)
}

/// Tells whether a blob likely consists of members that can be inflated by themselves.
fn can_be_cut(route: &Route, blob: &Blob, cx: &Context<'_>) -> Result<bool> {
    let is_safe = blob.content.size().saturating_mul(Compression::DEFLATE_MOST) <= cx.limits.inflated_bytes;
    // What is compressed again must be cut by its plain bytes.
    if route.compression != Compression::Gzip || route.encoding.is_some() || !is_safe {
        return Ok(false);
    }
    let mut head = [0; Cutter::HEAD_LEN];
    let len = blob.content.read_start(&mut head)?;
    // A stream whose last member can be all of it has no other.
    Ok(Cutter::suits(&head[..len]) && blob.plain_size_hint()?.is_none())
}

/// Hands on members of a gzip stream, as long as they can be told, and returns where they end.
fn members(content: &Content, crew: &Crew<'_>, lane: LaneId, cx: &Context<'_>) -> Result<u64> {
    let mut members = Members::new(crew, lane);
    let read = relay((content, 0), Compression::None, &mut members, cx);
    cx.cancel.check()?;
    // If it ends too early, or cannot be read, who reads it once more tells.
    let (from, to) = members.end(read.is_ok())?;
    if from < content.size() {
        cx.observer.on(&Event::Planned { bytes: to - from });
    }
    Ok(from)
}

/// Reads a job's blob, so that what is claimed of it is checked, and hands on what another conversion made of the same.
fn reuse(source: Source<'_>, id: JobId, reused: &Reused, crew: &Crew<'_>, lane: LaneId) -> Result<()> {
    let Reused { recipe, made } = reused;
    let content = &source.blob(source.jobs.get(id)).content;
    let stored = pump(content, Compression::None, Algorithm::Sha256, Flow::default(), source.cx)?;
    if stored.digest != recipe.of {
        // Settling says what is wrong.
        return crew.end(lane, Some(Facts { stored, plain: Some(stored), made: None }));
    }
    let mut feed = Feed::new(crew, lane, None, true);
    // It is not the input that is read here.
    let cx = source.cx.unobserved();
    let flow = Flow { stored: Some(&mut |bytes| feed.plain(bytes)), ..Flow::default() };
    let found = pump(&made.content, Compression::None, Algorithm::Sha256, flow, &cx);
    if found.as_ref().ok() != Some(&made.stored) {
        cx.cancel.check()?;
        source.cx.layer_cache.iter().for_each(|cache| cache.forget(*recipe));
        let error = Error::new(ErrorKind::Environment, "what another conversion made of it is not there any more");
        return Err(content.locate(error.stale()));
    }
    feed.end()?;
    crew.end(lane, Some(Facts { stored, plain: Some(made.plain), made: Some(made.stored) }))
}
