//! The files of layers: each layer's own, or the tree that an image shows.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::image;
use super::largest::Largest;
use super::readable::{Readable, problem};
use crate::archive::Archive;
use crate::context::{Context, Event};
use crate::error::{Error, Result, Within};
use crate::graph::{Graph, Image};
use crate::layer::{self, Catalog, Contents, FileKind, Merged, PathId, Paths, Tally, Time, Visible, shown};
use crate::platform::Platform;
use crate::pool;

/// Which files are listed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FilesOptions {
    /// As in [`InspectOptions`](super::InspectOptions); one image must be left.
    pub images: Vec<String>,
    /// As in [`InspectOptions`](super::InspectOptions).
    pub platforms: Vec<Platform>,
    /// Numbers of layers, from 1 at the bottom: each one's entries in the order of its tar, whiteouts among them. Empty:
    /// the tree that all layers make together, sorted by name, without what later layers remove or overwrite.
    pub layers: Vec<usize>,
    /// Only so many regular files, the largest first. They are held in memory until all are known.
    pub largest: Option<usize>,
}

/// A file in an image. Texts may hold any character, see [`escape`](crate::escape); bytes that are not UTF-8 stand there
/// as `\xNN`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ListedFile {
    /// Its path, without a slash before it.
    pub path: String,
    /// What it is.
    #[serde(serialize_with = "as_text")]
    pub kind: FileKind,
    /// The number of the layer that it is in, from 1 at the bottom.
    pub layer: usize,
    /// Permission bits, with setuid, setgid and sticky.
    pub mode: u32,
    /// Number of the user that owns it.
    pub uid: u64,
    /// Number of the group.
    pub gid: u64,
    /// Bytes of a regular file.
    pub size: u64,
    /// When it was changed last, in seconds since 1970.
    pub mtime: i64,
    /// Target of a link; of a hard link in a merged tree the first name of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Major and minor number of a device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<(u64, u64)>,
}

fn as_text<S: Serializer>(kind: &FileKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(kind)
}

/// What a listing tells beside the files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FilesSummary {
    /// What is wrong in the layers' tars, one line for each layer, and in the tree they make; may hold any character.
    pub problems: Vec<String>,
    /// What each layer does to the tree, bottom first; empty when single layers are listed.
    pub layers: Vec<LayerChanges>,
}

impl FilesSummary {
    /// Returns the bytes of files that nobody sees in the image, because later layers overwrite or remove them.
    pub fn hidden(&self) -> u64 {
        self.layers.iter().map(|layer| layer.hidden).sum()
    }
}

/// What a layer does to the tree of the layers below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LayerChanges {
    /// Its number, from 1 at the bottom.
    pub layer: usize,
    /// Paths that were not there before.
    pub added: usize,
    /// Paths that it replaces, or whose mode or owner it changes.
    pub changed: usize,
    /// Paths that it takes away, with all that was below them.
    pub removed: usize,
    /// Bytes of its regular files.
    pub bytes: u64,
    /// Of these, bytes that nobody sees in the image.
    pub hidden: u64,
}

/// Receives files, one by one.
pub type FileSink<'s> = &'s mut dyn FnMut(&ListedFile) -> Result<()>;

impl Archive {
    /// Tells of the files of one image's layers. Layers are read in full; single layers with little memory, a tree or the
    /// largest files within the limit `file-list-bytes`.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) when several images are left, or a layer is asked for that is not
    /// there or is encrypted; [`Damaged`](crate::ErrorKind::Damaged) for a layer that is missing, no tar, or cannot be
    /// inflated; those of reading, and of `sink`.
    pub fn files(&self, options: &FilesOptions, sink: FileSink<'_>, cx: &Context<'_>) -> Result<FilesSummary> {
        let graph = self.selected(&options.images, &options.platforms).within(&self.name)?;
        list(&graph, options, sink, cx).within(&self.name)
    }
}

fn list(graph: &Graph, options: &FilesOptions, sink: FileSink<'_>, cx: &Context<'_>) -> Result<FilesSummary> {
    let nodes = image::all(graph);
    let image = match nodes.as_slice() {
        [one] => graph.image(*one).ok_or_else(|| Error::unsupported("no image"))?,
        [] => return Err(Error::unsupported("no image")),
        several => {
            let message = format!("{} images, and files are listed of one", several.len());
            return Err(Error::unsupported(message).hint("choose one with --image or --platform"));
        }
    };
    let wanted = wanted(graph, image, &options.layers)?;
    let bytes = wanted.iter().map(|layer| graph.blob(layer.blob).content.size()).sum();
    cx.observer.on(&Event::Planned { bytes });
    if options.layers.is_empty() {
        return merge(graph, &wanted, options.largest, sink, cx);
    }
    let charge = Catalog::new(&cx.limits).open_charge();
    let mut largest = options.largest.map(|keep| Largest::new(keep, charge));
    let mut take = |file: ListedFile| match &mut largest {
        Some(largest) if file.kind == FileKind::File => largest.add(file.size, Box::new(file)),
        Some(_) => Ok(()),
        None => sink(&file),
    };
    let mut problems = Vec::new();
    for layer in &wanted {
        problems.extend(one_by_one(graph, layer, &mut take, cx)?);
    }
    if let Some(largest) = largest {
        largest.sorted().try_for_each(|file| sink(&file))?;
    }
    Ok(FilesSummary { problems, layers: Vec::new() })
}

/// Returns the layers of these numbers, or all.
fn wanted(graph: &Graph, image: &Image, numbers: &[usize]) -> Result<Vec<Readable>> {
    let all: Vec<usize> = (1..=image.layers.len()).collect();
    let numbers = if numbers.is_empty() { &all } else { numbers };
    let one = |&number: &usize| {
        let layer = number
            .checked_sub(1)
            .and_then(|at| image.layers.get(at))
            .ok_or_else(|| Error::unsupported(format!("no layer {number}: the image has {}", image.layers.len())))?;
        Readable::check(graph, layer, number).within(format!("layer {number}"))
    };
    numbers.iter().map(one).collect()
}

/// Tells of the entries of one layer as they come.
fn one_by_one(
    graph: &Graph,
    layer: &Readable,
    take: &mut dyn FnMut(ListedFile) -> Result<()>,
    cx: &Context<'_>,
) -> Result<Option<String>> {
    let content = layer.content(graph);
    let (mut first, mut count, mut entries) = (None, 0, 0);
    let mut sink = |event: layer::Event<'_>| {
        match event {
            layer::Event::Entry(entry) => {
                entries += 1;
                take(of_entry(entry, layer.number))?;
            }
            layer::Event::Problem(problem) => {
                count += 1;
                first.get_or_insert(problem);
            }
            _ => {}
        }
        Ok(())
    };
    layer::read(content, layer.compression, layer.algorithms, &mut sink, cx)?;
    let first = first.map(|problem| problem.to_string());
    match first {
        Some(first) if entries == 0 => Err(content.locate(Error::damaged(first))),
        first => Ok(first.and_then(|first| problem(layer.number, first, count))),
    }
}

fn of_entry(entry: &layer::Entry, layer: usize) -> ListedFile {
    ListedFile {
        path: shown(&entry.path),
        kind: entry.kind,
        layer,
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        size: entry.size,
        mtime: entry.mtime.seconds,
        link: (!entry.link.is_empty()).then(|| shown(&entry.link)),
        device: entry.device.map(|(major, minor)| (major.into(), minor.into())),
    }
}

/// Tells of the files of the tree that layers make.
fn merge(
    graph: &Graph,
    layers: &[Readable],
    largest: Option<usize>,
    sink: FileSink<'_>,
    cx: &Context<'_>,
) -> Result<FilesSummary> {
    let catalog = Catalog::new(&cx.limits);
    let list = |layer: &Readable| layer.list(graph, &catalog, Contents::Skipped, cx).map(Arc::new);
    let listings = pool::run(layers, &cx.hands(), list)?;
    let told = listings
        .iter()
        .zip(layers)
        .filter_map(|(listing, layer)| problem(layer.number, listing.problems.first()?, listing.problem_count));
    let mut problems: Vec<String> = told.collect();
    let merged: Merged = catalog.merge(listings)?;
    for (count, what) in [(merged.duplicates(), "twice in one layer"), (merged.dangling(), "hard links to nothing")] {
        problems.extend((count > 0).then(|| format!("{what}: {count}")));
    }
    let mut largest = largest.map(|keep| Largest::new(keep, catalog.open_charge()));
    let paths = catalog.into_paths();
    // Of several names of a file the first is the file, and the others are links to it.
    let linked = merged.linked();
    let mut first_names: HashMap<u32, PathId> = HashMap::new();
    for file in merged.files(&paths) {
        cx.cancel.check()?;
        let first = match first_names.entry(file.inode()) {
            _ if !linked.contains(&file.inode()) || file.file().is_none() => None,
            Entry::Occupied(first) => Some(*first.get()),
            Entry::Vacant(here) => {
                here.insert(file.path);
                None
            }
        };
        match &mut largest {
            Some(largest) if first.is_none() && file.kind() == FileKind::File => {
                largest.add(file.file().map_or(0, |file| file.size()), file.path)?;
            }
            Some(_) => {}
            None => sink(&of_visible(&file, first, &paths))?,
        }
    }
    for path in largest.into_iter().flat_map(Largest::sorted) {
        let file = merged.get(path).expect("it was listed");
        sink(&of_visible(&file, None, &paths))?;
    }
    let numbered = layers.iter().map(|layer| layer.number).zip(merged.tallies());
    let layers = numbered.map(|(layer, &tally)| {
        let Tally { added, changed, removed, bytes, hidden } = tally;
        LayerChanges { layer, added, changed, removed, bytes, hidden }
    });
    Ok(FilesSummary { problems, layers: layers.collect() })
}

/// `first` is the file's first name, where this is another.
fn of_visible(visible: &Visible<'_>, first: Option<PathId>, paths: &Paths) -> ListedFile {
    let (file, attributes) = (visible.file(), visible.attributes());
    let target = first.map_or_else(|| visible.target().to_vec(), |first| paths.path(first));
    ListedFile {
        path: shown(&paths.path(visible.path)),
        kind: if first.is_some() { FileKind::HardLink } else { visible.kind() },
        layer: visible.layer + 1,
        // A directory that no entry made: as engines make it.
        mode: attributes.map_or(0o755, |file| file.mode.into()),
        uid: attributes.map_or(0, |file| file.uid.into()),
        gid: attributes.map_or(0, |file| file.gid.into()),
        size: file.filter(|_| first.is_none()).map_or(0, |file| file.size()),
        mtime: attributes.map_or(Time::default(), |file| file.mtime()).seconds,
        link: (!target.is_empty()).then(|| shown(&target)),
        device: file.and_then(|file| file.device()),
    }
}
