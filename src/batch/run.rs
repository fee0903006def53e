//! Doing all items: several at once, with threads, memory and layers that they share.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::done::Done;
use super::item::{Item, Items};
use super::options::BatchOptions;
use super::queue::{Queue, Turn};
use super::record::{Record, Status, Summary};
use super::work::{self, Paths, Task};
use crate::cache::{CacheFolder, LayerCache};
use crate::context::{Cancel, Context};
use crate::convert;
use crate::error::{Error, ErrorKind, Result};
use crate::hands::Hands;
use crate::pool;

/// Operations beyond the number of threads: while one waits for the disk, another has work.
const SPARE: usize = 2;
/// What a thread takes: a block, its result, a codec's tables, buffers.
const THREAD_BYTES: u64 = 6 << 20;
/// What an operation takes: documents, lists of members.
const ITEM_BYTES: u64 = 4 << 20;
/// What the process takes beside them.
const BASE_BYTES: u64 = 24 << 20;
/// How soon somebody else's item is looked at again.
const BUSY_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How soon a wish to stop is heard.
const LOOK: Duration = Duration::from_millis(20);

/// Does all items, the largest first, and tells `ended` what became of each, from any thread, once. One that fails stops
/// no other.
///
/// # Errors
///
/// Those of setting up: [`Usage`](ErrorKind::Usage) for options that make no sense whatever the items are,
/// [`Environment`](ErrorKind::Environment) for the output folder, its journal, the layer cache. What happens to items is
/// in the records.
pub fn run(
    items: Items,
    options: &BatchOptions<'_>,
    cx: &Context<'_>,
    ended: &(dyn Fn(&Record) + Sync),
) -> Result<Summary> {
    let started = Instant::now();
    let threads = threads(options.memory, cx.threads);
    let cache = match &options.layer_cache {
        Some((folder, room)) => Some(CacheFolder::open(folder, *room)?),
        None => None,
    };
    let hands = Hands::new(threads);
    let mut cx = cx.sharing(hands.clone(), LayerCache::new(cache));
    // The journal tells that a result is there.
    cx.sync = true;
    let done = match &options.task {
        Task::Convert(convert) => {
            convert::check_options(convert)?;
            Some(Done::open(options, convert, &cx.limits)?)
        }
        Task::Verify(_) | Task::Inspect { .. } => None,
    };
    let Items { mut items, others } = items;
    items.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.key.cmp(&b.key)));
    let summary = Mutex::new(Summary { shard: options.shard, ..Summary::default() });
    let told = |mut record: Record| {
        record.shard = options.shard;
        summary.lock().unwrap_or_else(PoisonError::into_inner).add(&record);
        ended(&record);
    };
    others.into_iter().for_each(told);
    let batch = Batch { items: &items, options, done, hands, cx: &cx, failures: AtomicU64::new(0) };
    let runners = items.len().min(runners(options.memory, threads));
    let (queue, over) = (Queue::new(items.len()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let watch = pool::start(scope, 1, || watch(options, &queue, &cx.cancel, &over));
        // Without somebody who watches, nobody could stop them.
        let runners = pool::start(scope, if watch.is_empty() { 0 } else { runners }, || batch.work(&queue, &told));
        let nobody = runners.is_empty() && !items.is_empty();
        // What panics here is whoever was told.
        let panicked = runners.into_iter().map(|runner| runner.join()).filter(std::result::Result::is_err).count();
        over.store(true, Ordering::Relaxed);
        let _ = watch.into_iter().try_for_each(|watch| watch.join());
        match (nobody, panicked) {
            (true, _) => Err(Error::new(ErrorKind::Environment, "the system gives no more threads")),
            (false, 0) => Ok(()),
            (false, _) => Err(pool::panicked()),
        }
    })?;
    let left = queue.left();
    let begun = left.iter().filter_map(|turn| turn.last.clone());
    begun.for_each(told);
    if let Some(done) = &batch.done {
        done.sync()?;
    }
    let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.interrupted = is_to_stop(options, &cx.cancel);
    summary.seconds = started.elapsed();
    Ok(summary)
}

fn is_to_stop(options: &BatchOptions<'_>, cancel: &Cancel) -> bool {
    options.stop.is_triggered() || cancel.is_triggered()
}

/// Has nothing begun any more when that is wished, and what was begun stopped when its time is over.
fn watch(options: &BatchOptions<'_>, queue: &Queue, cancel: &Cancel, over: &AtomicBool) {
    let mut stopped = None;
    while !over.load(Ordering::Relaxed) {
        if is_to_stop(options, cancel) {
            queue.stop();
            if stopped.get_or_insert_with(Instant::now).elapsed() >= options.grace {
                cancel.trigger();
            }
        }
        std::thread::sleep(LOOK);
    }
}

struct Batch<'a> {
    items: &'a [Item],
    options: &'a BatchOptions<'a>,
    done: Option<Done<'a>>,
    hands: Hands,
    cx: &'a Context<'a>,
    /// Items that failed for good.
    failures: AtomicU64,
}

impl Batch<'_> {
    fn work(&self, queue: &Queue, told: &dyn Fn(Record)) {
        let _alarm = Alarm(queue);
        while let Some(turn) = queue.next() {
            let item = &self.items[turn.at];
            let hand = self.hands.wait();
            if is_to_stop(self.options, &self.cx.cancel) {
                queue.stop();
            }
            if queue.is_stopped() {
                // That was so before there was a hand.
                queue.again(turn, Duration::ZERO);
                break;
            }
            let started = Instant::now();
            // A panic is an error like any other, of one item.
            let result = catch_unwind(AssertUnwindSafe(|| self.perform(item)));
            let result = result.unwrap_or_else(|_| Err(crate::pool::panicked()));
            drop(hand);
            let mut record = match result {
                Ok(Some(record)) => record,
                Ok(None) => {
                    queue.again(turn, BUSY_WAIT);
                    continue;
                }
                Err(error) => {
                    let record = work::failed(item, &error);
                    let again = error.kind() == ErrorKind::Environment && turn.failed < self.options.retries;
                    if again && !self.cx.cancel.is_triggered() {
                        let wait = self.wait(turn.failed, &item.key);
                        queue.again(Turn { failed: turn.failed + 1, last: Some(record), ..turn }, wait);
                        continue;
                    }
                    record
                }
            };
            record.seconds = started.elapsed();
            let for_good = record.status == Status::Failed && !record.is_temporary();
            told(record);
            queue.done();
            let failures = self.failures.fetch_add(u64::from(for_good), Ordering::Relaxed) + u64::from(for_good);
            if self.options.max_failures.is_some_and(|most| failures > most) {
                queue.stop();
            }
        }
    }

    /// Does an item, unless that was done before; `None` when somebody else is at it.
    fn perform(&self, item: &Item) -> Result<Option<Record>> {
        let Some(done) = &self.done else {
            let (paths, _temporary) = self.fetched(item)?;
            return work::perform(item, &self.options.task, &paths, false, self.cx).map(Some);
        };
        let Some(_claim) = done.claim(item)? else { return Ok(None) };
        let begun = match done.begin(item)? {
            Ok(begun) => begun,
            Err(record) => return Ok(Some(*record)),
        };
        let record = self.convert(item, begun.replace);
        let noted = record.and_then(|record| done.end(&record, &begun).map(|()| Some(record)));
        noted.inspect_err(|_| done.abandon(item, &begun))
    }

    /// Fetches, converts and stores an item, whichever of that is to be done.
    fn convert(&self, item: &Item, replace: bool) -> Result<Record> {
        let (mut paths, temporary) = self.fetched(item)?;
        let Some(carrier) = self.options.carrier.filter(|carrier| carrier.stores()) else {
            return self.perform_at(item, &paths, replace);
        };
        let folder = temporary.map_or_else(|| self.temporary(), Ok)?;
        let from = folder.path().join("out");
        paths.output = Some(from.clone());
        let record = self.perform_at(item, &paths, true)?;
        self.hands.lend(|| carrier.store(item, &from)).unwrap_or(Ok(()))?;
        Ok(record)
    }

    fn perform_at(&self, item: &Item, paths: &Paths, replace: bool) -> Result<Record> {
        let perform = |cx| work::perform(item, &self.options.task, paths, replace, cx);
        match perform(self.cx) {
            // What is wrong with a shared result is not the item's fault.
            Err(error) if error.detail().stale => perform(&self.cx.sharing_no_results()),
            other => other,
        }
    }

    /// Returns where an item's source is, after it was brought here.
    fn fetched(&self, item: &Item) -> Result<(Paths, Option<tempfile::TempDir>)> {
        let mut paths = Paths { input: item.input.clone(), output: item.output.clone() };
        let Some(carrier) = self.options.carrier.filter(|carrier| carrier.fetches()) else { return Ok((paths, None)) };
        let folder = self.temporary()?;
        paths.input = folder.path().join("in");
        if let Some(fetched) = self.hands.lend(|| carrier.fetch(item, &paths.input)) {
            fetched?;
        }
        Ok((paths, Some(folder)))
    }

    fn temporary(&self) -> Result<tempfile::TempDir> {
        let parent = self.cx.temp_dir.clone().unwrap_or_else(|| self.options.out.clone());
        let made = tempfile::Builder::new().prefix(".transload.").suffix(".tmp").tempdir_in(&parent);
        made.map_err(|cause| Error::io("cannot make a temporary folder", cause).within(parent.display().to_string()))
    }

    /// Returns how long to wait before an item is tried again. Items that failed together do not come back together.
    fn wait(&self, failed: u32, key: &str) -> Duration {
        let most = self.options.backoff.saturating_mul(1 << failed.min(16)).min(LONGEST_WAIT);
        let share = u32::from(crate::digest::Digest::of(format!("{failed} {key}").as_bytes()).first_bytes()[0]);
        most / 2 + most / 2 * share / 255
    }
}

/// Has all others end when one thread panics: nobody waits for its item.
struct Alarm<'a>(&'a Queue);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

/// Returns how many threads there is memory for.
fn threads(memory: Option<u64>, wanted: NonZeroUsize) -> NonZeroUsize {
    let Some(memory) = memory else { return wanted };
    let most = memory.saturating_sub(BASE_BYTES) / (THREAD_BYTES + ITEM_BYTES);
    wanted.min(NonZeroUsize::new(usize::try_from(most).unwrap_or(usize::MAX)).unwrap_or(NonZeroUsize::MIN))
}

/// Returns how many items can be under way.
fn runners(memory: Option<u64>, threads: NonZeroUsize) -> usize {
    let wanted = threads.get() + SPARE;
    let Some(memory) = memory else { return wanted };
    let left = memory.saturating_sub(BASE_BYTES + THREAD_BYTES * threads.get() as u64);
    wanted.min(usize::try_from(left / ITEM_BYTES).unwrap_or(usize::MAX)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_bounds_what_is_under_way() {
        let threads_of = |memory, wanted| threads(memory, NonZeroUsize::new(wanted).unwrap());
        for (memory, wanted, threads, items) in [
            (None, 8, 8, 10),
            (Some(0), 8, 1, 1),
            (Some(64 << 20), 8, 4, 4),
            (Some(128 << 20), 2, 2, 4),
            (Some(u64::MAX), 2, 2, 4),
        ] {
            let found = threads_of(memory, wanted);
            assert_eq!((found.get(), runners(memory, found)), (threads, items), "{memory:?}");
        }
    }
}
