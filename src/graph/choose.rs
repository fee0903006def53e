//! Choosing one image for each name, for targets that hold no more.

use std::collections::BTreeSet;

use super::complete::nothing;
use super::{Graph, Image, Name, Node, NodeId, Wish};
use crate::error::{Error, Result};
use crate::platform::Platform;

/// An image chosen for a target that holds no indexes, with all its names.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) image: NodeId,
    pub(crate) names: Vec<Name>,
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
        let mut artifacts = Vec::new();
        let mut all = Vec::new();
        let mut unmet = match wish {
            Wish::These(wishes) => wishes.clone(),
            Wish::Default | Wish::All => Vec::new(),
        };
        for group in self.groups() {
            let mut leaves = Vec::new();
            for &root in &group {
                self.walk(self.roots[root].node, &mut |id| match self.node(id) {
                    Node::Image(_) if !leaves.contains(&id) => leaves.push(id),
                    Node::Artifact(artifact) if !artifacts.contains(&artifact.kind) => {
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
            for other in complete.iter().filter(|&&id| id != chosen) {
                choice.left.push(format!("platform {}", self.platform_name(*other)));
            }
            choice.add(self, chosen, group.iter().map(|&root| self.roots[root].name.clone()));
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

impl Choice {
    /// Adds an image, or names to the image with the same config, as skopeo's writer does.
    fn add(&mut self, graph: &Graph, image: NodeId, names: impl Iterator<Item = Name>) {
        let id = |node| graph.image(node).and_then(Image::id);
        let same = |chosen: &Chosen| chosen.image == image || (id(image).is_some() && id(chosen.image) == id(image));
        let index = self.images.iter().position(same).unwrap_or_else(|| {
            self.images.push(Chosen { image, names: Vec::new() });
            self.images.len() - 1
        });
        for name in names {
            if !self.images[index].names.contains(&name) {
                self.images[index].names.push(name);
            }
        }
    }
}
