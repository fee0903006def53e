//! Undoing compression, with bounded memory.

use std::io::{self, BufRead, Read};

use super::Compression;
use super::gzip::GzipReader;
use crate::limits::Limits;

/// A stream of plain bytes.
pub(crate) type Decoder<'a> = Box<dyn Read + 'a>;

/// Returns a reader of the plain bytes. It reads the input to its end, and anything in it that is not part of the
/// compressed stream is an error.
pub(crate) fn decoder<'a>(
    compression: Compression,
    input: impl BufRead + 'a,
    limits: &Limits,
) -> io::Result<Decoder<'a>> {
    Ok(match compression {
        Compression::None => Box::new(input),
        Compression::Gzip => Box::new(GzipReader::new(input)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
            decoder.window_log_max(limits.zstd_window_log)?;
            Box::new(decoder)
        }
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
        Compression::Xz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(limits.xz_memory, liblzma::stream::CONCATENATED)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
        }
    })
}
