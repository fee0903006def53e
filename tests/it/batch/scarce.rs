//! What the machine does not have: room, permissions, memory, sources that were there a moment ago.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::fleet::{Fleet, Report, ends, text};
use crate::faults::permissions::{Lobby, chmod};
use crate::support::mount::Mount;
use crate::support::run::peak_kib;
use crate::support::shared::say;
use crate::support::{Codec, Layer, Layout, Style, docker, image};

#[test]
fn a_full_disk_is_worth_another_try_elsewhere() {
    let fleet = Fleet::new(12);
    let Some(small) = Mount::new(fleet.sandbox.path("out"), "size=1m") else {
        return say("SKIPPED: no file system can be mounted (root)");
    };
    for _ in 0..2 {
        let run = ends(fleet.batch("docker-archive").args(["--retries", "0"]), 75);
        assert!(run.stderr.contains("No space left"), "{run}");
    }
    let report = fleet.report();
    let [ok, unchanged, failed, _] = report.counts();
    assert!(failed > 0 && ok + unchanged > 0 && ok + unchanged + failed == 12, "{report:?}");
    for item in report.items.iter().filter(|item| item["status"] == "failed") {
        assert_eq!((&item["error"]["class"], &item["error"]["code"]), (&"temporary".into(), &"environment".into()));
    }
    // What is there is whole, and what was found there is known again where there is more room.
    let done = [report.with("ok"), report.with("unchanged")].concat();
    let mut done: Vec<_> = done.iter().map(|key| key.trim_end_matches(".docker.tar").to_owned()).collect();
    done.sort();
    fleet.assert_holds("docker-archive", &done);
    let copied = Command::new("cp").args(["-a", "out", "larger"]).current_dir(fleet.sandbox.path("")).status();
    assert!(copied.is_ok_and(|status| status.success()));
    drop(small);
    fs::remove_dir(fleet.sandbox.path("out")).expect("nothing is mounted any more");
    fs::rename(fleet.sandbox.path("larger"), fleet.sandbox.path("out")).expect("it can be renamed");
    fleet.batch("docker-archive").ok();
    assert_eq!(fleet.report().counts(), [12 - done.len(), done.len(), 0, 0]);
    fleet.assert_whole("docker-archive");
}

#[test]
fn a_disk_without_any_room_is_told_before_anything_starts() {
    let fleet = Fleet::new(2);
    let Some(small) = Mount::new(fleet.sandbox.path("out"), "size=4k,nr_inodes=1") else {
        return say("SKIPPED: no file system can be mounted (root)");
    };
    let error = fleet.batch("docker-archive").fails(75);
    assert!(error.contains("out/.transload") && error.contains("No space left"), "{error}");
    drop(small);
}

#[test]
fn what_may_not_be_read_is_told_and_the_rest_is_done() {
    let Some(lobby) = Lobby::open() else { return };
    let sandbox = &lobby.sandbox;
    for (folder, name) in [("in", "a.tar"), ("in/closed", "b.tar"), ("in/open", "c.tar")] {
        fs::create_dir_all(sandbox.path(folder)).expect("a folder can be made");
        let bytes = docker(&[image().layer(text(1, 100)).tag("a:1")], Style::Plain).tar();
        fs::write(sandbox.path(folder).join(name), bytes).expect("it can be written");
    }
    chmod(&sandbox.path("in/closed"), 0);
    chmod(&sandbox.path("in/open/c.tar"), 0);
    let batch = |out: &str| {
        let call =
            sandbox.command(["batch", "--to", "oci-archive", "--retries", "0", "--report", "r", "in", "--out", out]);
        lobby.run(&call)
    };
    let ended = batch("out");
    assert_eq!(ended.code, Some(75), "{}", ended.stderr);
    let report = Report::read(&sandbox.path("r"));
    assert_eq!(report.with("ok"), ["a.oci.tar"]);
    assert_eq!(report.with("failed"), ["in/closed", "in/open/c.tar"]);
    assert!(ended.stderr.contains("in/closed") && ended.stderr.contains("Permission denied"), "{}", ended.stderr);
    // A folder that may not be written to.
    fs::create_dir(sandbox.path("mine")).expect("a folder can be made");
    let ended = batch("mine");
    assert_eq!(ended.code, Some(75), "{}", ended.stderr);
    assert!(ended.stderr.contains("mine/.transload") && ended.stderr.contains("Permission denied"), "{}", ended.stderr);
    chmod(&sandbox.path("in/closed"), 0o755);
}

#[test]
fn a_source_that_vanished_is_told() {
    let fleet = Fleet::new(4);
    fleet.sandbox.put("list", b"in/0/app-000.tar\nin/absent.tar\nin/1/app-001.tar\n");
    let run = ends(fleet.call("oci-archive", "report.jsonl").args(["--retries", "0", "--list", "list"]), 75);
    assert!(run.stderr.contains("in/absent.tar") && run.stderr.contains("No such file"), "{run}");
    assert_eq!(fleet.report().counts(), [2, 0, 1, 0]);
    // It goes while others are done: the first item takes a while, and has the second removed.
    let call = fleet.call("oci-archive", "r").args(["--retries", "0", "--threads", "1", "in/2", "in/3", "--fetch"]);
    let run = ends(call.arg("cp {in} {file}; rm -f in/*/app-003.tar in/*/app-002.tar"), 75);
    assert_eq!(Report::read(&fleet.sandbox.path("r")).counts(), [1, 0, 1, 0], "{run}");
}

/// Waits for a batch and watches its memory.
#[track_caller]
fn peak(mut command: Command) -> u64 {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program can be started");
    let mut peak = 0;
    loop {
        peak = peak_kib(child.id()).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            assert!(status.success(), "{status}");
            return peak;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn many_large_layers_take_little_memory() {
    let fleet = Fleet::new(0);
    let large = |n: usize| -> Layer { text(n, 64 << 20) };
    for n in 0..2 {
        let image = image().layer(large(n)).tag(&format!("demo/large:{n}"));
        let path = fleet.path(&format!("large-{n}.tar"));
        if n % 2 == 0 {
            fs::write(path, docker(&[image], Style::Plain).tar()).expect("it can be written");
        } else {
            let image = image.codec(Codec::Gzip);
            fs::write(path, Layout::new().named(&image, "demo/large:1").tree().tar()).expect("it can be written");
        }
    }
    for (memory, most) in [("64M", 64 << 10), ("128M", 128 << 10)] {
        for to in ["oci-archive", "docker-archive"] {
            for old in ["out", "cache"] {
                let _ = fs::remove_dir_all(fleet.sandbox.path(old));
            }
            let call = fleet.batch(to).args(["--threads", "8", "--memory", memory, "--layer-cache", "cache"]);
            let peak = peak(call.prepared());
            say(&format!("batch of 64 MiB layers to {to} with 8 threads in {memory}: a peak of {peak} KiB"));
            assert!(peak > 1000 && peak < most, "a peak of {peak} KiB in {memory}");
        }
    }
}

/// Overhead for each item is small, and so is what each leaves in memory.
#[test]
fn thousands_of_small_archives() {
    const NUMBER: usize = 1000;
    let fleet = Fleet::new(0);
    for n in 0..NUMBER {
        let path = fleet.path(&format!("{}/{n}.tar", n % 10));
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).expect("a folder can be made");
        let image = image().layer(crate::support::file("n", &n.to_string())).tag(&format!("demo/small:{n}"));
        fs::write(path, docker(&[image], Style::Plain).tar()).expect("it can be written");
    }
    let run = fleet.batch("oci-archive").ok();
    assert_eq!(fleet.report().counts(), [NUMBER, 0, 0, 0]);
    say(&format!("{NUMBER} small archives: {:?}, of the processors {:?}, {} KiB", run.took, run.cpu, run.peak_kib));
    assert!(run.peak_kib < 128 << 10, "a peak of {} KiB", run.peak_kib);
    let run = fleet.batch("oci-archive").ok();
    assert_eq!(fleet.report().counts(), [0, NUMBER, 0, 0]);
    say(&format!("{NUMBER} that were done: {:?}, of the processors {:?}", run.took, run.cpu));
}
