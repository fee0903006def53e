//! Results of jobs, for other conversions that need the same: a layer that many images stand on is made once. What is at
//! hand stays where it was written; a folder keeps it beyond the run.

mod folder;

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use folder::CacheFolder;

use crate::codec::Encoding;
use crate::content::{Content, Measured};
use crate::context::Context;
use crate::digest::Digest;
use crate::error::Result;

/// How many results are at hand. Each may keep a file open.
const AT_HAND: usize = 256;
/// How often who waits for a result looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(50);

/// What a result is made of, and how: as the same bytes each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Recipe {
    /// Of the bytes as they are stored in a source.
    pub(crate) of: Digest,
    /// `None`: plain.
    pub(crate) into: Option<Encoding>,
}

/// A result, where it is, and what it was found to be.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) content: Content,
    /// Of the result.
    pub(crate) stored: Measured,
    /// Of the layer's tar.
    pub(crate) plain: Measured,
}

/// What is said of a recipe.
pub(crate) enum Found {
    Made(Made),
    /// Whoever asked makes it.
    Yours(Ticket),
}

/// Results that conversions share. Clones are the same cache.
#[derive(Clone, Debug)]
pub(crate) struct LayerCache(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    slots: Mutex<Slots>,
    changed: Condvar,
    folder: Option<CacheFolder>,
}

#[derive(Debug, Default)]
struct Slots {
    by_recipe: HashMap<Recipe, Slot>,
    /// Counts uses, to tell which result was not needed for longest.
    clock: u64,
}

#[derive(Debug)]
enum Slot {
    Making,
    Made { made: Box<Made>, used: u64 },
}

impl LayerCache {
    pub(crate) fn new(folder: Option<CacheFolder>) -> Self {
        Self(Arc::new(Shared { slots: Mutex::default(), changed: Condvar::new(), folder }))
    }

    /// Returns a result. While somebody else makes it, the caller's hand is lent to others; `before_waiting` has to
    /// finish what the caller makes itself, since others may wait for that.
    pub(crate) fn find(
        &self,
        recipe: Recipe,
        before_waiting: impl FnOnce() -> Result<()>,
        cx: &Context<'_>,
    ) -> Result<Found> {
        let mut found = self.lock().find(recipe, self);
        if found.is_none() {
            before_waiting()?;
            found = cx.hands().lend(|| self.wait(recipe, cx))?;
        }
        match found {
            Some(Found::Yours(ticket)) => match self.0.folder.as_ref().and_then(|folder| folder.find(recipe)) {
                Some(made) => {
                    ticket.remember(made.clone());
                    Ok(Found::Made(made))
                }
                None => Ok(Found::Yours(ticket)),
            },
            Some(found) => Ok(found),
            None => unreachable!("it was waited for"),
        }
    }

    fn wait(&self, recipe: Recipe, cx: &Context<'_>) -> Result<Option<Found>> {
        let mut slots = self.lock();
        loop {
            cx.cancel.check()?;
            if let Some(found) = slots.find(recipe, self) {
                return Ok(Some(found));
            }
            slots = self.0.changed.wait_timeout(slots, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes a result back that is not what it was: what it was written to was written again, or somebody changed it.
    pub(crate) fn forget(&self, recipe: Recipe) {
        self.lock().by_recipe.remove(&recipe);
        if let Some(folder) = &self.0.folder {
            folder.forget(recipe);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    /// Returns what is there, or the right to make it; `None` while somebody does.
    fn find(&mut self, recipe: Recipe, cache: &LayerCache) -> Option<Found> {
        self.clock += 1;
        match self.by_recipe.get_mut(&recipe) {
            Some(Slot::Made { made, used }) => {
                *used = self.clock;
                Some(Found::Made(Made::clone(made)))
            }
            Some(Slot::Making) => None,
            None => {
                self.by_recipe.insert(recipe, Slot::Making);
                Some(Found::Yours(Ticket { cache: cache.clone(), recipe, done: false }))
            }
        }
    }

    fn keep(&mut self, recipe: Recipe, made: Made) {
        self.clock += 1;
        self.by_recipe.insert(recipe, Slot::Made { made: Box::new(made), used: self.clock });
        let used = |(recipe, slot): (&Recipe, &Slot)| match slot {
            Slot::Made { used, .. } => Some((*used, *recipe)),
            Slot::Making => None,
        };
        if self.by_recipe.len() > AT_HAND
            && let Some((_, oldest)) = self.by_recipe.iter().filter_map(used).min_by_key(|(used, _)| *used)
        {
            self.by_recipe.remove(&oldest);
        }
    }
}

/// The right, and the duty, to make a result. Dropped without one, somebody else gets the right.
#[derive(Debug)]
pub(crate) struct Ticket {
    cache: LayerCache,
    recipe: Recipe,
    done: bool,
}

impl Ticket {
    /// Hands the result to all who need it.
    pub(crate) fn publish(self, made: Made) -> Recipe {
        let recipe = self.recipe;
        let cache = self.cache.clone();
        self.remember(made.clone());
        if let Some(folder) = &cache.0.folder {
            folder.keep(recipe, &made);
        }
        recipe
    }

    fn remember(mut self, made: Made) {
        self.done = true;
        self.cache.lock().keep(self.recipe, made);
        self.cache.0.changed.notify_all();
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.done {
            self.cache.lock().by_recipe.remove(&self.recipe);
            self.cache.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn recipe(n: usize) -> Recipe {
        Recipe { of: Digest::of(n.to_string().as_bytes()), into: None }
    }

    fn made(text: &str) -> Made {
        let measured = Measured { digest: Digest::of(text.as_bytes()), size: text.len() as u64 };
        let content = Content::bytes("a".into(), "b".to_owned(), text.as_bytes().to_vec());
        Made { content, stored: measured, plain: measured }
    }

    #[test]
    fn a_result_is_made_once_and_whoever_comes_later_waits_for_it() {
        let (cache, cx, times) = (LayerCache::new(None), Context::default(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| match cache.find(recipe(1), || Ok(()), &cx).unwrap() {
                    Found::Yours(ticket) => {
                        times.fetch_add(1, Ordering::Relaxed);
                        std::thread::sleep(Duration::from_millis(20));
                        ticket.publish(made("one"));
                    }
                    Found::Made(found) => assert_eq!(found.stored, made("one").stored),
                });
            }
        });
        assert_eq!(times.into_inner(), 1);
    }

    #[test]
    fn who_gives_up_leaves_it_to_the_next() {
        let (cache, cx) = (LayerCache::new(None), Context::default());
        let first = cache.find(recipe(1), || Ok(()), &cx).unwrap();
        std::thread::scope(|scope| {
            let next = scope.spawn(|| cache.find(recipe(1), || Ok(()), &Context::default()).unwrap());
            std::thread::sleep(Duration::from_millis(10));
            drop(first);
            assert!(matches!(next.join().unwrap(), Found::Yours(_)));
        });
        cx.cancel.trigger();
        let _held = cache.find(recipe(2), || Ok(()), &cx).unwrap();
        assert!(cache.find(recipe(2), || Ok(()), &cx).is_err());
    }

    #[test]
    fn few_results_are_at_hand_those_in_use_longest() {
        let (cache, cx) = (LayerCache::new(None), Context::default());
        for n in 0..AT_HAND * 2 {
            for n in [0, n] {
                if let Found::Yours(ticket) = cache.find(recipe(n), || Ok(()), &cx).unwrap() {
                    ticket.publish(made("text"));
                }
            }
        }
        assert_eq!(cache.lock().by_recipe.len(), AT_HAND);
        assert!(matches!(cache.find(recipe(0), || Ok(()), &cx).unwrap(), Found::Made(_)));
        assert!(matches!(cache.find(recipe(1), || Ok(()), &cx).unwrap(), Found::Yours(_)));
    }
}
