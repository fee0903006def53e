//! Making compressed streams whose bytes depend on the input, the codec and the level, and on nothing else.
//!
//! A stream is cut into blocks of fixed size, each compressed by itself: a gzip member or a zstd frame. Both formats
//! define a sequence of those as one stream, so blocks can be made on any number of threads.

use super::deflate::{Deflate, Greedy, Lazy};
use super::dense::is_dense;
use super::member::gzip_stored;
use super::{Compression, CompressionLevel};
use zstd::zstd_safe::CParameter;

use crate::error::{Error, Result};

/// A codec and its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Encoding {
    /// libdeflate.
    Gzip {
        level: i32,
    },
    /// The encoder of this crate: as small as what skopeo and docker make, which is Go's gzip at its default.
    GzipDefault,
    GzipFast,
    Zstd {
        level: i32,
    },
    /// Level 3, zstd's own default, with tables of 384 KiB instead of 768: for blocks of 1 MiB that takes a sixth less time,
    /// as they fit into a core's cache, and makes files 0.6 % larger.
    ZstdDefault,
    /// Level 1, but looking for matches of 6 bytes instead of 7: one thirtieth smaller, and hardly slower.
    ZstdFast,
}

/// Bytes of input in one block. Part of the output's bytes; what is in flight at a time bounds the memory.
pub(crate) const BLOCK_LEN: usize = 1 << 20;
/// Goes up whenever a codec makes other bytes: what was made before is not made again.
pub(crate) const ENCODER_VERSION: u32 = 3;

impl Encoding {
    /// Returns the encoding with this level (or its default), which must be in the codec's range.
    pub(crate) fn new(compression: Compression, level: Option<CompressionLevel>) -> Result<Self> {
        use CompressionLevel::{Fast, Number};
        let (range, default, fast) = match compression {
            Compression::Gzip => (0..=12, Self::GzipDefault, Self::GzipFast),
            Compression::Zstd => (1..=19, Self::ZstdDefault, Self::ZstdFast),
            other => return Err(Error::usage(format!("layers cannot be compressed with {}", other.name()))),
        };
        match level {
            None => Ok(default),
            Some(Fast) => Ok(fast),
            Some(Number(level)) if !range.contains(&level) => {
                let (name, low, high) = (compression.name(), range.start(), range.end());
                Err(Error::usage(format!("compression level {level}: {name} has levels {low} to {high}, or fast")))
            }
            Some(Number(level)) if compression == Compression::Gzip => Ok(Self::Gzip { level }),
            Some(Number(level)) => Ok(Self::Zstd { level }),
        }
    }

    pub(crate) fn compression(self) -> Compression {
        match self {
            Self::Gzip { .. } | Self::GzipDefault | Self::GzipFast => Compression::Gzip,
            Self::Zstd { .. } | Self::ZstdDefault | Self::ZstdFast => Compression::Zstd,
        }
    }
}

/// Compresses blocks; one for each thread.
pub(crate) struct BlockEncoder(Codec);

enum Codec {
    /// With room for the largest block there can be.
    Gzip(libdeflater::Compressor, Vec<u8>),
    GzipDefault(Box<Deflate<Lazy>>),
    GzipFast(Box<Deflate<Greedy>>),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl BlockEncoder {
    pub(crate) fn new(encoding: Encoding) -> Result<Self> {
        Ok(Self(match encoding {
            Encoding::Gzip { level } => {
                let mut compressor = libdeflate(level);
                let bound = compressor.gzip_compress_bound(BLOCK_LEN);
                Codec::Gzip(compressor, vec![0; bound])
            }
            Encoding::GzipDefault => Codec::GzipDefault(Box::new(Deflate::new())),
            Encoding::GzipFast => Codec::GzipFast(Box::new(Deflate::new())),
            Encoding::Zstd { level } => Codec::Zstd(zstd_compressor(level, &[])?),
            Encoding::ZstdDefault => {
                Codec::Zstd(zstd_compressor(3, &[CParameter::HashLog(16), CParameter::ChainLog(15)])?)
            }
            Encoding::ZstdFast => Codec::Zstd(zstd_compressor(1, &[CParameter::MinMatch(6)])?),
        }))
    }

    /// Compresses one block, of at most [`BLOCK_LEN`] bytes, into a stream of its own, which takes the place of what is in
    /// `made`.
    pub(crate) fn encode(&mut self, block: &[u8], made: &mut Vec<u8>) -> Result<()> {
        made.clear();
        match &mut self.0 {
            Codec::Gzip(..) | Codec::GzipDefault(_) if is_dense(block) => gzip_stored(block, made),
            Codec::Gzip(compressor, room) => {
                let len = compressor.gzip_compress(block, room).expect("there is room for libdeflate's bound");
                made.extend_from_slice(&room[..len]);
            }
            Codec::GzipDefault(compressor) => compressor.gzip(block, made),
            Codec::GzipFast(compressor) => compressor.gzip(block, made),
            Codec::Zstd(compressor) => {
                made.reserve_exact(zstd::zstd_safe::compress_bound(block.len()));
                compressor.compress_to_buffer(block, made).map_err(|e| Error::io("cannot compress", e))?;
            }
        }
        Ok(())
    }
}

fn libdeflate(level: i32) -> libdeflater::Compressor {
    libdeflater::Compressor::new(libdeflater::CompressionLvl::new(level).expect("the level was checked"))
}

fn zstd_compressor(level: i32, parameters: &[CParameter]) -> Result<zstd::bulk::Compressor<'static>> {
    let set_up = || {
        let mut compressor = zstd::bulk::Compressor::new(level)?;
        parameters.iter().try_for_each(|parameter| compressor.set_parameter(*parameter))?;
        Ok(compressor)
    };
    set_up().map_err(|e| Error::io("cannot set up zstd", e))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::codec::decoder;
    use crate::digest::Digest;
    use crate::limits::Limits;

    /// Changing these is allowed, but never by accident: a codec's bytes are part of the output. `ENCODER_VERSION` goes up
    /// with them.
    #[test]
    fn compressed_bytes_are_pinned() {
        let mut text: Vec<u8> = (0..300_000u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
        // A block that is stored, with a pattern that only looks like none.
        text.truncate(BLOCK_LEN);
        text.extend((0..600_000u32).map(|i| (i.wrapping_mul(i).wrapping_mul(0x9e37_79b1) >> 19) as u8));
        for (encoding, want) in [
            (Encoding::Gzip { level: 2 }, "dcad67706263f032ebf2f07f5a0bc879537fbafb48c9e693be3506984ecfb40f"),
            (Encoding::GzipDefault, "a4d55b7a4ad57f211712b09dff2fafc6bad117c322e25567dd54e8c4700cf95e"),
            (Encoding::GzipFast, "dd3bb2392b6c863bfe6444638b036d7fb52ff887fd5532107df76856ce4c9476"),
            (Encoding::ZstdFast, "1c5b48ecdf9f2c2c2cbe5c7c7f29f0c0f6a13824ea96620c757f87a8492561fc"),
            (Encoding::ZstdDefault, "3be70e88c670c667bc81874ecebbdc4e91901297b79a7aa5c58285a7ba1039a2"),
            (Encoding::Zstd { level: 3 }, "fab20b03463cc4a06081ba2e7dcc4a2e338b99582308d46c016170f5565e65b6"),
        ] {
            let mut encoder = BlockEncoder::new(encoding).unwrap();
            let (mut blocks, mut made) = (Vec::new(), Vec::new());
            for block in text.chunks(BLOCK_LEN) {
                encoder.encode(block, &mut made).unwrap();
                blocks.extend_from_slice(&made);
            }
            let mut back = Vec::new();
            let limits = Limits::default();
            decoder(encoding.compression(), &blocks[..], &limits).unwrap().read_to_end(&mut back).unwrap();
            assert_eq!(back, text);
            assert_eq!(Digest::of(&blocks).hex(), want, "{encoding:?}");
        }
    }
}
