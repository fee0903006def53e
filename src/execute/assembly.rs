//! Putting a result together: blobs that have to be measured before they can be named come first, then everything in
//! the format's order; what has a known size is poured in parallel.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::commit::{Appending, Done, Naming, Placed};
use super::measure::Measuring;
use super::read::read;
use super::{Sharing, Source, crew};
use crate::context::{Context, Event};
use crate::error::Result;
use crate::graph::Graph;
use crate::output::{Body, Entry, Place, Writer};
use crate::plan::{Action, JobId, Jobs, Outcome, Outcomes};

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
        sharing: &'a Sharing,
        cx: &'a Context<'a>,
    ) -> Self {
        let source = Source { graph, jobs, recompute, sharing, cx };
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
        like: &(dyn Fn(JobId) -> String + Sync),
        name: &(dyn Fn(&Outcome) -> (String, u32) + Sync),
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
        let done = append(self.source, &unknown, &mut *self.writer, Naming { like, name: &mut fresh })?;
        self.note(done);
        Ok(())
    }

    /// Writes the members that are not there yet, and checks the blobs that none of them needs: their claims were part of
    /// what the result is made from.
    pub(crate) fn write(&mut self, entries: &[Entry]) -> Result<()> {
        let (mark, names) = (self.writer.mark(), self.names.clone());
        let (fits, placed) = self.attempt(entries)?;
        if !fits {
            // A size was guessed wrong. Now that everything is measured, nothing has to be guessed.
            self.source.sharing.withdraw(self.source.cx);
            self.writer.rewind(mark)?;
            self.names = names;
            // Blobs that no entry needs were checked already.
            let again = placed.into_iter().map(|id| self.source.blob(self.source.jobs.get(id)).content.size());
            self.source.cx.observer.on(&Event::Planned { bytes: again.sum() });
            self.attempt(entries)?;
        }
        Ok(())
    }

    /// Writes the members. Tells whether everything fitted, and which jobs they needed.
    fn attempt(&mut self, entries: &[Entry]) -> Result<(bool, HashSet<JobId>)> {
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
            match self.size(id)? {
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
        Ok((self.pour_sized(sized)?, placed))
    }

    /// Returns the size of a job's result, as it was measured, claimed or is likely to be.
    fn size(&self, id: JobId) -> Result<Option<u64>> {
        let known = self.outcomes.get(id).and_then(|outcome| outcome.size);
        let job = self.source.jobs.get(id);
        match (known, job.action) {
            (None, Action::Decompress) => self.source.blob(job).plain_size_hint(),
            _ => Ok(known),
        }
    }

    /// Makes the result visible.
    pub(crate) fn seal(self) -> Result<Sealed> {
        let size = |&id: &JobId| self.source.blob(self.source.jobs.get(id)).content.size();
        let read = self.poured.iter().map(size).sum();
        // Whoever waits for the disk needs no hand.
        let Self { source, writer, .. } = self;
        let written = source.cx.hands().lend(|| writer.seal())?;
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
                filling.finish();
                Ok(())
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
        let done = append(self.source, &ids, &mut *self.writer, Naming { like: &like, name: &mut name })?;
        self.note(done);
        Ok(())
    }

    /// Pours members into places that they were given, and tells whether they fitted.
    fn pour_sized(&mut self, mut run: Vec<(JobId, Option<Place>)>) -> Result<bool> {
        let source = self.source;
        // With the largest first, no thread is left with a large one at the end.
        let size = |id| source.blob(source.jobs.get(id)).content.size();
        run.sort_by_key(|(id, _)| (Reverse(size(*id)), *id));
        let done = Mutex::default();
        crew::run(&source.cx.hands(), &run, |crew, lane, (id, place)| {
            let _over = source.sharing.until_over(*id);
            if place.is_some() {
                source.share(*id, || Ok(()))?;
            }
            let committer = Placed::new(source, *id, place.as_ref(), &done)?;
            crew.open(lane, Box::new(Measuring::new(source, std::iter::once(*id))), Box::new(committer));
            read(source, *id, crew, lane)?;
            crew.close(lane)
        })?;
        let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        let fits = !done.misplaced;
        self.note(done);
        Ok(fits)
    }

    fn note(&mut self, done: Done) {
        self.changes.extend(done.changes);
        for (id, outcome) in done.outcomes {
            self.poured.insert(id);
            self.outcomes.set(id, outcome);
        }
    }
}

/// Pours jobs one after the other to the end of the result.
fn append(source: Source<'_>, ids: &[JobId], writer: &mut dyn Writer, naming: Naming<'_>) -> Result<Done> {
    let done = Mutex::default();
    let committer = Mutex::new(Some(Appending::new(source, ids, writer, naming, &done)));
    crew::run(&source.cx.hands(), &[()], |crew, lane, ()| {
        let committer = committer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let committer = committer.expect("there is one task");
        crew.open(lane, Box::new(Measuring::new(source, ids.iter().copied())), Box::new(committer));
        // Blocks of the next job follow those of the last without a pause, so that many small layers keep the threads as
        // busy as a large one.
        for &id in ids {
            source.share(id, || crew.drain(lane))?;
            read(source, id, crew, lane)?;
        }
        crew.close(lane)
    })?;
    Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner))
}
