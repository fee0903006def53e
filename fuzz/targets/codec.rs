//! Compression: what is undone stays within its limit, and what we make can be undone, whole or not at all.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use transload::fuzzing::{deflate, inflate};
use transload::{Compression, CompressionLevel};
use transload_fuzz::context;
use transload_fuzz::promises::check_error;

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    if how & 1 == 0 { undo(bytes) } else { make(how >> 1, bytes) }
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

/// Our own streams.
fn make(how: u8, plain: &[u8]) {
    let cx = context();
    let (compression, lowest, levels) = if how & 1 == 0 { (Compression::Gzip, 0, 13) } else { (Compression::Zstd, 1, 12) };
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
