//! Finding archives and layout folders: by what they contain, not by their names.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::codec::{Compression, decoder};
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::tar_header::{BLOCK, checksum_fits};

/// Files of which a folder of images has one at its top.
const TOPS: [&str; 4] = ["oci-layout", "index.json", "manifest.json", "repositories"];
/// What an output folder holds beside outputs, and outputs that are not whole.
const OWN: &str = ".transload";

/// Something in a source.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// The path below the folder that it was found in; `None`: it is what was named.
    pub(super) name: Option<PathBuf>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// An archive or a layout folder, or what begins like one, and its bytes.
    Candidate {
        size: u64,
    },
    /// Neither.
    Other,
    Unreadable(Error),
}

/// Lists what is at a path, a folder's contents in the order of their names. What was named by the user is a candidate,
/// whatever it is, so that he hears what is wrong with it. `pass_over` are folders that are not looked into.
pub(super) fn find(
    path: &Path,
    pass_over: impl Fn(&Path) -> bool,
    limits: &Limits,
    found: &mut dyn FnMut(Found) -> Result<()>,
) -> Result<()> {
    let failed = |cause| Error::io("cannot open", cause).within(path.display().to_string());
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_dir() {
        return found(Found { path: path.to_owned(), name: None, kind: Kind::Candidate { size: metadata.len() } });
    }
    if is_layout(path) {
        return found(Found { path: path.to_owned(), name: None, kind: Kind::Candidate { size: bytes_below(path) } });
    }
    let mut walk = WalkDir::new(path).min_depth(1).sort_by_file_name().into_iter();
    while let Some(entry) = walk.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let at = error.path().unwrap_or(path).to_owned();
                let name = at.strip_prefix(path).unwrap_or(&at).to_owned();
                let cause = error.into_io_error().unwrap_or_else(|| std::io::Error::other("a loop of links"));
                let error = Error::io("cannot read", cause).within(at.display().to_string());
                found(Found { path: at, name: Some(name), kind: Kind::Unreadable(error) })?;
                continue;
            }
        };
        let at = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(OWN.as_bytes()) {
            if entry.file_type().is_dir() {
                walk.skip_current_dir();
            }
            continue;
        }
        let name = at.strip_prefix(path).unwrap_or(at).to_owned();
        let kind = match (entry.file_type().is_dir(), std::fs::metadata(at)) {
            (is_folder, Ok(metadata)) if metadata.is_dir() && pass_over(at) => {
                if is_folder {
                    walk.skip_current_dir();
                }
                continue;
            }
            (true, _) if is_layout(at) => {
                walk.skip_current_dir();
                Kind::Candidate { size: bytes_below(at) }
            }
            (true, _) => continue,
            // Links to files are followed; those to folders could lead anywhere, and round in circles.
            (false, Ok(metadata)) if metadata.is_file() => match begins_like_an_archive(at, limits) {
                Ok(true) => Kind::Candidate { size: metadata.len() },
                Ok(false) => Kind::Other,
                Err(cause) => Kind::Unreadable(Error::io("cannot read", cause).within(at.display().to_string())),
            },
            (false, _) => Kind::Other,
        };
        found(Found { path: at.to_owned(), name: Some(name), kind })?;
    }
    Ok(())
}

fn is_layout(folder: &Path) -> bool {
    TOPS.iter().any(|top| folder.join(top).is_file())
}

/// Returns the bytes of the files below a folder.
pub(super) fn bytes_below(folder: &Path) -> u64 {
    let files = WalkDir::new(folder).into_iter().flatten().filter_map(|entry| entry.metadata().ok());
    files.filter(std::fs::Metadata::is_file).map(|metadata| metadata.len()).sum()
}

/// Tells whether a file begins with the header of a tar, or is compressed and what is in it does. One that cannot be
/// decompressed is taken for an archive: whoever reads it says what is wrong.
fn begins_like_an_archive(path: &Path, limits: &Limits) -> io::Result<bool> {
    let mut file = BufReader::new(File::open(path)?);
    let compression = Compression::sniff(file.fill_buf()?);
    let head = |reader: &mut dyn Read| {
        let mut head = Vec::with_capacity(BLOCK);
        reader.take(BLOCK as u64).read_to_end(&mut head)?;
        Ok(<&[u8; BLOCK]>::try_from(head.as_slice()).is_ok_and(checksum_fits))
    };
    if compression == Compression::None {
        return head(&mut file);
    }
    let begun = decoder(compression, file, limits).and_then(|mut plain| head(&mut plain));
    // The system's own errors have a number.
    begun.or_else(|cause: io::Error| if cause.raw_os_error().is_some() { Err(cause) } else { Ok(true) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_known_by_their_first_bytes_and_layouts_by_their_files() {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| {
            let path = temp.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            path
        };
        let mut header = tar::Header::new_gnu();
        header.set_path("manifest.json").unwrap();
        header.set_size(0);
        header.set_cksum();
        std::fs::write(at("b/any.name"), header.as_bytes()).unwrap();
        std::fs::write(at("b/text.tar"), "no archive").unwrap();
        std::fs::write(at("b/c.tgz"), b"\x1f\x8b\x08 and so on").unwrap();
        std::fs::write(at("layout/index.json"), "{}").unwrap();
        std::fs::write(at("layout/blobs/sha256/x.tar"), header.as_bytes()).unwrap();
        std::fs::write(at(".transload/journal.jsonl"), header.as_bytes()).unwrap();
        std::fs::write(at("out/x.tar"), header.as_bytes()).unwrap();
        std::os::unix::fs::symlink("nowhere", at("a.tar")).unwrap();
        let mut seen = Vec::new();
        let mut keep = |found: Found| {
            seen.push(format!("{} {:?}", found.name.unwrap().display(), found.kind));
            Ok(())
        };
        find(temp.path(), |path| path.ends_with("out"), &Limits::default(), &mut keep).unwrap();
        let want = [
            "a.tar Other",
            "b/any.name Candidate { size: 512 }",
            "b/c.tgz Candidate { size: 13 }",
            "b/text.tar Other",
            "layout Candidate { size: 514 }",
        ];
        assert_eq!(seen, want);
        let mut named = Vec::new();
        find(&at("b/text.tar"), |_| false, &Limits::default(), &mut |found| {
            named.push(found);
            Ok(())
        })
        .unwrap();
        assert!(matches!(named[0].kind, Kind::Candidate { size: 10 }));
        assert!(find(&at("absent"), |_| false, &Limits::default(), &mut |_| Ok(())).is_err());
    }
}
