//! A program that is told to stop leaves nothing behind.

use std::io::Write;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::image::noise;
use crate::support::{Codec, Sandbox, Style, docker, image};

/// Sends a signal and expects the exit code soon.
#[track_caller]
fn signal_and_wait(child: &mut Child, signal: Signal, code: i32) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    kill_process(pid, signal).expect("the program runs");
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        if started.elapsed() > Duration::from_secs(10) {
            child.kill().expect("a child can be killed");
            panic!("the program does not stop");
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.code(), Some(code));
}

/// Sends a signal while the program waits for more input.
#[track_caller]
fn interrupt(mut child: Child, bytes: &[u8], signal: Signal, code: i32) {
    let mut pipe = child.stdin.take().expect("stdin is a pipe");
    // More than a pipe holds, so that the program is at work when this returns.
    pipe.write_all(bytes).expect("the program reads its input");
    signal_and_wait(&mut child, signal, code);
}

/// Waits until the program has read a good part of its input, far from all that it has to do.
fn wait_until_it_works(child: &Child) {
    let started = Instant::now();
    let has_read = || {
        let io = std::fs::read_to_string(format!("/proc/{}/io", child.id())).ok()?;
        io.lines().find_map(|line| line.strip_prefix("rchar: "))?.parse::<u64>().ok()
    };
    while has_read().unwrap_or(0) < 1_000_000 {
        assert!(started.elapsed() < Duration::from_secs(20), "the program does not begin");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_program_that_is_interrupted_while_it_reads_leaves_nothing() {
    let tree = docker(&[image().layer(noise(1, 2_000_000)).tag("a:1")], Style::Classic);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        for bytes in [tree.tar(), Codec::Gzip.pack(&tree.tar())] {
            let sandbox = Sandbox::new();
            let mut command = sandbox.convert("oci-archive", "-", sandbox.path("out")).prepared();
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
            let child = command.spawn().expect("the program can be started");
            interrupt(child, &bytes[..bytes.len() / 2], signal, code);
            sandbox.assert_holds(&[]);
        }
    }
}

#[test]
fn a_program_that_is_interrupted_while_it_writes_leaves_nothing() {
    let tree = docker(&[image().layer(noise(1, 12_000_000)).tag("a:1")], Style::Classic);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        for to in ["oci-archive", "oci-dir", "docker-archive"] {
            let sandbox = Sandbox::new();
            let input = sandbox.put_tree("in.tar", &tree);
            let mut command = sandbox
                .convert(to, &input, sandbox.path("out"))
                .args(["--threads", "1", "--compression", "zstd", "--compression-level", "19"])
                .prepared();
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().expect("the program can be started");
            wait_until_it_works(&child);
            signal_and_wait(&mut child, signal, code);
            sandbox.assert_holds(&["in.tar"]);
        }
    }
}

#[test]
fn an_interrupted_program_leaves_an_older_output_alone() {
    let sandbox = Sandbox::new();
    let out = sandbox.put("out", b"precious");
    let mut command = sandbox.convert("oci-archive", "-", &out).args(["--force"]).prepared();
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("the program can be started");
    let bytes = docker(&[image().layer(noise(1, 2_000_000)).tag("a:1")], Style::Classic).tar();
    interrupt(child, &bytes[..1_000_000], Signal::INT, 130);
    assert_eq!(std::fs::read(&out).expect("the old output"), b"precious");
    sandbox.assert_holds(&["out"]);
}

#[test]
fn a_pipe_that_nobody_reads_does_not_keep_the_program() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker(&[image().layer(noise(1, 1000)).tag("a:1")], Style::Classic));
    let pipe = sandbox.path("pipe");
    mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).expect("a named pipe can be made");
    let mut command = sandbox.convert("oci-archive", input, &pipe).args(["--force"]).prepared();
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program can be started");
    thread::sleep(Duration::from_millis(500));
    signal_and_wait(&mut child, Signal::TERM, 143);
}
