//! An archive that is an OCI layout and a docker-archive at once (docker 25 and later, containerd, buildkit).

use std::sync::Arc;

use super::oci::Composed;
use super::{Reading, docker, oci};
use crate::digest::ImageId;
use crate::error::Result;
use crate::go_json;
use crate::graph::{Graph, Name, Node, Root};
use crate::output::{Body, Entry};
use crate::tree::Members;

/// Modes are those of containerd's exporter.
pub(super) const BLOB_MODE: u32 = 0o444;
const INDEX_MODE: u32 = 0o644;

/// Returns the members sorted by name, as containerd's exporter has them, and `repositories`, which docker before 1.10
/// and some scanners look for.
pub(super) fn lay_out(composed: &Composed, images: &[docker::DockerImage]) -> Vec<Entry> {
    let mut items = Vec::new();
    let mut tops = Vec::new();
    for image in images {
        let layers: Vec<_> = image.layers.iter().map(|layer| oci::blob_name(&layer.digest)).collect();
        let config = oci::blob_name(&image.config.digest());
        items.push(docker::manifest_entry(&config, &image.tags, layers.iter().map(String::as_str), "null"));
        if let Some(top) = image.layers.last() {
            tops.extend(image.tags.iter().map(|tag| (tag, top.digest.hex())));
        }
    }
    let file = |name: &str, mode, body| Entry { name: name.to_owned(), mode, body };
    let mut entries = oci::blobs(composed, BLOB_MODE);
    entries.push(file("index.json", INDEX_MODE, Body::Bytes(Arc::clone(&composed.index))));
    entries.push(file("manifest.json", INDEX_MODE, Body::text(&go_json::array(items))));
    entries.push(file("oci-layout", BLOB_MODE, Body::text(oci::LAYOUT)));
    entries.push(file("repositories", INDEX_MODE, Body::text(&docker::repositories(tops))));
    entries
}

/// Reads the OCI half; takes names, and images that it does not name, from the docker half.
///
/// docker 25's graph-driver store leaves images without a tag out of `index.json` when others have one, or writes no
/// `index.json` entry at all.
pub(super) fn read(members: &Members, reading: Reading<'_>) -> Result<Graph> {
    let mut graph = oci::read(members, reading)?;
    for entry in docker::entries(members)? {
        let id = ImageId::of_config(entry.config.sha256());
        let holders: Vec<usize> =
            (0..graph.roots.len()).filter(|&root| holds(&graph, &graph.roots[root], id)).collect();
        match holders.first() {
            Some(&first) => add_names(&mut graph, first, &holders, entry.names()),
            None if is_artifact(&graph, id) => {}
            None => {
                let position = graph.roots.iter().map(|root| root.position + 1).max().unwrap_or(0);
                docker::add_image(&mut graph, members, &entry, position, reading)?;
                graph.roots_changed = true;
            }
        }
    }
    Ok(graph)
}

fn holds(graph: &Graph, root: &Root, id: ImageId) -> bool {
    graph.images_below(root.node).iter().any(|&node| graph.image(node).and_then(|image| image.id()) == Some(id))
}

/// Tells whether the docker half presents something as an image that the OCI half knows to be none (wasm modules).
fn is_artifact(graph: &Graph, id: ImageId) -> bool {
    let digest = id.as_config_digest();
    let mut found = false;
    for root in &graph.roots {
        graph.walk(root.node, &mut |node| {
            if let Node::Artifact(artifact) = graph.node(node) {
                let claims = artifact.blobs.iter().filter_map(|&blob| graph.blob(blob).claim);
                found |= claims.into_iter().any(|(claim, _)| claim == digest);
            }
        });
    }
    found
}

/// Gives the image the names that it does not have yet; a full name takes the place of none and of its bare tag.
fn add_names(graph: &mut Graph, first: usize, holders: &[usize], names: Vec<Name>) {
    for name in names {
        let Name::Full(reference) = &name else { continue };
        let node = graph.roots[first].node;
        let has_it = |root: &usize| graph.roots[*root].name == name;
        if holders.iter().any(has_it) || graph.roots.iter().any(|root| root.node == node && root.name == name) {
            continue;
        }
        graph.roots_changed = true;
        let lesser = |name: &Name| match name {
            Name::None => true,
            Name::Bare(tag) => reference.tag() == Some(tag),
            Name::Full(_) | Name::Invalid { .. } => false,
        };
        match holders.iter().find(|&&root| lesser(&graph.roots[root].name)) {
            Some(&root) => graph.roots[root].name = name,
            None => {
                let root = Root { name, ..graph.roots[first].clone() };
                graph.roots.push(root);
            }
        }
    }
}
