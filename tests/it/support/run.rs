//! Runs the program in a sandbox: nothing of the machine's environment in, nothing left behind.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::tree::Tree;

/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder for inputs and outputs, and one for temporary files, both gone at the end of the test.
pub(crate) struct Sandbox {
    dir: TempDir,
}

impl Sandbox {
    /// In memory where there is room: these files are small and many, and no disk has to confirm them.
    pub(crate) fn new() -> Sandbox {
        let shm = Path::new("/dev/shm");
        let room = rustix::fs::statvfs(shm).map_or(0, |fs| fs.f_bavail * fs.f_frsize);
        if room > 1 << 30 { Sandbox::below(shm) } else { Sandbox::on_disk() }
    }

    /// For files of hundreds of megabytes.
    pub(crate) fn on_disk() -> Sandbox {
        Sandbox::below(&std::env::temp_dir())
    }

    fn below(parent: &Path) -> Sandbox {
        let dir = tempfile::Builder::new().prefix("transload-it-").tempdir_in(parent).expect("a sandbox can be made");
        for folder in ["work", "tmp"] {
            fs::create_dir(dir.path().join(folder)).expect("a sandbox can be made");
        }
        Sandbox { dir }
    }

    /// The path of a file or folder that a test names.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("work").join(name)
    }

    pub(crate) fn tmp(&self) -> PathBuf {
        self.dir.path().join("tmp")
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("a sandbox can be written");
        path
    }

    /// Stores a tree as a tar when the name ends so, else as a folder.
    pub(crate) fn put_tree(&self, name: &str, tree: &Tree) -> PathBuf {
        if name.ends_with(".tar") {
            return self.put(name, &tree.tar());
        }
        tree.write_to(&self.path(name));
        self.path(name)
    }

    pub(crate) fn command(&self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Call<'_> {
        Call {
            sandbox: self,
            args: args.into_iter().map(Into::into).collect(),
            stdin: None,
            program: env!("CARGO_BIN_EXE_transload").into(),
            cwd: self.dir.path().join("work"),
            env: Vec::new(),
        }
    }

    /// `transload convert --to FORMAT INPUT OUTPUT`; further options can be added.
    pub(crate) fn convert(&self, to: &str, input: impl AsRef<Path>, output: impl AsRef<Path>) -> Call<'_> {
        let (input, output) = (input.as_ref().as_os_str(), output.as_ref().as_os_str());
        self.command(["convert", "--to", to]).args([input, output])
    }

    /// The names in the work folder, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        list(&self.dir.path().join("work"))
    }

    /// Fails unless exactly these names are in the work folder and none in the temporary one.
    #[track_caller]
    pub(crate) fn assert_holds(&self, names: &[&str]) {
        let mut names = names.to_vec();
        names.sort_unstable();
        assert_eq!(self.names(), names, "files beside the output");
        assert_eq!(list(&self.tmp()), Vec::<String>::new(), "files in TMPDIR");
    }
}

fn list(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A call of the program that has not begun.
pub(crate) struct Call<'a> {
    sandbox: &'a Sandbox,
    args: Vec<OsString>,
    stdin: Option<Vec<u8>>,
    program: OsString,
    cwd: PathBuf,
    env: Vec<(OsString, OsString)>,
}

impl Call<'_> {
    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Feeds these bytes through a pipe.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    pub(crate) fn cwd(mut self, dir: &Path) -> Self {
        self.cwd = dir.to_owned();
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl Into<OsString>) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    /// The command as it will be run, for tests that want its process.
    pub(crate) fn prepared(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(&self.cwd).env_clear().env("TMPDIR", self.sandbox.tmp());
        command.envs(self.env.iter().cloned());
        command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program and fails the test if what it prints could harm a terminal.
    #[track_caller]
    pub(crate) fn run(mut self) -> Run {
        let started = Instant::now();
        let mut child = self.prepared().spawn().expect("the program can be started");
        let feeder = self.stdin.take().map(|bytes| {
            let mut pipe = child.stdin.take().expect("stdin is a pipe");
            // A program that refuses its input may close the pipe early.
            thread::spawn(move || drop(pipe.write_all(&bytes)))
        });
        let stdout = drain(child.stdout.take().expect("stdout is a pipe"));
        let stderr = drain(child.stderr.take().expect("stderr is a pipe"));
        let (status, peak_kib, cpu) = wait(&mut child, started);
        let run = Run {
            code: status.code().unwrap_or_else(|| panic!("killed: {status} {:?}", self.args)),
            stdout: stdout.join().expect("stdout was read"),
            stderr: String::from_utf8(stderr.join().expect("stderr was read")).expect("stderr is UTF-8"),
            took: started.elapsed(),
            cpu,
            peak_kib,
            args: self.args,
        };
        if let Some(feeder) = feeder {
            feeder.join().expect("stdin was fed");
        }
        assert_printable(&run.stderr);
        run
    }

    /// Runs the program, which must succeed.
    #[track_caller]
    pub(crate) fn ok(self) -> Run {
        let run = self.run();
        assert_eq!(run.code, 0, "{run}");
        run
    }

    /// Runs the program, which must end with `code` and say why in one line. Returns that line.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> String {
        let run = self.run();
        assert_eq!(run.code, code, "{run}");
        run.error()
    }
}

fn drain(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

/// Waits for the end and watches the peak of resident memory and the processor's time on the way.
fn wait(child: &mut Child, started: Instant) -> (std::process::ExitStatus, u64, Duration) {
    let mut peak = 0;
    let mut cpu = Duration::ZERO;
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return (status, peak, cpu);
        }
        peak = peak_kib(child.id()).unwrap_or(0).max(peak);
        cpu = cpu_time(child.id()).unwrap_or_default().max(cpu);
        if started.elapsed() > PATIENCE {
            child.kill().expect("a child can be killed");
            panic!("the program hangs");
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(2));
    }
}

/// The kernel's own high-water mark, so that nothing is missed between two looks. Until the new program runs in it, a
/// process shows the memory of the one that made it.
pub(crate) fn peak_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    if !status.starts_with("Name:\ttransload\n") {
        return None;
    }
    line.split_whitespace().nth(1)?.parse().ok()
}

/// User and system time so far, in the kernel's ticks of 10 ms.
fn cpu_time(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

/// What a call of the program did.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
    /// The processor's time, which does not depend on what else the machine does.
    pub(crate) cpu: Duration,
    /// The peak of resident memory, as seen last before the end.
    pub(crate) peak_kib: u64,
    args: Vec<OsString>,
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "transload {:?} -> {}\n{}", self.args, self.code, self.stderr)
    }
}

impl Run {
    /// The one line that says what went wrong; hints may follow it, other errors may not.
    #[track_caller]
    pub(crate) fn error(&self) -> String {
        let lines: Vec<&str> = self.stderr.lines().collect();
        let at = lines.iter().position(|line| line.starts_with("transload: "));
        let at = at.unwrap_or_else(|| panic!("no error line: {self}"));
        for line in &lines[at + 1..] {
            assert!(line.starts_with("hint: "), "after the error only hints: {self}");
        }
        lines[at].to_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("stdout is not JSON: {error}: {self}"))
    }
}

/// Fails on anything that could move a cursor, change a colour or reverse the reading order.
#[track_caller]
pub(crate) fn assert_printable(text: &str) {
    let harmful = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(harmful), "raw control characters: {text:?}");
}

/// The platform that the tests run on, as images spell it.
pub(crate) fn host_platform() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("linux/{architecture}")
}
