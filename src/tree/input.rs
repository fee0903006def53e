//! Opening a source: a folder, a tar, a tar that is compressed as a whole, or a stream.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};

use super::{Members, dir, tar};
use crate::code::Code;
use crate::codec::{self, Compression, SNIFF_LEN, decoder};
use crate::content::BUFFER_LEN;
use crate::context::{Context, Event, Observer};
use crate::error::{Error, Result, Within};
use crate::faults::Faults;
use crate::limits::exceeded;

/// Where an image is read from.
pub enum Input {
    /// A file or folder.
    Path(PathBuf),
    /// A stream, and what to call it in messages. It is spooled to a temporary file, because archives need to be read
    /// by position. A stream that cannot go on yet may return [`io::ErrorKind::Interrupted`].
    Stream(Box<dyn Read + Send>, String),
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Input({})", self.name())
    }
}

impl Input {
    /// Returns what to call it in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Stream(_, name) => name.clone(),
        }
    }
}

/// Where members live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    Tar,
    Folder,
}

/// Lists a source's members. `spool_beside` is the folder for a spool when the context names none.
pub(crate) fn open(input: Input, spool_beside: Option<&Path>, cx: &Context<'_>) -> Result<(Members, Container)> {
    open_noting(input, spool_beside, Faults::FATAL, cx)
}

/// As [`open`]; what of a damaged source can be read is read, if its faults are to be noted.
pub(crate) fn open_noting(
    input: Input,
    spool_beside: Option<&Path>,
    faults: Faults<'_>,
    cx: &Context<'_>,
) -> Result<(Members, Container)> {
    let spool_folder = cx.temp_dir.as_deref().or(spool_beside);
    let source: Arc<str> = input.name().into();
    let file = match input {
        Input::Stream(stream, _) => {
            let mut stream = Counted::start(stream, &source, None, cx);
            spool(&mut stream, spool_folder, &cannot_read, Faults::FATAL, cx)?
        }
        Input::Path(path) => {
            let metadata = std::fs::metadata(&path).map_err(cannot_open)?;
            if metadata.is_dir() {
                return Ok((dir::scan(&path, &source, faults, cx)?, Container::Folder));
            }
            if metadata.is_file() {
                File::open(&path).map_err(cannot_open)?
            } else {
                // A pipe without a writer must not keep a signal waiting.
                let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
                let pipe = rustix::fs::open(&path, flags, Mode::empty()).map_err(|e| cannot_open(e.into()))?;
                let mut pipe = Counted::start(Patient(pipe.into()), &source, None, cx);
                spool(&mut pipe, spool_folder, &cannot_read, Faults::FATAL, cx)?
            }
        }
    };
    let (file, outer) = inflated(file, &source, spool_folder, faults, cx)?;
    let mut members = tar::scan(Arc::new(file), &source, faults, cx)?;
    members.outer = outer;
    Ok((members, Container::Tar))
}

/// A pipe that says `Interrupted` while nothing comes, so that cancelling is noticed.
struct Patient(File);

impl Read for Patient {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        const WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
        if poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&WAIT))? == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match self.0.read(buf) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Err(io::ErrorKind::Interrupted.into()),
            other => other,
        }
    }
}

/// Tells an observer how much of a source was read.
struct Counted<'a, R> {
    inner: R,
    observer: &'a dyn Observer,
}

impl<'a, R> Counted<'a, R> {
    fn start(inner: R, source: &str, bytes: Option<u64>, cx: &Context<'a>) -> Self {
        cx.observer.on(&Event::Spooling { source: source.to_owned(), bytes });
        Self { inner, observer: cx.observer }
    }
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.observer.on(&Event::Spooled { bytes: n as u64 });
        Ok(n)
    }
}

fn cannot_open(cause: io::Error) -> Error {
    Error::io("cannot open", cause)
}

/// Returns the file itself, or a spool of what it inflates to, and how it is compressed.
fn inflated(
    mut file: File,
    source: &str,
    folder: Option<&Path>,
    faults: Faults<'_>,
    cx: &Context<'_>,
) -> Result<(File, Compression)> {
    let mut head = Vec::new();
    let read = (&mut file).take(SNIFF_LEN as u64).read_to_end(&mut head).and_then(|_| file.rewind());
    read.map_err(cannot_read)?;
    if head.is_empty() {
        return Err(Error::damaged("an empty file, not an image archive"));
    }
    let compression = Compression::sniff(&head);
    if compression == Compression::None {
        return Ok((file, compression));
    }
    let damaged = |cause: io::Error| match cause {
        // The system's own errors have a number; damage that a decoder found has none.
        cause if cause.raw_os_error().is_some() => cannot_read(cause),
        cause => codec::undecodable(compression, cause).or_coded(Code::ArchiveCompression).within("the whole archive"),
    };
    let size = file.metadata().map_err(cannot_read)?.len();
    let input = io::BufReader::with_capacity(BUFFER_LEN, Counted::start(file, source, Some(size), cx));
    let mut decoder = decoder(compression, input, &cx.limits).map_err(damaged)?;
    Ok((spool(&mut decoder, folder, &damaged, faults, cx)?, compression))
}

fn cannot_read(cause: io::Error) -> Error {
    Error::io("cannot read", cause)
}

/// Copies a stream into a file without a name; `failed` says what it means when the stream cannot be read. Where that is
/// only noted, the file has what was read.
fn spool(
    stream: &mut dyn Read,
    folder: Option<&Path>,
    failed: &dyn Fn(io::Error) -> Error,
    faults: Faults<'_>,
    cx: &Context<'_>,
) -> Result<File> {
    let mut file = unnamed_file(folder)?;
    let mut buffer = vec![0; BUFFER_LEN];
    let mut total = 0;
    loop {
        cx.cancel.check()?;
        let n = match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => {
                faults.forgive(failed(e))?;
                break;
            }
        };
        total += n as u64;
        if total > cx.limits.inflated_bytes {
            let message = format!("too large: more than {} bytes", cx.limits.inflated_bytes);
            faults.forgive(exceeded("inflated-bytes", message))?;
            break;
        }
        file.write_all(&buffer[..n]).map_err(|e| Error::io("cannot write", e)).within("temporary file")?;
    }
    file.rewind().map_err(cannot_read).within("temporary file")?;
    Ok(file)
}

/// Makes a file that has no name and goes away with its last handle, in `folder` or where the system keeps such files.
pub(crate) fn unnamed_file(folder: Option<&Path>) -> Result<File> {
    let made = folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in);
    made.map_err(|e| {
        let place = folder.map_or("temporary folder".into(), |folder| folder.display().to_string());
        Error::io("cannot make a temporary file", e).within(place)
    })
}
