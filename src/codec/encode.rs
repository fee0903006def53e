//! Making compressed streams whose bytes depend on the input, the codec and the level, and on nothing else.
//!
//! A stream is cut into blocks of fixed size, each compressed by itself: a gzip member or a zstd frame. Both formats
//! define a sequence of those as one stream, so blocks can be made on any number of threads.

use super::dense::is_dense;
use super::{Compression, CompressionLevel};
use crate::error::{Error, Result};

/// A codec and its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Encoding {
    Gzip { level: i32 },
    Zstd { level: i32 },
}

/// Bytes of input in one block. Part of the output's bytes; what is in flight at a time bounds the memory.
pub(crate) const BLOCK_LEN: usize = 1 << 20;
/// libdeflate's 2 makes smaller files than Go's gzip at its default, which skopeo and docker use, in half the time.
const GZIP_LEVEL: i32 = 2;
/// zstd's own default.
const ZSTD_LEVEL: i32 = 3;

impl Encoding {
    /// Returns the encoding with this level (or its default), which must be in the codec's range.
    pub(crate) fn new(compression: Compression, level: Option<CompressionLevel>) -> Result<Self> {
        use CompressionLevel::{Fast, Number};
        let (range, default, fast) = match compression {
            Compression::Gzip => (0..=12, GZIP_LEVEL, 1),
            Compression::Zstd => (1..=19, ZSTD_LEVEL, 1),
            other => return Err(Error::usage(format!("layers cannot be compressed with {}", other.name()))),
        };
        let level = match level {
            Some(Fast) => fast,
            Some(Number(level)) if range.contains(&level) => level,
            Some(Number(level)) => {
                let (name, low, high) = (compression.name(), range.start(), range.end());
                return Err(Error::usage(format!(
                    "compression level {level}: {name} has levels {low} to {high}, or fast"
                )));
            }
            None => default,
        };
        Ok(if compression == Compression::Gzip { Self::Gzip { level } } else { Self::Zstd { level } })
    }

    pub(crate) fn compression(self) -> Compression {
        match self {
            Self::Gzip { .. } => Compression::Gzip,
            Self::Zstd { .. } => Compression::Zstd,
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
            Encoding::Zstd { level } => {
                let compressor = zstd::bulk::Compressor::new(level);
                let compressor = compressor.map_err(|e| Error::io("cannot set up zstd", e))?;
                (Codec::Zstd(compressor), zstd::zstd_safe::compress_bound(BLOCK_LEN))
            }
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
            Codec::Zstd(compressor) => {
                let len = compressor.compress_to_buffer(block, &mut self.room[..]);
                len.map_err(|e| Error::io("cannot compress", e))?
            }
        };
        made.extend_from_slice(&self.room[..len]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::codec::decoder;
    use crate::digest::Digest;
    use crate::limits::Limits;

    /// Changing these is allowed, but never by accident: a codec's bytes are part of the output.
    #[test]
    fn compressed_bytes_are_pinned() {
        let text: Vec<u8> = (0..300_000u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
        for (encoding, want) in [
            (Encoding::Gzip { level: 2 }, "11c4d81a7782873047098bc9cf0c1f45765e0417363207ad945a472cd8926715"),
            (Encoding::Zstd { level: 3 }, "aa91d3fb730cf9ef0b46d01ce8e1625bc2cef70a41a753cdd610d88f5798f051"),
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
