//! Panics in the caller's own code, on whatever thread: an error, of one item where that can be, and never a hang.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use transload::batch::{Record, Summary};
use transload::{Context, ErrorKind, Event, Format, Observer};

use super::fleet::{Fleet, outputs};

/// Panics the first time that work is planned.
struct Saboteur(AtomicBool);

impl Observer for Saboteur {
    fn on(&self, event: &Event) {
        if matches!(event, Event::Planned { .. }) && !self.0.swap(true, Ordering::SeqCst) {
            sabotage();
        }
    }
}

/// A panic without the message that would look like a failed test.
fn sabotage() {
    resume_unwind(Box::new("sabotage"));
}

/// Converts a fleet; fails the test when that hangs.
fn attempt(
    fleet: &Fleet,
    observer: Saboteur,
    ended: impl Fn(&Record) + Send + Sync + 'static,
) -> transload::Result<Summary> {
    let threads = Context::default().threads;
    fleet.through_the_library(Format::OciArchive, threads, observer, ended)
}

#[test]
fn a_panic_in_one_item_is_that_items_failure() {
    let fleet = Fleet::new(12);
    let summary = attempt(&fleet, Saboteur(AtomicBool::new(false)), |_| {}).expect("the others are done");
    assert_eq!((summary.ok, summary.temporary, summary.failed), (11, 1, 0));
    assert_eq!(outputs(&fleet.sandbox.path("out")).len(), 11);
}

#[test]
fn a_panic_of_who_is_told_ends_the_batch() {
    let fleet = Fleet::new(12);
    let told = AtomicUsize::new(0);
    let ended = move |_: &Record| {
        if told.fetch_add(1, Ordering::SeqCst) == 3 {
            sabotage();
        }
    };
    let error = attempt(&fleet, Saboteur(AtomicBool::new(true)), ended).expect_err("somebody panicked");
    assert_eq!(error.kind(), ErrorKind::Environment);
    fleet.batch("oci-archive").ok();
    fleet.assert_whole("oci-archive");
}
