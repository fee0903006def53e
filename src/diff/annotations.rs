//! Annotations around an image: of its manifest, of the descriptors that lead to it, of the indexes on the way.

use std::collections::BTreeMap;

use serde_json::Value;

use super::model::FieldChange;
use crate::descriptor::{CONTAINERD_NAME, REF_NAME};
use crate::graph::{Graph, Node, NodeId};

/// By where they are and their key.
type Annotations = BTreeMap<(&'static str, String), Value>;

/// Lists an image's annotations, names apart; `None` in formats that have none.
pub(super) fn of(graph: &Graph, node: NodeId) -> Option<Annotations> {
    let manifest = graph.image(node)?.manifest.as_ref()?;
    let mut found = Annotations::new();
    collect(&manifest.value(), "manifest", &mut found);
    // Of several ways to the image the first counts.
    if let Some(root) = graph.roots.iter().find(|root| graph.images_below(root.node).contains(&node)) {
        let place = if root.node == node { "descriptor" } else { "index" };
        if let Some(descriptor) = &root.descriptor {
            collect(&descriptor.value, place, &mut found);
        }
        descend(graph, root.node, node, &mut found);
    }
    Some(found)
}

/// Follows the indexes from one node to another.
fn descend(graph: &Graph, from: NodeId, to: NodeId, found: &mut Annotations) {
    let mut at = from;
    while let Node::Index(index) = graph.node(at) {
        collect(&index.document.value(), "index", found);
        let Some(child) = index.children.iter().find(|child| graph.images_below(child.node).contains(&to)) else {
            return;
        };
        collect(&child.descriptor.value, if child.node == to { "descriptor" } else { "index" }, found);
        at = child.node;
    }
}

fn collect(from: &Value, place: &'static str, found: &mut Annotations) {
    let annotations = from.get("annotations").and_then(Value::as_object);
    for (key, value) in annotations.into_iter().flatten() {
        if ![CONTAINERD_NAME, REF_NAME].contains(&key.as_str()) {
            found.entry((place, key.clone())).or_insert_with(|| value.clone());
        }
    }
}

/// Returns what differs.
pub(super) fn compare(a: &Annotations, b: &Annotations) -> Vec<FieldChange> {
    let path = |(place, key): &(&str, String)| format!("{place}[{}]", Value::from(key.as_str()));
    let only_b = b.iter().filter(|(key, _)| !a.contains_key(*key));
    a.iter()
        .chain(only_b)
        .filter(|(key, _)| a.get(*key) != b.get(*key))
        .map(|(key, _)| FieldChange { path: path(key), a: a.get(key).cloned(), b: b.get(key).cloned() })
        .collect()
}
