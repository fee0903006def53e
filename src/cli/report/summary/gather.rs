//! What a summary tells, from the lines of the items: bounded, however many there are.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::File;
use std::time::Duration;

use transload::Result;
use transload::batch::{Class, Record, Reports, Status, Summary};

/// So many of the slowest are shown.
pub(super) const SHOWN: usize = 10;
/// Codes are few; a report that was made up can have more.
const CODES: usize = 100;
/// Characters of a text that is shown as an example.
const TEXT: usize = 500;

pub(super) struct Gathered {
    pub(super) total: Summary,
    /// The most frequent first.
    pub(super) failures: Vec<Failures>,
    /// The slowest first.
    pub(super) slowest: Vec<Slow>,
    /// Processes that came to their end, the slowest first.
    pub(super) processes: Vec<Summary>,
}

/// Items that failed with the same code.
pub(super) struct Failures {
    pub(super) code: String,
    pub(super) class: Class,
    pub(super) items: u64,
    /// One of the items, and what is wrong with it.
    pub(super) item: String,
    pub(super) message: String,
}

pub(super) struct Slow {
    pub(super) item: String,
    pub(super) seconds: Duration,
    pub(super) bytes_in: u64,
}

pub(super) fn gather(reports: &mut Reports<File>) -> Result<Gathered> {
    let (mut failures, mut slowest) = (BTreeMap::new(), Vec::new());
    for record in reports.records() {
        let record = record?;
        note_failure(&mut failures, &record);
        note_slow(&mut slowest, &record);
    }
    let mut failures: Vec<Failures> = failures.into_values().collect();
    failures.sort_by_key(|failure| Reverse(failure.items));
    let mut processes = reports.ends().to_vec();
    processes.sort_by_key(|process| Reverse(process.seconds));
    Ok(Gathered { total: reports.summary(), failures, slowest, processes })
}

fn note_failure(failures: &mut BTreeMap<(Class, String), Failures>, record: &Record) {
    let Some(error) = record.error.as_ref().filter(|_| record.status == Status::Failed) else { return };
    let key = (error.class, short(&error.code));
    let full = failures.len() >= CODES && !failures.contains_key(&key);
    let key = if full { (error.class, "others".to_owned()) } else { key };
    let code = key.1.clone();
    let first =
        || Failures { code, class: error.class, items: 0, item: short(&record.item), message: short(&error.message) };
    failures.entry(key).or_insert_with(first).items += 1;
}

fn note_slow(slowest: &mut Vec<Slow>, record: &Record) {
    let at = slowest.partition_point(|slow| slow.seconds >= record.seconds);
    if at < SHOWN && !record.seconds.is_zero() {
        let slow = Slow { item: short(&record.item), seconds: record.seconds, bytes_in: record.bytes_in };
        slowest.insert(at, slow);
        slowest.truncate(SHOWN);
    }
}

fn short(text: &str) -> String {
    text.chars().take(TEXT).collect()
}
