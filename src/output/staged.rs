//! A result that is looked at before it gets its name.

use std::path::{Path, PathBuf};

use tempfile::{TempDir, TempPath};

use super::dir::move_into_place;
use super::{Durability, Existing, Folder, exists, is_device, parent};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::tree::Container;

/// A folder beside the place of a result, with the result in it: on the same file system, so that it can be renamed. It
/// goes away with everything that is still in it.
pub(crate) struct Staged {
    /// Goes away at the end, with what changed places with the result.
    _folder: TempDir,
    inner: PathBuf,
    path: PathBuf,
    container: Container,
    existing: Existing,
    durability: Durability,
    subject: String,
}

impl Staged {
    pub(crate) fn beside(path: &Path, container: Container, existing: Existing, cx: &Context<'_>) -> Result<Self> {
        let subject = path.display().to_string();
        super::check(path, container, existing)?;
        // A link is kept; what it points at is replaced.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if std::fs::metadata(&path).is_ok_and(|metadata| is_device(&metadata)) {
            return Err(Error::usage("a pipe or device cannot be read again to verify it").within(subject));
        }
        let folder = tempfile::Builder::new().prefix(".transload.").suffix(".tmp").tempdir_in(parent(&path));
        let folder = folder.map_err(|e| Error::io("cannot write", e).within(&subject))?;
        let inner = folder.path().join(path.file_name().unwrap_or("result".as_ref()));
        let durability = Durability::wanted(cx.sync);
        Ok(Self { _folder: folder, inner, path, container, existing, durability, subject })
    }

    /// Returns where the result is to be written, and is to be looked at.
    pub(crate) fn inner(&self) -> &Path {
        &self.inner
    }

    /// Names the result in an error as the caller knows it.
    pub(crate) fn rename(&self, error: Error) -> Error {
        error.renamed(&self.inner.display().to_string(), &self.subject)
    }

    /// Gives the result its name.
    pub(crate) fn publish(self) -> Result<()> {
        let failed = |doing, cause| Error::io(doing, cause).within(&self.subject);
        let outer = Folder::open(parent(&self.path)).map_err(|e| failed("cannot open its folder", e))?;
        let replace = matches!(self.existing, Existing::Replace);
        match self.container {
            Container::Tar => {
                let temp = TempPath::try_from_path(&self.inner).map_err(|e| failed("cannot name the file", e))?;
                let renamed = if replace { temp.persist(&self.path) } else { temp.persist_noclobber(&self.path) };
                renamed.map_err(|e| match e.error.kind() {
                    std::io::ErrorKind::AlreadyExists => exists(&self.path),
                    _ => failed("cannot name the file", e.error),
                })?;
            }
            Container::Folder => {
                move_into_place(&self.inner, &self.path, self.existing, &self.subject)?;
            }
        }
        outer.sync(self.durability).map_err(|e| failed("cannot sync its folder", e))
    }
}
