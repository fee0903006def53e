//! What every operation is given to run with. Nothing in it changes the result.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::cache::LayerCache;
use crate::error::{Error, Result};
use crate::hands::Hands;
use crate::limits::Limits;
use crate::plan::Reason;

/// A switch that stops a running operation: clone it, hand it in, trigger it from any thread or signal handler.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Makes a switch out of a flag that something else sets.
    pub fn from_flag(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }

    /// Stops every operation that was given this switch; they return [`ErrorKind::Cancelled`](crate::ErrorKind).
    pub fn trigger(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Tells whether it was triggered.
    pub fn is_triggered(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.is_triggered() { Err(Error::cancelled()) } else { Ok(()) }
    }
}

/// What happens while an operation runs, for progress displays and logs. Texts from an archive may hold any character:
/// [`escape`](crate::escape) them before printing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The input cannot be read by position: it is copied to a temporary file before anything else is known of it.
    Spooling {
        /// The input.
        source: String,
        /// Bytes to copy, as the input has them; `None` for a stream, whose end nobody knows.
        bytes: Option<u64>,
    },
    /// More of the input was copied to the temporary file.
    Spooled {
        /// Bytes of the input since the last such event.
        bytes: u64,
    },
    /// Work is known: this many bytes of the input will be read (documents apart), besides what was planned before.
    Planned {
        /// Bytes of blobs as they are stored in the input.
        bytes: u64,
    },
    /// What will be done with a blob is known. Follows [`Planned`](Self::Planned), once for each blob.
    Decided {
        /// The member that it is, as in [`Started`](Self::Started).
        origin: String,
        /// What will be done with it, as in `copy` or `compress`.
        action: &'static str,
        /// Why.
        reason: Reason,
    },
    /// Reading of a blob begins, or goes on where something else has to be tried; what is read again was
    /// [`Planned`](Self::Planned).
    Started {
        /// Tells it from what is read at the same time, on other threads. Not used again by this [`Context`].
        id: u64,
        /// The archive or folder that it is in.
        source: String,
        /// The member that it is, as in `3f…/layer.tar`.
        origin: String,
        /// Its bytes as they are stored in the input.
        size: u64,
    },
    /// More bytes of the input were read.
    Read {
        /// Of which blob, see [`Started`](Self::Started).
        id: u64,
        /// Bytes since the last such event of this blob.
        bytes: u64,
    },
    /// Reading of a blob is over: all of it was read, or something failed.
    Ended {
        /// Of which blob, see [`Started`](Self::Started).
        id: u64,
    },
    /// A blob is done.
    Blob {
        /// The member that it was, as in [`Started`](Self::Started).
        origin: String,
        /// What was done with it, as in `copy` or `compress`.
        action: &'static str,
        /// Its size in the output in bytes.
        size: u64,
    },
    /// In a batch: another item ended.
    Items {
        /// Items that ended.
        done: u64,
        /// All items.
        of: u64,
    },
    /// All blobs are written; what is left is to confirm them to the disk, or to send the result to the stream it is for.
    Sealing,
}

/// Receives [`Event`]s from any thread. Must return quickly.
pub trait Observer: Sync {
    /// Called for each event.
    fn on(&self, event: &Event);
}

/// An observer that looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on(&self, _: &Event) {}
}

/// Limits, cancellation, observer, threads, temporary folder and durability of one operation.
#[derive(Clone)]
#[non_exhaustive]
pub struct Context<'a> {
    /// Ceilings on untrusted input.
    pub limits: Limits,
    /// Stops the operation.
    pub cancel: Cancel,
    /// Hears of progress.
    pub observer: &'a dyn Observer,
    /// Number of worker threads. The result does not depend on it.
    pub threads: NonZeroUsize,
    /// Folder for spools (piped input or output, archives that are compressed as a whole). `None`: beside the output,
    /// or the system's folder for temporary files where there is none.
    pub temp_dir: Option<PathBuf>,
    /// Whether a result is on the disk before it gets its name. Without, that is left to the kernel: it is whole or absent
    /// all the same, however the process ends, but after a power failure it may be damaged or lost. A batch, and what is
    /// added to a layout that is there, is always synced.
    pub sync: bool,
    /// Threads shared with other operations; `None`: `threads` of its own.
    pub(crate) shared_hands: Option<Hands>,
    /// Results that other operations made, and will need.
    pub(crate) layer_cache: Option<LayerCache>,
    /// The next number for [`Event::Started`].
    next_id: Arc<AtomicU64>,
}

impl Context<'_> {
    /// Returns the threads that an operation may use. Its caller has one of them.
    pub(crate) fn hands(&self) -> Hands {
        self.shared_hands.clone().unwrap_or_else(|| Hands::mine_and_others(self.threads))
    }

    /// Returns the same without the observer, for reading what is no input.
    pub(crate) fn unobserved(&self) -> Self {
        Self { observer: &Silent, ..self.clone() }
    }

    /// Returns the same for one of several operations that share threads and results.
    pub(crate) fn sharing(&self, hands: Hands, layer_cache: LayerCache) -> Self {
        Self { shared_hands: Some(hands), layer_cache: Some(layer_cache), ..self.clone() }
    }

    /// Returns the same for an operation that makes all its results itself.
    pub(crate) fn sharing_no_results(&self) -> Self {
        Self { layer_cache: None, ..self.clone() }
    }

    /// Announces that reading of a blob begins; the guard announces the rest.
    pub(crate) fn started(&self, source: &str, origin: &str, size: u64) -> Ongoing<'_> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.observer.on(&Event::Started { id, source: source.to_owned(), origin: origin.to_owned(), size });
        Ongoing { observer: self.observer, id }
    }
}

/// A blob that is being read, as the observer sees it.
pub(crate) struct Ongoing<'a> {
    observer: &'a dyn Observer,
    id: u64,
}

impl Ongoing<'_> {
    pub(crate) fn advance(&self, bytes: u64) {
        self.observer.on(&Event::Read { id: self.id, bytes });
    }
}

impl Drop for Ongoing<'_> {
    fn drop(&mut self) {
        // It may be the observer who panicked.
        if !std::thread::panicking() {
            self.observer.on(&Event::Ended { id: self.id });
        }
    }
}

impl Default for Context<'_> {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            cancel: Cancel::default(),
            observer: &Silent,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            temp_dir: None,
            sync: true,
            shared_hands: None,
            layer_cache: None,
            next_id: Arc::default(),
        }
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("limits", &self.limits)
            .field("cancel", &self.cancel)
            .field("threads", &self.threads)
            .field("temp_dir", &self.temp_dir)
            .field("sync", &self.sync)
            .finish_non_exhaustive()
    }
}
