//! What a comparison can leave out.

use std::str::FromStr;

use crate::error::{Error, Result, quoted};
use crate::suggest::did_you_mean;

/// Something that shall not count as a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Ignore {
    /// Names of images.
    Names,
    /// Platforms: operating system, architecture and variant, in configs, too.
    Platform,
    /// Annotations.
    Annotations,
    /// Whole configs.
    Config,
    /// The time at which the image was made.
    Created,
    /// The history in the config.
    History,
    /// How the files are spread over layers: only what they make together counts.
    Layers,
    /// All times: of the image, its history and its files.
    Timestamps,
    /// Users and groups of files.
    Owners,
    /// Permissions of files.
    Modes,
    /// Extended attributes of files.
    Xattrs,
}

impl Ignore {
    /// All of them, in the order in which they are listed to people.
    pub const ALL: [Self; 11] = [
        Self::Names,
        Self::Platform,
        Self::Annotations,
        Self::Config,
        Self::Created,
        Self::History,
        Self::Layers,
        Self::Timestamps,
        Self::Owners,
        Self::Modes,
        Self::Xattrs,
    ];

    /// Returns the name, as in `--ignore`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::Platform => "platform",
            Self::Annotations => "annotations",
            Self::Config => "config",
            Self::Created => "created",
            Self::History => "history",
            Self::Layers => "layers",
            Self::Timestamps => "timestamps",
            Self::Owners => "owners",
            Self::Modes => "modes",
            Self::Xattrs => "xattrs",
        }
    }

    /// Tells whether layers that differ in this alone have different digests all the same: their files decide.
    pub(super) fn is_of_files(self) -> bool {
        matches!(self, Self::Layers | Self::Timestamps | Self::Owners | Self::Modes | Self::Xattrs)
    }
}

impl FromStr for Ignore {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|ignore| ignore.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            Error::usage(format!("{} cannot be ignored: not one of {}", quoted(text), names.join(", ")))
                .maybe_hint(did_you_mean(text, names))
        })
    }
}
