//! SIGTERM and SIGINT: nothing new is begun, what was begun ends or is given up, and all is told.

use std::fs;
use std::io::Write;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::fleet::{Fleet, Report, outputs, text};
use crate::support::image;
use crate::support::run::Call;

const PATIENCE: Duration = Duration::from_secs(60);

/// Items that take some time each.
fn slow(number: usize) -> Fleet {
    (0..number).fold(Fleet::new(0), |fleet, n| {
        let image = image().layer(text(n, 300_000)).tag(&format!("demo/slow:{n}"));
        fleet.with(&format!("slow-{n:02}.tar"), image, 0)
    })
}

fn start(call: &Call<'_>) -> Child {
    call.prepared().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program can be started")
}

fn until(what: &str, mut there: impl FnMut() -> bool) {
    let started = Instant::now();
    while !there() {
        assert!(started.elapsed() < PATIENCE, "{what} never comes");
        thread::sleep(Duration::from_millis(2));
    }
}

fn stop(mut child: Child, signal: Signal) -> (Option<i32>, Duration) {
    let started = Instant::now();
    kill_process(Pid::from_child(&child), signal).expect("the process is ours");
    let mut status = None;
    until("the end", || {
        status = child.try_wait().expect("a child can be waited for");
        status.is_some()
    });
    (status.and_then(|status| status.code()), started.elapsed())
}

const SLOW: [&str; 4] = ["--compression", "zstd", "--compression-level", "19"];

#[test]
fn who_is_told_to_stop_says_how_far_it_came() {
    for (signal, code, grace) in
        [(Signal::TERM, 75, "60"), (Signal::INT, 130, "60"), (Signal::TERM, 75, "0"), (Signal::INT, 130, "0")]
    {
        let fleet = slow(12);
        let call = fleet.batch("oci-archive").args(SLOW).args(["--threads", "1", "--grace", grace]);
        let child = start(&call);
        until("a result", || !fleet.report().items.is_empty());
        let (found, took) = stop(child, signal);
        assert_eq!(found, Some(code));
        let report = fleet.report();
        let summary = report.summary.as_ref().expect("the report has its last line");
        assert_eq!(summary["interrupted"], true);
        let ok = report.with("ok");
        assert!(!ok.is_empty() && ok.len() < 12, "{} done", ok.len());
        let begun = report.with("failed");
        if grace == "0" {
            assert!(took < Duration::from_secs(20), "it took {took:?} to give up");
            assert!(begun.iter().all(|item| report.code(item) == "cancelled"), "{report:?}");
        } else {
            assert_eq!(begun, [""; 0], "what was begun has time to end");
        }
        // Each result that is there was told of, and nothing else is.
        assert_eq!(Vec::from_iter(outputs(&fleet.sandbox.path("out"))), ok);
        assert_eq!(fs::read_dir(fleet.sandbox.path("out")).expect("a folder").count(), ok.len() + 1);
        fleet.batch("oci-archive").args(SLOW).ok();
        assert_eq!(fleet.report().counts(), [12 - ok.len(), ok.len(), 0, 0]);
        fleet.assert_whole("oci-archive");
    }
}

/// While an item waits for another try, and while others are waited for.
#[test]
fn who_waits_hears_of_it_too() {
    let fleet = slow(1);
    let call = fleet.batch("oci-archive").args(["--fetch", "exit 7", "--retries", "9"]);
    let child = start(&call);
    until("the journal", || fleet.sandbox.path("out/.transload/journal.jsonl").exists());
    thread::sleep(Duration::from_millis(300));
    let (code, took) = stop(child, Signal::TERM);
    assert_eq!(code, Some(75));
    assert!(took < Duration::from_secs(10), "{took:?}");
    // What failed and was to be tried again is told.
    let report = fleet.report();
    assert_eq!(report.counts(), [0, 0, 1, 0], "{report:?}");
    assert_eq!(report.summary.expect("a last line")["interrupted"], true);
    // A list that does not come to its end.
    let call = fleet.call("oci-archive", "r").args(["--list", "-"]);
    let mut command = call.prepared();
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut pipe = child.stdin.take().expect("stdin is a pipe");
    pipe.write_all(b"in/slow-00.tar\n").expect("the list is read");
    thread::sleep(Duration::from_millis(300));
    let (code, took) = stop(child, Signal::INT);
    assert_eq!(code, Some(130));
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(!fleet.sandbox.path("r").exists() || Report::read(&fleet.sandbox.path("r")).items.is_empty());
}

/// Those who wait for their turn at a thread have begun nothing.
#[test]
fn what_waits_for_a_thread_is_not_begun_any_more() {
    let fleet = slow(5);
    // Of items of the same size it comes first.
    let mut archive = fs::read(fleet.path("slow-00.tar")).expect("it is there");
    let middle = archive.len() / 2;
    archive[middle] ^= 1;
    fs::write(fleet.path("slow-00.tar"), archive).expect("it can be written");
    let call = fleet.batch("oci-archive").args(SLOW).args(["--threads", "1", "--max-failures", "0"]);
    super::fleet::ends(call, 1);
    let report = fleet.report();
    assert_eq!(report.with("failed").len(), 1, "{report:?}");
    // One may have begun before that was told.
    assert!(report.with("ok").len() <= 1, "{report:?}");
}
