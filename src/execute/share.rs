//! Which jobs' results come from other conversions, and which go to them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Facts, Source};
use crate::cache::{Found, Made, Recipe, Ticket};
use crate::content::Content;
use crate::context::Context;
use crate::digest::Algorithm;
use crate::error::Result;
use crate::plan::{Action, Job, JobId};

/// Making what is smaller takes no longer than looking for it.
const WORTH_SHARING: u64 = 256 << 10;

/// What was decided, job by job, before it was read.
#[derive(Debug, Default)]
pub(crate) struct Sharing {
    reused: Mutex<HashMap<JobId, Reused>>,
    tickets: Mutex<HashMap<JobId, Ticket>>,
    published: Mutex<Vec<Recipe>>,
}

/// A result that another conversion made.
#[derive(Clone, Debug)]
pub(super) struct Reused {
    pub(super) recipe: Recipe,
    pub(super) made: Made,
}

impl Sharing {
    pub(super) fn reused(&self, id: JobId) -> Option<Reused> {
        lock(&self.reused).get(&id).cloned()
    }

    /// Hands a result to other conversions, if it was to be; without one somebody else has to make it.
    pub(super) fn publish(&self, id: JobId, facts: Facts, content: Option<Content>) {
        let Some(ticket) = lock(&self.tickets).remove(&id) else { return };
        // Without an encoding the plain bytes are the result.
        if let (Some(content), Some(plain), Some(stored)) = (content, facts.plain, facts.made.or(facts.plain)) {
            let recipe = ticket.publish(Made { content, stored, plain });
            lock(&self.published).push(recipe);
        }
    }

    /// Returns what gives the right to make a job's result back when it is dropped, if nothing was made by then: others may
    /// wait for it, and this conversion for them.
    pub(super) fn until_over(&self, id: JobId) -> UntilOver<'_> {
        UntilOver { sharing: self, id }
    }

    /// Takes back what was handed out: it is about to be written over.
    pub(super) fn withdraw(&self, cx: &Context<'_>) {
        for recipe in lock(&self.published).drain(..) {
            cx.layer_cache.iter().for_each(|cache| cache.forget(recipe));
        }
        lock(&self.reused).clear();
    }
}

/// See [`Sharing::until_over`].
pub(super) struct UntilOver<'a> {
    sharing: &'a Sharing,
    id: JobId,
}

impl Drop for UntilOver<'_> {
    fn drop(&mut self) {
        let ticket = lock(&self.sharing.tickets).remove(&self.id);
        drop(ticket);
    }
}

impl Source<'_> {
    /// Decides whether a job's result is made here; see [`LayerCache::find`](crate::cache::LayerCache) for
    /// `before_waiting`.
    pub(super) fn share(&self, id: JobId, before_waiting: impl FnOnce() -> Result<()>) -> Result<()> {
        let (Some(cache), Some(recipe)) = (&self.cx.layer_cache, self.recipe(self.jobs.get(id))) else { return Ok(()) };
        match cache.find(recipe, before_waiting, self.cx)? {
            Found::Made(made) => drop(lock(&self.sharing.reused).insert(id, Reused { recipe, made })),
            Found::Yours(ticket) => drop(lock(&self.sharing.tickets).insert(id, ticket)),
        }
        Ok(())
    }

    /// Returns what a job makes of what, where the claims tell it and it is the same each time.
    fn recipe(&self, job: &Job) -> Option<Recipe> {
        let blob = self.blob(job);
        let large = blob.content.size() >= WORTH_SHARING;
        let ordinary = job.algorithms() == (Algorithm::Sha256, Algorithm::Sha256);
        if self.recompute || !large || !ordinary || blob.compression.is_none() {
            return None;
        }
        let of = job.stored_claim(self.graph).filter(|of| of.algorithm() == Algorithm::Sha256)?;
        match job.action {
            Action::Copy => None,
            Action::Decompress => Some(Recipe { of, into: None }),
            Action::Compress(encoding) | Action::Recompress(encoding) => Some(Recipe { of, into: Some(encoding) }),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
