//! A result that is a folder.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, RenameFlags};
use tempfile::TempDir;
use walkdir::WalkDir;

use super::{Place, Writer, check_absent, parent, sync_folder};
use crate::error::{Error, ErrorKind, Result};
use crate::tree::Container;

/// Members of which at least one is in every folder that we may replace.
const MARKERS: [&str; 4] = ["oci-layout", "index.json", "manifest.json", "repositories"];

pub(super) struct DirWriter {
    /// Beside the result, so that it can be renamed.
    staging: TempDir,
    path: PathBuf,
    replace: bool,
    subject: Arc<str>,
    size: u64,
    opened: Option<PathBuf>,
}

impl DirWriter {
    pub(super) fn create(path: &Path, replace: bool) -> Result<Self> {
        let subject: Arc<str> = path.display().to_string().into();
        if check_absent(path, Container::Folder).is_err() {
            check_replaceable(path, replace)?;
        }
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut builder = tempfile::Builder::new();
        let (prefix, permissions) = (format!(".{name}."), Permissions::from_mode(0o777));
        let staging = builder.prefix(&prefix).suffix(".tmp").permissions(permissions).tempdir_in(parent(&path));
        let staging = staging.map_err(|e| Error::io("cannot write", e).within(subject.to_string()))?;
        Ok(Self { staging, path, replace, subject, size: 0, opened: None })
    }

    fn failed(&self, doing: &str, cause: std::io::Error) -> Error {
        Error::io(doing, cause).within(self.subject.to_string())
    }

    /// Returns where a member goes. All names are ours: digests and fixed words.
    fn inside(&self, name: &str) -> Result<PathBuf> {
        let path = self.staging.path().join(name);
        std::fs::create_dir_all(parent(&path)).map_err(|e| self.failed("cannot make a folder", e))?;
        Ok(path)
    }

    fn unnamed(&self) -> PathBuf {
        self.staging.path().join(".opened")
    }
}

/// Only folders with an image in them are replaced: `--force` must not cost anyone a home directory.
fn check_replaceable(path: &Path, replace: bool) -> Result<()> {
    if !replace {
        return check_absent(path, Container::Folder);
    }
    if MARKERS.iter().any(|marker| path.join(marker).symlink_metadata().is_ok()) {
        return Ok(());
    }
    let error = Error::new(ErrorKind::Exists, "there already, and no folder with an image in it");
    Err(error.within(path.display().to_string()))
}

impl Writer for DirWriter {
    fn directory(&mut self, name: &str, _: u32) -> Result<()> {
        let path = self.staging.path().join(name);
        std::fs::create_dir_all(path).map_err(|e| self.failed("cannot make a folder", e))
    }

    fn symlink(&mut self, name: &str, _: u32, target: &str) -> Result<()> {
        let path = self.inside(name)?;
        std::os::unix::fs::symlink(target, path).map_err(|e| self.failed("cannot make a link", e))
    }

    fn place(&mut self, name: &str, _: u32, size: u64) -> Result<Place> {
        self.size += size;
        Ok(Place::new_file(self.inside(name)?, Arc::clone(&self.subject)))
    }

    fn open(&mut self, _: &str) -> Result<Place> {
        let path = self.unnamed();
        self.opened = Some(path.clone());
        Ok(Place::new_file(path, Arc::clone(&self.subject)))
    }

    fn close(&mut self, name: &str, _: u32, size: u64) -> Result<()> {
        self.size += size;
        let from = self.opened.take().expect("a file is open");
        std::fs::rename(from, self.inside(name)?).map_err(|e| self.failed("cannot rename", e))
    }

    fn discard(&mut self) -> Result<()> {
        let path = self.opened.take().expect("a file is open");
        std::fs::remove_file(path).map_err(|e| self.failed("cannot remove", e))
    }

    fn seal(self: Box<Self>) -> Result<u64> {
        for folder in WalkDir::new(self.staging.path()).into_iter().flatten().filter(|entry| entry.file_type().is_dir())
        {
            sync_folder(folder.path())?;
        }
        let there = std::fs::symlink_metadata(&self.path).is_ok_and(|metadata| metadata.is_dir());
        let full = check_absent(&self.path, Container::Folder).is_err();
        if full {
            check_replaceable(&self.path, self.replace)?;
        }
        // An empty folder is replaced by a plain rename; a full one changes places with ours, which then goes away.
        let flags = if there && full { RenameFlags::EXCHANGE } else { RenameFlags::empty() };
        rustix::fs::renameat_with(CWD, self.staging.path(), CWD, &self.path, flags)
            .map_err(|e| self.failed("cannot rename", e.into()))?;
        if !(there && full) {
            let _renamed = self.staging.keep();
        }
        sync_folder(parent(&self.path))?;
        Ok(self.size)
    }
}
