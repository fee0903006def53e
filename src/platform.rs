//! Platforms, and how a wish for one matches what an image says.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::error::{Error, Result, quoted};
use crate::json::Cursor;
use crate::suggest::did_you_mean;

/// Operating system, architecture and variant in Go's words (image-spec, image-index.md).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// As in Go's `GOOS`: `linux`, `windows`.
    pub os: String,
    /// As in Go's `GOARCH`: `amd64`, `arm64`.
    pub architecture: String,
    /// Of the CPU: `v7`.
    pub variant: Option<String>,
}

impl Platform {
    /// Returns the platform whose images run on this machine: Linux, in a virtual machine where need be.
    pub fn host() -> Self {
        Self { os: "linux".to_owned(), architecture: normal_architecture(std::env::consts::ARCH), variant: None }
    }

    /// Reads `os`, `architecture` and `variant` from a config or a descriptor's `platform`; `None` when it names none.
    pub(crate) fn read(fields: &Cursor<'_>) -> Result<Option<Self>> {
        let field = |key| Ok::<_, Error>(fields.text_of(key)?.filter(|text| !text.is_empty()).map(str::to_owned));
        Ok(match (field("os")?, field("architecture")?) {
            (Some(os), Some(architecture)) => Some(Self { os, architecture, variant: field("variant")? }),
            _ => None,
        })
    }

    /// Tells whether this is what attestations carry in place of a platform (buildkit).
    pub(crate) fn is_unknown(&self) -> bool {
        self.os == "unknown" && self.architecture == "unknown"
    }

    /// Returns how well `self`, a platform that an image has, serves `wish`: 0 is best, `None` not at all. As containerd
    /// does it, a wish for `arm` means `v7`, and a less capable variant serves too.
    pub(crate) fn distance(&self, wish: &Self) -> Option<u32> {
        let arch = normal_architecture(&self.architecture);
        if self.os != wish.os || arch != normal_architecture(&wish.architecture) {
            return None;
        }
        let level = |platform: &Self| match (platform.variant.as_deref(), arch.as_str()) {
            (None, "arm") => Some(7),
            (None, "arm64") => Some(8),
            (None, _) => Some(1),
            (Some(variant), _) => variant.strip_prefix('v').and_then(|n| n.parse::<u32>().ok()),
        };
        match (level(self), level(wish)) {
            (Some(has), Some(wants)) if has <= wants => Some(wants - has),
            (Some(_), Some(_)) => None,
            _ => (self.variant == wish.variant).then_some(0),
        }
    }
}

fn normal_architecture(name: &str) -> String {
    match name {
        "x86_64" | "x86-64" => "amd64",
        "aarch64" => "arm64",
        "x86" | "i386" | "i686" => "386",
        "armhf" | "armel" => "arm",
        "powerpc64" => "ppc64le",
        "loongarch64" => "loong64",
        other => other,
    }
    .to_owned()
}

/// Copies what a config says about its platform into the form that a descriptor has, keys in image-spec's order.
pub(crate) fn descriptor_field(config: &Cursor<'_>) -> Result<Option<Value>> {
    if Platform::read(config)?.is_none() {
        return Ok(None);
    }
    let mut field = Map::new();
    for key in ["architecture", "os", "os.version", "os.features", "variant"] {
        if let Some(value) = config.get(key)? {
            let empty = value.value().as_str().is_some_and(str::is_empty)
                || value.value().as_array().is_some_and(Vec::is_empty);
            if !empty {
                field.insert(key.to_owned(), value.value().clone());
            }
        }
    }
    Ok(Some(Value::Object(field)))
}

/// Platforms that people build for, in the order in which they are suggested.
const COMMON: [&str; 11] = [
    "linux/amd64",
    "linux/arm64",
    "linux/arm/v7",
    "linux/arm/v6",
    "linux/386",
    "linux/ppc64le",
    "linux/s390x",
    "linux/riscv64",
    "linux/loong64",
    "windows/amd64",
    "darwin/arm64",
];

/// Guesses what was meant by a text that is no platform: often it is an architecture alone.
fn meant(text: &str) -> Option<String> {
    let alone = COMMON.into_iter().find(|platform| {
        let (_, architecture) = platform.split_once('/').expect("a platform");
        architecture == normal_architecture(text)
    });
    alone.map(|platform| format!("did you mean {platform}?")).or_else(|| did_you_mean(text, COMMON))
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = Error;

    /// Parses `os/architecture[/variant]`.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = || {
            let error = Error::usage(format!("platform {}: not os/architecture[/variant]", quoted(text)));
            error.maybe_hint(meant(text))
        };
        let parts: Vec<&str> = text.split('/').collect();
        let word = |s: &&str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !(2..=3).contains(&parts.len()) || !parts.iter().all(word) {
            return Err(invalid());
        }
        let architecture = normal_architecture(parts[1]);
        Ok(Self { os: parts[0].to_owned(), architecture, variant: parts.get(2).map(|&v| v.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_platform_is_guessed() {
        for (text, want) in [
            ("amd64", Some("did you mean linux/amd64?")),
            ("aarch64", Some("did you mean linux/arm64?")),
            ("s390x", Some("did you mean linux/s390x?")),
            ("linux-amd64", Some("did you mean linux/amd64?")),
            ("linux", Some("did you mean linux/amd64?")),
            ("linux/amd64/", Some("did you mean linux/amd64?")),
            ("plan9", None),
        ] {
            assert_eq!(text.parse::<Platform>().unwrap_err().advice().as_deref(), want, "{text}");
        }
    }

    #[test]
    fn wishes_match_as_containerd_matches_them() {
        for (has, wish, want) in [
            ("linux/amd64", "linux/amd64", Some(0)),
            ("linux/arm64/v8", "linux/arm64", Some(0)),
            ("linux/arm64", "linux/arm64/v8", Some(0)),
            ("linux/arm/v7", "linux/arm", Some(0)),
            ("linux/arm/v6", "linux/arm/v7", Some(1)),
            ("linux/arm/v7", "linux/arm/v6", None),
            ("linux/amd64/v3", "linux/amd64", None),
            ("windows/amd64", "linux/amd64", None),
            ("linux/x86_64", "linux/amd64", Some(0)),
        ] {
            let (has, wish): (Platform, Platform) = (has.parse().unwrap(), wish.parse().unwrap());
            assert_eq!(has.distance(&wish), want, "{has} for {wish}");
        }
    }
}
