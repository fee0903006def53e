//! Which way a job's bytes take: what is read, what is measured, what is written. Pure.

use super::Source;
use super::block::Streams;
use crate::codec::{Compression, Encoding};
use crate::digest::Algorithm;
use crate::graph::Blob;
use crate::plan::{Action, Job, JobId};

/// Which of a job's streams becomes the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    /// The bytes as they are stored in the source.
    Stored,
    /// The bytes after inflating, or those that another conversion made of them.
    Plain,
    /// What is made of them here.
    Made,
}

/// The way of one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// What has to be undone.
    pub(super) compression: Compression,
    /// How the result is made of the plain stream, if that is not the result.
    pub(super) encoding: Option<Encoding>,
    pub(super) is_layer: bool,
    written: Written,
    /// How the streams are measured, if they are.
    pub(super) stored: Option<Algorithm>,
    /// `None` when it is measured as the stored one, too.
    pub(super) plain: Option<Algorithm>,
    pub(super) made: Option<Algorithm>,
}

impl Route {
    pub(super) fn of(blob: &Blob, job: &Job) -> Self {
        let (made, plain) = job.algorithms();
        let stored = job.stored_algorithm();
        let compression = blob.layer_compression();
        let is_layer = blob.compression.is_some();
        let encoding = job.action.encoding();
        let written = match job.action {
            Action::Copy => Written::Stored,
            Action::Decompress => Written::Plain,
            Action::Compress(_) | Action::Recompress(_) => Written::Made,
        };
        let as_stored = compression == Compression::None && stored == plain;
        Self {
            compression,
            encoding,
            is_layer,
            written,
            stored: Some(stored),
            plain: (is_layer && !as_stored).then_some(plain),
            made: encoding.map(|_| made),
        }
    }

    /// The way of a job whose result another conversion made: what is handed on is known.
    fn reused(self) -> Self {
        let compression = Compression::None;
        Self { compression, encoding: None, written: Written::Plain, stored: None, plain: None, made: None, ..self }
    }

    /// Tells whether what is stored is the plain stream.
    pub(super) fn is_plain(&self) -> bool {
        self.compression == Compression::None
    }

    /// Returns the piece of the result.
    pub(super) fn written<'b>(&self, streams: Streams<'b>) -> &'b [u8] {
        match self.written {
            Written::Stored if !self.is_plain() => streams.stored,
            Written::Stored | Written::Plain => streams.plain,
            Written::Made => streams.made,
        }
    }
}

impl Source<'_> {
    pub(super) fn route(&self, id: JobId) -> Route {
        let job = self.jobs.get(id);
        let route = Route::of(self.blob(job), job);
        if self.sharing.reused(id).is_some() { route.reused() } else { route }
    }
}
