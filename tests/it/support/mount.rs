//! Small file systems, for what happens when they are full.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A file system of its own in a folder of the sandbox, gone when this is dropped.
pub(crate) struct Mount(pub(crate) PathBuf);

impl Mount {
    /// `None` where that may not be done.
    pub(crate) fn new(path: PathBuf, options: &str) -> Option<Mount> {
        fs::create_dir(&path).expect("a folder can be made");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&path).stderr(Stdio::null());
        let mounted = command.status().is_ok_and(|status| status.success());
        mounted.then_some(Mount(path))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
