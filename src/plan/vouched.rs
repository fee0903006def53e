//! Whether what signatures and attestations vouch for stays what it is.

use std::collections::HashSet;

use super::{Action, Jobs};
use crate::graph::{Graph, Node, NodeId};

/// Words the loss of what signatures and attestations are for, if any image that one of them is about gets another digest.
pub(super) fn broken(graph: &Graph, jobs: &Jobs) -> Option<String> {
    let made_anew = |id| jobs.of(id).is_some_and(|job| jobs.get(job).action != Action::Copy);
    let mut changed = HashSet::new();
    for image in graph.roots.iter().flat_map(|root| graph.images_below(root.node)) {
        let layers = graph.image(image).into_iter().flat_map(|image| &image.layers);
        if layers.filter_map(|layer| layer.blob).any(made_anew) {
            changed.insert(image);
        }
    }
    if changed.is_empty() {
        return None;
    }
    let (mut seen, mut subjects, mut untold) = (HashSet::new(), HashSet::new(), false);
    let mut add = |id: NodeId, descriptor| match graph.node(id) {
        Node::Artifact(artifact) if artifact.manifest.is_some() => match graph.subject(id, descriptor) {
            Some(subject) => subjects.extend(graph.by_claim.get(&subject).copied()),
            // It may be about any image.
            None => untold = true,
        },
        _ => {}
    };
    for root in &graph.roots {
        add(root.node, root.descriptor.as_ref());
        graph.walk(root.node, &mut |id| {
            if let Node::Index(index) = graph.node(id)
                && seen.insert(id)
            {
                index.children.iter().for_each(|child| add(child.node, Some(&child.descriptor)));
            }
        });
    }
    // What an artifact is about that is an artifact itself is about something in turn, and that is among the subjects.
    let broken = untold || subjects.into_iter().flat_map(|id| graph.images_below(id)).any(|id| changed.contains(&id));
    broken.then(|| {
        "signatures and attestations: what they vouch for gets another digest with other compression".to_owned()
    })
}
