//! Making compressed streams whose bytes depend on the input, the codec and the level, and on nothing else.
//!
//! A stream is cut into blocks of fixed size, each compressed by itself: a gzip member or a zstd frame. Both formats
//! define a sequence of those as one stream, so blocks can be made on any number of threads.

use super::Compression;
use crate::error::{Error, Result};

/// A codec and its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Encoding {
    Gzip { level: i32 },
    Zstd { level: i32 },
}

/// libdeflate's 2 makes smaller files than Go's gzip at its default, which skopeo and docker use, in half the time.
const GZIP_LEVEL: i32 = 2;
/// zstd's own default.
const ZSTD_LEVEL: i32 = 3;

impl Encoding {
    /// Returns the encoding with this level (or its default), which must be in the codec's range.
    pub(crate) fn new(compression: Compression, level: Option<i32>) -> Result<Self> {
        let (range, encoding) = match compression {
            Compression::Gzip => (0..=12, Self::Gzip { level: level.unwrap_or(GZIP_LEVEL) }),
            Compression::Zstd => (1..=19, Self::Zstd { level: level.unwrap_or(ZSTD_LEVEL) }),
            other => return Err(Error::usage(format!("layers cannot be compressed with {}", other.name()))),
        };
        match level {
            Some(level) if !range.contains(&level) => {
                let (name, low, high) = (compression.name(), range.start(), range.end());
                Err(Error::usage(format!("compression level {level}: {name} has levels {low} to {high}")))
            }
            _ => Ok(encoding),
        }
    }

    pub(crate) fn compression(self) -> Compression {
        match self {
            Self::Gzip { .. } => Compression::Gzip,
            Self::Zstd { .. } => Compression::Zstd,
        }
    }

    /// Bytes of input in one block. Part of the output's bytes.
    pub(crate) fn block_len(self) -> usize {
        match self {
            Self::Gzip { .. } => 1 << 20,
            Self::Zstd { .. } => 4 << 20,
        }
    }
}

/// Compresses blocks; one for each thread.
pub(crate) enum BlockEncoder {
    Gzip(libdeflater::Compressor),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl BlockEncoder {
    pub(crate) fn new(encoding: Encoding) -> Result<Self> {
        Ok(match encoding {
            Encoding::Gzip { level } => {
                let level = libdeflater::CompressionLvl::new(level).expect("the level was checked");
                Self::Gzip(libdeflater::Compressor::new(level))
            }
            Encoding::Zstd { level } => {
                let compressor = zstd::bulk::Compressor::new(level);
                Self::Zstd(compressor.map_err(|e| Error::io("cannot set up zstd", e))?)
            }
        })
    }

    /// Compresses one block into a stream of its own.
    pub(crate) fn encode(&mut self, block: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Gzip(compressor) => {
                let mut out = vec![0; compressor.gzip_compress_bound(block.len())];
                let n = compressor.gzip_compress(block, &mut out).expect("the buffer has libdeflate's bound");
                out.truncate(n);
                Ok(out)
            }
            Self::Zstd(compressor) => compressor.compress(block).map_err(|e| Error::io("cannot compress", e)),
        }
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
            (Encoding::Zstd { level: 3 }, "d8cb5984b4d9add951a6b41eab6126aab4611b56fd0d4a0c2acbe05fff8121b9"),
        ] {
            let mut encoder = BlockEncoder::new(encoding).unwrap();
            let blocks: Vec<u8> =
                text.chunks(encoding.block_len()).flat_map(|block| encoder.encode(block).unwrap()).collect();
            let mut back = Vec::new();
            let limits = Limits::default();
            decoder(encoding.compression(), &blocks[..], &limits).unwrap().read_to_end(&mut back).unwrap();
            assert_eq!(back, text);
            assert_eq!(Digest::of(&blocks).hex(), want, "{encoding:?}");
        }
    }
}
