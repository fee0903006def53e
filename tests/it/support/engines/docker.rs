//! A private dockerd and its client.

use super::daemon::Daemon;
use super::{Scratch, line, tool};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

/// A dockerd with its own folders and socket, no network and no shared storage.
#[derive(Debug)]
pub(crate) struct Docker {
    // The order is the order of dropping: the daemon ends before its folder goes away.
    _daemon: Daemon,
    scratch: Scratch,
}

impl Docker {
    pub(crate) const TOOLS: [&str; 4] = ["dockerd", "docker", "containerd", "runc"];

    pub(crate) fn start() -> Self {
        let scratch = Scratch::new();
        let socket = scratch.join("s");
        let mut command = tool("dockerd");
        command.arg("--data-root").arg(scratch.join("data"));
        command.arg("--exec-root").arg(scratch.join("exec"));
        command.arg("--pidfile").arg(scratch.join("pid"));
        command.arg("--config-file").arg(scratch.file("daemon.json", "{}"));
        command.arg("--host").arg(format!("unix://{}", socket.display()));
        command.args(["--storage-driver=vfs", "--bridge=none", "--iptables=false", "--ip6tables=false"]);
        let daemon = Daemon::start(&command, &scratch.join("log"), || answers(&socket));
        Self { _daemon: daemon, scratch }
    }

    /// Returns a client command that knows the socket and no configuration of the user.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tool("docker");
        command.arg("--config").arg(self.scratch.join("config"));
        command.arg("--host").arg(format!("unix://{}", self.scratch.join("s").display()));
        command.args(arguments);
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        line(&mut self.command(arguments))
    }

    /// Loads an archive into an empty store and returns the names and ids that docker prints.
    #[track_caller]
    pub(crate) fn load(&self, archive: &Path) -> Vec<String> {
        self.clear();
        let text = line(self.command(&["load", "--quiet", "--input"]).arg(archive));
        text.lines().filter_map(|line| line.split_once(": ")).map(|(_, name)| name.to_owned()).collect()
    }

    /// Removes all images: docker does not read a layer that it has already.
    #[track_caller]
    pub(crate) fn clear(&self) {
        let images = self.run(&["images", "--quiet", "--no-trunc"]);
        // An image with several names is listed several times.
        let images: BTreeSet<&str> = images.lines().collect();
        if !images.is_empty() {
            line(self.command(&["rmi", "--force"]).args(images));
        }
        assert_eq!(self.run(&["images", "--all", "--quiet"]), "");
    }

    /// Returns what `docker inspect` tells about an image.
    #[track_caller]
    pub(crate) fn inspect(&self, image: &str) -> Value {
        let text = self.run(&["image", "inspect", "--format", "{{json .}}", image]);
        serde_json::from_str(&text).expect("docker prints JSON")
    }

    /// Returns the folder of everything that the daemon has.
    pub(crate) fn folder(&self) -> &Path {
        self.scratch.path()
    }
}

fn answers(socket: &Path) -> bool {
    let ask = || {
        let mut stream = UnixStream::connect(socket)?;
        stream.write_all(b"GET /_ping HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer.starts_with("HTTP/1.0 200"))
    };
    ask().unwrap_or(false)
}
