//! Ceilings on what an untrusted archive can make us hold or do. One is not here: JSON is parsed to a depth of 128, which
//! is the parser's.

use crate::code::Code;
use crate::error::{Error, Result, quoted};
use crate::suggest::did_you_mean;

/// Limits on untrusted input. Each default is far above what real producers write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one manifest, index or config. Registries refuse manifests above 4 MiB.
    pub document_bytes: u64,
    /// Bytes of all manifests, indexes and configs together: they are held in memory. A thousand images have about 10 MiB.
    pub all_document_bytes: u64,
    /// Values in one of them: parsed, each takes about 100 bytes. The largest images have some thousands.
    pub json_values: usize,
    /// Members of one archive or folder.
    pub members: usize,
    /// Bytes of the names, link targets and sparse maps of all members: they are held in memory, some of them several
    /// times. A hundred thousand blobs have less.
    pub member_bytes: u64,
    /// Names and images of one source. The largest bundles have some hundreds.
    pub names: usize,
    /// Layers of one image. overlayfs stops near 127, so this is generous.
    pub layers: usize,
    /// Bytes of one PAX header, long name or sparse map: they are held in memory. Linux paths end at 4 KiB.
    pub header_bytes: u64,
    /// Indexes inside one another. Producers nest two deep.
    pub index_depth: usize,
    /// log2 of the zstd window. 27 (128 MiB) is what every decoder must support (RFC 8878, 3.1.1.1.2).
    pub zstd_window_log: u32,
    /// Bytes of memory an xz decoder may take. `xz -9` needs 65 MiB.
    pub xz_memory: u64,
    /// How many times larger than its archive a sparse member may be; gzip can make no more than 1032 of one.
    pub sparse_ratio: u64,
    /// Hops from link to link. Linux gives up at 40.
    pub link_hops: usize,
    /// Bytes that one compressed stream may inflate to. No layer that is meant comes near 1 TiB.
    pub inflated_bytes: u64,
    /// Bytes of memory for the files of layers, where they are listed, merged or compared. A file takes about 120, and
    /// large images have some hundred thousand. With this, all that is held stays below 64 MiB.
    pub file_list_bytes: u64,
    /// Items of one batch: lists and reports of them are held in memory. A Kubernetes Job has no more pods than this.
    pub items: usize,
    /// Bytes of one line of a list or report, parsed as a whole. One image of a report takes some hundred.
    pub line_bytes: u64,
    /// Bytes of text of one list, or of the items' names in reports. Linux paths end at 4 KiB and are mostly below 100.
    pub list_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document_bytes: 4 << 20,
            all_document_bytes: 32 << 20,
            json_values: 100_000,
            members: 100_000,
            member_bytes: 8 << 20,
            names: 10_000,
            layers: 1024,
            header_bytes: 1 << 20,
            index_depth: 8,
            zstd_window_log: 27,
            xz_memory: 72 << 20,
            sparse_ratio: 1000,
            link_hops: 40,
            inflated_bytes: 1 << 40,
            file_list_bytes: 48 << 20,
            items: 100_000,
            line_bytes: 4 << 20,
            list_bytes: 16 << 20,
        }
    }
}

macro_rules! by_name {
    ($($name:literal => $field:ident),* $(,)?) => {
        /// Names of the limits, as [`Limits::set`] takes them and errors tell them.
        pub const NAMES: &'static [&'static str] = &[$($name),*];

        /// Sets a limit by its name.
        ///
        /// # Errors
        ///
        /// [`Usage`](crate::ErrorKind::Usage) for an unknown name, or a value that is no number or too large.
        pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
            let invalid = || Error::usage(format!("limit {name}: {} is not a number in its range", quoted(value)));
            match name {
                $($name => self.$field = value.parse().map_err(|_| invalid())?,)*
                _ => {
                    let known = Self::NAMES.join(", ");
                    let error = Error::usage(format!("limit {}: not one of {known}", quoted(name)));
                    return Err(error.maybe_hint(did_you_mean(name, Self::NAMES.iter().copied())));
                }
            }
            Ok(())
        }
    };
}

impl Limits {
    by_name! {
        "document-bytes" => document_bytes,
        "all-document-bytes" => all_document_bytes,
        "json-values" => json_values,
        "members" => members,
        "member-bytes" => member_bytes,
        "names" => names,
        "layers" => layers,
        "header-bytes" => header_bytes,
        "index-depth" => index_depth,
        "zstd-window-log" => zstd_window_log,
        "xz-memory" => xz_memory,
        "sparse-ratio" => sparse_ratio,
        "link-hops" => link_hops,
        "inflated-bytes" => inflated_bytes,
        "file-list-bytes" => file_list_bytes,
        "items" => items,
        "line-bytes" => line_bytes,
        "list-bytes" => list_bytes,
    }
}

/// Makes the error for an input that goes beyond the limit of this name.
pub(crate) fn exceeded(name: &str, message: impl Into<String>) -> Error {
    debug_assert!(Limits::NAMES.contains(&name), "{name} is a limit");
    Error::damaged(message)
        .coded(Code::Limit)
        .hint(format!("if it is meant to be so, --limit {name}=N raises the limit"))
}
