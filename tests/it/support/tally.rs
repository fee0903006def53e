//! Checks many rows, in parallel, to the end: a table shows all its misses at once.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::shared::say;

/// One line of a table: a group to count it under, and a name to find it by.
pub(crate) trait Row: Sync {
    fn group(&self) -> String;
    fn name(&self) -> String;
}

/// Runs `check` on every row, prints how many of each group held, and fails if any did not.
pub(crate) fn tally<R: Row>(title: &str, rows: &[R], check: impl Fn(&R) + Sync) {
    let next = AtomicUsize::new(0);
    let misses = Mutex::new(Vec::new());
    let counts: Mutex<BTreeMap<String, (usize, usize)>> = Mutex::default();
    let work = || {
        while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = catch_unwind(AssertUnwindSafe(|| check(row)));
            let mut counts = counts.lock().expect("no holder of the counts panics");
            let count = counts.entry(row.group()).or_default();
            count.1 += 1;
            match result {
                Ok(()) => count.0 += 1,
                Err(panic) => {
                    let text = panic
                        .downcast_ref::<String>()
                        .cloned()
                        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                        .unwrap_or_default();
                    misses.lock().expect("no holder of the misses panics").push(format!("{}: {text}", row.name()));
                }
            }
        }
    };
    let threads = thread::available_parallelism().map_or(2, usize::from).min(8);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let counts = counts.into_inner().expect("no holder of the counts panics");
    let line: Vec<String> = counts.iter().map(|(group, (good, all))| format!("{group} {good}/{all}")).collect();
    say(&format!("{title}: {}", line.join(", ")));
    let mut misses = misses.into_inner().expect("no holder of the misses panics");
    misses.sort();
    assert!(misses.is_empty(), "{title}: {} of {} rows miss\n\n{}", misses.len(), rows.len(), misses.join("\n\n"));
}
