//! What each format can hold, and its members for images whose layers are known.

use std::collections::HashMap;

use serde::Serialize;

use super::oci::{self, ComposeOptions, Composer, Described};
use super::{Format, Schema, docker, hybrid};
use crate::codec::Compression;
use crate::digest::{Algorithm, Digest};
use crate::error::{Error, Result};
use crate::graph::{Graph, Layer, NodeId};
use crate::output::{Body, Entry, Existing};
use crate::plan::{Abilities, Job, Jobs, Outcome, Outcomes, PlannedImage, Policy};
use crate::tree::Container;

/// What a format holds, and who else reads and writes it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FormatAbout {
    /// As in `--to`.
    pub name: &'static str,
    /// A shorter name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<&'static str>,
    /// `file` or `folder`.
    pub container: &'static str,
    /// Whether it holds an image for several platforms, attestations and other artifacts. Where not, it holds one platform
    /// of each image.
    pub platforms: bool,
    /// What happens to layers that are converted to it when nothing else is asked for.
    pub layers: &'static str,
    /// Whether images can be added to a result that is there.
    pub adds: bool,
    /// What else reads it.
    pub read_by: &'static [&'static str],
    /// What else writes it.
    pub written_by: &'static [&'static str],
}

/// A result's members, and the manifests in it.
pub(crate) struct LaidOut {
    pub(crate) entries: Vec<Entry>,
    pub(crate) manifests: HashMap<NodeId, Described>,
}

impl LaidOut {
    /// Returns the digest of the document from which everything else is named.
    pub(crate) fn root_digest(&self) -> Option<Digest> {
        // A hybrid has both, and an index.json names more.
        ["index.json", "manifest.json"].iter().find_map(|root| {
            let entry = self.entries.iter().find(|entry| entry.name == *root)?;
            match &entry.body {
                Body::Bytes(bytes) => Some(Digest::of(bytes)),
                _ => None,
            }
        })
    }
}

impl Format {
    pub(crate) fn abilities(self) -> Abilities {
        let (whole_graph, docker_images, policy) = match self.schema() {
            Schema::Docker => (false, true, Policy::Plain),
            Schema::Oci => (true, false, Policy::KeepOrGzip),
            Schema::Hybrid => (true, true, Policy::OldReaders),
        };
        Abilities { name: self.name(), whole_graph, docker_images, policy }
    }

    /// Tells what it holds and who reads and writes it, as far as that was tried (podman 4 and 6, skopeo 1.9 and 1.22,
    /// docker 20.10 and 29, containerd 1.6 and 2, crane, umoci, regctl, buildkit).
    pub fn about(self) -> FormatAbout {
        let abilities = self.abilities();
        let (read_by, written_by): (&[_], &[_]) = match self {
            Self::DockerArchive => (
                &["docker load", "podman load", "skopeo", "ctr images import", "crane push", "regctl"],
                &["docker save (1.10 to 24)", "podman save", "skopeo", "crane pull", "kaniko", "jib", "bazel"],
            ),
            Self::DockerDir => (&[], &["tar xf of a docker-archive"]),
            Self::OciArchive => (
                &["podman load", "skopeo", "docker load (29, containerd store)", "ctr images import", "regctl"],
                &["podman save --format oci-archive", "skopeo", "buildah", "docker buildx (type=oci)"],
            ),
            Self::OciDir => (
                &["skopeo (oci:)", "podman load", "crane push", "umoci", "regctl (ocidir:)", "oras"],
                &[
                    "skopeo (oci:)",
                    "podman save --format oci-dir",
                    "crane pull --format oci",
                    "umoci",
                    "regctl",
                    "oras",
                ],
            ),
            Self::HybridArchive => (
                &["docker load", "podman load", "skopeo", "ctr images import", "crane push", "regctl"],
                &[
                    "docker save (25 and later)",
                    "ctr images export",
                    "nerdctl save",
                    "docker buildx (type=docker)",
                    "regctl",
                ],
            ),
        };
        FormatAbout {
            name: self.name(),
            alias: self.alias(),
            container: if self.container() == Container::Tar { "file" } else { "folder" },
            platforms: abilities.whole_graph,
            layers: match abilities.policy {
                Policy::Plain => "plain",
                Policy::KeepOrGzip => "kept, or gzip",
                Policy::OldReaders => "kept when plain or gzip, else gzip",
            },
            adds: self.adds().is_some(),
            read_by,
            written_by,
        }
    }

    /// Returns how images are added to a result that is there, where the format allows it.
    pub(crate) fn adds(self) -> Option<Existing> {
        (self == Self::OciDir).then_some(Existing::Add { index: "index.json", merge: oci::merge })
    }

    /// Returns name and mode of a blob's member.
    pub(crate) fn blob_member(self, outcome: &Outcome) -> (String, u32) {
        match self.schema() {
            Schema::Docker => (docker_layer(outcome), docker::FILE_MODE),
            Schema::Oci => (oci::blob_name(&outcome.digest), oci::FILE_MODE),
            Schema::Hybrid => (oci::blob_name(&outcome.digest), hybrid::BLOB_MODE),
        }
    }

    /// Returns a name as long as the one that [`blob_member`](Self::blob_member) will give to the job's result.
    pub(crate) fn blob_member_like(self, job: &Job) -> String {
        // Names of equal length have headers of equal length; the ending is too short to matter.
        let (made, plain) = job.algorithms();
        match self.schema() {
            Schema::Docker => format!("{}.tar", Digest::with(plain, b"").hex()),
            Schema::Oci | Schema::Hybrid => oci::blob_name(&Digest::with(made, b"")),
        }
    }

    /// Returns the members that come before blobs which are poured before the rest is known.
    pub(crate) fn prologue(self) -> Vec<Entry> {
        match self.schema() {
            Schema::Docker => Vec::new(),
            Schema::Oci => oci::prologue(),
            Schema::Hybrid => oci::folders(Algorithm::Sha256),
        }
    }

    /// Returns all members in their order.
    pub(crate) fn lay_out(
        self,
        graph: &Graph,
        jobs: &Jobs,
        outcomes: &Outcomes,
        docker_images: &[PlannedImage],
        recompute: bool,
    ) -> Result<LaidOut> {
        if self.schema() == Schema::Docker {
            let images = docker_images.iter().map(|planned| docker_image(graph, jobs, outcomes, planned, recompute));
            let entries = docker::lay_out(&images.collect::<Result<Vec<_>>>()?)?;
            return Ok(LaidOut { entries, manifests: HashMap::new() });
        }
        let options = ComposeOptions { name_all: self.schema() == Schema::Hybrid, recompute };
        let composed = Composer::new(graph, jobs, outcomes, options).compose()?;
        let entries = match self.schema() {
            Schema::Hybrid => {
                let images =
                    docker_images.iter().map(|planned| docker_image(graph, jobs, outcomes, planned, recompute));
                hybrid::lay_out(&composed, &images.collect::<Result<Vec<_>>>()?)
            }
            Schema::Oci | Schema::Docker => oci::lay_out(&composed),
        };
        Ok(LaidOut { entries, manifests: composed.manifests })
    }
}

/// Puts together what a docker-archive says of an image.
fn docker_image(
    graph: &Graph,
    jobs: &Jobs,
    outcomes: &Outcomes,
    planned: &PlannedImage,
    recompute: bool,
) -> Result<docker::DockerImage> {
    let image = graph.image(planned.node).expect("only images are planned");
    let diff_ids = outcomes.diff_ids(jobs, image).unwrap_or_default();
    let config = image.config.settle(Some(&diff_ids), recompute)?;
    let config = config.ok_or_else(|| Error::damaged("an image without a config"))?;
    let layer = |layer: &Layer| {
        let job = layer.blob.and_then(|blob| jobs.of(blob))?;
        let outcome = outcomes.get(job)?;
        Some(docker::DockerLayer { job, name: docker_layer(outcome), digest: outcome.digest, diff_id: outcome.diff_id })
    };
    let layers: Option<Vec<_>> = image.layers.iter().map(layer).collect();
    let layers = layers.expect("every layer of a planned image has a job, and its result is known by now");
    Ok(docker::DockerImage { config, layers, tags: planned.tags.clone() })
}

/// Names a layer of a docker-archive: by its diff_id, as containers/image does, with an ending for what it is.
fn docker_layer(outcome: &Outcome) -> String {
    let ending = match outcome.compression {
        Compression::None => "",
        Compression::Gzip => ".gz",
        Compression::Zstd => ".zst",
        Compression::Bzip2 => ".bz2",
        Compression::Xz => ".xz",
    };
    let digest = outcome.diff_id.map_or(outcome.digest, |diff_id| diff_id.as_plain_digest());
    format!("{}.tar{ending}", digest.hex())
}
