//! Disks without room: the message names what could not be written and why, and nothing stays.

use std::fs::{self, File};
use std::path::Path;

use super::{ARCHIVES, Ended, FORMATS, after, app, docker_tree, end, list, oci_tree};
use crate::support::mount::Mount;
use crate::support::run::Call;
use crate::support::shared::say;
use crate::support::{Codec, Sandbox};

const LEN: usize = 1_500_000;

fn skipped() {
    say("SKIPPED: no file system can be mounted (root); files are limited to a small size instead");
}

fn run(call: Call<'_>) -> Ended {
    end(&mut call.prepared())
}

#[test]
fn a_disk_without_room_for_the_output_is_named() {
    let sandbox = Sandbox::new();
    let inputs = [
        sandbox.put_tree("docker.tar", &docker_tree(&app(LEN))),
        sandbox.put_tree("oci.tar", &oci_tree(&app(LEN).codec(Codec::Gzip))),
    ];
    // The room ends at the first byte, in a header, in each layer, in the documents, or there are no more inodes.
    for (number, options) in ["4k", "8k", "12k", "64k", "740k", "800k", "1400k", "4m,nr_inodes=2"].iter().enumerate() {
        let Some(small) = Mount::new(sandbox.path(&format!("small{number}")), &format!("size={options}")) else {
            return skipped();
        };
        if options.starts_with("4k") {
            fs::write(small.0.join("old"), [7; 4096]).expect("there is room for one page");
        }
        let before = list(&small.0);
        for input in &inputs {
            for to in FORMATS {
                if options.contains("inodes") && to.ends_with("archive") {
                    continue;
                }
                let output = small.0.join("out");
                let ended = run(sandbox.convert(to, input, &output));
                ended.assert_failed(75, &[output.as_os_str(), "No space left".as_ref()]);
                assert_eq!(list(&small.0), before, "{to} into {options}");
            }
        }
    }
}

#[test]
fn a_full_disk_does_not_cost_the_older_output() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree(&app(LEN)));
    let Some(small) = Mount::new(sandbox.path("small"), "size=1m") else { return skipped() };
    let little = sandbox.put_tree("little.tar", &docker_tree(&app(1000)));
    for to in FORMATS {
        let output = small.0.join(to);
        sandbox.convert(to, &little, &output).ok();
        run(sandbox.convert(to, &input, &output).args(["--force"]))
            .assert_failed(75, &[output.as_os_str(), "No space left".as_ref()]);
        super::assert_whole(&output, to, &app(1000));
    }
    let mut formats = FORMATS;
    formats.sort_unstable();
    assert_eq!(list(&small.0), formats);
    let layout = small.0.join("oci-dir");
    run(sandbox.convert("oci-dir", &input, &layout).args(["--append", "--tag", "second:1"]))
        .assert_failed(75, &[layout.as_os_str(), "No space left".as_ref()]);
    super::assert_whole(&layout, "oci-dir", &app(1000));
    assert_eq!(list(&small.0), formats);
}

#[test]
fn a_disk_without_room_for_temporary_files_is_named() {
    let sandbox = Sandbox::new();
    let tree = docker_tree(&app(LEN));
    let input = sandbox.put_tree("in.tar", &tree);
    let packed = sandbox.put("packed", &Codec::Gzip.pack(&tree.tar()));
    let Some(small) = Mount::new(sandbox.path("small"), "size=256k") else { return skipped() };
    let assert_full = |call: Call<'_>| {
        let run = call.run();
        assert_eq!(run.code, 75, "{run}");
        let error = run.error();
        assert!(error.contains("temporary") || error.contains("standard output"), "{error}");
        assert!(error.contains("No space left"), "{error}");
        assert!(run.stdout.is_empty(), "part of an archive");
        assert_eq!(list(&small.0), [""; 0]);
        assert_eq!(sandbox.names(), ["in.tar", "packed", "small"]);
    };
    for to in ARCHIVES {
        let out = sandbox.path("out");
        assert_full(sandbox.convert(to, "-", &out).stdin(tree.tar()).env("TMPDIR", &small.0));
        assert_full(sandbox.convert(to, "-", &out).stdin(tree.tar()).arg("--tmpdir").arg(&small.0));
        assert_full(sandbox.convert(to, &packed, &out).arg("--tmpdir").arg(&small.0));
        assert_full(sandbox.convert(to, &input, "-").env("TMPDIR", &small.0));
        assert_full(sandbox.convert(to, &input, "-").arg("--tmpdir").arg(&small.0));
    }
}

#[test]
fn a_device_without_room_is_named() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree(&app(1000)));
    for to in ARCHIVES {
        run(sandbox.convert(to, &input, "/dev/full")).assert_failed(75, &["/dev/full: ".as_ref(), "No space".as_ref()]);
        let full = File::options().write(true).open("/dev/full").expect("/dev/full is there");
        end_with_stdout(sandbox.convert(to, &input, "-"), full)
            .assert_failed(75, &["standard output: ".as_ref(), "No space".as_ref()]);
        sandbox.assert_holds(&["in.tar"]);
    }
}

fn end_with_stdout(call: Call<'_>, stdout: File) -> Ended {
    let child = call.prepared().stdout(stdout).spawn().expect("the program can be started");
    let output = child.wait_with_output().expect("the program ends");
    Ended { code: output.status.code(), stderr: String::from_utf8_lossy(&output.stderr).into_owned() }
}

/// Files that may not grow are what a full disk is for a user without root.
#[test]
fn a_limit_on_the_size_of_files_is_named() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree(&app(LEN)));
    // Without the trap the signal kills, and no program could say anything.
    let limited = |call: Call<'_>| end(&mut after("trap '' XFSZ; ulimit -f 512", &call));
    for to in FORMATS {
        let output: &Path = &sandbox.path("out");
        limited(sandbox.convert(to, &input, output))
            .assert_failed(75, &[output.as_os_str(), "File too large".as_ref()]);
        sandbox.assert_holds(&["in.tar"]);
    }
    for to in ARCHIVES {
        let ended = limited(sandbox.convert(to, &input, "-"));
        ended.assert_failed(75, &["File too large".as_ref()]);
        sandbox.assert_holds(&["in.tar"]);
    }
}
