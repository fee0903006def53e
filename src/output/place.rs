//! Room for one file of a result.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};

/// Where a file of the result goes: part of a tar, or a file of its own that is made when the first byte comes, so that
/// places can be reserved by the thousand.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    kind: Kind,
    /// The result's name, for messages.
    subject: Arc<str>,
}

#[derive(Clone, Debug)]
enum Kind {
    Tar { file: Arc<File>, offset: u64, turn: Arc<Mutex<()>> },
    New(PathBuf),
}

impl Place {
    pub(super) fn in_tar(file: Arc<File>, offset: u64, turn: Arc<Mutex<()>>, subject: Arc<str>) -> Self {
        Self { kind: Kind::Tar { file, offset, turn }, subject }
    }

    pub(super) fn new_file(path: PathBuf, subject: Arc<str>) -> Self {
        Self { kind: Kind::New(path), subject }
    }

    pub(crate) fn fill(&self) -> Result<Filling> {
        let (file, position, turn) = match &self.kind {
            Kind::Tar { file, offset, turn } => (Arc::clone(file), *offset, Some(Arc::clone(turn))),
            Kind::New(path) => {
                let made = File::create_new(path).map_err(|e| self.failed("cannot make a file", e))?;
                (Arc::new(made), 0, None)
            }
        };
        Ok(Filling { place: self.clone(), file, position, turn })
    }

    fn failed(&self, doing: &str, cause: std::io::Error) -> Error {
        Error::io(doing, cause).within(self.subject.to_string())
    }
}

/// Writes a place from its start to its end.
#[derive(Debug)]
pub(crate) struct Filling {
    place: Place,
    file: Arc<File>,
    position: u64,
    /// Threads that write one file at once spin on the kernel's lock; they wait here instead.
    turn: Option<Arc<Mutex<()>>>,
}

impl Filling {
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let _turn = self.turn.as_ref().map(|turn| turn.lock().unwrap_or_else(PoisonError::into_inner));
        self.file.write_all_at(bytes, self.position).map_err(|e| self.place.failed("cannot write", e))?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Ends a file of its own; a tar is synced as a whole.
    pub(crate) fn finish(self) -> Result<()> {
        match self.place.kind {
            Kind::Tar { .. } => Ok(()),
            Kind::New(_) => self.file.sync_all().map_err(|e| self.place.failed("cannot write", e)),
        }
    }
}
