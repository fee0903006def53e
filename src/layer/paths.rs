//! Paths of files, each held once: a path is its directory's path and its own name.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::budget::{Budget, Charge};
use crate::error::Result;
use crate::limits::exceeded;

/// A path among those of the same [`Paths`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PathId(u32);

impl PathId {
    /// The root of the image.
    pub(crate) const ROOT: Self = Self(0);

    pub(super) fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("paths are counted when they are added"))
    }

    /// Returns its number, from 0.
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a path takes beside its name: two numbers here, and its place in a table that is half full.
const COST: usize = 8 + 10;

/// Cleaned paths of files, whatever layers they are in.
#[derive(Debug)]
pub(crate) struct Paths {
    /// By path; the root is its own.
    parents: Vec<PathId>,
    /// By path: where its name ends among the names. It starts where the last one ends.
    ends: Vec<u32>,
    names: Vec<u8>,
    known: HashTable<PathId>,
    hasher: RandomState,
    charge: Charge,
}

impl Paths {
    pub(super) fn new(budget: &Budget) -> Self {
        Self {
            parents: vec![PathId::ROOT],
            ends: vec![0],
            names: Vec::new(),
            known: HashTable::new(),
            hasher: RandomState::new(),
            charge: budget.open(),
        }
    }

    /// Returns the number of paths; all ids are below it.
    pub(crate) fn len(&self) -> usize {
        self.parents.len()
    }

    /// Returns the path with these parts below a directory, which is added with all above it where it is new.
    pub(super) fn add(&mut self, parts: &[&[u8]]) -> Result<PathId> {
        let mut path = PathId::ROOT;
        for part in parts {
            path = self.child(path, part)?;
        }
        Ok(path)
    }

    fn child(&mut self, parent: PathId, name: &[u8]) -> Result<PathId> {
        let hash = self.hasher.hash_one((parent, name));
        let same = |&id: &PathId| self.parent(id) == parent && self.name(id) == name;
        if let Some(&known) = self.known.find(hash, same) {
            return Ok(known);
        }
        self.charge.take(COST + name.len())?;
        let too_many = |_| exceeded("file-list-bytes", "too many files");
        let id = PathId(u32::try_from(self.parents.len()).map_err(too_many)?);
        let end = u32::try_from(self.names.len() + name.len()).map_err(too_many)?;
        self.names.extend_from_slice(name);
        self.ends.push(end);
        self.parents.push(parent);
        let Self { known, hasher, parents, ends, names, .. } = self;
        let rehash = |&id: &PathId| hasher.hash_one((parents[id.index()], name_of(ends, names, id)));
        known.insert_unique(hash, id, rehash);
        Ok(id)
    }

    /// Returns the directory that it is in; the root's is the root.
    pub(crate) fn parent(&self, id: PathId) -> PathId {
        self.parents[id.index()]
    }

    /// Returns its last part; nothing for the root.
    pub(crate) fn name(&self, id: PathId) -> &[u8] {
        name_of(&self.ends, &self.names, id)
    }

    /// Returns the whole path from the root, without a slash before it.
    pub(crate) fn path(&self, id: PathId) -> Vec<u8> {
        let mut parts = Vec::new();
        let mut at = id;
        while at != PathId::ROOT {
            parts.push(self.name(at));
            at = self.parent(at);
        }
        parts.reverse();
        parts.join(&b'/')
    }
}

fn name_of<'n>(ends: &[u32], names: &'n [u8], id: PathId) -> &'n [u8] {
    let start = id.index().checked_sub(1).map_or(0, |before| ends[before]);
    &names[start as usize..ends[id.index()] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn a_path_is_held_once() {
        let mut paths = Paths::new(&Budget::new(&Limits::default()));
        let mut add = |path: &str| paths.add(&path.split('/').map(str::as_bytes).collect::<Vec<_>>()).unwrap();
        let ids: Vec<_> = (0..1000).map(|i| add(&format!("d{}/e/f{i}", i % 7))).collect();
        let again: Vec<_> = (0..1000).map(|i| add(&format!("d{}/e/f{i}", i % 7))).collect();
        assert_eq!(ids, again);
        assert_eq!(paths.len(), 1 + 7 + 7 + 1000);
        assert_eq!(paths.path(ids[500]), b"d3/e/f500");
        assert_eq!(paths.path(PathId::ROOT), b"");
        assert_eq!(paths.add(&[]).unwrap(), PathId::ROOT);
    }
}
