//! A gzip stream to its very end: every member, then nothing but zeros.
//!
//! `flate2` has a multi-member reader of its own; it takes zero padding for a damaged member. docker and containerd
//! accept padding, and tar-minded tools write it.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Reads the contents of all members of a gzip stream.
pub(super) struct GzipReader<R> {
    /// Taken for a moment while one member follows another; `None` after the end.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> GzipReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { member: Some(GzDecoder::new(input)) }
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let n = member.read(buf)?;
            if n > 0 || buf.is_empty() {
                return Ok(n);
            }
            if let Some(ended) = self.member.take() {
                self.member = next_member(ended.into_inner())?.map(GzDecoder::new);
            }
        }
        Ok(0)
    }
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
            Some(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "trailing data after the gzip stream")),
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
    }
}
