//! A tar, entry by entry, from a stream that comes in slices: nothing is held but one header and what describes it.

use super::entry::{Entry, shown};
use super::header::{Decoded, Pending, Sparse, decode};
use super::names;
use super::problem::{Fault, Problem};
use super::sparse::{Map, Piece, Spread, Text};
use crate::error::Result;
use crate::limits::Limits;
use crate::tar_header::{BLOCK, checksum_fits, number, records};

/// What a scanner tells of.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// An entry; its contents follow.
    Entry(&'a Entry),
    /// The next bytes of the last entry's contents.
    Contents(&'a [u8]),
    /// So many zeros in the contents (a hole in a sparse file).
    Hole(u64),
    /// The contents of the last entry are complete.
    End,
    /// Something is wrong. About an entry's own headers, it comes before the entry.
    Problem(Problem),
}

/// Receives what is found.
pub(crate) type Sink<'s> = &'s mut dyn FnMut(Event<'_>) -> Result<()>;

/// A push parser for tars: ustar, PAX, GNU and what came before. It reads them as Go's `archive/tar` does, which all
/// engines use, and where that refuses a tar, reports a [`Problem`] and goes on if what follows can still be trusted.
///
/// Global PAX records count for nothing, as in Go. Entries are told as they stand there: whiteouts, duplicates and links
/// are the receiver's to interpret.
#[derive(Debug)]
pub(crate) struct Scanner {
    /// For headers that describe others.
    header_bytes: u64,
    /// How many bytes of holes may still be told of.
    holes: u64,
    state: State,
    block: [u8; BLOCK],
    filled: usize,
    pending: Pending,
    /// Bytes taken so far.
    offset: u64,
    /// Where the last header started.
    header: u64,
    /// The name of the last entry.
    path: Vec<u8>,
}

#[derive(Debug)]
enum State {
    /// Filling a block, and what it will be.
    Block(Expected),
    /// Collecting the body of a header that describes others.
    Collect { what: Special, body: Vec<u8>, left: u64 },
    /// Handing a body on.
    Body { left: u64, spread: Option<Spread> },
    /// After the end marker.
    End,
    /// Something made the rest unreadable, or it was told of already.
    Done,
}

#[derive(Debug)]
enum Expected {
    First,
    Header,
    SecondZero,
    /// Old GNU extension blocks, with the entry that they describe and the size of its body.
    SparseBlock {
        entry: Box<Entry>,
        stored: u64,
        map: Map,
        blocks: u64,
    },
    /// The map at the start of a body (PAX 1.0).
    SparseText {
        entry: Box<Entry>,
        stored: u64,
        map: Map,
        text: Text,
    },
    /// What fills the last block of a body.
    Padding,
}

#[derive(Clone, Copy, Debug)]
enum Special {
    LongName,
    LongLink,
    Pax,
    Global,
}

impl Scanner {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            header_bytes: limits.header_bytes,
            holes: limits.inflated_bytes,
            state: State::Block(Expected::First),
            block: [0; BLOCK],
            filled: 0,
            pending: Pending::default(),
            offset: 0,
            header: 0,
            path: Vec::new(),
        }
    }

    /// Takes the next bytes of the tar.
    pub(crate) fn push(&mut self, mut bytes: &[u8], sink: Sink<'_>) -> Result<()> {
        while !bytes.is_empty() {
            let len = bytes.len();
            match std::mem::replace(&mut self.state, State::Done) {
                State::Block(expected) => {
                    let n = (BLOCK - self.filled).min(len);
                    self.block[self.filled..self.filled + n].copy_from_slice(&bytes[..n]);
                    self.filled += n;
                    self.offset += n as u64;
                    bytes = &bytes[n..];
                    if self.filled < BLOCK {
                        self.state = State::Block(expected);
                    } else {
                        self.filled = 0;
                        self.take_block(expected, sink)?;
                    }
                }
                State::Collect { what, mut body, left } => {
                    let n = clip(left, len);
                    body.extend_from_slice(&bytes[..n]);
                    self.offset += n as u64;
                    bytes = &bytes[n..];
                    match left - n as u64 {
                        0 => self.take_special(what, body, sink)?,
                        left => self.state = State::Collect { what, body, left },
                    }
                }
                State::Body { left, spread } => {
                    let n = clip(left, len);
                    self.offset += n as u64;
                    self.hand_on(&bytes[..n], left - n as u64, spread, sink)?;
                    bytes = &bytes[n..];
                }
                State::End => {
                    match bytes.iter().position(|&b| b != 0) {
                        Some(at) => {
                            let offset = self.offset + at as u64;
                            self.report(Fault::TrailingData, offset, None, sink)?;
                        }
                        None => self.state = State::End,
                    }
                    self.offset += len as u64;
                    return Ok(());
                }
                State::Done => {
                    self.offset += len as u64;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Says that the stream ended.
    pub(crate) fn finish(mut self, sink: Sink<'_>) -> Result<()> {
        let (end, filled) = (self.offset, self.filled as u64);
        let missing = BLOCK as u64 - filled;
        match std::mem::replace(&mut self.state, State::Done) {
            State::Block(Expected::First) if filled > 0 => return self.report(Fault::NotTar, 0, None, sink),
            State::Block(Expected::SparseBlock { entry, .. } | Expected::SparseText { entry, .. }) => {
                self.report(Fault::Truncated(missing), end, Some(entry.path), sink)?;
            }
            State::Block(Expected::Header) if filled > 0 => {
                self.report(Fault::Truncated(missing), end, None, sink)?;
            }
            State::Block(_) => self.report(Fault::NoEndMarker, end, None, sink)?,
            State::Collect { left, .. } => self.report(Fault::Truncated(left), end, None, sink)?,
            State::Body { left, .. } => {
                let path = std::mem::take(&mut self.path);
                self.report(Fault::Truncated(left), end, Some(path), sink)?;
            }
            State::End | State::Done => {}
        }
        self.orphan(sink)
    }

    /// Headers that describe an entry want one after them.
    fn orphan(&mut self, sink: Sink<'_>) -> Result<()> {
        match std::mem::take(&mut self.pending).offset {
            Some(offset) => self.report(Fault::OrphanHeader, offset, None, sink),
            None => Ok(()),
        }
    }

    fn report(&self, what: Fault, offset: u64, mut path: Option<Vec<u8>>, sink: Sink<'_>) -> Result<()> {
        // Whoever gathers problems need not fear for the memory.
        if let Some(path) = &mut path {
            path.truncate(names::PATH_LIMIT);
        }
        sink(Event::Problem(Problem { what, offset, path }))
    }

    fn take_block(&mut self, expected: Expected, sink: Sink<'_>) -> Result<()> {
        let zero = self.block.iter().all(|&b| b == 0);
        match expected {
            Expected::First | Expected::Header if zero => self.state = State::Block(Expected::SecondZero),
            Expected::SecondZero if zero => {
                self.orphan(sink)?;
                self.state = State::End;
            }
            Expected::SecondZero => self.report(Fault::LoneZeroBlock, self.offset - 2 * BLOCK as u64, None, sink)?,
            Expected::First | Expected::Header => {
                self.header = self.offset - BLOCK as u64;
                if checksum_fits(&self.block) {
                    return self.take_header(sink);
                }
                let first = matches!(expected, Expected::First);
                self.report(if first { Fault::NotTar } else { Fault::NotAHeader }, self.header, None, sink)?;
            }
            Expected::SparseBlock { entry, stored, mut map, blocks } => match map.extend(&self.block) {
                Ok(true) if blocks * BLOCK as u64 >= self.header_bytes => {
                    self.report(Fault::HeaderTooLarge(blocks * BLOCK as u64), self.header, Some(entry.path), sink)?;
                }
                Ok(true) => {
                    let blocks = blocks + 1;
                    self.state = State::Block(Expected::SparseBlock { entry, stored, map, blocks });
                }
                Ok(false) => return self.start_sparse(&entry, stored, map, sink),
                Err(why) => self.report(Fault::Unreadable(why), self.header, Some(entry.path), sink)?,
            },
            Expected::SparseText { entry, stored, mut map, mut text } => {
                let stored = stored.checked_sub(BLOCK as u64);
                let fault = match (map.read_text(&mut text, &self.block), stored) {
                    (Ok(true), Some(stored)) => return self.start_sparse(&entry, stored, map, sink),
                    (Ok(false), Some(stored)) if text.len < self.header_bytes => {
                        self.state = State::Block(Expected::SparseText { entry, stored, map, text });
                        return Ok(());
                    }
                    (Ok(false), Some(_)) => Fault::HeaderTooLarge(text.len),
                    (Err(why), _) => Fault::Unreadable(why),
                    (Ok(_), None) => Fault::Unreadable("invalid map of a sparse file".to_owned()),
                };
                self.report(fault, self.header, Some(entry.path), sink)?;
            }
            Expected::Padding => self.state = State::Block(Expected::Header),
        }
        Ok(())
    }

    fn take_header(&mut self, sink: Sink<'_>) -> Result<()> {
        let special = match self.block[156] {
            b'L' => Special::LongName,
            b'K' => Special::LongLink,
            b'x' => Special::Pax,
            b'g' => Special::Global,
            _ => return self.take_entry(sink),
        };
        match number(&self.block[124..136], "size") {
            Ok(size) if size > self.header_bytes => self.report(Fault::HeaderTooLarge(size), self.header, None, sink),
            Ok(0) => self.take_special(special, Vec::new(), sink),
            Ok(left) => {
                self.state = State::Collect { what: special, body: Vec::new(), left };
                Ok(())
            }
            Err(error) => self.report(Fault::Unreadable(error.to_string()), self.header, None, sink),
        }
    }

    fn take_special(&mut self, what: Special, mut body: Vec<u8>, sink: Sink<'_>) -> Result<()> {
        self.state = self.after();
        if matches!(what, Special::Global) {
            return self.check_global(&body, sink);
        }
        self.pending.offset.get_or_insert(self.header);
        if matches!(what, Special::LongName | Special::LongLink) {
            body.truncate(body.iter().position(|&b| b == 0).unwrap_or(body.len()));
        }
        match what {
            Special::LongName => self.pending.path = Some(body),
            Special::LongLink => self.pending.link = Some(body),
            // A second one replaces the first (Go does the same).
            Special::Pax | Special::Global => self.pending.pax = Some(body),
        }
        Ok(())
    }

    fn check_global(&mut self, body: &[u8], sink: Sink<'_>) -> Result<()> {
        for record in records(body) {
            let fault = match record {
                Err(error) => {
                    self.state = State::Done;
                    Fault::Unreadable(error.to_string())
                }
                // Git writes its commit there.
                Ok((b"comment" | b"charset", _)) => continue,
                Ok((key, _)) => Fault::GlobalRecord(shown(&key[..key.len().min(names::PATH_LIMIT)])),
            };
            self.report(fault, self.header, None, sink)?;
        }
        Ok(())
    }

    fn take_entry(&mut self, sink: Sink<'_>) -> Result<()> {
        let mut faults = Vec::new();
        let pending = std::mem::take(&mut self.pending);
        let offset = pending.offset.unwrap_or(self.header);
        let decoded = decode(&self.block, self.header, pending, &mut faults);
        let path = decoded.as_ref().ok().map(|decoded| decoded.entry.path.clone());
        for fault in faults {
            self.report(fault, offset, path.clone(), sink)?;
        }
        let Decoded { entry, stored, sparse } = match decoded {
            Ok(decoded) => decoded,
            Err(fault) => return self.report(fault, offset, None, sink),
        };
        for fault in names::faults(&entry) {
            self.report(fault, offset, path.clone(), sink)?;
        }
        self.path.clone_from(&entry.path);
        let entry = Box::new(entry);
        match sparse {
            None => self.start(&entry, stored, None, sink),
            Some(Sparse::Known(map)) => self.start_sparse(&entry, stored, map, sink),
            Some(Sparse::Blocks(map)) => {
                self.state = State::Block(Expected::SparseBlock { entry, stored, map, blocks: 1 });
                Ok(())
            }
            Some(Sparse::Body(map)) => {
                self.state = State::Block(Expected::SparseText { entry, stored, map, text: Text::default() });
                Ok(())
            }
        }
    }

    fn start_sparse(&mut self, entry: &Entry, stored: u64, map: Map, sink: Sink<'_>) -> Result<()> {
        match map.check(stored) {
            Ok(()) => self.start(entry, stored, Some(Spread::new(map)), sink),
            Err(why) => self.report(Fault::Unreadable(why), self.header, Some(entry.path.clone()), sink),
        }
    }

    fn start(&mut self, entry: &Entry, stored: u64, spread: Option<Spread>, sink: Sink<'_>) -> Result<()> {
        let holes = spread.as_ref().map_or(0, |_| entry.size - stored);
        if holes > self.holes {
            self.report(Fault::SparseTooLarge(entry.size), self.header, Some(entry.path.clone()), sink)?;
        }
        sink(Event::Entry(entry))?;
        match self.holes.checked_sub(holes) {
            Some(left) => {
                self.holes = left;
                self.hand_on(&[], stored, spread, sink)
            }
            // What is stored is contents all the same.
            None => self.hand_on(&[], stored, None, sink),
        }
    }

    /// Hands on the next bytes of a body, of which so many are left after them.
    fn hand_on(&mut self, mut bytes: &[u8], left: u64, mut spread: Option<Spread>, sink: Sink<'_>) -> Result<()> {
        match &mut spread {
            None if bytes.is_empty() => {}
            None => sink(Event::Contents(bytes))?,
            Some(spread) => {
                while let Some(piece) = spread.next(&mut bytes) {
                    sink(match piece {
                        Piece::Bytes(bytes) => Event::Contents(bytes),
                        Piece::Hole(len) => Event::Hole(len),
                    })?;
                }
            }
        }
        if left > 0 {
            self.state = State::Body { left, spread };
            return Ok(());
        }
        if let Some(rest) = spread.map(|spread| spread.rest()).filter(|&rest| rest > 0) {
            sink(Event::Hole(rest))?;
        }
        self.state = self.after();
        sink(Event::End)
    }

    /// Returns the state after a body: what is left of its last block is padding.
    fn after(&mut self) -> State {
        self.filled = usize::try_from(self.offset % BLOCK as u64).expect("less than a block");
        State::Block(if self.filled == 0 { Expected::Header } else { Expected::Padding })
    }
}

fn clip(left: u64, len: usize) -> usize {
    usize::try_from(left).unwrap_or(len).min(len)
}

#[cfg(test)]
mod tests;
