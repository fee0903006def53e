//! Threads that share the work of a conversion, so that one large layer and a thousand small ones both keep all of them
//! busy, and one thread alone does the same work by turns.
//!
//! A task reads something and hands blocks to its **lane**. Blocks may have to be compressed, or inflated, in any order;
//! then the lane measures them and then it commits (writes) them, each in the order they came. Any thread can do any of
//! that, and does what is most downstream. A thread that would have to wait, for room or for the end of its lane, does what
//! others left instead; one whose lane nobody else has time for measures and commits what it read at once, while it is hot.
//! What is in flight is bounded.
//!
//! Whoever calls [`run`] works; others help for as long as there is work and a hand that nobody needs more (`hands`).

mod feed;
mod lane;
mod members;
#[cfg(test)]
mod tests;
mod tools;

pub(super) use feed::Feed;
pub(super) use lane::LaneId;
pub(super) use members::Members;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use lane::{Lane, Piece, State, Unit, Work};
use tools::Tools;

use super::Facts;
use super::block::{Block, Streams};
use crate::codec::Encoding;
use crate::error::Result;
use crate::hands::Hands;
use crate::pool::{self, panicked};

/// For each thread there are one and a half blocks, with what they are made of and what is made of them, and a codec's
/// tables in memory, about 6 MiB, and a conversion may take 64 MiB. More threads would wait: eight make about as much as one
/// can read and hash, or one file take.
pub(super) const MAX_THREADS: usize = 8;

/// Measures a lane's pieces, in order.
pub(super) trait Measurer: Send {
    fn block(&mut self, streams: Streams<'_>);

    /// Ends what one job read, which may be known already.
    fn end(&mut self, known: Option<Facts>) -> Facts;
}

/// What happens to a lane's pieces when they were measured, in order.
pub(super) trait Committer: Send {
    fn block(&mut self, streams: Streams<'_>) -> Result<()>;

    /// Tells whether somebody else is in the way of a block right now.
    fn would_wait(&self) -> bool {
        false
    }

    /// Takes the end of one job.
    fn end(&mut self, facts: Facts) -> Result<()>;
}

pub(super) struct Crew<'a> {
    state: Mutex<State<'a>>,
    changed: Condvar,
    hands: Hands,
    /// How many blocks may be in flight.
    room: usize,
    tools: Tools,
    /// Whether there are more threads than tasks.
    pub(super) has_helpers: bool,
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
        room: if threads == 1 { 1 } else { threads + threads / 2 + 1 },
        tools: Tools::default(),
        has_helpers: tasks.len() < threads,
    };
    let serve = |own| crew.serve(own, tasks, &work);
    std::thread::scope(|scope| {
        let others = pool::start(scope, threads - 1, || serve(false));
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
                if own {
                    // Who is waited for may wait for it himself, to use what another conversion made.
                    self.hands.lend(|| drop(self.wait(state)));
                    state = self.lock();
                } else {
                    state = self.wait(state);
                }
                state.idle -= 1;
            }
        }
    }

    /// Opens a task's lane.
    pub(super) fn open(&self, lane: LaneId, measurer: Box<dyn Measurer + 'a>, committer: Box<dyn Committer + 'a>) {
        self.lock().lanes.insert(lane, Lane::new(measurer, committer));
    }

    /// Measures and commits right now, while it is hot, if nothing is before it and nobody else could do it instead. Tells
    /// whether it did.
    fn commit_now(&self, lane: LaneId, streams: Streams<'_>) -> Result<bool> {
        let mut state = self.lock();
        if state.idle > 0 && self.hands.any_spare() {
            return Ok(false);
        }
        let Some((mut measurer, mut committer)) = state.lane(lane)?.take_both() else { return Ok(false) };
        drop(state);
        // Either may come first: while somebody else writes, there is something to do.
        let is_measured = committer.would_wait();
        if is_measured {
            measurer.block(streams);
        }
        committer.block(streams)?;
        if !is_measured {
            measurer.block(streams);
        }
        self.lock().lane(lane)?.give_back((measurer, committer));
        Ok(true)
    }

    /// Hands a block on, to be compressed before it is measured and committed or not.
    fn push(&self, lane: LaneId, block: Block, encoding: Option<Encoding>) -> Result<()> {
        let piece = match encoding {
            Some(encoding) => Piece::Raw(Work::Compress(encoding), block),
            None => Piece::Ready(block),
        };
        self.put(lane, piece)
    }

    /// Hands on what is to be inflated by itself. Once that could not be done with something before it, it is not taken;
    /// tells whether it was.
    fn push_members(&self, lane: LaneId, block: Block) -> Result<bool> {
        self.put_while(lane, Piece::Raw(Work::Inflate, block), |lane| !lane.was_wrong())
    }

    /// Waits until it is known whether all guesses were right. If not, returns where the first one was that was wrong; what
    /// was handed on since then is forgotten.
    fn wrong_guess(&self, lane: LaneId) -> Result<Option<u64>> {
        let mut state = self.lock();
        loop {
            if let Some(wrong) = state.wrong_guess(lane)? {
                // Where something was forgotten, there is room now.
                self.changed.notify_all();
                return Ok(wrong);
            }
            state = self.help(state);
        }
    }

    /// Ends what one job read; `known` where nothing has to be measured.
    pub(super) fn end(&self, lane: LaneId, known: Option<Facts>) -> Result<()> {
        self.put(lane, Piece::End(known.map(Box::new)))
    }

    fn put(&self, id: LaneId, piece: Piece) -> Result<()> {
        self.put_while(id, piece, |_| true).map(drop)
    }

    /// Waits for room as long as the lane wants the piece, and tells whether it was taken.
    fn put_while(&self, id: LaneId, piece: Piece, wants: impl Fn(&Lane<'a>) -> bool) -> Result<bool> {
        let mut piece = Some(piece);
        let mut state = self.lock();
        while wants(state.lane(id)?) {
            if state.put(id, &mut piece, self.room)? {
                drop(state);
                self.changed.notify_all();
                return Ok(true);
            }
            state = self.help(state);
        }
        Ok(false)
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
        while !state.lane(lane)?.is_at_rest() {
            state = self.help(state);
        }
        Ok(())
    }

    /// Returns an empty block, with room if there is one that was used.
    fn empty_block(&self) -> Block {
        let mut block = self.block_to_fill();
        block.plain.clear();
        block
    }

    /// Returns a block whose plain bytes are about to be replaced: clearing them would only have them zeroed again.
    fn block_to_fill(&self) -> Block {
        let mut block = self.lock().spare.pop().unwrap_or_default();
        block.from = 0;
        block.stored.clear();
        block.made.clear();
        block
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
                    Piece::Measured(block) => (caught(|| committer.block(block.streams())), Some(block)),
                    Piece::Ended(facts) => (caught(|| committer.end(*facts)), None),
                    Piece::Failed(error) => (Err(error), None),
                    _ => unreachable!("it was measured"),
                };
                self.lock().committed(lane, done.map(|()| committer), used);
            }
            Unit::Measure(lane, number, mut measurer, piece) => {
                let done = caught(|| match piece {
                    Piece::Ready(block) => {
                        measurer.block(block.streams());
                        Ok(Piece::Measured(block))
                    }
                    Piece::End(known) => Ok(Piece::Ended(Box::new(measurer.end(known.map(|known| *known))))),
                    _ => unreachable!("it was ready"),
                });
                self.lock().measured(lane, number, done.map(|piece| (measurer, piece)));
            }
            Unit::Work(lane, number, work, block) => {
                let done = caught(|| self.tools.work(work, block));
                self.lock().worked(lane, number, done.unwrap_or_else(Piece::Failed));
            }
        }
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State<'a>>) -> MutexGuard<'s, State<'a>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

fn caught<R>(work: impl FnOnce() -> Result<R>) -> Result<R> {
    // A panic is an error like any other: the result has to be cleaned up and the caller told.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()))
}
