//! Readers that do not read: a pipe that is full keeps nobody from hearing a signal.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};

use super::{app, docker_tree, wait};
use crate::support::Sandbox;

/// So long the programs have to come to their answers.
const TIME: Duration = Duration::from_secs(2);

/// A pipe that takes no byte, and who could read it.
fn full() -> (OwnedFd, OwnedFd) {
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    let mut writer = File::from(OwnedFd::from(writer));
    let flags = fcntl_getfl(&writer).expect("it has flags");
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("it can be told not to wait");
    while writer.write(&[0; 4096]).is_ok() {}
    fcntl_setfl(&writer, flags).expect("it can be told to wait");
    (reader.into(), writer.into())
}

#[test]
fn an_answer_that_nobody_reads_keeps_nobody_from_hearing_a_signal() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("in.tar", &docker_tree(&app(1000)));
    sandbox.convert("oci-dir", "in.tar", "layout").ok();
    sandbox.command(["batch", "--to", "oci-archive", "--out", "done", "--report", "report.jsonl", "in.tar"]).ok();
    let commands: &[&[&str]] = &[
        &["formats"],
        &["formats", "--json"],
        &["completions", "bash"],
        &["inspect", "in.tar"],
        &["inspect", "--json", "in.tar"],
        &["inspect", "--raw", "config", "in.tar"],
        &["inspect", "--files", "in.tar"],
        &["inspect", "--largest", "1", "in.tar"],
        &["inspect", "--graph", "dot", "in.tar"],
        &["inspect", "--format", "{{json .}}", "in.tar"],
        &["verify", "in.tar"],
        &["verify", "--json", "in.tar", "layout"],
        &["verify", "--codes"],
        &["diff", "in.tar", "layout"],
        &["diff", "--json", "in.tar", "layout"],
        &["convert", "--json", "--to", "oci-archive", "in.tar", "out.tar"],
        &["convert", "--dry-run", "--to", "oci-archive", "in.tar", "none.tar"],
        &["convert", "--to", "oci-archive", "in.tar", "-"],
        &["batch", "--to", "oci-archive", "--out", "again", "--report", "-", "in.tar"],
        &["batch", "plan", "--to", "oci-archive", "--out", "none", "in.tar"],
        &["report", "in.tar", "-o", "-"],
        &["report", "summary", "report.jsonl"],
        &["report", "merge", "report.jsonl"],
    ];
    let mut running: Vec<_> = commands
        .iter()
        .map(|&args| {
            let (reader, writer) = full();
            let mut command = sandbox.command(args).prepared();
            command.stdout(writer).stderr(Stdio::null());
            (args, reader, command.spawn().expect("the program can be started"))
        })
        .collect();
    sleep(TIME);
    for (args, _, child) in &mut running {
        assert!(child.try_wait().expect("a child can be asked").is_none(), "{args:?} ended without its answer");
        kill_process(Pid::from_child(child), Signal::TERM).expect("a child takes signals");
    }
    for (args, _, child) in &mut running {
        let status = wait(child);
        assert_eq!((status.code(), status.signal()), (Some(143), None), "{args:?}");
    }
    let left = fs::read_dir(sandbox.tmp()).expect("a folder can be read").count();
    assert_eq!(left, 0, "temporary files are left");
}
