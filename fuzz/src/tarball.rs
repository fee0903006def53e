//! Tars made from members, tars mended after a change, and tars read with other code than the program's.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::recipe::{Kind, Member};

pub const BLOCK: usize = 512;

/// Writes a tar; long names as GNU writes them.
pub fn pack(members: &[Member]) -> Vec<u8> {
    let mut out = Vec::new();
    for member in members {
        let (flag, body, target) = match &member.kind {
            Kind::File(bytes) => (b'0', bytes.as_slice(), ""),
            Kind::HardLink(target) => (b'1', &[][..], target.as_str()),
            Kind::Symlink(target) => (b'2', &[][..], target.as_str()),
            Kind::Directory => (b'5', &[][..], ""),
        };
        for (long, text) in [(b'K', target), (b'L', member.name.as_str())] {
            if text.len() > 100 {
                append(&mut out, long, b"././@LongLink", b"", &[text.as_bytes(), b"\0"].concat());
            }
        }
        append(&mut out, flag, member.name.as_bytes(), target.as_bytes(), body);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

fn append(out: &mut Vec<u8>, flag: u8, name: &[u8], target: &[u8], body: &[u8]) {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, &name[..name.len().min(100)]);
    put(100, b"0000644\x000000000\x000000000\0");
    put(124, format!("{:011o}\x0000000000000", body.len()).as_bytes());
    put(156, &[flag]);
    put(157, &target[..target.len().min(100)]);
    put(257, b"ustar  \0");
    seal(&mut block);
    out.extend(block);
    out.extend(body);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

fn seal(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// Writes the right checksum into every header that a reader would come to, so that changes elsewhere are seen at all.
pub fn mend(tar: &mut [u8]) {
    let mut at = 0;
    while let Some(block) = tar.get_mut(at..at + BLOCK) {
        if block.iter().all(|&b| b == 0) {
            break;
        }
        seal(block);
        let header = tar::Header::from_byte_slice(block);
        let kind = header.entry_type();
        let bodiless = kind.is_symlink()
            || kind.is_hard_link()
            || kind.is_dir()
            || kind.is_fifo()
            || kind.is_block_special()
            || kind.is_character_special();
        let size = if bodiless { 0 } else { header.entry_size().unwrap_or(0) };
        let Some(next) = usize::try_from(size).ok().and_then(|n| n.checked_add(at + 2 * BLOCK - 1)) else { break };
        at = next / BLOCK * BLOCK;
    }
}

/// Reads a tar with the `tar` crate: what each name holds, the last of several counting.
pub fn list(tar: &[u8]) -> io::Result<BTreeMap<Vec<u8>, Listed>> {
    let mut found: BTreeMap<Vec<u8>, Listed> = BTreeMap::new();
    for entry in tar::Archive::new(tar).entries()? {
        let mut entry = entry?;
        let name = entry.path_bytes().into_owned();
        let kind = entry.header().entry_type();
        let target = entry.link_name_bytes().map(|target| target.into_owned()).unwrap_or_default();
        let mut bytes = Vec::new();
        (&mut entry).take(1 << 20).read_to_end(&mut bytes)?;
        let times = found.get(&name).map_or(1, |same: &Listed| same.times + 1);
        found.insert(name, Listed { kind, target, bytes, times });
    }
    Ok(found)
}

/// A member as [`list`] finds it.
#[derive(Debug, PartialEq, Eq)]
pub struct Listed {
    pub kind: tar::EntryType,
    pub target: Vec<u8>,
    pub bytes: Vec<u8>,
    /// How many members have this name.
    pub times: usize,
}
