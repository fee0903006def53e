//! How many bytes are at and below each path of a merged tree.

use std::collections::HashSet;

use crate::context::Cancel;
use crate::error::Result;
use crate::layer::{Charge, FileKind, Merged, PathId, Paths};

/// A merged tree with the bytes of each path. Memory is counted as long as it is there.
#[derive(Debug)]
pub(super) struct Sums<'m> {
    pub(super) merged: &'m Merged,
    pub(super) paths: &'m Paths,
    /// All paths but the root, each directory before what is in it, sorted by name.
    pub(super) order: Vec<PathId>,
    /// By path.
    at: Vec<Sum>,
    pub(super) directories: usize,
    /// What is neither a directory nor the first name of a regular file.
    pub(super) others: usize,
    pub(super) charge: Charge,
}

/// Of the regular files at and below a path, each counted once, by its first name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    pub(super) bytes: u64,
    pub(super) files: u32,
}

impl Sum {
    pub(super) fn add(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.files += other.files;
    }
}

impl<'m> Sums<'m> {
    /// Fails with the limit `file-list-bytes`.
    pub(super) fn new(merged: &'m Merged, paths: &'m Paths, mut charge: Charge, cancel: &Cancel) -> Result<Self> {
        charge.take(paths.len() * (size_of::<Sum>() + size_of::<PathId>()))?;
        let mut order = Vec::with_capacity(paths.len());
        let mut at = vec![Sum::default(); paths.len()];
        let (mut directories, mut others) = (0, 0);
        let linked = merged.linked();
        let mut counted = HashSet::new();
        for file in merged.files(paths) {
            cancel.check()?;
            order.push(file.path);
            match file.file().filter(|of| of.kind == FileKind::File) {
                Some(of) if !linked.contains(&file.inode()) || counted.insert(file.inode()) => {
                    at[file.path.index()] = Sum { bytes: of.size(), files: 1 };
                }
                _ if file.kind() == FileKind::Directory => directories += 1,
                _ => others += 1,
            }
        }
        for &path in order.iter().rev() {
            let own = at[path.index()];
            at[paths.parent(path).index()].add(own);
        }
        Ok(Self { merged, paths, order, at, directories, others, charge })
    }

    pub(super) fn of(&self, path: PathId) -> Sum {
        self.at[path.index()]
    }

    /// Lists the regular files in the order of their paths, each once: number in that order, path.
    pub(super) fn files(&self) -> impl Iterator<Item = (usize, PathId)> {
        let counted = |&(_, path): &(usize, PathId)| self.is_file(path) && self.of(path).files > 0;
        self.order.iter().copied().enumerate().filter(counted)
    }

    pub(super) fn is_file(&self, path: PathId) -> bool {
        self.merged.get(path).is_some_and(|file| file.kind() == FileKind::File)
    }

    /// Returns the number of the layer that the file at a path is from.
    pub(super) fn layer(&self, path: PathId) -> usize {
        self.merged.get(path).map_or(1, |file| file.layer + 1)
    }
}
