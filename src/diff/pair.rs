//! Which images of two sources are held against each other: those of one name and platform, else those of one config,
//! else, where there are no names to go by, those of one platform in the sources' order.

use std::collections::{BTreeSet, HashMap, HashSet};

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

/// What two images have in common when they are for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key<'c> {
    Name(Word<'c>, Option<&'c Platform>),
    Config(ImageId, Option<&'c Platform>),
    AnyConfig(ImageId),
    Platform(Option<&'c Platform>),
    /// The platform of an image without a full name.
    Unnamed(Option<&'c Platform>),
    Alone,
}

/// A name, as far as it can be that of another image. A tag alone, as layouts have it, is that of any repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Word<'c> {
    Name(&'c Name),
    /// The tag of a full name.
    Tag(&'c str),
    Bare(&'c str),
}

/// What an image of the first list looks for, and what one of the second has: they are for one another where any is the
/// same.
type Rule<'r, 'c> = (&'r dyn Fn(&'c Candidate) -> Vec<Key<'c>>, &'r dyn Fn(&'c Candidate) -> Vec<Key<'c>>);

pub(super) fn pair<'c>(a: &'c [Candidate], b: &'c [Candidate]) -> Pairing {
    let mut left: (Vec<usize>, Vec<usize>) = ((0..a.len()).collect(), (0..b.len()).collect());
    let mut pairs = Vec::new();
    let platform = |x: &'c Candidate| x.platform.as_ref();
    let unnamed = |x: &Candidate| !x.names.iter().any(|name| matches!(name, Name::Full(_)));
    let alone = distinct_names(a) <= 1 && distinct_names(b) <= 1;
    let named = |x: &'c Candidate, words: fn(&'c Name) -> [Option<Word<'c>>; 2]| -> Vec<Key<'c>> {
        x.names.iter().flat_map(words).flatten().map(|word| Key::Name(word, platform(x))).collect()
    };
    let config = |x: &'c Candidate| x.id.map(|id| Key::Config(id, platform(x))).into_iter().collect();
    let any_config = |x: &'c Candidate| x.id.map(Key::AnyConfig).into_iter().collect();
    // One image each: they were meant, whatever they are.
    let only = |_: &Candidate| if a.len() == 1 && b.len() == 1 { vec![Key::Alone] } else { Vec::new() };
    let rules: [Rule<'_, 'c>; 5] = [
        (&|x| named(x, wanted), &|y| named(y, offered)),
        (&config, &config),
        (&any_config, &any_config),
        (&|x| vec![if alone || unnamed(x) { Key::Platform(platform(x)) } else { Key::Unnamed(platform(x)) }], &|y| {
            let unnamed = unnamed(y).then(|| Key::Unnamed(platform(y)));
            unnamed.into_iter().chain([Key::Platform(platform(y))]).collect()
        }),
        (&only, &only),
    ];
    for (wants, has) in rules {
        let mut free: HashMap<Key<'c>, BTreeSet<usize>> = HashMap::new();
        for &j in &left.1 {
            for key in has(&b[j]) {
                free.entry(key).or_default().insert(j);
            }
        }
        left.0.retain(|&i| {
            let keys = wants(&a[i]);
            let Some(&first) = keys.iter().filter_map(|key| free.get(key)?.first()).min() else { return true };
            for key in has(&b[first]) {
                free.entry(key).or_default().remove(&first);
            }
            pairs.push((i, first));
            false
        });
        let taken: HashSet<usize> = pairs.iter().map(|&(_, j)| j).collect();
        left.1.retain(|j| !taken.contains(j));
    }
    pairs.sort_unstable();
    Pairing { pairs, only_a: left.0, only_b: left.1 }
}

/// Counts the images that are not the same image for other platforms.
fn distinct_names(of: &[Candidate]) -> usize {
    of.iter().map(|candidate| &candidate.names).collect::<HashSet<_>>().len()
}

/// Returns the words by which a name is found to be another image's.
fn wanted(name: &Name) -> [Option<Word<'_>>; 2] {
    match name {
        Name::Full(reference) => [Some(Word::Name(name)), reference.tag().map(Word::Bare)],
        Name::Bare(tag) => [Some(Word::Bare(tag)), Some(Word::Tag(tag))],
        _ => [Some(Word::Name(name)), None],
    }
}

/// Returns the words by which an image with this name is found.
fn offered(name: &Name) -> [Option<Word<'_>>; 2] {
    match name {
        Name::Full(reference) => [Some(Word::Name(name)), reference.tag().map(Word::Tag)],
        Name::Bare(tag) => [Some(Word::Bare(tag)), None],
        _ => [Some(Word::Name(name)), None],
    }
}

/// Returns what tells whether an image has a name.
pub(super) fn names_of(candidate: &Candidate) -> impl Fn(&Name) -> bool {
    let offered: HashSet<Word<'_>> = candidate.names.iter().flat_map(offered).flatten().collect();
    move |name| wanted(name).into_iter().flatten().any(|word| offered.contains(&word))
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
