//! An entry of a layer: what its headers say of a file.

use std::collections::BTreeMap;
use std::fmt;

/// What kind of file an entry makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// Another name for a file of the same image.
    HardLink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A type of tar entry that makes no file, by its letter. Engines skip or refuse it.
    Other(u8),
}

impl FileKind {
    /// Returns the kind as `ls -l` marks it; `?` for what is none.
    pub fn letter(self) -> char {
        match self {
            Self::File => '-',
            Self::Directory => 'd',
            Self::Symlink => 'l',
            Self::HardLink => 'h',
            Self::CharDevice => 'c',
            Self::BlockDevice => 'b',
            Self::Fifo => 'p',
            Self::Other(_) => '?',
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::HardLink => "hard link",
            Self::CharDevice => "character device",
            Self::BlockDevice => "block device",
            Self::Fifo => "fifo",
            Self::Other(_) => "unknown",
        })
    }
}

/// A point in time as tar has it: seconds since 1970, and what PAX records add to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Time {
    /// Seconds since 1970-01-01 00:00 UTC; negative before.
    pub seconds: i64,
    /// Nanoseconds after `seconds`, below 1,000,000,000.
    pub nanoseconds: u32,
}

/// Extended attributes by their full names, as in `security.capability`.
pub(crate) type Xattrs = BTreeMap<Vec<u8>, Vec<u8>>;

/// What the headers of one entry say. Names are bytes, as Linux has them; [`shown`] makes text of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where its first header starts in the uncompressed tar: that of the entry, or a PAX header or long name before it.
    pub(crate) offset: u64,
    /// The name as it stands there.
    pub(crate) path: Vec<u8>,
    pub(crate) kind: FileKind,
    /// Bytes of the file that it makes, holes included; 0 for what is no regular file.
    pub(crate) size: u64,
    /// Permission bits, with setuid, setgid and sticky.
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    pub(crate) user: Vec<u8>,
    pub(crate) group: Vec<u8>,
    pub(crate) mtime: Time,
    /// Target of a symbolic or hard link.
    pub(crate) link: Vec<u8>,
    /// Major and minor number of a device.
    pub(crate) device: Option<(u32, u32)>,
    pub(crate) xattrs: Xattrs,
}

/// Makes text of a name: bytes that are not UTF-8 become `\xNN`, so that different names stay different. May still hold
/// control characters: [`escape`](crate::escape) before printing.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_text_stay_different() {
        assert_eq!(shown("a/é".as_bytes()), "a/é");
        assert_eq!(shown(b"a\xff\xfe/b"), "a\\xff\\xfe/b");
    }
}
