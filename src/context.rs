//! What every operation is given to run with. Nothing in it changes the result.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use crate::limits::Limits;

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

    pub(crate) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(Error::cancelled()) } else { Ok(()) }
    }
}

/// What happens while an operation runs, for progress displays and logs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Work is known: this many bytes of the input will be read (documents apart).
    Planned {
        /// Bytes of blobs as they are stored in the input.
        bytes: u64,
    },
    /// More bytes of the input were read and hashed.
    Read {
        /// Bytes since the last such event.
        bytes: u64,
    },
    /// A blob is done.
    Blob {
        /// Where it came from, as in `app.tar: 3f…/layer.tar`. May hold any character: escape it before printing.
        origin: String,
        /// What was done with it, as in `copy` or `compress`.
        action: &'static str,
        /// Its size in the output in bytes.
        size: u64,
    },
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

/// Limits, cancellation, observer, threads and temporary folder of one operation.
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
}

impl Default for Context<'_> {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            cancel: Cancel::default(),
            observer: &Silent,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            temp_dir: None,
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
            .finish_non_exhaustive()
    }
}
