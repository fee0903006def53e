//! A daemon that lives as long as the test that started it.

use super::tool;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(20);

/// A running daemon. Dropping it asks it to end, waits, and kills it only if it does not.
#[derive(Debug)]
pub(crate) struct Daemon(Child);

impl Daemon {
    /// Starts a daemon, which must be ready before long; its output goes to `log`.
    pub(crate) fn start(command: &Command, log: &Path, ready: impl Fn() -> bool) -> Self {
        // Should the test process be killed, the kernel passes the end on to the daemon.
        let mut wrapped = tool("setpriv");
        wrapped.args(["--pdeathsig", "TERM", "--"]).arg(command.get_program()).args(command.get_args());
        let file = File::create(log).expect("the log can be written");
        let errors = file.try_clone().expect("the log can be shared");
        let child = wrapped.stdin(Stdio::null()).stdout(file).stderr(errors).spawn();
        let mut daemon = Self(child.unwrap_or_else(|error| panic!("{command:?}: {error}")));
        let started = Instant::now();
        while !ready() {
            let ended = daemon.0.try_wait().expect("the daemon is our child");
            if ended.is_some() || started.elapsed() > PATIENCE {
                let log = fs::read_to_string(log).unwrap_or_default();
                panic!("{command:?} did not become ready ({ended:?}):\n{log}");
            }
            sleep(STEP);
        }
        daemon
    }

    fn ends(&mut self) -> bool {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return true;
            }
            sleep(STEP);
        }
        false
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let pid = self.0.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).stderr(Stdio::null()).status();
        if !asked.is_ok_and(|status| status.success()) || !self.ends() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
