//! A result that is a tar: members in order, bodies filled in any order, sizes patched in when they come late.

use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};

use tar::EntryType;

use super::tar_header::{BLOCK, header, header_len, patched};
use super::whole::Whole;
use super::{Existing, Mark, Output, Place, Writer};
use crate::context::Context;
use crate::error::{Error, Result};

/// Two zero blocks, without padding to a record: as every Go writer ends a tar.
const END: [u8; 1024] = [0; 1024];

pub(super) struct TarWriter {
    whole: Whole,
    /// Where the next header goes.
    end: u64,
    /// Bytes reserved for the header of the opened file.
    opened: Option<u64>,
    turn: Arc<Mutex<()>>,
}

impl TarWriter {
    pub(super) fn create(output: Output, existing: Existing, cx: &Context<'_>) -> Result<Self> {
        let whole = Whole::create(output, matches!(existing, Existing::Replace), cx)?;
        Ok(Self { whole, end: 0, opened: None, turn: Arc::new(Mutex::new(())) })
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> Result<()> {
        self.whole.file.write_all_at(bytes, at).map_err(|e| self.whole.failed("cannot write", e))
    }

    fn add_header(&mut self, name: &str, kind: EntryType, mode: u32, size: u64, link: &str) -> Result<()> {
        debug_assert!(self.opened.is_none(), "the opened file comes first");
        let header = header(name, kind, mode, size, link);
        self.write_at(&header, self.end)?;
        self.end += header.len() as u64;
        Ok(())
    }

    fn place_at(&self, offset: u64, room: Option<u64>) -> Place {
        Place::in_tar(
            Arc::clone(&self.whole.file),
            offset,
            room,
            Arc::clone(&self.turn),
            self.whole.durability,
            Arc::clone(&self.whole.subject),
        )
    }

    /// Cuts off what a discarded file left and pads the last body.
    fn finish(&mut self) -> Result<()> {
        self.whole.file.set_len(self.end).map_err(|e| self.whole.failed("cannot write", e))?;
        self.write_at(&END, self.end)?;
        self.end += END.len() as u64;
        Ok(())
    }
}

impl Writer for TarWriter {
    fn directory(&mut self, name: &str, mode: u32) -> Result<()> {
        self.add_header(&format!("{name}/"), EntryType::Directory, mode, 0, "")
    }

    fn symlink(&mut self, name: &str, mode: u32, target: &str) -> Result<()> {
        self.add_header(name, EntryType::Symlink, mode, 0, target)
    }

    fn place(&mut self, name: &str, mode: u32, size: u64) -> Result<Place> {
        self.add_header(name, EntryType::Regular, mode, size, "")?;
        let offset = self.end;
        self.end += size.next_multiple_of(BLOCK);
        Ok(self.place_at(offset, Some(size)))
    }

    fn open(&mut self, like: &str) -> Result<Place> {
        let reserved = header_len(like);
        self.opened = Some(reserved);
        Ok(self.place_at(self.end + reserved, None))
    }

    fn close(&mut self, name: &str, mode: u32, size: u64) -> Result<()> {
        let reserved = self.opened.take().expect("a file is open");
        let header = patched(name, mode, size);
        if header.len() as u64 != reserved {
            return Err(Error::unsupported(format!("the name {name} does not fit where it was to go")));
        }
        self.write_at(&header, self.end)?;
        self.end += reserved + size.next_multiple_of(BLOCK);
        Ok(())
    }

    fn discard(&mut self) -> Result<()> {
        self.opened = None;
        self.rewind(self.mark())
    }

    fn mark(&self) -> Mark {
        Mark(self.end)
    }

    fn rewind(&mut self, Mark(end): Mark) -> Result<()> {
        self.end = end;
        // What comes next may be shorter and must not end in old bytes.
        self.whole.file.set_len(end).map_err(|e| self.whole.failed("cannot write", e))
    }

    fn seal(mut self: Box<Self>) -> Result<u64> {
        self.finish()?;
        self.whole.seal()?;
        Ok(self.end)
    }
}
