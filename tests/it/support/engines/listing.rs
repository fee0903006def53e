//! The files of an image as comparable lines, from a tar stream or a folder.

use super::{output, tool};
use crate::support::sha256;
use crate::support::tree::clean;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use tar::{Archive, EntryType};

/// One line for each name: kind, mode, owner, content and extended attributes.
pub(crate) type Listing = BTreeMap<String, String>;

/// Lists a folder, with GNU tar as the one that reads extended attributes.
#[track_caller]
pub(crate) fn list_folder(folder: &Path) -> Listing {
    let mut command = tool("tar");
    command.args(["--create", "--format=posix", "--numeric-owner", "--xattrs", "--xattrs-include=*"]);
    list_tar(&output(command.arg("--directory").arg(folder).arg(".")))
}

/// Lists the members of a tar stream except its root folder, which engines make themselves.
#[track_caller]
pub(crate) fn list_tar(bytes: &[u8]) -> Listing {
    let mut lines = Listing::new();
    let mut links = Vec::new();
    let mut archive = Archive::new(bytes);
    for entry in archive.entries().expect("the stream is a tar") {
        let mut entry = entry.expect("the stream is whole");
        let name = clean(&String::from_utf8_lossy(&entry.path_bytes()));
        let target = entry.link_name_bytes().map(|target| target.into_owned()).unwrap_or_default();
        if name.is_empty() {
            continue;
        }
        if entry.header().entry_type() == EntryType::Link {
            links.push((name, clean(&String::from_utf8_lossy(&target))));
            continue;
        }
        let attributes = String::from_iter(attributes(&mut entry));
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("the stream is whole");
        let header = entry.header();
        let kind = header.entry_type();
        let body = match kind {
            EntryType::Symlink => format!("-> {}", String::from_utf8_lossy(&target)),
            EntryType::Regular => format!("{} {} at {}", content.len(), sha256(&content), header.mtime().unwrap_or(0)),
            // Times of folders change whenever an engine adds its own files.
            _ => String::new(),
        };
        let mode = header.mode().expect("a mode is a number") & 0o7777;
        let owner = (header.uid().expect("an id is a number"), header.gid().expect("an id is a number"));
        lines.insert(name, format!("{kind:?} {mode:o} {owner:?} {body}{attributes}"));
    }
    join_links(lines, links)
}

/// Gives hard links the line of their target, and all of a group the same list of names.
///
/// Which of the names is the file and which are links depends on the order of a walk.
fn join_links(mut lines: Listing, links: Vec<(String, String)>) -> Listing {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, target) in links {
        groups.entry(target).or_default().push(name);
    }
    for (target, mut names) in groups {
        let file = lines.get(&target).unwrap_or_else(|| panic!("hard link to nothing: {target}")).clone();
        names.push(target);
        names.sort();
        for name in &names {
            lines.insert(name.clone(), format!("{file} linked as {names:?}"));
        }
    }
    lines
}

fn attributes(entry: &mut tar::Entry<'_, &[u8]>) -> BTreeSet<String> {
    let extensions = entry.pax_extensions().expect("pax headers can be read");
    let extensions = extensions.into_iter().flatten().map(|extension| extension.expect("a pax record is whole"));
    extensions
        .filter_map(|extension| {
            let key = extension.key().expect("a pax key is UTF-8").strip_prefix("SCHILY.xattr.")?;
            Some(format!(" {key}={}", extension.value_bytes().escape_ascii()))
        })
        .collect()
}
