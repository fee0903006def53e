//! A result that is a folder.

use std::fs::{DirEntry, File, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{CWD, FlockOperation, RenameFlags};
use rustix::io::Errno;
use tempfile::TempDir;
use walkdir::WalkDir;

use super::{Durability, Existing, Folder, Mark, Merge, Place, Writer, exists, parent};
use crate::context::{Cancel, Context};
use crate::error::{Error, ErrorKind, Result, Within};
use crate::limits::{Limits, exceeded};
use crate::tree::Container;

/// Members at the top of an OCI layout or an unpacked docker-archive, beside those that are named by a hash, and in an
/// unpacked docker-archive those that end in `.json` or `.tar`.
const FILES: [&str; 4] = ["index.json", "manifest.json", "oci-layout", "repositories"];
const FOLDERS: [&str; 2] = ["blobs", "ingest"];
/// Members further down.
const INSIDE: [&str; 5] = ["VERSION", "json", "layer.tar", "sha256", "sha512"];

/// Others hold the lock for as long as a few renames take.
const LOCK_WAIT: Duration = Duration::from_millis(10);

pub(super) struct DirWriter {
    /// Beside the result, so that it can be renamed.
    staging: TempDir,
    path: PathBuf,
    existing: Existing,
    durability: Durability,
    subject: Arc<str>,
    cancel: Cancel,
    limits: Limits,
    opened: Option<PathBuf>,
}

impl DirWriter {
    pub(super) fn create(path: &Path, existing: Existing, cx: &Context<'_>) -> Result<Self> {
        let subject: Arc<str> = path.display().to_string().into();
        super::check(path, Container::Folder, existing)?;
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix(".transload.").suffix(".tmp").permissions(Permissions::from_mode(0o777));
        let staging = builder.tempdir_in(parent(&path));
        let staging = staging.map_err(|e| Error::io("cannot write", e).within(subject.to_string()))?;
        // An index that is there names what others made: it must not lead to nothing.
        let durability = Durability::wanted(cx.sync || matches!(existing, Existing::Add { .. }));
        let (cancel, limits) = (cx.cancel.clone(), cx.limits.clone());
        Ok(Self { staging, path, existing, durability, subject, cancel, limits, opened: None })
    }

    fn failed(&self, doing: &str, cause: std::io::Error) -> Error {
        Error::io(doing, cause).within(self.subject.to_string())
    }

    /// Returns where a member goes. All names are ours: digests and fixed words.
    fn inside(&self, name: &str) -> Result<PathBuf> {
        if let Some((folder, _)) = name.rsplit_once('/') {
            self.make_folder(folder)?;
        }
        Ok(self.staging.path().join(name))
    }

    /// Makes a folder in the staging folder, but never that: if somebody removed it, what was in it is gone.
    fn make_folder(&self, name: &str) -> Result<()> {
        let mut path = self.staging.path().to_owned();
        for part in name.split('/') {
            path.push(part);
            match std::fs::create_dir(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(self.failed("cannot make a folder", e));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn unnamed(&self) -> PathBuf {
        self.staging.path().join(".opened")
    }
}

/// How a folder got its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// Nothing was there, or an empty folder.
    ToNothing,
    /// What was there has the folder's old name now.
    InExchange,
}

/// Gives a folder its final name.
pub(super) fn move_into_place(from: &Path, path: &Path, existing: Existing, subject: &str) -> Result<Moved> {
    super::check(path, Container::Folder, existing)?;
    // A plain rename replaces nothing or an empty folder. A full one that may be replaced changes places with ours.
    let full = super::check_absent(path, Container::Folder).is_err();
    let exchange = full && matches!(existing, Existing::Replace);
    let flags = if exchange { RenameFlags::EXCHANGE } else { RenameFlags::empty() };
    match rustix::fs::renameat_with(CWD, from, CWD, path, flags) {
        Ok(()) => Ok(if exchange { Moved::InExchange } else { Moved::ToNothing }),
        // Somebody else was faster.
        Err(Errno::NOTEMPTY | Errno::EXIST) => Err(exists(path)),
        Err(error) => Err(Error::io("cannot rename", error.into()).within(subject)),
    }
}

/// Fails for a folder that holds anything but images: `--force` must not cost anyone a home directory.
pub(super) fn check_ours(path: &Path) -> Result<()> {
    let layout = starts(path, "oci-layout", "{");
    let mut hashes = false;
    for entry in WalkDir::new(path).min_depth(1) {
        let Ok(entry) = entry else {
            return refused(path, "there already, and cannot be looked through".to_owned());
        };
        let name = entry.file_name().to_string_lossy();
        let (folder, hash) = (entry.file_type().is_dir(), is_hash(name.split('.').next().unwrap_or_default()));
        let known = match (entry.depth(), folder) {
            (1, true) => FOLDERS.contains(&&*name),
            (1, false) if layout => FILES.contains(&&*name),
            (1, false) => FILES.contains(&&*name) || name.ends_with(".json") || name.contains(".tar"),
            _ => INSIDE.contains(&&*name),
        };
        if !(known || hash) {
            let inner = entry.path().strip_prefix(path).unwrap_or(entry.path()).display().to_string();
            return refused(path, format!("there already, with something in it that belongs to no image: {inner}"));
        }
        hashes |= hash;
    }
    // Many things have an index.json or a manifest.json; docker's is an array.
    if layout || hashes || starts(path, "manifest.json", "[") {
        return Ok(());
    }
    refused(path, "there already, and no folder with images".to_owned())
}

/// Fails for a folder that is no OCI layout, nor one in the making.
pub(super) fn check_layout(path: &Path) -> Result<()> {
    let known = |entry: std::io::Result<DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name() == "blobs" || entry.file_name() == "oci-layout")
    };
    let only_blobs = || std::fs::read_dir(path).is_ok_and(|mut entries| entries.all(known));
    if starts(path, "oci-layout", "{") || starts(path, "index.json", "{") || only_blobs() {
        return Ok(());
    }
    refused(path, "there already, and no OCI layout".to_owned())
}

fn refused(path: &Path, why: String) -> Result<()> {
    Err(Error::new(ErrorKind::Exists, why).within(path.display().to_string()))
}

/// Tells whether a file of the folder starts so, but for blanks.
fn starts(folder: &Path, name: &str, with: &str) -> bool {
    const ENOUGH: u64 = 4096;
    let path = folder.join(name);
    // Opening a pipe would wait for who writes.
    let is_file = std::fs::metadata(&path).is_ok_and(|metadata| metadata.is_file());
    let mut bytes = Vec::new();
    let read = is_file && File::open(path).and_then(|file| file.take(ENOUGH).read_to_end(&mut bytes)).is_ok();
    read && String::from_utf8_lossy(&bytes).trim_start().starts_with(with)
}

fn is_hash(name: &str) -> bool {
    matches!(name.len(), 64 | 128) && name.bytes().all(|b| b.is_ascii_hexdigit())
}

impl Writer for DirWriter {
    fn directory(&mut self, name: &str, _: u32) -> Result<()> {
        self.make_folder(name)
    }

    fn symlink(&mut self, name: &str, _: u32, target: &str) -> Result<()> {
        let path = self.inside(name)?;
        std::os::unix::fs::symlink(target, path).map_err(|e| self.failed("cannot make a link", e))
    }

    fn place(&mut self, name: &str, _: u32, _: u64) -> Result<Place> {
        Ok(Place::new_file(self.inside(name)?, self.durability, Arc::clone(&self.subject)))
    }

    fn open(&mut self, _: &str) -> Result<Place> {
        let path = self.unnamed();
        self.opened = Some(path.clone());
        Ok(Place::new_file(path, self.durability, Arc::clone(&self.subject)))
    }

    fn close(&mut self, name: &str, _: u32, _: u64) -> Result<()> {
        let from = self.opened.take().expect("a file is open");
        std::fs::rename(from, self.inside(name)?).map_err(|e| self.failed("cannot rename", e))
    }

    fn discard(&mut self) -> Result<()> {
        let path = self.opened.take().expect("a file is open");
        std::fs::remove_file(path).map_err(|e| self.failed("cannot remove", e))
    }

    fn mark(&self) -> Mark {
        Mark(0)
    }

    fn rewind(&mut self, _: Mark) -> Result<()> {
        unreachable!("a file of its own has room for everything")
    }

    fn seal(self: Box<Self>) -> Result<u64> {
        let size = self.sync(self.staging.path())?;
        self.cancel.check()?;
        match self.existing {
            Existing::Add { index, merge } => self.add(index, merge)?,
            Existing::Refuse | Existing::Replace => self.appear()?,
        }
        Ok(size)
    }
}

impl DirWriter {
    /// Puts the folder in its place.
    fn appear(self) -> Result<()> {
        let folder = Folder::open(parent(&self.path)).map_err(|e| self.failed("cannot open its folder", e))?;
        // What changed places with ours goes away with the staging folder's name.
        if move_into_place(self.staging.path(), &self.path, self.existing, &self.subject)? == Moved::ToNothing {
            let _renamed = self.staging.keep();
        }
        folder
            .sync(self.durability)
            .map_err(|e| Error::io("cannot sync its folder", e).within(self.subject.to_string()))
    }

    /// Adds the files to the folder that is there: first what the index names, then the index.
    fn add(&self, index: &str, merge: Merge) -> Result<()> {
        let failed = |e| self.failed("cannot write", e);
        std::fs::create_dir_all(&self.path).map_err(failed)?;
        let _lock = self.lock()?;
        super::check(&self.path, Container::Folder, self.existing)?;
        for entry in self.walk(self.staging.path()) {
            let entry = entry?;
            if !entry.file_type().is_file() {
                continue;
            }
            let name = entry.path().strip_prefix(self.staging.path()).expect("the walk stays below its root");
            if name == Path::new(index) {
                continue;
            }
            let target = self.path.join(name);
            let moved = std::fs::create_dir_all(parent(&target)).and_then(|()| std::fs::rename(entry.path(), &target));
            moved.map_err(failed)?;
        }
        let (old, new) = (self.path.join(index), self.staging.path().join(index));
        let existing = self.index(&old, index)?;
        let added = std::fs::read(&new).map_err(failed)?;
        let merged = merge(existing.as_deref(), &added, &self.limits).within(self.subject.to_string())?;
        let written = std::fs::write(&new, merged).and_then(|()| self.durability.sync(&File::open(&new)?));
        written.map_err(failed)?;
        self.sync_folders(&self.path)?;
        let folder = Folder::open(&self.path).map_err(failed)?;
        std::fs::rename(&new, &old).map_err(failed)?;
        folder.sync(self.durability).map_err(failed)
    }

    /// Syncs all files and folders, and returns the bytes of the files.
    fn sync(&self, root: &Path) -> Result<u64> {
        let mut size = 0;
        for entry in self.walk(root) {
            let entry = entry?;
            let synced = match entry.file_type() {
                kind if kind.is_dir() => Folder::open(entry.path()).and_then(|folder| folder.sync(self.durability)),
                kind if kind.is_file() => File::open(entry.path()).and_then(|file| {
                    size += file.metadata()?.len();
                    self.durability.sync(&file)
                }),
                _ => Ok(()),
            };
            synced.map_err(|e| self.failed("cannot sync", e))?;
        }
        Ok(size)
    }

    /// Syncs all folders.
    fn sync_folders(&self, root: &Path) -> Result<()> {
        for entry in self.walk(root) {
            let entry = entry?;
            if entry.file_type().is_dir() {
                let synced = Folder::open(entry.path()).and_then(|folder| folder.sync(self.durability));
                synced.map_err(|e| self.failed("cannot sync", e))?;
            }
        }
        Ok(())
    }

    /// Returns all that is below a folder, and the folder: what cannot be seen is an error, never nothing.
    fn walk(&self, root: &Path) -> impl Iterator<Item = Result<walkdir::DirEntry>> {
        WalkDir::new(root).into_iter().map(|entry| entry.map_err(|e| self.failed("cannot list", e.into())))
    }

    /// Reads the index that is there, if there is one.
    fn index(&self, path: &Path, name: &str) -> Result<Option<Vec<u8>>> {
        let failed = |e| self.failed("cannot read", e);
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(e)),
        };
        let (limit, mut bytes) = (self.limits.document_bytes, Vec::new());
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > limit {
            let error = exceeded("document-bytes", format!("too large: the limit is {limit} bytes"));
            return Err(error.within(name).within(self.subject.to_string()));
        }
        Ok(Some(bytes))
    }

    /// Keeps other processes from adding to the folder until the lock is dropped.
    fn lock(&self) -> Result<File> {
        let folder = File::open(&self.path).map_err(|e| self.failed("cannot open", e))?;
        loop {
            match rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(folder),
                Err(Errno::WOULDBLOCK | Errno::INTR) => {
                    self.cancel.check()?;
                    std::thread::sleep(LOCK_WAIT);
                }
                Err(error) => return Err(self.failed("cannot lock the folder", error.into())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_to_what_is_there_is_synced_in_any_case() {
        let folder = tempfile::tempdir().unwrap();
        let add = Existing::Add { index: "index.json", merge: |_, new, _| Ok(new.to_vec()) };
        for (sync, existing, want) in [
            (true, Existing::Refuse, Durability::Synced),
            (false, Existing::Refuse, Durability::Unsynced),
            (false, Existing::Replace, Durability::Unsynced),
            (false, add, Durability::Synced),
        ] {
            let mut cx = Context::default();
            cx.sync = sync;
            let writer = DirWriter::create(&folder.path().join("out"), existing, &cx).unwrap();
            assert_eq!(writer.durability, want, "{sync} {existing:?}");
        }
    }
}
