use std::io::{Read, Write};
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::window::MAX_DISTANCE;
use super::*;
use crate::digest::Digest;

/// An encoder of each effort.
struct Encoders {
    greedy: Deflate<Greedy>,
    lazy: Deflate<Lazy>,
}

impl Encoders {
    fn new() -> Self {
        Self { greedy: Deflate::new(), lazy: Deflate::new() }
    }

    /// Compresses with both, has libdeflate and zlib-rs inflate it, and says how long the streams are.
    #[track_caller]
    fn round_trip(&mut self, input: &[u8]) -> [usize; 2] {
        let (mut greedy, mut lazy) = (Vec::new(), Vec::new());
        self.greedy.compress(input, &mut greedy);
        self.lazy.compress(input, &mut lazy);
        [greedy, lazy].map(|made| check(input, &made))
    }
}

#[track_caller]
fn check(input: &[u8], made: &[u8]) -> usize {
    let mut back = vec![0; input.len()];
    let inflated = libdeflater::Decompressor::new().deflate_decompress(made, &mut back);
    assert_eq!(inflated, Ok(input.len()));
    assert!(back == input, "libdeflate inflates something else");

    back.clear();
    let mut zlib = flate2::bufread::DeflateDecoder::new(made);
    zlib.read_to_end(&mut back).unwrap();
    assert!(back == input, "zlib-rs inflates something else");
    assert_eq!(zlib.into_inner(), b"", "bytes behind the end");
    // A stored block has a head of 5 bytes. One more where the input is cut, one for the end.
    assert!(made.len() <= input.len() + 5 * (input.len() / Lazy::BLOCK + 2), "{} from {}", made.len(), input.len());
    made.len()
}

#[track_caller]
fn round_trip(input: &[u8]) -> [usize; 2] {
    Encoders::new().round_trip(input)
}

/// Numbers that look random.
fn noise(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let mixed = (state ^ (state >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        mixed ^ (mixed >> 32)
    })
}

fn noise_bytes(seed: u64, len: usize) -> Vec<u8> {
    noise(seed).map(|number| number as u8).take(len).collect()
}

/// Words with a frequency like that of a language.
fn text(seed: u64, len: usize) -> Vec<u8> {
    let mut numbers = noise(seed);
    let words: Vec<String> = (0..2000u64)
        .map(|word| {
            noise(word).skip(1).take(2 + (word % 9) as usize).map(|n| (b'a' + (n % 26) as u8) as char).collect()
        })
        .collect();
    let mut text = Vec::new();
    while text.len() < len {
        let number = numbers.next().unwrap();
        let word = (number % 2000) * (number >> 20 & 1023) / 1024;
        text.extend_from_slice(words[word as usize].as_bytes());
        text.push(if number >> 60 == 0 { b'\n' } else { b' ' });
    }
    text.truncate(len);
    text
}

/// Records of small numbers, as in executables and tables.
fn records(seed: u64, len: usize) -> Vec<u8> {
    let record = |(place, number): (u32, u64)| {
        let mut record = [0; 16];
        record[..4].copy_from_slice(&(place * 16).to_le_bytes());
        record[4..6].copy_from_slice(&((number % 700) as u16).to_le_bytes());
        record[8..12].copy_from_slice(&((number >> 32 & 0xf0f0) as u32).to_le_bytes());
        record
    };
    (0..).zip(noise(seed)).flat_map(record).take(len).collect()
}

#[test]
fn small_and_simple_inputs() {
    let mut encoders = Encoders::new();
    assert_eq!(encoders.round_trip(b""), [2; 2]);
    for byte in 0..=255 {
        assert_eq!(encoders.round_trip(&[byte]), [3; 2]);
    }
    for len in 0..600 {
        encoders.round_trip(&vec![b'x'; len]);
        encoders.round_trip(&noise_bytes(7, len));
        encoders.round_trip(&text(7, len));
    }
    round_trip(&Vec::from_iter(0..=255).repeat(300));
    assert!(round_trip(&vec![0; CAPACITY]).into_iter().all(|len| len < 1600));
}

#[test]
fn lengths_where_something_ends() {
    let inputs = [text(1, CAPACITY), records(2, CAPACITY), noise_bytes(3, CAPACITY)];
    let mut encoders = Encoders::new();
    let blocks = [Greedy::BLOCK, Lazy::BLOCK].map(|block| [block, block + block / 2, 2 * block, 2 * block + block / 2]);
    for around in blocks.concat() {
        for len in [around - 1, around, around + 1, around + 24, around + 25] {
            inputs.iter().for_each(|input| _ = encoders.round_trip(&input[..len]));
        }
    }
    for len in [CAPACITY - 25, CAPACITY - 24, CAPACITY - 1, CAPACITY] {
        inputs.iter().for_each(|input| _ = encoders.round_trip(&input[..len]));
    }
}

#[test]
fn every_period() {
    let mut encoders = Encoders::new();
    for period in (1..=300).chain(MAX_DISTANCE - 40..MAX_DISTANCE + 40).chain(32_700..32_840) {
        let input: Vec<u8> = noise_bytes(period as u64, period).into_iter().cycle().take(3 * period + 700).collect();
        for len in encoders.round_trip(&input) {
            let found = len < period + period / 4 + 600;
            assert_eq!(found, period <= MAX_DISTANCE, "a period of {period} takes {len}");
        }
    }
}

#[test]
fn what_comes_next_is_no_match() {
    // Where the ring has what comes next, something older was that looked the same.
    let (mut encoders, noise, same) = (Encoders::new(), noise_bytes(11, 100_000), noise_bytes(12, 30));
    for ahead in (30..900).step_by(7) {
        let mut input = noise.clone();
        for at in [900, 900 + (1 << 15) - ahead, 900 + (1 << 15)] {
            input[at..][..same.len()].copy_from_slice(&same);
        }
        encoders.round_trip(&input);
    }
}

#[test]
fn every_length_of_match() {
    let (filler, mut input) = (noise_bytes(1, 5000), Vec::new());
    for len in (4..40).chain(240..300).chain([515, 516, 517, 774, 1000]) {
        input.extend_from_slice(&filler[..len]);
        input.extend_from_slice(&noise_bytes(1000 + len as u64, 9));
    }
    round_trip(&input);
    for len in 0..300 {
        let mut input = filler.clone();
        input.extend_from_slice(&filler[100..100 + len]);
        round_trip(&input);
    }
}

#[test]
fn long_runs_of_literals() {
    let noise = noise_bytes(4, 40_000);
    for run in (500..530).chain(1015..1030).chain([4096, 30_000]) {
        // Few values, so that the block is not stored.
        let literals: Vec<u8> = noise[..run].iter().map(|byte| byte % 64).collect();
        let mut input = b"there and back again, ".repeat(20);
        for _ in 0..3 {
            input.extend_from_slice(&literals);
            input.extend_from_slice(b"there and back again, there and back again");
        }
        round_trip(&input);
    }
}

#[test]
fn files_are_small_enough() {
    // Bounds a little above what comes out, against mistakes that only cost size.
    for (input, most) in [(text(5, 500_000), [42, 38]), (records(6, 500_000), [40, 36])] {
        let percent = round_trip(&input).map(|len| len * 100 / input.len());
        assert!(percent[0] <= most[0] && percent[1] <= most[1], "{percent:?} %");
    }
    assert!(round_trip(&noise_bytes(7, 30_000).repeat(2)).into_iter().all(|len| len < 37_500));
}

/// Changing this is allowed, but never by accident: it is in the digests of what users make.
#[test]
fn bytes_are_pinned() {
    let inputs = [text(1, 300_000), records(2, 300_000), noise_bytes(3, 70_000), vec![0; 100_000]];
    let mut input = inputs.concat();
    input.extend_from_within(100_000..200_000);
    let (mut greedy, mut lazy) = (Vec::new(), Vec::new());
    Deflate::<Greedy>::new().gzip(&input, &mut greedy);
    Deflate::<Lazy>::new().gzip(&input, &mut lazy);
    assert_eq!(
        [greedy, lazy].map(|made| Digest::of(&made).hex()),
        [
            "e5306cadcaa251ec30f287e71476e5f446c48f0207296d87a5e143ec9d64120a",
            "5469593bae703548c6ef0aae728f174e32f363ee9aa4174caff33025a0e053d1",
        ]
    );
}

#[test]
fn nothing_remains_from_the_input_before() {
    let inputs = [
        text(1, CAPACITY),
        vec![],
        records(2, 200_000),
        b"x".to_vec(),
        noise_bytes(3, 100_001),
        text(1, 65_560),
        vec![0; 3000],
        text(9, 300_000),
    ];
    fn check<F: Finder>(inputs: &[Vec<u8>]) {
        let mut used = Deflate::<F>::new();
        for input in inputs.iter().chain(inputs.iter().rev()) {
            let (mut first, mut second) = (b"kept".to_vec(), Vec::new());
            used.compress(input, &mut first);
            Deflate::<F>::new().compress(input, &mut second);
            assert!(first[4..] == second && first[..4] == *b"kept");
        }
    }
    check::<Greedy>(&inputs);
    check::<Lazy>(&inputs);
}

#[test]
fn members_are_gzip() {
    let inputs = [text(1, 150_000), vec![], noise_bytes(2, 70_000), records(3, 90_000)];
    let mut made = Vec::new();
    // Of either encoder.
    let Encoders { mut greedy, mut lazy } = Encoders::new();
    inputs.iter().for_each(|input| greedy.gzip(input, &mut made));
    inputs.iter().for_each(|input| lazy.gzip(input, &mut made));
    let mut back = Vec::new();
    flate2::read::MultiGzDecoder::new(&made[..]).read_to_end(&mut back).unwrap();
    assert!(back == inputs.concat().repeat(2));

    let mut gzip = Command::new("gzip").arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = gzip.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&made).unwrap());
    let output = gzip.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success() && output.stdout == inputs.concat().repeat(2));
}

/// A piece of input: what is in it, and how it is made from the pieces before.
#[derive(Clone, Debug)]
enum Piece {
    Run(u8, usize),
    Noise(u64, usize, u8),
    Copy(usize, usize),
    Text(u64, usize),
}

fn piece() -> impl Strategy<Value = Piece> {
    let len = || prop_oneof![0..20usize, 0..600usize, 0..40_000usize];
    prop_oneof![
        (any::<u8>(), len()).prop_map(|(byte, len)| Piece::Run(byte, len)),
        (any::<u64>(), len(), any::<u8>()).prop_map(|(seed, len, mask)| Piece::Noise(seed, len, mask)),
        (prop_oneof![1..50usize, 1..33_000usize, 1..200_000usize], len())
            .prop_map(|(back, len)| Piece::Copy(back, len)),
        (any::<u64>(), len()).prop_map(|(seed, len)| Piece::Text(seed, len)),
    ]
}

fn build(pieces: &[Piece]) -> Vec<u8> {
    let mut input: Vec<u8> = Vec::new();
    for piece in pieces {
        match *piece {
            Piece::Run(byte, len) => input.extend(std::iter::repeat_n(byte, len)),
            Piece::Noise(seed, len, mask) => input.extend(noise_bytes(seed, len).iter().map(|byte| byte & mask)),
            Piece::Text(seed, len) => input.extend(text(seed, len)),
            Piece::Copy(back, len) => {
                let from = input.len().saturating_sub(back);
                (from..(from + len).min(from + len * input.len())).for_each(|at| input.push(input[at]));
            }
        }
    }
    input.truncate(CAPACITY);
    input
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn anything_comes_back(pieces in prop::collection::vec(piece(), 0..24)) {
        round_trip(&build(&pieces));
    }
}
