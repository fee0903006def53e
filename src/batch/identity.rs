//! How files and folders are known again without reading them.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

/// How a source or a result is known again without reading it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    size: u64,
    /// Seconds and nanoseconds.
    mtime: (i64, i64),
}

impl Identity {
    /// Returns how a file or folder is known now; `None` when nothing is there.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        let time = |metadata: &Metadata| (metadata.mtime(), metadata.mtime_nsec());
        let mut known = Self { size: metadata.len(), mtime: time(&metadata) };
        if metadata.is_dir() {
            // The youngest of all that is in it: a file that is written again leaves its folder's time as it is.
            known.size = 0;
            for metadata in WalkDir::new(path).into_iter().flatten().filter_map(|entry| entry.metadata().ok()) {
                known.size += if metadata.is_file() { metadata.len() } else { 0 };
                known.mtime = known.mtime.max(time(&metadata));
            }
        }
        Some(known)
    }

    /// Returns how something is known of which nothing but the size is.
    pub(super) fn sized(size: u64) -> Self {
        Self { size, mtime: (0, 0) }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_folder_is_another_one_when_anything_in_it_is() {
        let temp = tempfile::tempdir().unwrap();
        let inner = temp.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("c"), "text").unwrap();
        let known = Identity::of(temp.path()).unwrap();
        assert_eq!((known.size(), Some(&known)), (4, Identity::of(temp.path()).as_ref()));
        let later = SystemTime::now() + Duration::from_secs(5);
        fs::File::options().write(true).open(inner.join("c")).unwrap().set_modified(later).unwrap();
        assert_ne!(Some(known), Identity::of(temp.path()));
        assert_eq!(Identity::of(&inner.join("absent")), None);
    }
}
