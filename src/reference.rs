//! Image references, as docker, containerd and podman share them (distribution/reference).

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result, quoted};

/// The registry that a name without one means.
const DEFAULT_DOMAIN: &str = "docker.io";
const NAME_LIMIT: usize = 255;
const TAG_LIMIT: usize = 128;

/// A name for an image: `docker.io/library/ubuntu:20.04`. Always fully qualified; short spellings are expanded as
/// docker does, and `index.docker.io` is `docker.io`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl Reference {
    /// Returns registry and repository: `docker.io/library/ubuntu`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// Returns the tag, if one was given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns the digest, if one was given.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Returns the reference with a tag and without a digest: as given, `latest` when there was neither, `None` for a
    /// reference that has a digest in place of a tag.
    pub(crate) fn tagged(mut self) -> Option<Self> {
        if self.tag.is_none() {
            if self.digest.is_some() {
                return None;
            }
            self.tag = Some("latest".to_owned());
        }
        self.digest = None;
        Some(self)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.domain, self.path)?;
        self.tag.as_ref().map_or(Ok(()), |tag| write!(f, ":{tag}"))?;
        self.digest.as_ref().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = |why: &str| Error::damaged(format!("reference {}: {why}", quoted(text)));
        if text.is_empty() {
            return Err(invalid("empty"));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) if is_digest(digest) => (rest, Some(digest.to_owned())),
            Some(_) => return Err(invalid("no valid digest after the @")),
            None => (text, None),
        };
        // A colon before the last slash belongs to the registry's port.
        let name_end = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[name_end..].split_once(':') {
            Some((last, tag)) => (&rest[..name_end + last.len()], Some(tag)),
            None => (rest, None),
        };
        if let Some(tag) = tag
            && !is_tag(tag)
        {
            let why = if tag.len() > TAG_LIMIT { "the tag is longer than 128 characters" } else { "invalid tag" };
            return Err(invalid(why));
        }
        let (domain, path) = split_domain(name);
        if !path.split('/').all(is_component) {
            let upper = path.bytes().any(|b| b.is_ascii_uppercase());
            return Err(invalid(if upper { "the repository must be lower case" } else { "invalid repository" }));
        }
        if !is_domain(domain) {
            return Err(invalid("invalid registry"));
        }
        if path == name && name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(invalid("64 hexadecimal digits are an image ID, not a name"));
        }
        let domain = if domain == "index.docker.io" { DEFAULT_DOMAIN } else { domain };
        let short = domain == DEFAULT_DOMAIN && !path.contains('/');
        let path = if short { format!("library/{path}") } else { path.to_owned() };
        // Measured in full, so that what is written can be read again.
        if domain.len() + 1 + path.len() > NAME_LIMIT {
            return Err(invalid("the repository is longer than 255 characters"));
        }
        Ok(Self { domain: domain.to_owned(), path, tag: tag.map(str::to_owned), digest })
    }
}

/// Splits off the registry: what stands before the first slash, when it looks like a host.
fn split_domain(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) => (first, rest),
        _ => (DEFAULT_DOMAIN, name),
    }
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.rsplit_once(':') {
        Some((host, port)) if !domain.ends_with(']') => (host, Some(port)),
        _ => (domain, None),
    };
    let label = |s: &str| {
        let inner = s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        !s.is_empty() && inner && !s.starts_with('-') && !s.ends_with('-')
    };
    let v6 = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let host_ok = match v6 {
        Some(address) => !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':'),
        None => host.split('.').all(label),
    };
    host_ok && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = bytes.first().copied().is_some_and(alnum) && bytes.last().copied().is_some_and(alnum);
    ends && bytes
        .split(|&b| alnum(b))
        .all(|separator| matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|&b| b == b'-'))
}

/// `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`
pub(crate) fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= TAG_LIMIT
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

/// `algorithm:hex` as references may hold it; no algorithm is preferred here.
fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, hex)| {
        let mut parts = algorithm.split(['+', '.', '_', '-']);
        let part = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        parts.all(part) && hex.len() >= 32 && hex.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_mean_what_docker_means_by_them() {
        for (text, want) in [
            ("ubuntu", "docker.io/library/ubuntu"),
            ("ubuntu:20.04", "docker.io/library/ubuntu:20.04"),
            ("a/b:c", "docker.io/a/b:c"),
            ("docker.io/x:1", "docker.io/library/x:1"),
            ("index.docker.io/library/test:latest", "docker.io/library/test:latest"),
            ("localhost/x:y", "localhost/x:y"),
            ("localhost:5000/x", "localhost:5000/x"),
            ("reg:5000/x/y:z", "reg:5000/x/y:z"),
            ("[::1]:5000/x:y", "[::1]:5000/x:y"),
            ("gcr.io/a/b_c/d__e/f--g.h:T_1.x-y", "gcr.io/a/b_c/d__e/f--g.h:T_1.x-y"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), want);
        }
        let digest = format!("a/b:t@sha256:{}", "0".repeat(64)).parse::<Reference>().unwrap();
        assert_eq!(digest.clone().tagged().unwrap().to_string(), "docker.io/a/b:t");
        assert!(Reference { tag: None, ..digest }.tagged().is_none());
    }

    #[test]
    fn what_no_engine_takes_is_no_reference() {
        let long = format!("a/{}:t", "r".repeat(300));
        let tag = format!("a:{}", "t".repeat(129));
        let id = "a".repeat(64);
        for text in [
            "",
            "A/b:c",
            "a b:c",
            "a:b c",
            "a:",
            ":a",
            "a//b",
            "a/b+c",
            "a:b$",
            "-a",
            "a-",
            "a___b",
            "a..b",
            "<none>:<none>",
            "a@sha256:12",
            "a:\u{202e}",
            "ocidir://x",
            "a.b:x/c",
            &long,
            &tag,
            &id,
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }
}
