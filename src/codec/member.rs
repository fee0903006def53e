//! What all gzip members that are made here begin and end with, and those that only hold bytes: what cannot shrink.

use libdeflater::Crc;

/// The longest block that is stored (RFC 1951 section 3.2.4).
pub(super) const LONGEST_STORED: usize = u16::MAX as usize;
/// deflated, no name, no time (RFC 1952, 2.3).
pub(super) const BEGIN: [u8; 8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0];
/// By an unknown system.
pub(super) const SYSTEM: u8 = 255;
/// By the fastest way there is (RFC 1952, XFL).
const FASTEST: u8 = 4;

/// Appends a gzip member that holds `input` as it is, with the bytes that libdeflate's level 0 makes.
pub(super) fn gzip_stored(input: &[u8], out: &mut Vec<u8>) {
    out.reserve(input.len() + input.len().div_ceil(LONGEST_STORED) * 5 + 18);
    gzip_header(FASTEST, out);
    let mut left = input;
    loop {
        let (now, later) = left.split_at(left.len().min(LONGEST_STORED));
        let len = now.len() as u16;
        out.push(later.is_empty().into());
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(now);
        left = later;
        if left.is_empty() {
            break;
        }
    }
    gzip_trailer(input, out);
}

/// Appends a member's header with this effort.
pub(super) fn gzip_header(effort: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&BEGIN);
    out.extend_from_slice(&[effort, SYSTEM]);
}

/// Appends what stands behind a member that holds `input`.
pub(super) fn gzip_trailer(input: &[u8], out: &mut Vec<u8>) {
    let mut crc = Crc::new();
    crc.update(input);
    out.extend_from_slice(&crc.sum().to_le_bytes());
    out.extend_from_slice(&(input.len() as u32).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use libdeflater::{CompressionLvl, Compressor};

    use super::*;

    #[test]
    fn bytes_are_those_of_libdeflate() {
        let mut libdeflate = Compressor::new(CompressionLvl::new(0).unwrap());
        for len in [0, 1, LONGEST_STORED - 1, LONGEST_STORED, LONGEST_STORED + 1, 3 * LONGEST_STORED, 1 << 20] {
            let input: Vec<u8> = (0..len).map(|i| (i / 3) as u8).collect();
            let mut want = vec![0; libdeflate.gzip_compress_bound(len)];
            let size = libdeflate.gzip_compress(&input, &mut want).unwrap();
            let mut made = Vec::new();
            gzip_stored(&input, &mut made);
            assert!(made == want[..size], "{len}");
        }
    }
}
