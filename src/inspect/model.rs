//! What an inspection found, as plain data: text, JSON and templates are made from the same value.

use std::collections::HashMap;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::history::{self, HistoryLine};
use super::settings::Settings;
use crate::codec::Compression;
use crate::digest::{DiffId, Digest, ImageId};
use crate::document::Document;
use crate::formats::Format;
use crate::json::Cursor;

/// What is in a source. Texts may hold any character, see [`escape`](crate::escape).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// The format that it was read as.
    pub format: Format,
    /// The family of writers whose layout it is, as in `docker 1.10–24`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub era: Option<&'static str>,
    /// The tools that write just this, where that shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub producer: Option<&'static str>,
    /// The images, in the source's order; those of an index one by one.
    pub images: Vec<InspectedImage>,
    /// Layers that several of the images have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shared_layers: Vec<SharedLayer>,
    /// What belongs to none of the images, or to an index of several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Companion>,
    /// What the source names and does not hold, whole images included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// What a user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A layer that several images have.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SharedLayer {
    /// Digest of its tar, as the configs claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff_id: Option<DiffId>,
    /// Digest as the first of the images has it stored, as claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Bytes as the first of the images has it stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Numbers of the images.
    pub images: Vec<usize>,
}

impl Inspection {
    /// Returns the layers that several images have, by what [`InspectedLayer::identity`] returns for them.
    pub fn shared(&self) -> HashMap<Digest, &SharedLayer> {
        let key = |layer: &SharedLayer| layer.diff_id.map(|diff_id| diff_id.as_plain_digest()).or(layer.digest);
        self.shared_layers.iter().filter_map(|layer| Some((key(layer)?, layer))).collect()
    }
}

/// An image.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InspectedImage {
    /// Its number among the images that are listed, from 1.
    pub number: usize,
    /// What selects it, or the index that it is in: `@` and this number.
    pub position: usize,
    /// Its names: in full where there is a repository, else the tag alone.
    pub names: Vec<String>,
    /// `os/architecture[/variant]`, as its index or its config says.
    pub platform: Option<String>,
    /// Operating system.
    pub os: Option<String>,
    /// Version of the operating system, which images for Windows name.
    pub os_version: Option<String>,
    /// Architecture of the processor.
    pub architecture: Option<String>,
    /// Its variant.
    pub variant: Option<String>,
    /// When it was made, as its config says.
    pub created: Option<String>,
    /// Who made it, as its config says.
    pub author: Option<String>,
    /// The tool that built the image, where its config tells; the archive can be another's work.
    pub built_with: Option<String>,
    /// Hash of the config: the ID that podman and docker's classic stores show. `None` when the source has no config.
    pub image_id: Option<ImageId>,
    /// Digest of the manifest: the ID that docker with the containerd store (29) and containerd show, where the image's
    /// name is not that of an index. docker-archives have none.
    pub manifest_digest: Option<Digest>,
    /// Digest of the index that the image's name stands for: the ID that docker with the containerd store shows then.
    pub index_digest: Option<Digest>,
    /// Bytes of all layers as they are stored, each once.
    pub size: u64,
    /// Bytes of all layers, uncompressed; `None` when one of them is not known.
    pub uncompressed_size: Option<u64>,
    /// Bottom first.
    pub layers: Vec<InspectedLayer>,
    /// Attestations, signatures and other things about this image.
    pub companions: Vec<Companion>,
    /// What the image needs and the source does not hold.
    pub missing: Vec<String>,
    /// Config and manifest: what they say is parsed when it is asked for, because that takes many times their size.
    pub(super) config_document: Option<Document>,
    pub(super) manifest_document: Option<Document>,
}

impl InspectedImage {
    /// Returns the config's `config`: how a container runs, with all fields as they are spelled; null when there is none.
    pub fn config(&self) -> Value {
        section(self.config_document.as_ref(), "config")
    }

    /// Returns what the config says of the container that it makes, in a form for people.
    pub fn settings(&self) -> Settings {
        Settings::read(&self.config())
    }

    /// Returns the config's history, oldest first.
    pub fn history(&self) -> Vec<HistoryLine> {
        let config = self.config_document.as_ref().map_or(Value::Null, Document::value);
        history::read(&config, self.layers.len())
    }

    /// Returns the manifest's annotations; null when there are none.
    pub fn annotations(&self) -> Value {
        section(self.manifest_document.as_ref(), "annotations")
    }
}

/// Returns an object inside a document.
fn section(of: Option<&Document>, key: &str) -> Value {
    let value = of.map_or(Value::Null, Document::value);
    let found = Cursor::new(&value).get(key).ok().flatten().map(|found| found.value().clone());
    found.filter(Value::is_object).unwrap_or(Value::Null)
}

impl Serialize for InspectedImage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let history = self.history();
        let layer = |layer| LayerView { layer, history: &history };
        ImageView {
            number: self.number,
            position: self.position,
            names: &self.names,
            platform: &self.platform,
            os: &self.os,
            os_version: &self.os_version,
            architecture: &self.architecture,
            variant: &self.variant,
            created: &self.created,
            author: &self.author,
            built_with: &self.built_with,
            image_id: self.image_id,
            manifest_digest: self.manifest_digest,
            index_digest: self.index_digest,
            size: self.size,
            uncompressed_size: self.uncompressed_size,
            config: self.config(),
            annotations: self.annotations(),
            layers: self.layers.iter().map(layer).collect(),
            history: &history,
            companions: &self.companions,
            missing: &self.missing,
        }
        .serialize(serializer)
    }
}

/// An image with what its documents say.
#[derive(Serialize)]
struct ImageView<'a> {
    number: usize,
    position: usize,
    names: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_version: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    architecture: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    built_with: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_id: Option<ImageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest_digest: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index_digest: Option<Digest>,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    uncompressed_size: Option<u64>,
    #[serde(skip_serializing_if = "Value::is_null")]
    config: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    annotations: Value,
    layers: Vec<LayerView<'a>>,
    history: &'a [HistoryLine],
    #[serde(skip_serializing_if = "<[Companion]>::is_empty")]
    companions: &'a [Companion],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    missing: &'a [String],
}

/// A layer with the history line that made it.
struct LayerView<'a> {
    layer: &'a InspectedLayer,
    history: &'a [HistoryLine],
}

impl Serialize for LayerView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct View<'a> {
            #[serde(flatten)]
            layer: &'a InspectedLayer,
            #[serde(skip_serializing_if = "Option::is_none")]
            created_by: Option<&'a str>,
        }
        let line = self.history.iter().find(|line| line.layer == Some(self.layer.number));
        View { layer: self.layer, created_by: line.and_then(|line| line.created_by.as_deref()) }.serialize(serializer)
    }
}

/// A layer.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct InspectedLayer {
    /// From 1, bottom first.
    pub number: usize,
    /// Whether the source holds it.
    pub present: bool,
    /// Bytes as it is stored; as they are claimed when the source does not hold it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Bytes of its tar; `None` when nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncompressed_size: Option<u64>,
    /// How it is compressed, by its first bytes; `None` when it is no tar of a file system, or not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// What its descriptor says it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Digest as it is stored, as claimed; docker-archives claim none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Digest of its tar, as the config claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff_id: Option<DiffId>,
    /// Where it may be fetched from when the source does not hold it (foreign layers).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

impl InspectedLayer {
    /// Returns what makes it the same layer as another: its diff_id, or its digest where that is all there is.
    pub fn identity(&self) -> Option<Digest> {
        self.diff_id.map(|diff_id| diff_id.as_plain_digest()).or(self.digest)
    }
}

/// Something that is no image and mostly about one: an attestation, a signature, an artifact.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Companion {
    /// What it is.
    pub kind: CompanionKind,
    /// Its artifact type, or the media type of its config.
    pub artifact_type: String,
    /// Its names, as those of images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Digest of its manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Digest of what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// Bytes of all its blobs that the source holds.
    pub size: u64,
    /// Its blobs, the config apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<CompanionPart>,
    /// What it needs and the source does not hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// A blob of a [`Companion`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CompanionPart {
    /// What its descriptor says it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What an in-toto statement states, as in `https://slsa.dev/provenance/v1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicate_type: Option<String>,
    /// The file that it stands for (`org.opencontainers.image.title`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Bytes, as claimed.
    pub size: u64,
}

/// What a [`Companion`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CompanionKind {
    /// A statement of how the image was made or what it holds (in-toto).
    Attestation,
    /// A signature (cosign, notation).
    Signature,
    /// A list of what is inside (SPDX, CycloneDX).
    Sbom,
    /// Anything else: charts, models, wasm modules.
    Artifact,
}

impl CompanionKind {
    /// Returns the word for it, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Attestation => "attestation",
            Self::Signature => "signature",
            Self::Sbom => "sbom",
            Self::Artifact => "artifact",
        }
    }
}
