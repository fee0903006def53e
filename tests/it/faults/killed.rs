//! Signals at any moment. What can be caught leaves nothing or a whole result; after SIGKILL the result is absent or
//! whole, an archive leaves no trace, and the next run is not disturbed.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{PATIENCE, app, assert_whole, docker_tree, list, oci_tree, wait};
use crate::support::shared::say;
use crate::support::tally::{Row, tally};
use crate::support::{Codec, Image, Sandbox};

const MOMENTS: u32 = 51;

/// A conversion and the moment when it is hit.
struct Hit<'a> {
    signal: Signal,
    input: &'a Path,
    to: &'static str,
    after: Duration,
}

impl Row for Hit<'_> {
    fn group(&self) -> String {
        format!("{} to {}", name(self.signal), self.to)
    }
    fn name(&self) -> String {
        format!("{} after {:?}", self.group(), self.after)
    }
}

fn name(signal: Signal) -> &'static str {
    match signal {
        Signal::INT => "SIGINT",
        Signal::TERM => "SIGTERM",
        _ => "SIGKILL",
    }
}

pub(super) fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    // A process that has ended is still there until somebody waits for it.
    kill_process(pid, signal).expect("the process is ours");
}

/// Waits until the program has a handler for a signal.
pub(super) fn wait_until_it_listens(child: &Child, signal: Signal) {
    let started = Instant::now();
    let caught = || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        u64::from_str_radix(line.trim(), 16).ok()
    };
    while caught().unwrap_or(0) >> (signal.as_raw() - 1) & 1 == 0 {
        assert!(started.elapsed() < PATIENCE, "it never listens");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Starts the program, hits it and waits for its end.
fn hit(hit: &Hit<'_>, sandbox: &Sandbox) -> ExitStatus {
    let mut command = sandbox.convert(hit.to, hit.input, sandbox.path("out")).prepared();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program can be started");
    thread::sleep(hit.after);
    send(&child, hit.signal);
    wait(&mut child)
}

struct Inputs {
    image: Image,
    _sandbox: Sandbox,
    jobs: [(PathBuf, &'static str); 3],
}

fn inputs() -> Inputs {
    let image = app(3_000_000);
    let sandbox = Sandbox::new();
    let docker = sandbox.put_tree("docker.tar", &docker_tree(&image));
    let oci = sandbox.put_tree("oci.tar", &oci_tree(&image.clone().codec(Codec::Gzip)));
    let jobs = [(docker.clone(), "oci-archive"), (docker, "oci-dir"), (oci, "docker-archive")];
    Inputs { image, _sandbox: sandbox, jobs }
}

/// Moments from before the start to after the end, as long as it takes when two run at once.
fn hits(inputs: &Inputs, signal: Signal) -> Vec<Hit<'_>> {
    let took = inputs.jobs.each_ref().map(|(input, to)| {
        let sandbox = Sandbox::new();
        let started = Instant::now();
        sandbox.convert(to, input, sandbox.path("out")).ok();
        started.elapsed().min(Duration::from_secs(1)) * 3 / 2
    });
    let at = |number: u32| {
        let job = number as usize % inputs.jobs.len();
        let (input, to) = &inputs.jobs[job];
        Hit { signal, input, to, after: took[job] * number / MOMENTS }
    };
    (0..MOMENTS).map(at).collect()
}

#[test]
fn what_is_interrupted_at_any_moment_leaves_nothing() {
    let inputs = inputs();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let stopped = AtomicUsize::new(0);
        tally(name(signal), &hits(&inputs, signal), |row| {
            let sandbox = Sandbox::new();
            let status = hit(row, &sandbox);
            if status.success() {
                assert_whole(&sandbox.path("out"), row.to, &inputs.image);
                return sandbox.assert_holds(&["out"]);
            }
            // Before the program listens, the signal has its own way.
            let early = status.signal() == Some(row.signal.as_raw());
            assert!(early || status.code() == Some(code), "{status}");
            stopped.fetch_add(usize::from(!early), Ordering::Relaxed);
            sandbox.assert_holds(&[]);
        });
        say(&format!("{}: {} of {MOMENTS} stopped at work", name(signal), stopped.into_inner()));
    }
}

#[test]
fn what_is_killed_at_any_moment_is_absent_or_whole_and_the_next_run_succeeds() {
    let inputs = inputs();
    tally("SIGKILL", &hits(&inputs, Signal::KILL), |row| {
        let sandbox = Sandbox::new();
        let out = sandbox.path("out");
        hit(row, &sandbox);
        let left = sandbox.names();
        assert_eq!(list(&sandbox.tmp()), [""; 0]);
        let is_staging = |name: &String| name.starts_with(".transload.") && name.ends_with(".tmp");
        for name in left.iter().filter(|name| *name != "out") {
            assert!(row.to == "oci-dir" && is_staging(name), "{name} stayed");
        }
        let mut next = sandbox.convert(row.to, row.input, &out);
        if left.contains(&"out".to_owned()) {
            assert_whole(&out, row.to, &inputs.image);
            next = next.arg("--force");
        }
        next.ok();
        assert_whole(&out, row.to, &inputs.image);
        let mut names = left;
        names.retain(|name| name != "out");
        names.push("out".to_owned());
        assert_eq!(sandbox.names(), names, "the next run left something");
    });
}

/// Replacing needs a name for a moment; what is killed then must not cost the older result.
#[test]
fn what_is_killed_while_it_replaces_leaves_the_old_or_the_new() {
    let inputs = inputs();
    // Late moments, when there is something to lose.
    let hits: Vec<_> = hits(&inputs, Signal::KILL).into_iter().skip(20).step_by(2).collect();
    let old = app(1000);
    let sandbox = Sandbox::new();
    let little = sandbox.put_tree("little.tar", &docker_tree(&old));
    tally("SIGKILL while replacing", &hits, |row| {
        let sandbox = Sandbox::new();
        let out = sandbox.path("out");
        sandbox.convert(row.to, &little, &out).ok();
        let mut command = sandbox.convert(row.to, row.input, &out).arg("--force").prepared();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        thread::sleep(row.after);
        send(&child, row.signal);
        wait(&mut child);
        let ids = crate::support::found::output(&out, row.to).ids();
        assert!(ids == [old.id()] || ids == [inputs.image.id()], "neither the old nor the new");
    });
}
