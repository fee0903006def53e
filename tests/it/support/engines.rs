//! Real engines for tests: found or skipped, run in private folders, stopped by process id.

mod chromium;
mod containerd;
mod containers;
mod daemon;
mod docker;
mod listing;
mod python;
mod scratch;
mod slurm;

pub(crate) use chromium::{Chromium, Scheme};
pub(crate) use containerd::Containerd;
pub(crate) use containers::Containers;
pub(crate) use docker::Docker;
pub(crate) use listing::{Listing, list_folder, list_tar};
pub(crate) use python::python;
pub(crate) use slurm::Slurm;

use super::shared::say;
use scratch::Scratch;
use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// Tells whether a test can run: every tool is installed and the user may run daemons.
///
/// Where engines are promised (`TRANSLOAD_REQUIRE_ENGINES=1`), a missing one fails the test.
pub(crate) fn require(tools: &[&str]) -> bool {
    let mut missing: Vec<&str> = tools.iter().copied().filter(|tool| find(tool).is_none()).collect();
    if fs::metadata("/proc/self").map_or(1, |me| me.uid()) != 0 {
        missing.push("root");
    }
    if !missing.is_empty() {
        skip(&missing);
    }
    missing.is_empty()
}

/// Says loudly that a test is skipped because of what is missing, or fails it.
fn skip(missing: &[&str]) {
    let reason = format!("engines are missing: {} (scripts/install-engines)", missing.join(", "));
    assert!(env::var_os("TRANSLOAD_REQUIRE_ENGINES").is_none_or(|value| value != "1"), "{reason}");
    say(&format!("SKIPPED: {reason}"));
}

/// Finds a tool: the distribution's own first, since its behaviour is the one that was measured.
fn find(tool: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    ["/usr/bin", "/usr/sbin"]
        .into_iter()
        .map(PathBuf::from)
        .chain(env::split_paths(&path))
        .map(|folder| folder.join(tool))
        .find(|file| file.is_file())
}

/// Returns a command for a tool that `require` has found.
pub(crate) fn tool(name: &str) -> Command {
    Command::new(find(name).unwrap_or_else(|| panic!("{name} is not installed")))
}

/// Runs a command that must succeed and returns its standard output.
#[track_caller]
pub(crate) fn output(command: &mut Command) -> Vec<u8> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    check(command, &output);
    output.stdout
}

/// Runs a command that must succeed and returns its standard output as a trimmed line.
#[track_caller]
pub(crate) fn line(command: &mut Command) -> String {
    let text = String::from_utf8(output(command)).expect("tools print UTF-8");
    text.trim().to_owned()
}

/// Runs commands joined by pipes; all must succeed. Returns what the last one printed.
#[track_caller]
pub(crate) fn pipe(commands: &mut [Command]) -> String {
    let mut running: Vec<Child> = Vec::new();
    for command in commands.iter_mut() {
        let before = running.last_mut().and_then(|child| child.stdout.take());
        let child = command
            .stdin(before.map_or_else(Stdio::null, Stdio::from))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        running.push(child.unwrap_or_else(|error| panic!("{command:?}: {error}")));
    }
    let ended = running.into_iter().map(|child| child.wait_with_output().expect("a child can be waited for"));
    let outputs: Vec<Output> = ended.collect();
    for (command, output) in commands.iter().zip(&outputs) {
        check(command, output);
    }
    outputs.last().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

#[track_caller]
fn check(command: &Command, output: &Output) {
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Asserts that two files hold the same bytes, without printing them.
#[track_caller]
pub(crate) fn assert_same_bytes(left: &Path, right: &Path) {
    let [a, b] = [left, right].map(|path| fs::read(path).expect("both files exist"));
    if a != b {
        let offset = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
        let names = |bytes: &[u8]| list_tar(bytes).into_keys().collect::<Vec<_>>();
        panic!(
            "{} ({} bytes) and {} ({} bytes) differ from byte {offset}:\n{:#?}\n{:#?}",
            left.display(),
            a.len(),
            right.display(),
            b.len(),
            names(&a),
            names(&b)
        );
    }
}
