//! Undoing compression, with bounded memory.

use std::io::{self, BufRead, BufReader, Read};

use super::Compression;
use super::gzip::GzipReader;
use crate::error::Error;
use crate::limits::{Limits, exceeded};

/// More is no zstd window (ZSTD_WINDOWLOG_MAX).
const ZSTD_WINDOW_MAX: u32 = 31;

/// What codecs that have no buffer of their own are read in.
const BUFFER_LEN: usize = 256 << 10;

/// A stream of plain bytes.
pub(crate) type Decoder<'a> = Box<dyn BufRead + 'a>;

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
            decoder.window_log_max(limits.zstd_window_log.min(ZSTD_WINDOW_MAX))?;
            buffered(decoder)
        }
        Compression::Bzip2 => buffered(bzip2::bufread::MultiBzDecoder::new(input)),
        Compression::Xz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(limits.xz_memory, liblzma::stream::CONCATENATED)?;
            buffered(liblzma::bufread::XzDecoder::new_stream(input, stream))
        }
    })
}

fn buffered<'a>(decoder: impl Read + 'a) -> Decoder<'a> {
    Box::new(BufReader::with_capacity(BUFFER_LEN, decoder))
}

/// Says what it means when a decoder fails: its input is damaged, cut short, or wants more memory than it may have.
pub(crate) fn undecodable(compression: Compression, cause: io::Error) -> Error {
    let name = compression.name();
    if cause.kind() == io::ErrorKind::UnexpectedEof {
        return Error::damaged(format!("the {name} stream ends early (truncated)"));
    }
    let text = cause.to_string();
    let error = match compression {
        Compression::Zstd if text.contains("too much memory") => {
            exceeded("zstd-window-log", "the zstd stream wants a larger window than it may have")
        }
        Compression::Xz if text.contains("memory") => {
            exceeded("xz-memory", "the xz stream wants more memory than it may have")
        }
        _ => Error::damaged(format!("damaged {name} stream")),
    };
    error.caused_by(cause)
}
