//! Bytes that can be read any number of times, from any thread, and the one loop that moves them.

mod meter;
mod pump;
mod tap;

pub(crate) use meter::{Measured, Meter};
pub(crate) use pump::{Flow, pump, relay, survey};
pub(crate) use tap::Receiver;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};

use crate::code::Code;
use crate::codec::{Compression, SNIFF_LEN};
use crate::context::Cancel;
use crate::error::{Error, Result};
use crate::limits::exceeded;

/// Writes go in pieces of this size. Larger ones make some kernels take large pages, which is slower.
pub(crate) const BUFFER_LEN: usize = 64 << 10;

/// A run of bytes of a file, and where in the content it belongs. What lies between extents is zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) at: u64,
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

#[derive(Clone, Debug)]
enum Place {
    /// In memory.
    Bytes(Arc<[u8]>),
    /// Inside an open archive; sparse members have several extents.
    Archive { file: Arc<File>, extents: Arc<[Extent]> },
    /// A file of a folder, opened when it is read.
    File(PathBuf),
}

/// Bytes of known size from a known place.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    /// The archive or folder that it is in, for messages.
    source: Arc<str>,
    /// The member that it is, as in `blobs/sha256/3f…`. No two contents of a source have the same.
    origin: Arc<str>,
    size: u64,
    place: Place,
}

impl Content {
    pub(crate) fn bytes(source: Arc<str>, origin: String, bytes: Vec<u8>) -> Self {
        Self { source, origin: origin.into(), size: bytes.len() as u64, place: Place::Bytes(bytes.into()) }
    }

    pub(crate) fn archive(source: Arc<str>, origin: String, size: u64, file: Arc<File>, extents: Vec<Extent>) -> Self {
        Self { source, origin: origin.into(), size, place: Place::Archive { file, extents: extents.into() } }
    }

    pub(crate) fn file(source: Arc<str>, origin: String, size: u64, path: PathBuf) -> Self {
        Self { source, origin: origin.into(), size, place: Place::File(path) }
    }

    pub(crate) fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// Adds to an error what it is about.
    pub(crate) fn locate(&self, error: Error) -> Error {
        let error = error.about(self.origin()).at(self.offset_of(0));
        error.within(self.origin()).within(self.source.to_string())
    }

    /// Returns where in its archive a byte is that is stored there.
    pub(crate) fn offset_of(&self, position: u64) -> Option<u64> {
        let Place::Archive { extents, .. } = &self.place else { return None };
        let extent = extents.iter().find(|extent| (extent.at..=extent.at + extent.len).contains(&position))?;
        Some(extent.offset + (position - extent.at))
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the same without another copy of it.
    pub(crate) fn shared_origin(&self) -> Arc<str> {
        Arc::clone(&self.origin)
    }

    /// Returns the bytes that it takes to say where its parts are, if there are several.
    pub(crate) fn map_len(&self) -> usize {
        match &self.place {
            Place::Archive { extents, .. } => extents.len().saturating_sub(1) * size_of::<Extent>(),
            Place::Bytes(_) | Place::File(_) => 0,
        }
    }

    /// Opens the content at its start.
    pub(crate) fn open(&self) -> Result<Reader<'_>> {
        self.open_at(0)
    }

    fn open_at(&self, position: u64) -> Result<Reader<'_>> {
        let source = match &self.place {
            Place::Bytes(bytes) => Source::Bytes(bytes),
            Place::Archive { file, extents } => Source::Archive { file, extents },
            Place::File(path) => {
                // The folder was walked without following links; nothing may have slipped one in since.
                let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
                let opened = rustix::fs::open(path, flags, Mode::empty());
                Source::File(opened.map_err(|e| self.locate(Error::io("cannot open", e.into())))?.into())
            }
        };
        Ok(Reader { source, position, size: self.size })
    }

    /// Reads all of a document, which must not be more than `limit` bytes.
    pub(crate) fn read(&self, limit: u64) -> Result<Vec<u8>> {
        if self.size > limit {
            let message = format!("too large: {} bytes, the limit is {limit}", self.size);
            return Err(self.locate(exceeded("document-bytes", message)));
        }
        let mut bytes = vec![0; usize::try_from(self.size).expect("below the limit")];
        let got = self.open()?.fill(&mut bytes).map_err(|e| self.failed(e))?;
        if got < bytes.len() { Err(self.ends_early(got as u64)) } else { Ok(bytes) }
    }

    /// Returns how its first bytes say it is compressed.
    pub(crate) fn sniff(&self) -> Result<Compression> {
        let mut head = [0; SNIFF_LEN];
        let n = self.read_start(&mut head)?;
        Ok(Compression::sniff(&head[..n]))
    }

    /// Reads as much of its start as the buffer holds and there is.
    pub(crate) fn read_start(&self, buf: &mut [u8]) -> Result<usize> {
        self.open()?.fill(buf).map_err(|e| self.failed(e))
    }

    /// Reads its last bytes, or all when it is shorter.
    pub(crate) fn read_end<const N: usize>(&self) -> Result<Vec<u8>> {
        let mut tail = vec![0; N];
        let mut reader = self.open_at(self.size.saturating_sub(N as u64))?;
        let n = reader.fill(&mut tail).map_err(|e| self.failed(e))?;
        tail.truncate(n);
        Ok(tail)
    }

    /// Tells whether two contents are the same bytes.
    pub(crate) fn same_as(&self, other: &Self, cancel: &Cancel) -> Result<bool> {
        if self.size != other.size {
            return Ok(false);
        }
        let (mut a, mut b) = (self.open()?, other.open()?);
        let (mut left, mut right) = (vec![0; BUFFER_LEN], vec![0; BUFFER_LEN]);
        loop {
            cancel.check()?;
            let n = a.fill(&mut left).map_err(|e| self.failed(e))?;
            let m = b.fill(&mut right).map_err(|e| other.failed(e))?;
            if left[..n] != right[..m] {
                return Ok(false);
            }
            if n == 0 {
                return Ok(true);
            }
        }
    }

    fn failed(&self, cause: io::Error) -> Error {
        self.locate(Error::io("cannot read", cause))
    }

    fn ends_early(&self, got: u64) -> Error {
        let error = Error::damaged(format!("ends early: truncated after {got} of {} bytes", self.size));
        self.locate(error.coded(Code::Truncated).at(self.offset_of(got)).claims(self.size, got))
    }
}

enum Source<'a> {
    Bytes(&'a [u8]),
    Archive { file: &'a File, extents: &'a [Extent] },
    File(File),
}

/// Reads a content by position, to its size or the end of the file it is in.
pub(crate) struct Reader<'a> {
    source: Source<'a>,
    position: u64,
    size: u64,
}

impl Reader<'_> {
    /// Reads until the buffer is full or the content ends.
    fn fill(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            match io::Read::read(self, &mut buf[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(filled)
    }
}

impl io::Read for Reader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size - self.position).unwrap_or(usize::MAX);
        let want = left.min(buf.len());
        let buf = &mut buf[..want];
        let n = match &self.source {
            Source::Bytes(bytes) => {
                let from = usize::try_from(self.position).expect("within memory");
                buf.copy_from_slice(&bytes[from..from + want]);
                want
            }
            Source::Archive { file, extents } => read_extents(file, extents, self.position, buf)?,
            Source::File(file) => file.read_at(buf, self.position)?,
        };
        self.position += n as u64;
        Ok(n)
    }
}

fn read_extents(file: &File, extents: &[Extent], position: u64, buf: &mut [u8]) -> io::Result<usize> {
    let next = extents.partition_point(|extent| extent.at + extent.len <= position);
    let clip = |len: u64, max: usize| usize::try_from(len).unwrap_or(max).min(max);
    match extents.get(next) {
        Some(extent) if extent.at <= position => {
            let within = position - extent.at;
            let len = clip(extent.len - within, buf.len());
            file.read_at(&mut buf[..len], extent.offset + within)
        }
        hole => {
            let len = hole.map_or(buf.len(), |extent| clip(extent.at - position, buf.len()));
            buf[..len].fill(0);
            Ok(len)
        }
    }
}
