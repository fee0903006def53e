//! Compression: which one a stream has, how it is undone, how it is made. The only part that knows a codec crate.

mod cut;
mod decode;
mod deflate;
mod dense;
mod encode;
mod gzip;
mod inflate;
mod member;

#[cfg(fuzzing)]
pub(crate) use cut::inflate_runs;
pub(crate) use cut::{BlockDecoder, Cut, Cutter};
pub(crate) use decode::{decoder, undecodable};
pub(crate) use encode::{BLOCK_LEN, BlockEncoder, ENCODER_VERSION, Encoding};
#[cfg(fuzzing)]
pub(crate) use inflate::Inflate;

use crate::error::{Error, Result, quoted};
use crate::suggest::did_you_mean;

/// How a stream is compressed, by its first bytes. Media types and file names are not asked: real producers label
/// plain tars as gzip (podman 4 `save --uncompressed`) and the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not compressed.
    None,
    /// gzip, one member or many (RFC 1952).
    Gzip,
    /// Zstandard, one frame or many, skippable ones included (RFC 8878).
    Zstd,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
}

/// As many bytes as [`Compression::sniff`] wants to see.
pub(crate) const SNIFF_LEN: usize = 6;

impl Compression {
    pub(crate) fn sniff(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            _ => Self::None,
        }
    }

    /// DEFLATE makes no more than this out of one byte.
    pub(crate) const DEFLATE_MOST: u64 = 1032;

    /// Returns what a layer of this stored size and these last bytes likely inflates to, where they tell. A gzip member
    /// ends in its size modulo 2³² (RFC 1952, 2.3.1); a stream can have several members, so the size is taken only when a
    /// tar of one member can have it.
    pub(crate) fn plain_size_hint(self, stored: u64, tail: &[u8]) -> Option<u64> {
        const TAR_BLOCK: u64 = 512;
        match self {
            Self::None => Some(stored),
            Self::Gzip => {
                let size = u64::from(u32::from_le_bytes(*tail.last_chunk()?));
                // What does not compress is stored in blocks of 65535 bytes, which take 5 more.
                let overhead = stored / 8192 + 256;
                let fits = size > 0 && size.is_multiple_of(TAR_BLOCK);
                (fits && size + overhead >= stored && size <= stored.saturating_mul(Self::DEFLATE_MOST)).then_some(size)
            }
            Self::Zstd | Self::Bzip2 | Self::Xz => None,
        }
    }

    /// Returns the word for it: `none`, `gzip`, `zstd`, `bzip2`, `xz`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }
}

impl serde::Serialize for Compression {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What a conversion does with the compression of layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompressionChoice {
    /// Layers stay as they are.
    Keep,
    /// Layers are stored uncompressed.
    None,
    /// Layers that are not gzip become gzip.
    Gzip,
    /// Layers that are not zstd become zstd.
    Zstd,
}

impl CompressionChoice {
    /// The words for it, as `FromStr` takes them.
    pub const NAMES: [&'static str; 4] = ["keep", "none", "gzip", "zstd"];
}

/// How much work compression is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompressionLevel {
    /// As little as is useful.
    Fast,
    /// A level of the codec: 0 to 12 for gzip (libdeflate's), 1 to 19 for zstd.
    Number(i32),
}

impl std::str::FromStr for CompressionLevel {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "fast" => Ok(Self::Fast),
            _ => text.parse().map(Self::Number).map_err(|_| {
                let error = Error::usage(format!("compression level {}: neither fast nor a number", quoted(text)));
                error.maybe_hint(did_you_mean(text, ["fast"]))
            }),
        }
    }
}

impl std::str::FromStr for CompressionChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "keep" => Ok(Self::Keep),
            "none" => Ok(Self::None),
            "gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => {
                let error =
                    Error::usage(format!("compression {}: not one of {}", quoted(text), Self::NAMES.join(", ")));
                Err(error.maybe_hint(did_you_mean(text, Self::NAMES)))
            }
        }
    }
}
