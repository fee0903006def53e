//! Keeping only some images of a graph, with what vouches for them.

use std::collections::{BTreeSet, HashMap, HashSet};

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
        let absent = |root: &&Root| matches!(self.node(root.node), Node::Absent(_));
        let whole = self.roots.iter().filter(absent).map(|root| root.node).collect();
        self.keep(&kept, &whole, Strays::Stay);
        Ok(())
    }

    /// Keeps these images, these nodes with all that is below them, and artifacts that are about what is kept. An index
    /// that loses nothing stays as it is; one that is left with a single image and nothing beside it gives its place to
    /// that.
    pub(super) fn keep(&mut self, images: &BTreeSet<NodeId>, whole: &BTreeSet<NodeId>, strays: Strays) {
        let inside = whole.iter().flat_map(|&node| self.images_below(node));
        let images: BTreeSet<NodeId> = images.iter().copied().chain(inside).collect();
        let manifests = images.iter().filter_map(|&id| self.image(id)?.manifest.as_ref());
        let digests = manifests.map(|manifest| manifest.digest().to_string()).collect();
        let mut narrowing =
            Narrowing { images, digests, whole, done: HashMap::new(), about: HashMap::new(), vouched: HashSet::new() };
        for mut root in std::mem::take(&mut self.roots) {
            let companion = root.descriptor.as_ref().is_some_and(Descriptor::is_companion);
            let strays = if companion { Strays::Stay } else { strays };
            let artifact = companion || matches!(self.node(root.node), Node::Artifact(_));
            let outcome = if (whole.contains(&root.node) && !companion)
                || (artifact && narrowing.vouched_for(self, root.node, root.descriptor.as_ref(), strays))
            {
                Narrowed::Whole
            } else {
                self.narrow_node(root.node, &mut narrowing)
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
        self.forget_dropped(&narrowing);
    }

    /// Takes care that nothing refers any more to what is dropped: references to an index go to what it became.
    fn forget_dropped(&mut self, narrowing: &Narrowing<'_>) {
        let mut reached = HashSet::new();
        for root in &self.roots {
            if !reached.contains(&root.node) {
                self.walk(root.node, &mut |node| {
                    reached.insert(node);
                });
            }
        }
        let mut moved = false;
        self.by_claim.retain(|_, node| {
            if let Some(Narrowed::One(new, _) | Narrowed::Several(new)) = narrowing.done.get(node)
                && !reached.contains(node)
            {
                moved |= narrowing.vouched.contains(node);
                *node = *new;
            }
            reached.contains(node)
        });
        if moved {
            let loss = "signatures and attestations: the index that they vouch for gets another digest";
            self.losses.push(loss.to_owned());
        }
    }

    fn narrow_node(&mut self, id: NodeId, narrowing: &mut Narrowing<'_>) -> Narrowed {
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

    fn narrow_index(&mut self, index: Index, narrowing: &mut Narrowing<'_>) -> Narrowed {
        let before = index.children.len();
        let (mut children, mut images, mut changed) = (Vec::<Child>::new(), 0, false);
        for mut child in index.children {
            if matches!(self.node(child.node), Node::Artifact(_)) {
                if narrowing.vouched_for(self, child.node, Some(&child.descriptor), Strays::Stay) {
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

/// What becomes of artifacts that are about no image in particular, or about an index of which only a part is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strays {
    Stay,
    Go,
}

/// What is kept, and what became of the indexes seen so far.
struct Narrowing<'a> {
    images: BTreeSet<NodeId>,
    /// Of their manifests.
    digests: BTreeSet<String>,
    /// Kept with all that is below them.
    whole: &'a BTreeSet<NodeId>,
    done: HashMap<NodeId, Narrowed>,
    /// How much is kept of indexes, and of what artifacts are about.
    about: HashMap<NodeId, Share>,
    /// Indexes that artifacts which are kept are about.
    vouched: HashSet<NodeId>,
}

/// How much of something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    All,
    Part,
    Nothing,
    /// It is not in the source, or no image.
    Unknown,
}

impl Narrowing<'_> {
    /// Tells whether something beside images is about what is kept, or about none in particular where such things stay.
    fn vouched_for(&mut self, graph: &Graph, id: NodeId, descriptor: Option<&Descriptor>, strays: Strays) -> bool {
        if let Some(attested) = descriptor.and_then(|descriptor| descriptor.annotation(ATTESTED)) {
            return self.digests.contains(attested);
        }
        let subject = graph.subject(id, descriptor).and_then(|subject| graph.by_claim.get(&subject).copied());
        let share = subject.map_or(Share::Unknown, |subject| self.share(graph, subject));
        let kept = match share {
            Share::All => true,
            Share::Part | Share::Unknown => strays == Strays::Stay,
            Share::Nothing => false,
        };
        if kept {
            self.vouched.extend(subject);
        }
        kept
    }

    /// Tells how much is kept of what an artifact is about; of an artifact, as much as of what that is about.
    fn share(&mut self, graph: &Graph, mut id: NodeId) -> Share {
        let mut chain = Vec::new();
        let share = loop {
            if let Some(&known) = self.about.get(&id) {
                break known;
            }
            chain.push(id);
            // Until the end is known: documents that refer to one another in a circle are about nothing.
            self.about.insert(id, Share::Unknown);
            match graph.node(id) {
                _ if self.whole.contains(&id) => break Share::All,
                Node::Image(_) if self.images.contains(&id) => break Share::All,
                Node::Image(_) => break Share::Nothing,
                Node::Absent(_) => break Share::Unknown,
                Node::Index(_) => {
                    let below = graph.images_below(id);
                    let kept = below.iter().filter(|image| self.images.contains(image)).count();
                    break match kept {
                        _ if below.is_empty() => Share::Unknown,
                        0 => Share::Nothing,
                        all if all == below.len() => Share::All,
                        _ => Share::Part,
                    };
                }
                Node::Artifact(_) => {
                    let subject = graph.subject(id, None).and_then(|subject| graph.by_claim.get(&subject));
                    let Some(&subject) = subject else { break Share::Unknown };
                    id = subject;
                }
            }
        };
        self.about.extend(chain.into_iter().map(|id| (id, share)));
        share
    }
}

#[derive(Clone)]
enum Narrowed {
    Nothing,
    Whole,
    One(NodeId, Option<Value>),
    Several(NodeId),
}
