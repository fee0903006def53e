//! Named pipes where files are expected: read to their end, whole or cut short, fast or slow.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use super::{ARCHIVES, app, assert_whole, docker_tree, killed, oci_tree, wait};
use crate::support::{Codec, Sandbox};

const LEN: usize = 400_000;

fn fifo(path: PathBuf) -> PathBuf {
    let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo can be started");
    assert!(made.success());
    path
}

/// Writes into a pipe as soon as somebody reads it, with pauses.
fn feed(fifo: &Path, bytes: &[u8]) -> thread::JoinHandle<()> {
    let (fifo, bytes) = (fifo.to_owned(), bytes.to_vec());
    thread::spawn(move || {
        let mut pipe = File::options().write(true).open(fifo).expect("a pipe can be opened");
        for piece in bytes.chunks(50_001) {
            // A program that refuses its input may close the pipe early.
            if pipe.write_all(piece).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    })
}

fn inputs() -> [(&'static str, Vec<u8>); 4] {
    let (docker, oci) = (docker_tree(&app(LEN)).tar(), oci_tree(&app(LEN)).tar());
    [
        ("docker in gzip", Codec::Gzip.pack(&docker)),
        ("oci in zstd", Codec::Zstd.pack(&oci)),
        ("docker", docker),
        ("oci", oci),
    ]
}

#[test]
fn a_named_pipe_is_read_to_its_end() {
    for (what, bytes) in inputs() {
        for to in ["docker-archive", "oci-archive", "oci-dir"] {
            let sandbox = Sandbox::new();
            let input = fifo(sandbox.path("in"));
            let feeder = feed(&input, &bytes);
            let run = sandbox.convert(to, &input, sandbox.path("out")).run();
            assert_eq!(run.code, 0, "{what}: {run}");
            feeder.join().expect("everything was read");
            assert_whole(&sandbox.path("out"), to, &app(LEN));
            sandbox.assert_holds(&["in", "out"]);
        }
    }
}

#[test]
fn a_named_pipe_that_ends_early_is_no_archive() {
    for (what, bytes) in inputs() {
        for end in [0, 1, 511, 1000, bytes.len() / 2, bytes.len() * 4 / 5] {
            let sandbox = Sandbox::new();
            let input = fifo(sandbox.path("in"));
            let feeder = feed(&input, &bytes[..end]);
            let run = sandbox.convert("oci-archive", &input, sandbox.path("out")).run();
            assert_eq!(run.code, 3, "{what} up to {end}: {run}");
            assert!(run.error().contains("/in: "), "{run}");
            feeder.join().expect("the writer ends");
            sandbox.assert_holds(&["in"]);
        }
    }
}

#[test]
fn a_named_pipe_can_be_the_output() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree(&app(LEN)));
    let output = fifo(sandbox.path("pipe"));
    for to in ARCHIVES {
        let from = output.clone();
        let reader = thread::spawn(move || {
            let mut bytes = Vec::new();
            File::open(from).and_then(|mut pipe| pipe.read_to_end(&mut bytes)).expect("a pipe can be read");
            bytes
        });
        sandbox.convert(to, &input, &output).ok();
        let result = sandbox.put("result", &reader.join().expect("the reader ends"));
        assert_whole(&result, to, &app(LEN));
        fs::remove_file(result).expect("a file can be removed");
        sandbox.assert_holds(&["in.tar", "pipe"]);
    }
}

/// Neither a writer that never comes nor one that says no more keeps the program from hearing signals.
#[test]
fn a_stalled_named_pipe_can_be_interrupted() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        for writes in [false, true] {
            let sandbox = Sandbox::new();
            let input = fifo(sandbox.path("in"));
            let mut command = sandbox.convert("oci-archive", &input, sandbox.path("out")).prepared();
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
            let writer = writes.then(|| {
                let mut pipe = File::options().write(true).open(&input).expect("a pipe can be opened");
                // More than a pipe holds: the program is reading when this returns.
                pipe.write_all(&docker_tree(&app(LEN)).tar()[..200_000]).expect("the program reads");
                pipe
            });
            killed::wait_until_it_listens(&child, signal);
            thread::sleep(Duration::from_millis(100));
            killed::send(&child, signal);
            let status = wait(&mut child);
            drop(writer);
            assert_eq!(status.code(), Some(code), "a writer: {writes}");
            sandbox.assert_holds(&["in"]);
        }
    }
}
