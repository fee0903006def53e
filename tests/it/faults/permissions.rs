//! What may not be read or written: the program runs as a user who is not root, and says which file it is.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Ended, FORMATS, app, assert_whole, docker_tree, end, list, oci_tree};
use crate::support::run::Call;
use crate::support::shared::say;
use crate::support::{Kind, Sandbox, Style, Tree, docker};

/// Whose files are nobody's.
const NOBODY: u32 = 65534;

/// A sandbox that somebody without rights can walk through, and a program that they can start.
pub(crate) struct Lobby {
    pub(crate) sandbox: Sandbox,
    program: PathBuf,
}

impl Lobby {
    /// `None`, told loudly, where the machine lets nobody in.
    pub(crate) fn open() -> Option<Lobby> {
        let sandbox = Sandbox::new();
        let (work, tmp) = (sandbox.path(""), sandbox.tmp());
        let root = tmp.parent().expect("the folders are in the sandbox").to_owned();
        for (folder, mode) in [(&root, 0o755), (&work, 0o777), (&tmp, 0o777)] {
            chmod(folder, mode);
        }
        let built = PathBuf::from(env!("CARGO_BIN_EXE_transload"));
        let copied = root.join("transload");
        // Another process copies: while it was open for writing here, no other test could start a process.
        let copy = || Command::new("cp").arg(&built).arg(&copied).status().is_ok_and(|status| status.success());
        let program = if starts(&built) {
            built
        } else if copy() && starts(&copied) {
            copied
        } else {
            say("SKIPPED: the program cannot be started as an unprivileged user on this machine");
            return None;
        };
        Some(Lobby { sandbox, program })
    }

    pub(crate) fn run(&self, call: &Call<'_>) -> Ended {
        let inner = call.prepared();
        let mut command = Command::new(&self.program);
        command.args(inner.get_args()).env_clear().env("TMPDIR", self.sandbox.tmp());
        command.current_dir(self.sandbox.path("")).stdin(Stdio::null());
        end(unprivileged(&mut command))
    }

    fn convert(&self, to: &str, input: &Path, output: &Path, more: &[&str]) -> Ended {
        self.run(&self.sandbox.convert(to, input, output).args(more))
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn unprivileged(command: &mut Command) -> &mut Command {
    if is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}

fn starts(program: &Path) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
    unprivileged(&mut command).status().is_ok_and(|status| status.success())
}

pub(crate) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("permissions can be set");
}

#[test]
fn an_input_that_may_not_be_read_is_named() {
    let Some(lobby) = Lobby::open() else { return };
    let sandbox = &lobby.sandbox;
    let archive = sandbox.put_tree("in.tar", &docker_tree(&app(1000)));
    let layout = sandbox.put_tree("layout", &oci_tree(&app(1000)));
    let blobs: Vec<PathBuf> =
        list(&layout.join("blobs/sha256")).iter().map(|name| layout.join("blobs/sha256").join(name)).collect();
    let (index, folder) = (layout.join("index.json"), layout.join("blobs"));
    for (input, locked) in [(&archive, &archive), (&layout, &index), (&layout, &folder), (&layout, &layout)]
        .into_iter()
        .chain(blobs.iter().map(|blob| (&layout, blob)))
    {
        let mode = fs::metadata(locked).expect("it is there").permissions().mode();
        chmod(locked, 0);
        for to in ["docker-archive", "oci-archive", "oci-dir"] {
            let ended = lobby.convert(to, input, &sandbox.path("out"), &[]);
            ended.assert_failed(75, &[input.as_os_str(), "Permission denied".as_ref()]);
            let name = locked.file_name().expect("it has a name");
            assert!(ended.stderr.contains(&*name.to_string_lossy()), "{name:?} is not named: {}", ended.stderr);
            sandbox.assert_holds(&["in.tar", "layout"]);
        }
        chmod(locked, mode);
    }
}

#[test]
fn a_folder_that_may_not_be_written_is_named() {
    let Some(lobby) = Lobby::open() else { return };
    let sandbox = &lobby.sandbox;
    let input = sandbox.put_tree("in.tar", &docker_tree(&app(1000)));
    for (name, mode) in [("readable", 0o555), ("closed", 0o000)] {
        let folder = sandbox.path(name);
        fs::create_dir(&folder).expect("a folder can be made");
        chmod(&folder, mode);
        for to in FORMATS {
            let output = folder.join("out");
            let ended = lobby.convert(to, &input, &output, &[]);
            ended.assert_failed(75, &[output.as_os_str(), "Permission denied".as_ref()]);
        }
        chmod(&folder, 0o755);
        assert_eq!(list(&folder), [""; 0]);
    }
    sandbox.assert_holds(&["closed", "in.tar", "readable"]);
}

#[test]
fn an_older_output_in_a_folder_that_may_not_be_written_stays() {
    let Some(lobby) = Lobby::open() else { return };
    let sandbox = &lobby.sandbox;
    let input = sandbox.put_tree("in.tar", &docker_tree(&app(2000)));
    let little = sandbox.put_tree("little.tar", &docker_tree(&app(1000)));
    let folder = sandbox.path("folder");
    fs::create_dir(&folder).expect("a folder can be made");
    for to in FORMATS {
        sandbox.convert(to, &little, folder.join(to)).ok();
    }
    let before = list(&folder);
    chmod(&folder, 0o555);
    for to in FORMATS {
        let output = folder.join(to);
        lobby.convert(to, &input, &output, &["--force"]).assert_failed(75, &[output.as_os_str()]);
    }
    let layout = folder.join("oci-dir");
    lobby.convert("oci-dir", &input, &layout, &["--append"]).assert_failed(75, &[layout.as_os_str()]);
    assert_eq!(list(&folder), before);
    for to in FORMATS {
        assert_whole(&folder.join(to), to, &app(1000));
    }
}

/// A folder of somebody else's in which one may write: nothing of theirs is lost.
#[test]
fn appending_to_a_layout_of_somebody_else_changes_nothing() {
    let Some(lobby) = Lobby::open() else { return };
    if !is_root() {
        return say("SKIPPED: only root can make files of somebody else");
    }
    let sandbox = &lobby.sandbox;
    let input = sandbox.put_tree("in.tar", &docker_tree(&app(2000)));
    let layout = sandbox.put_tree("layout", &oci_tree(&app(1000)));
    chown(layout.join("blobs/sha256"), Some(0), Some(0)).expect("root can give files away");
    let before = Tree::read(&layout);
    lobby
        .convert("oci-dir", &input, &layout, &["--append", "--tag", "other:1"])
        .assert_failed(75, &[layout.as_os_str()]);
    assert!(Tree::read(&layout) == before, "the layout changed");
    sandbox.assert_holds(&["in.tar", "layout"]);
}

#[test]
fn a_place_that_cannot_be_is_named() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree(&app(1000)));
    let long = "x".repeat(256);
    for place in ["missing/out", "in.tar/out", "missing/../out", &long, "dangling/out"] {
        std::os::unix::fs::symlink("nowhere", sandbox.path("dangling")).expect("a link can be made");
        for to in FORMATS {
            let output = sandbox.path(place);
            let ended = end(&mut sandbox.convert(to, &input, &output).prepared());
            assert_eq!(ended.code, Some(75), "{to} to {place}: {}", ended.stderr);
            assert!(ended.stderr.contains(place), "{}", ended.stderr);
        }
        fs::remove_file(sandbox.path("dangling")).expect("a link can be removed");
        sandbox.assert_holds(&["in.tar"]);
    }
}

/// An output may be the input, when that is forced; until the result is whole nothing happens to it.
#[test]
fn a_damaged_input_that_is_its_own_output_stays() {
    let image = app(100_000);
    let layer = |tree: &mut Tree, len: usize| {
        let blob = tree.members.iter_mut().rev().find_map(|member| match &mut member.kind {
            Kind::File(bytes) if bytes.len() >= len => Some(bytes),
            _ => None,
        });
        let blob = blob.expect("there is a layer");
        let at = blob.len() - 600;
        blob[at] ^= 1;
    };
    for (name, to, mut tree) in [
        ("a.tar", "oci-archive", docker_tree(&image)),
        ("a.tar", "docker-archive", docker_tree(&image)),
        ("a.tar", "docker-archive", oci_tree(&image)),
        ("layout", "oci-dir", oci_tree(&image)),
        ("folder", "docker-dir", docker(std::slice::from_ref(&image), Style::Skopeo)),
    ] {
        layer(&mut tree, 50_000);
        let sandbox = Sandbox::new();
        let path = sandbox.put_tree(name, &tree);
        let before = Tree::read(&path);
        for (more, code) in [(&[][..], 5), (&["--force"], 3), (&["--force", "--threads", "8"], 3)] {
            sandbox.convert(to, &path, &path).args(more).fails(code);
            assert!(Tree::read(&path) == before, "{name} to {to} {more:?}: the input changed");
            sandbox.assert_holds(&[name]);
        }
        if name == "layout" {
            sandbox.convert(to, &path, &path).args(["--append", "--tag", "b:1"]).fails(3);
            assert!(Tree::read(&path) == before, "the input changed");
            sandbox.assert_holds(&[name]);
        }
    }
}
