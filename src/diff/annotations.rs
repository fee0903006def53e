//! Annotations around an image: of its manifest, of the descriptors that lead to it, of the indexes on the way.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::model::FieldChange;
use crate::descriptor::{CONTAINERD_NAME, REF_NAME};
use crate::graph::{Graph, Node, NodeId};

/// By where they are and their key.
pub(super) type Annotations = BTreeMap<(&'static str, String), Value>;

/// How a graph's nodes are reached: of several ways, the first.
#[derive(Debug)]
pub(super) struct Ways {
    steps: HashMap<NodeId, Step>,
    /// The annotations in indexes. They are taken from each once: it is parsed for that, and may be large.
    indexes: HashMap<NodeId, Value>,
}

/// The last step of a way.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// By one of the graph's roots.
    Root(usize),
    /// By one of an index's children.
    Child(NodeId, usize),
}

impl Ways {
    pub(super) fn of(graph: &Graph) -> Self {
        let (mut steps, mut indexes) = (HashMap::new(), HashMap::new());
        for (number, root) in graph.roots.iter().enumerate() {
            let mut todo = vec![(root.node, Step::Root(number))];
            while let Some((node, step)) = todo.pop() {
                let Entry::Vacant(first) = steps.entry(node) else { continue };
                first.insert(step);
                if let Node::Index(index) = graph.node(node) {
                    if let Some(own) = index.document.value().get("annotations") {
                        indexes.insert(node, json!({"annotations": own}));
                    }
                    let children = index.children.iter().enumerate().rev();
                    todo.extend(children.map(|(at, child)| (child.node, Step::Child(node, at))));
                }
            }
        }
        Self { steps, indexes }
    }

    /// Lists an image's annotations, names apart; `None` in formats that have none.
    pub(super) fn annotations(&self, graph: &Graph, image: NodeId) -> Option<Annotations> {
        let manifest = graph.image(image)?.manifest.as_ref()?;
        let mut found = Annotations::new();
        collect(&manifest.value(), "manifest", &mut found);
        let mut way = Vec::new();
        let mut at = image;
        while let Some(&step) = self.steps.get(&at) {
            way.push((at, step));
            match step {
                Step::Child(index, _) => at = index,
                Step::Root(_) => break,
            }
        }
        // What is nearer to the root counts more.
        for (node, step) in way.into_iter().rev() {
            let descriptor = match step {
                Step::Root(number) => graph.roots[number].descriptor.as_ref(),
                Step::Child(index, at) => match graph.node(index) {
                    Node::Index(index) => index.children.get(at).map(|child| &child.descriptor),
                    _ => None,
                },
            };
            let place = if node == image { "descriptor" } else { "index" };
            if let Some(descriptor) = descriptor {
                collect(&descriptor.value, place, &mut found);
            }
            if let Some(own) = self.indexes.get(&node) {
                collect(own, "index", &mut found);
            }
        }
        Some(found)
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
