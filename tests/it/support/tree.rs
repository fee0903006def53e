//! A set of files, as a tar or a folder holds it: what tests build, damage and read back.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path};

use serde_json::Value;

use super::codec;
use super::tar::{Dialect, pack};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File(Vec<u8>),
    Dir,
    Symlink(String),
    /// The target is named from the root of the archive.
    Hardlink(String),
    Fifo,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) mtime: u64,
    pub(crate) owner: (u64, u64),
    pub(crate) owner_names: (String, String),
}

impl Member {
    pub(crate) fn new(name: impl Into<String>, kind: Kind) -> Member {
        let mode = if kind == Kind::Dir { 0o755 } else { 0o644 };
        Member { name: name.into(), kind, mode, mtime: 0, owner: (0, 0), owner_names: Default::default() }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(crate) members: Vec<Member>,
}

impl Tree {
    pub(crate) fn push(&mut self, name: impl Into<String>, kind: Kind) {
        self.members.push(Member::new(name, kind));
    }

    pub(crate) fn with(mut self, name: impl Into<String>, kind: Kind) -> Tree {
        self.push(name, kind);
        self
    }

    pub(crate) fn with_file(self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Tree {
        self.with(name, Kind::File(bytes.into()))
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.members.iter().map(|member| member.name.as_str()).collect()
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| clean(&member.name) == clean(name))
    }

    /// The bytes of a file; links are followed.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        let mut name = clean(name);
        for _ in 0..8 {
            let member = self.members.iter().find(|member| clean(&member.name) == name)?;
            name = match &member.kind {
                Kind::File(bytes) => return Some(bytes),
                Kind::Symlink(target) => {
                    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                    clean(&format!("{folder}/{target}"))
                }
                Kind::Hardlink(target) => clean(target),
                Kind::Dir | Kind::Fifo => return None,
            };
        }
        None
    }

    pub(crate) fn file(&self, name: &str) -> &[u8] {
        self.get(name).unwrap_or_else(|| panic!("no file {name} among {:?}", self.names()))
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(self.file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    // Damage and oddities. Each takes the tree and returns it, so that a row of a test is one expression.

    pub(crate) fn replace(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Tree {
        let at = self.position(name).unwrap_or_else(|| panic!("no {name} to replace"));
        self.members[at].kind = Kind::File(bytes.into());
        self
    }

    pub(crate) fn edit_json(self, name: &str, edit: impl FnOnce(&mut Value)) -> Tree {
        let mut value = self.json(name);
        edit(&mut value);
        let text = value.to_string();
        self.replace(name, text)
    }

    pub(crate) fn relink(mut self, name: &str, kind: Kind) -> Tree {
        let at = self.position(name).unwrap_or_else(|| panic!("no {name} to relink"));
        self.members[at].kind = kind;
        self
    }

    pub(crate) fn remove(mut self, name: &str) -> Tree {
        let at = self.position(name).unwrap_or_else(|| panic!("no {name} to remove"));
        self.members.remove(at);
        self
    }

    pub(crate) fn first(mut self, name: &str) -> Tree {
        let at = self.position(name).unwrap_or_else(|| panic!("no {name} to move"));
        let member = self.members.remove(at);
        self.members.insert(0, member);
        self
    }

    pub(crate) fn reversed(mut self) -> Tree {
        self.members.reverse();
        self
    }

    pub(crate) fn without_dirs(mut self) -> Tree {
        self.members.retain(|member| member.kind != Kind::Dir);
        self
    }

    /// Puts `prefix` before every name: `./`, or a wrapper folder.
    pub(crate) fn prefixed(mut self, prefix: &str) -> Tree {
        for member in &mut self.members {
            member.name.insert_str(0, prefix);
            if let Kind::Hardlink(target) = &mut member.kind {
                target.insert_str(0, prefix);
            }
        }
        self
    }

    pub(crate) fn tar(&self) -> Vec<u8> {
        pack(self, &Dialect::default())
    }

    /// Writes the members below `dir`, which must exist or be creatable.
    pub(crate) fn write_to(&self, dir: &Path) {
        fs::create_dir_all(dir).expect("a folder can be made in a sandbox");
        for member in &self.members {
            let path = dir.join(&member.name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).expect("a folder can be made in a sandbox");
            }
            match &member.kind {
                Kind::Dir => fs::create_dir_all(&path),
                Kind::File(bytes) => fs::write(&path, bytes),
                Kind::Symlink(target) => symlink(target, &path),
                Kind::Hardlink(target) => fs::hard_link(dir.join(target), &path),
                Kind::Fifo => unreachable!("no test puts a fifo into a folder"),
            }
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }

    /// Reads a folder, or a tar in any outer compression, with other code than the program's.
    pub(crate) fn read(path: &Path) -> Tree {
        if path.is_dir() {
            let mut tree = Tree::default();
            tree.walk(path, "");
            return tree;
        }
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Tree::from_tar(&bytes)
    }

    fn walk(&mut self, dir: &Path, prefix: &str) {
        let mut entries: Vec<_> = fs::read_dir(dir)
            .unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
            .map(|entry| entry.expect("a folder can be listed"))
            .collect();
        entries.sort_by_key(|entry| entry.file_name());
        for entry in entries {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let meta = entry.metadata().expect("an entry has metadata");
            let mode = meta.permissions().mode() & 0o7777;
            let kind = if meta.is_dir() {
                Kind::Dir
            } else if meta.is_symlink() {
                let target = fs::read_link(entry.path()).expect("a link has a target");
                Kind::Symlink(target.to_string_lossy().into_owned())
            } else {
                Kind::File(fs::read(entry.path()).expect("a file can be read"))
            };
            let is_dir = kind == Kind::Dir;
            self.members.push(Member { mode, ..Member::new(name.clone(), kind) });
            if is_dir {
                self.walk(&entry.path(), &format!("{name}/"));
            }
        }
    }

    pub(crate) fn from_tar(bytes: &[u8]) -> Tree {
        Tree::try_from_tar(bytes).unwrap_or_else(|error| panic!("not a tar: {error}"))
    }

    pub(crate) fn try_from_tar(bytes: &[u8]) -> std::io::Result<Tree> {
        let mut tree = Tree::default();
        let mut archive = ::tar::Archive::new(codec::open(bytes));
        for entry in archive.entries()? {
            let mut entry = entry?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let header = entry.header().clone();
            let target = || {
                let target = entry.link_name_bytes().expect("a link has a target");
                String::from_utf8_lossy(&target).into_owned()
            };
            let kind = match header.entry_type() {
                ::tar::EntryType::Directory => Kind::Dir,
                ::tar::EntryType::Symlink => Kind::Symlink(target()),
                ::tar::EntryType::Link => Kind::Hardlink(target()),
                ::tar::EntryType::Fifo => Kind::Fifo,
                ::tar::EntryType::XGlobalHeader => continue,
                _ => {
                    let mut bytes = Vec::new();
                    entry.read_to_end(&mut bytes)?;
                    Kind::File(bytes)
                }
            };
            let text = |field: Option<&[u8]>| String::from_utf8_lossy(field.unwrap_or_default()).into_owned();
            tree.members.push(Member {
                mode: header.mode().unwrap_or(u32::MAX),
                mtime: header.mtime().unwrap_or(u64::MAX),
                owner: (header.uid().unwrap_or(u64::MAX), header.gid().unwrap_or(u64::MAX)),
                owner_names: (text(header.username_bytes()), text(header.groupname_bytes())),
                ..Member::new(name, kind)
            });
        }
        Ok(tree)
    }
}

/// A name without `.`, `..`, doubled or outer slashes.
pub(crate) fn clean(name: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::ParentDir => {
                parts.pop();
            }
            _ => {}
        }
    }
    parts.join("/")
}
