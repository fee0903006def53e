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
    /// Bytes of the stage; `None`: nobody knows.
    total: Option<u64>,
    rate: Rate,
    /// What was decided for blobs, by origin.
    decisions: HashMap<String, Decision>,
    blobs: usize,
    blobs_read: usize,
    active: Vec<Active>,
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
}

impl Work {
    pub(super) fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            stage: Stage::Opening,
            total: None,
            rate: Rate::since(Duration::ZERO),
            decisions: HashMap::new(),
            blobs: 0,
            blobs_read: 0,
            active: Vec::new(),
        }
    }

    /// Notes what happened, and when: counted from the beginning.
    pub(super) fn apply(&mut self, event: &Event, elapsed: Duration) {
        match event {
            Event::Spooling { source, bytes } => {
                self.begin(Stage::Spooling { source: source.clone() }, *bytes, elapsed);
            }
            Event::Planned { bytes } => {
                self.begin(Stage::Working, Some(*bytes), elapsed);
                (self.blobs, self.blobs_read) = (0, 0);
                self.decisions.clear();
            }
            Event::Decided { origin, action, reason } => {
                self.blobs += 1;
                self.decisions.insert(origin.clone(), Decision { action, reason: *reason });
            }
            Event::Started { id, source, origin, size } => {
                let (source, origin, decision) = (source.clone(), origin.clone(), self.decision(origin));
                self.active.push(Active { id: *id, source, origin, size: *size, decision });
            }
            Event::Ended { id } => {
                self.blobs_read += 1;
                self.active.retain(|active| active.id != *id);
            }
            Event::Sealing => self.begin(Stage::Sealing, None, elapsed),
            _ => {}
        }
    }

    fn begin(&mut self, stage: Stage, total: Option<u64>, elapsed: Duration) {
        self.stage = stage;
        self.total = total;
        self.rate = Rate::since(elapsed);
    }

    /// Returns what was decided for a blob.
    pub(super) fn decision(&self, origin: &str) -> Option<Decision> {
        self.decisions.get(origin).copied()
    }

    /// Returns a blob that is being read.
    pub(super) fn active(&self, id: u64) -> Option<&Active> {
        self.active.iter().find(|active| active.id == id)
    }

    pub(super) fn view(&mut self, counters: &Counters, elapsed: Duration) -> View<'_> {
        let bytes = match self.stage {
            Stage::Opening => 0,
            Stage::Spooling { .. } => counters.spooled(),
            Stage::Working => counters.read(),
            Stage::Sealing => counters.sent().load(Ordering::Relaxed),
        };
        let rate = self.rate.at(elapsed, bytes);
        let left = self.total.and_then(|total| time_for(total.saturating_sub(bytes), rate));
        let active = self.active.iter().filter_map(|active| Some((active, counters.read_of(active.id)?)));
        View {
            title: &self.title,
            stage: &self.stage,
            elapsed,
            bytes,
            read: counters.read(),
            total: self.total,
            rate,
            left,
            blobs: self.blobs,
            blobs_read: self.blobs_read,
            active: active.collect(),
        }
    }
}
