//! A deflate decoder (RFC 1951) for streams, as strict as zlib.
//!
//! There are crates for it: zlib-rs, which takes 1.3 to 1.6 times as long, and libdeflate, which is quicker but wants all of a
//! stream and all of its contents in memory.

mod bits;
mod entry;
mod header;
mod symbols;
mod tables;
#[cfg(test)]
mod tests;
mod window;

use bits::{Bits, Pending};
use header::Header;
use symbols::Stop;
use tables::Tables;
use window::{HISTORY, Window};

/// What is wrong with a stream, in zlib's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damage(pub(in crate::codec) &'static str);

/// Decodes one stream after another.
pub(crate) struct Inflate {
    window: Window,
    tables: Box<Tables>,
    pending: Pending,
    state: State,
    /// No block follows this one.
    is_last: bool,
    /// The tables are those of the codes that need no header.
    is_fixed: bool,
    /// Bytes of this stream, up to what the window had at the last call.
    made: u64,
}

/// What comes next.
enum State {
    Block,
    StoredLength,
    Stored(usize),
    HeaderCounts,
    Header(Box<Header>),
    Symbols,
    End,
}

impl Inflate {
    pub(crate) fn new() -> Self {
        Self {
            window: Window::new(),
            tables: Tables::new(),
            pending: Pending::default(),
            state: State::Block,
            is_last: false,
            is_fixed: false,
            made: 0,
        }
    }

    /// Begins a new stream.
    pub(crate) fn start(&mut self) {
        self.window.clear();
        self.pending = Pending::default();
        self.state = State::Block;
        self.made = 0;
    }

    /// Tells whether the stream has ended.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state, State::End)
    }

    /// Returns what the last call of [`decode`](Self::decode) made.
    pub(crate) fn fresh(&self) -> &[u8] {
        self.window.fresh()
    }

    /// Goes on with the next piece of the input and returns how much of that is used. Not all of it is when the stream ends
    /// in it, or when so much was made that it has to be looked at first.
    ///
    /// # Errors
    ///
    /// When the stream is damaged; what was made before that is there.
    pub(crate) fn decode(&mut self, input: &[u8]) -> Result<usize, Damage> {
        self.window.advance();
        let begin = self.window.at;
        // The stream begins here in the window, or before it.
        let start = begin.saturating_sub(usize::try_from(self.made).unwrap_or(usize::MAX).min(HISTORY));
        let mut bits = Bits::new(input, self.pending);
        let result = self.blocks(&mut bits, start);
        let used;
        (used, self.pending) = bits.finish();
        self.made += (self.window.at - begin) as u64;
        result.map(|()| used)
    }

    fn blocks(&mut self, bits: &mut Bits<'_>, start: usize) -> Result<(), Damage> {
        loop {
            match &mut self.state {
                State::Block => {
                    let Some(head) = bits.take(3) else { return Ok(()) };
                    self.is_last = head & 1 == 1;
                    self.state = match head >> 1 {
                        0 => State::StoredLength,
                        1 => {
                            if !self.is_fixed {
                                self.tables.set_fixed();
                                self.is_fixed = true;
                            }
                            State::Symbols
                        }
                        2 => State::HeaderCounts,
                        _ => return Err(Damage("invalid block type")),
                    };
                    if head >> 1 == 0 {
                        bits.align();
                    }
                }
                State::StoredLength => {
                    let Some(lengths) = bits.take(32) else { return Ok(()) };
                    if lengths & 0xffff != !lengths >> 16 {
                        return Err(Damage("invalid stored block lengths"));
                    }
                    bits.give_back();
                    self.state = State::Stored((lengths & 0xffff) as usize);
                }
                State::Stored(left) => {
                    let bytes = bits.bytes(self.window.room().min(*left));
                    self.window.extend(bytes);
                    *left -= bytes.len();
                    if *left > 0 {
                        return Ok(());
                    }
                    self.end_block(bits);
                }
                State::HeaderCounts => {
                    let Some(header) = Header::begin(bits) else { return Ok(()) };
                    self.is_fixed = false;
                    self.state = State::Header(Box::new(header?));
                }
                State::Header(header) => {
                    let Some(result) = header.read(bits, &mut self.tables) else { return Ok(()) };
                    result?;
                    self.state = State::Symbols;
                }
                State::Symbols => match symbols::decode(bits, &mut self.window, start, &self.tables)? {
                    Stop::EndOfBlock => self.end_block(bits),
                    Stop::NeedInput => return Ok(()),
                    Stop::Full => {
                        bits.give_back();
                        return Ok(());
                    }
                },
                State::End => return Ok(()),
            }
        }
    }

    fn end_block(&mut self, bits: &mut Bits<'_>) {
        self.state = State::Block;
        if self.is_last {
            bits.give_back();
            self.state = State::End;
        }
    }
}
