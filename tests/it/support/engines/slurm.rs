//! A private Slurm: a controller and two nodes on this machine, with their own munge.

use super::daemon::Daemon;
use super::{Scratch, line, tool};
use crate::support::image::noise;
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(200);
/// What still runs at the end is given so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A cluster with nodes n1 and n2, two processors each, that knows nothing of the machine's configuration.
#[derive(Debug)]
pub(crate) struct Slurm {
    // The order is the order of dropping: nodes, controller, munge, and then their folder.
    _daemons: Vec<Daemon>,
    scratch: Scratch,
}

impl Slurm {
    pub(crate) const TOOLS: [&str; 6] = ["munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue"];

    pub(crate) fn start() -> Self {
        let scratch = Scratch::new();
        let socket = munge_files(&scratch);
        let conf = scratch.file("slurm.conf", configuration(scratch.path(), &socket, free_ports()));
        let start = |name: &str, args: &[&str], ready: &dyn Fn() -> bool| {
            let mut command = tool(name);
            command.args(args);
            Daemon::start(&command, &scratch.join(format!("{name}{}.log", args.len())), ready)
        };
        let path = |name: &str| scratch.join(name).display().to_string();
        let munge = start(
            "munged",
            &[
                "--foreground",
                "--force",
                &format!("--socket={}", socket.display()),
                &format!("--key-file={}", path("munge/key")),
                &format!("--pid-file={}", path("munge/pid")),
                &format!("--seed-file={}", path("munge/seed")),
                &format!("--log-file={}", path("munge/log")),
            ],
            &|| socket.exists(),
        );
        let conf = conf.display().to_string();
        let ask = |args: &[&str]| tool("sinfo").args(args).env("SLURM_CONF", &conf).output().ok();
        let controller = start("slurmctld", &["-D", "-f", &conf], &|| ask(&[]).is_some_and(|run| run.status.success()));
        let node = |name: &str| {
            let idle =
                || ask(&["--noheader", "--nodes", name, "--format=%T"]).is_some_and(|run| run.stdout == b"idle\n");
            let mut command = tool("slurmd");
            command.args(["-D", "-f", &conf, "-N", name]);
            Daemon::start(&command, &scratch.join(format!("slurmd-{name}.log")), idle)
        };
        let nodes = ["n1", "n2"].map(node);
        Self { _daemons: nodes.into_iter().chain([controller, munge]).collect(), scratch }
    }

    /// Returns one of Slurm's commands that knows this cluster.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = tool(name);
        command.env("SLURM_CONF", self.scratch.join("slurm.conf")).current_dir(self.folder());
        command
    }

    /// The folder that jobs share.
    pub(crate) fn folder(&self) -> PathBuf {
        self.scratch.folder("shared")
    }

    /// Waits until no job is left in the queue.
    #[track_caller]
    pub(crate) fn wait(&self, most: Duration) {
        let started = Instant::now();
        while self.jobs() > 0 {
            assert!(started.elapsed() < most, "the queue is not empty:\n{}", line(&mut self.command("squeue")));
            sleep(STEP);
        }
    }

    fn jobs(&self) -> usize {
        line(self.command("squeue").args(["--noheader", "--array"])).lines().count()
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        // A test that fails leaves jobs; they end before their daemons do.
        let _ = self.command("scancel").args(["--user", "root"]).output();
        let started = Instant::now();
        let left = || self.command("squeue").arg("--noheader").output().is_ok_and(|run| !run.stdout.is_empty());
        while left() && started.elapsed() < PATIENCE {
            sleep(STEP);
        }
    }
}

/// Makes a key and a folder for munge; returns where its socket is to be.
fn munge_files(scratch: &Scratch) -> PathBuf {
    // A key needs no secrecy here, only its length.
    let key = scratch.file("munge/key", noise(7, 1024).tar);
    fs::set_permissions(&key, Permissions::from_mode(0o400)).expect("the key can be hidden");
    scratch.join("munge/socket")
}

/// Three ports that nobody uses. Another process could take one before its daemon does, which then says so and ends.
fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port is free"));
    listeners.each_ref().map(|listener| listener.local_addr().expect("it is bound").port())
}

fn configuration(folder: &Path, socket: &Path, [controller, one, two]: [u16; 3]) -> String {
    let (folder, socket) = (folder.display(), socket.display());
    // A task that is queued again waits as long as a credential is valid: 120 s unless something else is said
    // (slurm.conf, AuthInfo); less than 5 is taken for nothing.
    format!(
        "ClusterName=transload
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={socket},cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
ReturnToService=2
KillWait=5
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port={one} CPUs=2 RealMemory=4000
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port={two} CPUs=2 RealMemory=4000
PartitionName=all Nodes=ALL Default=YES State=UP
"
    )
}
