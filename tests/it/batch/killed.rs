//! SIGKILL at any moment: results are whole or absent, and a rerun does the rest.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use super::fleet::{Fleet, Report, contents};

const MOMENTS: u32 = 20;
/// As many items can be under way: the threads, and two that wait for the disk.
const IN_FLIGHT: usize = 2 + 2;

#[test]
fn what_is_killed_at_any_moment_is_gone_on_with() {
    let fleet = Fleet::new(60);
    for to in ["oci-archive", "oci-dir"] {
        let started = Instant::now();
        fleet.batch(to).args(["--threads", "2"]).ok();
        let took = started.elapsed();
        let want = contents(&fleet.sandbox.path("out"));
        fleet.assert_whole(to);
        fs::remove_dir_all(fleet.sandbox.path("out")).expect("it is there");
        // One folder of results is killed at again and again, and then there is a new one.
        let (mut done, mut round) = (BTreeMap::<String, usize>::new(), 0);
        for number in 1..=MOMENTS {
            let report = format!("r{round}");
            round += 1;
            let mut command = fleet.call(to, &report).args(["--threads", "2", "in"]).prepared();
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
            thread::sleep(took * (number * 7 % MOMENTS) / MOMENTS);
            child.kill().expect("the process is ours");
            child.wait().expect("it ends");
            for item in Report::read(&fleet.sandbox.path(&report)).with("ok") {
                *done.entry(item).or_default() += 1;
            }
            // What is there is whole.
            for (name, tree) in contents(&fleet.sandbox.path("out")) {
                assert!(want.get(&name) == Some(&tree), "{name} after {number}");
            }
            if number % 5 == 0 {
                let rest = fleet.batch(to).args(["--threads", "2"]).ok();
                for item in fleet.report().with("ok") {
                    *done.entry(item).or_default() += 1;
                }
                assert!(contents(&fleet.sandbox.path("out")) == want, "{rest}");
                let twice = done.values().map(|times| times - 1).sum::<usize>();
                assert!(twice <= 5 * IN_FLIGHT, "{twice} were done twice");
                assert_eq!(done.len(), 60);
                assert_leftovers(&fleet, to);
                fs::remove_dir_all(fleet.sandbox.path("out")).expect("it is there");
                done.clear();
            }
        }
    }
}

/// Archives leave no trace. Folders that were being written when the process was killed stay beside their place.
#[track_caller]
fn assert_leftovers(fleet: &Fleet, to: &str) {
    let walk = walkdir::WalkDir::new(fleet.sandbox.path("out")).into_iter().flatten();
    let left: Vec<_> = walk.filter(|entry| entry.file_name().to_string_lossy().ends_with(".tmp")).collect();
    let most = if to.ends_with("dir") { 5 * IN_FLIGHT } else { 0 };
    assert!(left.len() <= most, "{left:?}");
    assert!(fs::read_dir(fleet.sandbox.tmp()).expect("a folder").next().is_none(), "something in TMPDIR");
}
