//! Counts what became of the items while they are done: for the progress display, the report and the metrics.

use std::sync::{Mutex, PoisonError};

use transload::batch::{Record, Status, Summary};
use transload::{Event, Observer, escape};

use super::metrics::Metrics;
use super::report::Report;
use crate::cli::progress::Progress;

pub(super) struct Tally<'a> {
    pub(super) progress: &'a Progress,
    pub(super) report: Option<&'a Report>,
    pub(super) metrics: Option<&'a Metrics>,
    pub(super) quiet: bool,
    /// Tell of every item, not of those only that failed.
    pub(super) verbose: bool,
    pub(super) items: u64,
    pub(super) summary: Mutex<Summary>,
}

impl Tally<'_> {
    /// Announces the work.
    pub(super) fn begin(&self, bytes: u64) {
        self.progress.on(&Event::Planned { bytes });
        self.progress.on(&Event::Items { done: 0, of: self.items });
    }

    /// Takes note of an item that ended; `size` is that of its source.
    pub(super) fn ended(&self, record: &Record, size: u64) {
        if let Some(report) = self.report {
            report.record(record);
        }
        if !self.quiet {
            self.progress.say(&line(record, self.verbose));
        }
        let mut summary = self.summary.lock().unwrap_or_else(PoisonError::into_inner);
        summary.add(record);
        self.progress.on(&Event::Items { done: summary.items, of: self.items });
        // What did not have to be read counts as done, too. No blob has this number.
        self.progress.on(&Event::Read { id: u64::MAX - 1, bytes: size.saturating_sub(record.bytes_in) });
        if let Some(metrics) = self.metrics {
            metrics.tell(&summary);
        }
    }
}

impl Observer for Tally<'_> {
    fn on(&self, event: &Event) {
        // What is planned for one item was planned with all, and what is decided for its blobs nobody asked for.
        if matches!(event, Event::Started { .. } | Event::Read { .. } | Event::Ended { .. }) {
            self.progress.on(event);
        }
    }
}

/// Says of an item what a person should know.
fn line(record: &Record, verbose: bool) -> String {
    let item = escape(&record.item);
    let why = record.error.as_ref().map(|error| escape(&error.message)).unwrap_or_default();
    match record.status {
        Status::Failed if record.is_temporary() => format!("transload: {item}: failed, worth another try: {why}\n"),
        Status::Failed => format!("transload: {item}: failed: {why}\n"),
        Status::Skipped if verbose => format!("skipped: {item}: {why}\n"),
        Status::Unchanged if verbose => format!("unchanged: {item}\n"),
        Status::Ok if verbose => {
            let lost = match record.losses.len() {
                0 => String::new(),
                1 => ", with 1 loss".to_owned(),
                more => format!(", with {more} losses"),
            };
            format!("done: {item}{lost}\n")
        }
        _ => String::new(),
    }
}
