//! Writes tars in every dialect that producers use, down to the odd ones that the `tar` crate's builder refuses.

use super::tree::{Kind, Member, Tree};

const BLOCK: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    Ustar,
    /// GNU magic, as `tar --format=gnu` writes it.
    Gnu,
    /// No magic at all and type NUL for files.
    V7,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    pub(crate) header: Header,
    /// A PAX header before each member that repeats name and size; a global one first.
    pub(crate) pax: bool,
    /// Long names as GNU `L` members rather than as PAX records.
    pub(crate) gnu_names: bool,
    /// Sizes in binary, although octal digits would do.
    pub(crate) base256: bool,
    /// Zero blocks at the end: two by the standard.
    pub(crate) end_blocks: usize,
}

impl Default for Dialect {
    fn default() -> Dialect {
        Dialect { header: Header::Ustar, pax: false, gnu_names: false, base256: false, end_blocks: 2 }
    }
}

pub(crate) fn pack(tree: &Tree, dialect: &Dialect) -> Vec<u8> {
    let mut out = Vec::new();
    if dialect.pax {
        special(&mut out, b'g', "pax_global_header", &record("comment", "made by a test"), dialect);
    }
    for member in &tree.members {
        write_member(&mut out, member, dialect);
    }
    out.resize(out.len() + BLOCK * dialect.end_blocks, 0);
    out
}

fn write_member(out: &mut Vec<u8>, member: &Member, dialect: &Dialect) {
    let mut name = member.name.clone();
    if member.kind == Kind::Dir && !name.ends_with('/') {
        name.push('/');
    }
    let (flag, body, link): (u8, &[u8], &str) = match &member.kind {
        Kind::File(bytes) => (b'0', bytes, ""),
        Kind::Hardlink(target) => (b'1', &[], target),
        Kind::Symlink(target) => (b'2', &[], target),
        Kind::Dir => (b'5', &[], ""),
        Kind::Fifo => (b'6', &[], ""),
    };
    let split = split_name(&name, dialect);
    let mut records = Vec::new();
    if dialect.pax {
        records.extend(record("mtime", "1700000000.123456789"));
    }
    if dialect.pax || (split.is_none() && !dialect.gnu_names) {
        records.extend(record("path", &name));
        if flag == b'0' {
            records.extend(record("size", &body.len().to_string()));
        }
    }
    if link.len() > 100 && !dialect.gnu_names {
        records.extend(record("linkpath", link));
    }
    if !records.is_empty() {
        special(out, b'x', "PaxHeaders/x", &records, dialect);
    }
    if dialect.gnu_names {
        for (flag, text) in [(b'K', link), (b'L', name.as_str())] {
            if text.len() > 100 {
                special(out, flag, "././@LongLink", &[text.as_bytes(), &[0]].concat(), dialect);
            }
        }
    }
    let (prefix, short) = split.unwrap_or_else(|| (String::new(), truncated(&name)));
    let block = header(dialect, &prefix, &short, flag, body.len(), member, &truncated(link));
    out.extend(block);
    append_body(out, body);
}

/// Splits a name over the prefix and name fields; `None` when it does not fit.
fn split_name(name: &str, dialect: &Dialect) -> Option<(String, String)> {
    if name.len() <= 100 {
        return Some((String::new(), name.to_owned()));
    }
    if dialect.gnu_names || dialect.header != Header::Ustar {
        return None;
    }
    let at = name.char_indices().find(|&(at, c)| c == '/' && name.len() - at - 1 <= 100 && at > 0)?.0;
    (at <= 155 && at + 1 < name.len()).then(|| (name[..at].to_owned(), name[at + 1..].to_owned()))
}

fn truncated(text: &str) -> String {
    String::from_utf8_lossy(&text.as_bytes()[..text.len().min(100)]).into_owned()
}

pub(crate) fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n").into_bytes()
}

pub(crate) fn special(out: &mut Vec<u8>, flag: u8, name: &str, body: &[u8], dialect: &Dialect) {
    let member = Member::new(name, Kind::Fifo);
    out.extend(header(dialect, "", name, flag, body.len(), &member, ""));
    append_body(out, body);
}

fn append_body(out: &mut Vec<u8>, body: &[u8]) {
    out.extend(body);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

fn header(
    dialect: &Dialect,
    prefix: &str,
    name: &str,
    flag: u8,
    size: usize,
    member: &Member,
    link: &str,
) -> [u8; BLOCK] {
    let mut block = [0u8; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, format!("{:07o}", member.mode).as_bytes());
    put(108, format!("{:07o}", member.owner.0).as_bytes());
    put(116, format!("{:07o}", member.owner.1).as_bytes());
    if dialect.base256 {
        put(124, &[0x80]);
        put(128, &(size as u64).to_be_bytes());
    } else {
        put(124, format!("{size:011o}").as_bytes());
    }
    put(136, format!("{:011o}", member.mtime).as_bytes());
    put(156, &[if dialect.header == Header::V7 && flag == b'0' { 0 } else { flag }]);
    put(157, link.as_bytes());
    match dialect.header {
        Header::Ustar => put(257, b"ustar\x0000"),
        Header::Gnu => put(257, b"ustar  \0"),
        Header::V7 => {}
    }
    put(265, member.owner_names.0.as_bytes());
    put(297, member.owner_names.1.as_bytes());
    if dialect.header == Header::Ustar {
        put(345, prefix.as_bytes());
    }
    seal(&mut block);
    block
}

/// Writes the checksum of a header block.
pub(crate) fn seal(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block[..BLOCK].iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}
