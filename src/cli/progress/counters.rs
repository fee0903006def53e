//! Bytes, counted from any thread without a lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use transload::Event;

/// As many blobs can be told apart at once. There are seldom more threads; of what finds its slot taken only the sum is
/// known.
const SLOTS: usize = 64;

/// Bytes that were read so far.
pub(super) struct Counters {
    read: AtomicU64,
    spooled: AtomicU64,
    sent: Arc<AtomicU64>,
    slots: [Slot; SLOTS],
}

/// Bytes of one blob that is being read.
#[derive(Default)]
struct Slot {
    /// The reading's number plus one; 0: free.
    owner: AtomicU64,
    bytes: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            read: AtomicU64::new(0),
            spooled: AtomicU64::new(0),
            sent: Arc::default(),
            slots: std::array::from_fn(|_| Slot::default()),
        }
    }
}

impl Counters {
    /// Counts an event; tells whether that is all there was to it.
    pub(super) fn count(&self, event: &Event) -> bool {
        match event {
            Event::Read { id, bytes } => {
                self.read.fetch_add(*bytes, Ordering::Relaxed);
                let slot = self.slot(*id);
                if slot.owner.load(Ordering::Relaxed) == id + 1 {
                    slot.bytes.fetch_add(*bytes, Ordering::Relaxed);
                }
                return true;
            }
            Event::Spooled { bytes } => {
                self.spooled.fetch_add(*bytes, Ordering::Relaxed);
                return true;
            }
            Event::Spooling { .. } => self.spooled.store(0, Ordering::Relaxed),
            Event::Started { id, .. } => {
                let owner = &self.slot(*id).owner;
                let _ = owner.compare_exchange(0, id + 1, Ordering::Relaxed, Ordering::Relaxed);
            }
            Event::Ended { id } => {
                let slot = self.slot(*id);
                if slot.owner.load(Ordering::Relaxed) == id + 1 {
                    slot.bytes.store(0, Ordering::Relaxed);
                    slot.owner.store(0, Ordering::Release);
                }
            }
            _ => {}
        }
        false
    }

    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    pub(super) fn spooled(&self) -> u64 {
        self.spooled.load(Ordering::Relaxed)
    }

    /// Returns the counter of what standard output took, for the one who writes it.
    pub(super) fn sent(&self) -> &Arc<AtomicU64> {
        &self.sent
    }

    /// Returns the bytes of a blob that is being read, unless its slot was taken.
    pub(super) fn read_of(&self, id: u64) -> Option<u64> {
        let slot = self.slot(id);
        (slot.owner.load(Ordering::Acquire) == id + 1).then(|| slot.bytes.load(Ordering::Relaxed))
    }

    fn slot(&self, id: u64) -> &Slot {
        &self.slots[usize::try_from(id % SLOTS as u64).expect("below the number of slots")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(id: u64) -> Event {
        Event::Started { id, source: String::new(), origin: String::new(), size: 100 }
    }

    #[test]
    fn bytes_are_counted_for_each_blob_and_in_all() {
        let counters = Counters::default();
        for id in [3, 4] {
            assert!(!counters.count(&started(id)), "others want to hear of it");
        }
        for (id, bytes) in [(3, 10), (4, 1), (3, 10)] {
            assert!(counters.count(&Event::Read { id, bytes }));
        }
        assert_eq!((counters.read(), counters.read_of(3), counters.read_of(4)), (21, Some(20), Some(1)));
        assert!(!counters.count(&Event::Ended { id: 3 }));
        assert_eq!((counters.read(), counters.read_of(3)), (21, None));
    }

    #[test]
    fn a_blob_whose_slot_is_taken_counts_only_in_all() {
        let (counters, other) = (Counters::default(), SLOTS as u64);
        counters.count(&started(0));
        counters.count(&started(other));
        counters.count(&Event::Read { id: other, bytes: 5 });
        assert_eq!((counters.read(), counters.read_of(0), counters.read_of(other)), (5, Some(0), None));
        counters.count(&Event::Ended { id: other });
        assert_eq!(counters.read_of(0), Some(0), "the slot is another's");
    }

    #[test]
    fn spools_follow_one_another() {
        let counters = Counters::default();
        for _ in 0..2 {
            counters.count(&Event::Spooling { source: String::new(), bytes: None });
            counters.count(&Event::Spooled { bytes: 7 });
            assert_eq!((counters.spooled(), counters.read()), (7, 0));
        }
    }
}
