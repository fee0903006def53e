//! A private store for podman, buildah and skopeo.

use super::{Listing, Scratch, line, list_folder, tool};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders and settings of podman, buildah and skopeo that share nothing with the machine's own.
#[derive(Debug)]
pub(crate) struct Containers(Scratch);

impl Containers {
    pub(crate) fn new() -> Self {
        let scratch = Scratch::new();
        let here = scratch.path().display().to_string();
        scratch.file("registries.conf", "unqualified-search-registries = []\n");
        scratch.file(
            "storage.conf",
            format!("[storage]\ndriver = \"vfs\"\ngraphroot = \"{here}/root\"\nrunroot = \"{here}/run\"\n"),
        );
        // File locks, since podman's other kind is one segment of memory for the whole machine.
        scratch.file(
            "containers.conf",
            format!(
                "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"none\"\nlock_type = \"file\"\n\
                 tmp_dir = \"{here}/libpod\"\nstatic_dir = \"{here}/static\"\nvolume_path = \"{here}/volumes\"\n"
            ),
        );
        let policy = r#"{"default":[{"type":"insecureAcceptAnything"}]}"#;
        scratch.file("home/.config/containers/policy.json", policy);
        scratch.folder("temporary");
        Self(scratch)
    }

    /// Returns a command of podman, buildah, skopeo or another tool that uses this store.
    pub(crate) fn command<I: AsRef<OsStr>>(&self, name: &str, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = tool(name);
        command.env("HOME", self.0.join("home"));
        command.env("TMPDIR", self.0.join("temporary"));
        command.env("XDG_RUNTIME_DIR", self.0.join("home"));
        command.env("CONTAINERS_CONF", self.0.join("containers.conf"));
        command.env("CONTAINERS_STORAGE_CONF", self.0.join("storage.conf"));
        command.env("CONTAINERS_REGISTRIES_CONF", self.0.join("registries.conf"));
        command.args(arguments);
        command
    }

    #[track_caller]
    pub(crate) fn podman(&self, arguments: &[&str]) -> String {
        line(&mut self.command("podman", arguments))
    }

    #[track_caller]
    pub(crate) fn buildah(&self, arguments: &[&str]) -> String {
        line(&mut self.command("buildah", arguments))
    }

    /// Copies with skopeo: the last two arguments are the source and the destination.
    #[track_caller]
    pub(crate) fn skopeo_copy<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) {
        line(self.command("skopeo", ["copy", "--quiet"]).args(arguments));
    }

    /// Saves images with podman; the first arguments are options.
    #[track_caller]
    pub(crate) fn save(&self, to: &Path, arguments: &[&str]) {
        line(self.command("podman", ["save", "--quiet", "--output"]).arg(to).args(arguments));
    }

    /// Loads an archive and returns the names and ids that podman prints.
    #[track_caller]
    pub(crate) fn load(&self, archive: &Path) -> Vec<String> {
        let text = line(self.command("podman", ["load", "--quiet", "--input"]).arg(archive));
        let names = text.lines().filter_map(|line| line.split_once(": "));
        names.map(|(_, name)| name.to_owned()).collect()
    }

    /// Returns the image id of a stored image, with its algorithm.
    #[track_caller]
    pub(crate) fn id(&self, image: &str) -> String {
        format!("sha256:{}", self.podman(&["image", "inspect", "--format", "{{.Id}}", image]))
    }

    /// Lists the files of a stored image.
    #[track_caller]
    pub(crate) fn files(&self, image: &str) -> Listing {
        let folder = PathBuf::from(self.podman(&["image", "mount", image]));
        let listing = list_folder(&folder);
        self.podman(&["image", "unmount", image]);
        listing
    }
}
