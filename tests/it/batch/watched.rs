//! What a person, a program or Prometheus sees of a batch while it runs.

use std::fs;

use super::fleet::{Fleet, Report, ends, member};
use crate::support::terminal::Session;

#[test]
fn a_terminal_shows_how_far_all_items_are() {
    let fleet = Fleet::new(12);
    fs::write(fleet.path("cut.tar"), &fs::read(fleet.path("0/app-000.tar")).expect("a file")[..2000]).expect("written");
    let call =
        fleet.batch("oci-archive").args(["--compression", "zstd", "--compression-level", "19", "--threads", "1"]);
    let recording = Session::start(call.env("TERM", "xterm").prepared(), (100, 24)).record();
    assert_eq!(recording.code, Some(1), "{}", recording.text());
    let screens = recording.screens();
    let seen = |words: &[&str]| screens.iter().any(|screen| words.iter().all(|word| screen.contains(word)));
    assert!(seen(&["13 archives"]) || seen(&["of 13"]) || seen(&["/13"]), "no number of items: {}", recording.text());
    assert!(seen(&["%"]) || seen(&["B/s"]), "no rate: {}", recording.text());
    // At the end the bar is gone; what failed and what was done stay.
    let last = recording.screen();
    assert!(last.contains("transload: cut.oci.tar: failed"), "{last}");
    assert!(last.contains("12 done, 1 failed"), "{last}");
    assert!(!last.contains('%'), "{last}");
}

#[test]
fn without_a_terminal_it_is_plain_lines() {
    let fleet = Fleet::new(3);
    let run = fleet.batch("oci-archive").ok();
    assert_eq!(run.stdout, b"");
    assert_eq!(run.stderr.lines().count(), 1, "{run}");
    assert!(run.stderr.starts_with("3 done: "), "{run}");
    let run = fleet.batch("oci-archive").arg("--verbose").ok();
    assert_eq!(run.stderr.lines().filter(|line| line.starts_with("unchanged: ")).count(), 3, "{run}");
    assert_eq!(fleet.batch("oci-archive").arg("--quiet").ok().stderr, "");
    let plain = fleet.batch("oci-archive").args(["--progress", "plain", "--force", "--compression", "zstd"]).ok();
    assert!(plain.stderr.contains('3'), "{plain}");
}

#[test]
fn programs_read_progress_as_json() {
    let fleet = Fleet::new(6);
    let run = fleet.batch("oci-archive").args(["--progress", "json"]).ok();
    let lines = run.stderr.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<serde_json::Value> = lines.map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let last = lines.last().unwrap_or_else(|| panic!("no lines: {run}"));
    assert_eq!((&last["event"], &last["items"], &last["items_done"]), (&"done".into(), &6.into(), &6.into()), "{run}");
}

#[test]
fn metrics_are_a_whole_file() {
    let fleet = Fleet::new(6);
    fs::write(fleet.path("cut.tar"), &fs::read(fleet.path("0/app-000.tar")).expect("a file")[..2000]).expect("written");
    ends(fleet.batch("oci-archive").args(["--metrics", "transload.prom"]), 1);
    let text = fs::read_to_string(fleet.sandbox.path("transload.prom")).expect("metrics");
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("transload_batch_{name} ")));
        line.unwrap_or_else(|| panic!("no {name}: {text}")).parse::<u64>().expect("a number")
    };
    assert_eq!(value("items"), 7);
    assert_eq!(value("items_total{status=\"ok\"}"), 6);
    assert_eq!(value("items_total{status=\"failed\"}"), 1);
    assert_eq!(value("running"), 0);
    let summary = fleet.report().summary.expect("a last line");
    assert_eq!(summary["bytes_in"], value("read_bytes_total"));
    assert_eq!(summary["bytes_out"], value("written_bytes_total"));
    // Each sample stands below what it is; nothing is said twice.
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().expect("a name");
        assert_eq!(text.matches(&format!("# TYPE {name} ")).count(), 1, "{line}");
    }
    let names = fleet.sandbox.names();
    assert_eq!(names, ["in", "out", "report.jsonl", "transload.prom"]);
    let run = ends(fleet.batch("oci-archive").args(["--metrics", "absent/transload.prom"]), 75);
    assert!(run.stderr.contains("absent/transload.prom"), "{run}");
}

#[test]
fn a_report_goes_to_a_pipe_or_a_file_of_its_own() {
    let fleet = Fleet::new(4);
    let call = fleet.sandbox.command(["batch", "--to", "oci-archive", "--out", "out", "--report", "-", "in"]);
    let report = Report::of(&call.ok().stdout);
    assert_eq!(report.counts(), [4, 0, 0, 0]);
    // A run takes a report over from the last one.
    for want in [[0, 4, 0, 0], [0, 4, 0, 0]] {
        fleet.batch("oci-archive").ok();
        assert_eq!(fleet.report().counts(), want);
    }
    let error = fleet.call("oci-archive", "absent/r").arg("in").fails(75);
    assert!(error.contains("absent/r"), "{error}");
    let full = fleet.call("oci-archive", "/dev/full").arg("in").fails(75);
    assert!(full.contains("/dev/full") && full.contains("No space left"), "{full}");
    // A record says what is in the result.
    let record = &report.items[0];
    let number: usize = record["item"].as_str().and_then(|key| key.get(6..9)?.parse().ok()).expect("a number");
    assert_eq!(record["images"][0]["image_id"], member(number).id(), "{record}");
}
