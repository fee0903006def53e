//! A result that is a tar: members in order, bodies filled in any order, sizes patched in when they come late.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tar::EntryType;

use super::device::Device;
use super::pending::Pending;
use super::tar_header::{BLOCK, header, header_len, patched};
use super::{Existing, Folder, Mark, Output, Place, Writer, exists, is_device, parent};
use crate::content::BUFFER_LEN;
use crate::context::{Cancel, Context};
use crate::error::{Error, ErrorKind, Result, Within};
use crate::tree::unnamed_file;

/// Two zero blocks, without padding to a record: as every Go writer ends a tar.
const END: [u8; 1024] = [0; 1024];

pub(super) struct TarWriter {
    file: Arc<File>,
    target: Target,
    subject: Arc<str>,
    cancel: Cancel,
    /// Where the next header goes.
    end: u64,
    /// Bytes reserved for the header of the opened file.
    opened: Option<u64>,
    turn: Arc<Mutex<()>>,
}

enum Target {
    File { pending: Pending, path: PathBuf, replace: bool },
    Stream(Box<dyn Write + Send>),
}

impl TarWriter {
    pub(super) fn create(output: Output, existing: Existing, cx: &Context<'_>) -> Result<Self> {
        let replace = matches!(existing, Existing::Replace);
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
                    Ok(metadata) if metadata.is_dir() => {
                        let error = Error::new(ErrorKind::Exists, "a folder is there, which no file replaces");
                        return Err(error.within(subject.to_string()));
                    }
                    Ok(_) if !replace => return Err(exists(&path)),
                    _ => {
                        let (file, pending) = Pending::create(&path).map_err(|e| failed("cannot write", e))?;
                        (file, Target::File { pending, path, replace })
                    }
                }
            }
        };
        let (cancel, turn) = (cx.cancel.clone(), Arc::new(Mutex::new(())));
        Ok(Self { file: Arc::new(file), target, subject, cancel, end: 0, opened: None, turn })
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> Result<()> {
        self.file.write_all_at(bytes, at).map_err(|e| self.failed("cannot write", e))
    }

    fn failed(&self, doing: &str, cause: std::io::Error) -> Error {
        Error::io(doing, cause).within(self.subject.to_string())
    }

    fn add_header(&mut self, name: &str, kind: EntryType, mode: u32, size: u64, link: &str) -> Result<()> {
        debug_assert!(self.opened.is_none(), "the opened file comes first");
        let header = header(name, kind, mode, size, link);
        self.write_at(&header, self.end)?;
        self.end += header.len() as u64;
        Ok(())
    }

    fn place_at(&self, offset: u64, room: Option<u64>) -> Place {
        Place::in_tar(Arc::clone(&self.file), offset, room, Arc::clone(&self.turn), Arc::clone(&self.subject))
    }

    /// Cuts off what a discarded file left and pads the last body.
    fn finish(&mut self) -> Result<()> {
        self.file.set_len(self.end).map_err(|e| self.failed("cannot write", e))?;
        self.write_at(&END, self.end)?;
        self.end += END.len() as u64;
        Ok(())
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

impl Writer for TarWriter {
    fn directory(&mut self, name: &str, mode: u32) -> Result<()> {
        self.add_header(&format!("{name}/"), EntryType::Directory, mode, 0, "")
    }

    fn symlink(&mut self, name: &str, mode: u32, target: &str) -> Result<()> {
        self.add_header(name, EntryType::Symlink, mode, 0, target)
    }

    fn place(&mut self, name: &str, mode: u32, size: u64) -> Result<Place> {
        self.add_header(name, EntryType::Regular, mode, size, "")?;
        let offset = self.end;
        self.end += size.next_multiple_of(BLOCK);
        Ok(self.place_at(offset, Some(size)))
    }

    fn open(&mut self, like: &str) -> Result<Place> {
        let reserved = header_len(like);
        self.opened = Some(reserved);
        Ok(self.place_at(self.end + reserved, None))
    }

    fn close(&mut self, name: &str, mode: u32, size: u64) -> Result<()> {
        let reserved = self.opened.take().expect("a file is open");
        let header = patched(name, mode, size);
        if header.len() as u64 != reserved {
            return Err(Error::unsupported(format!("the name {name} does not fit where it was to go")));
        }
        self.write_at(&header, self.end)?;
        self.end += reserved + size.next_multiple_of(BLOCK);
        Ok(())
    }

    fn discard(&mut self) -> Result<()> {
        self.opened = None;
        self.rewind(self.mark())
    }

    fn mark(&self) -> Mark {
        Mark(self.end)
    }

    fn rewind(&mut self, Mark(end): Mark) -> Result<()> {
        self.end = end;
        // What comes next may be shorter and must not end in old bytes.
        self.file.set_len(end).map_err(|e| self.failed("cannot write", e))
    }

    fn seal(mut self: Box<Self>) -> Result<u64> {
        self.finish()?;
        let size = self.end;
        let placeholder = Target::Stream(Box::new(std::io::sink()));
        match std::mem::replace(&mut self.target, placeholder) {
            Target::Stream(mut stream) => self.copy_to(&mut *stream)?,
            Target::File { pending, path, replace } => {
                self.file.sync_all().map_err(|e| self.failed("cannot write", e))?;
                self.cancel.check()?;
                let folder = Folder::open(parent(&path)).map_err(|e| self.failed("cannot open its folder", e))?;
                pending.publish(&self.file, &path, replace).map_err(|e| match e.kind() {
                    std::io::ErrorKind::AlreadyExists => exists(&path),
                    _ => self.failed("cannot name the file", e),
                })?;
                folder.sync().map_err(|e| self.failed("cannot sync its folder", e))?;
            }
        }
        Ok(size)
    }
}
