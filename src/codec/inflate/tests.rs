use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};
use proptest::prelude::*;

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

/// A stream made bit by bit: numbers and how many bits they take, codes from their first bit on.
#[derive(Clone, Default)]
struct Stream(Vec<bool>);

impl Stream {
    fn number(mut self, number: u32, bits: u32) -> Self {
        self.0.extend((0..bits).map(|bit| number >> bit & 1 == 1));
        self
    }

    fn code(mut self, code: &str) -> Self {
        self.0.extend(code.chars().map(|bit| bit == '1'));
        self
    }

    /// Begins a last block with codes of its own. `lengths` are the pairs of symbols of the code for lengths, which all
    /// have 5 bits, and what follows them.
    fn header(self, literals: u32, distances: u32, lengths: &[(u32, u32, u32)]) -> Self {
        let mut stream = self.number(1, 1).number(2, 2);
        stream = stream.number(literals - 257, 5).number(distances - 1, 5).number(19 - 4, 4);
        // 13 symbols with 4 bits and 6 with 5 are a complete code: 16 to 18 and 13 to 15 have the longer ones.
        for symbol in header::ORDER {
            stream = stream.number(if symbol < 13 { 4 } else { 5 }, 3);
        }
        for &(symbol, number, bits) in lengths {
            stream = match symbol {
                0..13 => stream.code(&format!("{symbol:04b}")),
                _ => stream.code(&format!("{:05b}", 26 + symbol - 13)),
            };
            stream = stream.number(number, bits);
        }
        stream
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
        self.0.chunks(8).map(byte).collect()
    }
}

/// A block with fixed codes, the last one.
fn fixed() -> Stream {
    Stream::default().number(1, 1).number(1, 2)
}

/// So many zeros, as lengths of a header.
fn zeros(count: u32) -> Vec<(u32, u32, u32)> {
    let mut lengths = vec![(18, 127, 7); (count / 138) as usize];
    match count % 138 {
        0 => {}
        few @ 1..=10 => lengths.extend(vec![(0, 0, 0); few as usize]),
        many => lengths.push((18, many - 11, 7)),
    }
    lengths
}

#[track_caller]
fn check(stream: &[u8], want: (&[u8], Verdict)) {
    let mut inflate = Inflate::new();
    for size in [1, 2, 7, 100, 1 << 20] {
        let (made, verdict) = decode(&mut inflate, stream, &[size]);
        assert_eq!((made.as_slice(), &verdict), (want.0, &want.1), "in pieces of {size}");
        same_as_zlib(&mut inflate, stream, &[size]);
    }
    // What follows a stream is no matter, and nothing of it is taken.
    let longer = [stream, &[0xa5; 40]].concat();
    if matches!(want.1, Verdict::End(_)) {
        for size in [1, 3, 1 << 20] {
            assert_eq!(decode(&mut inflate, &longer, &[size]), (want.0.to_vec(), want.1.clone()));
        }
    } else if matches!(want.1, Verdict::Damaged(_)) {
        let (made, verdict) = decode(&mut inflate, &longer, &[1 << 20]);
        assert_eq!((made.as_slice(), &verdict), (want.0, &want.1), "with more behind it");
    }
}

#[track_caller]
fn refused(stream: &Stream, made: &[u8], why: &'static str) {
    check(&stream.bytes(), (made, Verdict::Damaged(why)));
}

#[track_caller]
fn accepted(stream: &Stream, made: &[u8]) {
    let bytes = stream.bytes();
    check(&bytes, (made, Verdict::End(bytes.len())));
    for end in 0..bytes.len() {
        assert_eq!(decode(&mut Inflate::new(), &bytes[..end], &[2]).1, Verdict::CutShort);
    }
}

/// "a" with the fixed code.
const A: &str = "10010001";
const END: &str = "0000000";

#[test]
fn blocks_are_stored_fixed_or_with_codes_of_their_own() {
    accepted(&fixed().code(END), b"");
    accepted(&fixed().code(A).code("0000001").code("00000").code(END), b"aaaa");
    // The longest length, 258, in both its forms, and the longest of fixed codes.
    accepted(&fixed().code(A).code("11000101").code("00000").code(END), &[b'a'; 259]);
    accepted(&fixed().code(A).code("11000100").number(31, 5).code("00000").code(END), &[b'a'; 259]);
    accepted(&fixed().code("111111111").code(END), &[255]);
    let stored = Stream::default().number(0, 8).number(2, 16).number(!2 & 0xffff, 16).number(0x6261, 16);
    let last = stored.0.into_iter().chain(fixed().code("0000001").code("00001").code(END).0).collect();
    accepted(&Stream(last), b"ababa");
    accepted(&Stream::default().number(1, 8).number(0, 16).number(0xffff, 16), b"");
    // 0, 1 and 256 with 2, 2 and 1 bits; no distances.
    let own = [&[(2, 0, 0), (2, 0, 0)][..], &zeros(254), &[(1, 0, 0), (0, 0, 0)]].concat();
    accepted(&Stream::default().header(257, 1, &own).code("10").code("11").code("0"), &[0, 1]);
    // The end alone, with one bit; and one distance.
    let end = [&zeros(256)[..], &[(1, 0, 0), (1, 0, 0)]].concat();
    accepted(&Stream::default().header(257, 1, &end).code("0"), b"");
    // 0, 256 and 257, and one distance.
    let repeat = [&[(2, 0, 0)][..], &zeros(255), &[(1, 0, 0), (2, 0, 0), (1, 0, 0)]].concat();
    accepted(&Stream::default().header(258, 1, &repeat).code("10").code("11").code("0").code("0"), &[0; 4]);
    refused(&Stream::default().header(258, 1, &repeat).code("10").code("11").code("1"), &[0], "invalid distance code");
}

#[test]
fn codes_of_all_lengths_are_found() {
    // 0 to 14 have 1 to 15 bits, 256 the last of 15.
    let lengths: Vec<_> = (1..=15).map(|length| (length, 0, 0)).collect();
    let lengths = [&lengths[..], &zeros(241), &[(15, 0, 0), (0, 0, 0)]].concat();
    let mut stream = Stream::default().header(257, 1, &lengths);
    for literal in (0..15).chain((0..15).rev()) {
        stream = stream.code(&"1".repeat(literal)).code("0");
    }
    let want: Vec<u8> = (0..15).chain((0..15).rev()).collect();
    accepted(&stream.code(&"1".repeat(15)), &want);
    // Distances likewise, up to symbol 15 with 6 extra bits: 193 and more.
    let lengths: Vec<_> = (1..=15).chain([15]).map(|length| (length, 0, 0)).collect();
    let lengths = [&[(2, 0, 0)][..], &zeros(255), &[(2, 0, 0), (1, 0, 0)], &lengths].concat();
    let stream = Stream::default().header(258, 16, &lengths).code(&"10".repeat(200));
    let far =
        stream.code("0").code(&"1".repeat(15)).number(7, 6).code("0").code(&"1".repeat(14)).code("0").number(0, 6);
    accepted(&far.code("11"), &[0; 206]);
}

#[test]
fn what_zlib_refuses_is_refused() {
    refused(&Stream::default().number(1, 1).number(3, 2), b"", "invalid block type");
    refused(&Stream::default().number(1, 8).number(1, 16).number(1, 16), b"", "invalid stored block lengths");
    refused(&fixed().code("11000110"), b"", "invalid literal/length code");
    refused(&fixed().code(A).code("11000111"), b"a", "invalid literal/length code");
    refused(&fixed().code(A).code("0000001").code("11110"), b"a", "invalid distance code");
    refused(&fixed().code(A).code("0000001").code("11111"), b"a", "invalid distance code");
    refused(&fixed().code("0000001").code("00000"), b"", "invalid distance too far back");
    refused(&fixed().code(A).code("0000001").code("00001"), b"a", "invalid distance too far back");
    for (literals, distances) in [(287, 1), (288, 1), (257, 31), (257, 32)] {
        let counts = Stream::default().number(5, 3).number(literals - 257, 5).number(distances - 1, 5).number(0, 4);
        refused(&counts, b"", "too many length or distance symbols");
    }
    // The code for lengths: none, one, too few, too many.
    for lengths in [[0, 0, 0, 0], [1, 0, 0, 0], [2, 2, 2, 0], [1, 1, 1, 0]] {
        let mut stream = Stream::default().number(5, 3).number(0, 10).number(0, 4);
        for length in lengths {
            stream = stream.number(length, 3);
        }
        // Where zlib goes on to lengths without a code, those are here.
        refused(&stream.code(&"0".repeat(260)), b"", "invalid code lengths set");
    }
    let own = |literals, distances, lengths: &[&[(u32, u32, u32)]]| {
        Stream::default().header(literals, distances, &lengths.concat())
    };
    refused(&own(257, 1, &[&[(16, 0, 2)]]), b"", "invalid bit length repeat");
    refused(&own(257, 1, &[&zeros(256), &[(1, 0, 0), (16, 0, 2)]]), b"", "invalid bit length repeat");
    refused(&own(257, 1, &[&zeros(257), &[(18, 0, 7)]]), b"", "invalid bit length repeat");
    refused(&own(257, 1, &[&[(1, 0, 0), (1, 0, 0)], &zeros(256)]), b"", "invalid code -- missing end-of-block");
    let sets = [
        // No complete code: 256 with 2 bits, or two symbols of 2; too many of 1.
        (vec![zeros(256), vec![(2, 0, 0), (0, 0, 0)]], "invalid literal/lengths set"),
        (vec![vec![(2, 0, 0)], zeros(255), vec![(2, 0, 0), (0, 0, 0)]], "invalid literal/lengths set"),
        (vec![vec![(1, 0, 0), (1, 0, 0)], zeros(254), vec![(1, 0, 0), (0, 0, 0)]], "invalid literal/lengths set"),
        (vec![zeros(256), vec![(1, 0, 0), (2, 0, 0)]], "invalid distances set"),
    ];
    for (lengths, why) in sets {
        refused(&Stream::default().header(257, 1, &lengths.concat()), b"", why);
    }
    let three = [&zeros(256)[..], &[(1, 0, 0), (1, 0, 0), (1, 0, 0), (1, 0, 0)]].concat();
    refused(&Stream::default().header(257, 3, &three), b"", "invalid distances set");
    // The other bit where only the end has a code, and a distance where there is none.
    let end = [&zeros(256)[..], &[(1, 0, 0), (0, 0, 0)]].concat();
    refused(&Stream::default().header(257, 1, &end).code("1"), b"", "invalid literal/length code");
    let length = [&zeros(256)[..], &[(1, 0, 0), (1, 0, 0), (0, 0, 0)]].concat();
    refused(&Stream::default().header(258, 1, &length).code("1").code("0"), b"", "invalid distance code");
}

#[test]
fn matches_reach_to_the_beginning_and_no_further() {
    // Noise, then matches of all distances around the longest, across where the window is moved.
    let noise: Vec<u8> = noise(1).take(700_000).collect();
    let mut inflate = Inflate::new();
    for before in [1, 100, 32_767, 32_768, 32_769, 228_000, 261_000, 262_100, 262_144, 600_000] {
        for (code, extra) in [("11101", 8191), ("11101", 8190), ("11100", 0), ("00000", 0), ("01000", 4)] {
            let mut stream = Vec::new();
            for piece in noise[..before].chunks(65_535) {
                let len = u16::try_from(piece.len()).unwrap();
                stream.push(0);
                stream.extend_from_slice(&len.to_le_bytes());
                stream.extend_from_slice(&(!len).to_le_bytes());
                stream.extend_from_slice(piece);
            }
            let bits = (u32::from_str_radix(code, 2).unwrap() / 2).saturating_sub(1);
            let tail = fixed().code("11000101").code(code).number(extra, bits).code(END);
            stream.extend_from_slice(&tail.bytes());
            stream.extend_from_slice(&[0; 30]);
            same_as_zlib(&mut inflate, &stream, &[1 << 18]);
            same_as_zlib(&mut inflate, &stream, &[1000, 1]);
        }
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
        _ => {
            use super::super::deflate::{Deflate, Greedy, Lazy};
            match how {
                23 => Deflate::<Greedy>::new().compress(bytes, &mut made),
                _ => Deflate::<Lazy>::new().compress(bytes, &mut made),
            }
        }
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
