//! Jobs whose result has no known size yet: made in order, each at the end of what was written before it.
//!
//! One thread reads, inflates and cuts what it reads into blocks; workers compress blocks; the calling thread hashes and
//! writes them in order. Blocks of the next job follow those of the last without a pause, so many small layers keep the
//! workers as busy as one large one. What is in flight is bounded.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};

use super::{Facts, blob, copy, settle};
use crate::codec::{BLOCK_LEN, BlockEncoder, Encoding};
use crate::content::{Flow, Measured, Meter, pump};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::output::{Filling, Writer};
use crate::plan::{Action, Job, JobId, Jobs, Outcome};
use crate::pool::panicked;

/// Each worker has a block, its result and a codec's tables in memory, about 4 MiB, and a conversion may take 64 MiB.
/// More would wait: eight compress about as fast as one thread reads and hashes.
const MAX_WORKERS: usize = 8;

/// What jobs are about.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) graph: &'a Graph,
    pub(super) jobs: &'a Jobs,
    pub(super) recompute: bool,
    pub(super) cx: &'a Context<'a>,
}

/// Names a result once it is known; says what name to reserve room for before.
pub(super) struct Naming<'a> {
    pub(super) like: &'a dyn Fn(JobId) -> String,
    /// Name and mode; `None`: a file of that name is there, and this one is the same.
    pub(super) name: &'a mut dyn FnMut(JobId, &Outcome) -> Option<NameAndMode>,
}

pub(super) type NameAndMode = (String, u32);

/// What the reading thread hands on, in order.
enum Piece {
    /// Bytes of the result.
    Ready(Vec<u8>),
    /// Bytes of the result that a worker is making.
    Later(Receiver<Result<Vec<u8>>>),
    /// A job is read to its end, or failed.
    End(Result<Read>),
}

/// What the reading thread knows at a job's end.
struct Read {
    stored: Measured,
    /// Unless the writing thread measures it: what it writes is the plain stream.
    plain: Option<Measured>,
}

struct Task {
    encoding: Encoding,
    block: Vec<u8>,
    result: SyncSender<Result<Vec<u8>>>,
}

/// Pours the jobs one after the other to the end of the result.
pub(super) fn run(
    source: Source<'_>,
    ids: &[JobId],
    writer: &mut dyn Writer,
    naming: Naming<'_>,
    changes: &mut Vec<String>,
) -> Result<Vec<(JobId, Outcome)>> {
    let compresses = ids.iter().any(|&id| encoding(source.jobs.get(id)).is_some());
    let workers = if compresses { source.cx.threads.get().min(MAX_WORKERS) } else { 0 };
    // Blocks are large and their number bounds the memory; pieces that are only passed on are small.
    let (pieces, in_order) = sync_channel(if compresses { workers + 2 } else { 16 });
    let (tasks, queue) = channel();
    let queue = Mutex::new(queue);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(|| work(&queue))).collect();
        let reader = scope.spawn(move || read_all(source, ids, &pieces, &tasks));
        let written = write_all(source, ids, writer, naming, changes, &in_order);
        // A reader that waits for room must hear that there will be none.
        drop(in_order);
        // Every thread is joined, so that one that panicked is an error and not a panic of the scope.
        let panics = workers.into_iter().chain([reader]).map(|thread| thread.join()).filter(Result::is_err).count();
        if panics == 0 { written } else { Err(panicked()) }
    })
}

fn read_all(source: Source<'_>, ids: &[JobId], pieces: &SyncSender<Piece>, tasks: &Sender<Task>) {
    for &id in ids {
        let end = read(source.graph, source.jobs.get(id), pieces, tasks, source.cx);
        let failed = end.is_err();
        if pieces.send(Piece::End(end)).is_err() || failed {
            return;
        }
    }
}

fn write_all(
    source: Source<'_>,
    ids: &[JobId],
    writer: &mut dyn Writer,
    naming: Naming<'_>,
    changes: &mut Vec<String>,
    pieces: &Receiver<Piece>,
) -> Result<Vec<(JobId, Outcome)>> {
    let mut outcomes = Vec::new();
    for &id in ids {
        let job = source.jobs.get(id);
        let facts = write(job, pieces, writer.open(&(naming.like)(id))?.fill()?)?;
        let outcome = settle(blob(source.graph, job), job, facts, source.recompute, changes)?;
        match (naming.name)(id, &outcome) {
            Some((name, mode)) => writer.close(&name, mode, outcome.size.unwrap_or_default())?,
            None => writer.discard()?,
        }
        outcomes.push((id, outcome));
    }
    Ok(outcomes)
}

fn encoding(job: &Job) -> Option<Encoding> {
    match job.action {
        Action::Compress(encoding) | Action::Recompress(encoding) => Some(encoding),
        Action::Copy | Action::Decompress => None,
    }
}

/// Compresses blocks until there are no more.
fn work(queue: &Mutex<Receiver<Task>>) {
    let mut encoder: Option<(Encoding, BlockEncoder)> = None;
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Task { encoding, block, result }) = next else { return };
        let made = match &mut encoder {
            Some((own, encoder)) if *own == encoding => encoder.encode(&block),
            other => BlockEncoder::new(encoding).and_then(|new| other.insert((encoding, new)).1.encode(&block)),
        };
        // Nobody waits for it when another block failed.
        let _ = result.send(made);
    }
}

/// Reads a job's blob and hands on what its result is made of.
fn read(graph: &Graph, job: &Job, pieces: &SyncSender<Piece>, tasks: &Sender<Task>, cx: &Context<'_>) -> Result<Read> {
    let blob = blob(graph, job);
    let (stored_algorithm, plain_algorithm) = (job.stored_algorithm(), job.algorithms().1);
    let mut hand_on = |bytes: &[u8]| pieces.send(Piece::Ready(bytes.to_vec())).map_err(|_| Error::cancelled());
    let (stored, plain) = match job.action {
        Action::Copy => copy(blob, job, &mut hand_on, cx)?,
        Action::Decompress => {
            let flow = Flow { stored: None, plain: Some(&mut hand_on) };
            (pump(&blob.content, blob.layer_compression(), stored_algorithm, flow, cx)?, None)
        }
        Action::Compress(encoding) | Action::Recompress(encoding) => {
            let mut meter = Meter::new(plain_algorithm);
            let mut cutter = Cutter { encoding, block: Vec::new(), any: false, pieces, tasks };
            let mut cut = |bytes: &[u8]| {
                meter.update(bytes);
                cutter.add(bytes)
            };
            let flow = Flow { stored: None, plain: Some(&mut cut) };
            let stored = pump(&blob.content, blob.layer_compression(), stored_algorithm, flow, cx)?;
            cutter.end()?;
            (stored, Some(meter.finish()))
        }
    };
    Ok(Read { stored, plain })
}

/// Cuts a stream into blocks and gives them to the workers.
struct Cutter<'a> {
    encoding: Encoding,
    block: Vec<u8>,
    any: bool,
    pieces: &'a SyncSender<Piece>,
    tasks: &'a Sender<Task>,
}

impl Cutter<'_> {
    fn add(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            if self.block.capacity() == 0 {
                self.block.reserve_exact(BLOCK_LEN);
            }
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_LEN - self.block.len()));
            self.block.extend_from_slice(now);
            bytes = later;
            if self.block.len() == BLOCK_LEN {
                self.send()?;
            }
        }
        Ok(())
    }

    /// Sends what is left; an empty stream is one empty block.
    fn end(&mut self) -> Result<()> {
        if self.block.is_empty() && self.any { Ok(()) } else { self.send() }
    }

    fn send(&mut self) -> Result<()> {
        self.any = true;
        let (result, later) = sync_channel(1);
        let block = std::mem::take(&mut self.block);
        // The bounded queue of pieces comes first: it is what holds the reader back.
        let sent = self.pieces.send(Piece::Later(later)).is_ok();
        let task = Task { encoding: self.encoding, block, result };
        if sent && self.tasks.send(task).is_ok() { Ok(()) } else { Err(Error::cancelled()) }
    }
}

/// Writes a job's pieces in order and measures what they are.
fn write(job: &Job, pieces: &Receiver<Piece>, mut to: Filling) -> Result<Facts> {
    let mut meter = (job.action != Action::Copy).then(|| Meter::new(job.algorithms().0));
    loop {
        let bytes = match pieces.recv().map_err(|_| panicked())? {
            Piece::Ready(bytes) => bytes,
            Piece::Later(made) => made.recv().map_err(|_| panicked())??,
            Piece::End(end) => {
                let Read { stored, plain } = end?;
                to.finish()?;
                let made = meter.map(Meter::finish);
                let plain = if job.action == Action::Decompress { made } else { plain };
                return Ok(Facts { stored, plain, made });
            }
        };
        if let Some(meter) = &mut meter {
            meter.update(&bytes);
        }
        to.write(&bytes)?;
    }
}
