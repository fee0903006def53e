//! A panic in the caller's own code, on whatever thread, and a cancellation at any byte: an error, and nothing left.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use transload::{
    Cancel, CompressionChoice, Context, ConvertOptions, ErrorKind, Event, Format, Input, Observer, Output,
};

use super::{PATIENCE, app, docker_tree, oci_tree};
use crate::support::tally::{Row, tally};
use crate::support::{Codec, Sandbox};

const LEN: usize = 3_000_000;

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// A panic when so many bytes were read.
    Read(u64),
    /// A panic when the work is planned.
    Planned,
    /// A panic when the first blob is done.
    Blob,
    /// A cancellation when so many bytes were read.
    Cancel(u64),
}

struct Saboteur {
    fault: Fault,
    read: AtomicU64,
    cancel: Cancel,
}

impl Observer for Saboteur {
    fn on(&self, event: &Event) {
        let bytes = if let Event::Read { bytes, .. } = event { *bytes } else { 0 };
        let read = self.read.fetch_add(bytes, Ordering::SeqCst) + bytes;
        let panics = match (self.fault, event) {
            (Fault::Read(at), Event::Read { .. }) => read >= at,
            (Fault::Planned, Event::Planned { .. }) | (Fault::Blob, Event::Blob { .. }) => true,
            _ => false,
        };
        if panics {
            // A panic without the message that would look like a failed test.
            resume_unwind(Box::new("sabotage"));
        }
        if matches!(self.fault, Fault::Cancel(at) if read >= at) {
            self.cancel.trigger();
        }
    }
}

struct Case {
    job: (&'static str, Format, Option<CompressionChoice>),
    threads: usize,
    fault: Fault,
}

impl Row for Case {
    fn group(&self) -> String {
        format!("{} to {} ({:?})", self.job.0, self.job.1, self.job.2)
    }
    fn name(&self) -> String {
        format!("{} with {} threads, {:?}", self.group(), self.threads, self.fault)
    }
}

fn cases(faults: &[Fault]) -> Vec<Case> {
    let mut cases = Vec::new();
    for job in [
        ("docker.tar", Format::OciArchive, None),
        ("docker.tar", Format::OciDir, None),
        ("docker.tar", Format::OciArchive, Some(CompressionChoice::None)),
        ("docker.tar", Format::DockerArchive, None),
        ("gzip.tar", Format::DockerArchive, None),
        ("gzip.tar", Format::OciArchive, Some(CompressionChoice::Zstd)),
        ("gzip.tar", Format::OciDir, None),
    ] {
        for threads in [1, 2, 8] {
            cases.extend(faults.iter().map(|&fault| Case { job, threads, fault }));
        }
    }
    cases
}

struct Inputs {
    _sandbox: Sandbox,
    docker: PathBuf,
    gzip: PathBuf,
}

fn inputs() -> Inputs {
    let sandbox = Sandbox::new();
    let docker = sandbox.put_tree("docker.tar", &docker_tree(&app(LEN)));
    let gzip = sandbox.put_tree("gzip.tar", &oci_tree(&app(LEN).codec(Codec::Gzip)));
    Inputs { _sandbox: sandbox, docker, gzip }
}

/// Converts under the fault; the error's kind, after a look that nothing is left. `None`: the panic reached the caller.
fn attempt(inputs: &Inputs, case: &Case) -> Option<ErrorKind> {
    let sandbox = Sandbox::new();
    let input = if case.job.0 == "docker.tar" { &inputs.docker } else { &inputs.gzip };
    let (input, output, tmp) = (input.clone(), sandbox.path("out"), sandbox.tmp());
    let mut options = ConvertOptions::new(case.job.1);
    options.compression = case.job.2;
    let (threads, fault) = (NonZeroUsize::new(case.threads).expect("some threads"), case.fault);
    let (done, wait) = mpsc::channel();
    // On a thread of its own, so that a hang can be told.
    thread::spawn(move || {
        let observer = Saboteur { fault, read: AtomicU64::new(0), cancel: Cancel::default() };
        let mut cx = Context::default();
        cx.cancel = observer.cancel.clone();
        cx.observer = &observer;
        cx.threads = threads;
        cx.temp_dir = Some(tmp);
        let convert = || transload::convert(Input::Path(input), Output::Path(output), &options, &cx);
        // Whoever waits may have given up.
        let _ = done.send(catch_unwind(AssertUnwindSafe(convert)));
    });
    let outcome = wait.recv_timeout(PATIENCE).expect("it does not hang");
    sandbox.assert_holds(&[]);
    outcome.ok().map(|outcome| outcome.map(|_| ()).expect_err("it does not succeed").kind())
}

#[test]
fn a_panic_of_the_observer_is_an_error_and_leaves_nothing() {
    let inputs = inputs();
    let faults = [
        Fault::Planned,
        Fault::Read(1),
        Fault::Read(70_000),
        Fault::Read(1_600_000),
        Fault::Read(2_900_000),
        Fault::Blob,
    ];
    tally("panics", &cases(&faults), |case| {
        let kind = attempt(&inputs, case);
        // What the caller's own thread says goes through the caller's own frames.
        let own = matches!(case.fault, Fault::Planned | Fault::Blob) && kind.is_none();
        assert!(own || kind == Some(ErrorKind::Environment), "{kind:?}");
    });
}

#[test]
fn a_cancellation_at_any_byte_leaves_nothing() {
    let inputs = inputs();
    let faults = [0, 1, 500_000, 1_490_000, 1_510_000, 2_990_000].map(Fault::Cancel);
    tally("cancellations", &cases(&faults), |case| assert_eq!(attempt(&inputs, case), Some(ErrorKind::Cancelled)));
}
