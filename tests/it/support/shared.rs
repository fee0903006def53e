//! Finds data that is shared between projects and too large to live in this one.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::tree::{Kind, Tree};

/// The folder of shared data, or `None` after saying loudly that `what` is skipped.
pub(crate) fn shared(what: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let path = std::env::var_os("TRANSLOAD_SHARED").map_or_else(beside, PathBuf::from).join(what);
    if path.exists() {
        return Some(path);
    }
    say(&format!("SKIPPED: {what} needs the shared data, which is not at {}", path.display()));
    None
}

/// The archives that come with the project.
pub(crate) fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// Prints a line even when the test harness swallows the output of tests that pass.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Copies a layout whose symlinked blobs became files with the text of the link on their way here, and makes links of
/// them again.
pub(crate) fn relink(from: &Path, to: &Path) {
    let mut links = Vec::new();
    let mut tree = Tree::read(from);
    tree.members.retain(|member| {
        let link = match &member.kind {
            Kind::File(bytes) if member.name.starts_with("blobs/") && bytes.len() < 100 => std::str::from_utf8(bytes),
            _ => return true,
        };
        let blob = from.join(&member.name);
        let target = link.ok().map(str::trim).filter(|link| blob.parent().is_some_and(|dir| dir.join(link).is_file()));
        links.extend(target.map(|target| (target.to_owned(), to.join(&member.name))));
        target.is_none()
    });
    assert!(!links.is_empty(), "{} has no links to make again", from.display());
    tree.write_to(to);
    for (target, blob) in links {
        fs::create_dir_all(blob.parent().expect("a blob lies in a folder")).expect("a folder can be made");
        symlink(target, blob).expect("a link can be made");
    }
}
