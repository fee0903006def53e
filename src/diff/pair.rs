//! Which images of two sources are held against each other: those of one name and platform, else those of one config,
//! else, where there are no names to go by, those of one platform in the sources' order.

use std::collections::{HashMap, HashSet};

use crate::digest::ImageId;
use crate::error::Result;
use crate::graph::{Graph, Name, NodeId};
use crate::limits::exceeded;
use crate::platform::Platform;

/// An image, as far as it takes to find its counterpart.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) node: NodeId,
    /// As in `@N`.
    pub(super) position: usize,
    pub(super) names: Vec<Name>,
    pub(super) platform: Option<Platform>,
    pub(super) id: Option<ImageId>,
}

/// Lists a source's images, each once, with the names of all that leads to them: `limit` at most.
pub(super) fn candidates(graph: &Graph, limit: usize) -> Result<Vec<Candidate>> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut places = HashMap::new();
    let mut ways = 0;
    for root in &graph.roots {
        for node in graph.images_below(root.node) {
            ways += 1;
            if ways > limit {
                return Err(exceeded("names", format!("more than {limit} names of images")));
            }
            let Some(image) = graph.image(node) else { continue };
            let place = *places.entry(node).or_insert_with(|| {
                let (platform, id) = (image.platform.clone(), image.id());
                found.push(Candidate { node, position: root.position, names: Vec::new(), platform, id });
                found.len() - 1
            });
            if root.name != Name::None && !found[place].names.contains(&root.name) {
                found[place].names.push(root.name.clone());
            }
        }
    }
    Ok(found)
}

/// Pairs of indexes into the two lists, and the indexes that are left over.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pairing {
    pub(super) pairs: Vec<(usize, usize)>,
    pub(super) only_a: Vec<usize>,
    pub(super) only_b: Vec<usize>,
}

/// Tells whether two are for one another.
type Rule<'r> = dyn Fn(&Candidate, &Candidate) -> bool + 'r;

pub(super) fn pair(a: &[Candidate], b: &[Candidate]) -> Pairing {
    let mut left: (Vec<usize>, Vec<usize>) = ((0..a.len()).collect(), (0..b.len()).collect());
    let mut pairs = Vec::new();
    let share_a_name = |x: &Candidate, y: &Candidate| x.names.iter().any(|name| has(y, name));
    let platforms = |x: &Candidate, y: &Candidate| x.platform == y.platform;
    let unnamed = |x: &Candidate| !x.names.iter().any(|name| matches!(name, Name::Full(_)));
    let alone = distinct_names(a) <= 1 && distinct_names(b) <= 1;
    let rules: [&Rule<'_>; 5] = [
        &|x, y| share_a_name(x, y) && platforms(x, y),
        &|x, y| x.id.is_some() && x.id == y.id && platforms(x, y),
        &|x, y| x.id.is_some() && x.id == y.id,
        &|x, y| platforms(x, y) && (alone || unnamed(x) || unnamed(y)),
        // One image each: they were meant, whatever they are.
        &|_, _| a.len() == 1 && b.len() == 1,
    ];
    for rule in rules {
        left.0.retain(|&i| match left.1.iter().position(|&j| rule(&a[i], &b[j])) {
            Some(at) => {
                pairs.push((i, left.1.remove(at)));
                false
            }
            None => true,
        });
    }
    pairs.sort_unstable();
    Pairing { pairs, only_a: left.0, only_b: left.1 }
}

/// Counts the images that are not the same image for other platforms.
fn distinct_names(of: &[Candidate]) -> usize {
    of.iter().map(|candidate| &candidate.names).collect::<HashSet<_>>().len()
}

/// Tells whether an image has this name. A tag alone, as layouts have it, is that of any repository.
pub(super) fn has(candidate: &Candidate, name: &Name) -> bool {
    candidate.names.iter().any(|own| match (own, name) {
        (Name::Full(reference), Name::Bare(tag)) | (Name::Bare(tag), Name::Full(reference)) => {
            reference.tag() == Some(tag)
        }
        (own, name) => own == name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::graph::Node;

    /// `name[,name] platform [id]`; `-` is nothing.
    fn candidate(text: &str) -> Candidate {
        let mut words = text.split(' ');
        let names = words.next().unwrap().split(',').filter(|name| *name != "-");
        let name = |text: &str| match text.strip_prefix(':') {
            Some(tag) => Name::Bare(tag.to_owned()),
            None => Name::Full(text.parse().unwrap()),
        };
        let names = names.map(name).collect();
        let platform = words.next().unwrap();
        let platform = (platform != "-").then(|| platform.parse().unwrap());
        let id = words.next().map(|text| ImageId::of_config(Digest::of(text.as_bytes())));
        let node = Graph::default().add_node(Node::Absent(String::new()));
        Candidate { node, position: 0, names, platform, id }
    }

    #[test]
    fn images_are_paired_by_name_then_config_then_order() {
        let (amd, arm) = ("linux/amd64", "linux/arm64");
        for (a, b, pairs, only_a, only_b) in [
            (vec![format!("x:1 {amd}")], vec![format!("x:1 {amd}")], vec![(0, 0)], vec![], vec![]),
            // By name, whatever the order.
            (
                vec![format!("x:1 {amd}"), format!("y:1 {amd}")],
                vec![format!("y:1 {amd}"), format!("x:1,z:1 {amd}")],
                vec![(0, 1), (1, 0)],
                vec![],
                vec![],
            ),
            // By platform of one name.
            (
                vec![format!("x:1 {amd}"), format!("x:1 {arm}")],
                vec![format!("x:1 {arm}"), format!("x:1 {amd}")],
                vec![(0, 1), (1, 0)],
                vec![],
                vec![],
            ),
            (
                vec![format!("x:1 {amd}"), format!("x:1 {arm}")],
                vec![format!("x:1 {arm}")],
                vec![(1, 0)],
                vec![0],
                vec![],
            ),
            // Another name, the same config.
            (
                vec![format!("x:1 {amd} i"), format!("y:1 {amd} j")],
                vec![format!("z:1 {amd} j"), format!("w:1 {amd} k")],
                vec![(1, 0)],
                vec![0],
                vec![1],
            ),
            // Names that both have and that differ are no pair, unless there is nothing else.
            (
                vec![format!("x:1 {amd}"), format!("y:1 {amd}")],
                vec![format!("x:1 {amd}"), format!("z:1 {amd}")],
                vec![(0, 0)],
                vec![1],
                vec![1],
            ),
            (vec![format!("x:1 {amd}")], vec![format!("x:2 {amd}")], vec![(0, 0)], vec![], vec![]),
            (
                vec![format!("x:1 {amd}"), format!("x:1 {arm}")],
                vec![format!("x:2 {arm}"), format!("x:2 {amd}")],
                vec![(0, 1), (1, 0)],
                vec![],
                vec![],
            ),
            (vec![format!("x:1 {amd}")], vec![format!("x:1 {arm}")], vec![(0, 0)], vec![], vec![]),
            // No names on one side: by platform, in order.
            (
                vec![format!("x:1 {amd}"), format!("y:1 {amd}")],
                vec![format!("- {amd}"), format!("- {amd}")],
                vec![(0, 0), (1, 1)],
                vec![],
                vec![],
            ),
            // A bare tag is that of a full name.
            (
                vec![format!("x:1 {amd}"), format!("x:2 {amd}")],
                vec![format!(":2 {amd}"), format!(":1 {amd}")],
                vec![(0, 1), (1, 0)],
                vec![],
                vec![],
            ),
        ] {
            let list = |texts: &[String]| texts.iter().map(|text| candidate(text)).collect::<Vec<_>>();
            assert_eq!(pair(&list(&a), &list(&b)), Pairing { pairs, only_a, only_b }, "{a:?} {b:?}");
        }
    }
}
