//! What can be wrong with an archive: one table of codes. A code keeps its meaning from version to version.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, quoted};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// The archive is not what it says it is, or not whole.
    Error,
    /// It is whole, but some readers trip over it, or understand something else.
    Warning,
    /// Good to know; nothing is wrong.
    Note,
}

impl Severity {
    /// Returns the word for it: `error`, `warning`, `note`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! codes {
    ($($code:ident $name:literal $severity:ident $meaning:literal)*) => {
        /// What a finding is about. The order is that of the way down: archive, members, documents, blobs, layers, names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $meaning] $code,)*
        }

        impl Code {
            /// All codes, in their order.
            pub const ALL: &'static [Self] = &[$(Self::$code),*];

            /// Returns the name, as in `diff-id`. Names stay the same from version to version.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }

            /// Returns how bad it is.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$code => Severity::$severity,)*
                }
            }

            /// Returns what it means, in one line.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$code => $meaning,)*
                }
            }
        }
    };
}

codes! {
    Truncated "truncated" Error "the archive ends inside a header or a member"
    ArchiveCompression "archive-compression" Error "the stream in which the whole archive is compressed is damaged"
    TarHeader "tar-header" Error "a header of the archive cannot be read; nothing behind it is seen"
    TarEnd "tar-end" Warning "the archive does not end with two zero blocks, as POSIX asks for; it may have been cut"
    TrailingData "trailing-data" Warning "there is data behind the end of the archive, which tools ignore or trip over"
    Limit "limit" Error "something goes beyond a limit on untrusted input (--limit raises it)"
    MemberOutside "member-outside" Error "the name of a member leads out of the archive"
    MemberTwice "member-twice" Error "members of one name differ: some tools take the first, some the last"
    MemberRepeated "member-repeated" Note "a member is there more than once, each time the same"
    MemberLink "member-link" Error "a link leads nowhere, in a circle or out of the archive"
    MemberKind "member-kind" Error "a folder, pipe or device is where a file has to be"
    Missing "missing" Error "a document names something that is not there"
    Elsewhere "elsewhere" Warning "a foreign layer is not there, and is to be fetched from somewhere else"
    Document "document" Error "a document is not valid JSON, or does not say what it has to"
    DuplicateKey "duplicate-key" Error "an object has a key twice: tools differ in which one they take"
    AmbiguousDocument "ambiguous-document" Error "a document can be taken for an index and for a manifest (CVE-2021-41190)"
    NoImage "no-image" Error "the archive names no image and nothing else"
    Digest "digest" Error "the bytes of a blob do not have the digest by which it is named"
    Size "size" Error "a blob does not have the size that its descriptor says"
    EmbeddedData "embedded-data" Error "the data embedded in a descriptor is not what its digest names"
    Compression "compression" Error "the compressed stream of a layer is damaged or cut short"
    MediaType "media-type" Warning "a layer is not compressed as its media type says"
    ConfigName "config-name" Warning "a config is named by a digest that it does not have: it may have been edited"
    DiffId "diff-id" Error "a layer is not, uncompressed, what the config says it is"
    LayerCount "layer-count" Error "the config has diff_ids for more or fewer layers than the image has"
    NoDiffIds "no-diff-ids" Error "the config does not say what its layers are: no engine loads such an image"
    HistoryCount "history-count" Warning "the config's history tells of more or fewer layers than the image has"
    Platform "platform" Error "an index and a config say different platforms of one image"
    LayerNotTar "layer-not-tar" Error "a layer is no tar"
    LayerTar "layer-tar" Error "the tar of a layer is damaged, or of a form that engines refuse"
    LayerTarEnd "layer-tar-end" Note "the tar of a layer does not end with two zero blocks, or goes on behind them"
    LayerTarOdd "layer-tar-odd" Warning "the tar of a layer has something that tools read differently"
    LayerEscape "layer-escape" Error "a file or hard link of a layer leads out of the image"
    LayerName "layer-name" Warning "a file of a layer has a name that tools treat differently: absolute, or with .. in it"
    Name "name" Error "a name that no producer writes, or that is made to mislead"
    NameUnusable "name-unusable" Warning "a name that is no reference: docker and podman do not take it"
    NameTwice "name-twice" Error "a docker-archive gives one name to two images: the last one gets it"
    NameRepeated "name-repeated" Warning "an OCI layout gives one name to two images: tools refuse it or take the first"
    HybridDiffers "hybrid-differs" Error "manifest.json and index.json give one name to different images"
    HybridLayers "hybrid-layers" Error "manifest.json and index.json name different layers for one image"
    HybridImages "hybrid-images" Warning "an image is in only one of manifest.json and index.json"
    HybridNames "hybrid-names" Warning "an image has a name in only one of manifest.json and index.json"
    NotLoadable "not-loadable" Error "an engine that was asked for cannot load the archive"
    Unreferenced "unreferenced" Note "a blob that no document names"
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Code {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.iter().find(|code| code.name() == text);
        found.copied().ok_or_else(|| Error::usage(format!("code {}: there is no such code", quoted(text))))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_kebab_case_each_its_own_and_explained() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.name().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{code}");
            assert_eq!(code.name().parse::<Code>().unwrap(), *code);
            assert!(!code.meaning().ends_with('.') && code.meaning().len() < 100, "{code}: {}", code.meaning());
        }
    }
}
