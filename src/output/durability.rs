//! Whether a result outlasts a power failure.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::io::Errno;

/// When the disk gets a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// From the start, and all of it before it has its name.
    Synced,
    /// When the kernel finds it time.
    Unsynced,
}

impl Durability {
    /// Returns what is wanted of results.
    pub(super) fn wanted(sync: bool) -> Self {
        if sync { Self::Synced } else { Self::Unsynced }
    }

    /// Waits until the disk has a file.
    pub(super) fn sync(self, file: &File) -> io::Result<()> {
        match self {
            Self::Synced => file.sync_all(),
            Self::Unsynced => Ok(()),
        }
    }
}

/// A folder that was opened before something in it got its name, so that nothing is left to fail afterwards but the sync
/// that makes the name outlast a crash.
pub(super) struct Folder(File);

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        File::open(path).map(Self)
    }

    pub(super) fn sync(&self, durability: Durability) -> io::Result<()> {
        match durability.sync(&self.0) {
            // Some file systems do not know it.
            Err(e) if matches!(Errno::from_io_error(&e), Some(Errno::INVAL | Errno::OPNOTSUPP)) => Ok(()),
            other => other,
        }
    }
}
