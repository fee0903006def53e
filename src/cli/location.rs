//! Places as they are typed: paths, `-`, and `transport:path[:reference]` as skopeo writes it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use transload::{Error, ErrorKind, Format, escape};

/// What a place on the command line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) format: Option<Format>,
    /// `None`: standard input or output.
    pub(super) path: Option<PathBuf>,
    /// An image in the input, or its name in the output.
    pub(super) reference: Option<String>,
}

/// Names that containers/image and buildx use beside our own.
const TRANSPORTS: [(&str, Format); 8] = [
    ("docker-archive", Format::DockerArchive),
    ("docker-dir", Format::DockerDir),
    ("oci-archive", Format::OciArchive),
    ("oci-dir", Format::OciDir),
    ("oci", Format::OciDir),
    ("oci-layout", Format::OciDir),
    ("hybrid-archive", Format::HybridArchive),
    ("hybrid", Format::HybridArchive),
];

/// Places that containers/image and docker know and that are no archives, and how to make one of what is there.
const ELSEWHERE: [(&str, &str); 5] = [
    ("docker", "skopeo copy docker://IMAGE oci-archive:FILE"),
    ("docker-daemon", "docker save -o FILE IMAGE"),
    ("containers-storage", "podman save --format oci-archive -o FILE IMAGE"),
    ("dir", "skopeo copy dir:FOLDER oci-archive:FILE"),
    ("ostree", "skopeo copy ostree:IMAGE oci-archive:FILE"),
];

impl Location {
    /// Reads a place as it was typed.
    pub(super) fn typed(place: &OsStr) -> Result<Self, Error> {
        Self::parse(place, |path| path.symlink_metadata().is_ok())
    }

    /// Reads a place. What exists under the whole text is a path, whatever colons are in it; so is what is no text.
    fn parse(place: &OsStr, exists: impl Fn(&Path) -> bool) -> Result<Self, Error> {
        if place.is_empty() {
            return Err(Error::new(ErrorKind::Usage, "an empty path"));
        }
        Ok(match place.to_str() {
            Some(text) => {
                let elsewhere = ELSEWHERE.iter().find(|(name, _)| {
                    text.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')) && !exists(Path::new(text))
                });
                if let Some((_, archive)) = elsewhere {
                    let error = Error::new(ErrorKind::Usage, "no archive or folder");
                    return Err(error.within(escape(text)).hint(format!("{archive} makes one")));
                }
                Self::parse_text(text, exists)
            }
            None => Self { format: None, path: Some(place.into()), reference: None },
        })
    }

    fn parse_text(text: &str, exists: impl Fn(&Path) -> bool) -> Self {
        let plain = |path: &str| (path != "-").then(|| PathBuf::from(path));
        let transport = TRANSPORTS.iter().find_map(|(name, format)| {
            let rest = text.strip_prefix(name)?.strip_prefix(':')?;
            Some((*format, rest.strip_prefix("//").unwrap_or(rest)))
        });
        let (format, rest) = match transport {
            Some((format, rest)) if !exists(Path::new(text)) => (format, rest),
            _ => return Self { format: None, path: plain(text), reference: None },
        };
        let (path, reference) = match rest.split_once(':') {
            Some((path, reference)) if !exists(Path::new(rest)) => (path, Some(reference.to_owned())),
            _ => (rest, None),
        };
        Self { format: Some(format), path: plain(path), reference: reference.filter(|text| !text.is_empty()) }
    }

    /// Returns the format that an option and the place agree on.
    pub(super) fn agree(&self, option: Option<Format>, name: &str) -> Result<Option<Format>, Error> {
        match (option, self.format) {
            (Some(a), Some(b)) if a != b => {
                let message = format!("{name} {a} contradicts the transport {b}");
                Err(Error::new(ErrorKind::Usage, message))
            }
            (a, b) => Ok(a.or(b)),
        }
    }

    /// Returns it for people.
    pub(super) fn shown(&self, stdio: &str) -> String {
        self.path.as_ref().map_or(stdio.to_owned(), |path| escape(&path.display().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, existing: &[&str], want: (Option<Format>, Option<&str>, Option<&str>)) {
        let got = Location::parse_text(text, |path| existing.iter().any(|known| Path::new(known) == path));
        let (format, path, reference) = want;
        let want = Location { format, path: path.map(PathBuf::from), reference: reference.map(str::to_owned) };
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn what_is_no_archive_is_told_from_a_path() {
        for text in ["docker://app:1", "docker-daemon:app:1", "containers-storage:app", "dir:app", "ostree:app"] {
            let error = Location::parse(text.as_ref(), |_| false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(error.advice().unwrap().contains(" makes one"), "{error}");
            let path = Location::parse(text.as_ref(), |_| true).unwrap().path;
            assert_eq!(path.as_deref(), Some(Path::new(text)));
        }
        assert!(Location::parse("dirs:app".as_ref(), |_| false).is_ok());
    }

    #[test]
    fn transports_are_read_as_skopeo_reads_them_and_paths_that_exist_win() {
        let (docker, oci, dir) = (Some(Format::DockerArchive), Some(Format::OciArchive), Some(Format::OciDir));
        check("-", &[], (None, None, None));
        check("app.tar", &[], (None, Some("app.tar"), None));
        check("./a:b.tar", &[], (None, Some("./a:b.tar"), None));
        check("c:/x.tar", &[], (None, Some("c:/x.tar"), None));
        check("docker-archive:app.tar", &[], (docker, Some("app.tar"), None));
        check("docker-archive:app.tar:app:1", &[], (docker, Some("app.tar"), Some("app:1")));
        check("docker-archive:app.tar:@3", &[], (docker, Some("app.tar"), Some("@3")));
        check("docker-archive:a:b.tar", &["a:b.tar"], (docker, Some("a:b.tar"), None));
        check("docker-archive:app.tar", &["docker-archive:app.tar"], (None, Some("docker-archive:app.tar"), None));
        check("oci-archive:-", &[], (oci, None, None));
        check("oci:dir:tag", &[], (dir, Some("dir"), Some("tag")));
        check("oci-layout://dir", &[], (dir, Some("dir"), None));
    }
}
