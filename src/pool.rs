//! A few threads over a list of tasks. The first error stops the rest; the result is in the list's order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use crate::error::{Error, ErrorKind, Result};
use crate::hands::Hands;

pub(crate) fn run<T: Sync, R: Send>(
    tasks: &[T],
    hands: &Hands,
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let first_error: Mutex<Option<(usize, Error)>> = Mutex::new(None);
    let over = || stop.load(Ordering::Relaxed) || next.load(Ordering::Relaxed) >= tasks.len();
    let worker = |own: bool| {
        let mut done = Vec::new();
        // A helper may have to go after each task: others may need its hand more.
        while let Some(_hand) = if own { (!over()).then_some(None) } else { hands.spare_unless(over).map(Some) } {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(i) else { break };
            // A panic is an error like any other: the result has to be cleaned up and the caller told.
            match catch_unwind(AssertUnwindSafe(|| work(task))).unwrap_or_else(|_| Err(panicked())) {
                Ok(result) => done.push((i, result)),
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    let mut first = first_error.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    // Of several errors the same one is reported, whichever thread was faster.
                    if first.as_ref().is_none_or(|(at, _)| i < *at) {
                        *first = Some((i, error));
                    }
                }
            }
        }
        hands.wake();
        done
    };
    let workers = hands.total().min(tasks.len()).max(1);
    let mut done = std::thread::scope(|scope| {
        let handles = start(scope, workers - 1, || worker(false));
        let mut done = worker(true);
        for handle in handles {
            done.extend(handle.join().map_err(|_| panicked())?);
        }
        Ok::<_, Error>(done)
    })?;
    if let Some((_, error)) = first_error.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        return Err(error);
    }
    done.sort_by_key(|(i, _)| *i);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

/// Starts threads that do this, so many or as many as the system gives.
pub(crate) fn start<'s, T: Send + 's>(
    scope: &'s Scope<'s, '_>,
    count: usize,
    work: impl Fn() -> T + Copy + Send + 's,
) -> Vec<ScopedJoinHandle<'s, T>> {
    (0..count).map_while(|_| Builder::new().spawn_scoped(scope, work).ok()).collect()
}

/// Words the error for a thread that panicked; it has told why on stderr.
pub(crate) fn panicked() -> Error {
    Error::new(ErrorKind::Environment, "a worker thread failed unexpectedly")
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    #[test]
    fn results_keep_their_order_and_an_error_stops_the_rest() {
        let tasks: Vec<u32> = (0..100).collect();
        for threads in [1, 2, 8] {
            let hands = &Hands::mine_and_others(NonZeroUsize::new(threads).unwrap());
            assert_eq!(run(&tasks, hands, |&n| Ok(n * 2)).unwrap(), (0..100).map(|n| n * 2).collect::<Vec<_>>());
            let failed = run(&tasks, hands, |&n| if n == 7 { Err(Error::damaged("seven")) } else { Ok(n) });
            assert_eq!(failed.unwrap_err().to_string(), "seven");
            let panicked = run(&tasks, hands, |&n| if n == 7 { panic!("seven") } else { Ok(n) });
            assert!(panicked.unwrap_err().to_string().contains("unexpectedly"));
        }
    }
}
