//! Compression and digests, for building inputs and for checking outputs.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256, Sha512};

/// How the bytes of a layer or of a whole archive are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Plain,
    Gzip,
    /// Several members, one of them empty, with names and times in their headers.
    GzipMembers,
    /// Two members; the second holds a whole number of tar blocks.
    GzipHalves,
    Zstd,
    /// Several frames with skippable frames between, as zstd:chunked writes them.
    ZstdFrames,
    Bzip2,
    Xz,
}

impl Codec {
    /// The name which `--json` reports for what this writes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Codec::Plain => "none",
            Codec::Gzip | Codec::GzipMembers | Codec::GzipHalves => "gzip",
            Codec::Zstd | Codec::ZstdFrames => "zstd",
            Codec::Bzip2 => "bzip2",
            Codec::Xz => "xz",
        }
    }

    pub(crate) fn pack(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Codec::Plain => bytes.to_vec(),
            Codec::Gzip => gzip(bytes, flate2::GzBuilder::new()),
            Codec::GzipMembers => {
                let half = bytes.len() / 2;
                let named = || flate2::GzBuilder::new().filename("layer.tar").comment("c").mtime(1_700_000_000);
                [
                    gzip(&bytes[..half], named().extra(vec![1, 2, 3])),
                    gzip(b"", flate2::GzBuilder::new()),
                    gzip(&bytes[half..], named()),
                ]
                .concat()
            }
            Codec::GzipHalves => {
                let (one, other) = bytes.split_at(bytes.len() / 1024 * 512);
                [one, other].map(|half| gzip(half, flate2::GzBuilder::new())).concat()
            }
            Codec::Zstd => zstd::encode_all(bytes, 3).expect("memory can be written"),
            Codec::ZstdFrames => {
                let half = bytes.len() / 2;
                let skipped = [&[0x5f, 0x2a, 0x4d, 0x18, 4, 0, 0, 0][..], b"skip"].concat();
                [Codec::Zstd.pack(&bytes[..half]), skipped.clone(), Codec::Zstd.pack(&bytes[half..]), skipped].concat()
            }
            Codec::Bzip2 => {
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                encoder.write_all(bytes).expect("memory can be written");
                encoder.finish().expect("memory can be written")
            }
            Codec::Xz => {
                let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
                encoder.write_all(bytes).expect("memory can be written");
                encoder.finish().expect("memory can be written")
            }
        }
    }

    /// Says by the first bytes how a stream is stored; the kinds with several parts read as their plain kind.
    pub(crate) fn sniff(bytes: &[u8]) -> Codec {
        match bytes {
            [0x1f, 0x8b, ..] => Codec::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Codec::Zstd,
            [low, 0x2a, 0x4d, 0x18, ..] if low >> 4 == 5 => Codec::Zstd,
            [b'B', b'Z', b'h', ..] => Codec::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Codec::Xz,
            _ => Codec::Plain,
        }
    }
}

fn gzip(bytes: &[u8], header: flate2::GzBuilder) -> Vec<u8> {
    let mut encoder = header.write(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

/// Opens a stream that may be compressed, whatever its name says.
pub(crate) fn open(bytes: &[u8]) -> Box<dyn Read + '_> {
    match Codec::sniff(bytes) {
        Codec::Gzip => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        Codec::Zstd => Box::new(zstd::Decoder::new(bytes).expect("a zstd decoder needs only memory")),
        Codec::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(bytes)),
        Codec::Xz => Box::new(liblzma::read::XzDecoder::new_multi_decoder(bytes)),
        _ => Box::new(bytes),
    }
}

/// The diff_id of a layer: the digest of its plain stream. The layer is never held inflated.
pub(crate) fn diff_id(bytes: &[u8]) -> io::Result<String> {
    let mut hasher = Hasher::default();
    io::copy(&mut open(bytes), &mut hasher)?;
    Ok(hasher.digest())
}

/// A sink that keeps the digest of what it swallows.
#[derive(Default)]
pub(crate) struct Hasher(Sha256);

impl Hasher {
    pub(crate) fn digest(self) -> String {
        format!("sha256:{}", hex(&self.0.finalize()))
    }
}

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

pub(crate) fn sha512(bytes: &[u8]) -> String {
    format!("sha512:{}", hex(&Sha512::digest(bytes)))
}

/// The digest of `bytes` in the algorithm that `like` is written in.
pub(crate) fn digest_like(like: &str, bytes: &[u8]) -> String {
    if like.starts_with("sha512:") { sha512(bytes) } else { sha256(bytes) }
}

/// The part of a digest after its algorithm.
pub(crate) fn hex_of(digest: &str) -> &str {
    digest.split_once(':').expect("a digest has an algorithm").1
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(crate) fn base64_encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for index in 0..4 {
            let digit = char::from(DIGITS[(bits >> (18 - 6 * index)) as usize & 63]);
            text.push(if index <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

pub(crate) fn base64_decode(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .bytes()
        .filter_map(|byte| DIGITS.iter().position(|&digit| digit == byte))
        .map(|value| value as u32)
        .collect();
    digits
        .chunks(4)
        .flat_map(|chunk| {
            let bits = chunk.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - chunk.len()));
            (0..chunk.len() - 1).map(move |index| (bits >> (16 - 8 * index)) as u8)
        })
        .collect()
}
