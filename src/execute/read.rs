//! The reading side of a job.

use super::Source;
use super::crew::{Crew, Feed, LaneId, Read};
use super::route::{Handed, PlainMeter, StoredMeter};
use super::share::Reused;
use crate::codec::Compression;
use crate::content::{Flow, Meter, pump, relay};
use crate::digest::Algorithm;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::JobId;

/// Reads a job's blob and hands on, block by block, what its result is made of.
pub(super) fn read(source: Source<'_>, id: JobId, crew: &Crew<'_>, lane: LaneId) -> Result<()> {
    if let Some(reused) = source.sharing.reused(id) {
        return reuse(source, id, &reused, crew, lane);
    }
    let route = source.route(id);
    let content = &source.blob(source.jobs.get(id)).content;
    let mut feed = Feed::new(crew, lane, route.encoding);
    let mut meter = match route.plain {
        PlainMeter::Reading(algorithm) => Some(Meter::new(algorithm)),
        PlainMeter::Nowhere | PlainMeter::AsStored | PlainMeter::Committing(_) => None,
    };
    let mut hand_on = |bytes: &[u8]| feed.give(bytes);
    let algorithm = match route.stored {
        StoredMeter::Reading(algorithm) => algorithm,
        StoredMeter::AsPlain => {
            relay(content, &mut hand_on, source.cx)?;
            feed.end()?;
            return crew.end(lane, Read { stored: None, plain: None, made: None });
        }
    };
    let plain_meter = meter.as_mut();
    let flow = match route.handed {
        Handed::Plain => Flow { plain: Some(&mut hand_on), plain_meter, ..Flow::default() },
        Handed::Stored | Handed::Reused => Flow { stored: Some(&mut hand_on), plain_meter, ..Flow::default() },
    };
    let stored = pump(content, route.compression, algorithm, flow, source.cx)?;
    feed.end()?;
    crew.end(lane, Read { stored: Some(stored), plain: meter.map(Meter::finish), made: None })
}

/// Reads a job's blob, so that what is claimed of it is checked, and hands on what another conversion made of the same.
fn reuse(source: Source<'_>, id: JobId, reused: &Reused, crew: &Crew<'_>, lane: LaneId) -> Result<()> {
    let Reused { recipe, made } = reused;
    let content = &source.blob(source.jobs.get(id)).content;
    let stored = pump(content, Compression::None, Algorithm::Sha256, Flow::default(), source.cx)?;
    if stored.digest != recipe.of {
        // Settling says what is wrong.
        return crew.end(lane, Read { stored: Some(stored), plain: Some(stored), made: None });
    }
    let mut feed = Feed::new(crew, lane, None);
    // It is not the input that is read here.
    let cx = source.cx.unobserved();
    let flow = Flow { stored: Some(&mut |bytes| feed.give(bytes)), ..Flow::default() };
    let found = pump(&made.content, Compression::None, Algorithm::Sha256, flow, &cx);
    if found.as_ref().ok() != Some(&made.stored) {
        cx.cancel.check()?;
        source.cx.layer_cache.iter().for_each(|cache| cache.forget(*recipe));
        let error = Error::new(ErrorKind::Environment, "what another conversion made of it is not there any more");
        return Err(content.locate(error.stale()));
    }
    feed.end()?;
    crew.end(lane, Read { stored: Some(stored), plain: Some(made.plain), made: Some(made.stored) })
}
