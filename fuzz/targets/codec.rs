//! Compression: what is undone stays within its limit, and what we make can be undone, whole or not at all. Deflate streams
//! are taken and refused as zlib does, with the same bytes before the error.
#![no_main]

use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};
use libfuzzer_sys::fuzz_target;
use transload::fuzzing::{deflate, inflate, inflate_pieces};
use transload::{Compression, CompressionLevel};
use transload_fuzz::context;
use transload_fuzz::promises::check_error;

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    match how & 3 {
        0 => undo(bytes),
        2 => undo_raw(how >> 2, bytes),
        _ => make(how >> 1, bytes),
    }
});

/// Streams of others.
fn undo(stream: &[u8]) {
    let cx = context();
    let limit = cx.limits.inflated_bytes;
    let plain = inflate(stream.to_vec(), &cx).inspect_err(check_error);
    if let Ok(plain) = &plain {
        assert!(plain.len() as u64 <= limit.max(stream.len() as u64));
    }
    if stream.starts_with(&[0x1f, 0x8b, 8]) {
        let mut other = Vec::new();
        let read = flate2::bufread::MultiGzDecoder::new(stream).take(limit + 1).read_to_end(&mut other);
        if read.is_ok() && other.len() as u64 <= limit {
            assert_eq!(plain.expect("others can read it"), other);
        }
    }
}

/// Deflate streams without a frame, whose CRC would refuse nearly all of them.
fn undo_raw(size: u8, stream: &[u8]) {
    const MOST: usize = 1 << 22;
    let mut zlib = Decompress::new(false);
    let mut other = Vec::with_capacity(MOST);
    let status = zlib.decompress_vec(stream, &mut other, FlushDecompress::None);
    if other.len() == MOST {
        return;
    }
    let (made, end) = inflate_pieces(stream, if size == 0 { stream.len().max(1) } else { size.into() });
    assert!(made == other, "other bytes than zlib's");
    match (status, end) {
        (Ok(Status::StreamEnd), Ok(used)) => assert_eq!(used as u64, zlib.total_in()),
        (Ok(Status::Ok | Status::BufError), Err(_)) | (Err(_), Err(true)) => {}
        (status, end) => panic!("zlib says {status:?}, and this one {end:?}"),
    }
}

/// Our own streams.
fn make(how: u8, plain: &[u8]) {
    let cx = context();
    let (compression, lowest, levels) =
        if how & 1 == 0 { (Compression::Gzip, 0, 13) } else { (Compression::Zstd, 1, 12) };
    let level = match i32::from(how >> 1) % (levels + 2) {
        0 => None,
        1 => Some(CompressionLevel::Fast),
        level => Some(CompressionLevel::Number(lowest + level - 2)),
    };
    let stream = deflate(plain, compression, level).expect("memory can be compressed");
    assert_eq!(inflate(stream.clone(), &cx).expect("what was made can be undone"), plain);
    if let Some((_, short)) = stream.split_last() {
        assert!(inflate(short.to_vec(), &cx).is_err(), "a stream that is cut short is taken for whole");
        assert!(inflate([&stream, &b"x"[..]].concat(), &cx).is_err(), "what follows the stream is passed over");
    }
}
