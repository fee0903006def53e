//! The members of a tar. Reads headers only and checks that every body ends inside the file, so that a cut archive is
//! found out before anything is written.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use tar::{EntryType, GnuExtSparseHeader, Header};

use super::{Member, Members};
use crate::code::Code;
use crate::content::{Content, Extent};
use crate::context::Context;
use crate::error::{Error, Result, Within, quoted};
use crate::faults::Faults;
use crate::limits::exceeded;
use crate::tar_header::{BLOCK, Pax, checksum_fits, number, pax};

/// How a tar ends.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    /// Where the first zero block is, or the end of the file.
    pub(crate) offset: u64,
    /// Everything from there on.
    pub(crate) rest: Content,
}

pub(super) fn scan(file: Arc<File>, source: &Arc<str>, faults: Faults<'_>, cx: &Context<'_>) -> Result<Members> {
    let len = file.metadata().map_err(|e| Error::io("cannot read", e))?.len();
    let (limit, sparse_ratio, source) = (cx.limits.header_bytes, cx.limits.sparse_ratio, Arc::clone(source));
    let pending = Pending::default();
    let mut scan = Scan { file, source, len, position: 0, limit, sparse_ratio, faults, pending, cut: false };
    let mut members = Members::new(cx);
    let mut before = String::new();
    loop {
        cx.cancel.check()?;
        let at = scan.position;
        let place = |error: Error| match before.as_str() {
            "" if at == 0 => error,
            "" => error.within(format!("tar header at byte {at}")),
            name => error.within(format!("tar header at byte {at}, after member {}", quoted(name))),
        };
        let (name, member) = match scan.next() {
            Ok(Some(next)) => next,
            Ok(None) => {
                // What was cut has no end to speak of.
                members.tail = (!scan.cut && !scan.pending.is_some()).then(|| scan.tail(at));
                break;
            }
            Err(error) => {
                // Nobody can say where the next header is.
                faults.forgive(place(error.or_coded(Code::TarHeader).at(Some(at))))?;
                return Ok(members);
            }
        };
        if let Some(member) = member
            && let Err(error) = members.insert(&name, member)
        {
            faults.forgive(error.at(Some(at)))?;
            if members.are_too_many() {
                return Ok(members);
            }
        }
        before = name;
    }
    if scan.pending.is_some() {
        let message = "ends early: truncated after a long name or pax header that belongs to no member";
        faults.forgive(Error::damaged(message).coded(Code::Truncated).at(Some(scan.position)))?;
    }
    Ok(members)
}

/// What headers said about the member that follows them.
#[derive(Default)]
struct Pending {
    name: Option<String>,
    link: Option<String>,
    pax: Option<Pax>,
}

impl Pending {
    fn is_some(&self) -> bool {
        self.name.is_some() || self.link.is_some() || self.pax.is_some()
    }
}

struct Scan<'a> {
    file: Arc<File>,
    source: Arc<str>,
    len: u64,
    position: u64,
    limit: u64,
    sparse_ratio: u64,
    faults: Faults<'a>,
    pending: Pending,
    /// A member's body is cut short.
    cut: bool,
}

impl Scan<'_> {
    /// Returns the next header's name and member (none for headers that describe others); `None` at the end.
    fn next(&mut self) -> Result<Option<(String, Option<Member>)>> {
        let Some(block) = self.block()? else { return Ok(None) };
        if block.iter().all(|&b| b == 0) {
            return Ok(None);
        }
        if !checksum_fits(&block) {
            return Err(if self.position == BLOCK as u64 {
                Error::damaged("not a tar archive: invalid checksum").foreign()
            } else {
                Error::damaged("not a tar header: invalid checksum")
            });
        }
        let header = Header::from_byte_slice(&block);
        let kind = header.entry_type();
        let size = number(&block[124..136], "size");
        let own_name = String::from_utf8_lossy(&header.path_bytes()).into_owned();
        match kind {
            EntryType::GNULongName => self.pending.name = Some(self.long_text(size?, "long name")?),
            EntryType::GNULongLink => self.pending.link = Some(self.long_text(size?, "long link name")?),
            EntryType::XHeader => self.pending.pax = Some(pax(&self.header_body(size?, "pax header")?)?),
            EntryType::XGlobalHeader => drop(pax(&self.header_body(size?, "pax header")?)?),
            _ => return self.member(header, own_name, size).map(Some),
        }
        Ok(Some((own_name, None)))
    }

    fn member(&mut self, header: &Header, own_name: String, size: Result<u64>) -> Result<(String, Option<Member>)> {
        let Pending { name, link, pax } = std::mem::take(&mut self.pending);
        let pax = pax.unwrap_or_default();
        // GNU's headers win, as in Go and in what reads layers here (`layer::header`).
        let name = name.or(pax.path).unwrap_or(own_name);
        let target = || {
            let own = header.link_name_bytes().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            link.or(pax.link).or(own).unwrap_or_default()
        };
        // Links, folders and devices have no body, whatever their size says (POSIX ustar; Go does the same).
        let member = match header.entry_type() {
            EntryType::Symlink => Member::Symlink(target()),
            EntryType::Link => Member::HardLink(target()),
            EntryType::Directory => Member::Directory,
            EntryType::Fifo => Member::Other("a fifo"),
            EntryType::Char | EntryType::Block => Member::Other("a device"),
            kind => {
                let size = pax.size.map_or(size, Ok).within(quoted(&name))?;
                let extents = if kind == EntryType::GNUSparse { Some(self.sparse_map(header)?) } else { None };
                let offset = self.own_body(&name, size)?;
                match (kind, extents) {
                    (_, Some((real_size, map))) => Member::File(self.sparse(&name, offset, size, real_size, &map)?),
                    _ if pax.sparse => Member::Other("a sparse file in GNU's pax format"),
                    // Before ustar, a slash at the end made a directory (Go does the same).
                    (EntryType::Regular, _) if header.as_bytes()[156] == 0 && name.ends_with('/') => Member::Directory,
                    (EntryType::Regular | EntryType::Continuous, _) => {
                        let extent = Extent { at: 0, offset, len: size };
                        Member::File(self.content(&name, size, vec![extent]))
                    }
                    _ => Member::Other("a special tar member"),
                }
            }
        };
        Ok((name, Some(member)))
    }

    /// Reads the next block; `None` at the end of the file.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let n = self.read_at(&mut block, self.position)?;
        if n == 0 || (n < BLOCK && block.iter().all(|&b| b == 0)) {
            return Ok(None);
        }
        if n < BLOCK {
            return Err(Error::damaged("ends early: truncated inside a header").coded(Code::Truncated));
        }
        self.position += BLOCK as u64;
        Ok(Some(block))
    }

    fn read_at(&self, buf: &mut [u8], at: u64) -> Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            match self.file.read_at(&mut buf[filled..], at + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io("cannot read", e)),
            }
        }
        Ok(filled)
    }

    /// Passes over a body, which must end inside the file; returns where it starts.
    fn body(&mut self, size: u64) -> Result<u64> {
        let start = self.position;
        let end = start.checked_add(size).filter(|&end| end <= self.len);
        let Some(end) = end else {
            let left = self.len.saturating_sub(start);
            let error = Error::damaged(format!("ends early: truncated after {left} of {size} bytes"));
            return Err(error.coded(Code::Truncated).claims(size, left));
        };
        self.position = end.next_multiple_of(BLOCK as u64);
        Ok(start)
    }

    /// Passes over a member's body. Where one that is cut short is only noted, it ends the scan, and is a member whose
    /// bytes cannot all be read.
    fn own_body(&mut self, name: &str, size: u64) -> Result<u64> {
        let start = self.position;
        match self.body(size) {
            Err(error) if self.faults.are_noted() => {
                let start_of_header = start.checked_sub(BLOCK as u64);
                self.faults.forgive(error.about(name).at(start_of_header).within(quoted(name)))?;
                (self.position, self.cut) = (self.len, true);
                Ok(start)
            }
            other => other.within(quoted(name)),
        }
    }

    fn tail(&self, offset: u64) -> Tail {
        let len = self.len.saturating_sub(offset);
        Tail { offset, rest: self.content("end of the archive", len, vec![Extent { at: 0, offset, len }]) }
    }

    fn header_body(&mut self, size: u64, what: &str) -> Result<Vec<u8>> {
        if size > self.limit {
            let message = format!("{what} too large: {size} bytes, the limit is {}", self.limit);
            return Err(exceeded("header-bytes", message));
        }
        let start = self.body(size).within(what)?;
        let mut bytes = vec![0; usize::try_from(size).expect("below the limit")];
        self.read_at(&mut bytes, start)?;
        Ok(bytes)
    }

    fn long_text(&mut self, size: u64, what: &str) -> Result<String> {
        let bytes = self.header_body(size, what)?;
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        Ok(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }

    /// Reads the map of an old GNU sparse member: its real size, and (offset, length) of the parts that are stored.
    fn sparse_map(&mut self, header: &Header) -> Result<(u64, Vec<(u64, u64)>)> {
        let gnu = header.as_gnu().ok_or_else(|| Error::damaged("a sparse member without a GNU header"))?;
        let real_size = number(&gnu.realsize, "real size")?;
        let mut map = Vec::new();
        let mut take = |offset: &[u8; 12], length: &[u8; 12]| -> Result<()> {
            if offset[0] != 0 && length[0] != 0 {
                map.push((number(offset, "sparse offset")?, number(length, "sparse length")?));
            }
            Ok(())
        };
        for part in &gnu.sparse {
            take(&part.offset, &part.numbytes)?;
        }
        let mut more = gnu.is_extended();
        let mut blocks = 0;
        while more {
            blocks += BLOCK as u64;
            if blocks > self.limit {
                let message = format!("sparse map too large: the limit is {} bytes", self.limit);
                return Err(exceeded("header-bytes", message));
            }
            let block = self
                .block()?
                .ok_or_else(|| Error::damaged("ends early: truncated inside a sparse map").coded(Code::Truncated))?;
            let mut extension = GnuExtSparseHeader::new();
            extension.as_mut_bytes().copy_from_slice(&block);
            for part in &extension.sparse {
                take(&part.offset, &part.numbytes)?;
            }
            more = extension.is_extended();
        }
        Ok((real_size, map))
    }

    fn sparse(&self, name: &str, offset: u64, stored: u64, size: u64, map: &[(u64, u64)]) -> Result<Content> {
        let invalid = || Error::damaged("invalid map of a sparse member").within(quoted(name));
        let most = self.len.saturating_mul(self.sparse_ratio);
        if size > most {
            let message = format!("too large: a sparse member of {size} bytes, where {most} are allowed");
            return Err(exceeded("sparse-ratio", message).within(quoted(name)));
        }
        let (mut extents, mut taken, mut end) = (Vec::new(), 0, 0);
        for &(at, len) in map {
            let next = at.checked_add(len).filter(|&next| at >= end && next <= size).ok_or_else(invalid)?;
            if len > 0 {
                extents.push(Extent { at, offset: offset + taken, len });
            }
            (end, taken) = (next, taken.checked_add(len).filter(|&taken| taken <= stored).ok_or_else(invalid)?);
        }
        if taken != stored {
            return Err(invalid());
        }
        Ok(self.content(name, size, extents))
    }

    fn content(&self, name: &str, size: u64, extents: Vec<Extent>) -> Content {
        Content::archive(Arc::clone(&self.source), name.to_owned(), size, Arc::clone(&self.file), extents)
    }
}
