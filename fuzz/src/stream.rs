//! gzip streams as recipes: pieces one after another, and what happens to them. A few bytes make a stream that is long
//! enough to be cut into many runs of members.
//!
//! A recipe is a list of steps, each of them a byte that chooses one and a byte or more for how. Whatever the bytes are,
//! they are a recipe.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use transload::fuzzing::deflate;
use transload::{Compression, CompressionLevel};

/// What own members begin with: deflated, no flags, no time.
const BEGIN: [u8; 8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0];
/// As much as a run of members may hold.
const BLOCK: usize = 1 << 20;
/// More layers and bytes make a fuzzer slow and find nothing: what is cut is one block at a time.
const LAYERS: usize = 4;
const STORED: usize = 3 << 20;
const PLAIN: usize = 5 << 20;
const STEPS: usize = 200;

/// Sizes around those that the cutter compares with.
const SIZES: [usize; 16] = [
    0,
    1,
    4,
    500,
    512,
    65_535,
    65_536,
    100_000,
    BLOCK / 4,
    BLOCK / 2 - 1,
    BLOCK / 2,
    BLOCK / 2 + 1,
    BLOCK - 1,
    BLOCK,
    BLOCK + 1,
    3 * BLOCK / 2,
];

/// A piece of a stream, and how much it is when it is inflated.
#[derive(Clone, Default)]
struct Piece {
    stored: Arc<Vec<u8>>,
    plain: usize,
}

/// What a recipe makes.
#[derive(Default)]
struct Kitchen<'r> {
    recipe: &'r [u8],
    layers: Vec<Vec<Piece>>,
    stored: usize,
    plain: usize,
}

/// Makes the streams of one layer or more.
pub fn cook(recipe: &[u8]) -> Vec<Vec<u8>> {
    let mut kitchen = Kitchen { recipe, layers: vec![Vec::new()], ..Kitchen::default() };
    for _ in 0..STEPS {
        let [step, how, rest @ ..] = kitchen.recipe else { break };
        kitchen.recipe = rest;
        kitchen.step(*step, *how);
    }
    let join = |pieces: &Vec<Piece>| pieces.iter().map(|piece| piece.stored.as_slice()).collect::<Vec<_>>().concat();
    kitchen.layers.iter().map(join).collect()
}

impl Kitchen<'_> {
    fn step(&mut self, step: u8, how: u8) {
        match step % 16 {
            // As layers are compressed here; contents from the recipe, or larger ones.
            0 => {
                let text = self.text(how).to_vec();
                let level = [None, Some(CompressionLevel::Fast), Some(CompressionLevel::Number(0))];
                let level = level[usize::from(step / 16) % 3];
                self.put(own(&text, level), text.len());
            }
            1 | 2 => {
                let (content, size) = (how / 16, SIZES[usize::from(how % 16)]);
                self.add(prepared(Maker::Own(content % 3), content / 3, size));
            }
            // As others compress: with names, or beginning as it does here, which may be larger than a block.
            3 => self.add(prepared(Maker::Named, how / 16, SIZES[usize::from(how % 16)])),
            4 => self.add(prepared(Maker::Go, how / 16, SIZES[usize::from(how % 16)] * (1 + usize::from(how / 128)))),
            // A member that only holds bytes, and these look like the end of one and the begin of another.
            5 | 6 => self.decoy(how),
            7 => self.put(vec![0; 1 << (how % 20)], 0),
            8 => {
                let text = self.text(how).to_vec();
                self.put(text, 0);
            }
            // What begins like a member and is none.
            9 => {
                let text = self.text(how / 2).to_vec();
                self.put([&BEGIN[..], &[4, if how % 2 == 0 { 255 } else { 3 }], &text].concat(), 0);
            }
            10 => {
                let at = self.number();
                self.change(at, |byte| byte ^ how.max(1));
            }
            // From the end, where CRC and size are.
            11 => {
                let value = self.text(1).first().copied();
                let len = self.last().map_or(0, |piece| piece.stored.len());
                self.change(len.saturating_sub(1 + usize::from(how % 16)), |byte| value.unwrap_or(!byte));
            }
            12 => {
                let cut = usize::from(how) << (step / 16);
                if let Some(piece) = self.last() {
                    let len = piece.stored.len().saturating_sub(cut);
                    Arc::make_mut(&mut piece.stored).truncate(len);
                }
            }
            13 | 14 => self.repeat(1 + usize::from(step / 16), how),
            _ => {
                if self.layers.len() < LAYERS {
                    self.layers.push(Vec::new());
                }
            }
        }
    }

    fn decoy(&mut self, how: u8) {
        const CLAIMS: [u32; 8] = [0, 1, BLOCK as u32 - 1, BLOCK as u32, BLOCK as u32 + 1, u32::MAX, 65_536, 4000];
        let (before, after) = (self.text(1).first().copied().unwrap_or(0), self.text(how >> 5).to_vec());
        let claim = CLAIMS[usize::from(how % 8)];
        let size = SIZES[usize::from(before % 16)].min(BLOCK / 2);
        if self.plain + size > PLAIN {
            return;
        }
        let mut bytes = contents(before / 16, size);
        bytes.extend_from_slice(&claim.to_le_bytes());
        match how >> 3 & 3 {
            0 => bytes.extend_from_slice(&[&BEGIN[..], &[4, 255]].concat()),
            1 => bytes.extend_from_slice(&[&BEGIN[..], &[4, 3]].concat()),
            2 => bytes.extend_from_slice(&own(&after, None)),
            // So short that the system is only known with what comes next.
            _ => bytes.extend_from_slice(&BEGIN),
        }
        bytes.extend_from_slice(&after);
        self.put(own(&bytes, Some(CompressionLevel::Number(0))), bytes.len());
    }

    /// The last pieces again, so many times.
    fn repeat(&mut self, pieces: usize, times: u8) {
        let layer = self.layers.last().expect("there is one");
        let again = layer[layer.len().saturating_sub(pieces)..].to_vec();
        for _ in 0..times {
            again.iter().for_each(|piece| self.add(piece.clone()));
        }
    }

    fn put(&mut self, stored: Vec<u8>, plain: usize) {
        self.add(Piece { stored: Arc::new(stored), plain });
    }

    /// Adds a piece if there is room for it.
    fn add(&mut self, piece: Piece) {
        let (stored, plain) = (self.stored + piece.stored.len(), self.plain + piece.plain);
        if stored <= STORED && plain <= PLAIN {
            (self.stored, self.plain) = (stored, plain);
            self.layers.last_mut().expect("there is one").push(piece);
        }
    }

    fn last(&mut self) -> Option<&mut Piece> {
        self.layers.last_mut()?.last_mut()
    }

    /// Changes a byte of the last piece.
    fn change(&mut self, at: usize, to: impl Fn(u8) -> u8) {
        if let Some(piece) = self.last()
            && let Some(at) = at.checked_rem(piece.stored.len())
        {
            let byte = &mut Arc::make_mut(&mut piece.stored)[at];
            *byte = to(*byte);
        }
    }

    /// Takes so many bytes of the recipe, or what is left.
    fn text(&mut self, len: u8) -> &[u8] {
        let (text, rest) = self.recipe.split_at(self.recipe.len().min(len.into()));
        self.recipe = rest;
        text
    }

    fn number(&mut self) -> usize {
        self.text(3).iter().fold(0, |number, &byte| number << 8 | usize::from(byte))
    }
}

/// Who compressed a piece.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Maker {
    /// This program, at one of three levels.
    Own(u8),
    /// Others, who write a name and a time.
    Named,
    /// Others, whose members begin as this program's.
    Go,
}

/// Compresses long contents, each once in the life of a fuzzer.
fn prepared(maker: Maker, content: u8, size: usize) -> Piece {
    static MADE: LazyLock<Mutex<HashMap<(Maker, u8, usize), Piece>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || {
        let plain = contents(content, size);
        let stored = match maker {
            Maker::Own(0) => own(&plain, None),
            Maker::Own(1) => own(&plain, Some(CompressionLevel::Fast)),
            Maker::Own(_) => own(&plain, Some(CompressionLevel::Number(4))),
            Maker::Named => foreign(&plain, flate2::GzBuilder::new().filename("layer.tar").mtime(1_700_000_000)),
            Maker::Go => foreign(&plain, flate2::GzBuilder::new().operating_system(255)),
        };
        Piece { stored: Arc::new(stored), plain: plain.len() }
    };
    made.entry((maker, content % 4, size)).or_insert_with(make).clone()
}

/// Compresses as layers are compressed here.
fn own(plain: &[u8], level: Option<CompressionLevel>) -> Vec<u8> {
    if plain.is_empty() {
        // Of nothing, no block is made; this is what an empty layer is.
        return foreign(plain, flate2::GzBuilder::new().operating_system(255));
    }
    deflate(plain, Compression::Gzip, level).expect("memory can be compressed")
}

fn foreign(plain: &[u8], header: flate2::GzBuilder) -> Vec<u8> {
    let mut stored = Vec::new();
    let mut encoder = header.read(plain, flate2::Compression::fast());
    encoder.read_to_end(&mut stored).expect("memory can be read");
    stored
}

/// Contents that shrink well, that shrink a little, that hardly shrink and that do not.
fn contents(kind: u8, size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ size as u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    let byte = |i: usize| match kind % 4 {
        0 => 0,
        1 => (i / 7 % 251) as u8,
        2 => noise() & 0x3f,
        _ => noise(),
    };
    (0..size).map(byte).collect()
}
