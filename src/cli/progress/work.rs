//! What is going on, put together from events.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use transload::{Event, Reason};

use super::counters::Counters;
use super::rate::{Rate, time_for};

/// What is going on.
pub(super) struct Work {
    title: String,
    stage: Stage,
    /// Bytes to copy before anything else can be done; `None`: nobody knows.
    to_spool: Option<u64>,
    planned: u64,
    rate: Rate,
    /// What was decided for blobs, by origin, and whether it was told.
    decisions: HashMap<String, (Decision, bool)>,
    blobs: usize,
    blobs_read: usize,
    active: Vec<Active>,
    items: Option<(u64, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Looking what is there.
    Opening,
    /// Copying a stream, or an archive that is compressed as a whole.
    Spooling {
        source: String,
    },
    Working,
    /// Confirming the result to the disk, or sending it to standard output: then there are bytes.
    Sealing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) action: &'static str,
    pub(super) reason: Reason,
}

/// A blob that is being read.
#[derive(Clone, Debug)]
pub(super) struct Active {
    id: u64,
    pub(super) source: String,
    pub(super) origin: String,
    pub(super) size: u64,
    /// `None` where nothing is made of it.
    pub(super) decision: Option<Decision>,
}

/// How things stand.
pub(super) struct View<'a> {
    pub(super) title: &'a str,
    pub(super) stage: &'a Stage,
    pub(super) elapsed: Duration,
    /// Bytes of this stage.
    pub(super) bytes: u64,
    /// Bytes of all blobs.
    pub(super) read: u64,
    pub(super) total: Option<u64>,
    /// Bytes per second.
    pub(super) rate: Option<f64>,
    pub(super) left: Option<Duration>,
    pub(super) blobs: usize,
    pub(super) blobs_read: usize,
    /// What is read right now and how much of it was, the oldest first.
    pub(super) active: Vec<(&'a Active, u64)>,
    /// In a batch: items that ended, and all of them.
    pub(super) items: Option<(u64, u64)>,
}

impl Work {
    pub(super) fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            stage: Stage::Opening,
            to_spool: None,
            planned: 0,
            rate: Rate::since(Duration::ZERO, 0),
            decisions: HashMap::new(),
            blobs: 0,
            blobs_read: 0,
            active: Vec::new(),
            items: None,
        }
    }

    /// Notes what happened, and when: counted from the beginning.
    pub(super) fn apply(&mut self, event: &Event, counters: &Counters, elapsed: Duration) {
        match event {
            Event::Spooling { source, bytes } => {
                self.stage = Stage::Spooling { source: source.clone() };
                self.to_spool = *bytes;
                self.rate = Rate::since(elapsed, 0);
            }
            Event::Planned { bytes } => {
                self.planned += bytes;
                if self.stage != Stage::Working {
                    self.stage = Stage::Working;
                    // Threads may have begun before this was heard.
                    let before = if self.blobs_read == 0 { 0 } else { counters.read() };
                    self.rate = Rate::since(elapsed, before);
                }
            }
            Event::Decided { origin, action, reason } => {
                self.blobs += 1;
                self.decisions.insert(origin.clone(), (Decision { action, reason: *reason }, false));
            }
            Event::Started { id, source, origin, size } => {
                let (source, origin, decision) = (source.clone(), origin.clone(), self.decision(origin));
                self.active.push(Active { id: *id, source, origin, size: *size, decision });
            }
            Event::Ended { id } => {
                self.blobs_read += 1;
                self.active.retain(|active| active.id != *id);
            }
            Event::Items { done, of } => {
                // Threads may tell of theirs in another order than they counted them.
                let before = self.items.map_or(0, |(before, _)| before);
                self.items = Some((before.max(*done), *of));
            }
            Event::Sealing => {
                self.stage = Stage::Sealing;
                self.rate = Rate::since(elapsed, 0);
            }
            _ => {}
        }
    }

    /// Returns what was decided for a blob.
    pub(super) fn decision(&self, origin: &str) -> Option<Decision> {
        self.decisions.get(origin).map(|(decision, _)| *decision)
    }

    /// Tells whether a blob that is done is to be told: once, even if it had to be made again.
    pub(super) fn is_news(&mut self, origin: &str) -> bool {
        self.decisions.get_mut(origin).is_none_or(|(_, told)| !std::mem::replace(told, true))
    }

    /// Returns the bytes that are to be read in all.
    pub(super) fn planned(&self) -> u64 {
        self.planned
    }

    /// Returns a blob that is being read.
    pub(super) fn active(&self, id: u64) -> Option<&Active> {
        self.active.iter().find(|active| active.id == id)
    }

    pub(super) fn view(&mut self, counters: &Counters, elapsed: Duration) -> View<'_> {
        let read = counters.read();
        let (bytes, total) = match self.stage {
            Stage::Opening => (0, None),
            Stage::Spooling { .. } => (counters.spooled(), self.to_spool),
            Stage::Working => (read, Some(self.planned.max(read))),
            Stage::Sealing => (counters.sent().load(Ordering::Relaxed), None),
        };
        let rate = self.rate.at(elapsed, bytes);
        let left = total.and_then(|total| time_for(total.saturating_sub(bytes), rate));
        let active = self.active.iter().filter_map(|active| Some((active, counters.read_of(active.id)?)));
        View {
            title: &self.title,
            stage: &self.stage,
            elapsed,
            bytes,
            read,
            total,
            rate,
            left,
            blobs: self.blobs,
            blobs_read: self.blobs_read,
            active: active.collect(),
            items: self.items,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_turns_up_later_adds_to_the_whole() {
        let (mut work, counters) = (Work::new("x"), Counters::default());
        let mut hear = |event: &Event, seconds| {
            let elapsed = Duration::from_secs(seconds);
            if !counters.count(event) {
                work.apply(event, &counters, elapsed);
            }
            let view = work.view(&counters, elapsed);
            (view.bytes, view.total, view.blobs_read, view.active.len())
        };
        let started = |id| Event::Started { id, source: String::new(), origin: format!("{id}"), size: 50 };
        assert_eq!(hear(&Event::Spooling { source: "x".to_owned(), bytes: Some(9) }, 0), (0, Some(9), 0, 0));
        assert_eq!(hear(&Event::Spooled { bytes: 9 }, 1), (9, Some(9), 0, 0));
        assert_eq!(hear(&Event::Planned { bytes: 100 }, 2), (0, Some(100), 0, 0));
        assert_eq!(hear(&started(0), 2), (0, Some(100), 0, 1));
        assert_eq!(hear(&Event::Read { id: 0, bytes: 50 }, 3), (50, Some(100), 0, 1));
        assert_eq!(hear(&Event::Ended { id: 0 }, 3), (50, Some(100), 1, 0));
        assert_eq!(hear(&Event::Planned { bytes: 60 }, 4), (50, Some(160), 1, 0));
        // Nobody announced this; the whole is not less than its part.
        assert_eq!(hear(&Event::Read { id: 1, bytes: 150 }, 5), (200, Some(200), 1, 0));
        assert_eq!(hear(&Event::Sealing, 6), (0, None, 1, 0));
    }

    #[test]
    fn a_blob_is_told_once() {
        let (mut work, counters) = (Work::new("x"), Counters::default());
        let reason = Reason::NoLayer;
        work.apply(&Event::Decided { origin: "a".to_owned(), action: "copy", reason }, &counters, Duration::ZERO);
        assert_eq!(work.decision("a"), Some(Decision { action: "copy", reason }));
        assert_eq!([work.is_news("a"), work.is_news("a"), work.is_news("b")], [true, false, true]);
    }
}
