//! What is said of an engine: whether it loads an archive, how, and what would help if it does not.

use std::fmt;

use super::engine::{Engine, Requirement};
use super::fix::Fix;
use crate::platform::Platform;

/// Whether an engine loads an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It does, with all images under their names.
    Yes,
    /// It does, but not in every way as the archive has it: the notes say how.
    But,
    /// It does not, or what it says to have loaded cannot be used.
    No,
}

/// What an engine makes of an archive.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Prediction {
    /// Whose prediction it is.
    pub engine: Engine,
    /// Whether it loads the archive.
    pub verdict: Verdict,
    /// The names under which it lists the images, at most 50 of them. Engines that copy (skopeo, crane, regctl) take
    /// the name from the user. `YYYY-MM-DD` stands for the day of the import. May hold any character.
    pub names: Vec<String>,
    /// In what way it differs from what the archive says, and what else is good to know.
    pub notes: Vec<Note>,
    /// Why it does not load; `None` when it does.
    pub refusal: Option<Refusal>,
}

/// Why an engine does not load an archive.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// In words; may hold any character of a name in the archive.
    pub reason: String,
    /// Where the rule is from.
    pub source: &'static str,
    /// What helps without a conversion: an option of the engine.
    pub advice: Option<String>,
    /// The conversion that the engine loads; `None` when none would help.
    pub fix: Option<Fix>,
}

/// In what way an engine loads an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// An image gets a name that means something else.
    Renamed {
        /// As the archive has it.
        from: String,
        /// As the engine lists it.
        to: String,
    },
    /// The image is named after the path of the folder that it is in (`localhost/PATH:latest`), which must be a name.
    NamedAfterPath,
    /// So many images are listed without a name.
    Untagged(usize),
    /// So many images are listed by a name that was made of their digest.
    ByDigest(usize),
    /// Of several platforms it takes this one.
    OnlyPlatform(Platform),
    /// An image is for another platform than the engine's, and does not run there by itself.
    OtherPlatform(Platform),
    /// It takes the first of several images.
    OnlyFirst {
        /// How many images there are.
        of: usize,
    },
    /// It takes so many of the images that the archive has, and leaves the others out.
    LeavesOut {
        /// How many are left out.
        images: usize,
    },
    /// It has to be told which image to take.
    NeedsReference {
        /// How: `docker-archive:FILE:NAME`.
        example: String,
    },
    /// It needs an option.
    NeedsOption(&'static str),
    /// It reads the folder of a layout: the archive has to be unpacked first.
    UnpackFirst,
    /// The ID that it shows is the manifest's digest, not the config's as in docker before 29 and podman. No drawback.
    IdIsManifest,
    /// It makes a manifest, and shows the digest of that as the ID. No drawback.
    IdIsMade,
}

impl Verdict {
    /// Returns `yes`, `yes-but` or `no`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::But => "yes-but",
            Self::No => "no",
        }
    }
}

impl Prediction {
    /// Tells whether the engine loads the archive, one way or another.
    pub fn loads(&self) -> bool {
        self.verdict != Verdict::No
    }
}

impl Requirement {
    /// Returns the predictions that keep it from being met; none when it is. Of a tool with several transports, one
    /// that loads is enough.
    pub fn unmet<'p>(&self, predictions: &'p [Prediction]) -> Vec<&'p Prediction> {
        let of = |engine: &Engine| predictions.iter().find(|prediction| prediction.engine == *engine);
        let mut unmet = Vec::new();
        for group in self.engines() {
            let group: Vec<&Prediction> = group.iter().filter_map(of).collect();
            if !group.iter().any(|prediction| prediction.loads()) {
                unmet.extend(group);
            }
        }
        unmet
    }
}

impl Note {
    /// Returns a word for programs that stays the same.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Renamed { .. } => "renamed",
            Self::NamedAfterPath => "named-after-path",
            Self::Untagged(_) => "untagged",
            Self::ByDigest(_) => "by-digest",
            Self::OnlyPlatform(_) => "only-platform",
            Self::OtherPlatform(_) => "other-platform",
            Self::OnlyFirst { .. } => "only-first",
            Self::LeavesOut { .. } => "leaves-out",
            Self::NeedsReference { .. } => "needs-reference",
            Self::NeedsOption(_) => "needs-option",
            Self::UnpackFirst => "unpack-first",
            Self::IdIsManifest => "id-is-manifest-digest",
            Self::IdIsMade => "id-is-made",
        }
    }

    /// Tells whether it is a drawback, which makes a yes a yes-but.
    pub fn is_drawback(&self) -> bool {
        !matches!(self, Self::IdIsManifest | Self::IdIsMade)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for Note {
    /// Writes it for people; may hold any character of a name in the archive.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let images = |n: usize| format!("{n} image{}", if n == 1 { "" } else { "s" });
        match self {
            Self::Renamed { from, to } => write!(f, "{from} becomes {to}"),
            Self::NamedAfterPath => write!(f, "named localhost/PATH, after the folder's path"),
            Self::Untagged(1) => write!(f, "without a name"),
            Self::Untagged(n) => write!(f, "{n} images without a name"),
            Self::ByDigest(n) => write!(f, "{} by digest only, without a name", images(*n)),
            Self::OnlyPlatform(platform) => write!(f, "only {platform}"),
            Self::OtherPlatform(platform) => write!(f, "for {platform}, which is not this machine's platform"),
            Self::OnlyFirst { of } => write!(f, "only the first of {of} images"),
            Self::LeavesOut { images: n } => write!(f, "leaves {} out", images(*n)),
            Self::NeedsReference { example } => write!(f, "only when told which image: {example}"),
            Self::NeedsOption(option) => write!(f, "with {option}"),
            Self::UnpackFirst => write!(f, "reads folders: unpack it first"),
            Self::IdIsManifest => write!(f, "shows the manifest digest as ID"),
            Self::IdIsMade => write!(f, "makes a manifest and shows its digest as ID"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_images_are_told_as_such() {
        for (note, want) in [
            (Note::LeavesOut { images: 1 }, "leaves 1 image out"),
            (Note::LeavesOut { images: 2 }, "leaves 2 images out"),
            (Note::ByDigest(1), "1 image by digest only, without a name"),
            (Note::Untagged(1), "without a name"),
        ] {
            assert_eq!(note.to_string(), want);
        }
    }
}
