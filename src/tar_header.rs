//! Fields of tar headers, of archives and of the layers in them: parsed strictly, because tools that disagree on a size
//! disagree on everything after it.

use crate::content::Content;
use crate::error::{Error, Result, quoted};

/// Bytes of a header, and what every body is padded to.
pub(crate) const BLOCK: usize = 512;

/// Parses a number: octal text with blanks and NULs around it, or base-256 (GNU) when the first bit is set.
pub(crate) fn number(field: &[u8], name: &str) -> Result<u64> {
    if field[0] & 0x80 != 0 {
        if field[0] & 0x40 != 0 {
            return Err(Error::damaged(format!("the {name} field is negative")));
        }
        let mut value = u64::from(field[0] & 0x3f);
        for &byte in &field[1..] {
            let shifted =
                value.checked_mul(256).ok_or_else(|| Error::damaged(format!("the {name} field is too large")))?;
            value = shifted | u64::from(byte);
        }
        return Ok(value);
    }
    let end = field.iter().position(|&b| b == 0).unwrap_or(field.len());
    let digits = field[..end].trim_ascii();
    let valid = digits.iter().all(|b| (b'0'..=b'7').contains(b));
    if !valid {
        let text = String::from_utf8_lossy(digits);
        return Err(Error::damaged(format!("the {name} field {} is not an octal number", quoted(&text))));
    }
    // Twelve octal digits fit into 36 bits.
    Ok(digits.iter().fold(0, |value, b| value << 3 | u64::from(b - b'0')))
}

/// Parses a number that may be negative (a time): as [`number`], base-256 being two's complement.
pub(crate) fn signed(field: &[u8]) -> Option<i64> {
    if field[0] & 0xc0 != 0xc0 {
        return number(field, "").ok().and_then(|value| i64::try_from(value).ok());
    }
    // The bits above the highest repeat the sign.
    field.iter().try_fold(-1_i64, |value, &byte| Some(value.checked_mul(256)? | i64::from(byte)))
}

/// Tells whether a content can be a tar: it is empty, or starts with a header or with the end.
pub(crate) fn looks_like_tar(content: &Content) -> Result<bool> {
    let mut block = [0; BLOCK];
    let read = content.read_start(&mut block)?;
    Ok(read == 0 || (read == BLOCK && (checksum_fits(&block) || block == [0; BLOCK])))
}

/// Tells whether the header's checksum fits. POSIX asks readers to take the sum of signed bytes, too.
pub(crate) fn checksum_fits(block: &[u8; BLOCK]) -> bool {
    let Ok(want) = number(&block[148..156], "checksum") else { return false };
    let (mut unsigned, mut signed) = (0_i64, 0_i64);
    for (i, &byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&i) { b' ' } else { byte };
        unsigned += i64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    i64::try_from(want).is_ok_and(|want| want == unsigned || want == signed)
}

/// What PAX records say about the member after them (POSIX pax, "Extended Header").
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pax {
    pub(crate) path: Option<String>,
    pub(crate) link: Option<String>,
    pub(crate) size: Option<u64>,
    /// GNU's sparse formats 0.0, 0.1 and 1.0.
    pub(crate) sparse: bool,
}

/// Parses PAX records into what decides where members are and what they are called.
pub(crate) fn pax(bytes: &[u8]) -> Result<Pax> {
    let mut pax = Pax::default();
    for record in records(bytes) {
        let (key, value) = record?;
        let text = || String::from_utf8_lossy(value).into_owned();
        match key {
            key if key.starts_with(b"GNU.sparse.") => pax.sparse = true,
            // What the header says stays (POSIX pax; Go does the same).
            _ if value.is_empty() => {}
            b"path" => pax.path = Some(text()),
            b"linkpath" => pax.link = Some(text()),
            b"size" => {
                let size = text().parse();
                pax.size = Some(size.map_err(|_| invalid_record(&format!("size {}", quoted(&text()))))?);
            }
            _ => {}
        }
    }
    Ok(pax)
}

fn invalid_record(what: &str) -> Error {
    Error::damaged(format!("invalid pax record: {what}"))
}

/// Splits `length key=value\n` records into keys and values; ends after the first error.
pub(crate) fn records(mut left: &[u8]) -> impl Iterator<Item = Result<(&[u8], &[u8])>> {
    std::iter::from_fn(move || {
        // Some writers pad with NULs.
        if left.iter().all(|&b| b == 0) {
            return None;
        }
        let record = first_record(left).map(|(key, value, rest)| {
            left = rest;
            (key, value)
        });
        if record.is_err() {
            left = &[];
        }
        Some(record)
    })
}

fn first_record(records: &[u8]) -> Result<(&[u8], &[u8], &[u8])> {
    let invalid = invalid_record;
    let space = records.iter().position(|&b| b == b' ').ok_or_else(|| invalid("no length"))?;
    let length = std::str::from_utf8(&records[..space]).ok().and_then(|text| text.parse::<usize>().ok());
    let length = length.filter(|&n| n > space + 1 && n <= records.len()).ok_or_else(|| invalid("wrong length"))?;
    let (record, rest) = records.split_at(length);
    let body = record[space + 1..].strip_suffix(b"\n").ok_or_else(|| invalid("no line end"))?;
    let equals = body.iter().position(|&b| b == b'=').ok_or_else(|| invalid("no equals sign"))?;
    Ok((&body[..equals], &body[equals + 1..], rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256_and_never_negative() {
        for (field, want) in [
            (&b"00000000017\0"[..], Some(15)),
            (b"     17 \0\0\0\0", Some(15)),
            (b"\0\0\0\0\0\0\0\0\0\0\0\0", Some(0)),
            (b"77777777777 ", Some((1 << 33) - 1)),
            (b"\x80\0\0\0\0\0\0\0\0\0\x02\x01", Some(513)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", None),
            (b"\x80\0\0\x01\0\0\0\0\0\0\0\0", None),
            (b"-0000000017\0", None),
            (b"0000000001x\0", None),
            (b"00000000018\0", None),
        ] {
            assert_eq!(number(field, "size").ok(), want, "{field:?}");
        }
    }

    #[test]
    fn times_may_be_negative() {
        for (field, want) in [
            (&b"00000000017\0"[..], Some(15)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", Some(-2)),
            (b"\x80\0\0\0\0\0\0\0\0\0\x02\x01", Some(513)),
            (b"\xff\xff\xff\xff\x80\0\0\0\0\0\0\0", Some(i64::MIN)),
            (b"\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff", None),
            (b"-0000000017\0", None),
        ] {
            assert_eq!(signed(field), want, "{field:?}");
        }
    }

    #[test]
    fn pax_records_are_parsed_by_their_length() {
        let got = pax(b"12 path=a\nb\n10 size=7\n15 mtime=1.250\n").unwrap();
        assert_eq!(got, Pax { path: Some("a\nb".into()), size: Some(7), ..Pax::default() });
        let got = pax(b"8 path=\n13 linkpath=\n8 size=\n").unwrap();
        assert_eq!(got, Pax::default(), "what is empty leaves what the header says");
        for wrong in [
            &b"0 path=a\n"[..],
            b"9 path=a\n99",
            b"99 path=a\n",
            b"x path=a\n",
            b"11 size=-1\n",
            b"10 path=ab",
            b"7 path\n",
        ] {
            assert!(pax(wrong).is_err(), "{:?}", String::from_utf8_lossy(wrong));
        }
    }
}
