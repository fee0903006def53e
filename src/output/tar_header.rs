//! Tar headers as Go's `archive/tar` writes them with all times and owners zero: ustar, and PAX records where a name or
//! a size does not fit. containers/image, containerd and docker write with it.

use tar::{EntryType, Header};

pub(super) const BLOCK: u64 = 512;
/// What eleven octal digits hold.
const USTAR_SIZE_LIMIT: u64 = 1 << 33;

/// Returns the blocks before a member's body.
pub(super) fn header(name: &str, kind: EntryType, mode: u32, size: u64, link: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let size_fits = size < USTAR_SIZE_LIMIT;
    // Sorted, as Go does it.
    let records = [
        (!fits(link)).then(|| record("linkpath", link)),
        (!fits(name)).then(|| record("path", name)),
        (!size_fits).then(|| record("size", &size.to_string())),
    ];
    let records: String = records.into_iter().flatten().collect();
    if !records.is_empty() {
        let (folder, file) = name.rsplit_once('/').map_or(("", name), |(folder, file)| (folder, file));
        let slash = if folder.is_empty() { "" } else { "/" };
        let own_name = format!("{folder}{slash}PaxHeaders.0/{file}");
        out.extend(block(&own_name, EntryType::XHeader, 0, records.len() as u64, ""));
        out.extend(records.as_bytes());
        out.resize(out.len().next_multiple_of(BLOCK as usize), 0);
    }
    out.extend(block(name, kind, mode, if size_fits { size } else { 0 }, link));
    out
}

/// Returns how many bytes [`header`] has for a name as long as this and a size that fits.
pub(super) fn header_len(name: &str) -> u64 {
    if fits(name) { BLOCK } else { 3 * BLOCK }
}

/// Writes a header with room for one block before the body, for a size that became known late: one that does not fit
/// is written in base-256.
pub(super) fn patched(name: &str, mode: u32, size: u64) -> Vec<u8> {
    if size < USTAR_SIZE_LIMIT {
        return header(name, EntryType::Regular, mode, size, "");
    }
    let mut out = header(name, EntryType::Regular, mode, 0, "");
    let at = out.len() - BLOCK as usize;
    let mut last = Header::from_byte_slice(&out[at..]).clone();
    last.set_size(size);
    set_checksum(&mut last);
    out[at..].copy_from_slice(last.as_bytes());
    out
}

fn fits(name: &str) -> bool {
    name.len() <= 100 && name.is_ascii()
}

/// One PAX record, whose length counts its own digits.
fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut len = rest;
    while rest + len.to_string().len() != len {
        len = rest + len.to_string().len();
    }
    format!("{len} {key}={value}\n")
}

fn block(name: &str, kind: EntryType, mode: u32, size: u64, link: &str) -> Vec<u8> {
    let mut header = Header::new_ustar();
    let fields = header.as_old_mut();
    let copy = |field: &mut [u8], text: &str| {
        let text: Vec<u8> = text.bytes().filter(u8::is_ascii).take(field.len()).collect();
        field[..text.len()].copy_from_slice(&text);
    };
    copy(&mut fields.name, name);
    copy(&mut fields.linkname, link);
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    let devices = header.set_device_major(0).and_then(|()| header.set_device_minor(0));
    devices.expect("ustar has device numbers");
    set_checksum(&mut header);
    header.as_bytes().to_vec()
}

/// Go ends the sum with a NUL and a blank, after six digits.
fn set_checksum(header: &mut Header) {
    header.as_old_mut().cksum = *b"        ";
    let sum: u32 = header.as_bytes().iter().map(|&b| u32::from(b)).sum();
    header.as_old_mut().cksum.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_go_s_bytes() {
        let bytes = header("abc.tar", EntryType::Regular, 0o444, 10, "");
        assert_eq!(bytes.len(), 512);
        assert_eq!(&bytes[..8], b"abc.tar\0");
        assert_eq!(&bytes[100..156], b"0000444\x000000000\x000000000\x0000000000012\x0000000000000\x00010431\0 ");
        assert_eq!(&bytes[156..157], b"0");
        assert_eq!(&bytes[257..265], b"ustar\x0000");
        assert_eq!(&bytes[329..345], b"0000000\x000000000\0");
    }

    #[test]
    fn what_does_not_fit_becomes_a_pax_record_that_the_tar_crate_reads() {
        let long = format!("blobs/sha512/{}", "a".repeat(128));
        let bytes = header(&long, EntryType::Regular, 0o444, 0, "");
        assert_eq!(bytes.len() as u64, header_len(&long));
        let mut archive = tar::Archive::new(&bytes[..]);
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap().to_str(), Some(long.as_str()));
        let links = header("x", EntryType::Symlink, 0o777, 0, &format!("../{long}"));
        let mut archive = tar::Archive::new(&links[..]);
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.link_name().unwrap().unwrap().to_str(), Some(format!("../{long}").as_str()));
        let huge = header("x", EntryType::Regular, 0o444, 1 << 33, "");
        assert!(String::from_utf8_lossy(&huge).contains("19 size=8589934592\n"));
        let huge = patched("x", 0o444, 1 << 33);
        assert_eq!(Header::from_byte_slice(&huge).entry_size().unwrap(), 1 << 33);
    }
}
