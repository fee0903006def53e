//! Decisions as values: what happens to each blob, and what the target cannot hold. Pure; `--dry-run` prints it.

mod draw;
mod dropped;
mod layers;
mod naming;
mod reason;
mod vouched;

pub(crate) use draw::{Abilities, Plan, Wanted, draw};
pub(crate) use layers::Policy;
pub(crate) use naming::PlannedImage;
pub use reason::Reason;

use std::collections::HashMap;

use crate::codec::{Compression, CompressionChoice, Encoding};
use crate::digest::{Algorithm, DiffId, Digest};
use crate::graph::{BlobId, Graph, Image, Layer};

/// Index of a job in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct JobId(usize);

/// What happens to one blob. Each blob has one job, however many images it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) blob: BlobId,
    pub(crate) action: Action,
    /// What the source claims and the pump has to find.
    pub(crate) expect: Expect,
    /// Known without looking at the bytes, if the claims hold.
    pub(crate) forecast: Option<Forecast>,
}

impl Job {
    /// Returns the algorithms of the digests that the result has: as it is stored, and as a diff_id. They are those of
    /// the claims; what we make ourselves is named by sha256.
    pub(crate) fn algorithms(&self) -> (Algorithm, Algorithm) {
        let plain = self.expect.diff_id.map_or(Algorithm::Sha256, |diff_id| diff_id.as_plain_digest().algorithm());
        let stored = match self.action {
            Action::Copy => self.stored_algorithm(),
            Action::Decompress => plain,
            Action::Compress(_) | Action::Recompress(_) => Algorithm::Sha256,
        };
        (stored, plain)
    }

    /// Returns the algorithm of the claim about the source's bytes.
    pub(crate) fn stored_algorithm(&self) -> Algorithm {
        self.expect.digest.map_or_else(
            || self.expect.diff_id.map_or(Algorithm::Sha256, |diff_id| diff_id.as_plain_digest().algorithm()),
            |digest| digest.algorithm(),
        )
    }

    /// Returns the digest that the source's bytes have, if it claims one: of a plain layer the diff_id tells it.
    pub(crate) fn stored_claim(&self, graph: &Graph) -> Option<Digest> {
        let is_plain = graph.blob(self.blob).layer_compression() == Compression::None;
        let of_tar = || self.expect.diff_id.filter(|_| is_plain).map(|diff_id| diff_id.as_plain_digest());
        self.expect.digest.or_else(of_tar)
    }

    /// Says why it is to be done, given what was asked for.
    pub(crate) fn reason(&self, graph: &Graph, target: Abilities, choice: Option<CompressionChoice>) -> Reason {
        Reason::of(self.action, graph.blob(self.blob).compression, choice, target.policy, target.name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Copy,
    Decompress,
    Compress(Encoding),
    /// From one compression to another.
    Recompress(Encoding),
}

impl Action {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Decompress => "decompress",
            Self::Compress(_) => "compress",
            Self::Recompress(_) => "recompress",
        }
    }

    /// Returns how the result is compressed on the way.
    pub(crate) fn encoding(self) -> Option<Encoding> {
        match self {
            Self::Compress(encoding) | Self::Recompress(encoding) => Some(encoding),
            Self::Copy | Self::Decompress => None,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expect {
    pub(crate) digest: Option<Digest>,
    pub(crate) diff_id: Option<DiffId>,
}

/// A job's result as far as the claims tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forecast {
    pub(crate) digest: Digest,
    /// `None`: known when it is poured.
    pub(crate) size: Option<u64>,
    pub(crate) diff_id: Option<DiffId>,
}

/// What a job's result is, measured or forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) digest: Digest,
    /// `None` until it is poured.
    pub(crate) size: Option<u64>,
    /// `None` for blobs that are no layers.
    pub(crate) diff_id: Option<DiffId>,
    pub(crate) compression: Compression,
}

/// The jobs of a conversion, in the order of their layers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jobs {
    list: Vec<Job>,
    by_blob: HashMap<BlobId, JobId>,
}

impl Jobs {
    pub(crate) fn of(&self, blob: BlobId) -> Option<JobId> {
        self.by_blob.get(&blob).copied()
    }

    pub(crate) fn get(&self, id: JobId) -> &Job {
        &self.list[id.0]
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = JobId> + use<> {
        (0..self.list.len()).map(JobId)
    }

    fn get_mut(&mut self, id: JobId) -> &mut Job {
        &mut self.list[id.0]
    }

    fn add(&mut self, job: Job) -> JobId {
        let id = JobId(self.list.len());
        self.by_blob.insert(job.blob, id);
        self.list.push(job);
        id
    }
}

/// Results of jobs, by job.
#[derive(Clone, Debug)]
pub(crate) struct Outcomes(Vec<Option<Outcome>>);

impl Outcomes {
    /// Starts with what the claims tell.
    pub(crate) fn forecast(jobs: &Jobs, graph: &Graph) -> Self {
        let outcome = |job: &Job| {
            let Forecast { digest, size, diff_id } = job.forecast?;
            let compression = match job.action {
                Action::Copy => graph.blob(job.blob).layer_compression(),
                Action::Decompress => Compression::None,
                Action::Compress(encoding) | Action::Recompress(encoding) => encoding.compression(),
            };
            Some(Outcome { digest, size, diff_id, compression })
        };
        Self(jobs.list.iter().map(outcome).collect())
    }

    pub(crate) fn get(&self, id: JobId) -> Option<&Outcome> {
        self.0[id.0].as_ref()
    }

    /// Returns the diff_ids of an image's layers, when all are known: measured, or claimed for layers that could not be.
    pub(crate) fn diff_ids(&self, jobs: &Jobs, image: &Image) -> Option<Vec<DiffId>> {
        let measured = |layer: &Layer| self.get(jobs.of(layer.blob?)?)?.diff_id;
        image.layers.iter().map(|layer| measured(layer).or(layer.diff_id)).collect()
    }

    pub(crate) fn set(&mut self, id: JobId, outcome: Outcome) {
        self.0[id.0] = Some(outcome);
    }
}
