//! Everything a reader found, in one shape for all formats: all documents, no layer's bytes. Ids are indexes.
//!
//! What the source says about a blob is a claim; only the pump makes facts of claims.

mod choose;
mod complete;
mod name;
mod narrow;
mod pick;
mod platforms;
mod subject;

pub(crate) use choose::{Choice, Chosen};
pub(crate) use complete::absence;
pub(crate) use name::{NO_TAG, Name};
pub(crate) use pick::Pick;
pub(crate) use platforms::Wish;

use std::collections::{HashMap, HashSet};

use crate::codec::Compression;
use crate::content::Content;
use crate::descriptor::Descriptor;
use crate::digest::{DiffId, Digest, ImageId};
use crate::document::Document;
use crate::error::Result;
use crate::formats::docker::Entry;
use crate::limits::exceeded;
use crate::media_type::LayerType;
use crate::platform::Platform;

/// Index of a node in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(usize);

/// Index of a blob in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BlobId(usize);

/// Images and what belongs to them, as one source holds them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    /// One for each name of each image, and one for each image without a name, in the source's order.
    pub(crate) roots: Vec<Root>,
    nodes: Vec<Node>,
    blobs: Vec<Blob>,
    known_blobs: HashMap<(String, Option<Digest>, Look), BlobId>,
    /// The nodes of an OCI layout by the digests that name them there.
    pub(crate) by_claim: HashMap<Digest, NodeId>,
    /// What an OCI layout holds in descriptors only, not as blobs.
    pub(crate) embedded: HashSet<Digest>,
    /// The items of a `manifest.json`, in its order.
    pub(crate) entries: Vec<Entry>,
    /// An OCI layout's `index.json`.
    pub(crate) layout_index: Option<Document>,
    /// An OCI layout's `oci-layout`.
    pub(crate) layout_file: Option<Document>,
    /// A docker-archive's `manifest.json`, or its `repositories` where it has no other.
    pub(crate) docker_list: Option<Document>,
    /// The roots are no longer what `layout_index` says.
    pub(crate) roots_changed: bool,
    /// What selecting took away that was not asked to go.
    pub(crate) losses: Vec<String>,
    /// What a user should know about the source.
    pub(crate) warnings: Vec<String>,
    /// Claims that turned out wrong and were put right.
    pub(crate) changes: Vec<String>,
}

/// A name, and what it stands for.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    pub(crate) node: NodeId,
    /// Which image of the source it is, as `@N` counts them.
    pub(crate) position: usize,
    /// The descriptor in `index.json`.
    pub(crate) descriptor: Option<Descriptor>,
    pub(crate) name: Name,
}

/// Something that a digest stands for.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Index(Index),
    Image(Box<Image>),
    /// No container image: attestation, signature, chart, wasm module, or something unknown.
    Artifact(Artifact),
    /// Named, but not in the source; the text says what it is.
    Absent(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Index {
    pub(crate) document: Document,
    pub(crate) children: Vec<Child>,
}

#[derive(Clone, Debug)]
pub(crate) struct Child {
    pub(crate) descriptor: Descriptor,
    pub(crate) node: NodeId,
}

#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// The manifest of an OCI layout; docker-archives have none.
    pub(crate) manifest: Option<Document>,
    pub(crate) config: Config,
    /// Bottom first.
    pub(crate) layers: Vec<Layer>,
    pub(crate) platform: Option<Platform>,
    /// Blobs that the image needs and the source does not have.
    pub(crate) missing: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Config {
    Document(Document),
    /// The v1 `json` of the top layer and the history, of archives from before docker 1.10: the config is made when the
    /// layers' diff_ids are known.
    Legacy(crate::formats::docker::LegacyConfig),
    Missing,
}

#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) blob: Option<BlobId>,
    pub(crate) descriptor: Option<Descriptor>,
    pub(crate) diff_id: Option<DiffId>,
    pub(crate) kind: LayerType,
}

#[derive(Clone, Debug)]
pub(crate) struct Artifact {
    /// Its manifest; something that is no manifest of ours is only a blob.
    pub(crate) manifest: Option<Document>,
    /// What it is, for messages: its artifact type or its config's media type.
    pub(crate) kind: String,
    pub(crate) blobs: Vec<BlobId>,
    pub(crate) missing: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Blob {
    pub(crate) content: Content,
    /// As sniffed; `None` for blobs that are not looked into.
    pub(crate) compression: Option<Compression>,
    /// Digest and size by which an OCI layout names it.
    pub(crate) claim: Option<(Digest, u64)>,
}

/// Whether a blob is a layer, to be looked into, or opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Look {
    Into,
    Away,
}

impl Graph {
    pub(crate) fn add_node(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }

    /// Adds a blob, or returns the one that is from the same place, claimed to be the same and looked at alike. The same
    /// bytes under two claims are two blobs: each claim is checked.
    pub(crate) fn add_blob(&mut self, content: &Content, look: Look, claim: Option<(Digest, u64)>) -> Result<BlobId> {
        let key = (content.origin().to_owned(), claim.map(|(digest, _)| digest), look);
        if let Some(&known) = self.known_blobs.get(&key) {
            return Ok(known);
        }
        let compression = match look {
            Look::Into => Some(content.sniff()?),
            Look::Away => None,
        };
        let id = BlobId(self.blobs.len());
        self.blobs.push(Blob { content: content.clone(), compression, claim });
        self.known_blobs.insert(key, id);
        Ok(id)
    }

    /// Adds a root; there may be `limit` of them.
    pub(crate) fn add_root(&mut self, root: Root, limit: usize) -> Result<()> {
        if self.roots.len() >= limit {
            return Err(exceeded("names", format!("more than {limit} names and images")));
        }
        self.roots.push(root);
        Ok(())
    }

    /// Returns all nodes, whether or not a root leads to them.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns all blobs, whether or not a node names them.
    pub(crate) fn blobs(&self) -> &[Blob] {
        &self.blobs
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// Returns a node that may be of a graph that was made of this one by selecting.
    pub(crate) fn known_node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0)
    }

    pub(crate) fn blob(&self, id: BlobId) -> &Blob {
        &self.blobs[id.0]
    }

    pub(crate) fn image(&self, id: NodeId) -> Option<&Image> {
        match self.node(id) {
            Node::Image(image) => Some(image),
            _ => None,
        }
    }

    /// Visits the nodes below and including `id`, parents first, each once.
    pub(crate) fn walk(&self, id: NodeId, visit: &mut dyn FnMut(NodeId)) {
        let mut seen = HashSet::new();
        let mut todo = vec![id];
        while let Some(id) = todo.pop() {
            if !seen.insert(id) {
                continue;
            }
            visit(id);
            if let Node::Index(index) = self.node(id) {
                todo.extend(index.children.iter().rev().map(|child| child.node));
            }
        }
    }

    /// Returns the images that a node stands for, in order, each once; attestations and the like are not images.
    pub(crate) fn images_below(&self, id: NodeId) -> Vec<NodeId> {
        let mut images = Vec::new();
        self.walk(id, &mut |id| images.extend(self.image(id).map(|_| id)));
        images
    }
}

impl Blob {
    /// Returns the compression; blobs that are not looked into count as plain.
    pub(crate) fn layer_compression(&self) -> Compression {
        self.compression.unwrap_or(Compression::None)
    }

    /// Returns the size that it likely has when it is inflated, if its bytes tell.
    pub(crate) fn plain_size_hint(&self) -> Result<Option<u64>> {
        let tail = self.content.read_end::<4>()?;
        Ok(self.layer_compression().plain_size_hint(self.content.size(), &tail))
    }
}

impl Config {
    /// Returns the config's document, for layers that were found to have these diff_ids. A document of the source is
    /// changed only where wrong claims are to be put right.
    pub(crate) fn settle(&self, diff_ids: Option<&[DiffId]>, recompute: bool) -> Result<Option<Document>> {
        match (self, diff_ids) {
            (Self::Missing, _) => Ok(None),
            (Self::Document(document), Some(diff_ids)) if recompute => document.with_diff_ids(diff_ids).map(Some),
            (Self::Document(document), _) => Ok(Some(document.clone())),
            (Self::Legacy(legacy), diff_ids) => legacy.compose(diff_ids.unwrap_or_default()).map(Some),
        }
    }
}

impl Image {
    /// Returns the hash of the config's bytes, once there are any.
    pub(crate) fn id(&self) -> Option<ImageId> {
        match &self.config {
            Config::Document(document) => Some(ImageId::of_config(document.sha256())),
            Config::Legacy(_) | Config::Missing => None,
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }
}
