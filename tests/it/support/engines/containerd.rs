//! A private containerd and its client.

use super::daemon::Daemon;
use super::{Scratch, line, tool};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// A containerd with its own folders and socket.
#[derive(Debug)]
pub(crate) struct Containerd {
    // The order is the order of dropping: the daemon ends before its folder goes away.
    _daemon: Daemon,
    scratch: Scratch,
}

impl Containerd {
    pub(crate) const TOOLS: [&str; 2] = ["containerd", "ctr"];

    pub(crate) fn start() -> Self {
        let scratch = Scratch::new();
        let here = scratch.path().display();
        let config = scratch.file(
            "config.toml",
            format!(
                "version = 2\nroot = \"{here}/root\"\nstate = \"{here}/state\"\n\
                 disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
                 [grpc]\naddress = \"{here}/s\"\n[debug]\nlevel = \"warn\"\n"
            ),
        );
        let mut command = tool("containerd");
        command.arg("--config").arg(config);
        let daemon = Daemon::start(&command, &scratch.join("log"), || {
            let mut version = client(&scratch, &["version"]);
            version.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        });
        Self { _daemon: daemon, scratch }
    }

    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        line(&mut self.command(arguments))
    }

    /// Returns a client command that knows the socket.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        client(&self.scratch, arguments)
    }

    /// Imports and unpacks an archive into an empty list of images: unpacking is what verifies layers.
    #[track_caller]
    pub(crate) fn import(&self, archive: &Path) {
        let images = self.run(&["images", "list", "--quiet"]);
        let images: Vec<&str> = images.lines().collect();
        if !images.is_empty() {
            self.run(&[&["images", "remove", "--sync"], &images[..]].concat());
        }
        line(client(&self.scratch, &["images", "import", "--snapshotter", "native"]).arg(archive));
    }

    /// Returns the image id behind a name.
    #[track_caller]
    pub(crate) fn id(&self, name: &str) -> String {
        let list = self.run(&["images", "list", &format!("name=={name}")]);
        let row = list.lines().nth(1).unwrap_or_else(|| panic!("containerd does not have {name}:\n{list}"));
        let digest = row.split_whitespace().nth(2).expect("the third column is the digest");
        let manifest: Value = serde_json::from_str(&self.run(&["content", "get", digest])).expect("a manifest is JSON");
        manifest["config"]["digest"].as_str().expect("a manifest has a config").to_owned()
    }
}

fn client(scratch: &Scratch, arguments: &[&str]) -> Command {
    let mut command = tool("ctr");
    command.arg("--address").arg(scratch.join("s")).args(arguments);
    command
}
