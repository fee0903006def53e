//! Where a result goes. It appears whole at its final name, or not at all: everything is written beside it under
//! another name, synced (unless that is not wanted) and renamed. A writer that is dropped before `seal` leaves nothing behind.

mod device;
mod dir;
mod durability;
mod pending;
mod place;
mod staged;
mod tar;
mod tar_header;
mod whole;

pub(crate) use place::{Filled, Filling, Place};
pub(crate) use staged::Staged;
pub use whole::{ByteSink, write_whole};

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::plan::JobId;
use crate::tree::Container;
use durability::{Durability, Folder};

/// Where the result is written.
pub enum Output {
    /// A file or folder that is not there yet (or may be replaced, see [`ConvertOptions`](crate::ConvertOptions)).
    Path(PathBuf),
    /// A stream, and what to call it in messages. It receives the archive after all of it was verified; until then the
    /// archive is in a temporary file.
    Stream(Box<dyn Write + Send>, String),
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Output({})", self.name())
    }
}

impl Output {
    /// Returns what to call it in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Stream(_, name) => name.clone(),
        }
    }

    /// Returns the folder that holds the result.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(parent(path)),
            Self::Stream(..) => None,
        }
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// One member of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Permissions in a tar's header.
    pub(crate) mode: u32,
    pub(crate) body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Directory,
    Symlink(String),
    Bytes(Arc<[u8]>),
    /// What this job makes of its blob.
    Job(JobId),
}

impl Body {
    pub(crate) fn text(text: &str) -> Self {
        Self::Bytes(text.as_bytes().into())
    }
}

/// Builds a result, member after member.
pub(crate) trait Writer: Send {
    fn directory(&mut self, name: &str, mode: u32) -> Result<()>;

    fn symlink(&mut self, name: &str, mode: u32, target: &str) -> Result<()>;

    /// Reserves room for a file, to be filled from any thread. In a tar nothing larger goes into it.
    fn place(&mut self, name: &str, mode: u32, size: u64) -> Result<Place>;

    /// Opens the end of the result for a file whose name or size is not known yet. `like` is a name as long as the one
    /// that it will get. [`close`](Self::close) or [`discard`](Self::discard) must follow before anything else.
    fn open(&mut self, like: &str) -> Result<Place>;

    /// Gives the opened file its name and size.
    fn close(&mut self, name: &str, mode: u32, size: u64) -> Result<()>;

    /// Takes the opened file back, as if it had never been.
    fn discard(&mut self) -> Result<()>;

    /// Returns where the result ends now.
    fn mark(&self) -> Mark;

    /// Takes back what was added since, because it did not fit where it was put.
    fn rewind(&mut self, mark: Mark) -> Result<()>;

    /// Makes the result visible; returns its size in bytes.
    fn seal(self: Box<Self>) -> Result<u64>;
}

/// The end of a result in the making.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(u64);

/// What to do with a result that is there already.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Existing {
    Refuse,
    Replace,
    /// Put the new files beside the old ones, and in place of this one what `merge` makes of the old and the new.
    Add {
        index: &'static str,
        merge: Merge,
    },
}

/// Makes one file of the one that is there, if there is, and the new one.
pub(crate) type Merge = fn(Option<&[u8]>, &[u8], &Limits) -> Result<Vec<u8>>;

/// Starts a result.
pub(crate) fn create(
    output: Output,
    container: Container,
    existing: Existing,
    cx: &Context<'_>,
) -> Result<Box<dyn Writer>> {
    match (container, output) {
        (Container::Tar, output) => Ok(Box::new(tar::TarWriter::create(output, existing, cx)?)),
        (Container::Folder, Output::Path(path)) => Ok(Box::new(dir::DirWriter::create(&path, existing, cx)?)),
        (Container::Folder, Output::Stream(_, name)) => {
            Err(Error::usage("a folder cannot be written to a stream").within(name))
        }
    }
}

/// Fails when there is something at this path that is in the way.
pub(crate) fn check(path: &Path, container: Container, existing: Existing) -> Result<()> {
    if container == Container::Tar && path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(Error::usage("a folder's name, where a file is to be written").within(path.display().to_string()));
    }
    match (existing, container) {
        (Existing::Refuse, _) => check_absent(path, container),
        (Existing::Replace, Container::Tar) if path.is_dir() => {
            let error = Error::new(ErrorKind::Exists, "a folder is there, which no file replaces");
            Err(error.within(path.display().to_string()))
        }
        (Existing::Replace, Container::Tar) => Ok(()),
        (Existing::Replace, Container::Folder) => check_absent(path, container).or_else(|_| dir::check_ours(path)),
        (Existing::Add { .. }, _) => check_absent(path, container).or_else(|_| dir::check_layout(path)),
    }
}

fn check_absent(path: &Path, container: Container) -> Result<()> {
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return Ok(()) };
    let empty_folder = || std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    let fillable = match container {
        Container::Tar => is_device(&metadata) || std::fs::metadata(path).is_ok_and(|target| is_device(&target)),
        Container::Folder => metadata.is_dir() && empty_folder(),
    };
    if fillable { Ok(()) } else { Err(exists(path)) }
}

/// Tells whether a path is no place for a file but something that takes bytes: `/dev/null`, a pipe.
fn is_device(metadata: &std::fs::Metadata) -> bool {
    !metadata.is_file() && !metadata.is_dir() && !metadata.is_symlink()
}

fn exists(path: &Path) -> Error {
    Error::new(ErrorKind::Exists, "already there").within(path.display().to_string()).hint("--force replaces it")
}
