//! What can be wrong with a layer's tar. Reading goes on where that makes sense, so that all of it is told.

use std::fmt;

use super::entry::shown;
use crate::error::quoted;

/// Something wrong in a layer's tar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) what: Fault,
    /// Where in the uncompressed tar: the header that is wrong, or the byte where something is missing.
    pub(crate) offset: u64,
    /// The entry's name as it stands there, where there is one.
    pub(crate) path: Option<Vec<u8>>,
}

/// What is wrong. "Go" is Go's `archive/tar`, with which docker, containerd, podman and umoci read layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The stream does not start with a tar header.
    NotTar,
    /// Where a header should be is something else. Ends the reading.
    NotAHeader,
    /// A field that decides where the next header is cannot be read. Ends the reading.
    Unreadable(String),
    /// A PAX header, long name or sparse map beyond the limit `header-bytes`. Ends the reading.
    HeaderTooLarge(u64),
    /// The stream ends inside an entry; the number of bytes that are missing, its padding apart.
    Truncated(u64),
    /// A single zero block that is not at the end: Go refuses it. Ends the reading.
    LoneZeroBlock,
    /// The stream ends without the two zero blocks that POSIX asks for. Go does not mind.
    NoEndMarker,
    /// Something other than zeros after the end. Nobody reads it, but it counts for the diff_id.
    TrailingData,
    /// A long name or PAX header at the end, with no entry after it.
    OrphanHeader,
    /// A field that is no number, or is out of range; taken for 0. Go refuses the tar.
    InvalidField(&'static str),
    /// A PAX record whose value makes no sense; ignored. Go refuses the tar.
    InvalidRecord(String),
    /// A global PAX record that GNU tar and libarchive apply to all entries after it, and Go and this do not.
    GlobalRecord(String),
    /// A sparse file larger than the limits allow; its holes are left out.
    SparseTooLarge(u64),
    /// A type of entry that makes no file.
    UnknownType(u8),
    /// A name with a NUL in it: Go refuses the tar.
    NulInName,
    /// A name or a part of it is longer than Linux can have (4096, 255 bytes).
    NameTooLong,
    /// A name that starts with a slash; taken from the root of the image.
    AbsoluteName,
    /// A name with `..` in it that stays inside.
    ParentInName,
    /// A name that leads out of the image.
    NameLeavesRoot,
    /// A hard link to something outside of the image.
    HardLinkLeavesRoot,
    /// A symbolic link with more `..` than there are directories above it. Inside a container that is the root; a tool
    /// that unpacks layers without care follows it.
    SymlinkLeavesRoot,
}

impl Fault {
    /// Tells whether nothing after it was read.
    pub(crate) fn ends_reading(&self) -> bool {
        matches!(
            self,
            Self::NotTar
                | Self::NotAHeader
                | Self::Unreadable(_)
                | Self::HeaderTooLarge(_)
                | Self::Truncated(_)
                | Self::LoneZeroBlock
        )
    }
}

impl fmt::Display for Fault {
    /// Writes it for people; may hold any character.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTar => f.write_str("not a tar"),
            Self::NotAHeader => f.write_str("not a tar header: invalid checksum"),
            Self::Unreadable(why) => f.write_str(why),
            Self::HeaderTooLarge(size) => write!(f, "a header of {size} bytes is too large"),
            Self::Truncated(missing) => write!(f, "ends early: {missing} bytes are missing"),
            Self::LoneZeroBlock => f.write_str("a single zero block before more data"),
            Self::NoEndMarker => f.write_str("no end marker"),
            Self::TrailingData => f.write_str("data after the end marker"),
            Self::OrphanHeader => f.write_str("a long name or pax header that belongs to no entry"),
            Self::InvalidField(name) => write!(f, "the {name} field is invalid"),
            Self::InvalidRecord(what) => write!(f, "invalid pax record: {what}"),
            Self::GlobalRecord(key) => {
                write!(f, "global pax record {}: tools differ in whether it counts", quoted(key))
            }
            Self::SparseTooLarge(size) => write!(f, "a sparse file of {size} bytes is too large"),
            Self::UnknownType(b) if b.is_ascii_graphic() => write!(f, "unknown type {:?}", char::from(*b)),
            Self::UnknownType(b) => write!(f, "unknown type {b:#04x}"),
            Self::NulInName => f.write_str("a NUL in the name"),
            Self::NameTooLong => f.write_str("the name is too long for Linux"),
            Self::AbsoluteName => f.write_str("an absolute name"),
            Self::ParentInName => f.write_str("a name with .."),
            Self::NameLeavesRoot => f.write_str("the name leads out of the image"),
            Self::HardLinkLeavesRoot => f.write_str("a hard link that leads out of the image"),
            Self::SymlinkLeavesRoot => f.write_str("a symlink that leads out of the image"),
        }
    }
}

impl fmt::Display for Problem {
    /// Writes it for people; may hold any character.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: ", self.offset)?;
        if let Some(path) = &self.path {
            write!(f, "{}: ", quoted(&shown(path)))?;
        }
        self.what.fmt(f)
    }
}
