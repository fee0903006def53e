//! The conversion that makes an engine load what it refuses, as a command to copy.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::escape;
use crate::formats::Format;
use crate::platform::Platform;

/// A conversion, or two in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    pub(super) to: Format,
    /// By way of a docker-archive, so that all documents are made anew.
    pub(super) rebuild: bool,
    pub(super) gzip: bool,
    /// The first image only.
    pub(super) one: bool,
    pub(super) platform: Option<Platform>,
    /// Tags to give to a repository that is named after the archive.
    pub(super) tags: Vec<String>,
}

/// Endings that say how an archive is packed.
const ENDINGS: [&str; 12] =
    [".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".zstd", ".tar", ".docker", ".oci", ".hybrid"];

impl Fix {
    /// Returns the format that it converts to.
    pub fn to(&self) -> Format {
        self.to
    }

    /// Returns the shell command for an archive at `input`, `-` for standard input: for any POSIX shell, but for paths
    /// with control characters or bytes that are no UTF-8, which take bash, ksh or zsh. The output stands beside the
    /// input.
    pub fn command(&self, input: &Path) -> String {
        let stdin = input == Path::new("-");
        let stem = if stdin { "image".to_owned() } else { stem(input) };
        let mut options = if self.one { " --image @0".to_owned() } else { String::new() };
        if let Some(platform) = &self.platform {
            options += &format!(" --platform {}", quote(platform.to_string().as_ref()));
        }
        let mut names = String::new();
        for tag in &self.tags {
            names += &format!(" --tag {}", quote(format!("{}:{tag}", repository(&stem)).as_ref()));
        }
        let gzip = if self.gzip { " --compression gzip" } else { "" };
        let to = self.to;
        let output = quote(self.output(input, &stem).as_os_str());
        // An argument that begins with a dash would be an option.
        let dashed = !stdin && input.as_os_str().as_bytes().starts_with(b"-");
        let input = quote(if dashed { Path::new(".").join(input) } else { input.to_owned() }.as_os_str());
        if self.rebuild {
            return format!(
                "transload convert --to {}{options} {input} - | transload convert --to {to}{gzip}{names} - {output}",
                Format::DockerArchive
            );
        }
        format!("transload convert --to {to}{options}{gzip}{names} {input} {output}")
    }

    /// Returns a path beside the input that is not the input.
    fn output(&self, input: &Path, stem: &str) -> PathBuf {
        let ending = match self.to {
            Format::DockerArchive => ".docker.tar",
            Format::OciArchive => ".oci.tar",
            Format::HybridArchive => ".hybrid.tar",
            Format::DockerDir => ".docker",
            Format::OciDir => ".oci",
        };
        let folder = input.parent().unwrap_or(Path::new(""));
        let beside = |name: String| {
            let path = folder.join(name);
            if path.as_os_str().as_bytes().starts_with(b"-") { Path::new(".").join(path) } else { path }
        };
        let path = beside(format!("{stem}{ending}"));
        if path == input { beside(format!("{stem}-2{ending}")) } else { path }
    }
}

/// Returns a file's or folder's name without the endings that say how it is packed.
fn stem(input: &Path) -> String {
    let name = input.file_name().map_or_else(|| "image".into(), OsStr::to_string_lossy);
    let mut stem: &str = &name;
    while let Some(shorter) =
        ENDINGS.iter().find_map(|ending| stem.strip_suffix(ending)).filter(|rest| !rest.is_empty())
    {
        stem = shorter;
    }
    // What is no UTF-8 in the name would be another name in the output, and so would a replacement.
    stem.replace('\u{fffd}', "_")
}

/// Makes a repository's name of any text.
fn repository(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars().take(64).map(|c| c.to_ascii_lowercase()) {
        let word = c.is_ascii_lowercase() || c.is_ascii_digit();
        if word || (!name.is_empty() && !name.ends_with('-')) {
            name.push(if word { c } else { '-' });
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { "image".to_owned() } else { name.to_owned() }
}

/// Quotes an argument for a shell, so that it can be printed, too.
pub(super) fn quote(argument: &OsStr) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:@%+,=".contains(&b);
    match argument.to_str() {
        Some(text) if !text.is_empty() && text.bytes().all(plain) => text.to_owned(),
        // No backslash is in it that a terminal would not show.
        Some(text) if escape(text) == text => format!("'{}'", text.replace('\'', r"'\''")),
        _ => {
            let byte = |&b: &u8| match b {
                b'\'' | b'\\' => format!("\\{}", char::from(b)),
                b' '..=b'~' => char::from(b).to_string(),
                // Three octal digits end where they end in every shell; hexadecimal ones do not.
                b => format!("\\{b:03o}"),
            };
            format!("$'{}'", argument.as_bytes().iter().map(byte).collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix(to: Format) -> Fix {
        Fix { to, rebuild: false, gzip: false, one: false, platform: None, tags: Vec::new() }
    }

    #[test]
    fn commands_can_be_copied() {
        let docker = fix(Format::DockerArchive);
        for (input, want) in [
            ("app.tar", "transload convert --to docker-archive app.tar app.docker.tar"),
            ("a/app.oci.tar.gz", "transload convert --to docker-archive a/app.oci.tar.gz a/app.docker.tar"),
            ("app.docker.tar", "transload convert --to docker-archive app.docker.tar app-2.docker.tar"),
            ("layout/", "transload convert --to docker-archive layout/ layout.docker.tar"),
            ("-", "transload convert --to docker-archive - image.docker.tar"),
            ("-x.tar", "transload convert --to docker-archive ./-x.tar ./-x.docker.tar"),
            ("my app.tar", "transload convert --to docker-archive 'my app.tar' 'my app.docker.tar'"),
            ("it's.tar", r"transload convert --to docker-archive 'it'\''s.tar' 'it'\''s.docker.tar'"),
            ("é.tar", "transload convert --to docker-archive 'é.tar' 'é.docker.tar'"),
            ("a\nb.tar", r"transload convert --to docker-archive $'a\012b.tar' $'a\012b.docker.tar'"),
            (
                "a\u{202e}.tar",
                r"transload convert --to docker-archive $'a\342\200\256.tar' $'a\342\200\256.docker.tar'",
            ),
        ] {
            assert_eq!(docker.command(Path::new(input)), want);
        }
        let bytes = OsStr::from_bytes(b"a\xff.tar");
        let want = r"transload convert --to docker-archive $'a\377.tar' a_.docker.tar";
        assert_eq!(docker.command(Path::new(bytes)), want);
    }

    #[test]
    fn options_stand_where_they_work() {
        let platform = Some("linux/arm64".parse().unwrap());
        let named = Fix { platform, tags: vec!["v1".into(), "latest".into()], ..fix(Format::OciArchive) };
        assert_eq!(
            named.command(Path::new("My App.tar")),
            "transload convert --to oci-archive --platform linux/arm64 --tag my-app:v1 --tag my-app:latest \
             'My App.tar' 'My App.oci.tar'"
        );
        let rebuilt = Fix { rebuild: true, gzip: true, one: true, ..fix(Format::OciDir) };
        assert_eq!(
            rebuilt.command(Path::new("x.tar")),
            "transload convert --to docker-archive --image @0 x.tar - | \
             transload convert --to oci-dir --compression gzip - x.oci"
        );
    }

    #[test]
    fn any_name_makes_a_repository() {
        for (text, want) in [("App", "app"), ("my app", "my-app"), ("__x__", "x"), ("..", "image"), ("é", "image")] {
            assert_eq!(repository(text), want);
        }
    }
}
