//! Which names a layer has had so far: for telling duplicates and dangling hard links without keeping the names.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::budget::Charge;
use super::entry::{Entry, FileKind};
use super::listing::Catalog;
use super::names::clean;
use super::problem::Fault;
use crate::error::Result;

/// What a name takes: its hash, in a table that is half full.
const COST: usize = 20;

/// Hashes of names. Two names in a million million million share one, and nobody can choose them.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The last bit says whether it is a directory.
    hashes: HashTable<u64>,
    hasher: RandomState,
    charge: Charge,
}

impl Catalog {
    /// Starts a set of names, which counts for the same limit as the lists.
    pub(crate) fn seen(&self) -> Seen {
        Seen { hashes: HashTable::new(), hasher: RandomState::new(), charge: self.open_charge() }
    }
}

impl Seen {
    /// Adds an entry; tells what is wrong with it beside those before it.
    ///
    /// # Errors
    ///
    /// The limit `file-list-bytes`.
    pub(crate) fn add(&mut self, entry: &Entry) -> Result<Vec<Fault>> {
        let mut faults = Vec::new();
        let directory = u64::from(entry.kind == FileKind::Directory);
        let hash = self.hash(&entry.path);
        if self.has(hash) || (self.has(hash | 1) && directory == 0) {
            faults.push(Fault::Duplicate);
        }
        if entry.kind == FileKind::HardLink && !self.has(self.hash(&entry.link)) {
            faults.push(Fault::DanglingHardLink);
        }
        if !self.has(hash | directory) {
            self.charge.take(COST)?;
            self.hashes.insert_unique(hash, hash | directory, |&known| known & !1);
        }
        Ok(faults)
    }

    fn hash(&self, name: &[u8]) -> u64 {
        self.hasher.hash_one(clean(name).parts) & !1
    }

    fn has(&self, marked: u64) -> bool {
        self.hashes.find(marked & !1, |&known| known == marked).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::{Time, Xattrs};
    use super::*;
    use crate::limits::Limits;

    fn entry(kind: FileKind, path: &str, link: &str) -> Entry {
        Entry {
            offset: 0,
            path: path.into(),
            kind,
            size: 0,
            mode: 0,
            uid: 0,
            gid: 0,
            user: Vec::new(),
            group: Vec::new(),
            mtime: Time::default(),
            link: link.into(),
            device: None,
            xattrs: Xattrs::new(),
        }
    }

    #[test]
    fn duplicates_and_dangling_hard_links_are_told() {
        use FileKind::{Directory, File, HardLink};
        let mut limits = Limits::default();
        limits.file_list_bytes = 100;
        let mut seen = Catalog::new(&limits).seen();
        for (kind, path, link, want) in [
            (Directory, "d", "", vec![]),
            (Directory, "./d/", "", vec![]),
            (File, "d", "", vec![Fault::Duplicate]),
            (Directory, "d", "", vec![Fault::Duplicate]),
            (File, "a", "", vec![]),
            (File, "/a", "", vec![Fault::Duplicate]),
            (HardLink, "b", "a", vec![]),
            (HardLink, "c", "e", vec![Fault::DanglingHardLink]),
        ] {
            assert_eq!(seen.add(&entry(kind, path, link)).unwrap(), want, "{path}");
        }
        assert!(seen.add(&entry(File, "f", "")).unwrap_err().advice().unwrap().contains("file-list-bytes"));
    }
}
