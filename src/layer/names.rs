//! Names in a layer: how they are cleaned, which are dangerous, which are whiteouts.

use super::entry::{Entry, FileKind};
use super::problem::Fault;

/// PATH_MAX and NAME_MAX: nothing longer can be unpacked on Linux.
pub(super) const PATH_LIMIT: usize = 4096;
const PART_LIMIT: usize = 255;
/// Removes the file of this name from the layers below (image-spec, layer.md, "Whiteouts").
const WHITEOUT: &[u8] = b".wh.";
/// Removes everything that the layers below have in its directory (the same, "Opaque Whiteout").
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Other names that start so are aufs's own files, not whiteouts; engines skip them (moby, pkg/archive `diff.go`).
const AUFS: &[u8] = b".wh..wh.";

/// A name taken apart, as Go's `filepath.Clean` does it below the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clean<'n> {
    /// Without empty ones, `.` and `..`; none for the root itself.
    pub(crate) parts: Vec<&'n [u8]>,
    pub(crate) absolute: bool,
    /// There is a `..` in it.
    pub(crate) parents: bool,
    /// It leads out of the root. The parts are what is left when the root is its own parent.
    pub(crate) leaves: bool,
}

pub(crate) fn clean(name: &[u8]) -> Clean<'_> {
    let mut clean = Clean { parts: Vec::new(), absolute: name.starts_with(b"/"), parents: false, leaves: false };
    for part in parts(name) {
        if part != b".." {
            clean.parts.push(part);
            continue;
        }
        clean.parents = true;
        clean.leaves |= clean.parts.pop().is_none();
    }
    clean
}

fn parts(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    name.split(|&b| b == b'/').filter(|part| !part.is_empty() && *part != b".")
}

/// What a name in a layer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role<'n> {
    /// It is a file.
    File,
    /// It removes the file of this name, in its directory, from the layers below.
    Whiteout(&'n [u8]),
    /// It removes what the layers below have in its directory.
    Opaque,
    /// It is a file of aufs that is no part of the image.
    Ignored,
}

/// Returns what an entry with this name does.
pub(crate) fn role<'n>(name: &Clean<'n>) -> Role<'n> {
    let Some((last, folders)) = name.parts.split_last() else { return Role::File };
    match last.strip_prefix(WHITEOUT) {
        _ if folders.iter().any(|folder| folder.starts_with(AUFS)) => Role::Ignored,
        None => Role::File,
        Some(_) if *last == OPAQUE => Role::Opaque,
        Some(_) if last.starts_with(AUFS) => Role::Ignored,
        // `.wh.`, `.wh..` and `.wh...` name no file.
        Some(b"" | b"." | b"..") => Role::Ignored,
        Some(name) => Role::Whiteout(name),
    }
}

/// Returns what is wrong with an entry's names.
pub(super) fn faults(entry: &Entry) -> Vec<Fault> {
    let mut faults = Vec::new();
    let name = clean(&entry.path);
    let mut add = |is: bool, fault: Fault| faults.extend(is.then_some(fault));
    add(entry.path.contains(&0) || entry.link.contains(&0), Fault::NulInName);
    add(is_too_long(&entry.path), Fault::NameTooLong);
    add(name.absolute, Fault::AbsoluteName);
    add(name.leaves, Fault::NameLeavesRoot);
    add(name.parents && !name.leaves, Fault::ParentInName);
    match entry.kind {
        FileKind::HardLink => add(clean(&entry.link).leaves, Fault::HardLinkLeavesRoot),
        FileKind::Symlink => add(climbs_out(name.parts.len(), &entry.link), Fault::SymlinkLeavesRoot),
        FileKind::Other(letter) => add(true, Fault::UnknownType(letter)),
        _ => {}
    }
    faults
}

/// Tells whether Linux has no such name.
pub(crate) fn is_too_long(name: &[u8]) -> bool {
    // A path may have to end with a NUL.
    name.len() >= PATH_LIMIT || parts(name).any(|part| part.len() > PART_LIMIT)
}

/// Tells whether a symbolic link this many directories deep, itself counted, leads above the root.
fn climbs_out(depth: usize, target: &[u8]) -> bool {
    let mut depth = if target.starts_with(b"/") { 0 } else { depth.saturating_sub(1) };
    for part in parts(target) {
        if part != b".." {
            depth += 1;
        } else if depth == 0 {
            return true;
        } else {
            depth -= 1;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_below_the_root() {
        for (name, want, absolute, parents, leaves) in [
            (&b"./a//b/"[..], &[&b"a"[..], b"b"][..], false, false, false),
            (b"./", &[], false, false, false),
            (b"/etc", &[b"etc"], true, false, false),
            (b"a/../b", &[b"b"], false, true, false),
            (b"a/../../b", &[b"b"], false, true, true),
            (b"..", &[], false, true, true),
            (b"a/..b/...", &[b"a", b"..b", b"..."], false, false, false),
        ] {
            let want = Clean { parts: want.to_vec(), absolute, parents, leaves };
            assert_eq!(clean(name), want, "{}", String::from_utf8_lossy(name));
        }
    }

    #[test]
    fn whiteouts_are_told_from_files_and_from_aufs_s_own() {
        for (name, want) in [
            (&b"a"[..], Role::File),
            (b".wh.a", Role::Whiteout(b"a")),
            (b".wh..a", Role::Whiteout(b".a")),
            (b".wh..wh..opq", Role::Opaque),
            (b".wh..wh.plnk", Role::Ignored),
            (b".wh.", Role::Ignored),
            (b".wh...", Role::Ignored),
            (b"a.wh.b", Role::File),
            (b"./d/.wh.a", Role::Whiteout(b"a")),
            (b".wh.d/a", Role::File),
            (b".wh..wh.plnk/a", Role::Ignored),
            (b"/", Role::File),
        ] {
            assert_eq!(role(&clean(name)), want, "{}", String::from_utf8_lossy(name));
        }
    }

    #[test]
    fn links_that_climb_out_are_found() {
        for (depth, target, want) in [
            (1, &b"x"[..], false),
            (1, b"../x", true),
            (2, b"../x", false),
            (2, b"../../x", true),
            (2, b"../../usr/x", true),
            (3, b"../../x", false),
            (3, b"/x/y", false),
            (3, b"/../x", true),
            (2, b"a/../../x", false),
        ] {
            assert_eq!(climbs_out(depth, target), want, "{depth} {}", String::from_utf8_lossy(target));
        }
    }
}
