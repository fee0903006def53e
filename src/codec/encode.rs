//! Making compressed streams whose bytes depend on the input, the codec and the level, and on nothing else.
//!
//! A stream is cut into blocks of fixed size, each compressed by itself: a gzip member or a zstd frame. Both formats
//! define a sequence of those as one stream, so blocks can be made on any number of threads.

use super::deflate::FastDeflate;
use super::dense::is_dense;
use super::{Compression, CompressionLevel};
use zstd::zstd_safe::CParameter;

use crate::error::{Error, Result};

/// A codec and its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Encoding {
    Gzip {
        level: i32,
    },
    GzipFast,
    Zstd {
        level: i32,
    },
    /// Level 1, but looking for matches of 6 bytes instead of 7: one thirtieth smaller, and hardly slower.
    ZstdFast,
}

/// Bytes of input in one block. Part of the output's bytes; what is in flight at a time bounds the memory.
pub(crate) const BLOCK_LEN: usize = 1 << 20;
/// Goes up whenever a codec makes other bytes: what was made before is not made again.
pub(crate) const ENCODER_VERSION: u32 = 1;
/// libdeflate's 2 makes smaller files than Go's gzip at its default, which skopeo and docker use, in half the time.
const GZIP_LEVEL: i32 = 2;
/// zstd's own default.
const ZSTD_LEVEL: i32 = 3;

impl Encoding {
    /// Returns the encoding with this level (or its default), which must be in the codec's range.
    pub(crate) fn new(compression: Compression, level: Option<CompressionLevel>) -> Result<Self> {
        use CompressionLevel::{Fast, Number};
        let (range, default) = match compression {
            Compression::Gzip => (0..=12, GZIP_LEVEL),
            Compression::Zstd => (1..=19, ZSTD_LEVEL),
            other => return Err(Error::usage(format!("layers cannot be compressed with {}", other.name()))),
        };
        let is_gzip = compression == Compression::Gzip;
        let level = match level {
            Some(Fast) => return Ok(if is_gzip { Self::GzipFast } else { Self::ZstdFast }),
            Some(Number(level)) if range.contains(&level) => level,
            Some(Number(level)) => {
                let (name, low, high) = (compression.name(), range.start(), range.end());
                return Err(Error::usage(format!(
                    "compression level {level}: {name} has levels {low} to {high}, or fast"
                )));
            }
            None => default,
        };
        Ok(if is_gzip { Self::Gzip { level } } else { Self::Zstd { level } })
    }

    pub(crate) fn compression(self) -> Compression {
        match self {
            Self::Gzip { .. } | Self::GzipFast => Compression::Gzip,
            Self::Zstd { .. } | Self::ZstdFast => Compression::Zstd,
        }
    }
}

/// Compresses blocks; one for each thread.
pub(crate) struct BlockEncoder {
    codec: Codec,
    /// Room for the largest block there can be; what is handed out is as large as it has to be.
    room: Vec<u8>,
}

enum Codec {
    Gzip { compressor: libdeflater::Compressor, storer: libdeflater::Compressor },
    GzipFast(Box<FastDeflate>),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl BlockEncoder {
    pub(crate) fn new(encoding: Encoding) -> Result<Self> {
        let (codec, bound) = match encoding {
            Encoding::Gzip { level } => {
                let of = |level| {
                    let level = libdeflater::CompressionLvl::new(level).expect("the level was checked");
                    libdeflater::Compressor::new(level)
                };
                let (mut compressor, storer) = (of(level), of(0));
                let bound = compressor.gzip_compress_bound(BLOCK_LEN);
                (Codec::Gzip { compressor, storer }, bound)
            }
            Encoding::GzipFast => (Codec::GzipFast(Box::new(FastDeflate::new())), 0),
            Encoding::Zstd { level } => (Codec::Zstd(zstd_compressor(level, &[])?), zstd_bound()),
            Encoding::ZstdFast => (Codec::Zstd(zstd_compressor(1, &[CParameter::MinMatch(6)])?), zstd_bound()),
        };
        Ok(Self { codec, room: vec![0; bound] })
    }

    /// Compresses one block, of at most [`BLOCK_LEN`] bytes, into a stream of its own at the end of `made`.
    pub(crate) fn encode(&mut self, block: &[u8], made: &mut Vec<u8>) -> Result<()> {
        let len = match &mut self.codec {
            Codec::Gzip { compressor, storer } => {
                let compressor = if is_dense(block) { storer } else { compressor };
                compressor.gzip_compress(block, &mut self.room).expect("there is room for libdeflate's bound")
            }
            Codec::GzipFast(compressor) => {
                compressor.gzip(block, made);
                0
            }
            Codec::Zstd(compressor) => {
                let len = compressor.compress_to_buffer(block, &mut self.room[..]);
                len.map_err(|e| Error::io("cannot compress", e))?
            }
        };
        made.extend_from_slice(&self.room[..len]);
        Ok(())
    }
}

fn zstd_compressor(level: i32, parameters: &[CParameter]) -> Result<zstd::bulk::Compressor<'static>> {
    let set_up = || {
        let mut compressor = zstd::bulk::Compressor::new(level)?;
        parameters.iter().try_for_each(|parameter| compressor.set_parameter(*parameter))?;
        Ok(compressor)
    };
    set_up().map_err(|e| Error::io("cannot set up zstd", e))
}

fn zstd_bound() -> usize {
    zstd::zstd_safe::compress_bound(BLOCK_LEN)
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
            (Encoding::GzipFast, "fb503748430beed1678b94dc22ce9c61e658b8b8a3b5b9c207c1316e6a012a82"),
            (Encoding::ZstdFast, "1c5b48ecdf9f2c2c2cbe5c7c7f29f0c0f6a13824ea96620c757f87a8492561fc"),
            (Encoding::Zstd { level: 3 }, "fab20b03463cc4a06081ba2e7dcc4a2e338b99582308d46c016170f5565e65b6"),
        ] {
            let mut encoder = BlockEncoder::new(encoding).unwrap();
            let mut blocks = Vec::new();
            text.chunks(BLOCK_LEN).for_each(|block| encoder.encode(block, &mut blocks).unwrap());
            let mut back = Vec::new();
            let limits = Limits::default();
            decoder(encoding.compression(), &blocks[..], &limits).unwrap().read_to_end(&mut back).unwrap();
            assert_eq!(back, text);
            assert_eq!(Digest::of(&blocks).hex(), want, "{encoding:?}");
        }
    }
}
