//! Choosing one image for each name, for targets that hold no more.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::complete::nothing;
use super::{Graph, Image, Name, Node, NodeId, Wish};
use crate::digest::ImageId;
use crate::error::{Error, Result};
use crate::platform::Platform;

/// An image chosen for a target that holds no indexes, with all its names.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) image: NodeId,
    pub(crate) names: Vec<Name>,
    /// Indexes of the roots that it was chosen for.
    pub(crate) roots: Vec<usize>,
}

/// What a target that holds only images gets of a graph.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    pub(crate) images: Vec<Chosen>,
    /// What stays behind, one line each.
    pub(crate) left: Vec<String>,
    /// What the source names and does not hold.
    pub(crate) absent: Vec<String>,
}

impl Graph {
    /// Chooses one image for each name: the only complete one, or the one for the platform that is asked for. Of several
    /// the host's, when none is asked for. A target that keeps the others elsewhere sets `any`: several may be asked for,
    /// and where none is the host's the first will do.
    pub(crate) fn choose(&self, wish: &Wish, host: &Platform, any: bool) -> Result<Choice> {
        let mut choice = Choice::default();
        let mut merged = Merged::default();
        let (mut artifacts, mut kinds, mut passed) = (Vec::new(), HashSet::new(), HashSet::new());
        let mut all = Vec::new();
        let mut unmet = match wish {
            Wish::These(wishes) => wishes.clone(),
            Wish::Default | Wish::All => Vec::new(),
        };
        for group in self.groups() {
            let (mut leaves, mut seen) = (Vec::new(), HashSet::new());
            for &root in &group {
                self.walk(self.roots[root].node, &mut |id| match self.node(id) {
                    Node::Image(_) if seen.insert(id) => leaves.push(id),
                    Node::Artifact(artifact) if kinds.insert(artifact.kind.clone()) => {
                        artifacts.push(artifact.kind.clone());
                    }
                    Node::Absent(what) => choice.absent.push(what.clone()),
                    _ => {}
                });
            }
            let (complete, incomplete): (Vec<_>, Vec<_>) =
                leaves.into_iter().partition(|&id| self.image(id).is_some_and(Image::is_complete));
            choice.absent.extend(incomplete.iter().filter_map(|&id| self.image(id)).flat_map(|i| i.missing.clone()));
            let chosen = match (wish, complete.as_slice()) {
                (_, []) => continue,
                (Wish::These(wishes), _) => {
                    unmet.retain(|wish| self.best(&complete, wish).is_none());
                    all.extend(complete.iter().copied());
                    let found: BTreeSet<_> = wishes.iter().filter_map(|wish| self.best(&complete, wish)).collect();
                    match Vec::from_iter(found).as_slice() {
                        [] => return Err(self.no_platform(wishes, &complete)),
                        [one] => *one,
                        several @ [first, ..] if any => self.best(several, host).unwrap_or(*first),
                        _ => return Err(self.many_platforms(&complete, "several are asked for")),
                    }
                }
                (_, [one]) => *one,
                (Wish::All, _) if !any => return Err(self.many_platforms(&complete, "all are asked for")),
                (_, [first, ..]) if any => self.best(&complete, host).unwrap_or(*first),
                (Wish::Default | Wish::All, _) => self
                    .best(&complete, host)
                    .ok_or_else(|| self.many_platforms(&complete, &format!("none is this machine's ({host})")))?,
            };
            let others = complete.iter().filter(|&&id| id != chosen);
            let others = others.map(|&id| format!("platform {}", self.platform_name(id)));
            choice.left.extend(others.filter(|other| passed.insert(other.clone())));
            merged.add(&mut choice.images, self, chosen, group);
        }
        if !unmet.is_empty() && !choice.images.is_empty() {
            return Err(self.no_platform(&unmet, &all));
        }
        if choice.images.is_empty() {
            return Err(nothing(&choice.absent, &artifacts));
        }
        choice.left.extend(artifacts.into_iter().map(|kind| format!("{kind} (not an image)")));
        Ok(choice)
    }

    fn many_platforms(&self, leaves: &[NodeId], why: &str) -> Error {
        let there = self.platform_names(leaves);
        Error::unsupported(format!("the target holds one platform of an image, and {why}; there is: {there}"))
            .hint("choose one with --platform, or convert to oci-archive, which holds all")
    }
}

/// Which images were chosen so far, under which names.
#[derive(Default)]
struct Merged {
    by_node: HashMap<NodeId, usize>,
    by_id: HashMap<ImageId, usize>,
    names: HashSet<(usize, Name)>,
}

impl Merged {
    /// Adds an image, or names to the image with the same config, as skopeo's writer does.
    fn add(&mut self, images: &mut Vec<Chosen>, graph: &Graph, image: NodeId, roots: Vec<usize>) {
        let id = graph.image(image).and_then(Image::id);
        let known = self.by_node.get(&image).or_else(|| self.by_id.get(&id?)).copied();
        let index = known.unwrap_or_else(|| {
            images.push(Chosen { image, names: Vec::new(), roots: Vec::new() });
            images.len() - 1
        });
        self.by_node.insert(image, index);
        self.by_id.extend(id.map(|id| (id, index)));
        let names = roots.iter().map(|&root| graph.roots[root].name.clone());
        images[index].names.extend(names.filter(|name| self.names.insert((index, name.clone()))));
        images[index].roots.extend(roots);
    }
}
