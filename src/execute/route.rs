//! Which way a job's bytes take: what is read, what is measured where, what is written. Pure.

use super::crew::Read;
use super::{Facts, Source};
use crate::codec::{Compression, Encoding};
use crate::content::Measured;
use crate::digest::Algorithm;
use crate::graph::Blob;
use crate::plan::{Action, Job, JobId};

/// What is handed on to the committing side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handed {
    /// Bytes as they are stored in the source.
    Stored,
    /// Bytes after inflating.
    Plain,
    /// A result that another conversion made of the same.
    Reused,
}

/// Where the stored bytes are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoredMeter {
    /// Where they are read.
    Reading(Algorithm),
    /// They are the plain stream, which is measured beside what is made of it: two hashes at a time take less.
    AsPlain,
}

/// Where the plain stream is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlainMeter {
    /// Nowhere: it is no layer.
    Nowhere,
    /// It is the stored stream.
    AsStored,
    /// Where it is inflated.
    Reading(Algorithm),
    /// Where it is written from.
    Committing(Algorithm),
}

/// The way of one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) compression: Compression,
    pub(super) stored: StoredMeter,
    pub(super) handed: Handed,
    pub(super) plain: PlainMeter,
    /// How the result is made of what is handed on, if that is not the result.
    pub(super) encoding: Option<Encoding>,
    /// Of the result's digest.
    pub(super) made: Algorithm,
}

impl Route {
    /// `side_by_side`: whether each thread has a job of its own to read. Then nobody is there to take measuring off its hands,
    /// and where it is read it takes less.
    pub(super) fn of(blob: &Blob, job: &Job, side_by_side: bool) -> Self {
        let (made, plain_algorithm) = job.algorithms();
        let stored = job.stored_algorithm();
        let compression = blob.layer_compression();
        let is_plain = compression == Compression::None;
        let as_stored = is_plain && stored == plain_algorithm;
        let handed = match job.action {
            Action::Copy => Handed::Stored,
            Action::Decompress | Action::Compress(_) | Action::Recompress(_) => Handed::Plain,
        };
        let encoding = job.action.encoding();
        let plain = match (blob.compression, handed) {
            (None, _) => PlainMeter::Nowhere,
            (Some(_), _) if as_stored && encoding.is_none() => PlainMeter::AsStored,
            (Some(_), _) if !is_plain && encoding.is_none() && (handed == Handed::Stored || side_by_side) => {
                PlainMeter::Reading(plain_algorithm)
            }
            (Some(_), _) => PlainMeter::Committing(plain_algorithm),
        };
        let stored = match plain {
            PlainMeter::Committing(_) if as_stored => StoredMeter::AsPlain,
            _ => StoredMeter::Reading(stored),
        };
        Self { compression, stored, handed, plain, encoding, made }
    }

    /// Puts together what both sides measured.
    pub(super) fn facts(&self, read: Read, committed: Option<Measured>, made: Option<Measured>) -> Facts {
        let stored = read.stored.or(committed).expect("one of the sides measures what is stored");
        if self.handed == Handed::Reused {
            return Facts { stored, plain: read.plain, made: read.made };
        }
        let plain = match self.plain {
            PlainMeter::Nowhere => None,
            PlainMeter::AsStored => Some(stored),
            PlainMeter::Reading(_) => read.plain,
            PlainMeter::Committing(_) => committed,
        };
        Facts { stored, plain, made }
    }
}

impl Source<'_> {
    pub(super) fn route(&self, id: JobId) -> Route {
        let job = self.jobs.get(id);
        let route = Route::of(self.blob(job), job, self.side_by_side);
        match self.sharing.reused(id) {
            Some(_) => Route { handed: Handed::Reused, plain: PlainMeter::Nowhere, encoding: None, ..route },
            None => route,
        }
    }
}
