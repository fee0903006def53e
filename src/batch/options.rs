//! How a batch is done, and who carries its sources and results.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::item::Item;
use super::shard::Shard;
use super::work::Task;
use crate::context::Cancel;
use crate::error::Result;

/// How a batch is done.
#[derive(Clone)]
#[non_exhaustive]
pub struct BatchOptions<'a> {
    /// What happens to each item.
    pub task: Task,
    /// The folder of the results. Below it, `.transload` holds the journal and the locks.
    pub out: PathBuf,
    /// How often an item is tried again that failed because of the environment.
    pub retries: u32,
    /// How long to wait before the first of those; each further one waits up to twice as long, at most a minute.
    pub backoff: Duration,
    /// Begin nothing any more when more items than this failed for good.
    pub max_failures: Option<u64>,
    /// Begin nothing any more, and after `grace` stop what was begun.
    pub stop: Cancel,
    /// How long items that were begun may take to end after `stop`.
    pub grace: Duration,
    /// Bytes of memory to keep to; `None`: as threads and items need.
    pub memory: Option<u64>,
    /// A folder that keeps results beyond the run, and how many bytes it may take.
    pub layer_cache: Option<(PathBuf, u64)>,
    /// Where markers of what is done go, beside the journal: for storage on which processes cannot append to one file.
    pub done: Option<PathBuf>,
    /// Which shard this is, for the records.
    pub shard: Option<Shard>,
    /// Brings sources here and results away.
    pub carrier: Option<&'a dyn Carrier>,
}

impl BatchOptions<'_> {
    /// Returns the defaults for a task.
    pub fn new(task: Task, out: PathBuf) -> Self {
        Self {
            task,
            out,
            retries: 3,
            backoff: Duration::from_secs(1),
            max_failures: None,
            stop: Cancel::default(),
            grace: Duration::from_secs(10),
            memory: None,
            layer_cache: None,
            done: None,
            shard: None,
            carrier: None,
        }
    }
}

impl std::fmt::Debug for BatchOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchOptions").field("task", &self.task).field("out", &self.out).finish_non_exhaustive()
    }
}

/// Brings sources from somewhere, and results there. Errors of the kind [`Environment`](crate::ErrorKind::Environment)
/// are tried again.
pub trait Carrier: Sync {
    /// Puts an item's source at this path; `None`: sources are where they are named.
    fn fetch(&self, item: &Item, to: &Path) -> Option<Result<()>>;

    /// Takes an item's result away from this path; `None`: results stay where they are named.
    fn store(&self, item: &Item, from: &Path) -> Option<Result<()>>;

    /// Tells whether results are taken away.
    fn stores(&self) -> bool;

    /// Tells whether sources are brought.
    fn fetches(&self) -> bool;
}
