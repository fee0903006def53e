//! Room for one file of a result.

use std::fs::File;
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use rustix::fs::Advice;

use super::Durability;
use crate::content::{BUFFER_LEN, Content, Extent};
use crate::error::{Error, Result};

/// How much is written before the disk gets to do something.
const SEND_LEN: u64 = 8 << 20;
/// What stands behind this much of a result does not stay in memory once it is on the disk: finding room for ever more of
/// it takes kernels longer than anything else here.
const KEEP_LEN: u64 = 1 << 30;
/// How long ago something must have been sent to be there.
const LAG_LEN: u64 = 64 << 20;

/// Where a file of the result goes: part of a tar, or a file of its own that is made when the first byte comes, so that
/// places can be reserved by the thousand.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    kind: Kind,
    durability: Durability,
    /// The result's name, for messages.
    subject: Arc<str>,
}

#[derive(Clone, Debug)]
enum Kind {
    /// `room`: `None` at the end of what is written, where everything fits.
    Tar {
        file: Arc<File>,
        offset: u64,
        room: Option<u64>,
        turn: Arc<Mutex<()>>,
    },
    New(PathBuf),
}

impl Place {
    pub(super) fn in_tar(
        file: Arc<File>,
        offset: u64,
        room: Option<u64>,
        turn: Arc<Mutex<()>>,
        durability: Durability,
        subject: Arc<str>,
    ) -> Self {
        Self { kind: Kind::Tar { file, offset, room, turn }, durability, subject }
    }

    pub(super) fn new_file(path: PathBuf, durability: Durability, subject: Arc<str>) -> Self {
        Self { kind: Kind::New(path), durability, subject }
    }

    pub(crate) fn fill(&self) -> Result<Filling> {
        let (file, start, room, turn) = match &self.kind {
            Kind::Tar { file, offset, room, turn } => (Arc::clone(file), *offset, *room, Some(Arc::clone(turn))),
            Kind::New(path) => {
                let made = File::create_new(path).map_err(|e| self.failed("cannot make a file", e))?;
                (Arc::new(made), 0, None, None)
            }
        };
        Ok(Filling { place: self.clone(), file, start, written: 0, sent: 0, forgotten: 0, room, turn })
    }

    fn failed(&self, doing: &str, cause: std::io::Error) -> Error {
        Error::io(doing, cause).within(self.subject.to_string())
    }
}

/// A file of a result that was written.
#[derive(Debug)]
pub(crate) struct Filled {
    file: Arc<File>,
    start: u64,
    len: u64,
    /// Whether it had the room that it needed, and needed all of it.
    pub(crate) fits: bool,
    subject: Arc<str>,
}

impl Filled {
    /// Returns the bytes, to be read again.
    pub(crate) fn content(self, origin: &str) -> Content {
        let extents = vec![Extent { at: 0, offset: self.start, len: self.len }];
        Content::archive(self.subject, origin.to_owned(), self.len, self.file, extents)
    }
}

/// Writes a place from its start to its end.
#[derive(Debug)]
pub(crate) struct Filling {
    place: Place,
    file: Arc<File>,
    start: u64,
    written: u64,
    /// How much of it is on its way to the disk.
    sent: u64,
    forgotten: u64,
    room: Option<u64>,
    /// Threads that write one file at once spin on the kernel's lock; they wait here instead.
    turn: Option<Arc<Mutex<()>>>,
}

impl Filling {
    /// Writes what there is room for.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let room = self.room.map_or(bytes.len() as u64, |room| room.saturating_sub(self.written));
        let fitting = &bytes[..bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
        let turn = self.turn.as_ref().map(|turn| turn.lock().unwrap_or_else(PoisonError::into_inner));
        let mut position = self.start + self.written;
        for piece in fitting.chunks(BUFFER_LEN) {
            self.file.write_all_at(piece, position).map_err(|e| self.place.failed("cannot write", e))?;
            position += piece.len() as u64;
        }
        drop(turn);
        self.written += bytes.len() as u64;
        if self.written - self.sent >= SEND_LEN {
            self.send();
        }
        Ok(())
    }

    /// Tells whether somebody else writes to the file right now.
    pub(crate) fn would_wait(&self) -> bool {
        self.turn.as_ref().is_some_and(|turn| matches!(turn.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// Ends what was written. It is synced with the whole result.
    pub(crate) fn finish(mut self) -> Filled {
        self.send();
        let fits = self.room.is_none_or(|room| room == self.written);
        Filled { file: self.file, start: self.start, len: self.written, fits, subject: self.place.subject }
    }

    /// Has the kernel write what is dirty now, so that the sync at the end does not have to wait for all of it, and forget
    /// what was written long ago.
    fn send(&mut self) {
        if self.place.durability == Durability::Unsynced {
            return;
        }
        self.advise(self.sent, self.written);
        self.sent = self.written;
        let there = self.sent.saturating_sub(LAG_LEN);
        if self.start + there > KEEP_LEN && there > self.forgotten {
            self.advise(self.forgotten, there);
            self.forgotten = there;
        }
    }

    /// Says that a range is not needed: what is dirty in it is sent to the disk, what is clean is forgotten.
    fn advise(&self, from: u64, to: u64) {
        if let Some(len) = NonZeroU64::new(to - from) {
            // It is advice: a file system that does not take it loses nothing but time.
            let _ = rustix::fs::fadvise(&*self.file, self.start + from, Some(len), Advice::DontNeed);
        }
    }
}
