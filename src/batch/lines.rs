//! Lines of text from anywhere, each with a ceiling.

use std::io::{BufRead, Read};

use crate::error::{Error, Result};
use crate::limits::exceeded;

/// Reads line by line into one buffer.
pub(super) struct Lines<R> {
    reader: R,
    most: u64,
    buffer: Vec<u8>,
    number: u64,
    offset: u64,
}

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    /// Counted from 1.
    pub(super) number: u64,
    /// Where it begins, in bytes.
    pub(super) offset: u64,
    /// Whether there was an end: the last line of a file that was cut has none.
    pub(super) ended: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads lines of up to `most` bytes, the limit `line-bytes`.
    pub(super) fn new(reader: R, most: u64) -> Self {
        Self { reader, most, buffer: Vec::new(), number: 0, offset: 0 }
    }

    /// Returns the next line, `None` at the end. The line end may be LF or CRLF.
    pub(super) fn next(&mut self) -> Result<Option<Text<'_>>> {
        self.offset += self.buffer.len() as u64;
        self.number += 1;
        self.buffer.clear();
        let mut reader = self.reader.by_ref().take(self.most.saturating_add(2));
        reader.read_until(b'\n', &mut self.buffer).map_err(|cause| Error::io("cannot read", cause))?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        let ended = self.buffer.last() == Some(&b'\n');
        let bytes = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let bytes = if ended { bytes.strip_suffix(b"\r").unwrap_or(bytes) } else { bytes };
        if bytes.len() as u64 > self.most {
            let message = format!("longer than {} bytes", self.most);
            return Err(exceeded("line-bytes", message).within(format!("line {}", self.number)));
        }
        Ok(Some(Text { bytes, number: self.number, offset: self.offset, ended }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_a_place_an_end_and_a_ceiling() {
        let mut lines = Lines::new(&b"ab\r\n\ncd\r"[..], 3);
        for (bytes, number, offset, ended) in [(&b"ab"[..], 1, 0, true), (b"", 2, 4, true), (b"cd\r", 3, 5, false)] {
            assert_eq!(lines.next().unwrap(), Some(Text { bytes, number, offset, ended }));
        }
        assert_eq!(lines.next().unwrap(), None);
        let error = Lines::new(&b"abcd\n"[..], 3).next().unwrap_err();
        assert_eq!(error.to_string(), "line 1: longer than 3 bytes");
        assert!(error.advice().unwrap().contains("--limit line-bytes"));
        assert!(Lines::new(&b"abc\n"[..], 3).next().is_ok());
    }
}
