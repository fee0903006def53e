//! Sparse files in GNU's four formats: old GNU headers, and PAX records of versions 0.0, 0.1 and 1.0 (GNU tar manual,
//! "Storing Sparse Files"). All become one map of the parts that are stored.

use tar::{GnuExtSparseHeader, GnuSparseHeader, Header};

use super::header::Sparse;
use crate::tar_header::{BLOCK, number};

const INVALID: &str = "invalid map of a sparse file";

/// The text at the start of a body (version 1.0), as far as it was read: a count and that many pairs, each number on a line of
/// its own.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// Bytes that were read.
    pub(super) len: u64,
    /// The line that has not ended yet.
    line: Vec<u8>,
    pairs_left: Option<u64>,
    /// Of a pair whose length has not come yet.
    offset: Option<u64>,
}

/// Which parts of a file are stored; the rest are holes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Map {
    /// Offset in the file, and length.
    parts: Vec<(u64, u64)>,
    size: u64,
}

impl Map {
    /// Returns the size of the whole file.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Reads an old GNU header; tells whether extension blocks follow.
    pub(super) fn from_old_header(header: &Header) -> Result<(Self, bool), String> {
        let gnu = header.as_gnu().ok_or("a sparse file without a GNU header")?;
        let mut map = Self { parts: Vec::new(), size: number(&gnu.realsize, "real size").map_err(text)? };
        map.add(&gnu.sparse)?;
        Ok((map, gnu.is_extended()))
    }

    /// Adds what an extension block says; tells whether another follows.
    pub(super) fn extend(&mut self, block: &[u8; BLOCK]) -> Result<bool, String> {
        let mut extension = GnuExtSparseHeader::new();
        extension.as_mut_bytes().copy_from_slice(block);
        self.add(&extension.sparse)?;
        Ok(extension.is_extended())
    }

    fn add(&mut self, parts: &[GnuSparseHeader]) -> Result<(), String> {
        for part in parts.iter().filter(|part| part.offset[0] != 0 && part.numbytes[0] != 0) {
            let offset = number(&part.offset, "sparse offset").map_err(text)?;
            self.parts.push((offset, number(&part.numbytes, "sparse length").map_err(text)?));
        }
        Ok(())
    }

    /// Reads more of the text at the start of the body; tells whether it has ended.
    pub(super) fn read_text(&mut self, text: &mut Text, more: &[u8]) -> Result<bool, String> {
        for &byte in more {
            text.len += 1;
            if byte != b'\n' {
                text.line.push(byte);
                continue;
            }
            let number = decimal(&text.line).ok_or(INVALID)?;
            text.line.clear();
            match (text.pairs_left, text.offset.take()) {
                (None, _) => text.pairs_left = Some(number),
                (Some(_), None) => text.offset = Some(number),
                (Some(left), Some(offset)) => {
                    self.parts.push((offset, number));
                    text.pairs_left = Some(left - 1);
                }
            }
            if text.pairs_left == Some(0) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Checks that the parts are in order, inside the file, and together what is stored.
    pub(super) fn check(&self, stored: u64) -> Result<(), String> {
        let (mut end, mut sum) = (0_u64, 0_u64);
        for &(offset, length) in &self.parts {
            let next = offset.checked_add(length).filter(|&next| offset >= end && next <= self.size);
            end = next.ok_or(INVALID)?;
            sum = sum.checked_add(length).ok_or(INVALID)?;
        }
        if sum == stored { Ok(()) } else { Err(INVALID.to_owned()) }
    }
}

fn text(error: crate::error::Error) -> String {
    error.to_string()
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok()
}

/// What `GNU.sparse.*` records say, as they come.
#[derive(Debug, Default)]
pub(super) struct Pax {
    version: (Option<u64>, Option<u64>),
    path: Vec<u8>,
    size: Option<u64>,
    map: Option<Vec<(u64, u64)>>,
    /// Of a pair whose length has not come yet (0.0 has a record for each number).
    offset: Option<u64>,
}

impl Pax {
    pub(super) fn record(&mut self, key: &[u8], value: &[u8]) -> Result<(), ()> {
        let number = || decimal(value).ok_or(());
        match key {
            b"major" => self.version.0 = Some(number()?),
            b"minor" => self.version.1 = Some(number()?),
            b"name" => self.path = value.to_vec(),
            b"size" | b"realsize" => self.size = Some(number()?),
            b"offset" if self.offset.is_none() => self.offset = Some(number()?),
            b"numbytes" => self.map.get_or_insert_default().push((self.offset.take().ok_or(())?, number()?)),
            b"map" => {
                let numbers: Vec<u64> = match value {
                    b"" => Vec::new(),
                    some => some.split(|&b| b == b',').map(|text| decimal(text).ok_or(())).collect::<Result<_, _>>()?,
                };
                if !numbers.len().is_multiple_of(2) {
                    return Err(());
                }
                self.map = Some(numbers.chunks(2).map(|pair| (pair[0], pair[1])).collect());
            }
            b"numblocks" => {}
            _ => return Err(()),
        }
        Ok(())
    }

    /// Returns where the map is, if it is a sparse file; its name is in a record of its own.
    pub(super) fn form(self, path: &mut Vec<u8>) -> Result<Option<Sparse>, String> {
        let in_body = match self.version {
            (Some(1), Some(0)) => true,
            (Some(0), Some(0 | 1)) | (None, None) if self.map.is_some() => false,
            (None, None) => return Ok(None),
            _ => return Err("a sparse file in an unknown format".to_owned()),
        };
        if !self.path.is_empty() {
            *path = self.path;
        }
        let size = self.size.ok_or(INVALID)?;
        let map = Map { parts: self.map.unwrap_or_default(), size };
        Ok(Some(if in_body { Sparse::Body(map) } else { Sparse::Known(map) }))
    }
}

/// A piece of a sparse file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'b> {
    Bytes(&'b [u8]),
    Hole(u64),
}

/// Puts the stored bytes of a sparse file to their places.
#[derive(Debug)]
pub(super) struct Spread {
    parts: std::vec::IntoIter<(u64, u64)>,
    size: u64,
    /// How far the file is done.
    position: u64,
    /// Left of the part that is being filled.
    left: u64,
}

impl Spread {
    /// The map has been checked.
    pub(super) fn new(map: Map) -> Self {
        Self { parts: map.parts.into_iter(), size: map.size, position: 0, left: 0 }
    }

    /// Takes the next piece off stored bytes; `None` when they are used up.
    pub(super) fn next<'b>(&mut self, bytes: &mut &'b [u8]) -> Option<Piece<'b>> {
        while self.left == 0 && !bytes.is_empty() {
            let (offset, length) = self.parts.next()?;
            self.left = length;
            if offset > self.position {
                let hole = offset - self.position;
                self.position = offset;
                return Some(Piece::Hole(hole));
            }
        }
        if bytes.is_empty() {
            return None;
        }
        let n = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        let (piece, rest) = bytes.split_at(n);
        *bytes = rest;
        self.left -= n as u64;
        self.position += n as u64;
        Some(Piece::Bytes(piece))
    }

    /// Returns the hole at the end.
    pub(super) fn rest(&self) -> u64 {
        self.size - self.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_bytes_go_to_their_places_in_any_slicing() {
        let map = Map { parts: vec![(2, 3), (5, 0), (5, 1), (10, 2), (20, 0)], size: 20 };
        map.check(6).unwrap();
        for step in 1..7 {
            let mut spread = Spread::new(map.clone());
            let mut file = Vec::new();
            for mut slice in b"abcdef".chunks(step) {
                while let Some(piece) = spread.next(&mut slice) {
                    match piece {
                        Piece::Bytes(bytes) => file.extend_from_slice(bytes),
                        Piece::Hole(len) => file.resize(file.len() + usize::try_from(len).unwrap(), 0),
                    }
                }
            }
            file.resize(file.len() + usize::try_from(spread.rest()).unwrap(), 0);
            assert_eq!(file, b"\0\0abcd\0\0\0\0ef\0\0\0\0\0\0\0\0", "{step}");
        }
    }

    #[test]
    fn maps_that_overlap_or_leave_the_file_are_refused() {
        for (parts, stored) in [
            (vec![(0, 3), (2, 1)], 4),
            (vec![(0, 11)], 11),
            (vec![(u64::MAX, 1)], 1),
            (vec![(0, 3)], 4),
            (vec![(11, 0)], 0),
        ] {
            assert!(Map { parts: parts.clone(), size: 10 }.check(stored).is_err(), "{parts:?}");
        }
    }

    #[test]
    fn the_map_in_a_body_is_read_when_all_of_it_is_there() {
        for (text, want) in [
            (&b"2\n0\n5\n10\n7"[..], Ok(false)),
            (b"", Ok(false)),
            (b"2\n0\n5\n10\n7\n\0\0", Ok(true)),
            (b"0\n\0\0", Ok(true)),
            (b"-1\n", Err(())),
            (b"1\nx\n", Err(())),
        ] {
            // However it comes.
            for cut in 0..=text.len() {
                let (mut map, mut state) = (Map::default(), Text::default());
                let (first, second) = text.split_at(cut);
                let mut got = map.read_text(&mut state, first);
                if got == Ok(false) {
                    got = map.read_text(&mut state, second);
                }
                assert_eq!(got.map_err(drop), want, "{}, cut at {cut}", String::from_utf8_lossy(text));
                if text.starts_with(b"2") && want == Ok(true) {
                    assert_eq!(map.parts, [(0, 5), (10, 7)]);
                }
            }
        }
    }
}
