//! Compression: which one a stream has, how it is undone, how it is made. The only part that knows a codec crate.

mod decode;
mod encode;
mod gzip;

pub(crate) use decode::{decoder, undecodable};
pub(crate) use encode::{BLOCK_LEN, BlockEncoder, Encoding};

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
