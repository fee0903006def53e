//! What names mean: `RepoTags` of a docker-archive, annotations of an OCI layout.

use crate::descriptor::{CONTAINERD_NAME, Descriptor, REF_NAME};
use crate::digest::Digest;
use crate::error::{Error, quoted};
use crate::reference::{Reference, is_tag};

/// A name that an image has in its source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Name {
    /// A repository and a tag.
    Full(Reference),
    /// Only a tag (`v1`), as skopeo, umoci and buildah write into OCI layouts: there is no repository.
    Bare(String),
    /// No name, or one that is only a digest.
    None,
    /// Text that is no name in docker's sense.
    Invalid {
        text: String,
        why: String,
        /// Refused, not dropped: no producer writes it, or it means different things to different tools.
        fatal: bool,
    },
}

/// docker writes this for an image without a name.
pub(crate) const NO_TAG: &str = "<none>:<none>";
/// crane writes this tag for an image that it pulled by digest.
const WAS_A_DIGEST: &str = "i-was-a-digest";
/// No repository is longer (distribution/reference).
const LIMIT: usize = 255;

impl Name {
    /// Reads an entry of `RepoTags`. Without a tag it means `latest`; a digest is no name, and neither is [`NO_TAG`].
    pub(crate) fn from_repo_tag(text: &str) -> Self {
        if text == NO_TAG {
            return Self::None;
        }
        match text.parse::<Reference>().map(Reference::tagged) {
            Ok(Some(reference)) if reference.tag() == Some(WAS_A_DIGEST) => Self::None,
            Ok(Some(reference)) => Self::Full(reference),
            Ok(None) => Self::None,
            Err(error) => Self::Invalid { text: text.to_owned(), why: error.to_string(), fatal: true },
        }
    }

    /// Reads the annotations of a descriptor in `index.json`; containerd's counts before image-spec's, as in podman.
    pub(crate) fn from_annotations(descriptor: &Descriptor) -> Self {
        let containerd = descriptor.annotation(CONTAINERD_NAME).map(Self::from_annotation);
        let spec = || descriptor.annotation(REF_NAME).map_or(Self::None, Self::from_annotation);
        match containerd {
            Some(name @ Self::Full(_)) => name,
            Some(other) => match spec() {
                Self::None => other,
                better => better,
            },
            None => spec(),
        }
    }

    /// Reads one annotation.
    pub(crate) fn from_annotation(text: &str) -> Self {
        if text.parse::<Digest>().is_ok() {
            return Self::None;
        }
        if is_tag(text) {
            return Self::Bare(text.to_owned());
        }
        match text.parse::<Reference>().map(Reference::tagged) {
            Ok(Some(reference)) => Self::Full(reference),
            Ok(None) => Self::None,
            Err(error) => {
                // Too long for any engine, or meant to harm.
                let fatal = text.len() > LIMIT || text.chars().any(char::is_control);
                Self::Invalid { text: text.to_owned(), why: error.to_string(), fatal }
            }
        }
    }

    /// Reads what a user typed as a new name: a reference without a digest, or `:TAG` for a tag without a repository.
    pub(crate) fn from_user(text: &str) -> Result<Self, Error> {
        if let Some(tag) = text.strip_prefix(':').filter(|tag| is_tag(tag)) {
            return Ok(Self::Bare(tag.to_owned()));
        }
        let reference: Reference = text.parse().map_err(|e: Error| Error::usage(e.to_string()))?;
        if reference.digest().is_some() {
            return Err(Error::usage(format!("reference {}: a name for an image cannot hold a digest", quoted(text))));
        }
        Ok(reference.tagged().map_or(Self::None, Self::Full))
    }

    pub(crate) fn full(&self) -> Option<&Reference> {
        match self {
            Self::Full(reference) => Some(reference),
            _ => None,
        }
    }

    /// Returns it for people; may hold any character.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Full(reference) => Some(reference.to_string()),
            Self::Bare(text) | Self::Invalid { text, .. } => Some(text.clone()),
            Self::None => None,
        }
    }

    /// Tells whether a user who types `text` means this name.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Full(reference) => {
                let wanted = text.parse::<Reference>().ok().and_then(Reference::tagged);
                wanted.as_ref() == Some(reference)
            }
            Self::Bare(tag) => tag == text,
            Self::Invalid { text: own, .. } => own == text,
            Self::None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(text: &str) -> Name {
        Name::Full(text.parse().unwrap())
    }

    #[test]
    fn repo_tags_mean_what_docker_means() {
        let digest = format!("sha256:{}", "0".repeat(64));
        for (text, want) in [
            ("busybox:1", full("docker.io/library/busybox:1")),
            ("a/b", full("docker.io/a/b:latest")),
            (&format!("a/b:t@{digest}"), full("docker.io/a/b:t")),
            (&format!("a/b@{digest}"), Name::None),
            ("ubuntu:i-was-a-digest", Name::None),
            ("<none>:<none>", Name::None),
        ] {
            assert_eq!(Name::from_repo_tag(text), want, "{text}");
        }
        for text in ["", "A/b:c", "a:b c"] {
            assert!(matches!(Name::from_repo_tag(text), Name::Invalid { fatal: true, .. }), "{text}");
        }
    }

    #[test]
    fn annotations_may_hold_a_full_name_a_tag_or_anything() {
        let digest = format!("sha256:{}", "0".repeat(64));
        for (text, want) in [
            ("v1.0", Name::Bare("v1.0".into())),
            ("a/b", full("docker.io/a/b:latest")),
            ("localhost/foo:bar", full("localhost/foo:bar")),
            (&digest, Name::None),
            (&format!("a/b@{digest}"), Name::None),
        ] {
            assert_eq!(Name::from_annotation(text), want, "{text}");
        }
        for (text, want) in
            [("ocidir://x", false), ("UP:x", false), ("a b", false), ("a\u{1b}]0;", true), (&"a/".repeat(300), true)]
        {
            assert!(matches!(Name::from_annotation(text), Name::Invalid { fatal, .. } if fatal == want), "{text}");
        }
    }
}
