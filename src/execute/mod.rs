//! Doing what the plan says: every blob is read once, and what it turns out to be is held against what was claimed.

mod assembly;
mod block;
mod commit;
mod crew;
mod measure;
mod read;
mod route;
mod share;

pub(crate) use assembly::{Assembly, Sealed};
pub(crate) use share::Sharing;

use crate::codec::Compression;
use crate::content::Measured;
use crate::context::Context;
use crate::digest::DiffId;
use crate::error::{Error, Result};
use crate::graph::{Blob, Graph};
use crate::plan::{Action, Job, JobId, Jobs, Outcome};

/// What the pump found about a job.
#[derive(Clone, Copy, Debug)]
struct Facts {
    /// Of the bytes in the source.
    stored: Measured,
    /// Of the bytes after inflating; `None` when nothing was inflated.
    plain: Option<Measured>,
    /// Of the bytes in the result, when they are neither.
    made: Option<Measured>,
}

/// Checks facts against claims and says what the job's result is.
fn settle(source: Source<'_>, id: JobId, facts: Facts, changes: &mut Vec<String>) -> Result<Outcome> {
    let job = source.jobs.get(id);
    let blob = source.blob(job);
    let mut check = |what: &str, claimed: String, found: String| {
        if claimed == found {
            return Ok(());
        }
        let error = Error::damaged(format!("{what} mismatch: named {claimed}, but the content is {found}"));
        let error = blob.content.locate(error);
        if source.recompute {
            changes.push(error.to_string());
            return Ok(());
        }
        Err(error.hint("the archive is damaged, or was edited by hand: --recompute takes the content for right"))
    };
    if let Some(claimed) = job.expect.digest {
        check("digest", claimed.to_string(), facts.stored.digest.to_string())?;
    }
    let diff_id = facts.plain.map(|plain| DiffId::of_tar(plain.digest));
    if let (Some(claimed), Some(found)) = (job.expect.diff_id, diff_id) {
        check("diff_id", claimed.to_string(), found.to_string())?;
    }
    let now = blob.compression.unwrap_or(Compression::None);
    let (result, compression) = match (job.action, facts.plain, facts.made) {
        (Action::Decompress, Some(plain), _) => (plain, Compression::None),
        (Action::Compress(encoding) | Action::Recompress(encoding), _, Some(made)) => (made, encoding.compression()),
        _ => (facts.stored, now),
    };
    Ok(Outcome { digest: result.digest, size: Some(result.size), diff_id, compression })
}

/// What jobs are about.
#[derive(Clone, Copy)]
struct Source<'a> {
    graph: &'a Graph,
    jobs: &'a Jobs,
    recompute: bool,
    sharing: &'a Sharing,
    cx: &'a Context<'a>,
}

impl<'a> Source<'a> {
    fn blob(&self, job: &Job) -> &'a Blob {
        self.graph.blob(job.blob)
    }
}
