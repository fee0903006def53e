//! Reading an OCI image layout: from `index.json` down, each digest once, checking every document on the way.

mod fetch;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::layout::blob_name;

use crate::code::Code;
use crate::content::Content;
use crate::descriptor::Descriptor;
use crate::digest::{DiffId, Digest};
use crate::document::{self, Document};
use crate::error::{Error, Result, Within, quoted};
use crate::formats::Reading;
use crate::graph::{Artifact, Child, Config, Graph, Image, Index, Layer, Look, Name, Node, NodeId, Root};
use crate::json::Cursor;
use crate::limits::exceeded;
use crate::media_type::{self, Class, LayerType};
use crate::platform::Platform;
use crate::tree::Members;

/// Reads everything that `index.json` leads to.
pub(crate) fn read(members: &Members, reading: Reading<'_>) -> Result<Graph> {
    let layout_file = reading.faults.attempt(layout_file(members))?.flatten();
    let index = || {
        let content = members.file("index.json")?;
        Ok((members.document(content)?, Arc::clone(content.source())))
    };
    let Some((document, source)) = reading.faults.attempt(index())? else { return Ok(Graph::default()) };
    let mut reader =
        Reader { members, reading, source, graph: Graph::default(), known: HashMap::new(), heights: HashMap::new() };
    let descriptors = reader.children(&Cursor::new(&document.value()), "index.json");
    let descriptors = reading.faults.attempt(descriptors)?.unwrap_or_default();
    for (position, descriptor) in descriptors.into_iter().enumerate() {
        let node = reader.node(&descriptor, 1)?;
        let name = Name::from_annotations(&descriptor);
        let root = Root { node, position, descriptor: Some(descriptor), name };
        reader.graph.add_root(root, reading.cx.limits.names).within("index.json")?;
    }
    reader.graph.layout_index = Some(document);
    reader.graph.layout_file = layout_file;
    reader.graph.by_claim = reader.known;
    Ok(reader.graph)
}

/// Reads and checks `oci-layout`, which may be absent: many producers leave it out and most readers never look.
fn layout_file(members: &Members) -> Result<Option<Document>> {
    let Some(content) = members.find("oci-layout")? else { return Ok(None) };
    let document = members.document(content)?;
    (|| {
        let value = document.value();
        let version = Cursor::new(&value).need("imageLayoutVersion")?.text()?.to_owned();
        if version.split('.').next() != Some("1") {
            return Err(Error::damaged(format!("imageLayoutVersion {}: unknown version", quoted(&version))));
        }
        Ok(())
    })()
    .within("oci-layout")?;
    Ok(Some(document))
}

struct Reader<'a> {
    members: &'a Members,
    reading: Reading<'a>,
    source: Arc<str>,
    graph: Graph,
    known: HashMap<Digest, NodeId>,
    /// How many indexes are inside one another from a node down.
    heights: HashMap<NodeId, usize>,
}

impl Reader<'_> {
    /// Reads the descriptors of an index, whose name is `subject`.
    fn children(&self, index: &Cursor<'_>, subject: &str) -> Result<Vec<Descriptor>> {
        if index.get("layers").within(subject)?.is_some() {
            let message = "both manifests and layers: tools differ in whether this is an index or a manifest";
            return Err(Error::damaged(message).coded(Code::AmbiguousDocument).within(subject));
        }
        self.descriptors(&index.list("manifests").within(subject)?, subject)
    }

    fn descriptors(&self, list: &[Cursor<'_>], subject: &str) -> Result<Vec<Descriptor>> {
        self.reading.faults.each(list.iter().map(|item| Descriptor::read(item).within(subject)))
    }

    /// Returns the node that a descriptor points at, reading it when it is new. What cannot be read counts as absent, where
    /// that is only noted.
    fn node(&mut self, descriptor: &Descriptor, depth: usize) -> Result<NodeId> {
        self.sound_node(descriptor, depth).or_else(|error| {
            self.reading.faults.forgive(error)?;
            if let Some(&known) = self.known.get(&descriptor.digest) {
                return Ok(known);
            }
            let id = self.graph.add_node(Node::Absent(what(descriptor)));
            self.known.insert(descriptor.digest, id);
            Ok(id)
        })
    }

    fn sound_node(&mut self, descriptor: &Descriptor, depth: usize) -> Result<NodeId> {
        let limit = self.reading.cx.limits.index_depth;
        if depth > limit {
            return Err(too_deep(limit));
        }
        let class = descriptor.media_type.as_deref().map(media_type::class).filter(|&class| class != Class::Untold);
        if let Some(&known) = self.known.get(&descriptor.digest) {
            if depth + self.heights.get(&known).copied().unwrap_or(0) > limit {
                return Err(too_deep(limit));
            }
            let fits = match self.graph.node(known) {
                Node::Index(_) => class.is_none_or(|class| class == Class::Index),
                Node::Image(_) => class.is_none_or(|class| class == Class::Manifest),
                Node::Artifact(_) | Node::Absent(_) => true,
            };
            return if fits { Ok(known) } else { Err(contradiction(descriptor, "another descriptor's")) };
        }
        let subject = blob_name(&descriptor.digest);
        let node = match (self.content(descriptor)?, class) {
            (None, _) => {
                self.remark_absence(descriptor, kind_of(descriptor));
                Node::Absent(what(descriptor))
            }
            (Some(content), Some(Class::Schema1)) => self.opaque(descriptor, &content)?,
            (Some(content), Some(Class::Other)) if !self.is_manifest(&content)? => self.opaque(descriptor, &content)?,
            (Some(content), _) => {
                let document = self.document(descriptor, &content)?;
                if is_index(descriptor, &document).within(&subject)? {
                    Node::Index(self.index(document, &subject, depth)?)
                } else {
                    self.manifest(descriptor, document, &subject).within(&subject)?
                }
            }
        };
        let height = match &node {
            Node::Index(index) => {
                let below = index.children.iter().filter_map(|child| self.heights.get(&child.node));
                1 + below.max().copied().unwrap_or(0)
            }
            _ => 0,
        };
        let id = self.graph.add_node(node);
        self.heights.insert(id, height);
        self.known.insert(descriptor.digest, id);
        Ok(id)
    }

    fn index(&mut self, document: Document, subject: &str, depth: usize) -> Result<Index> {
        let descriptors = self.children(&Cursor::new(&document.value()), subject)?;
        let child = |descriptor: Descriptor| {
            let node = self.node(&descriptor, depth + 1).within(subject)?;
            Ok(Child { descriptor, node })
        };
        let children = descriptors.into_iter().map(child).collect::<Result<_>>()?;
        Ok(Index { document, children })
    }

    fn manifest(&mut self, descriptor: &Descriptor, document: Document, subject: &str) -> Result<Node> {
        let value = document.value();
        let fields = Cursor::new(&value);
        if let Some(version) = fields.get("schemaVersion")?
            && version.size().ok() != Some(2)
        {
            let message = format!("schemaVersion {}, only 2 is known", version.value());
            self.reading.faults.forgive(Error::damaged(message).within(subject))?;
        }
        let own_type = fields.text_of("mediaType")?.or(descriptor.media_type.as_deref());
        if own_type.map(media_type::class) == Some(Class::ArtifactManifest) {
            let blobs = self.descriptors(&fields.list("blobs")?, subject)?;
            let kind = fields.text_of("artifactType")?.or(own_type).unwrap_or("artifact").to_owned();
            return self.artifact(document.clone(), kind, blobs);
        }
        let config = Descriptor::read(&fields.need("config")?)?;
        let listed = fields.list("layers")?;
        let layers = self.descriptors(&listed, subject)?;
        // Where some cannot be read, nobody knows which diff_id belongs to which of the others.
        let all_told = layers.len() == listed.len();
        let limit = self.reading.cx.limits.layers;
        if layers.len() > limit {
            return Err(exceeded("layers", format!("{} layers, the limit is {limit}", layers.len())));
        }
        let kinds: Vec<_> = layers.iter().map(layer_type).collect();
        let config_type = config.media_type.as_deref().unwrap_or(media_type::OCI_CONFIG);
        let no_layer = !layers.is_empty() && kinds.iter().all(|&kind| kind == LayerType::Other);
        let kind = if descriptor.is_companion() {
            Some("attestation".to_owned())
        } else if !media_type::is_image_config(config_type) {
            let named = fields.text_of("artifactType")?.filter(|text| !text.is_empty());
            Some(named.map_or(config_type.to_owned(), |named| format!("{named} (config {config_type})")))
        } else if no_layer {
            layers[0].media_type.clone()
        } else {
            None
        };
        match kind {
            Some(kind) => self.artifact(document.clone(), kind, [vec![config], layers].concat()),
            None => self.image(descriptor, document.clone(), &config, layers, all_told),
        }
    }

    fn artifact(&mut self, manifest: Document, kind: String, parts: Vec<Descriptor>) -> Result<Node> {
        let (mut blobs, mut missing) = (Vec::new(), Vec::new());
        for part in parts {
            match self.part(&part, "blob")? {
                Some(content) => {
                    let claim = self.claim(&part, &content)?;
                    blobs.push(self.graph.add_blob(&content, Look::Away, Some(claim))?);
                }
                None => missing.push(what(&part)),
            }
        }
        Ok(Node::Artifact(Artifact { manifest: Some(manifest), kind, blobs, missing }))
    }

    /// Tells whether a content whose media type is unknown is a manifest or index all the same: taking it for something
    /// opaque would lose what it names.
    fn is_manifest(&self, content: &Content) -> Result<bool> {
        if content.size() > self.reading.cx.limits.document_bytes {
            return Ok(false);
        }
        let Ok(document) = self.members.document(content) else { return Ok(false) };
        let Value::Object(fields) = document.value() else { return Ok(false) };
        let has = |key: &str| fields.contains_key(key);
        Ok(has("schemaVersion") && (has("manifests") || (has("config") && has("layers"))))
    }

    /// Something whose media type is unknown: one blob.
    fn opaque(&mut self, descriptor: &Descriptor, content: &Content) -> Result<Node> {
        let claim = self.claim(descriptor, content)?;
        let blobs = vec![self.graph.add_blob(content, Look::Away, Some(claim))?];
        let media_type = descriptor.media_type.clone().unwrap_or_default();
        let kind = match media_type::class(&media_type) {
            Class::Schema1 => format!("docker schema 1 manifest, which is obsolete ({media_type})"),
            _ => media_type,
        };
        Ok(Node::Artifact(Artifact { manifest: None, kind, blobs, missing: Vec::new() }))
    }

    fn image(
        &mut self,
        descriptor: &Descriptor,
        manifest: Document,
        config: &Descriptor,
        descriptors: Vec<Descriptor>,
        all_told: bool,
    ) -> Result<Node> {
        let mut missing = Vec::new();
        if !all_told {
            missing.push("a layer whose descriptor cannot be read".to_owned());
        }
        let (mut platform, mut diff_ids) = (None, None);
        let document = match self.part(config, "config")? {
            Some(content) => {
                let document = self.document(config, &content);
                self.reading.faults.attempt(document)?.map(|document| (document, content))
            }
            None => None,
        };
        let config = match document {
            Some((document, content)) => {
                let count = all_told.then_some(descriptors.len());
                let claims = self.config_claims(&document, count, content.origin()).within(content.origin());
                (platform, diff_ids) = self.reading.faults.attempt(claims)?.unwrap_or_default();
                Config::Document(document)
            }
            None => {
                missing.push(format!("config {}", config.digest));
                Config::Missing
            }
        };
        let mut layers = Vec::new();
        for (i, layer) in descriptors.into_iter().enumerate() {
            let kind = layer_type(&layer);
            let blob = match self.part(&layer, "layer")? {
                Some(content) => {
                    let claim = self.claim(&layer, &content)?;
                    let look = if kind == LayerType::Tar { Look::Into } else { Look::Away };
                    Some(self.graph.add_blob(&content, look, Some(claim))?)
                }
                // A layer that is to be fetched from elsewhere is no hole in the layout.
                None if !layer.urls().is_empty() => None,
                None => {
                    missing.push(format!("layer {}", layer.digest));
                    None
                }
            };
            let diff_id = diff_ids.as_ref().map(|ids| ids[i]);
            layers.push(Layer { blob, descriptor: Some(layer), diff_id, kind });
        }
        let platform = descriptor.platform.clone().or(platform);
        Ok(Node::Image(Box::new(Image { manifest: Some(manifest), config, layers, platform, missing })))
    }

    /// Reads what a config claims: its platform, and a diff_id for each layer. A config without any `rootfs` (oras writes
    /// such) claims nothing of the layers.
    fn config_claims(
        &self,
        config: &Document,
        layers: Option<usize>,
        subject: &str,
    ) -> Result<(Option<Platform>, Option<Vec<DiffId>>)> {
        let value = config.value();
        let fields = Cursor::new(&value);
        let platform = Platform::read(&fields)?;
        let Some(rootfs) = fields.get("rootfs")? else {
            if layers != Some(0) {
                self.reading.faults.remark(|| document::no_rootfs().within(subject));
            }
            return Ok((platform, None));
        };
        let diff_ids = document::diff_ids(&rootfs)?;
        let Some(layers) = layers else { return Ok((platform, None)) };
        if diff_ids.len() == layers {
            return Ok((platform, Some(diff_ids)));
        }
        if !self.reading.recompute {
            self.reading.faults.forgive(document::count_mismatch(layers, diff_ids.len()).within(subject))?;
        }
        Ok((platform, None))
    }
}

fn too_deep(limit: usize) -> Error {
    exceeded("index-depth", format!("indexes nested too deep: more than {limit} inside one another"))
}

fn layer_type(layer: &Descriptor) -> LayerType {
    layer.media_type.as_deref().map_or(LayerType::Tar, media_type::layer_type)
}

/// Names something that is not there.
fn what(descriptor: &Descriptor) -> String {
    let platform = descriptor.platform.as_ref().map(|platform| format!(" ({platform})")).unwrap_or_default();
    format!("{} {}{platform}", kind_of(descriptor), descriptor.digest)
}

fn kind_of(descriptor: &Descriptor) -> &'static str {
    match descriptor.media_type.as_deref().map(media_type::class) {
        Some(Class::Index) => "index",
        Some(Class::Manifest) => "manifest",
        _ => "blob",
    }
}

fn contradiction(descriptor: &Descriptor, other: &str) -> Error {
    let media_type = descriptor.media_type.as_deref().unwrap_or_default();
    Error::damaged(format!("media type {media_type} of the descriptor contradicts {other}"))
        .coded(Code::AmbiguousDocument)
        .within(blob_name(&descriptor.digest))
}

/// Tells index from manifest. Descriptor, document and the document's shape must agree (CVE-2021-41190).
fn is_index(descriptor: &Descriptor, document: &Document) -> Result<bool> {
    let value = document.value();
    let fields = Cursor::new(&value);
    let manifests = fields.get("manifests")?.is_some();
    let layers = fields.get("layers")?.is_some() || fields.get("config")?.is_some();
    if manifests && layers {
        let message = "both manifests and layers or config: tools differ in whether this is an index or a manifest";
        return Err(Error::damaged(message).coded(Code::AmbiguousDocument));
    }
    let class =
        |text: Option<&str>| text.map(media_type::class).filter(|class| !matches!(class, Class::Other | Class::Untold));
    let claims = [class(descriptor.media_type.as_deref()), class(fields.text_of("mediaType")?)];
    let shape = if manifests { Some(true) } else { layers.then_some(false) };
    let says_index = claims.into_iter().flatten().map(|class| class == Class::Index);
    let mut all: Vec<bool> = says_index.chain(shape).collect();
    all.dedup();
    match all.as_slice() {
        [] => Ok(false),
        [one] => Ok(*one),
        _ => Err(Error::damaged(
            "its mediaType, its descriptor's and its shape (index or manifest) contradict one another",
        )
        .coded(Code::AmbiguousDocument)),
    }
}
