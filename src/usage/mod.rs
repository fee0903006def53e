//! What takes the space in images: which layer, which directory, which files that nobody sees, which copies. Every layer
//! is read once.

mod duplicates;
mod model;
mod read;
mod sums;
mod tree;

pub use model::{
    DuplicateGroup, Duplicates, FilePlace, FilesUsage, HiddenBytes, HiddenFile, ImageUsage, LayerEffect, LayerUsage,
    NodeKind, UsageNode,
};

use std::cmp::Reverse;
use std::sync::Arc;

use crate::archive::Archive;
use crate::context::Context;
use crate::error::{Result, Within};
use crate::inspect::{all, reached};
use crate::layer::{Catalog, Hidden, Listing, Merged, PathId, Paths, shown};
use crate::platform::Platform;
use crate::top::Top;
use read::Reader;
use sums::Sums;

/// Of which images, and how much is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UsageOptions {
    /// As in [`InspectOptions`](crate::InspectOptions).
    pub images: Vec<String>,
    /// As in [`InspectOptions`](crate::InspectOptions).
    pub platforms: Vec<Platform>,
    /// About so many nodes has a [`FilesUsage::tree`] at most. Default: 300.
    pub nodes: usize,
    /// So many files are in each list of files. Default: 25.
    pub list: usize,
}

impl Default for UsageOptions {
    fn default() -> Self {
        Self { images: Vec::new(), platforms: Vec::new(), nodes: 300, list: 25 }
    }
}

/// Receives what is told, image by image.
pub type UsageSink<'s> = &'s mut dyn FnMut(&ImageUsage) -> Result<()>;

impl Archive {
    /// Tells what takes the space in each image, in the order of [`inspect`](Self::inspect). Layers are read in full, each
    /// once, and a merged tree takes memory within the limit `file-list-bytes`; where that is not enough for several images
    /// together, layers that they share are read again. What cannot be read or is too large is told of in
    /// [`ImageUsage::problems`]: the other images are told of all the same.
    ///
    /// # Errors
    ///
    /// Those of choosing images, as [`inspect`](Self::inspect) has them; [`Environment`](crate::ErrorKind::Environment)
    /// and [`Cancelled`](crate::ErrorKind::Cancelled) ones of reading; those of `sink`.
    pub fn usage(&self, options: &UsageOptions, sink: UsageSink<'_>, cx: &Context<'_>) -> Result<()> {
        let mut run = || {
            let chosen = reached(&self.selected(&options.images, &options.platforms)?);
            let graph = &self.graph;
            let nodes = all(graph).into_iter().filter(|node| chosen.contains(node));
            let images = nodes.filter_map(|node| graph.image(node)).collect();
            Reader::new(graph, images, options, cx).run(sink, cx)
        };
        run().within(&self.name)
    }
}

/// Tells of the tree that layers make together. Fails with the limit `file-list-bytes`.
fn of_tree(
    catalog: &Catalog,
    lists: Vec<Arc<Listing>>,
    options: &UsageOptions,
    problems: &mut Vec<String>,
    cx: &Context<'_>,
) -> Result<(FilesUsage, Vec<LayerEffect>)> {
    let layers = lists.len();
    let merged: Merged = catalog.merge(lists)?;
    for (count, what) in [(merged.duplicates(), "twice in one layer"), (merged.dangling(), "hard links to nothing")] {
        problems.extend((count > 0).then(|| format!("{what}: {count}")));
    }
    let charge = catalog.open_charge();
    catalog.with_paths(|paths| {
        let mut sums = Sums::new(&merged, paths, charge, &cx.cancel)?;
        let (hidden, hidden_files) = hidden(&merged, paths, options.list);
        let whole = sums.of(PathId::ROOT);
        let usage = FilesUsage {
            bytes: whole.bytes,
            files: whole.files as usize,
            directories: sums.directories,
            others: sums.others,
            duplicates: duplicates::find(&mut sums, options.list)?,
            tree: tree::cut(&sums, layers, options.nodes),
            largest: largest(&sums, options.list),
            hidden,
            hidden_files,
        };
        Ok((usage, effects(&merged)))
    })
}

/// Says what each layer did, and what becomes of its files.
fn effects(merged: &Merged) -> Vec<LayerEffect> {
    let effect = |tally: &crate::layer::Tally| LayerEffect {
        added: tally.added,
        changed: tally.changed,
        removed: tally.removed,
        bytes: tally.bytes,
        hidden: HiddenBytes::default(),
    };
    let mut effects: Vec<LayerEffect> = merged.tallies().iter().map(effect).collect();
    for hidden in merged.hidden() {
        effects[hidden.layer].hidden.add(hidden.fate, hidden.file.size());
    }
    effects
}

/// Lists the largest files that nobody sees, and counts all.
fn hidden(merged: &Merged, paths: &Paths, list: usize) -> (Vec<HiddenFile>, usize) {
    let mut top: Top<(Reverse<u64>, Vec<u8>, usize, usize), Hidden<'_>> = Top::new(list);
    let mut count = 0;
    for hidden in merged.hidden() {
        let key = (Reverse(hidden.file.size()), paths.path(hidden.file.path), hidden.layer, count);
        top.add(key, hidden);
        count += 1;
    }
    let told = top.sorted().map(|Hidden { file, layer, by, fate }| HiddenFile {
        place: FilePlace { path: shown(&paths.path(file.path)), size: file.size(), layer: layer + 1 },
        fate,
        by: by + 1,
    });
    (told.collect(), count)
}

fn largest(sums: &Sums<'_>, list: usize) -> Vec<FilePlace> {
    let mut top = Top::new(list);
    for (number, path) in sums.files() {
        let bytes = sums.of(path).bytes;
        if bytes > 0 {
            top.add((Reverse(bytes), number), path);
        }
    }
    top.sorted().map(|path| place(sums, path)).collect()
}

/// Says of a file in the tree where it is.
fn place(sums: &Sums<'_>, path: PathId) -> FilePlace {
    FilePlace { path: shown(&sums.paths.path(path)), size: sums.of(path).bytes, layer: sums.layer(path) }
}
