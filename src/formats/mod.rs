//! The formats: which there are, how a source's is recognised, and reading it into a graph.
//!
//! Two axes: a schema says what members mean, a container says where they live. A hybrid has both schemas; it is read
//! by its OCI half, which keeps digests, and takes names from the docker half.

mod agreement;
pub(crate) mod docker;
mod hybrid;
pub(crate) mod oci;
mod shape;
mod target;
mod traits;

pub(crate) use oci::Described;
pub(crate) use shape::{ItemShape, Shape};
pub use target::FormatAbout;
pub(crate) use traits::{Trait, Traits, traits};

use crate::context::Context;
use crate::error::{Error, Result, quoted};
use crate::faults::Faults;
use crate::graph::Graph;
use crate::suggest::did_you_mean;
use crate::tree::{Container, Members};

/// A way of keeping images in a file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The tar of `docker save` and `podman save`: `manifest.json`, configs, layers.
    DockerArchive,
    /// The same in a folder.
    DockerDir,
    /// A tar of an OCI image layout (image-spec, image-layout.md).
    OciArchive,
    /// An OCI image layout in a folder.
    OciDir,
    /// One tar that is both: an OCI image layout with a `manifest.json` over the same blobs, as docker writes since 25.
    HybridArchive,
}

/// What the members of a format mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    Docker,
    Oci,
    Hybrid,
}

impl Format {
    /// All formats, in the order in which they are listed to people.
    pub const ALL: [Self; 5] =
        [Self::DockerArchive, Self::DockerDir, Self::OciArchive, Self::OciDir, Self::HybridArchive];

    /// Returns the name, as in `--to`.
    pub fn name(self) -> &'static str {
        match self {
            Self::DockerArchive => "docker-archive",
            Self::DockerDir => "docker-dir",
            Self::OciArchive => "oci-archive",
            Self::OciDir => "oci-dir",
            Self::HybridArchive => "hybrid-archive",
        }
    }

    /// Returns a shorter name that is taken too.
    pub fn alias(self) -> Option<&'static str> {
        match self {
            Self::OciDir => Some("oci"),
            Self::HybridArchive => Some("hybrid"),
            Self::DockerArchive | Self::DockerDir | Self::OciArchive => None,
        }
    }

    pub(crate) fn schema(self) -> Schema {
        match self {
            Self::DockerArchive | Self::DockerDir => Schema::Docker,
            Self::OciArchive | Self::OciDir => Schema::Oci,
            Self::HybridArchive => Schema::Hybrid,
        }
    }

    pub(crate) fn container(self) -> Container {
        match self {
            Self::DockerArchive | Self::OciArchive | Self::HybridArchive => Container::Tar,
            Self::DockerDir | Self::OciDir => Container::Folder,
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl serde::Serialize for Format {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl std::str::FromStr for Format {
    type Err = Error;

    /// Takes the names, and `oci` and `hybrid` for short.
    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|format| format.name() == text || format.alias() == Some(text));
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            let error = Error::usage(format!("format {}: not one of {}", quoted(text), names.join(", ")));
            error.maybe_hint(did_you_mean(text, names))
        })
    }
}

/// Members that show what a source is.
const MARKERS: [&str; 4] = ["manifest.json", "index.json", "repositories", "oci-layout"];

/// How a source is to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) cx: &'a Context<'a>,
    /// Wrong digests, sizes and diff_ids are put right rather than refused.
    pub(crate) recompute: bool,
    /// What becomes of claims that contradict one another, and of what is missing or cannot be read.
    pub(crate) faults: Faults<'a>,
}

/// Reads a source, as what it is or as what it is said to be.
pub(crate) fn read(
    members: &mut Members,
    container: Container,
    wanted: Option<Format>,
    reading: Reading<'_>,
) -> Result<(Graph, Format)> {
    members.unwrap_folder(&MARKERS);
    let schema = wanted.map_or_else(|| recognise(members), |format| Ok(format.schema()))?;
    if reading.faults.are_noted() {
        // What lacks all that makes the format is something else, not a damaged one.
        check_marked(members, schema)?;
    }
    let graph = match schema {
        Schema::Docker => docker::read(members, reading)?,
        Schema::Oci => oci::read(members, reading)?,
        Schema::Hybrid => hybrid::read(members, reading)?,
    };
    let format = match (schema, container) {
        (Schema::Docker, Container::Tar) => Format::DockerArchive,
        (Schema::Docker, Container::Folder) => Format::DockerDir,
        (Schema::Hybrid, Container::Tar) => Format::HybridArchive,
        (Schema::Oci, Container::Tar) => Format::OciArchive,
        (Schema::Oci | Schema::Hybrid, Container::Folder) => Format::OciDir,
    };
    Ok((graph, format))
}

fn recognise(members: &Members) -> Result<Schema> {
    let oci = members.contains("index.json");
    let docker = members.contains("manifest.json");
    match (oci, docker) {
        (true, true) => Ok(Schema::Hybrid),
        (true, false) => Ok(Schema::Oci),
        (false, true) => Ok(Schema::Docker),
        (false, false) if members.contains("oci-layout") => Ok(Schema::Oci),
        (false, false) if members.contains("repositories") => Ok(Schema::Docker),
        (false, false) => {
            Err(Error::damaged("no image archive: no manifest.json, index.json or repositories in it").foreign())
        }
    }
}

/// Fails when nothing shows that the members are of this schema.
fn check_marked(members: &Members, schema: Schema) -> Result<()> {
    let any = |names: &[&str]| {
        if names.iter().any(|name| members.contains(name)) {
            return Ok(());
        }
        Err(Error::damaged(format!("no image archive of this format: no {} in it", names.join(" or "))))
    };
    let docker = || any(&["manifest.json", "repositories"]);
    let oci = || any(&["index.json", "oci-layout"]);
    match schema {
        Schema::Docker => docker(),
        Schema::Oci => oci(),
        Schema::Hybrid => docker().and_then(|()| oci()),
    }
}
