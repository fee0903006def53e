//! What documents say of one another: names, platforms, histories, media types. Pure: no blob is read.

use std::collections::BTreeMap;

use super::Note;
use crate::code::Code;
use crate::codec::Compression;
use crate::descriptor::Descriptor;
use crate::error::{Error, quoted};
use crate::graph::{Config, Graph, Image, Layer, Name, Node, NodeId};
use crate::json::Cursor;
use crate::media_type::{self, LayerType};
use crate::platform::Platform;

/// Holds everything in the graph against what else says something of it.
pub(super) fn check(graph: &Graph, note: Note<'_>) {
    check_names(graph, note);
    for root in &graph.roots {
        if let Some(descriptor) = &root.descriptor {
            check_platform(graph, descriptor, root.node, "index.json", note);
        }
    }
    for node in graph.nodes() {
        match node {
            Node::Index(index) => {
                for child in &index.children {
                    let name = format!("index {}", index.document.digest());
                    check_platform(graph, &child.descriptor, child.node, &name, note);
                }
            }
            Node::Image(image) => {
                check_history(image, note);
                for layer in &image.layers {
                    check_media_type(graph, layer, note);
                }
            }
            Node::Artifact(_) | Node::Absent(_) => {}
        }
    }
}

fn check_names(graph: &Graph, note: Note<'_>) {
    // What the halves of a hybrid disagree on is told where they are compared.
    let mut owners: BTreeMap<(&str, String), Vec<NodeId>> = BTreeMap::new();
    for group in graph.groups() {
        let root = &graph.roots[group[0]];
        let list = if root.descriptor.is_some() { "index.json" } else { "manifest.json" };
        if let Name::Invalid { why, fatal, .. } = &root.name {
            let code = if *fatal { Code::Name } else { Code::NameUnusable };
            note(Error::damaged(why.as_str()).coded(code).about(list));
        }
        if let Some(name) = root.name.text() {
            owners.entry((list, name)).or_default().push(root.node);
        }
    }
    let id = |node| graph.image(node).and_then(Image::id);
    for ((list, name), owners) in owners {
        let first = owners[0];
        let same = |&node: &NodeId| node == first || (id(node).is_some() && id(node) == id(first));
        if owners.iter().all(same) {
            continue;
        }
        let code = if list == "index.json" { Code::NameRepeated } else { Code::NameTwice };
        let message = format!("{} is the name of {} images", quoted(&name), owners.len());
        note(Error::damaged(message).coded(code).about(list));
    }
}

/// Holds what a descriptor says of an image's platform against the config.
fn check_platform(graph: &Graph, descriptor: &Descriptor, node: NodeId, of: &str, note: Note<'_>) {
    let Some(image) = graph.image(node) else { return };
    let (Some(said), Config::Document(config)) = (&descriptor.platform, &image.config) else { return };
    let Ok(Some(own)) = Platform::read(&Cursor::new(&config.value())) else { return };
    // Index and config may tell a variant, or not: arm64 is v8 without it.
    let variants = own.variant.is_some() && said.variant.is_some() && own.variant != said.variant;
    if variants || (own.distance(said).is_none() && said.distance(&own).is_none()) {
        let message = format!("platform mismatch: {own} in the config, but {said} in {of}");
        let error = Error::damaged(message).coded(Code::Platform);
        note(error.about(crate::formats::oci::blob_name(&config.digest())).claims(said, own));
    }
}

/// Holds the number of history entries that made layers against the number of layers. A history is optional
/// (image-spec, config.md).
fn check_history(image: &Image, note: Note<'_>) {
    let Config::Document(config) = &image.config else { return };
    let value = config.value();
    let fields = Cursor::new(&value);
    let Ok(history) = fields.list("history") else { return };
    // Where the layers themselves do not fit, or are not all told, that was said.
    let diff_ids = fields.get("rootfs").ok().flatten().map(|rootfs| rootfs.list("diff_ids").map_or(0, |ids| ids.len()));
    if !image.is_complete() || diff_ids.is_some_and(|count| count != image.layers.len()) {
        return;
    }
    let is_empty = |entry: &Cursor<'_>| entry.get("empty_layer").is_ok_and(|f| f.is_some_and(|f| f.value() == true));
    let layers = history.iter().filter(|entry| !is_empty(entry)).count();
    if !history.is_empty() && layers != image.layers.len() {
        let message = format!("the history tells of {layers} layers, but the image has {}", image.layers.len());
        let error = Error::damaged(message).coded(Code::HistoryCount).claims(layers, image.layers.len());
        note(error.within(format!("config {}", config.digest())));
    }
}

fn check_media_type(graph: &Graph, layer: &Layer, note: Note<'_>) {
    let (Some(descriptor), Some(blob), LayerType::Tar) = (&layer.descriptor, layer.blob, layer.kind) else { return };
    let blob = graph.blob(blob);
    let claimed = descriptor.media_type.as_deref().and_then(media_type::labelled);
    let (Some(claimed), Some(found)) = (claimed, blob.compression) else { return };
    // Nothing is compressed in no bytes; what that is instead is found by reading it.
    if claimed != found && (found != Compression::None || blob.content.size() > 0) {
        let (claimed, found) = (claimed.name(), found.name());
        let media_type = descriptor.media_type.as_deref().unwrap_or_default();
        let message = format!("media type {media_type}, but the compression is {found}");
        let error = Error::damaged(message).coded(Code::MediaType).claims(claimed, found);
        note(error.about(blob.content.origin()).at(blob.content.offset_of(0)));
    }
}
