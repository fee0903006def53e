//! What only an OCI layout holds of images: annotations, subjects, the addresses of foreign layers.

use std::collections::{HashMap, HashSet};

use crate::descriptor::{Descriptor, count_annotations, lost_annotations};
use crate::document::Document;
use crate::graph::{Chosen, Graph, Image, Node, NodeId};

/// Lists, for each chosen image in turn, what a target without OCI documents drops of it. Every document is read once,
/// however many images and names it is about.
pub(super) fn dropped(graph: &Graph, chosen: &[Chosen]) -> Vec<String> {
    let above = above(graph, chosen);
    let of_layout = graph.layout_index.as_ref().map_or(0, of_document);
    let none = Above::default();
    let mut found = Vec::new();
    for Chosen { image: id, .. } in chosen {
        let Some(image) = graph.image(*id) else { continue };
        let above = above.get(id).unwrap_or(&none);
        let layers = || image.layers.iter().filter_map(|layer| layer.descriptor.as_ref());
        let counts = [
            ("manifest", image.manifest.as_ref().map_or(0, of_document)),
            ("layers", layers().map(of_descriptor).sum()),
            ("index", of_layout + above.most),
        ];
        found.extend(counts.iter().filter_map(|(of, n)| lost_annotations(*n, of)));
        found.extend(references("manifest", image.manifest.as_ref()));
        found.extend(above.references.iter().cloned());
        found.extend(foreign(image));
    }
    found
}

fn of_document(document: &Document) -> usize {
    count_annotations(&document.value())
}

fn of_descriptor(descriptor: &Descriptor) -> usize {
    count_annotations(&descriptor.value)
}

/// Lists the fields by which a document refers to others.
fn references(of: &str, document: Option<&Document>) -> Vec<String> {
    let Some(value) = document.map(Document::value) else { return Vec::new() };
    let keys = ["subject", "artifactType"].into_iter().filter(|key| value.get(*key).is_some());
    keys.map(|key| format!("{key} of the {of}: dropped")).collect()
}

fn foreign(image: &Image) -> Option<String> {
    let descriptors = image.layers.iter().filter_map(|layer| layer.descriptor.as_ref());
    let urls: Vec<_> = descriptors.flat_map(Descriptor::urls).collect();
    (!urls.is_empty()).then(|| format!("urls of foreign layers ({}): dropped", urls.join(", ")))
}

/// What the indexes above an image say.
#[derive(Clone, Debug, Default)]
struct Above {
    /// Annotations of the indexes and their descriptors, from `index.json` down to the image. Under several names it is
    /// said several times, and lost once: this is the most that one name has.
    most: usize,
    references: Vec<String>,
}

/// Finds what is above each of the chosen images.
fn above(graph: &Graph, chosen: &[Chosen]) -> HashMap<NodeId, Above> {
    let chosen: HashSet<NodeId> = chosen.iter().map(|chosen| chosen.image).collect();
    let chosen_below = |node| graph.images_below(node).into_iter().filter(|image| chosen.contains(image));
    let mut said: HashMap<NodeId, (usize, Vec<String>)> = HashMap::new();
    let mut above: HashMap<NodeId, Above> = HashMap::new();
    for root in &graph.roots {
        let mut counts: HashMap<NodeId, usize> = chosen_below(root.node).map(|image| (image, 0)).collect();
        if counts.is_empty() {
            continue;
        }
        let mut of_all = root.descriptor.as_ref().map_or(0, of_descriptor);
        let mut found = Vec::new();
        graph.walk(root.node, &mut |id| {
            let Node::Index(index) = graph.node(id) else { return };
            let (count, references) = said
                .entry(id)
                .or_insert_with(|| (of_document(&index.document), references("index", Some(&index.document))));
            of_all += *count;
            found.extend(references.iter().cloned());
            for child in &index.children {
                let count = of_descriptor(&child.descriptor);
                if count > 0 {
                    chosen_below(child.node).for_each(|image| *counts.entry(image).or_default() += count);
                }
            }
        });
        for (image, count) in counts {
            let above = above.entry(image).or_default();
            above.most = above.most.max(of_all + count);
            for reference in &found {
                if !above.references.contains(reference) {
                    above.references.push(reference.clone());
                }
            }
        }
    }
    above
}
