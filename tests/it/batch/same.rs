//! Results of a batch are those of single conversions, byte by byte, whatever is shared and whoever does it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::fleet::{Fleet, contents};
use crate::support::Tree;

const TARGETS: [&str; 5] = ["docker-archive", "oci-archive", "hybrid-archive", "oci-dir", "docker-dir"];

/// What single conversions make.
fn singles(fleet: &Fleet, to: &str, more: &[&str]) -> BTreeMap<String, Tree> {
    let plan = fleet.sandbox.command(["batch", "plan", "--to", to, "in"]).ok();
    for line in String::from_utf8(plan.stdout).expect("a list is text").lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        let [input, output] = ["in", "out"].map(|key| line[key].as_str().expect("a path"));
        let output = fleet.sandbox.path("single").join(to).join(output);
        fs::create_dir_all(output.parent().expect("it is in a folder")).expect("a folder can be made");
        fleet.sandbox.convert(to, input, &output).args(more).ok();
    }
    contents(&fleet.sandbox.path("single").join(to))
}

#[track_caller]
fn assert_same(out: &Path, want: &BTreeMap<String, Tree>, how: &str) {
    let found = contents(out);
    assert_eq!(Vec::from_iter(found.keys()), Vec::from_iter(want.keys()), "{how}");
    for (name, tree) in &found {
        assert!(*tree == want[name], "{name} is not what a single conversion makes: {how}");
    }
}

#[test]
fn results_are_those_of_single_conversions() {
    let fleet = Fleet::new(12);
    for to in TARGETS {
        let want = singles(&fleet, to, &[]);
        assert_eq!(want.len(), 12);
        for threads in ["1", "2", "7"] {
            let out = format!("out-{to}-{threads}");
            fleet.sandbox.command(["batch", "--to", to, "--threads", threads, "--out", &out, "in"]).ok();
            assert_same(&fleet.sandbox.path(&out), &want, &format!("{to} with {threads} threads"));
        }
    }
}

#[test]
fn options_mean_what_they_mean_for_one() {
    let fleet = Fleet::new(6);
    let options: [&[&str]; 3] = [
        &["--compression", "zstd"],
        &["--compression", "gzip", "--compression-level", "fast"],
        &["--compression", "none"],
    ];
    for (number, more) in options.into_iter().enumerate() {
        let _ = fs::remove_dir_all(fleet.sandbox.path("single"));
        let want = singles(&fleet, "oci-archive", more);
        let out = format!("out-{number}");
        fleet.sandbox.command(["batch", "--to", "oci-archive", "--out", &out, "in"]).args(more).ok();
        assert_same(&fleet.sandbox.path(&out), &want, &more.join(" "));
    }
}

/// Cold, warm, damaged in several ways, too small, and used by two processes at once: the cache never changes a result.
#[test]
fn a_layer_cache_changes_no_result() {
    let fleet = Fleet::new(12);
    for to in ["oci-archive", "docker-archive", "oci-dir"] {
        let want = singles(&fleet, to, &[]);
        let cache = fleet.sandbox.path("cache").join(to);
        fs::create_dir_all(fleet.sandbox.path("cache")).expect("a folder can be made");
        let call = |how: &str| {
            let out = format!("{to}-{how}");
            let call =
                fleet.sandbox.command(["batch", "--to", to, "--out", &out, "--retries", "0", "in", "--layer-cache"]);
            (call.arg(&cache), fleet.sandbox.path(&out), format!("{to}, {how}"))
        };
        let check = |how: &str| {
            let (call, out, how) = call(how);
            call.ok();
            assert_same(&out, &want, &how);
        };
        check("cold");
        let files = || {
            let entries = walkdir::WalkDir::new(&cache).into_iter().flatten();
            let files: Vec<_> =
                entries.filter(|entry| entry.file_type().is_file()).map(|entry| entry.into_path()).collect();
            assert!(files.len() >= 2, "{to}: {files:?}");
            files
        };
        files();
        check("warm");
        for file in files() {
            let mut bytes = fs::read(&file).expect("a file");
            let middle = bytes.len() / 3;
            bytes[middle] ^= 1;
            fs::write(&file, bytes).expect("it can be written");
        }
        check("changed");
        files().iter().for_each(|file| drop(fs::write(file, "short")));
        check("cut");
        for file in files() {
            fs::write(file, vec![0; 1 << 20]).expect("it can be written");
        }
        check("zeros");
        let (call_again, out, how) = call("bounded");
        call_again.args(["--layer-cache-size", "100K"]).ok();
        assert_same(&out, &want, &how);
        let left: u64 = walkdir::WalkDir::new(&cache)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.metadata().ok())
            .filter(|meta| meta.is_file())
            .map(|meta| meta.len())
            .sum();
        assert!(left <= 100 << 10, "{left} bytes in the cache");
        fs::remove_dir_all(&cache).expect("it can be removed");
        let calls = [call("together-1"), call("together-2"), call("together-3")];
        std::thread::scope(|scope| {
            for (call, out, how) in calls {
                let want = &want;
                scope.spawn(move || {
                    call.ok();
                    assert_same(&out, want, &how);
                });
            }
        });
    }
}
