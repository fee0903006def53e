//! Streams that encoders make, whole and damaged.

use std::io::Read;

use proptest::prelude::*;

use super::super::super::deflate::{Deflate, Greedy, Lazy};
use super::*;

/// Bytes with some order: runs, repetitions from near and far, noise of few and of many values.
fn contents() -> impl Strategy<Value = Vec<u8>> {
    let piece = (0..5u8, any::<u64>(), 1..3000usize, 1..40_000usize);
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| {
        let mut bytes: Vec<u8> = Vec::new();
        for (kind, seed, len, back) in pieces {
            match kind {
                0 => bytes.resize(bytes.len() + len, seed as u8),
                1 => bytes.extend(noise(seed).take(len)),
                2 => bytes.extend(noise(seed).map(|byte| b'a' + (byte & byte >> 4) % 26).take(len)),
                _ => {
                    let from = bytes.len() - back.min(bytes.len());
                    let back = if kind == 3 { bytes.len() - from } else { (bytes.len() - from).min(1 + back % 20) };
                    for _ in 0..if back == 0 { 0 } else { len } {
                        bytes.push(bytes[bytes.len() - back]);
                    }
                }
            }
        }
        bytes
    })
}

fn compress(bytes: &[u8], how: u8) -> Vec<u8> {
    let mut made = Vec::new();
    match how {
        0..=9 => {
            let level = flate2::Compression::new(how.into());
            flate2::bufread::DeflateEncoder::new(bytes, level).read_to_end(&mut made).unwrap();
        }
        10..=22 => {
            let level = libdeflater::CompressionLvl::new(i32::from(how) - 10).unwrap();
            let mut compressor = libdeflater::Compressor::new(level);
            made.resize(compressor.deflate_compress_bound(bytes.len()), 0);
            let len = compressor.deflate_compress(bytes, &mut made).unwrap();
            made.truncate(len);
        }
        23 => Deflate::<Greedy>::new().compress(bytes, &mut made),
        _ => Deflate::<Lazy>::new().compress(bytes, &mut made),
    }
    made
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(prop_oneof![1..40usize, 1..5000usize, Just(1 << 20)], 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 96 } else { 2000 }))]

    #[test]
    fn what_others_compress_is_decoded(bytes in contents(), how in 0..25u8, sizes in sizes(), behind in 0..20usize) {
        let mut stream = compress(&bytes, how);
        let len = stream.len();
        stream.resize(len + behind, 0x5a);
        let (made, verdict) = decode(&mut Inflate::new(), &stream, &sizes);
        prop_assert_eq!(verdict, Verdict::End(len));
        prop_assert!(made == bytes);
    }

    #[test]
    fn damaged_streams_are_refused_where_zlib_refuses_them(
        bytes in contents(),
        how in 0..25u8,
        sizes in sizes(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        end in proptest::option::of(any::<proptest::sample::Index>()),
        near in any::<bool>(),
    ) {
        let mut stream = compress(&bytes, how);
        for (at, with) in changes {
            // Headers are at the beginning, if there is but one block.
            let range = if near { stream.len().min(100) } else { stream.len() };
            stream[at.index(range)] ^= with;
        }
        stream.truncate(end.map_or(stream.len(), |end| end.index(stream.len())));
        same_as_zlib(&mut Inflate::new(), &stream, &sizes);
    }

    #[test]
    fn noise_is_refused_where_zlib_refuses_it(stream in proptest::collection::vec(any::<u8>(), 0..600), sizes in sizes()) {
        let mut inflate = Inflate::new();
        for kind in [0b010, 0b100] {
            let mut stream = stream.clone();
            if let Some(first) = stream.first_mut() {
                *first = *first & !0b110 | kind;
            }
            same_as_zlib(&mut inflate, &stream, &sizes);
        }
    }
}
