//! A folder of one test, short enough for socket paths, gone with everything mounted in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A temporary folder that unmounts what engines left mounted before it goes away.
#[derive(Debug)]
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        // Not the default folder: socket paths are limited to 107 bytes, and its path may be long.
        let folder = tempfile::Builder::new().prefix("tl-").tempdir_in("/tmp");
        Self(folder.expect("/tmp can be written"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    /// Creates a folder inside and returns its path.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.join(name);
        fs::create_dir_all(&folder).expect("the folder can be created");
        folder
    }

    /// Writes a file inside and returns its path.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let file = self.join(name);
        fs::create_dir_all(file.parent().expect("the file is inside")).expect("its folder can be created");
        fs::write(&file, text).expect("the file can be written");
        file
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let targets = mounts.lines().filter_map(|line| line.split(' ').nth(1));
        let ours: Vec<&str> = targets.filter(|target| Path::new(target).starts_with(self.path())).collect();
        for target in ours.iter().rev() {
            let _ = Command::new("umount").args(["--lazy", target]).stderr(Stdio::null()).status();
        }
    }
}
