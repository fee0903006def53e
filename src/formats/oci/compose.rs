//! The documents of an OCI layout for a graph whose layers are known. A document of the source is kept byte for byte
//! while everything that it names is; else it is edited where it has to be, and what names it, in turn.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::descriptor::{ATTESTED, CONTAINERD_NAME, Descriptor, REF_NAME};
use crate::digest::Digest;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::graph::{Artifact, BlobId, Graph, Image, Index, Layer, Name, Node, NodeId, Root};
use crate::json::{Cursor, field};
use crate::media_type::{self, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST};
use crate::plan::{JobId, Jobs, Outcome, Outcomes};
use crate::platform;

/// Everything in a layout but its layers' bytes.
#[derive(Clone, Debug)]
pub(crate) struct Composed {
    pub(crate) documents: BTreeMap<Digest, Arc<[u8]>>,
    pub(crate) jobs: BTreeMap<Digest, JobId>,
    /// `index.json`.
    pub(crate) index: Arc<[u8]>,
    /// The manifest of each image.
    pub(crate) manifests: HashMap<NodeId, Described>,
}

/// What descriptors say of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

/// Producers make chains of two or three: an index, its manifest, a signature of a signature.
const REFERENCES: usize = 64;

/// Annotations that describe the compressed bytes of a layer (estargz, zstd:chunked): wrong for any other bytes.
const ABOUT_COMPRESSION: [&str; 3] =
    ["containerd.io/snapshot/stargz/", "io.containers.estargz.", "io.github.containers.zstd-chunked."];

#[derive(Clone, Copy, Debug)]
pub(crate) struct ComposeOptions {
    /// Every full name is written where containerd looks for it, even into a kept descriptor.
    pub(crate) name_all: bool,
    /// Configs get the diff_ids that were measured.
    pub(crate) recompute: bool,
}

/// Composes documents from the bottom up.
pub(crate) struct Composer<'a> {
    graph: &'a Graph,
    jobs: &'a Jobs,
    outcomes: &'a Outcomes,
    options: ComposeOptions,
    composed: Composed,
    configs: HashMap<NodeId, Document>,
    done: HashMap<NodeId, Option<Described>>,
    /// Nodes that are being composed, the outermost first.
    open: Vec<NodeId>,
}

impl<'a> Composer<'a> {
    pub(crate) fn new(graph: &'a Graph, jobs: &'a Jobs, outcomes: &'a Outcomes, options: ComposeOptions) -> Self {
        let composed = Composed {
            documents: BTreeMap::new(),
            jobs: BTreeMap::new(),
            index: Arc::default(),
            manifests: HashMap::new(),
        };
        let (configs, done, open) = (HashMap::new(), HashMap::new(), Vec::new());
        Self { graph, jobs, outcomes, options, composed, configs, done, open }
    }

    pub(crate) fn compose(mut self) -> Result<Composed> {
        let graph = self.graph;
        let mut changed = graph.roots_changed;
        let mut descriptors = Vec::new();
        for root in &graph.roots {
            let described = self.node(root.node)?;
            let (value, differs) = self.root_descriptor(root, described.as_ref())?;
            changed |= differs;
            descriptors.push(value);
        }
        self.composed.index = match &graph.layout_index {
            Some(document) if !changed => document.shared_bytes(),
            original => {
                let new = || json!({"schemaVersion": 2, "mediaType": OCI_INDEX});
                let mut value = original.as_ref().map_or_else(new, Document::value);
                *field(&mut value, "manifests") = Value::Array(descriptors);
                Document::compose(&value).shared_bytes()
            }
        };
        Ok(self.composed)
    }

    fn node(&mut self, id: NodeId) -> Result<Option<Described>> {
        if let Some(done) = self.done.get(&id) {
            return Ok(done.clone());
        }
        if self.open.len() > REFERENCES {
            return Err(Error::damaged(format!("more than {REFERENCES} documents that refer to one another in a row")));
        }
        self.open.push(id);
        let described = match self.graph.node(id) {
            Node::Index(index) => Some(self.index(index)?),
            Node::Image(image) => {
                let config = self.config(image)?;
                let described = self.image(image, config.as_ref())?;
                self.configs.extend(config.map(|config| (id, config)));
                self.composed.manifests.insert(id, described.clone());
                Some(described)
            }
            Node::Artifact(artifact) => self.artifact(artifact)?,
            Node::Absent(_) => None,
        };
        self.open.pop();
        self.done.insert(id, described.clone());
        Ok(described)
    }

    /// Returns what a digest of the source stands for in the result, if that has another digest.
    fn moved(&mut self, digest: Digest) -> Result<Option<Described>> {
        let Some(&node) = self.graph.by_claim.get(&digest) else { return Ok(None) };
        // Documents that refer to one another in a circle cannot all be right.
        if self.open.contains(&node) {
            return Ok(None);
        }
        Ok(self.node(node)?.filter(|described| described.digest != digest))
    }

    /// Points a document's `subject` at what that became; tells whether that changed it.
    fn follow_subject(&mut self, value: &mut Value) -> Result<bool> {
        let subject = Cursor::new(value).get("subject")?.map(|subject| subject.need("digest")?.parse()).transpose();
        // Nothing else depends on it, so a subject that is none stays as it is.
        let Ok(Some(digest)) = subject else { return Ok(false) };
        let moved = self.moved(digest)?;
        Ok(moved.is_some_and(|to| redirect(field(value, "subject"), to.digest, to.size, Some(to.media_type))))
    }

    fn image(&mut self, image: &Image, config: Option<&Document>) -> Result<Described> {
        let layers: Vec<_> = image.layers.iter().map(|layer| self.layer(layer)).collect::<Result<_>>()?;
        match &image.manifest {
            Some(manifest) => self.edited_manifest(image, manifest, config, &layers),
            None => {
                let config = config.ok_or_else(|| Error::damaged("an image without a config"))?;
                self.new_manifest(config, &layers)
            }
        }
    }

    /// Returns the config's document and adds it to the layout; `None` when the source has none.
    fn config(&mut self, image: &Image) -> Result<Option<Document>> {
        let diff_ids = self.outcomes.diff_ids(self.jobs, image);
        let config = image.config.settle(diff_ids.as_deref(), self.options.recompute)?;
        if let Some(config) = &config {
            self.add_document(config);
        }
        Ok(config)
    }

    fn outcome(&self, blob: BlobId) -> Option<(JobId, &'a Outcome)> {
        let job = self.jobs.of(blob)?;
        self.outcomes.get(job).map(|outcome| (job, outcome))
    }

    /// Returns what a layer became and adds it to the layout; `None` when it is not in the source.
    fn layer(&mut self, layer: &Layer) -> Result<Option<Outcome>> {
        let Some((job, outcome)) = layer.blob.and_then(|blob| self.outcome(blob)) else { return Ok(None) };
        self.composed.jobs.entry(outcome.digest).or_insert(job);
        Ok(Some(*outcome))
    }

    fn edited_manifest(
        &mut self,
        image: &Image,
        manifest: &Document,
        config: Option<&Document>,
        layers: &[Option<Outcome>],
    ) -> Result<Described> {
        let mut value = manifest.value();
        let mut changed = self.follow_subject(&mut value)?;
        if let Some(config) = config {
            changed |= redirect(field(&mut value, "config"), config.digest(), config.bytes().len() as u64, None);
        }
        for (i, (layer, outcome)) in image.layers.iter().zip(layers).enumerate() {
            let (Some(outcome), Some(old)) = (outcome, &layer.descriptor) else { continue };
            let Some(slot) = field(&mut value, "layers").get_mut(i) else { continue };
            let size = outcome.size.unwrap_or(old.size);
            let renamed = media_type::relabelled(old.media_type.as_deref().unwrap_or_default(), outcome.compression);
            if redirect(slot, outcome.digest, size, renamed) {
                changed = true;
                // What can be fetched there has the old digest.
                slot.as_object_mut().into_iter().for_each(|map| drop(map.remove("urls")));
                if let Some(annotations) = slot.get_mut("annotations").and_then(Value::as_object_mut) {
                    annotations.retain(|key, _| !ABOUT_COMPRESSION.iter().any(|prefix| key.starts_with(prefix)));
                }
            }
        }
        Ok(self.keep_or_replace(manifest, value, changed, OCI_MANIFEST))
    }

    fn new_manifest(&mut self, config: &Document, layers: &[Option<Outcome>]) -> Result<Described> {
        let descriptor = |media_type: String, digest: Digest, size: u64| json!({"mediaType": media_type, "digest": digest.to_string(), "size": size});
        let layer = |outcome: &Option<Outcome>| {
            let outcome = outcome.as_ref().ok_or_else(|| Error::damaged("a layer is not in the source"))?;
            let media_type = media_type::oci_layer(outcome.compression).ok_or_else(|| {
                Error::unsupported(format!("OCI has no media type for {}", outcome.compression.name()))
            })?;
            let size = outcome.size.expect("an OCI layout's blobs are measured or copied");
            Ok(descriptor(media_type, outcome.digest, size))
        };
        let layers = layers.iter().map(layer).collect::<Result<Vec<_>>>()?;
        let manifest = Document::compose(&json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(OCI_CONFIG.to_owned(), config.digest(), config.bytes().len() as u64),
            "layers": layers,
        }));
        self.add_document(&manifest);
        Ok(described(&manifest, OCI_MANIFEST))
    }

    fn artifact(&mut self, artifact: &Artifact) -> Result<Option<Described>> {
        let mut changed = false;
        for &blob in &artifact.blobs {
            let Some((job, outcome)) = self.outcome(blob) else { continue };
            changed |= graph_claim(self.graph, blob) != Some(outcome.digest);
            self.composed.jobs.entry(outcome.digest).or_insert(job);
        }
        let Some(manifest) = &artifact.manifest else { return Ok(None) };
        if changed {
            return Err(Error::unsupported(format!("{}: its parts have other digests than it names", artifact.kind)));
        }
        let mut value = manifest.value();
        let moved = self.follow_subject(&mut value)?;
        Ok(Some(self.keep_or_replace(manifest, value, moved, OCI_MANIFEST)))
    }

    fn index(&mut self, index: &Index) -> Result<Described> {
        let mut value = index.document.value();
        let mut changed = self.follow_subject(&mut value)?;
        for (i, child) in index.children.iter().enumerate() {
            let described = self.node(child.node)?;
            let Some(slot) = field(&mut value, "manifests").get_mut(i) else { continue };
            changed |= self.follow(slot, &child.descriptor, described.as_ref())?;
        }
        Ok(self.keep_or_replace(&index.document, value, changed, OCI_INDEX))
    }

    /// Points a descriptor at what its node became; tells whether that changed it.
    fn follow(&mut self, slot: &mut Value, descriptor: &Descriptor, to: Option<&Described>) -> Result<bool> {
        let mut changed = false;
        if let Some(to) = to {
            let moved = to.digest != descriptor.digest;
            changed = redirect(slot, to.digest, to.size, moved.then(|| to.media_type.clone()));
        }
        let attested = descriptor.annotation(ATTESTED).and_then(|text| text.parse::<Digest>().ok());
        if let Some(to) = attested.map_or(Ok(None), |digest| self.moved(digest))? {
            field(slot, "annotations")[ATTESTED] = json!(to.digest.to_string());
            changed = true;
        }
        Ok(changed)
    }

    fn root_descriptor(&mut self, root: &Root, described: Option<&Described>) -> Result<(Value, bool)> {
        let Some(descriptor) = &root.descriptor else {
            let to = described.ok_or_else(|| Error::damaged("an image that is not in the source"))?;
            let mut value = json!({"mediaType": to.media_type, "digest": to.digest.to_string(), "size": to.size});
            annotate(&mut value, &root.name);
            let config = self.configs.get(&root.node).map(Document::value);
            let platform = config.map_or(Ok(None), |config| platform::descriptor_field(&Cursor::new(&config)))?;
            if let Some(platform) = platform {
                value["platform"] = platform;
            }
            return Ok((value, true));
        };
        let mut value = descriptor.value.clone();
        let mut changed = self.follow(&mut value, descriptor, described)?;
        let renamed = Name::from_annotations(descriptor) != root.name;
        let unnamed =
            self.options.name_all && root.name.full().is_some() && descriptor.annotation(CONTAINERD_NAME).is_none();
        if renamed || unnamed {
            annotate(&mut value, &root.name);
            changed = true;
        }
        Ok((value, changed))
    }

    fn keep_or_replace(&mut self, original: &Document, value: Value, changed: bool, fallback: &str) -> Described {
        if !changed {
            self.add_document(original);
            return described(original, fallback);
        }
        let document = Document::compose(&value);
        self.add_document(&document);
        described(&document, fallback)
    }

    fn add_document(&mut self, document: &Document) {
        self.composed.documents.insert(document.digest(), document.shared_bytes());
    }
}

fn graph_claim(graph: &Graph, blob: BlobId) -> Option<Digest> {
    graph.blob(blob).claim.map(|(digest, _)| digest)
}

fn described(document: &Document, fallback: &str) -> Described {
    let value = document.value();
    let own = value.get("mediaType").and_then(Value::as_str);
    Described {
        media_type: own.unwrap_or(fallback).to_owned(),
        digest: document.digest(),
        size: document.bytes().len() as u64,
    }
}

/// Points a descriptor at other bytes; tells whether it pointed elsewhere before.
fn redirect(descriptor: &mut Value, digest: Digest, size: u64, media_type: Option<String>) -> bool {
    let digest = Value::from(digest.to_string());
    if *field(descriptor, "digest") == digest && field(descriptor, "size").as_u64() == Some(size) {
        return false;
    }
    *field(descriptor, "digest") = digest;
    *field(descriptor, "size") = size.into();
    if let Some(media_type) = media_type {
        *field(descriptor, "mediaType") = media_type.into();
    }
    if let Some(map) = descriptor.as_object_mut() {
        // Embedded content would be that of the old digest.
        map.remove("data");
    }
    true
}

/// Writes a name where containerd, docker and podman look for it; a bare tag where skopeo and umoci do.
fn annotate(descriptor: &mut Value, name: &Name) {
    let (containerd, spec) = match name {
        Name::Full(reference) => (Some(reference.to_string()), reference.to_string()),
        Name::Bare(tag) => (None, tag.clone()),
        Name::None | Name::Invalid { .. } => return,
    };
    let annotations = field(descriptor, "annotations");
    if !annotations.is_object() {
        *annotations = json!({});
    }
    match containerd {
        Some(containerd) => annotations[CONTAINERD_NAME] = containerd.into(),
        None => drop(annotations.as_object_mut().and_then(|map| map.remove(CONTAINERD_NAME))),
    }
    annotations[REF_NAME] = spec.into();
}
