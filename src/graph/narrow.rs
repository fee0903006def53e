//! Keeping only some images of a graph, with what vouches for them.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{Child, Graph, Index, Node, NodeId, Root};
use crate::descriptor::{ATTESTED, Descriptor, count_annotations, lost_annotations};
use crate::document::Document;
use crate::error::Result;
use crate::json::field;
use crate::platform::Platform;

impl Graph {
    /// Keeps, of each image, the platforms that are asked for. Every wish must find something, and every image must have
    /// something that is wished for.
    pub(crate) fn narrow(&mut self, wishes: &[Platform]) -> Result<()> {
        let mut kept = BTreeSet::new();
        let mut all = Vec::new();
        for group in self.groups() {
            let leaves: Vec<_> = group.iter().flat_map(|&root| self.images_below(self.roots[root].node)).collect();
            let found: BTreeSet<_> = wishes.iter().filter_map(|wish| self.best(&leaves, wish)).collect();
            if found.is_empty() && !leaves.is_empty() {
                return Err(self.no_platform(wishes, &leaves));
            }
            kept.extend(found);
            all.extend(leaves);
        }
        if let Some(wish) = wishes.iter().find(|wish| self.best(&all, wish).is_none()) {
            return Err(self.no_platform(std::slice::from_ref(wish), &all));
        }
        let artifact = |root: &&Root| matches!(self.node(root.node), Node::Artifact(_) | Node::Absent(_));
        let whole = self.roots.iter().filter(artifact).map(|root| root.node).collect();
        self.keep(&kept, &whole);
        Ok(())
    }

    /// Keeps these images, and these nodes with all that is below them. An index that loses nothing stays as it is; one
    /// that is left with a single image and nothing beside it gives its place to that.
    pub(super) fn keep(&mut self, images: &BTreeSet<NodeId>, whole: &BTreeSet<NodeId>) {
        let inside = whole.iter().flat_map(|&node| self.images_below(node));
        let images: BTreeSet<NodeId> = images.iter().copied().chain(inside).collect();
        let manifests = images.iter().filter_map(|&id| self.image(id)?.manifest.as_ref());
        let digests = manifests.map(|manifest| manifest.digest().to_string()).collect();
        let mut narrowing = Narrowing { images, digests, done: HashMap::new() };
        for mut root in std::mem::take(&mut self.roots) {
            let companion = root.descriptor.as_ref().filter(|descriptor| descriptor.is_companion());
            let outcome = match companion {
                Some(descriptor) if narrowing.vouched_for(descriptor) => Narrowed::Whole,
                _ if whole.contains(&root.node) && companion.is_none() => Narrowed::Whole,
                _ => self.narrow_node(root.node, &mut narrowing),
            };
            match outcome {
                Narrowed::Nothing => {
                    self.roots_changed = true;
                    continue;
                }
                Narrowed::Whole => {}
                Narrowed::One(node, platform) => {
                    root.node = node;
                    self.roots_changed = true;
                    // The platform of the image takes its place beside the name.
                    if let (Some(descriptor), Some(platform)) = (&mut root.descriptor, platform) {
                        *field(&mut descriptor.value, "platform") = platform;
                    }
                }
                Narrowed::Several(node) => {
                    root.node = node;
                    self.roots_changed = true;
                }
            }
            self.roots.push(root);
        }
    }

    fn narrow_node(&mut self, id: NodeId, narrowing: &mut Narrowing) -> Narrowed {
        if let Some(done) = narrowing.done.get(&id) {
            return done.clone();
        }
        let outcome = match self.node(id).clone() {
            Node::Index(index) => self.narrow_index(index, narrowing),
            Node::Image(_) if narrowing.images.contains(&id) => Narrowed::Whole,
            Node::Image(_) | Node::Artifact(_) | Node::Absent(_) => Narrowed::Nothing,
        };
        narrowing.done.insert(id, outcome.clone());
        outcome
    }

    fn narrow_index(&mut self, index: Index, narrowing: &mut Narrowing) -> Narrowed {
        let before = index.children.len();
        let (mut children, mut images, mut changed) = (Vec::<Child>::new(), 0, false);
        for mut child in index.children {
            if matches!(self.node(child.node), Node::Artifact(_)) {
                if narrowing.vouched_for(&child.descriptor) {
                    children.push(child);
                }
                continue;
            }
            match self.narrow_node(child.node, narrowing) {
                Narrowed::Nothing => continue,
                Narrowed::Whole => {}
                Narrowed::One(node, _) | Narrowed::Several(node) => {
                    child.node = node;
                    changed = true;
                }
            }
            images += 1;
            children.push(child);
        }
        match children.as_slice() {
            _ if images == 0 => Narrowed::Nothing,
            all if all.len() == before && !changed => Narrowed::Whole,
            [child] => {
                let lost = count_annotations(&index.document.value()) + count_annotations(&child.descriptor.value);
                self.losses.extend(lost_annotations(lost, "index"));
                Narrowed::One(child.node, child.descriptor.value.get("platform").cloned())
            }
            several => {
                let mut value = index.document.value();
                *field(&mut value, "manifests") = several.iter().map(|child| child.descriptor.value.clone()).collect();
                Narrowed::Several(self.add_node(Node::Index(Index { document: Document::compose(&value), children })))
            }
        }
    }
}

/// What is kept, and what became of the indexes seen so far.
struct Narrowing {
    images: BTreeSet<NodeId>,
    /// Of their manifests.
    digests: BTreeSet<String>,
    done: HashMap<NodeId, Narrowed>,
}

impl Narrowing {
    /// Tells whether something beside images is about one that is kept, or about none in particular.
    fn vouched_for(&self, descriptor: &Descriptor) -> bool {
        descriptor.annotation(ATTESTED).is_none_or(|digest| self.digests.contains(digest))
    }
}

#[derive(Clone)]
enum Narrowed {
    Nothing,
    Whole,
    One(NodeId, Option<Value>),
    Several(NodeId),
}
