//! Streams made bit by bit: what is taken, and each reason to refuse one.

use super::super::header::ORDER;
use super::*;

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

    /// Begins a last block with codes of its own, for so many literals and distances. `lengths` are symbols of the code
    /// for lengths, each with the extra bits behind it: a number and how many there are.
    fn header(self, literals: u32, distances: u32, lengths: &[(u32, u32, u32)]) -> Self {
        let mut stream = self.number(1, 1).number(2, 2);
        stream = stream.number(literals - 257, 5).number(distances - 1, 5).number(19 - 4, 4);
        // 13 symbols with 4 bits and 6 with 5 are a complete code: 16 to 18 and 13 to 15 have the longer ones.
        for symbol in ORDER {
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
