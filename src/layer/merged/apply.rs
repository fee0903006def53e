//! Putting layers over one another, bottom first.

use std::collections::HashMap;
use std::sync::Arc;

use super::{ABSENT, END, Fate, FileId, IMPLIED, LOOSE, Lost, Merged, NOTHING, Slot, Tally};
use crate::error::Result;
use crate::layer::entry::FileKind;
use crate::layer::listing::{Catalog, File, Listing};
use crate::layer::paths::{PathId, Paths};
use crate::limits::exceeded;

impl Catalog {
    /// Merges layers, bottom first.
    ///
    /// # Errors
    ///
    /// The limit `file-list-bytes`.
    pub(crate) fn merge(&self, layers: Vec<Arc<Listing>>) -> Result<Merged> {
        let mut starts = vec![0];
        let mut files = 0;
        for layer in &layers {
            files += layer.files().len();
            let count = u32::try_from(files).ok().filter(|&count| count < IMPLIED);
            starts.push(count.ok_or_else(|| exceeded("file-list-bytes", "too many files"))?);
        }
        let mut merged = Merged {
            starts,
            slots: Vec::new(),
            tallies: vec![Tally::default(); layers.len()],
            hidden: Vec::new(),
            relabelled: HashMap::new(),
            duplicates: 0,
            dangling: 0,
            charge: self.open_charge(),
            layers: Vec::new(),
        };
        self.with_paths(|paths| {
            merged.charge.take(paths.len() * size_of::<Slot>())?;
            merged.slots.resize(paths.len(), NOTHING);
            merged.slots[PathId::ROOT.index()] = Slot { file: IMPLIED, inode: 0, ..NOTHING };
            for (number, layer) in layers.iter().enumerate() {
                let number = u32::try_from(number).expect("an image has fewer layers");
                let (removed, gone) = (Vec::new(), Vec::new());
                Merging { merged: &mut merged, paths, layers: &layers, number, removed, gone }.apply(layer)?;
            }
            Ok(())
        })?;
        merged.layers = layers;
        merged.count_hidden();
        Ok(merged)
    }
}

/// One layer on its way into the tree.
struct Merging<'m> {
    merged: &'m mut Merged,
    paths: &'m Paths,
    layers: &'m [Arc<Listing>],
    number: u32,
    /// What its whiteouts removed.
    removed: Vec<PathId>,
    /// Files that were at a path before it, and the path.
    gone: Vec<(FileId, PathId)>,
}

impl Merging<'_> {
    /// Whiteouts come first: they concern the layers below only, wherever they stand in the tar.
    fn apply(&mut self, layer: &Listing) -> Result<()> {
        let mut removed = Vec::new();
        for &path in layer.whiteouts() {
            self.remove(path, &mut removed)?;
        }
        for &folder in layer.opaque() {
            self.empty(folder, &mut removed)?;
        }
        self.removed = removed;
        for (index, file) in layer.files().iter().enumerate() {
            self.put(index, file)?;
        }
        self.settle_replaced();
        self.settle_gone();
        Ok(())
    }

    fn slot(&self, path: PathId) -> Slot {
        self.merged.slots[path.index()]
    }

    fn slot_mut(&mut self, path: PathId) -> &mut Slot {
        &mut self.merged.slots[path.index()]
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.merged.tallies[self.number as usize]
    }

    fn is_directory(&self, slot: Slot) -> bool {
        let kind = |(listing, index): (&Listing, usize)| listing.files()[index].kind;
        slot.file == IMPLIED || self.merged.find(self.layers, slot.file).map(kind) == Some(FileKind::Directory)
    }

    /// Tells whether this layer put it there.
    fn is_own(&self, slot: Slot) -> bool {
        match slot.file {
            ABSENT => false,
            IMPLIED => slot.inode == self.number,
            file => file >= self.merged.starts[self.number as usize],
        }
    }

    /// Puts a file to its path, over whatever is there.
    fn put(&mut self, index: usize, file: &File) -> Result<()> {
        if file.path == PathId::ROOT && file.kind != FileKind::Directory {
            // Nothing but a directory can be the root of a file system.
            return Ok(());
        }
        let id = self.merged.starts[self.number as usize] + u32::try_from(index).expect("files are counted in 32 bits");
        // Sparse files can claim any size.
        let tally = self.tally();
        tally.bytes = tally.bytes.saturating_add(file.size());
        let mut inode = id;
        if let Some(target) = file.linked().map(|target| self.slot(target)) {
            if target.file == ABSENT || self.is_directory(target) {
                self.merged.dangling += 1;
            } else {
                inode = target.inode;
                self.relabel(inode, id)?;
            }
        }
        self.make_way(self.paths.parent(file.path))?;
        let old = self.slot(file.path);
        let directories = self.is_directory(old) && file.kind == FileKind::Directory;
        let own = self.is_own(old);
        self.merged.duplicates += usize::from(own && old.file != IMPLIED && !directories);
        if old.file == ABSENT {
            self.link(file.path);
            self.tally().added += 1;
        } else if directories {
            let changed = old.file != IMPLIED && !self.same_directory(old.file, id);
            self.tally().changed += usize::from(changed && !own);
        } else {
            if self.is_directory(old) {
                self.empty(file.path, &mut Vec::new())?;
            } else {
                self.hide(file.path)?;
            }
            self.tally().changed += usize::from(!own);
        }
        let slot = self.slot_mut(file.path);
        (slot.file, slot.inode) = (id, inode);
        Ok(())
    }

    /// Notes that a file has the mode, owner and time of a hard link to it.
    fn relabel(&mut self, inode: FileId, link: FileId) -> Result<()> {
        let last = self.merged.relabelled.get(&inode).copied().unwrap_or(inode);
        let attributes = |id: FileId| {
            let (listing, index) = self.merged.find(self.layers, id)?;
            let file = &listing.files()[index];
            Some((file.mode, file.uid, file.gid, file.mtime()))
        };
        if attributes(last) != attributes(link) {
            self.merged.charge.take(2 * size_of::<(FileId, FileId)>())?;
            self.merged.relabelled.insert(inode, link);
        }
        Ok(())
    }

    fn same_directory(&self, a: FileId, b: FileId) -> bool {
        let attributes = |id: FileId| {
            let (listing, index) = self.merged.find(self.layers, id)?;
            let file = &listing.files()[index];
            Some((file.mode, file.uid, file.gid, listing.xattrs(index)))
        };
        attributes(a) == attributes(b)
    }

    /// Sees to it that there is a directory at a path, and at all above it. What is no directory gives way, as in
    /// docker's overlay store; containerd writes through a symbolic link that is there.
    fn make_way(&mut self, path: PathId) -> Result<()> {
        let mut at = path;
        let mut todo = Vec::new();
        while !self.is_directory(self.slot(at)) {
            todo.push(at);
            at = self.paths.parent(at);
        }
        for &folder in todo.iter().rev() {
            if self.slot(folder).file == ABSENT {
                self.link(folder);
                self.tally().added += 1;
            } else {
                self.hide(folder)?;
                self.tally().changed += 1;
            }
            let number = self.number;
            let slot = self.slot_mut(folder);
            (slot.file, slot.inode) = (IMPLIED, number);
        }
        Ok(())
    }

    /// Puts a path into its directory's list of children.
    fn link(&mut self, path: PathId) {
        if self.slot(path).next != LOOSE {
            return;
        }
        let own = u32::try_from(path.index()).expect("paths are counted in 32 bits");
        let folder = self.paths.parent(path);
        let next = std::mem::replace(&mut self.slot_mut(folder).first, own);
        self.slot_mut(path).next = next;
    }

    /// Takes away what is at a path, and all below it; notes what it was.
    fn remove(&mut self, path: PathId, removed: &mut Vec<PathId>) -> Result<()> {
        self.empty(path, removed)?;
        if self.slot(path).file != ABSENT && path != PathId::ROOT {
            self.hide(path)?;
            self.tally().removed += 1;
            removed.push(path);
            let slot = self.slot_mut(path);
            (slot.file, slot.inode) = (ABSENT, ABSENT);
        }
        Ok(())
    }

    /// Takes away all that is below a path; notes what it was.
    fn empty(&mut self, path: PathId, removed: &mut Vec<PathId>) -> Result<()> {
        let mut todo = vec![std::mem::replace(&mut self.slot_mut(path).first, END)];
        while let Some(child) = todo.pop() {
            if child == END {
                continue;
            }
            let child = PathId::new(child as usize);
            let Slot { file, first, next, .. } = self.slot(child);
            todo.push(next);
            todo.push(first);
            if file != ABSENT {
                self.hide(child)?;
                self.tally().removed += 1;
                removed.push(child);
            }
            *self.slot_mut(child) = NOTHING;
        }
        Ok(())
    }

    /// Notes that the file at a path is no longer to be seen; directories have nothing to hide.
    fn hide(&mut self, path: PathId) -> Result<()> {
        let slot = self.slot(path);
        if !self.is_directory(slot) {
            self.merged.charge.take(size_of::<Lost>() + size_of::<(FileId, PathId)>())?;
            self.gone.push((slot.inode, path));
        }
        Ok(())
    }

    /// What this layer's whiteouts removed and its files put there again was overwritten.
    fn settle_replaced(&mut self) {
        let again = self.removed.iter().filter(|&&path| self.slot(path).file != ABSENT).count();
        let tally = self.tally();
        (tally.removed, tally.added) = (tally.removed - again, tally.added - again);
        tally.changed += again;
    }

    /// Says what became of files by what this layer has at their paths in the end.
    fn settle_gone(&mut self) {
        for (inode, path) in std::mem::take(&mut self.gone) {
            let slot = self.slot(path);
            let fate = match slot.file {
                ABSENT => Fate::Removed,
                // A directory that nobody wrote has no contents, and its inode is no file's.
                IMPLIED => Fate::Overwritten,
                _ if self.same_contents(inode, slot.inode) => Fate::Repeated,
                _ => Fate::Overwritten,
            };
            self.merged.hidden.push(Lost { inode, by: self.number, fate });
        }
    }

    /// Tells whether both are files of the same bytes, as far as their contents were hashed.
    fn same_contents(&self, a: FileId, b: FileId) -> bool {
        let digest = |id| self.merged.find(self.layers, id).and_then(|(list, index)| list.digest(&list.files()[index]));
        digest(a).is_some() && digest(a) == digest(b)
    }
}
