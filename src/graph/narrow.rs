//! Keeping only some platforms of what can hold all.

use std::collections::BTreeSet;

use super::{Graph, Index, Node, NodeId};
use crate::descriptor::ATTESTED;
use crate::document::Document;
use crate::error::Result;
use crate::platform::Platform;

impl Graph {
    /// Keeps, of each image, the platforms that are asked for: a single one without the index around it.
    pub(crate) fn narrow(&mut self, wishes: &[Platform]) -> Result<()> {
        self.roots_changed = true;
        let all: BTreeSet<NodeId> = self.roots.iter().flat_map(|root| self.images_below(root.node)).collect();
        let mut kept = BTreeSet::new();
        for group in self.groups() {
            let leaves: Vec<_> = group.iter().flat_map(|&root| self.images_below(self.roots[root].node)).collect();
            for wish in wishes {
                kept.extend(self.best(&leaves, wish));
            }
        }
        if kept.is_empty() {
            return Err(self.no_platform(wishes, &all.iter().copied().collect::<Vec<_>>()));
        }
        let roots = std::mem::take(&mut self.roots);
        for mut root in roots {
            match self.node(root.node).clone() {
                Node::Image(_) if !kept.contains(&root.node) => continue,
                Node::Index(index) => match self.narrow_index(index, &kept) {
                    Narrowed::Nothing => continue,
                    Narrowed::One(node, platform) => {
                        root.node = node;
                        if let Some(descriptor) = &mut root.descriptor {
                            // The platform of the image takes its place beside the name.
                            let field = platform.unwrap_or(serde_json::Value::Null);
                            descriptor.value["platform"] = field;
                        }
                    }
                    Narrowed::Several(node) => root.node = node,
                },
                Node::Image(_) | Node::Artifact(_) | Node::Absent(_) => {}
            }
            self.roots.push(root);
        }
        Ok(())
    }

    fn narrow_index(&mut self, index: Index, kept: &BTreeSet<NodeId>) -> Narrowed {
        let digests: BTreeSet<String> = index
            .children
            .iter()
            .filter(|child| kept.contains(&child.node))
            .map(|child| child.descriptor.digest.to_string())
            .collect();
        let mut children = Vec::new();
        let mut images = 0;
        for mut child in index.children {
            match self.node(child.node).clone() {
                Node::Index(inner) => match self.narrow_index(inner, kept) {
                    Narrowed::Nothing => continue,
                    Narrowed::One(node, _) | Narrowed::Several(node) => child.node = node,
                },
                Node::Image(_) if !kept.contains(&child.node) => continue,
                Node::Absent(_) => continue,
                Node::Artifact(_) => {
                    let about = child.descriptor.annotation(ATTESTED);
                    if about.is_some_and(|digest| !digests.contains(digest)) {
                        continue;
                    }
                    children.push(child);
                    continue;
                }
                Node::Image(_) => {}
            }
            images += 1;
            children.push(child);
        }
        match (images, children.as_slice()) {
            (0, _) => Narrowed::Nothing,
            (1, [child]) => Narrowed::One(child.node, child.descriptor.value.get("platform").cloned()),
            _ => {
                let mut value = index.document.value();
                value["manifests"] = children.iter().map(|child| child.descriptor.value.clone()).collect();
                Narrowed::Several(self.add_node(Node::Index(Index { document: Document::compose(&value), children })))
            }
        }
    }
}

enum Narrowed {
    Nothing,
    One(NodeId, Option<serde_json::Value>),
    Several(NodeId),
}
