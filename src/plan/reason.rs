//! Why a blob is treated as it is: for people, who ask what became of their layers.

use std::fmt;

use super::{Action, Policy};
use crate::codec::{Compression, CompressionChoice};

/// Why a conversion does to a blob what it does. Displayed as a few words, as in `already gzip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It is no layer of a file system, so nothing looks into it.
    NoLayer,
    /// It is stored as it should be.
    Already(Compression),
    /// It is stored in a way that readers of the target take.
    Fits(Compression),
    /// The manifest that names it is kept, with its digest.
    Named,
    /// [`CompressionChoice::Keep`] was asked for.
    KeepAsked,
    /// The other compression was asked for.
    Asked {
        /// How it is stored in the input.
        from: Compression,
        /// What was asked for.
        to: Compression,
    },
    /// What readers of the target take is the other compression.
    Target {
        /// How it is stored in the input.
        from: Compression,
        /// What they take.
        to: Compression,
        /// Name of the target's format.
        target: &'static str,
    },
}

impl Reason {
    /// Explains an action that [`Layers`](super::layers::Layers) chose; `now` is `None` for what is no layer.
    pub(crate) fn of(
        action: Action,
        now: Option<Compression>,
        choice: Option<CompressionChoice>,
        policy: Policy,
        target: &'static str,
    ) -> Self {
        let Some(from) = now else { return Self::NoLayer };
        let to = match action {
            Action::Copy => return Self::of_copy(from, choice, policy),
            Action::Decompress => Compression::None,
            Action::Compress(encoding) | Action::Recompress(encoding) => encoding.compression(),
        };
        if choice.is_some() { Self::Asked { from, to } } else { Self::Target { from, to, target } }
    }

    fn of_copy(now: Compression, choice: Option<CompressionChoice>, policy: Policy) -> Self {
        match (choice, policy) {
            (Some(CompressionChoice::Keep), _) => Self::KeepAsked,
            (Some(_), _) | (None, Policy::Plain) => Self::Already(now),
            (None, Policy::KeepOrGzip) if matches!(now, Compression::Gzip | Compression::Zstd) => Self::Already(now),
            (None, Policy::KeepOrGzip) => Self::Named,
            (None, Policy::OldReaders) => Self::Fits(now),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |compression: &Compression| match compression {
            Compression::None => "plain",
            other => other.name(),
        };
        match self {
            Self::NoLayer => f.write_str("no layer of a file system"),
            Self::Already(now) => write!(f, "already {}", word(now)),
            Self::Fits(now) => write!(f, "{} layer, which all readers take", word(now)),
            Self::Named => f.write_str("kept as its manifest names it"),
            Self::KeepAsked => f.write_str("keep was asked for"),
            Self::Asked { from, to } => write!(f, "{} layer, {} was asked for", word(from), to.name()),
            Self::Target { from, to, target } => write!(f, "{} layer, {target} wants {}", word(from), word(to)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Encoding;

    #[test]
    fn every_action_has_its_reason() {
        use {Compression as C, CompressionChoice as Choice};
        let gzip = Encoding::new(C::Gzip, None).unwrap();
        let zstd = Encoding::new(C::Zstd, None).unwrap();
        let (plain, keep, old) = (Policy::Plain, Policy::KeepOrGzip, Policy::OldReaders);
        for (action, now, choice, policy, want) in [
            (Action::Copy, None, None, keep, "no layer of a file system"),
            (Action::Copy, Some(C::None), None, plain, "already plain"),
            (Action::Decompress, Some(C::Gzip), None, plain, "gzip layer, x wants plain"),
            (Action::Copy, Some(C::Zstd), None, keep, "already zstd"),
            (Action::Copy, Some(C::None), None, keep, "kept as its manifest names it"),
            (Action::Compress(gzip), Some(C::None), None, keep, "plain layer, x wants gzip"),
            (Action::Recompress(gzip), Some(C::Xz), None, keep, "xz layer, x wants gzip"),
            (Action::Copy, Some(C::None), None, old, "plain layer, which all readers take"),
            (Action::Copy, Some(C::Xz), Some(Choice::Keep), keep, "keep was asked for"),
            (Action::Decompress, Some(C::Gzip), Some(Choice::None), keep, "gzip layer, none was asked for"),
            (Action::Copy, Some(C::Gzip), Some(Choice::Gzip), plain, "already gzip"),
            (Action::Recompress(zstd), Some(C::Gzip), Some(Choice::Zstd), keep, "gzip layer, zstd was asked for"),
        ] {
            assert_eq!(Reason::of(action, now, choice, policy, "x").to_string(), want);
        }
    }
}
