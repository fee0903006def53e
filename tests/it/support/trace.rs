//! Watching what the program asks the kernel for.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::run::Call;
use super::shared::say;

/// Tells whether system calls can be watched, and says so if not.
pub(crate) fn is_possible() -> bool {
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    let possible = traced.is_ok_and(|status| status.success());
    if !possible {
        say("SKIPPED: system calls cannot be watched without strace");
    }
    possible
}

/// Runs the program; returns its exit code and, a line each, its system calls of these kinds, in strace's words.
pub(crate) fn calls(call: &Call<'_>, kinds: &str, log: &Path) -> (Option<i32>, String) {
    traced(call, &["-s", "4096", "-e", &format!("trace={kinds}")], log)
}

/// The same with one kind of calls, of which this one fails (`INJECTED`).
pub(crate) fn failing(call: &Call<'_>, kind: &str, number: usize, log: &Path) -> (Option<i32>, String) {
    let inject = format!("inject={kind}:error=EIO:when={number}");
    traced(call, &["-e", &format!("trace={kind}"), "-e", &inject], log)
}

fn traced(call: &Call<'_>, options: &[&str], log: &Path) -> (Option<i32>, String) {
    let inner = call.prepared();
    let mut command = Command::new("strace");
    command.args(["-f", "-qq"]).args(options).arg("-o").arg(log);
    command.arg(inner.get_program()).args(inner.get_args()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().expect("strace can be started");
    (status.code(), fs::read_to_string(log).expect("strace wrote its log"))
}
