//! Reading an OCI image layout: from `index.json` down, each digest once, checking every document on the way.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::layout::blob_name;
use serde_json::Value;

use crate::content::Content;
use crate::descriptor::Descriptor;
use crate::digest::{DiffId, Digest};
use crate::document::{self, Document};
use crate::error::{Error, Result, Within, quoted};
use crate::formats::{Reading, docker};
use crate::graph::{Artifact, Child, Config, Graph, Image, Index, Layer, Look, Name, Node, NodeId, Root};
use crate::json::Cursor;
use crate::limits::exceeded;
use crate::media_type::{self, Class, LayerType};
use crate::platform::Platform;
use crate::tree::Members;

/// Reads everything that `index.json` leads to.
pub(crate) fn read(members: &Members, reading: Reading<'_>) -> Result<Graph> {
    let layout_file = layout_file(members)?;
    let content = members.file("index.json")?;
    let document = members.document(content)?;
    let source = Arc::clone(content.source());
    let mut reader =
        Reader { members, reading, source, graph: Graph::default(), known: HashMap::new(), heights: HashMap::new() };
    let descriptors = reader.children(&Cursor::new(&document.value())).within("index.json")?;
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
    fn children(&self, index: &Cursor<'_>) -> Result<Vec<Descriptor>> {
        if index.get("layers")?.is_some() {
            let message = "both manifests and layers: tools differ in whether this is an index or a manifest";
            return Err(Error::damaged(message));
        }
        index.list("manifests")?.iter().map(Descriptor::read).collect()
    }

    /// Returns the node that a descriptor points at, reading it when it is new.
    fn node(&mut self, descriptor: &Descriptor, depth: usize) -> Result<NodeId> {
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
            (None, _) => Node::Absent(what(descriptor)),
            (Some(content), Some(Class::Schema1)) => self.opaque(descriptor, &content)?,
            (Some(content), Some(Class::Other)) if !self.is_manifest(&content)? => self.opaque(descriptor, &content)?,
            (Some(content), _) => {
                let document = self.document(descriptor, &content)?;
                let node = if is_index(descriptor, &document).within(&subject)? {
                    self.index(document, depth).map(Node::Index)
                } else {
                    self.manifest(descriptor, document)
                };
                node.within(&subject)?
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

    fn index(&mut self, document: Document, depth: usize) -> Result<Index> {
        let descriptors = self.children(&Cursor::new(&document.value()))?;
        let child = |descriptor: Descriptor| {
            let node = self.node(&descriptor, depth + 1)?;
            Ok(Child { descriptor, node })
        };
        let children = descriptors.into_iter().map(child).collect::<Result<_>>()?;
        Ok(Index { document, children })
    }

    fn manifest(&mut self, descriptor: &Descriptor, document: Document) -> Result<Node> {
        let value = document.value();
        let fields = Cursor::new(&value);
        if let Some(version) = fields.get("schemaVersion")?
            && version.size().ok() != Some(2)
        {
            return Err(Error::damaged(format!("schemaVersion {}, only 2 is known", version.value())));
        }
        let own_type = fields.text_of("mediaType")?.or(descriptor.media_type.as_deref());
        if own_type.map(media_type::class) == Some(Class::ArtifactManifest) {
            let blobs = fields.list("blobs")?.iter().map(Descriptor::read).collect::<Result<Vec<_>>>()?;
            let kind = fields.text_of("artifactType")?.or(own_type).unwrap_or("artifact").to_owned();
            return self.artifact(document.clone(), kind, blobs);
        }
        let config = Descriptor::read(&fields.need("config")?)?;
        let layers = fields.list("layers")?.iter().map(Descriptor::read).collect::<Result<Vec<_>>>()?;
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
            None => self.image(descriptor, document.clone(), &config, layers),
        }
    }

    fn artifact(&mut self, manifest: Document, kind: String, parts: Vec<Descriptor>) -> Result<Node> {
        let (mut blobs, mut missing) = (Vec::new(), Vec::new());
        for part in parts {
            match self.content(&part)? {
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
    ) -> Result<Node> {
        let mut missing = Vec::new();
        let (mut platform, mut diff_ids) = (None, None);
        let config = match self.content(config)? {
            Some(content) => {
                let document = self.document(config, &content)?;
                (platform, diff_ids) = self.config_claims(&document, descriptors.len()).within(content.origin())?;
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
            let blob = match self.content(&layer)? {
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
    fn config_claims(&self, config: &Document, layers: usize) -> Result<(Option<Platform>, Option<Vec<DiffId>>)> {
        let value = config.value();
        let fields = Cursor::new(&value);
        let platform = Platform::read(&fields)?;
        let Some(rootfs) = fields.get("rootfs")? else { return Ok((platform, None)) };
        let diff_ids = docker::diff_ids(&rootfs)?;
        if diff_ids.len() == layers {
            return Ok((platform, Some(diff_ids)));
        }
        if self.reading.recompute {
            Ok((platform, None))
        } else {
            Err(document::count_mismatch(layers, diff_ids.len()))
        }
    }

    /// Finds a descriptor's blob, in the layout or embedded in the descriptor.
    fn content(&mut self, descriptor: &Descriptor) -> Result<Option<Content>> {
        let name = blob_name(&descriptor.digest);
        let found = self.members.find(&name)?.cloned();
        let Some(data) = &descriptor.data else { return Ok(found) };
        let embedded =
            BASE64.decode(data).map_err(|e| Error::damaged("data is not base64").caused_by(e)).within(&name)?;
        let digest = Digest::with(descriptor.digest.algorithm(), &embedded);
        if digest != descriptor.digest {
            return Err(mismatch("data embedded in the descriptor: digest", &descriptor.digest, &digest).within(name));
        }
        if found.is_none() {
            self.graph.embedded.insert(digest);
        }
        Ok(found.or_else(|| Some(Content::bytes(self.source.clone(), format!("{name} (embedded)"), embedded))))
    }

    /// Returns what the pump is to hold a blob to, after checking its size.
    fn claim(&mut self, descriptor: &Descriptor, content: &Content) -> Result<(Digest, u64)> {
        self.check(content.size() == descriptor.size, || {
            let (claimed, size) = (descriptor.size, content.size());
            Error::damaged(format!("size mismatch: the descriptor says {claimed} bytes, the blob has {size}"))
                .within(content.origin())
        })?;
        Ok((descriptor.digest, content.size()))
    }

    /// Reads a document and checks it against its descriptor.
    fn document(&mut self, descriptor: &Descriptor, content: &Content) -> Result<Document> {
        self.claim(descriptor, content)?;
        let document = self.members.document(content)?;
        let digest = Digest::with(descriptor.digest.algorithm(), document.bytes());
        self.check(digest == descriptor.digest, || {
            mismatch("digest", &descriptor.digest, &digest).within(content.origin())
        })?;
        Ok(document.named(digest))
    }

    /// Fails when a claim does not hold, or notes that it is put right.
    fn check(&mut self, holds: bool, error: impl FnOnce() -> Error) -> Result<()> {
        match (holds, self.reading.recompute) {
            (true, _) => Ok(()),
            (false, false) => Err(error().hint("--recompute puts wrong digests and sizes right")),
            (false, true) => {
                self.graph.changes.push(error().within(self.source.to_string()).to_string());
                Ok(())
            }
        }
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
    match descriptor.media_type.as_deref().map(media_type::class) {
        Some(Class::Index) => format!("index {}{platform}", descriptor.digest),
        Some(Class::Manifest) => format!("manifest {}{platform}", descriptor.digest),
        _ => format!("blob {}{platform}", descriptor.digest),
    }
}

fn mismatch(what: &str, claimed: &Digest, found: &Digest) -> Error {
    Error::damaged(format!("{what} mismatch: named {claimed}, but the content is {found}"))
}

fn contradiction(descriptor: &Descriptor, other: &str) -> Error {
    let media_type = descriptor.media_type.as_deref().unwrap_or_default();
    Error::damaged(format!("media type {media_type} of the descriptor contradicts {other}"))
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
        return Err(Error::damaged(message));
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
        )),
    }
}
