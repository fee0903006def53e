//! A gzip stream to its very end: every member, then nothing but zeros.
//!
//! Zeros may follow: docker and containerd accept such padding, and tar-minded tools write it.

use std::io::{self, BufRead, Read};

use libdeflater::Crc;

use super::inflate::Inflate;

/// Reads the contents of all members of a gzip stream.
pub(super) struct GzipReader<R> {
    /// Taken for a moment while one member follows another; `None` after the end.
    input: Option<R>,
    member: Option<Member>,
    inflate: Inflate,
    /// How much was taken of what `inflate` made last.
    taken: usize,
    /// What was found wrong behind that.
    failure: Option<io::Error>,
}

/// What is known of the contents of a member so far.
struct Member {
    crc: Crc,
    size: u64,
}

impl<R: BufRead> GzipReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: Some(input), member: None, inflate: Inflate::new(), taken: 0, failure: None }
    }

    /// Goes on until there is something new, or the end.
    fn advance(&mut self) -> io::Result<()> {
        while let Some(input) = self.input.as_mut().filter(|_| self.taken == self.inflate.fresh().len()) {
            let member = match &mut self.member {
                Some(member) => member,
                begins => {
                    let member = Member::begin(input)?;
                    self.inflate.start();
                    self.taken = 0;
                    begins.insert(member)
                }
            };
            let stored = input.fill_buf()?;
            let is_end = stored.is_empty();
            let decoded = self.inflate.decode(stored);
            self.taken = 0;
            let made = self.inflate.fresh();
            member.add(made);
            let checked = match decoded {
                Ok(used) => {
                    input.consume(used);
                    if self.inflate.has_ended() {
                        self.end_member()
                    } else if is_end && made.is_empty() {
                        Err(io::ErrorKind::UnexpectedEof.into())
                    } else {
                        Ok(())
                    }
                }
                Err(damage) => Err(invalid(damage.0)),
            };
            if let Err(error) = checked {
                self.input = None;
                self.failure = Some(error);
            }
        }
        Ok(())
    }

    /// Checks the trailer, and goes on to the next member.
    fn end_member(&mut self) -> io::Result<()> {
        let (Some(mut input), Some(member)) = (self.input.take(), self.member.take()) else { return Ok(()) };
        member.check_trailer(&mut input)?;
        self.input = next_member(input)?;
        Ok(())
    }
}

/// Appends the contents of members to `plain`, which may get as long as `most`. Tells whether `stored` is nothing but whole
/// members, and there was room.
pub(super) fn inflate_members(inflate: &mut Inflate, mut stored: &[u8], plain: &mut Vec<u8>, most: usize) -> bool {
    while !stored.is_empty() {
        let Ok(mut member) = Member::begin(&mut stored) else { return false };
        inflate.start();
        while !inflate.has_ended() {
            let Ok(used) = inflate.decode(stored) else { return false };
            let made = inflate.fresh();
            let ends_early = used == 0 && made.is_empty() && !inflate.has_ended();
            if ends_early || most - plain.len() < made.len() {
                return false;
            }
            member.add(made);
            plain.extend_from_slice(made);
            stored = &stored[used..];
        }
        if member.check_trailer(&mut stored).is_err() {
            return false;
        }
    }
    true
}

impl<R: BufRead> BufRead for GzipReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.advance()?;
        let made = &self.inflate.fresh()[self.taken..];
        match self.failure.take_if(|_| made.is_empty()) {
            Some(failure) => Err(failure),
            None => Ok(made),
        }
    }

    fn consume(&mut self, n: usize) {
        self.taken += n;
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buf)?;
        self.consume(n);
        Ok(n)
    }
}

impl Member {
    /// Reads a member's header (RFC 1952, 2.3).
    fn begin(input: &mut impl BufRead) -> io::Result<Self> {
        const CHECKED: u8 = 1 << 1;
        const EXTRA: u8 = 1 << 2;
        const NAME: u8 = 1 << 3;
        const COMMENT: u8 = 1 << 4;
        const RESERVED: u8 = 0b1110_0000;
        let mut crc = Crc::new();
        let mut fixed = [0; 10];
        input.read_exact(&mut fixed)?;
        crc.update(&fixed);
        let [0x1f, 0x8b, 8, flags, ..] = fixed else { return Err(invalid("no gzip header")) };
        if flags & RESERVED != 0 {
            return Err(invalid("unknown gzip flags"));
        }
        if flags & EXTRA != 0 {
            let mut len = [0; 2];
            input.read_exact(&mut len)?;
            crc.update(&len);
            let mut extra = vec![0; usize::from(u16::from_le_bytes(len))];
            input.read_exact(&mut extra)?;
            crc.update(&extra);
        }
        for text in [NAME, COMMENT] {
            let mut byte = [u8::from(flags & text != 0)];
            while byte != [0] {
                input.read_exact(&mut byte)?;
                crc.update(&byte);
            }
        }
        if flags & CHECKED != 0 {
            let mut check = [0; 2];
            input.read_exact(&mut check)?;
            if crc.sum().to_le_bytes()[..2] != check {
                return Err(invalid("wrong CRC of a gzip header"));
            }
        }
        Ok(Self { crc: Crc::new(), size: 0 })
    }

    fn add(&mut self, made: &[u8]) {
        self.crc.update(made);
        self.size += made.len() as u64;
    }

    /// Reads what stands behind a member (RFC 1952, 2.3.1).
    fn check_trailer(&self, input: &mut impl BufRead) -> io::Result<()> {
        let mut trailer = [[0; 4]; 2];
        input.read_exact(trailer.as_flattened_mut())?;
        let [crc, size] = trailer.map(u32::from_le_bytes);
        if crc != self.crc.sum() {
            return Err(invalid("wrong CRC of a gzip member"));
        }
        if u64::from(size) != self.size % (1 << 32) {
            return Err(invalid("wrong size of a gzip member"));
        }
        Ok(())
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Returns the input at its next member; `None` at its end.
fn next_member<R: BufRead>(mut input: R) -> io::Result<Option<R>> {
    let mut padding = false;
    loop {
        let ahead = input.fill_buf()?;
        match ahead.iter().position(|&b| b != 0) {
            None if ahead.is_empty() => return Ok(None),
            None => {
                padding = true;
                let n = ahead.len();
                input.consume(n);
            }
            Some(0) if !padding && ahead[0] == 0x1f => return Ok(Some(input)),
            Some(_) => return Err(invalid("trailing data after the gzip stream")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::bufread::GzEncoder::new(text, flate2::Compression::fast()).read_to_end(&mut out).unwrap();
        out
    }

    fn check(parts: &[&[u8]], want: Result<&str, &str>) {
        let stream = parts.concat();
        let mut text = String::new();
        // A small buffer puts the boundaries everywhere.
        let got = GzipReader::new(io::BufReader::with_capacity(3, &stream[..])).read_to_string(&mut text);
        match want {
            Ok(want) => assert_eq!((got.unwrap(), text.as_str()), (want.len(), want)),
            Err(want) => assert!(got.unwrap_err().to_string().contains(want), "{want}"),
        }
    }

    #[test]
    fn every_member_counts_and_only_zeros_may_follow() {
        let (one, two, none) = (member(b"one "), member(b"two"), member(b""));
        check(&[&one, &two], Ok("one two"));
        check(&[&one, &none, &two, &none], Ok("one two"));
        check(&[&one, &[0; 1000]], Ok("one "));
        check(&[&none], Ok(""));
        check(&[&one, b"x"], Err("trailing data"));
        check(&[&one, &[0; 10], &two], Err("trailing data"));
        check(&[&one[..one.len() - 4]], Err(""));
        check(&[&one, &two[..5]], Err(""));
        check(&[&member(b"x")[..3]], Err(""));
    }

    #[test]
    fn headers_and_trailers_are_checked() {
        // Every optional field there is: extra, name, comment, and a CRC of the header.
        let optional = b"\x03\x00\x01\x02\x03name\0comment\0";
        let mut header = vec![0x1f, 0x8b, 8, 0b0001_1110, 0, 0, 0, 0, 0, 0xff];
        header.extend_from_slice(optional);
        let mut crc = Crc::new();
        crc.update(&header);
        header.extend_from_slice(&crc.sum().to_le_bytes()[..2]);
        let plain = member(b"text");
        let body = &plain[10..];
        check(&[&header, body], Ok("text"));
        let mut broken = header.clone();
        broken[12] ^= 1;
        check(&[&broken, body], Err("CRC of a gzip header"));
        header[3] |= 0x80;
        check(&[&header, body], Err("unknown gzip flags"));
        check(&[&plain, b"\x1f\x8b\x07\0\0\0\0\0\0\0"], Err("no gzip header"));
        for (at, what) in [(plain.len() - 1, "wrong size"), (plain.len() - 5, "wrong CRC")] {
            let mut broken = plain.clone();
            broken[at] ^= 1;
            check(&[&broken], Err(what));
            // What came before it is there all the same.
            let mut text = [0; 4];
            GzipReader::new(&broken[..]).read_exact(&mut text).unwrap();
            assert_eq!(&text, b"text");
        }
    }
}
