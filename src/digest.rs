//! The three hashes that must never be mixed up, and how they are made.

mod hasher;
mod pair;

pub(crate) use hasher::{Hasher, update_both};

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, quoted};

/// A registered digest algorithm (image-spec, descriptor.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// Returns the name as digests and blob paths spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// Hash of a blob's stored bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    /// The first `algorithm.len()` bytes count; the rest are zero.
    bytes: [u8; 64],
}

impl Digest {
    /// Hashes `bytes` with SHA-256.
    pub fn of(bytes: &[u8]) -> Self {
        Self::with(Algorithm::Sha256, bytes)
    }

    /// Hashes `bytes` with the given algorithm.
    pub fn with(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// Returns the algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Takes these bytes for a SHA-256 that was made elsewhere.
    pub(crate) fn of_sha256(hash: &[u8; 32]) -> Self {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(hash);
        Self { algorithm: Algorithm::Sha256, bytes }
    }

    /// Returns the hash's first 32 bytes: all of a SHA-256.
    pub(crate) fn first_bytes(&self) -> [u8; 32] {
        self.bytes[..32].try_into().expect("there are 64")
    }

    /// Returns the hash in lower-case hexadecimal, without the algorithm.
    pub fn hex(&self) -> String {
        hex(&self.bytes[..self.algorithm.len()])
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|n| char::from(b"0123456789abcdef"[usize::from(n)])).collect()
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = Error;

    /// Parses `sha256:<64 lower-case hex digits>` or the like for sha512; nothing else is a digest that we can check.
    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = |why: &str| Error::damaged(format!("digest {}: {why}", quoted(text)));
        let (name, digits) = text.split_once(':').ok_or_else(|| invalid("no algorithm"))?;
        let algorithm = [Algorithm::Sha256, Algorithm::Sha512]
            .into_iter()
            .find(|a| a.name() == name)
            .ok_or_else(|| invalid("not a sha256 or sha512 digest"))?;
        if digits.len() != 2 * algorithm.len() {
            return Err(invalid(&format!("not {} hexadecimal digits", 2 * algorithm.len())));
        }
        let mut bytes = [0; 64];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let nibble = |c: u8| match c {
                b'0'..=b'9' => Some(c - b'0'),
                b'a'..=b'f' => Some(c - b'a' + 10),
                _ => None,
            };
            *byte = match (nibble(pair[0]), nibble(pair[1])) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(invalid("not lower-case hexadecimal")),
            };
        }
        Ok(Self { algorithm, bytes })
    }
}

/// Hash of a layer's tar stream, uncompressed, to its very end: bytes after the tar's end marker count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiffId(Digest);

impl DiffId {
    /// Makes a diff_id out of the digest of an uncompressed stream. The caller asserts that this is what was hashed.
    pub fn of_tar(digest: Digest) -> Self {
        Self(digest)
    }

    /// Returns the digest that the layer has when it is stored uncompressed.
    pub fn as_plain_digest(&self) -> Digest {
        self.0
    }
}

/// Hash of an image config's bytes: what docker's classic store and podman show as the image's ID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageId(Digest);

impl ImageId {
    /// Makes an image ID out of a config's digest.
    pub fn of_config(digest: Digest) -> Self {
        Self(digest)
    }

    /// Returns the digest of the config blob.
    pub fn as_config_digest(&self) -> Digest {
        self.0
    }
}

macro_rules! like_a_digest {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                text.parse().map(Self)
            }
        }
    )*};
}

like_a_digest!(DiffId ImageId);

macro_rules! serialized_as_text {
    ($($name:ident)*) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

serialized_as_text!(Digest DiffId ImageId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_print_as_they_parse() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").to_string(), empty);
        assert_eq!(empty.parse::<Digest>().unwrap(), Digest::of(b""));
        let long = Digest::with(Algorithm::Sha512, b"x");
        assert_eq!(long.to_string().parse::<Digest>().unwrap(), long);
    }

    #[test]
    fn only_canonical_digests_parse() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for wrong in [
            hex.to_owned(),
            format!("sha256:{}", hex.to_uppercase()),
            format!("sha256:{hex}0"),
            format!("sha256:{}", &hex[1..]),
            format!("sha256:{}g", &hex[1..]),
            format!("md5:{hex}"),
            format!("sha512:{hex}"),
            "sha256:".to_owned(),
            "sha256:../../../../etc/passwd".to_owned(),
            format!("../sha256:{hex}"),
        ] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
        }
    }
}
