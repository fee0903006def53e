//! Readers that go away: whoever reads the output has seen enough, so the program ends quietly, as a shell expects it.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use super::{ARCHIVES, FORMATS, app, assert_whole, docker_tree};
use crate::support::Sandbox;

/// What a shell calls a process that SIGPIPE ended.
const CLOSED: i32 = 141;

/// A pipe that nobody reads.
fn unread() -> OwnedFd {
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    drop(reader);
    writer.into()
}

#[test]
fn a_reader_that_takes_one_byte_of_an_archive_ends_the_program_quietly() {
    let sandbox = Sandbox::new();
    // More than a pipe holds.
    let input = sandbox.put_tree("in.tar", &docker_tree(&app(1_000_000)));
    for to in ARCHIVES {
        let mut command = sandbox.convert(to, &input, "-").prepared();
        let mut child = command.spawn().expect("the program can be started");
        let mut stdout = child.stdout.take().expect("stdout is a pipe");
        stdout.read_exact(&mut [0]).expect("there is a first byte");
        drop(stdout);
        let output = child.wait_with_output().expect("the program ends");
        assert_eq!(output.status.code(), Some(CLOSED), "{to}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{to}");
        sandbox.assert_holds(&["in.tar"]);
    }
}

#[test]
fn an_archive_that_nobody_reads_ends_the_program_quietly() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree(&app(1000)));
    for to in ARCHIVES {
        let mut command = sandbox.convert(to, &input, "-").prepared();
        let output = command.stdout(unread()).stderr(Stdio::piped()).spawn().expect("the program can be started");
        let output = output.wait_with_output().expect("the program ends");
        assert_eq!(output.status.code(), Some(CLOSED), "{to}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{to}");
        sandbox.assert_holds(&["in.tar"]);
    }
}

/// The result is there when it is told of, so it stays.
#[test]
fn a_report_that_nobody_reads_ends_the_program_quietly() {
    for to in FORMATS {
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &docker_tree(&app(1000)));
        let out = sandbox.path("out");
        let command = |more: &[&str]| sandbox.convert(to, &input, &out).arg("--json").args(more).prepared();
        for more in [&["--dry-run"][..], &[]] {
            let child = command(more).stdout(unread()).spawn().expect("the program can be started");
            let output = child.wait_with_output().expect("the program ends");
            assert_eq!(output.status.code(), Some(CLOSED), "{to} {more:?}");
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{to} {more:?}");
        }
        assert_whole(&out, to, &app(1000));
        sandbox.assert_holds(&["in.tar", "out"]);
    }
}

/// Talk on standard error is not the work: that nobody hears it does not make the work fail.
#[test]
fn talk_that_nobody_hears_does_not_make_the_work_fail() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree(&app(1000)));
    for (number, args) in [&[][..], &["-v"], &["--json"]].into_iter().enumerate() {
        for full in [false, true] {
            let out = sandbox.path(&format!("out{number}{full}"));
            let deaf = if full {
                File::options().write(true).open("/dev/full").expect("/dev/full is there").into()
            } else {
                unread()
            };
            let mut command = sandbox.convert("oci-archive", &input, &out).args(args).prepared();
            let status = command.stdout(Stdio::null()).stderr(deaf).status().expect("the program can be started");
            assert_eq!(status.code(), Some(0), "{args:?}, full: {full}");
            assert_whole(&out, "oci-archive", &app(1000));
        }
    }
}
