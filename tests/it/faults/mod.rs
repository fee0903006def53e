//! What goes wrong around the program, done to it for real: disks fill up, processes are killed, pipes close, files
//! change under its hands, permissions and descriptors are missing, threads panic, others write to the same place, and
//! archives want out.

mod appending;
mod changing;
mod closed;
mod fifos;
mod full;
mod isolation;
mod killed;
mod limits;
mod panics;
pub(crate) mod permissions;
mod scarce;
mod together;
mod unread;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::image::noise;
use crate::support::run::Call;
use crate::support::{Image, Layout, Style, Tree, docker, file, found, image};

const ARCHIVES: [&str; 3] = ["docker-archive", "oci-archive", "hybrid-archive"];
const FORMATS: [&str; 5] = ["docker-archive", "oci-archive", "hybrid-archive", "oci-dir", "docker-dir"];

/// Whatever is waited for comes sooner than this, on any machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// An image of about `len` bytes that do not compress.
fn app(len: usize) -> Image {
    image().layer(noise(1, len / 2)).layer(file("etc/a", "one")).layer(noise(2, len / 2)).tag("app:1")
}

fn docker_tree(image: &Image) -> Tree {
    docker(std::slice::from_ref(image), Style::Plain)
}

fn oci_tree(image: &Image) -> Tree {
    Layout::new().named(image, "docker.io/library/app:1").tree()
}

/// The names in a folder, sorted.
fn list(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Fails unless the file or folder is a whole result that holds just this image.
#[track_caller]
fn assert_whole(output: &Path, format: &str, image: &Image) {
    assert_eq!(found::output(output, format).ids(), [image.id()], "{}", output.display());
}

/// The call by way of a shell that runs `script` first, to take something away from itself.
fn after(script: &str, call: &Call<'_>) -> Command {
    let inner = call.prepared();
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(format!("{script}; exec \"$0\" \"$@\"")).arg(inner.get_program()).args(inner.get_args());
    command.env_clear().envs(inner.get_envs().filter_map(|(key, value)| Some((key, value?))));
    command.current_dir(inner.get_current_dir().expect("a call has a folder")).stdin(Stdio::null());
    command
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None`: a signal killed it.
    pub(crate) code: Option<i32>,
    pub(crate) stderr: String,
}

fn end(command: &mut Command) -> Ended {
    let output = command.output().expect("the program can be started");
    Ended { code: output.status.code(), stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8") }
}

impl Ended {
    /// Fails unless it ended with `code` and an error line that holds all of `words`.
    #[track_caller]
    fn assert_failed(&self, code: i32, words: &[&OsStr]) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        let line = self.stderr.lines().find(|line| line.starts_with("transload: "));
        let line = line.unwrap_or_else(|| panic!("no error line: {}", self.stderr));
        for word in words {
            let word = word.to_string_lossy();
            assert!(line.contains(&*word), "nothing about {word}: {line}");
        }
    }
}

/// Waits for a process that has to end by itself.
#[track_caller]
fn wait(child: &mut Child) -> ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status;
        }
        if started.elapsed() > PATIENCE {
            child.kill().expect("a child can be killed");
            panic!("the program hangs");
        }
        thread::sleep(Duration::from_millis(1));
    }
}
