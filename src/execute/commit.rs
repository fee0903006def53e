//! The committing side of jobs: writing their results, in order, and settling the claims.

use std::sync::{Mutex, PoisonError};

use super::block::Streams;
use super::crew::Committer;
use super::route::Route;
use super::{Facts, Source, settle};
use crate::context::Event;
use crate::error::Result;
use crate::output::{Filled, Filling, Place, Writer};
use crate::plan::{JobId, Outcome};

/// What jobs turned out to be.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) outcomes: Vec<(JobId, Outcome)>,
    /// Claims that were found wrong and put right.
    pub(super) changes: Vec<String>,
    /// Whether something did not fit its place: its size was a guess.
    pub(super) misplaced: bool,
}

impl Done {
    fn add(&mut self, source: Source<'_>, id: JobId, outcome: Outcome) {
        let job = source.jobs.get(id);
        let origin = source.blob(job).content.origin().to_owned();
        let size = outcome.size.unwrap_or_default();
        let action = if source.sharing.reused(id).is_some() { "reuse" } else { job.action.name() };
        source.cx.observer.on(&Event::Blob { origin, action, size });
        self.outcomes.push((id, outcome));
    }
}

/// Lets other conversions use a result, if it is where it was to be.
fn publish(source: Source<'_>, id: JobId, facts: Facts, filled: Option<Filled>) {
    let origin = source.blob(source.jobs.get(id)).content.origin();
    let filled = filled.filter(|filled| filled.fits);
    source.sharing.publish(id, facts, filled.map(|filled| filled.content(origin)));
}

/// Names a result once it is known; says what name to reserve room for before.
pub(super) struct Naming<'a> {
    pub(super) like: &'a (dyn Fn(JobId) -> String + Sync),
    /// Name and mode; `None`: a file of that name is there, and this one is the same.
    pub(super) name: &'a mut (dyn FnMut(JobId, &Outcome) -> Option<NameAndMode> + Send),
}

pub(super) type NameAndMode = (String, u32);

/// Writes the result of one job.
struct Pouring {
    route: Route,
    to: Option<Filling>,
}

impl Pouring {
    fn block(&mut self, streams: Streams<'_>) -> Result<()> {
        match (&mut self.to, self.route.written(streams)) {
            // For nothing, nobody needs to wait.
            (_, []) | (None, _) => Ok(()),
            (Some(to), bytes) => to.write(bytes),
        }
    }

    fn would_wait(&self) -> bool {
        self.to.as_ref().is_some_and(Filling::would_wait)
    }

    /// Tells where it is.
    fn end(self) -> Option<Filled> {
        self.to.map(Filling::finish)
    }
}

/// Commits jobs whose result has no known size or name yet: in order, each at the end of what was written before it.
pub(super) struct Appending<'a, 'n> {
    source: Source<'a>,
    ids: std::slice::Iter<'a, JobId>,
    writer: &'a mut dyn Writer,
    naming: Naming<'n>,
    current: Option<(JobId, Pouring)>,
    done: &'a Mutex<Done>,
}

impl<'a, 'n> Appending<'a, 'n> {
    pub(super) fn new(
        source: Source<'a>,
        ids: &'a [JobId],
        writer: &'a mut dyn Writer,
        naming: Naming<'n>,
        done: &'a Mutex<Done>,
    ) -> Self {
        Self { source, ids: ids.iter(), writer, naming, current: None, done }
    }

    /// Returns the job that comes next, opened.
    fn current(&mut self) -> Result<&mut (JobId, Pouring)> {
        let opened = match self.current.take() {
            Some(current) => current,
            None => {
                let id = *self.ids.next().expect("each job ends once");
                let to = self.writer.open(&(self.naming.like)(id))?.fill()?;
                (id, Pouring { route: self.source.route(id), to: Some(to) })
            }
        };
        Ok(self.current.insert(opened))
    }
}

impl Committer for Appending<'_, '_> {
    fn block(&mut self, streams: Streams<'_>) -> Result<()> {
        self.current()?.1.block(streams)
    }

    fn end(&mut self, facts: Facts) -> Result<()> {
        self.current()?;
        let Some((id, pouring)) = self.current.take() else { return Ok(()) };
        let filled = pouring.end();
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = settle(self.source, id, facts, &mut done.changes)?;
        match (self.naming.name)(id, &outcome) {
            Some((name, mode)) => {
                self.writer.close(&name, mode, outcome.size.unwrap_or_default())?;
                publish(self.source, id, facts, filled);
            }
            None => {
                self.writer.discard()?;
                publish(self.source, id, facts, None);
            }
        }
        done.add(self.source, id, outcome);
        Ok(())
    }
}

/// Commits one job to a place that it was given, or only checks it.
pub(super) struct Placed<'a> {
    source: Source<'a>,
    id: JobId,
    pouring: Option<Pouring>,
    done: &'a Mutex<Done>,
}

impl<'a> Placed<'a> {
    pub(super) fn new(source: Source<'a>, id: JobId, place: Option<&Place>, done: &'a Mutex<Done>) -> Result<Self> {
        let to = place.map(Place::fill).transpose()?;
        Ok(Self { source, id, pouring: Some(Pouring { route: source.route(id), to }), done })
    }
}

impl Committer for Placed<'_> {
    fn block(&mut self, streams: Streams<'_>) -> Result<()> {
        self.pouring.as_mut().map_or(Ok(()), |pouring| pouring.block(streams))
    }

    fn would_wait(&self) -> bool {
        self.pouring.as_ref().is_some_and(Pouring::would_wait)
    }

    fn end(&mut self, facts: Facts) -> Result<()> {
        let Some(pouring) = self.pouring.take() else { return Ok(()) };
        let filled = pouring.end();
        let fits = filled.as_ref().is_none_or(|filled| filled.fits);
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = settle(self.source, self.id, facts, &mut done.changes)?;
        done.add(self.source, self.id, outcome);
        done.misplaced |= !fits;
        drop(done);
        publish(self.source, self.id, facts, filled);
        Ok(())
    }
}
