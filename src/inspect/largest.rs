//! The largest of many files, within the limit on memory for lists of files.

use std::cmp::Reverse;

use super::files::ListedFile;
use crate::error::Result;
use crate::layer::{Charge, PathId};
use crate::top::Top;

/// What a file is kept as.
pub(super) trait Weight {
    /// Bytes that it takes beside itself.
    fn weight(&self) -> usize;
}

/// A file of a layer that is not listed.
impl Weight for Box<ListedFile> {
    fn weight(&self) -> usize {
        /// What allocations take beside what is asked for.
        const OVERHEAD: usize = 48;
        let link = self.link.as_ref().map_or(0, String::capacity);
        size_of::<ListedFile>() + self.path.capacity() + link + OVERHEAD
    }
}

/// A file of a tree, whose names are in memory already.
impl Weight for PathId {
    fn weight(&self) -> usize {
        0
    }
}

/// The largest files seen so far; of equal ones those that came first.
pub(super) struct Largest<F> {
    top: Top<(Reverse<u64>, usize), F>,
    seen: usize,
    charge: Charge,
}

impl<F: Weight> Largest<F> {
    pub(super) fn new(keep: usize, charge: Charge) -> Self {
        Self { top: Top::new(keep), seen: 0, charge }
    }

    /// Fails with the limit `file-list-bytes`.
    pub(super) fn add(&mut self, size: u64, file: F) -> Result<()> {
        self.charge.take(cost(&file))?;
        self.seen += 1;
        if let Some(dropped) = self.top.add((Reverse(size), self.seen), file) {
            self.charge.give_back(cost(&dropped));
        }
        Ok(())
    }

    pub(super) fn sorted(self) -> impl Iterator<Item = F> {
        self.top.sorted()
    }
}

/// What a file takes, where the memory for many grows by doubling.
fn cost<F: Weight>(file: &F) -> usize {
    2 * size_of::<(u64, usize, F)>() + file.weight()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Catalog;
    use crate::limits::Limits;

    impl Weight for &str {
        fn weight(&self) -> usize {
            self.len()
        }
    }

    #[test]
    fn what_is_kept_counts_and_what_is_dropped_does_not() {
        let files = [(3, "c"), (1, "a"), (3, "other c"), (7, "g"), (0, "none")];
        let kept = |keep: usize, bytes: usize| {
            let limits = Limits { file_list_bytes: bytes as u64, ..Limits::default() };
            let mut largest = Largest::new(keep, Catalog::new(&limits).open_charge());
            files.iter().try_for_each(|&(size, name)| largest.add(size, name))?;
            Ok(largest.sorted().collect::<Vec<_>>())
        };
        let one = cost(&"other c");
        assert_eq!(kept(0, one).unwrap(), [""; 0]);
        assert_eq!(kept(2, 3 * one).unwrap(), ["g", "c"]);
        assert_eq!(kept(9, 5 * one).unwrap(), ["g", "c", "other c", "a", "none"]);
        let error: crate::Error = kept(9, 3 * one).unwrap_err();
        assert!(error.advice().unwrap().contains("--limit file-list-bytes="));
    }
}
