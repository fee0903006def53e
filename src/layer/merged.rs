//! The file tree that layers make together, as an engine shows it: whiteouts applied, later files over earlier ones
//! (image-spec, layer.md, "Applying Changesets").

mod apply;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;

use super::budget::Charge;
use super::entry::{FileKind, Xattrs};
use super::listing::{File, Listing};
use super::paths::{PathId, Paths};

/// Number of a file among those of all layers, bottom layer first.
type FileId = u32;

/// Nothing is there.
const ABSENT: FileId = u32::MAX;
/// A directory that no entry made, but one below it needs; the layer stands in place of the inode.
const IMPLIED: FileId = u32::MAX - 1;
/// The end of a list of children.
const END: u32 = u32::MAX;
/// Not in any such list.
const LOOSE: u32 = u32::MAX - 1;

/// What is at a path.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The entry that made it, `ABSENT` or `IMPLIED`.
    file: FileId,
    /// The entry that has its contents: another one for a hard link.
    inode: FileId,
    /// Children that are there, or were; linked by `next`.
    first: u32,
    next: u32,
}

const NOTHING: Slot = Slot { file: ABSENT, inode: ABSENT, first: END, next: LOOSE };

/// What a layer did to the tree of the layers below it. A directory over a directory is no change unless its mode, owner
/// or extended attributes differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Paths that were not there before.
    pub(crate) added: usize,
    pub(crate) changed: usize,
    /// Paths that are no longer there, all below a removed directory counted.
    pub(crate) removed: usize,
    /// Bytes of its regular files.
    pub(crate) bytes: u64,
    /// Of these, bytes that nobody sees in the whole image: later entries overwrote or removed them.
    pub(crate) hidden: u64,
}

/// How bytes of a layer went out of sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Fate {
    /// A whiteout took the file away, or something that is no directory took the place of one above it.
    Removed,
    /// Something else is at its path now.
    Overwritten,
    /// A file of the same contents is at its path now.
    Repeated,
}

/// Contents that were seen by no name when all layers were there.
#[derive(Clone, Copy, Debug)]
struct Lost {
    inode: FileId,
    /// The layer that did it.
    by: u32,
    fate: Fate,
}

/// A regular file that a layer has and nobody sees in the whole image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hidden<'m> {
    pub(crate) file: &'m File,
    /// The layer that it is in, counted from 0.
    pub(crate) layer: usize,
    /// The layer that took its last name away.
    pub(crate) by: usize,
    pub(crate) fate: Fate,
}

/// A file in the merged tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visible<'m> {
    pub(crate) path: PathId,
    /// The layer that put it there, counted from 0, bottom first.
    pub(crate) layer: usize,
    /// Its entry, or that of the file that it is a hard link to; `None` for a directory that no entry made.
    entry: Option<(&'m Listing, usize)>,
    /// The entry that has its mode, owner and time, if that is a hard link to it.
    link: Option<(&'m Listing, usize)>,
    inode: FileId,
}

impl<'m> Visible<'m> {
    /// Returns the entry that has its contents, its own or that of the file that it is a hard link to; `None` for a
    /// directory that no entry made.
    pub(crate) fn file(&self) -> Option<&'m File> {
        self.entry.map(|(listing, index)| &listing.files()[index])
    }

    /// Returns the entry that has its mode, owner and time: engines give a file those of each link that they make to it.
    pub(crate) fn attributes(&self) -> Option<&'m File> {
        self.link.or(self.entry).map(|(listing, index)| &listing.files()[index])
    }

    /// Returns the kind; [`FileKind::HardLink`] only for one that leads nowhere.
    pub(crate) fn kind(&self) -> FileKind {
        self.file().map_or(FileKind::Directory, |file| file.kind)
    }

    /// Returns the SHA-256 of a file's contents; `None` for an empty file, and where nothing was hashed.
    pub(crate) fn digest(&self) -> Option<&'m [u8; 32]> {
        self.entry.and_then(|(listing, index)| listing.digest(&listing.files()[index]))
    }

    /// Returns the target of a symbolic link; nothing for all others.
    pub(crate) fn target(&self) -> &'m [u8] {
        self.entry.map_or(&[], |(listing, index)| listing.target(&listing.files()[index]))
    }

    /// Returns the extended attributes, if there are any.
    pub(crate) fn xattrs(&self) -> Option<&'m Xattrs> {
        let of = |(listing, index): (&'m Listing, usize)| listing.xattrs(index);
        self.link.and_then(of).or_else(|| self.entry.and_then(of))
    }

    /// Tells whether both are made by one entry of one list.
    pub(crate) fn is_same_entry(&self, other: &Visible<'_>) -> bool {
        let place =
            |entry: Option<(&Listing, usize)>| entry.map(|(listing, index)| (std::ptr::from_ref(listing), index));
        self.entry.is_some() && place(self.entry) == place(other.entry) && place(self.link) == place(other.link)
    }

    /// Returns a number that all names of the same file have, and no other; of no meaning for a directory that no entry
    /// made.
    pub(crate) fn inode(&self) -> u32 {
        self.inode
    }
}

/// A merged tree.
#[derive(Debug)]
pub(crate) struct Merged {
    layers: Vec<Arc<Listing>>,
    /// Number of each layer's first file, and one more.
    starts: Vec<FileId>,
    /// By path; paths beyond its end are not there.
    slots: Vec<Slot>,
    tallies: Vec<Tally>,
    /// Files whose names were overwritten or removed; in the end those of them that nobody sees, each once.
    hidden: Vec<Lost>,
    /// The hard links that changed the mode, owner or time of a file, by the file.
    relabelled: HashMap<FileId, FileId>,
    /// How many entries of a layer were for a path that the same layer had before.
    duplicates: usize,
    /// How many hard links lead to nothing.
    dangling: usize,
    charge: Charge,
}

impl Merged {
    fn layer_of(&self, id: FileId) -> usize {
        self.starts.partition_point(|&start| start <= id) - 1
    }

    /// Returns the list that a file is in, and where.
    fn find<'l>(&self, layers: &'l [Arc<Listing>], id: FileId) -> Option<(&'l Listing, usize)> {
        let layer = (id < IMPLIED).then(|| self.layer_of(id))?;
        Some((&layers[layer], (id - self.starts[layer]) as usize))
    }

    /// Counts, for each layer, the bytes that nobody sees.
    fn count_hidden(&mut self) {
        let count = *self.starts.last().expect("it starts with one") as usize;
        // Contents that are still seen by some name.
        let mut seen = vec![false; count];
        for slot in self.slots.iter().filter(|slot| slot.inode < IMPLIED && slot.file < IMPLIED) {
            seen[slot.inode as usize] = true;
        }
        // A file of several names is gone when the last of them is.
        let mut hidden = std::mem::take(&mut self.hidden);
        hidden.sort_unstable_by_key(|lost| Reverse((lost.inode, lost.by, lost.fate)));
        hidden.dedup_by_key(|lost| lost.inode);
        hidden.retain(|lost| {
            let size = self.find(&self.layers, lost.inode).map_or(0, |(listing, index)| listing.files()[index].size());
            let counts = size > 0 && !seen[lost.inode as usize];
            if counts {
                let layer = self.layer_of(lost.inode);
                self.tallies[layer].hidden = self.tallies[layer].hidden.saturating_add(size);
            }
            counts
        });
        self.hidden = hidden;
    }

    /// Returns the files with contents that nobody sees, in no order that means something.
    pub(crate) fn hidden(&self) -> impl Iterator<Item = Hidden<'_>> {
        self.hidden.iter().filter_map(|lost| {
            let (listing, index) = self.find(&self.layers, lost.inode)?;
            let file = &listing.files()[index];
            Some(Hidden { file, layer: self.layer_of(lost.inode), by: lost.by as usize, fate: lost.fate })
        })
    }

    /// Returns what each layer did, bottom first.
    pub(crate) fn tallies(&self) -> &[Tally] {
        &self.tallies
    }

    /// Returns how many entries were for a path that their own layer had before, directories apart.
    pub(crate) fn duplicates(&self) -> usize {
        self.duplicates
    }

    /// Returns how many hard links lead to nothing.
    pub(crate) fn dangling(&self) -> usize {
        self.dangling
    }

    /// Returns what is at a path.
    pub(crate) fn get(&self, path: PathId) -> Option<Visible<'_>> {
        let slot = self.slots.get(path.index()).filter(|slot| slot.file != ABSENT)?;
        let implied = slot.file == IMPLIED;
        let link = if implied { None } else { self.relabelled.get(&slot.inode) };
        Some(Visible {
            path,
            layer: if implied { slot.inode as usize } else { self.layer_of(slot.file) },
            entry: if implied { None } else { self.find(&self.layers, slot.inode) },
            link: link.and_then(|&link| self.find(&self.layers, link)),
            inode: slot.inode,
        })
    }

    /// Returns the files that have several names, by [`Visible::inode`].
    pub(crate) fn linked(&self) -> HashSet<u32> {
        let links = self.slots.iter().filter(|slot| slot.file < IMPLIED && slot.file != slot.inode);
        links.map(|slot| slot.inode).collect()
    }

    /// Returns the paths in a directory, in no order.
    pub(crate) fn children(&self, path: PathId) -> impl Iterator<Item = PathId> {
        let first = self.slots.get(path.index()).map_or(END, |slot| slot.first);
        let next = |&at: &u32| Some(self.slots[at as usize].next).filter(|&next| next != END);
        std::iter::successors(Some(first).filter(|&first| first != END), next)
            .filter(|&at| self.slots[at as usize].file != ABSENT)
            .map(|at| PathId::new(at as usize))
    }

    /// Returns all files but the root, each directory before what is in it, sorted by name.
    pub(crate) fn files<'m>(&'m self, paths: &'m Paths) -> impl Iterator<Item = Visible<'m>> {
        let mut todo = vec![PathId::ROOT];
        std::iter::from_fn(move || {
            let path = todo.pop()?;
            let from = todo.len();
            todo.extend(self.children(path));
            todo[from..].sort_unstable_by(|&a, &b| paths.name(b).cmp(paths.name(a)));
            self.get(path)
        })
        .skip(1)
    }
}

#[cfg(test)]
mod tests;
