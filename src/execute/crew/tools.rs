//! Encoders and decoders, to be used again: their tables are large.

use std::sync::{Mutex, PoisonError};

use super::lane::{Piece, Work};
use crate::codec::{BlockDecoder, BlockEncoder, Encoding};
use crate::error::Result;
use crate::execute::block::Block;

/// Those that nobody uses.
#[derive(Default)]
pub(super) struct Tools {
    encoders: Mutex<Vec<(Encoding, BlockEncoder)>>,
    decoders: Mutex<Vec<BlockDecoder>>,
}

impl Tools {
    /// Does the work, and returns what the block has become.
    pub(super) fn work(&self, work: Work, mut block: Block) -> Result<Piece> {
        match work {
            Work::Compress(encoding) => self.compress(encoding, &mut block)?,
            Work::Inflate if !self.inflate(&mut block) => return Ok(Piece::Wrong(block.at)),
            Work::Inflate => {}
        }
        Ok(Piece::Ready(block))
    }

    fn compress(&self, encoding: Encoding, block: &mut Block) -> Result<()> {
        let mut encoder = match take(&self.encoders).filter(|(of, _)| *of == encoding) {
            Some((_, encoder)) => encoder,
            None => BlockEncoder::new(encoding)?,
        };
        encoder.encode(&block.plain, &mut block.made)?;
        put_back(&self.encoders, (encoding, encoder));
        Ok(())
    }

    /// Tells whether the stored bytes are whole members.
    fn inflate(&self, block: &mut Block) -> bool {
        let mut decoder = take(&self.decoders).unwrap_or_else(BlockDecoder::new);
        let are_members = decoder.decode(&block.stored, &mut block.plain);
        put_back(&self.decoders, decoder);
        are_members
    }
}

fn take<T>(free: &Mutex<Vec<T>>) -> Option<T> {
    free.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

fn put_back<T>(free: &Mutex<Vec<T>>, tool: T) {
    free.lock().unwrap_or_else(PoisonError::into_inner).push(tool);
}
