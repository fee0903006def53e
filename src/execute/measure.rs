//! The measuring side of jobs: what was read, and what was made of it, are hashed and counted, in order.

use super::block::Streams;
use super::crew::Measurer;
use super::route::Route;
use super::{Facts, Source};
use crate::content::{Measured, Meter};
use crate::plan::JobId;

/// Measures the streams of one job.
struct Meters {
    stored: Option<Meter>,
    plain: Option<Meter>,
    made: Option<Meter>,
    route: Route,
}

impl Meters {
    fn new(route: Route) -> Self {
        let meter = |algorithm: Option<_>| algorithm.map(Meter::new);
        Self { stored: meter(route.stored), plain: meter(route.plain), made: meter(route.made), route }
    }

    fn block(&mut self, streams: Streams<'_>) {
        let stored = if self.route.is_plain() { streams.plain } else { streams.stored };
        let due = [(&mut self.plain, streams.plain), (&mut self.made, streams.made), (&mut self.stored, stored)];
        let mut due = due.into_iter().filter_map(|(meter, bytes)| Some((meter.as_mut()?, bytes)));
        // Two at a time take hardly longer than one.
        while let Some((meter, bytes)) = due.next() {
            match due.next() {
                Some((other, others)) => Meter::update_both(meter, bytes, other, others),
                None => meter.update(bytes),
            }
        }
    }

    fn finish(self) -> Facts {
        let [stored, plain, made] = [self.stored, self.plain, self.made].map(|meter| meter.map(Meter::finish));
        let stored: Measured = stored.expect("what is not measured is known");
        let plain = if self.route.is_layer { plain.or(Some(stored)) } else { None };
        Facts { stored, plain, made }
    }
}

/// Measures jobs, one after the other.
pub(super) struct Measuring<'a, I> {
    source: Source<'a>,
    ids: I,
    current: Option<Meters>,
}

impl<'a, I: Iterator<Item = JobId>> Measuring<'a, I> {
    pub(super) fn new(source: Source<'a>, ids: I) -> Self {
        Self { source, ids, current: None }
    }

    /// Returns the meters of the job that comes next.
    fn take(&mut self) -> Meters {
        self.current.take().unwrap_or_else(|| {
            let id = self.ids.next().expect("each job ends once");
            Meters::new(self.source.route(id))
        })
    }
}

impl<I: Iterator<Item = JobId> + Send> Measurer for Measuring<'_, I> {
    fn block(&mut self, streams: Streams<'_>) {
        let mut meters = self.take();
        meters.block(streams);
        self.current = Some(meters);
    }

    fn end(&mut self, known: Option<Facts>) -> Facts {
        let meters = self.take();
        known.unwrap_or_else(|| meters.finish())
    }
}
