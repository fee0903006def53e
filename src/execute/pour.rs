//! Putting a result together: blobs that have to be measured before they can be named come first, then everything in
//! the format's order; what has a known size is poured in parallel.

use std::collections::{HashMap, HashSet};

use super::stream::{self, Naming, Source};
use super::{Facts, blob, copy, settle};
use crate::context::{Context, Event};
use crate::error::Result;
use crate::graph::Graph;
use crate::output::{Body, Entry, Place, Writer};
use crate::plan::{JobId, Jobs, Outcome, Outcomes};
use crate::pool;

/// What became of a conversion.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) outcomes: Outcomes,
    /// Claims that were found wrong and put right.
    pub(crate) changes: Vec<String>,
    /// Bytes of blobs as they were in the source.
    pub(crate) read: u64,
    /// Bytes of the result.
    pub(crate) written: u64,
}

/// A result in the making.
pub(crate) struct Assembly<'a> {
    source: Source<'a>,
    outcomes: Outcomes,
    changes: Vec<String>,
    writer: Box<dyn Writer>,
    names: HashSet<String>,
    poured: HashSet<JobId>,
}

impl<'a> Assembly<'a> {
    pub(crate) fn new(
        graph: &'a Graph,
        jobs: &'a Jobs,
        writer: Box<dyn Writer>,
        recompute: bool,
        cx: &'a Context<'a>,
    ) -> Self {
        let source = Source { graph, jobs, recompute, cx };
        let (changes, names, poured) = (Vec::new(), HashSet::new(), HashSet::new());
        Self { source, outcomes: Outcomes::forecast(jobs, graph), changes, writer, names, poured }
    }

    /// Returns what is known of the jobs' results: after [`measure`](Self::measure) all names.
    pub(crate) fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// Pours the jobs whose result nobody could name yet, in order, behind the members of `prologue`. `name` names a
    /// result; `like` is a name of the same length, before there is a result.
    pub(crate) fn measure(
        &mut self,
        prologue: &[Entry],
        like: &dyn Fn(JobId) -> String,
        name: &dyn Fn(&Outcome) -> (String, u32),
    ) -> Result<()> {
        let unknown: Vec<_> = self.source.jobs.ids().filter(|&id| self.outcomes.get(id).is_none()).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        for entry in prologue {
            self.add(entry)?;
        }
        let names = &mut self.names;
        let mut fresh = |_, outcome: &Outcome| {
            let (name, mode) = name(outcome);
            names.insert(name.clone()).then_some((name, mode))
        };
        let naming = Naming { like, name: &mut fresh };
        let done = stream::run(self.source, &unknown, &mut *self.writer, naming, &mut self.changes)?;
        self.note(done);
        Ok(())
    }

    /// Writes the members that are not there yet, and checks the blobs that none of them needs: their claims were part of
    /// what the result is made from.
    pub(crate) fn write(&mut self, entries: &[Entry]) -> Result<()> {
        let mut sized: Vec<(JobId, Option<Place>)> = Vec::new();
        let mut unsized_run: Vec<(JobId, &Entry)> = Vec::new();
        let mut placed = HashSet::new();
        for entry in entries {
            let Body::Job(id) = entry.body else {
                self.pour_unsized(&mut unsized_run)?;
                self.add(entry)?;
                continue;
            };
            if !self.names.insert(entry.name.clone()) {
                continue;
            }
            placed.insert(id);
            match self.outcomes.get(id).and_then(|outcome| outcome.size) {
                Some(size) => {
                    self.pour_unsized(&mut unsized_run)?;
                    sized.push((id, Some(self.writer.place(&entry.name, entry.mode, size)?)));
                }
                None => unsized_run.push((id, entry)),
            }
        }
        self.pour_unsized(&mut unsized_run)?;
        let unused = self.source.jobs.ids().filter(|id| !placed.contains(id) && !self.poured.contains(id));
        sized.extend(unused.map(|id| (id, None)));
        let source = self.source;
        let pour = |(id, place): &(JobId, Option<Place>)| pour(source, *id, place.as_ref());
        let done = pool::run(&sized, source.cx.threads, pour)?;
        self.note(done);
        Ok(())
    }

    /// Makes the result visible.
    pub(crate) fn seal(self) -> Result<Sealed> {
        let size = |&id: &JobId| blob(self.source.graph, self.source.jobs.get(id)).content.size();
        let read = self.poured.iter().map(size).sum();
        let written = self.writer.seal()?;
        Ok(Sealed { outcomes: self.outcomes, changes: self.changes, read, written })
    }

    fn add(&mut self, entry: &Entry) -> Result<()> {
        if !self.names.insert(entry.name.clone()) {
            return Ok(());
        }
        match &entry.body {
            Body::Directory => self.writer.directory(&entry.name, entry.mode),
            Body::Symlink(target) => self.writer.symlink(&entry.name, entry.mode, target),
            Body::Bytes(bytes) => {
                let mut filling = self.writer.place(&entry.name, entry.mode, bytes.len() as u64)?.fill()?;
                filling.write(bytes)?;
                filling.finish()
            }
            Body::Job(_) => unreachable!("jobs are poured"),
        }
    }

    /// Pours a run of members whose names are known and whose sizes are not.
    fn pour_unsized(&mut self, run: &mut Vec<(JobId, &Entry)>) -> Result<()> {
        if run.is_empty() {
            return Ok(());
        }
        let entries: HashMap<JobId, &Entry> = run.iter().copied().collect();
        let ids: Vec<_> = run.drain(..).map(|(id, _)| id).collect();
        let like = |id| entries[&id].name.clone();
        let mut name = |id, _: &Outcome| Some((entries[&id].name.clone(), entries[&id].mode));
        let naming = Naming { like: &like, name: &mut name };
        let done = stream::run(self.source, &ids, &mut *self.writer, naming, &mut self.changes)?;
        self.note(done);
        Ok(())
    }

    fn note(&mut self, done: Vec<(JobId, Outcome)>) {
        for (id, outcome) in done {
            let job = self.source.jobs.get(id);
            let origin = blob(self.source.graph, job).content.origin().to_owned();
            let size = outcome.size.unwrap_or_default();
            self.source.cx.observer.on(&Event::Blob { origin, action: job.action.name(), size });
            self.poured.insert(id);
            self.outcomes.set(id, outcome);
        }
    }
}

/// Copies a blob to its place, or only checks it.
fn pour(source: Source<'_>, id: JobId, place: Option<&Place>) -> Result<(JobId, Outcome)> {
    let job = source.jobs.get(id);
    let blob = blob(source.graph, job);
    let mut filling = place.map(Place::fill).transpose()?;
    let mut write = |bytes: &[u8]| filling.as_mut().map_or(Ok(()), |filling| filling.write(bytes));
    let (stored, plain) = copy(blob, job, &mut write, source.cx)?;
    if let Some(filling) = filling {
        filling.finish()?;
    }
    let facts = Facts { stored, plain, made: None };
    Ok((id, settle(blob, job, facts, false, &mut Vec::new())?))
}
