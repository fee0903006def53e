//! One image as it is told of.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::model::{InspectedImage, InspectedLayer, SharedLayer};
use crate::digest::Digest;
use crate::document::Document;
use crate::error::Result;
use crate::graph::{Config, Graph, Image, Layer, Node, NodeId, Root};
use crate::json::Cursor;
use crate::limits::exceeded;

/// Lists the images of a graph, each once, in the source's order.
pub(crate) fn all(graph: &Graph) -> Vec<NodeId> {
    let mut seen = HashSet::new();
    let below = graph.roots.iter().flat_map(|root| graph.images_below(root.node));
    below.filter(|&node| seen.insert(node)).collect()
}

/// Returns everything that a graph's roots lead to.
pub(crate) fn reached(graph: &Graph) -> HashSet<NodeId> {
    let mut reached = HashSet::new();
    for root in &graph.roots {
        if !reached.contains(&root.node) {
            graph.walk(root.node, &mut |node| {
                reached.insert(node);
            });
        }
    }
    reached
}

/// Lists each image's roots. Their names are copied for every image, so there may be `limit` of these pairs.
pub(super) fn roots(graph: &Graph, limit: usize) -> Result<HashMap<NodeId, Vec<&Root>>> {
    let mut roots: HashMap<NodeId, Vec<&Root>> = HashMap::new();
    let mut pairs = 0;
    for root in &graph.roots {
        for node in graph.images_below(root.node) {
            pairs += 1;
            if pairs > limit {
                return Err(exceeded("names", format!("more than {limit} names of images")));
            }
            roots.entry(node).or_default().push(root);
        }
    }
    Ok(roots)
}

/// Tells of an image; what takes looking at other images or at layers is still empty.
pub(super) fn tell(graph: &Graph, image: &Image, roots: &[&Root], number: usize) -> Result<InspectedImage> {
    let document = config_document(image)?;
    let config = document.as_ref().map_or(Value::Null, Document::value);
    let fields = Cursor::new(&config);
    let text = |key| fields.text_of(key).ok().flatten().filter(|text| !text.is_empty()).map(str::to_owned);
    let mut names: Vec<String> = Vec::new();
    for root in roots {
        names.extend(root.name.text().filter(|name| !names.contains(name)));
    }
    let index = roots.iter().find_map(|root| match graph.node(root.node) {
        Node::Index(index) => Some(index.document.digest()),
        _ => None,
    });
    let platform = image.platform.as_ref();
    Ok(InspectedImage {
        number,
        position: roots.first().map_or(0, |root| root.position),
        names,
        platform: platform.map(ToString::to_string),
        os: platform.map(|platform| platform.os.clone()),
        os_version: text("os.version"),
        architecture: platform.map(|platform| platform.architecture.clone()),
        variant: platform.and_then(|platform| platform.variant.clone()),
        created: text("created"),
        author: text("author"),
        built_with: built_with(&config),
        image_id: image.id(),
        manifest_digest: image.manifest.as_ref().map(|manifest| manifest.digest()),
        index_digest: index,
        size: stored(graph, image),
        uncompressed_size: None,
        layers: image.layers.iter().enumerate().map(|(i, layer)| tell_layer(graph, layer, i + 1)).collect(),
        companions: Vec::new(),
        missing: image.missing.clone(),
        config_document: document,
        manifest_document: image.manifest.clone(),
    })
}

/// Returns the config; of an archive from before docker 1.10, what docker will put into it, as far as it is known.
fn config_document(image: &Image) -> Result<Option<Document>> {
    match &image.config {
        Config::Document(document) => Ok(Some(document.clone())),
        Config::Legacy(legacy) => legacy.compose(&[]).map(Some),
        Config::Missing => Ok(None),
    }
}

fn tell_layer(graph: &Graph, layer: &Layer, number: usize) -> InspectedLayer {
    let blob = layer.blob.map(|blob| graph.blob(blob));
    let descriptor = layer.descriptor.as_ref();
    InspectedLayer {
        number,
        present: blob.is_some(),
        size: blob.map(|blob| blob.content.size()).or(descriptor.map(|descriptor| descriptor.size)),
        uncompressed_size: None,
        compression: blob.and_then(|blob| blob.compression),
        media_type: descriptor.and_then(|descriptor| descriptor.media_type.clone()),
        digest: descriptor.map(|descriptor| descriptor.digest),
        diff_id: layer.diff_id,
        urls: descriptor
            .map(|descriptor| descriptor.urls().into_iter().map(str::to_owned).collect())
            .unwrap_or_default(),
    }
}

/// Adds up the layers' stored bytes, each blob once.
fn stored(graph: &Graph, image: &Image) -> u64 {
    let mut seen = HashSet::new();
    let blobs = image.layers.iter().filter_map(|layer| layer.blob).filter(|&blob| seen.insert(blob));
    blobs.map(|blob| graph.blob(blob).content.size()).sum()
}

/// Names the tool that built the image: docker's classic builder in `docker_version`, buildah in a label, buildkit in
/// the comments of the history.
fn built_with(config: &Value) -> Option<String> {
    let fields = Cursor::new(config);
    let text = |of: &Cursor<'_>, key| of.text_of(key).ok().flatten().filter(|text| !text.is_empty()).map(str::to_owned);
    if let Some(version) = text(&fields, "docker_version") {
        return Some(format!("docker {version}"));
    }
    let labels = fields.get("config").ok().flatten().and_then(|config| config.get("Labels").ok().flatten());
    if let Some(version) = labels.and_then(|labels| text(&labels, "io.buildah.version")) {
        return Some(format!("buildah {version}"));
    }
    let history = fields.list("history").unwrap_or_default();
    let by_buildkit = |line: &Cursor<'_>| text(line, "comment").is_some_and(|comment| comment.starts_with("buildkit."));
    history.iter().any(by_buildkit).then(|| "buildkit".to_owned())
}

/// Lists the layers that several images have: of the same diff_id, or of the same digest where that is all there is.
pub(super) fn shared(images: &[InspectedImage]) -> Vec<SharedLayer> {
    let mut all: Vec<SharedLayer> = Vec::new();
    let mut known: HashMap<Digest, usize> = HashMap::new();
    for image in images {
        for layer in &image.layers {
            let Some(key) = layer.identity() else { continue };
            let at = *known.entry(key).or_insert_with(|| {
                let (diff_id, digest, size) = (layer.diff_id, layer.digest, layer.size);
                all.push(SharedLayer { diff_id, digest, size, images: Vec::new() });
                all.len() - 1
            });
            if all[at].images.last() != Some(&image.number) {
                all[at].images.push(image.number);
            }
        }
    }
    all.retain(|layer| layer.images.len() > 1);
    all
}
