//! An archive that is an OCI layout and a docker-archive at once (docker 25 and later, containerd, buildkit).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::agreement::Halves;
use super::oci::Composed;
use super::{Reading, docker, oci};
use crate::digest::{Digest, ImageId};
use crate::error::Result;
use crate::faults::Faults;
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
            // As docker does since 25: what the layer is, however it is stored.
            let hash = top.diff_id.map_or(top.digest, |diff_id| diff_id.as_plain_digest()).hex();
            tops.extend(image.tags.iter().map(|tag| (tag, hash.clone())));
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
    let holders = holders(&graph);
    let artifacts = artifact_blobs(&graph);
    let Some((list, entries)) = reading.faults.attempt(docker::entries(members, reading))? else { return Ok(graph) };
    graph.docker_list = Some(list);
    if reading.faults.are_noted() && graph.layout_index.is_some() {
        compare(&Halves { graph: &graph, members, entries: &entries }, &holders, &artifacts, reading.faults);
    }
    for entry in &entries {
        let id = entry.id();
        match id.and_then(|id| holders.get(&id)) {
            Some(roots) => add_names(&mut graph, roots, entry.names(), reading)?,
            // The docker half presents as an image what the OCI half knows to be none (wasm modules).
            None if id.is_some_and(|id| artifacts.contains(&id.as_config_digest())) => {}
            None => {
                let position = graph.roots.iter().map(|root| root.position + 1).max().unwrap_or(0);
                reading.faults.attempt(docker::add_image(&mut graph, members, entry, position, reading))?;
                graph.roots_changed = true;
            }
        }
    }
    graph.entries = entries;
    Ok(graph)
}

fn compare(
    halves: &Halves<'_>,
    holders: &HashMap<ImageId, Vec<usize>>,
    artifacts: &HashSet<Digest>,
    faults: Faults<'_>,
) {
    for entry in halves.entries {
        let Some(id) = entry.id() else { continue };
        match holders.get(&id) {
            Some(roots) => halves.remark_differences(entry, id, roots, faults),
            None if artifacts.contains(&id.as_config_digest()) => {}
            None => halves.remark_stranger(entry, id, faults),
        }
    }
    halves.remark_absent(faults);
}

/// Lists the roots that lead to each image.
fn holders(graph: &Graph) -> HashMap<ImageId, Vec<usize>> {
    let mut holders: HashMap<ImageId, Vec<usize>> = HashMap::new();
    for (i, root) in graph.roots.iter().enumerate() {
        for node in graph.images_below(root.node) {
            let id = graph.image(node).and_then(|image| image.id());
            id.into_iter().for_each(|id| holders.entry(id).or_default().push(i));
        }
    }
    holders
}

/// Lists the digests that artifacts' parts are said to have.
fn artifact_blobs(graph: &Graph) -> HashSet<Digest> {
    let mut digests = HashSet::new();
    for root in &graph.roots {
        graph.walk(root.node, &mut |node| {
            if let Node::Artifact(artifact) = graph.node(node) {
                let claims = artifact.blobs.iter().filter_map(|&blob| graph.blob(blob).claim);
                digests.extend(claims.map(|(digest, _)| digest));
            }
        });
    }
    digests
}

/// Gives the image the names that it does not have yet; a full name takes the place of none and of its bare tag.
fn add_names(graph: &mut Graph, roots: &[usize], names: Vec<Name>, reading: Reading<'_>) -> Result<()> {
    let Some(&first) = roots.first() else { return Ok(()) };
    for name in names {
        let Name::Full(reference) = &name else { continue };
        let node = graph.roots[first].node;
        let has_it = |root: &usize| graph.roots[*root].name == name;
        if roots.iter().any(has_it) || graph.roots.iter().any(|root| root.node == node && root.name == name) {
            continue;
        }
        graph.roots_changed = true;
        let lesser = |name: &Name| match name {
            Name::None => true,
            Name::Bare(tag) => reference.tag() == Some(tag),
            Name::Full(_) | Name::Invalid { .. } => false,
        };
        match roots.iter().find(|&&root| lesser(&graph.roots[root].name)) {
            Some(&root) => graph.roots[root].name = name,
            None => {
                let root = Root { name, ..graph.roots[first].clone() };
                graph.add_root(root, reading.cx.limits.names)?;
            }
        }
    }
    Ok(())
}
