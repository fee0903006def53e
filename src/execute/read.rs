//! The reading side of a job.

use super::Source;
use super::crew::{Crew, Feed, LaneId, Read};
use super::route::{Handed, PlainMeter};
use crate::content::{Flow, Meter, pump};
use crate::error::Result;
use crate::plan::JobId;

/// Reads a job's blob and hands on, block by block, what its result is made of.
pub(super) fn read(source: Source<'_>, id: JobId, crew: &Crew<'_>, lane: LaneId) -> Result<()> {
    let route = source.route(id);
    let content = &source.blob(source.jobs.get(id)).content;
    let mut feed = Feed::new(crew, lane, route.encoding);
    let mut meter = None;
    let mut hand_on = |bytes: &[u8]| feed.give(bytes);
    let mut measure;
    let flow = match (route.handed, route.plain) {
        (Handed::Plain, _) => Flow { stored: None, plain: Some(&mut hand_on) },
        (Handed::Stored, PlainMeter::Reading(algorithm)) => {
            let meter = meter.insert(Meter::new(algorithm));
            measure = |bytes: &[u8]| {
                meter.update(bytes);
                Ok(())
            };
            Flow { stored: Some(&mut hand_on), plain: Some(&mut measure) }
        }
        (Handed::Stored, _) => Flow { stored: Some(&mut hand_on), plain: None },
    };
    let stored = pump(content, route.compression, route.stored, flow, source.cx)?;
    feed.end()?;
    crew.end(lane, Read { stored, plain: meter.map(Meter::finish) })
}
