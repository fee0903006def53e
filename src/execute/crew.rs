//! Threads that share the work of a conversion, so that one large layer and a thousand small ones both keep all of them
//! busy, and one thread alone does the same work by turns.
//!
//! A task reads something and hands blocks to its **lane**. A lane commits its pieces (hashes and writes them) in order;
//! before that, blocks may have to be compressed, which any thread can do. Whichever thread finds a lane's next piece ready
//! commits it. A thread that would have to wait, for room or for the end of its lane, does what others left instead. What
//! is in flight is bounded, and buffers are used again: first touches of fresh memory are slow.
//!
//! Whoever calls [`run`] works; others help for as long as there is work and a hand that nobody needs more (`hands`).

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::codec::{BLOCK_LEN, BlockEncoder, Encoding};
use crate::content::Measured;
use crate::error::{Error, Result};
use crate::hands::Hands;
use crate::pool::panicked;

/// Each thread has a block, its result and a codec's tables in memory, about 4 MiB, and a conversion may take 64 MiB. More
/// threads would wait: eight make about as much as one can read and hash, or one file take.
pub(super) const MAX_THREADS: usize = 8;

/// Blocks that are only handed on are smaller than those that are compressed.
const PASSING_LEN: usize = 256 << 10;

/// Which lane, and which of two errors is told: the one of the lower lane.
pub(super) type LaneId = usize;

/// What a task knows at the end of what it read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    /// Of the bytes in the source, when the task measured them.
    pub(super) stored: Option<Measured>,
    /// Of the bytes after inflating, when the task measured them.
    pub(super) plain: Option<Measured>,
    /// Of the result, when the task did not have to make it.
    pub(super) made: Option<Measured>,
}

/// What happens to a lane's pieces, in order.
pub(super) trait Committer: Send {
    /// Takes a block as it was read, and what it was compressed to, if it was.
    fn block(&mut self, read: &[u8], made: Option<&[u8]>) -> Result<()>;

    /// Takes the end of what one job read.
    fn end(&mut self, read: Read) -> Result<()>;
}

enum Piece {
    /// Waits to be compressed.
    Raw(Encoding, Vec<u8>),
    /// Is being compressed.
    Taken,
    Ready {
        read: Vec<u8>,
        made: Option<Vec<u8>>,
    },
    Failed(Error),
    End(Box<Read>),
}

struct Lane<'a> {
    /// Taken while a thread commits.
    committer: Option<Box<dyn Committer + 'a>>,
    pieces: VecDeque<Piece>,
    /// The number of the first of them.
    first: u64,
}

#[derive(Default)]
struct State<'a> {
    next_task: usize,
    running: usize,
    lanes: BTreeMap<LaneId, Lane<'a>>,
    /// Blocks that wait to be compressed, in the order they came.
    raw: VecDeque<(LaneId, u64)>,
    /// Blocks that were handed on and not committed yet.
    in_flight: usize,
    /// Threads that have nothing to do, or no hand to do it with.
    idle: usize,
    failure: Option<(LaneId, Error)>,
    spare: Vec<Vec<u8>>,
}

/// Work that any thread can do.
enum Unit<'a> {
    Commit(LaneId, Box<dyn Committer + 'a>, Piece),
    Compress(LaneId, u64, Encoding, Vec<u8>),
}

pub(super) struct Crew<'a> {
    state: Mutex<State<'a>>,
    changed: Condvar,
    hands: Hands,
    /// How many blocks may be in flight.
    room: usize,
    encoders: Mutex<Vec<(Encoding, BlockEncoder)>>,
}

/// Runs the tasks, each with a lane of its own, and returns when all lanes are committed. Tasks are begun in their order. Of
/// several errors the one of the first task is returned, whichever thread was faster.
pub(super) fn run<'a, T: Sync>(
    hands: &Hands,
    tasks: &[T],
    work: impl Fn(&Crew<'a>, LaneId, &T) -> Result<()> + Sync,
) -> Result<()> {
    let threads = hands.total().clamp(1, MAX_THREADS);
    let crew = Crew {
        state: Mutex::default(),
        changed: Condvar::new(),
        hands: hands.clone(),
        room: if threads == 1 { 1 } else { 2 * threads + 1 },
        encoders: Mutex::default(),
    };
    let serve = |own| crew.serve(own, tasks, &work);
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| serve(false))).collect();
        serve(true);
        // Every thread is joined, so that one that panicked is an error and not a panic of the scope.
        let panics = others.into_iter().map(|thread| thread.join()).filter(Result::is_err).count();
        if panics == 0 { Ok(()) } else { Err(panicked()) }
    })?;
    let state = crew.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    state.failure.map_or(Ok(()), |(_, error)| Err(error))
}

impl<'a> Crew<'a> {
    /// Works until there is nothing left to do; the caller with its `own` hand, others with one that is to spare.
    fn serve<T>(&self, own: bool, tasks: &[T], work: &(impl Fn(&Crew<'a>, LaneId, &T) -> Result<()> + Sync)) {
        let mut state = self.lock();
        let mut hand = None;
        loop {
            if !own {
                // It is given back after each piece of work: an operation may wait for it.
                drop(hand.take());
                hand = self.hands.spare();
            }
            let able = own || hand.is_some();
            let task = tasks.get(state.next_task).filter(|_| state.failure.is_none());
            if let Some(unit) = if able { state.unit() } else { None } {
                drop(state);
                self.perform(unit);
                state = self.lock();
            } else if let Some(task) = task.filter(|_| able) {
                let lane = state.next_task;
                state.next_task += 1;
                state.running += 1;
                drop(state);
                let done = caught(|| work(self, lane, task));
                state = self.lock();
                state.running -= 1;
                if let Err(error) = done {
                    state.end_with(lane, error);
                }
                self.changed.notify_all();
            } else if task.is_none() && state.running == 0 && state.lanes.is_empty() {
                return;
            } else {
                drop(hand.take());
                state.idle += 1;
                state = self.wait(state);
                state.idle -= 1;
            }
        }
    }

    /// Opens a task's lane.
    pub(super) fn open(&self, lane: LaneId, committer: Box<dyn Committer + 'a>) {
        let new = Lane { committer: Some(committer), pieces: VecDeque::new(), first: 0 };
        self.lock().lanes.insert(lane, new);
    }

    /// Commits bytes right now, while they are hot, if nothing is before them and nobody else could do it instead. Tells
    /// whether it did.
    fn commit_now(&self, lane: LaneId, bytes: &[u8]) -> Result<bool> {
        let mut state = self.lock();
        if state.idle > 0 && self.hands.any_spare() {
            return Ok(false);
        }
        let own = state.lane(lane)?;
        let Some(mut committer) = own.committer.take_if(|_| own.pieces.is_empty()) else { return Ok(false) };
        drop(state);
        committer.block(bytes, None)?;
        self.lock().lane(lane)?.committer = Some(committer);
        Ok(true)
    }

    /// Hands a block on, to be compressed before it is committed or not.
    fn push(&self, lane: LaneId, block: Vec<u8>, encoding: Option<Encoding>) -> Result<()> {
        self.put(
            lane,
            match encoding {
                Some(encoding) => Piece::Raw(encoding, block),
                None => Piece::Ready { read: block, made: None },
            },
        )
    }

    /// Ends what one job read.
    pub(super) fn end(&self, lane: LaneId, read: Read) -> Result<()> {
        self.put(lane, Piece::End(Box::new(read)))
    }

    fn put(&self, id: LaneId, piece: Piece) -> Result<()> {
        let mut state = self.lock();
        loop {
            let State { lanes, raw, in_flight, .. } = &mut *state;
            let own = lanes.get_mut(&id).ok_or_else(Error::cancelled)?;
            // Each lane may always have one, so that none waits for the others' ends.
            if *in_flight < self.room || own.pieces.is_empty() {
                if let Piece::Raw(..) = piece {
                    raw.push_back((id, own.first + own.pieces.len() as u64));
                }
                own.pieces.push_back(piece);
                *in_flight += 1;
                self.changed.notify_all();
                return Ok(());
            }
            state = self.help(state);
        }
    }

    /// Waits until all of a lane is committed, and closes it.
    pub(super) fn close(&self, lane: LaneId) -> Result<()> {
        self.drain(lane)?;
        self.lock().lanes.remove(&lane);
        Ok(())
    }

    /// Waits until all that a lane was given is committed.
    pub(super) fn drain(&self, lane: LaneId) -> Result<()> {
        let mut state = self.lock();
        loop {
            let own = state.lane(lane)?;
            if own.pieces.is_empty() && own.committer.is_some() {
                return Ok(());
            }
            state = self.help(state);
        }
    }

    /// Returns an empty buffer with room for a block.
    fn buffer(&self, len: usize) -> Vec<u8> {
        let mut buffer = self.lock().spare.pop().unwrap_or_default();
        buffer.clear();
        buffer.reserve_exact(len);
        buffer
    }

    fn help<'s>(&'s self, mut state: MutexGuard<'s, State<'a>>) -> MutexGuard<'s, State<'a>> {
        match state.unit() {
            Some(unit) => {
                drop(state);
                self.perform(unit);
                self.lock()
            }
            None => self.wait(state),
        }
    }

    fn perform(&self, unit: Unit<'a>) {
        match unit {
            Unit::Commit(lane, mut committer, piece) => {
                let (done, used) = match piece {
                    Piece::Ready { read, made } => {
                        let done = caught(|| committer.block(&read, made.as_deref()));
                        (done, Vec::from_iter(made.into_iter().chain([read])))
                    }
                    Piece::End(read) => (caught(|| committer.end(*read)), Vec::new()),
                    Piece::Failed(error) => (Err(error), Vec::new()),
                    Piece::Raw(..) | Piece::Taken => unreachable!("it is not ready"),
                };
                let mut state = self.lock();
                state.in_flight -= 1;
                state.spare.extend(used);
                match (done, state.lanes.get_mut(&lane)) {
                    (Ok(()), Some(own)) => own.committer = Some(committer),
                    (Ok(()), None) => {}
                    (Err(error), _) => state.fail(lane, error),
                }
            }
            Unit::Compress(lane, number, encoding, read) => {
                let mut made = self.buffer(0);
                let done = caught(|| self.encode(encoding, &read, &mut made));
                let mut state = self.lock();
                let piece = match done {
                    Ok(()) => Piece::Ready { read, made: Some(made) },
                    Err(error) => Piece::Failed(error),
                };
                match state.lanes.get_mut(&lane) {
                    Some(own) => {
                        let at = usize::try_from(number - own.first).expect("few are in flight");
                        own.pieces[at] = piece;
                    }
                    None => state.in_flight -= 1,
                }
            }
        }
        self.changed.notify_all();
    }

    fn encode(&self, encoding: Encoding, block: &[u8], made: &mut Vec<u8>) -> Result<()> {
        let free = self.encoders.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut encoder = match free.filter(|(of, _)| *of == encoding) {
            Some((_, encoder)) => encoder,
            None => BlockEncoder::new(encoding)?,
        };
        encoder.encode(block, made)?;
        self.encoders.lock().unwrap_or_else(PoisonError::into_inner).push((encoding, encoder));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State<'a>>) -> MutexGuard<'s, State<'a>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> State<'a> {
    /// Takes the most downstream work there is: it is what makes room.
    fn unit(&mut self) -> Option<Unit<'a>> {
        for (&id, lane) in &mut self.lanes {
            let ready = matches!(lane.pieces.front(), Some(Piece::Ready { .. } | Piece::End(_) | Piece::Failed(_)));
            if let Some(committer) = lane.committer.take_if(|_| ready) {
                let piece = lane.pieces.pop_front().expect("it has a front");
                lane.first += 1;
                return Some(Unit::Commit(id, committer, piece));
            }
        }
        let (id, number) = self.raw.pop_front()?;
        let lane = self.lanes.get_mut(&id).expect("what is raw is in a lane");
        let at = usize::try_from(number - lane.first).expect("few are in flight");
        match std::mem::replace(&mut lane.pieces[at], Piece::Taken) {
            Piece::Raw(encoding, block) => Some(Unit::Compress(id, number, encoding, block)),
            _ => unreachable!("it was raw"),
        }
    }

    fn lane(&mut self, id: LaneId) -> Result<&mut Lane<'a>> {
        // Only failing takes a lane away from its task.
        self.lanes.get_mut(&id).ok_or_else(Error::cancelled)
    }

    /// Ends a lane whose task failed: what was read before that is committed first, and may fail first.
    fn end_with(&mut self, id: LaneId, error: Error) {
        match self.lanes.get_mut(&id) {
            Some(lane) if lane.committer.is_some() || !lane.pieces.is_empty() => {
                lane.pieces.push_back(Piece::Failed(error));
                self.in_flight += 1;
            }
            // Its committer is lost, or there never was one.
            _ => self.fail(id, error),
        }
    }

    /// Ends a lane that failed, and those behind it. Those before it go on: they may have an error of their own to tell.
    fn fail(&mut self, id: LaneId, error: Error) {
        if self.failure.as_ref().is_none_or(|(of, _)| id < *of) {
            self.failure = Some((id, error));
        }
        for (_, lane) in self.lanes.split_off(&id) {
            // What is being compressed is counted when it comes back.
            self.in_flight -= lane.pieces.iter().filter(|piece| !matches!(piece, Piece::Taken)).count();
        }
        self.raw.retain(|(of, _)| *of < id);
    }
}

fn caught(work: impl FnOnce() -> Result<()>) -> Result<()> {
    // A panic is an error like any other: the result has to be cleaned up and the caller told.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()))
}

/// Cuts a stream into blocks for a lane.
pub(super) struct Feed<'c, 'a> {
    crew: &'c Crew<'a>,
    lane: LaneId,
    encoding: Option<Encoding>,
    block: Vec<u8>,
    any: bool,
}

impl<'c, 'a> Feed<'c, 'a> {
    pub(super) fn new(crew: &'c Crew<'a>, lane: LaneId, encoding: Option<Encoding>) -> Self {
        Self { crew, lane, encoding, block: Vec::new(), any: false }
    }

    pub(super) fn give(&mut self, mut bytes: &[u8]) -> Result<()> {
        let whole = self.encoding.is_none() && self.block.is_empty();
        if whole && self.crew.commit_now(self.lane, bytes)? {
            return Ok(());
        }
        let len = if self.encoding.is_some() { BLOCK_LEN } else { PASSING_LEN };
        while !bytes.is_empty() {
            if self.block.capacity() == 0 {
                self.block = self.crew.buffer(len);
            }
            let (now, later) = bytes.split_at(bytes.len().min(len - self.block.len()));
            self.block.extend_from_slice(now);
            bytes = later;
            if self.block.len() == len {
                self.send()?;
            }
        }
        Ok(())
    }

    /// Hands on what is left. Of an empty stream, a block without bytes is compressed.
    pub(super) fn end(mut self) -> Result<()> {
        let nothing = self.block.is_empty() && (self.any || self.encoding.is_none());
        if nothing { Ok(()) } else { self.send() }
    }

    fn send(&mut self) -> Result<()> {
        self.any = true;
        self.crew.push(self.lane, std::mem::take(&mut self.block), self.encoding)
    }
}

#[cfg(test)]
mod tests;
