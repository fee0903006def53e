//! What there is to do, and in which order.

use std::collections::{BTreeMap, VecDeque};

use super::{Committer, Measurer};
use crate::codec::Encoding;
use crate::error::{Error, Result};
use crate::execute::Facts;
use crate::execute::block::Block;

/// Which lane, and which of two errors is told: the one of the lower lane.
pub(in crate::execute) type LaneId = usize;

/// What has to be done to a block before it is measured, in any order.
#[derive(Clone, Copy)]
pub(super) enum Work {
    Compress(Encoding),
    /// Its stored bytes are members of a gzip stream, likely.
    Inflate,
}

pub(super) enum Piece {
    /// Waits to be worked on.
    Raw(Work, Block),
    /// Waits to be measured.
    Ready(Block),
    /// The end of a job, and what is known of it without measuring.
    End(Option<Box<Facts>>),
    /// Is being worked on or measured.
    Taken,
    /// Cannot be inflated by itself: what is here in the content, and behind it, is to be handed on otherwise.
    Wrong(u64),
    /// Waits to be committed.
    Measured(Block),
    Ended(Box<Facts>),
    Failed(Error),
}

pub(super) struct Lane<'a> {
    /// Taken while a thread measures.
    measurer: Option<Box<dyn Measurer + 'a>>,
    /// Taken while a thread commits.
    committer: Option<Box<dyn Committer + 'a>>,
    pieces: VecDeque<Piece>,
    /// The number of the first of them.
    first: u64,
    /// How many of them were measured.
    measured: usize,
}

/// Work that any thread can do.
pub(super) enum Unit<'a> {
    Commit(LaneId, Box<dyn Committer + 'a>, Piece),
    Measure(LaneId, u64, Box<dyn Measurer + 'a>, Piece),
    Work(LaneId, u64, Work, Block),
}

#[derive(Default)]
pub(super) struct State<'a> {
    pub(super) next_task: usize,
    pub(super) running: usize,
    pub(super) lanes: BTreeMap<LaneId, Lane<'a>>,
    /// Blocks that wait to be worked on, in the order they came.
    raw: VecDeque<(LaneId, u64)>,
    /// Pieces that were handed on and not committed yet.
    pub(super) in_flight: usize,
    /// Threads that have nothing to do, or no hand to do it with.
    pub(super) idle: usize,
    pub(super) failure: Option<(LaneId, Error)>,
    pub(super) spare: Vec<Block>,
}

type Both<'a> = (Box<dyn Measurer + 'a>, Box<dyn Committer + 'a>);

impl<'a> Lane<'a> {
    pub(super) fn new(measurer: Box<dyn Measurer + 'a>, committer: Box<dyn Committer + 'a>) -> Self {
        let pieces = VecDeque::new();
        Self { measurer: Some(measurer), committer: Some(committer), pieces, first: 0, measured: 0 }
    }

    /// Tells whether all that it was given is committed.
    pub(super) fn is_at_rest(&self) -> bool {
        self.pieces.is_empty() && self.committer.is_some()
    }

    pub(super) fn was_wrong(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Wrong(_)))
    }

    /// Takes both from a lane that has nothing to do.
    pub(super) fn take_both(&mut self) -> Option<Both<'a>> {
        if self.is_at_rest() { self.measurer.take().zip(self.committer.take()) } else { None }
    }

    pub(super) fn give_back(&mut self, (measurer, committer): Both<'a>) {
        self.measurer = Some(measurer);
        self.committer = Some(committer);
    }

    fn committable(&mut self) -> Option<(Box<dyn Committer + 'a>, Piece)> {
        if matches!(self.pieces.front(), Some(Piece::Wrong(_)))
            && let Some(at) = self.pieces.iter().position(|piece| matches!(piece, Piece::Failed(_)))
        {
            // Nobody will put it right.
            self.pieces.swap(0, at);
        }
        let ready = matches!(self.pieces.front(), Some(Piece::Measured(_) | Piece::Ended(_) | Piece::Failed(_)));
        let committer = self.committer.take_if(|_| ready)?;
        self.first += 1;
        self.measured = self.measured.saturating_sub(1);
        Some((committer, self.pieces.pop_front()?))
    }

    fn measurable(&mut self) -> Option<(u64, Box<dyn Measurer + 'a>, Piece)> {
        let piece = self.pieces.get_mut(self.measured)?;
        let ready = matches!(piece, Piece::Ready(_) | Piece::End(_));
        let measurer = self.measurer.take_if(|_| ready)?;
        Some((self.first + self.measured as u64, measurer, std::mem::replace(piece, Piece::Taken)))
    }

    fn piece(&mut self, number: u64) -> &mut Piece {
        let at = usize::try_from(number - self.first).expect("few are in flight");
        &mut self.pieces[at]
    }
}

impl<'a> State<'a> {
    /// Takes the most downstream work there is: it is what makes room.
    pub(super) fn unit(&mut self) -> Option<Unit<'a>> {
        for (&id, lane) in &mut self.lanes {
            if let Some((committer, piece)) = lane.committable() {
                return Some(Unit::Commit(id, committer, piece));
            }
        }
        for (&id, lane) in &mut self.lanes {
            if let Some((number, measurer, piece)) = lane.measurable() {
                return Some(Unit::Measure(id, number, measurer, piece));
            }
        }
        let (id, number) = self.raw.pop_front()?;
        let lane = self.lanes.get_mut(&id).expect("what is raw is in a lane");
        match std::mem::replace(lane.piece(number), Piece::Taken) {
            Piece::Raw(work, block) => Some(Unit::Work(id, number, work, block)),
            _ => unreachable!("it was raw"),
        }
    }

    pub(super) fn lane(&mut self, id: LaneId) -> Result<&mut Lane<'a>> {
        // Only failing takes a lane away from its task.
        self.lanes.get_mut(&id).ok_or_else(Error::cancelled)
    }

    /// Puts a piece at the end of a lane, and tells whether there was room.
    pub(super) fn put(&mut self, id: LaneId, piece: &mut Option<Piece>, room: usize) -> Result<bool> {
        // Ends take no memory, and keep no block from being worked on.
        let is_end = |piece: &Piece| matches!(piece, Piece::End(_) | Piece::Ended(_));
        let ends = self.lanes.values().flat_map(|lane| &lane.pieces).filter(|piece| is_end(piece)).count();
        let alike = if piece.as_ref().is_some_and(is_end) { ends } else { self.in_flight - ends };
        let has_room = alike < room;
        let lane = self.lane(id)?;
        // Each lane may always have one, so that none waits for the others' ends.
        let Some(piece) = piece.take_if(|_| has_room || lane.pieces.is_empty()) else { return Ok(false) };
        let number = lane.first + lane.pieces.len() as u64;
        let is_raw = matches!(piece, Piece::Raw(..));
        lane.pieces.push_back(piece);
        self.raw.extend(is_raw.then_some((id, number)));
        self.in_flight += 1;
        Ok(true)
    }

    pub(super) fn committed(&mut self, id: LaneId, done: Result<Box<dyn Committer + 'a>>, used: Option<Block>) {
        self.in_flight -= 1;
        self.spare.extend(used);
        match (done, self.lanes.get_mut(&id)) {
            (Ok(committer), Some(lane)) => lane.committer = Some(committer),
            (Ok(_), None) => {}
            (Err(error), _) => self.fail(id, error),
        }
    }

    pub(super) fn measured(&mut self, id: LaneId, number: u64, done: Result<(Box<dyn Measurer + 'a>, Piece)>) {
        match (done, self.lanes.get_mut(&id)) {
            (Ok((measurer, piece)), Some(lane)) => {
                *lane.piece(number) = piece;
                lane.measurer = Some(measurer);
                lane.measured += 1;
            }
            (Err(error), Some(lane)) => *lane.piece(number) = Piece::Failed(error),
            (_, None) => self.in_flight -= 1,
        }
    }

    pub(super) fn worked(&mut self, id: LaneId, number: u64, piece: Piece) {
        match self.lanes.get_mut(&id) {
            Some(lane) => *lane.piece(number) = piece,
            None => self.in_flight -= 1,
        }
    }

    /// Tells whether a guess was wrong: where it was, and takes away what was handed on since. `None` when that cannot be told
    /// yet.
    pub(super) fn wrong_guess(&mut self, id: LaneId) -> Result<Option<Option<u64>>> {
        let lane = self.lane(id)?;
        if lane.pieces.iter().any(|piece| matches!(piece, Piece::Raw(..) | Piece::Taken)) {
            return Ok(None);
        }
        let wrong = lane.pieces.iter().enumerate().find_map(|(at, piece)| match piece {
            Piece::Wrong(position) => Some((at, *position)),
            _ => None,
        });
        let Some((at, position)) = wrong else { return Ok(Some(None)) };
        self.in_flight -= lane.pieces.drain(at..).count();
        Ok(Some(Some(position)))
    }

    /// Ends a lane whose task failed: what was read before that is committed first, and may fail first.
    pub(super) fn end_with(&mut self, id: LaneId, error: Error) {
        match self.lanes.get_mut(&id) {
            // Where somebody commits right now, the measurer is at hand.
            Some(lane) if lane.measurer.is_some() || lane.committer.is_some() || !lane.pieces.is_empty() => {
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
            // What somebody has in hand is counted when it comes back.
            self.in_flight -= lane.pieces.iter().filter(|piece| !matches!(piece, Piece::Taken)).count();
        }
        self.raw.retain(|(of, _)| *of < id);
    }
}
