//! A file tree cut down to its largest parts.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::model::{NodeKind, UsageNode};
use super::sums::{Sum, Sums};
use crate::layer::{PathId, shown};

/// So many parts of a directory are told of one by one.
const CHILDREN: usize = 40;
/// Parts that are less than one of so many of the whole are not.
const LEAST: u64 = 2000;

/// A node whose parts come later in the list.
struct Draft {
    node: UsageNode,
    children: Vec<usize>,
    /// What it stands for: itself, or what is left of the directory.
    of: Vec<PathId>,
}

/// Cuts a tree down to about `most` nodes: the largest directories are taken apart first.
pub(super) fn cut(sums: &Sums<'_>, layers: usize, most: usize) -> UsageNode {
    let whole = sums.of(PathId::ROOT);
    let mut drafts = vec![draft("/".to_owned(), NodeKind::Directory, whole, vec![PathId::ROOT])];
    let mut largest = BinaryHeap::from([(whole.bytes, Reverse(0))]);
    while let Some((_, Reverse(at))) = largest.pop() {
        if drafts.len() >= most {
            break;
        }
        let parts = parts(sums, drafts[at].of[0], whole.bytes / LEAST);
        for part in parts {
            let number = drafts.len();
            if part.node.kind == NodeKind::Directory {
                largest.push((part.node.bytes, Reverse(number)));
            }
            drafts[at].children.push(number);
            drafts.push(part);
        }
    }
    let mut nodes: Vec<Option<UsageNode>> = Vec::with_capacity(drafts.len());
    nodes.resize_with(drafts.len(), || None);
    // Parts stand behind what they are part of.
    for (at, draft) in drafts.into_iter().enumerate().rev() {
        let children = draft.children.into_iter().filter_map(|child| nodes[child].take()).collect();
        let layer = main_layer(sums, &draft.of, layers);
        nodes[at] = Some(UsageNode { children, layer, ..draft.node });
    }
    nodes.swap_remove(0).expect("the root is the first")
}

fn draft(name: String, kind: NodeKind, sum: Sum, of: Vec<PathId>) -> Draft {
    let node = UsageNode { name, kind, bytes: sum.bytes, files: sum.files as usize, layer: 0, children: Vec::new() };
    Draft { node, children: Vec::new(), of }
}

/// Returns what a directory consists of, largest first, and the rest.
fn parts(sums: &Sums<'_>, folder: PathId, least: u64) -> Vec<Draft> {
    let mut paths: Vec<PathId> = sums.merged.children(folder).filter(|&path| sums.of(path).bytes > 0).collect();
    paths.sort_unstable_by_key(|&path| (Reverse(sums.of(path).bytes), sums.paths.name(path)));
    let large = paths.iter().take(CHILDREN).take_while(|&&path| sums.of(path).bytes >= least).count();
    // One file less is no shorter list.
    let keep = if paths.len() == large + 1 { paths.len() } else { large };
    let rest = paths.split_off(keep);
    let mut drafts: Vec<Draft> = paths.into_iter().map(|path| part(sums, path)).collect();
    if !rest.is_empty() {
        let mut sum = Sum::default();
        rest.iter().for_each(|&path| sum.add(sums.of(path)));
        drafts.push(draft(String::new(), NodeKind::Rest, sum, rest));
    }
    drafts
}

/// Makes a node of a path; directories that hold nothing but one other are told of together.
fn part(sums: &Sums<'_>, mut path: PathId) -> Draft {
    let mut name = shown(sums.paths.name(path));
    loop {
        if sums.is_file(path) {
            return draft(name, NodeKind::File, sums.of(path), vec![path]);
        }
        let mut inside = sums.merged.children(path).filter(|&child| sums.of(child).bytes > 0);
        match (inside.next(), inside.next()) {
            (Some(only), None) if !sums.is_file(only) => {
                path = only;
                name = format!("{name}/{}", shown(sums.paths.name(path)));
            }
            _ => return draft(name, NodeKind::Directory, sums.of(path), vec![path]),
        }
    }
}

/// Returns the number of the layer that most bytes below these paths are from; of equals the lowest.
fn main_layer(sums: &Sums<'_>, of: &[PathId], layers: usize) -> usize {
    let mut bytes = vec![0_u64; layers];
    let mut todo = of.to_vec();
    while let Some(path) = todo.pop() {
        if sums.is_file(path) {
            let of_layer = &mut bytes[sums.layer(path) - 1];
            *of_layer = of_layer.saturating_add(sums.of(path).bytes);
        } else {
            todo.extend(sums.merged.children(path).filter(|&child| sums.of(child).bytes > 0));
        }
    }
    (0..layers).max_by_key(|&layer| (bytes[layer], Reverse(layer))).map_or(1, |layer| layer + 1)
}
