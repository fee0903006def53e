//! How a path leads to its file. This library follows spellings and links without a word; other readers trip over them.

use super::{Member, Members, parts};

/// The way from a path, as a document spells it, to a member's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) spelling: Spelling,
    pub(crate) link: Link,
    /// There is a file at its end.
    pub(crate) found: bool,
}

/// How a document spells a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    Clean,
    /// With parts that lead nowhere: `./x`, `a/../x`, `a//x`.
    Dots,
    /// With a slash in front.
    Absolute,
}

/// What stands under a cleaned path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// A file, no link.
    None,
    /// A symbolic link whose target, counted from its folder, is a file.
    Near,
    /// A symbolic link that counts from the root.
    Absolute,
    /// Links to links, or links in place of folders on the way.
    Chain,
    /// A hard link; whether its target is found from the link's own folder, too, and not only from the root.
    Hard { from_folder: bool },
}

impl Way {
    /// The way to a file under the very name that was asked for.
    pub(crate) const PLAIN: Self = Self { spelling: Spelling::Clean, link: Link::None, found: true };

    pub(crate) fn is_plain(self) -> bool {
        self == Self::PLAIN
    }
}

impl Members {
    /// Describes the way that a path leads.
    pub(crate) fn way(&self, path: &str) -> Way {
        let spelling = if path.starts_with('/') {
            Spelling::Absolute
        } else if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            Spelling::Dots
        } else {
            Spelling::Clean
        };
        let found = self.find(path).is_ok_and(|content| content.is_some());
        let link = clean("", &format!("{}{path}", self.wrapper)).map_or(Link::Chain, |clean| self.link(&clean));
        Way { spelling, link, found }
    }

    fn link(&self, path: &str) -> Link {
        let folder = folder(path);
        let is_file = |path: Option<String>| path.is_some_and(|path| self.is_file(&path));
        match self.by_name.get(path).and_then(|same_name| same_name.last()) {
            Some(Member::File(_)) => Link::None,
            Some(Member::Symlink(target)) if target.starts_with('/') => Link::Absolute,
            Some(Member::Symlink(target)) if is_file(clean(folder, target)) => Link::Near,
            Some(Member::HardLink(target)) if is_file(clean("", target)) => {
                Link::Hard { from_folder: is_file(clean(folder, target)) }
            }
            _ => Link::Chain,
        }
    }

    fn is_file(&self, path: &str) -> bool {
        matches!(self.by_name.get(path).and_then(|same_name| same_name.last()), Some(Member::File(_)))
    }

    /// Tells whether some symbolic link does not lead to a file at once, its target counted from its folder even when it
    /// begins with a slash: containerd's importer gives up on any such link, needed or not.
    pub(crate) fn has_far_link(&self) -> bool {
        let far = |(path, member): (&String, &Member)| match member {
            Member::Symlink(target) => !clean(folder(path), target).is_some_and(|path| self.is_file(&path)),
            _ => false,
        };
        let all = self.by_name.iter().flat_map(|(path, same_name)| same_name.iter().map(move |member| (path, member)));
        all.into_iter().any(far)
    }

    /// Tells whether everything lies in one folder that is looked through.
    pub(crate) fn is_wrapped(&self) -> bool {
        !self.wrapper.is_empty()
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Joins and cleans paths by their text alone, as Go's `path.Join` does; `None` when that leaves the root.
fn clean(folder: &str, path: &str) -> Option<String> {
    let mut clean: Vec<&str> = Vec::new();
    for part in parts(folder).chain(parts(path)) {
        if part == ".." {
            clean.pop()?;
        } else {
            clean.push(part);
        }
    }
    Some(clean.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Content;
    use crate::context::Context;

    fn members(list: &[(&str, Member)]) -> Members {
        let mut members = Members::new(&Context::default());
        for (name, member) in list {
            members.insert(name, member.clone()).unwrap();
        }
        members
    }

    fn file(name: &str) -> (&str, Member) {
        (name, Member::File(Content::bytes("x".into(), name.into(), vec![1])))
    }

    fn symlink<'n>(name: &'n str, target: &str) -> (&'n str, Member) {
        (name, Member::Symlink(target.into()))
    }

    fn hard<'n>(name: &'n str, target: &str) -> (&'n str, Member) {
        (name, Member::HardLink(target.into()))
    }

    #[test]
    fn ways_say_what_other_readers_trip_over() {
        let members = members(&[
            file("a/file"),
            symlink("b/near", "../a/file"),
            symlink("c", "b/near"),
            symlink("d", "/a/file"),
            symlink("e", "a"),
            hard("a/beside", "a/file"),
            hard("top", "a/file"),
            symlink("gone", "nothing"),
        ]);
        for (path, spelling, link, found) in [
            ("a/file", Spelling::Clean, Link::None, true),
            ("./a/file", Spelling::Dots, Link::None, true),
            ("b/../a/file", Spelling::Dots, Link::None, true),
            ("/a/file", Spelling::Absolute, Link::None, true),
            ("b/near", Spelling::Clean, Link::Near, true),
            ("c", Spelling::Clean, Link::Chain, true),
            ("d", Spelling::Clean, Link::Absolute, true),
            ("e/file", Spelling::Clean, Link::Chain, true),
            ("a/beside", Spelling::Clean, Link::Hard { from_folder: false }, true),
            ("top", Spelling::Clean, Link::Hard { from_folder: true }, true),
            ("gone", Spelling::Clean, Link::Chain, false),
            ("nothing", Spelling::Clean, Link::Chain, false),
        ] {
            assert_eq!(members.way(path), Way { spelling, link, found }, "{path}");
        }
    }

    #[test]
    fn links_that_containerd_cannot_follow_are_noticed() {
        for (link, want) in [
            (symlink("a/x", "../y"), false),
            (symlink("x", "y"), false),
            // Its target counts from the link's folder, which happens to be the root.
            (symlink("x", "/y"), false),
            (symlink("a/x", "/y"), true),
            (symlink("x", "gone"), true),
            (symlink("x", "../y"), true),
            (hard("x", "gone"), false),
        ] {
            let name = link.0;
            assert_eq!(members(&[file("y"), link]).has_far_link(), want, "{name}");
        }
    }
}
