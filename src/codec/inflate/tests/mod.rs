//! What the tests have in common.

mod handmade;
mod of_others;

use flate2::{Decompress, FlushDecompress, Status};

use super::*;

/// What became of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// It ended after so many bytes.
    End(usize),
    CutShort,
    Damaged(&'static str),
}

/// Decodes a stream that comes in pieces of these sizes, again and again.
fn decode(inflate: &mut Inflate, stream: &[u8], sizes: &[usize]) -> (Vec<u8>, Verdict) {
    let (mut made, mut at) = (Vec::new(), 0);
    inflate.start();
    for size in sizes.iter().cycle() {
        let piece = &stream[at..stream.len().min(at + size)];
        let decoded = inflate.decode(piece);
        made.extend_from_slice(inflate.fresh());
        match decoded {
            Err(damage) => return (made, Verdict::Damaged(damage.0)),
            Ok(used) => at += used,
        }
        if inflate.has_ended() {
            return (made, Verdict::End(at));
        }
        if at == stream.len() && inflate.fresh().is_empty() {
            return (made, Verdict::CutShort);
        }
    }
    unreachable!("there are sizes")
}

/// Decodes with zlib-rs.
fn decode_with_zlib(stream: &[u8]) -> (Vec<u8>, Verdict) {
    let mut zlib = Decompress::new(false);
    let mut made = Vec::new();
    loop {
        made.reserve(1 << 16);
        let before = (zlib.total_in(), zlib.total_out());
        let rest = &stream[usize::try_from(before.0).unwrap()..];
        let status = zlib.decompress_vec(rest, &mut made, FlushDecompress::None);
        let used = usize::try_from(zlib.total_in()).unwrap();
        match status {
            Err(_) => return (made, Verdict::Damaged("")),
            Ok(Status::StreamEnd) => return (made, Verdict::End(used)),
            Ok(_) if (zlib.total_in(), zlib.total_out()) == before => return (made, Verdict::CutShort),
            Ok(_) => {}
        }
    }
}

#[track_caller]
fn same_as_zlib(inflate: &mut Inflate, stream: &[u8], sizes: &[usize]) {
    let (made, verdict) = decode(inflate, stream, sizes);
    let (theirs, their_verdict) = decode_with_zlib(stream);
    assert!(made == theirs, "{} bytes where zlib makes {}: {verdict:?}, {their_verdict:?}", made.len(), theirs.len());
    match verdict {
        // zlib tells that later, when a length is missing that has no code.
        Verdict::Damaged("invalid code lengths set") => assert!(!matches!(their_verdict, Verdict::End(_))),
        Verdict::Damaged(_) => assert_eq!(their_verdict, Verdict::Damaged("")),
        verdict => assert_eq!(verdict, their_verdict),
    }
}

/// Numbers that look random.
fn noise(seed: u64) -> impl Iterator<Item = u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 33) as u8
    })
}
