//! The engines of this machine, each with a store of its own, asked one question: what do you make of this file?

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use transload::Engine;

use crate::support::Sandbox;
use crate::support::engines::{Containerd, Containers, Docker};
use crate::support::predicting::dateless;

/// What an engine did.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) loads: bool,
    /// What it lists afterwards, without what has no name; `None` for an engine that lists nothing.
    pub(super) names: Option<BTreeSet<String>>,
    /// What it said.
    _said: String,
}

pub(super) trait Observer {
    fn engine(&self) -> Engine;
    /// Loads with the plain command, and forgets what was loaded.
    fn load(&self, archive: &Path) -> Outcome;
    /// Loads what a note named, as in `oci-archive:FILE:NAME`.
    fn load_told(&self, _archive: &Path, example: &str) -> Outcome {
        panic!("{} cannot be told {example}", self.engine())
    }
}

fn run(command: &mut Command) -> (bool, String) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.success(), format!("{out}{err}"))
}

fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> BTreeSet<String> {
    names.into_iter().filter(|name| !name.starts_with("<none>")).map(dateless).collect()
}

pub(super) struct Dockerd(Docker);

impl Dockerd {
    pub(super) fn start() -> Self {
        Self(Docker::start())
    }

    /// Lists ID and name of every image.
    fn images(&self) -> String {
        let format = "{{.ID}} {{.Repository}}:{{.Tag}}";
        let (success, images) = run(&mut self.0.command(&["images", "--no-trunc", "--format", format]));
        assert!(success, "{images}");
        images
    }
}

impl Observer for Dockerd {
    fn engine(&self) -> Engine {
        Engine::Docker20
    }

    fn load(&self, archive: &Path) -> Outcome {
        let (loads, said) = run(self.0.command(&["load", "--quiet", "--input"]).arg(archive));
        let images = self.images();
        let names = images.lines().filter_map(|line| Some(line.split_once(' ')?.1));
        let names = Some(listed(names));
        // Docker does not read a layer that it has already; a failed load leaves images behind, too.
        let mut left = images;
        while !left.is_empty() {
            let ids: BTreeSet<&str> = left.lines().filter_map(|line| Some(line.split_once(' ')?.0)).collect();
            // Parents go after their children.
            let (_, said) = run(self.0.command(&["rmi", "--force"]).args(ids));
            let now = self.images();
            assert_ne!(now, left, "{said}");
            left = now;
        }
        Outcome { loads, names, _said: said }
    }
}

pub(super) struct Ctr(Containerd);

impl Ctr {
    pub(super) fn start() -> Self {
        Self(Containerd::start())
    }
}

impl Observer for Ctr {
    fn engine(&self) -> Engine {
        Engine::Containerd1
    }

    fn load(&self, archive: &Path) -> Outcome {
        let import = ["images", "import", "--snapshotter", "native"];
        let (success, said) = run(self.0.command(&import).arg(archive));
        let (listing, names) = run(&mut self.0.command(&["images", "list", "--quiet"]));
        assert!(listing, "{names}");
        let all: Vec<&str> = names.lines().collect();
        if !all.is_empty() {
            let (removed, said) = run(self.0.command(&["images", "remove", "--sync"]).args(&all));
            assert!(removed, "{said}");
        }
        // It says that it succeeded, and has kept nothing.
        Outcome { loads: success && !all.is_empty(), names: Some(listed(all)), _said: said }
    }
}

pub(super) struct Podman(Containers);

impl Podman {
    pub(super) fn new() -> Self {
        Self(Containers::new())
    }
}

impl Observer for Podman {
    fn engine(&self) -> Engine {
        Engine::Podman4
    }

    fn load(&self, archive: &Path) -> Outcome {
        let (loads, said) = run(self.0.command("podman", ["load", "--quiet", "--input"]).arg(archive));
        containers_outcome(&self.0, "podman", loads, said)
    }
}

/// Lists what podman or buildah has loaded, and removes it.
fn containers_outcome(store: &Containers, tool: &str, loads: bool, said: String) -> Outcome {
    if !loads {
        return Outcome { loads, names: None, _said: said };
    }
    let name = if tool == "podman" { "{{.Repository}}" } else { "{{.Name}}" };
    let format = format!("{name} {{{{.Tag}}}} {{{{.Digest}}}}");
    let (success, images) = run(&mut store.command(tool, ["images", "--digests", "--format", &format]));
    assert!(success, "{images}");
    let names = images.lines().filter_map(|line| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
        // A name with a digest is listed with that, and without a tag.
        [name, "<none>", digest] => Some(format!("{name}@{digest}")),
        [name, tag, _] => Some(format!("{name}:{tag}")),
        _ => None,
    });
    let names: Vec<String> = names.collect();
    let (removed, why) = run(&mut store.command(tool, ["rmi", "--all", "--force"]));
    assert!(removed, "{why}");
    Outcome { loads, names: Some(listed(names.iter().map(String::as_str))), _said: said }
}

/// A transport of containers/image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Docker,
    Oci,
}

impl Transport {
    fn source(self, archive: &Path) -> String {
        let transport = match self {
            Self::Docker => "docker-archive",
            Self::Oci if archive.is_dir() => "oci",
            Self::Oci => "oci-archive",
        };
        format!("{transport}:{}", archive.display())
    }
}

/// Puts the archive's path into an example.
fn told(archive: &Path, example: &str) -> String {
    example.replacen("FOLDER", "FILE", 1).replacen("FILE", &archive.display().to_string(), 1)
}

pub(super) struct Skopeo(Containers, Transport);

impl Skopeo {
    pub(super) fn docker() -> Self {
        Self(Containers::new(), Transport::Docker)
    }

    pub(super) fn oci() -> Self {
        Self(Containers::new(), Transport::Oci)
    }

    fn copy(&self, source: &str) -> Outcome {
        let sandbox = Sandbox::new();
        let destination = format!("dir:{}", sandbox.path("copy").display());
        let (loads, said) = run(&mut self.0.command("skopeo", ["copy", "--quiet", source, &destination]));
        Outcome { loads, names: None, _said: said }
    }
}

impl Observer for Skopeo {
    fn engine(&self) -> Engine {
        if self.1 == Transport::Docker { Engine::SkopeoDocker19 } else { Engine::SkopeoOci19 }
    }

    fn load(&self, archive: &Path) -> Outcome {
        self.copy(&self.1.source(archive))
    }

    fn load_told(&self, archive: &Path, example: &str) -> Outcome {
        self.copy(&told(archive, example))
    }
}

pub(super) struct Buildah(Containers, Transport);

impl Buildah {
    pub(super) fn docker() -> Self {
        Self(Containers::new(), Transport::Docker)
    }

    pub(super) fn oci() -> Self {
        Self(Containers::new(), Transport::Oci)
    }

    fn pull(&self, source: &str) -> Outcome {
        let (loads, said) = run(&mut self.0.command("buildah", ["pull", "--quiet", source]));
        containers_outcome(&self.0, "buildah", loads, said)
    }
}

impl Observer for Buildah {
    fn engine(&self) -> Engine {
        if self.1 == Transport::Docker { Engine::BuildahDocker128 } else { Engine::BuildahOci128 }
    }

    fn load(&self, archive: &Path) -> Outcome {
        self.pull(&self.1.source(archive))
    }

    fn load_told(&self, archive: &Path, example: &str) -> Outcome {
        self.pull(&told(archive, example))
    }
}

pub(super) struct Umoci(Containers);

impl Umoci {
    pub(super) fn new() -> Self {
        Self(Containers::new())
    }
}

impl Observer for Umoci {
    fn engine(&self) -> Engine {
        Engine::Umoci04
    }

    /// Unpacks every tag that the layout has.
    fn load(&self, archive: &Path) -> Outcome {
        let sandbox = Sandbox::new();
        // A copy of a folder, too: umoci writes into layouts.
        let folder = sandbox.path("layout");
        std::fs::create_dir(&folder).expect("a sandbox can be written");
        let mut unpack = if archive.is_dir() { Command::new("cp") } else { Command::new("tar") };
        let unpack = if archive.is_dir() {
            unpack.arg("-rT").arg(archive).arg(&folder)
        } else {
            unpack.arg("-xf").arg(archive).arg("-C").arg(&folder)
        };
        run(unpack);
        let (success, tags) = run(self.0.command("umoci", ["list", "--layout"]).arg(&folder));
        let mut said = tags.clone();
        let mut names = BTreeSet::new();
        for tag in tags.lines().filter(|_| success) {
            let bundle = sandbox.path("bundle");
            let image = format!("{}:{tag}", folder.display());
            let (unpacked, why) = run(self.0.command("umoci", ["unpack", "--image", &image]).arg(&bundle));
            said += &why;
            if unpacked {
                names.insert(tag.to_owned());
            }
            let _ = std::fs::remove_dir_all(bundle);
        }
        Outcome { loads: !names.is_empty(), names: Some(names), _said: said }
    }
}
