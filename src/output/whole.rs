//! A file that appears whole at its final name, or bytes that go to a stream when all of them are there.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::device::Device;
use super::pending::Pending;
use super::{Durability, Existing, Folder, Output, exists, is_device, parent};
use crate::content::BUFFER_LEN;
use crate::context::{Cancel, Context};
use crate::error::{Error, Result, Within};
use crate::tree::{Container, unnamed_file};

/// Takes the bytes of a document, piece by piece.
pub type ByteSink<'s> = &'s mut dyn FnMut(&[u8]) -> Result<()>;

/// Writes a document that is no archive, such as a report: a file appears whole or not at all, and a stream gets nothing
/// before all is written. Returns its size in bytes.
///
/// # Errors
///
/// [`Exists`](crate::ErrorKind::Exists) when something is at the path that may not be replaced, or is a folder;
/// [`Environment`](crate::ErrorKind::Environment) when it cannot be written; those of `write`.
pub fn write_whole(
    output: Output,
    replace: bool,
    write: &mut dyn FnMut(ByteSink<'_>) -> Result<()>,
    cx: &Context<'_>,
) -> Result<u64> {
    if let Output::Path(path) = &output {
        let existing = if replace { Existing::Replace } else { Existing::Refuse };
        super::check(path, Container::Tar, existing)?;
    }
    let mut whole = Whole::create(output, replace, cx)?;
    let mut file = BufWriter::new(&*whole.file);
    let mut size = 0;
    write(&mut |bytes| {
        size += bytes.len() as u64;
        file.write_all(bytes).map_err(|e| whole.failed("cannot write", e))
    })?;
    file.flush().map_err(|e| whole.failed("cannot write", e))?;
    drop(file);
    whole.seal()?;
    Ok(size)
}

/// A result while it is written.
pub(super) struct Whole {
    pub(super) file: Arc<File>,
    target: Target,
    pub(super) durability: Durability,
    /// What to call it in messages.
    pub(super) subject: Arc<str>,
    cancel: Cancel,
}

enum Target {
    File { pending: Pending, path: PathBuf, replace: bool },
    Stream(Box<dyn Write + Send>),
}

impl Whole {
    pub(super) fn create(output: Output, replace: bool, cx: &Context<'_>) -> Result<Self> {
        let subject: Arc<str> = output.name().into();
        let failed = |doing, cause| Error::io(doing, cause).within(subject.to_string());
        let (file, target) = match output {
            Output::Stream(stream, _) => (unnamed_file(cx.temp_dir.as_deref())?, Target::Stream(stream)),
            Output::Path(path) => {
                // A link is kept; what it points at is replaced.
                let path = std::fs::canonicalize(&path).unwrap_or(path);
                match std::fs::metadata(&path) {
                    Ok(metadata) if is_device(&metadata) => {
                        let device = Device::open(&path, &cx.cancel).within(subject.to_string())?;
                        (unnamed_file(cx.temp_dir.as_deref())?, Target::Stream(Box::new(device)))
                    }
                    Ok(_) if !replace => return Err(exists(&path)),
                    _ => {
                        let (file, pending) = Pending::create(&path).map_err(|e| failed("cannot write", e))?;
                        (file, Target::File { pending, path, replace })
                    }
                }
            }
        };
        // What is sent to a stream is gone from here then.
        let durability = Durability::wanted(cx.sync && matches!(target, Target::File { .. }));
        Ok(Self { file: Arc::new(file), target, durability, subject, cancel: cx.cancel.clone() })
    }

    pub(super) fn failed(&self, doing: &str, cause: std::io::Error) -> Error {
        Error::io(doing, cause).within(self.subject.to_string())
    }

    /// Gives the file its name, or sends it.
    pub(super) fn seal(&mut self) -> Result<()> {
        let placeholder = Target::Stream(Box::new(std::io::sink()));
        match std::mem::replace(&mut self.target, placeholder) {
            Target::Stream(mut stream) => self.copy_to(&mut *stream),
            Target::File { pending, path, replace } => {
                self.durability.sync(&self.file).map_err(|e| self.failed("cannot write", e))?;
                self.cancel.check()?;
                let folder = Folder::open(parent(&path)).map_err(|e| self.failed("cannot open its folder", e))?;
                pending.publish(&self.file, &path, replace).map_err(|e| match e.kind() {
                    std::io::ErrorKind::AlreadyExists => exists(&path),
                    _ => self.failed("cannot name the file", e),
                })?;
                folder.sync(self.durability).map_err(|e| self.failed("cannot sync its folder", e))
            }
        }
    }

    fn copy_to(&mut self, stream: &mut dyn Write) -> Result<()> {
        let failed = |e| Error::io("cannot write", e).within(self.subject.to_string());
        let mut file = &*self.file;
        file.rewind().map_err(failed)?;
        let mut buffer = vec![0; BUFFER_LEN];
        loop {
            self.cancel.check()?;
            let n = file.read(&mut buffer).map_err(failed)?;
            if n == 0 {
                return stream.flush().map_err(failed);
            }
            let mut left = &buffer[..n];
            while !left.is_empty() {
                match stream.write(left) {
                    Ok(0) => return Err(failed(std::io::ErrorKind::WriteZero.into())),
                    Ok(n) => left = &left[n..],
                    // A stream that cannot go on yet says so.
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => self.cancel.check()?,
                    Err(e) => return Err(failed(e)),
                }
            }
        }
    }
}
