//! Memory for lists of files, which an archive must not take without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Result;
use crate::limits::{Limits, exceeded};

/// Bytes that all lists together may still take.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    left: Arc<AtomicU64>,
    limit: u64,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { left: Arc::new(AtomicU64::new(limits.file_list_bytes)), limit: limits.file_list_bytes }
    }

    /// Starts a list that gives back what it took.
    pub(super) fn open(&self) -> Charge {
        Charge { budget: self.clone(), taken: 0 }
    }
}

/// What one list took.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Budget,
    taken: u64,
}

impl Charge {
    /// Takes so many bytes; an error when there are no more.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<()> {
        let bytes = bytes as u64;
        let take = |left: u64| left.checked_sub(bytes);
        match self.budget.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => {
                self.taken += bytes;
                Ok(())
            }
            Err(_) => {
                let message = format!("too many files: a list of them takes more than {} bytes", self.budget.limit);
                Err(exceeded("file-list-bytes", message))
            }
        }
    }

    /// Gives back so many of the bytes that were taken.
    pub(crate) fn give_back(&mut self, bytes: usize) {
        let bytes = (bytes as u64).min(self.taken);
        self.taken -= bytes;
        self.budget.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_share_one_limit_and_give_back_what_they_took() {
        let limits = Limits { file_list_bytes: 100, ..Limits::default() };
        let budget = Budget::new(&limits);
        let (mut a, mut b) = (budget.open(), budget.open());
        a.take(60).unwrap();
        b.take(40).unwrap();
        assert!(b.take(1).unwrap_err().advice().unwrap().contains("file-list-bytes"));
        drop(a);
        b.take(60).unwrap();
        assert!(b.take(1).is_err());
        b.give_back(1);
        b.take(1).unwrap();
        drop(b);
        budget.open().take(100).unwrap();
    }
}
