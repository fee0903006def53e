//! Doing what the plan says: every blob is read once, and what it turns out to be is held against what was claimed.

mod pour;
mod stream;

pub(crate) use pour::{Assembly, Sealed};

use crate::codec::Compression;
use crate::content::{Flow, Measured, Meter, pump};
use crate::context::Context;
use crate::digest::DiffId;
use crate::error::{Error, Result};
use crate::graph::{Blob, Graph};
use crate::plan::{Action, Job, Outcome};

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
fn settle(blob: &Blob, job: &Job, facts: Facts, recompute: bool, changes: &mut Vec<String>) -> Result<Outcome> {
    let mut check = |what: &str, claimed: String, found: String| {
        if claimed == found {
            return Ok(());
        }
        let error = Error::damaged(format!("{what} mismatch: named {claimed}, but the content is {found}"));
        let error = blob.content.locate(error);
        if recompute {
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

/// Moves a blob's stored bytes to `sink` and measures what they are, and what they inflate to if it is a layer.
fn copy(
    blob: &Blob,
    job: &Job,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    cx: &Context<'_>,
) -> Result<(Measured, Option<Measured>)> {
    let (stored_algorithm, plain_algorithm) = (job.stored_algorithm(), job.algorithms().1);
    let Some(compression) = blob.compression else {
        let flow = Flow { stored: Some(sink), plain: None };
        return Ok((pump(&blob.content, Compression::None, stored_algorithm, flow, cx)?, None));
    };
    if compression == Compression::None && stored_algorithm == plain_algorithm {
        // Plain bytes in one algorithm need one hash.
        let flow = Flow { stored: Some(sink), plain: None };
        let stored = pump(&blob.content, compression, stored_algorithm, flow, cx)?;
        return Ok((stored, Some(stored)));
    }
    let mut meter = Meter::new(plain_algorithm);
    let mut measure = |bytes: &[u8]| {
        meter.update(bytes);
        Ok(())
    };
    let flow = Flow { stored: Some(sink), plain: Some(&mut measure) };
    let stored = pump(&blob.content, compression, stored_algorithm, flow, cx)?;
    Ok((stored, Some(meter.finish())))
}

fn blob<'g>(graph: &'g Graph, job: &Job) -> &'g Blob {
    graph.blob(job.blob)
}
