//! What a header block, and the headers before it, say of an entry.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use tar::{EntryType, Header};

use super::entry::{Entry, FileKind, Time, Xattrs, shown};
use super::problem::Fault;
use super::sparse::{self, Map};
use crate::error::quoted;
use crate::tar_header::{BLOCK, number, records, signed};

/// Extended attributes as star, GNU tar and Go write them, and as libarchive does (in base64, under an encoded name).
const XATTR: &[u8] = b"SCHILY.xattr.";
const LIBARCHIVE_XATTR: &[u8] = b"LIBARCHIVE.xattr.";

/// What headers before an entry's own said about it.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Where the first of them starts.
    pub(super) offset: Option<u64>,
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    /// The body of the PAX header.
    pub(super) pax: Option<Vec<u8>>,
}

/// An entry, and what comes after its header.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) entry: Entry,
    /// Bytes of the body as it is stored.
    pub(super) stored: u64,
    pub(super) sparse: Option<Sparse>,
}

/// Where the map of a sparse file is.
#[derive(Debug)]
pub(super) enum Sparse {
    /// Wholly in the headers that were read.
    Known(Map),
    /// In old GNU extension blocks that follow.
    Blocks(Map),
    /// At the start of the body (GNU's PAX format 1.0).
    Body(Map),
}

/// Decodes a header whose checksum fits. What is wrong and can be passed over goes to `faults`.
pub(super) fn decode(
    block: &[u8; BLOCK],
    offset: u64,
    pending: Pending,
    faults: &mut Vec<Fault>,
) -> Result<Decoded, Fault> {
    let header = Header::from_byte_slice(block);
    let fields = header.as_old();
    let mut field = |bytes: &[u8], name: &'static str| {
        number(bytes, name).unwrap_or_else(|_| {
            faults.push(Fault::InvalidField(name));
            0
        })
    };
    let mut entry = Entry {
        offset: pending.offset.unwrap_or(offset),
        path: header.path_bytes().into_owned(),
        kind: FileKind::File,
        size: 0,
        mode: u32::try_from(field(&fields.mode, "mode") & 0o7777).expect("twelve bits"),
        uid: field(&fields.uid, "uid"),
        gid: field(&fields.gid, "gid"),
        user: header.username_bytes().unwrap_or_default().to_vec(),
        group: header.groupname_bytes().unwrap_or_default().to_vec(),
        mtime: Time::default(),
        link: header.link_name_bytes().unwrap_or_default().into_owned(),
        device: None,
        xattrs: Xattrs::new(),
    };
    let mut device = |major, minor| {
        let mut part = |bytes, name| u32::try_from(field(bytes, name)).unwrap_or(u32::MAX);
        (part(major, "devmajor"), part(minor, "devminor"))
    };
    let kind = header.entry_type();
    if matches!(kind, EntryType::Char | EntryType::Block) {
        entry.device = match (header.as_ustar(), header.as_gnu()) {
            (Some(ustar), _) => Some(device(&ustar.dev_major, &ustar.dev_minor)),
            (_, Some(gnu)) => Some(device(&gnu.dev_major, &gnu.dev_minor)),
            _ => None,
        };
    }
    match signed(&fields.mtime) {
        Some(seconds) => entry.mtime.seconds = seconds,
        None => faults.push(Fault::InvalidField("mtime")),
    }
    let mut size = number(&fields.size, "size").map_err(|error| error.to_string());
    let mut pax = sparse::Pax::default();
    for record in records(pending.pax.as_deref().unwrap_or_default()) {
        let (key, value) = record.map_err(|error| Fault::Unreadable(error.to_string()))?;
        apply(key, value, &mut entry, &mut size, &mut pax, faults)?;
    }
    entry.path = pending.path.unwrap_or(entry.path);
    entry.link = pending.link.unwrap_or(entry.link);
    entry.kind = match kind {
        // Before ustar, a slash at the end made a directory (Go does the same).
        EntryType::Regular if block[156] == 0 && entry.path.ends_with(b"/") => FileKind::Directory,
        EntryType::Regular | EntryType::GNUSparse => FileKind::File,
        EntryType::Directory => FileKind::Directory,
        EntryType::Symlink => FileKind::Symlink,
        EntryType::Link => FileKind::HardLink,
        EntryType::Char => FileKind::CharDevice,
        EntryType::Block => FileKind::BlockDevice,
        EntryType::Fifo => FileKind::Fifo,
        _ => FileKind::Other(block[156]),
    };
    if !matches!(entry.kind, FileKind::Symlink | FileKind::HardLink) {
        entry.link.clear();
    }
    // Links, folders and devices have no body, whatever their size says (POSIX ustar; Go does the same).
    if !matches!(entry.kind, FileKind::File | FileKind::Other(_)) {
        return Ok(Decoded { entry, stored: 0, sparse: None });
    }
    let stored = size.map_err(Fault::Unreadable)?;
    let mut sparse = None;
    if kind == EntryType::GNUSparse {
        let (map, more) = Map::from_old_header(header).map_err(Fault::Unreadable)?;
        sparse = Some(if more { Sparse::Blocks(map) } else { Sparse::Known(map) });
    } else if entry.kind == FileKind::File {
        sparse = pax.form(&mut entry.path).map_err(Fault::Unreadable)?;
    }
    entry.size = match &sparse {
        Some(Sparse::Known(map) | Sparse::Blocks(map) | Sparse::Body(map)) => map.size(),
        None if entry.kind == FileKind::File => stored,
        None => 0,
    };
    Ok(Decoded { entry, stored, sparse })
}

/// Applies a PAX record. An empty value leaves what the header says (Go does the same).
fn apply(
    key: &[u8],
    value: &[u8],
    entry: &mut Entry,
    size: &mut Result<u64, String>,
    sparse: &mut sparse::Pax,
    faults: &mut Vec<Fault>,
) -> Result<(), Fault> {
    let text = || std::str::from_utf8(value).ok();
    let number = || text().and_then(|text| text.parse::<u64>().ok());
    let record = || format!("{}={}", shown(&key[..key.len().min(100)]), quoted(&shown(value)));
    let mut invalid = || faults.push(Fault::InvalidRecord(record()));
    if let Some(name) = key.strip_prefix(XATTR) {
        entry.xattrs.insert(name.to_vec(), value.to_vec());
    } else if let Some(name) = key.strip_prefix(LIBARCHIVE_XATTR) {
        match libarchive(name, value) {
            Some((name, value)) => drop(entry.xattrs.entry(name).or_insert(value)),
            None => invalid(),
        }
    } else if let Some(rest) = key.strip_prefix(b"GNU.sparse.") {
        sparse.record(rest, value).map_err(|()| Fault::Unreadable(format!("invalid pax record: {}", record())))?;
    }
    if value.is_empty() {
        return Ok(());
    }
    match key {
        b"path" => entry.path = value.to_vec(),
        b"linkpath" => entry.link = value.to_vec(),
        b"uname" => entry.user = value.to_vec(),
        b"gname" => entry.group = value.to_vec(),
        b"uid" => number().map_or_else(invalid, |uid| entry.uid = uid),
        b"gid" => number().map_or_else(invalid, |gid| entry.gid = gid),
        b"mtime" => text().and_then(time).map_or_else(invalid, |time| entry.mtime = time),
        b"size" => *size = number().ok_or_else(|| format!("invalid pax record: {}", record())),
        _ => {}
    }
    Ok(())
}

/// Reads a time as PAX has it: decimal seconds, with a fraction, perhaps negative.
fn time(text: &str) -> Option<Time> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let negative = whole.starts_with('-');
    if !digits(fraction) || !digits(whole.strip_prefix('-').unwrap_or(whole)) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let nine: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    let nanoseconds: u32 = nine.parse().expect("nine digits");
    Some(match (negative, nanoseconds) {
        (true, 1..) => Time { seconds: seconds.checked_sub(1)?, nanoseconds: 1_000_000_000 - nanoseconds },
        _ => Time { seconds, nanoseconds },
    })
}

/// Reads libarchive's form of an extended attribute: its name is percent-encoded, its value in base64.
fn libarchive(name: &[u8], value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut plain = Vec::new();
    let mut left = name;
    while let [first, rest @ ..] = left {
        let hex = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (first, rest) {
            (b'%', [high, low, rest @ ..]) => {
                plain.push(hex(*high)? << 4 | hex(*low)?);
                left = rest;
            }
            _ => {
                plain.push(*first);
                left = rest;
            }
        }
    }
    let value = STANDARD_NO_PAD.decode(value).or_else(|_| STANDARD.decode(value)).ok()?;
    Some((plain, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_may_have_fractions_and_be_negative() {
        for (text, want) in [
            ("1350244992.023960108", Some((1_350_244_992, 23_960_108))),
            ("1", Some((1, 0))),
            ("1.", Some((1, 0))),
            ("-1.5", Some((-2, 500_000_000))),
            ("-1", Some((-1, 0))),
            ("1.0000000019", Some((1, 1))),
            ("-9223372036854775808.5", None),
            ("x", None),
            ("1.x", None),
            ("+1", None),
            ("", None),
            (".5", None),
        ] {
            let want = want.map(|(seconds, nanoseconds)| Time { seconds, nanoseconds });
            assert_eq!(time(text), want, "{text}");
        }
    }

    #[test]
    fn libarchive_s_attributes_are_decoded() {
        let got = libarchive(b"user.a%20b%3d", b"AQIDBA");
        assert_eq!(got, Some((b"user.a b=".to_vec(), vec![1, 2, 3, 4])));
        assert_eq!(libarchive(b"user.a", b"AQIDBA==").map(|(_, value)| value.len()), Some(4));
        assert_eq!(libarchive(b"user.a", b"*"), None);
    }
}
