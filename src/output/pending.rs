//! A file that gets its name only when it is complete.

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use tempfile::TempPath;

use super::parent;

/// Where a file is until it is published.
pub(super) enum Pending {
    /// Nowhere: it has no name, and goes away with the process, however that ends (`O_TMPFILE`).
    Unnamed,
    /// Beside its final name, where the file system knows no unnamed files.
    Named(TempPath),
}

impl Pending {
    /// Makes a file in the folder that `path` is in.
    pub(super) fn create(path: &Path) -> io::Result<(File, Self)> {
        match unnamed(parent(path)) {
            Ok(file) => Ok((file, Self::Unnamed)),
            // What file systems and kernels say that do not know unnamed files.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
                let (file, temp) = named().tempfile_in(parent(path)).map_err(plain)?.into_parts();
                Ok((file, Self::Named(temp)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the file its name; fails with `AlreadyExists` when that is taken, unless `replace`.
    pub(super) fn publish(self, file: &File, path: &Path, replace: bool) -> io::Result<()> {
        let temp = match self {
            Self::Named(temp) => temp,
            Self::Unnamed if !replace => return link(file, path),
            // Nothing can take another file's place without having had a name.
            Self::Unnamed => named().make_in(parent(path), |temp| link(file, temp)).map_err(plain)?.into_temp_path(),
        };
        let renamed = if replace { temp.persist(path) } else { temp.persist_noclobber(path) };
        renamed.map_err(|failed| failed.error)
    }
}

fn named() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    // What the user's mask leaves of these permissions is what any new file gets.
    builder.prefix(".transload.").suffix(".tmp").permissions(Permissions::from_mode(0o666));
    builder
}

/// Leaves out the temporary name that the crate adds to an error: nobody knows it.
fn plain(error: io::Error) -> io::Error {
    let number = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<io::Error>());
    let number = number.and_then(io::Error::raw_os_error).or(error.raw_os_error());
    number.map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

fn unnamed(folder: &Path) -> Result<File, Errno> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file: File = rustix::fs::open(folder, flags, Mode::from_raw_mode(0o666))?.into();
    // It gets its name through /proc, which is not everywhere.
    if proc_path(&file).symlink_metadata().is_ok() { Ok(file) } else { Err(Errno::OPNOTSUPP) }
}

fn link(file: &File, path: &Path) -> io::Result<()> {
    Ok(rustix::fs::linkat(CWD, proc_path(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

fn proc_path(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()).into()
}
