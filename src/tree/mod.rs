//! A source as named members, whether they live in a tar or in a folder. Names are looked up here and nowhere else, so
//! no name from an archive ever becomes a path on disk.

mod dir;
mod input;
mod tar;
#[cfg(test)]
mod tests;
mod way;

pub use input::Input;
pub(crate) use input::{Container, open, open_noting, unnamed_file};
pub(crate) use tar::Tail;
pub(crate) use way::{Link, Spelling, Way};

use std::cell::{Cell, Ref, RefCell};
use std::collections::{BTreeMap, HashSet, VecDeque};

use crate::code::Code;
use crate::codec::Compression;
use crate::content::Content;
use crate::context::{Cancel, Context};
use crate::digest::Digest;
use crate::document::Document;
use crate::error::{Error, Result, Within, quoted};
use crate::limits::{Limits, exceeded};

/// What the smallest document takes beside its bytes.
const DOCUMENT_COST: u64 = 512;
/// Bytes of a path that is looked up: what Linux allows.
const PATH_LIMIT: usize = 4096;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Member {
    File(Content),
    /// A symbolic link; its target counts from its own folder.
    Symlink(String),
    /// A hard link; its target counts from the archive's root, as tar has it.
    HardLink(String),
    Directory,
    /// A pipe, a device, or a form of tar member that is not read; the word for it.
    Other(&'static str),
}

impl Member {
    /// Returns the bytes that it takes beside its name.
    fn held(&self) -> usize {
        match self {
            Self::File(content) => content.map_len(),
            Self::Symlink(target) | Self::HardLink(target) => target.len(),
            Self::Directory | Self::Other(_) => 0,
        }
    }
}

/// All members of a source by their cleaned names, without leading `/` or `./`.
#[derive(Debug)]
pub(crate) struct Members {
    by_name: BTreeMap<String, Vec<Member>>,
    count: usize,
    /// Bytes of what members are called, lead to and are made of.
    held: u64,
    /// Bytes of documents that may still be read.
    documents_left: Cell<u64>,
    limits: Limits,
    cancel: Cancel,
    /// Names that are there more than once and were found to be the same each time.
    alike: RefCell<HashSet<String>>,
    /// A folder around everything else, with its slash; empty when there is none.
    wrapper: String,
    /// How the tar ends, when it was read to its end.
    pub(crate) tail: Option<Tail>,
    /// The sha256 and the size of each document that was read, by its origin.
    documents: RefCell<BTreeMap<String, (Digest, u64)>>,
    /// How the source is compressed as a whole.
    pub(crate) outer: Compression,
    /// Some name begins with a slash.
    pub(crate) has_absolute_name: bool,
    /// Some symbolic link's name is not spelled as it is looked up (`./x`).
    pub(crate) has_unclean_link: bool,
}

impl Members {
    pub(crate) fn new(cx: &Context<'_>) -> Self {
        let (limits, cancel) = (cx.limits.clone(), cx.cancel.clone());
        let documents_left = Cell::new(limits.all_document_bytes);
        Self {
            by_name: BTreeMap::new(),
            count: 0,
            held: 0,
            documents_left,
            limits,
            cancel,
            alike: RefCell::default(),
            wrapper: String::new(),
            tail: None,
            documents: RefCell::default(),
            outer: Compression::None,
            has_absolute_name: false,
            has_unclean_link: false,
        }
    }

    /// Adds a member. A name that leaves the root is refused whether or not anything refers to it.
    pub(crate) fn insert(&mut self, name: &str, member: Member) -> Result<()> {
        self.count += 1;
        if self.count > self.limits.members {
            return Err(exceeded("members", format!("more than {} members", self.limits.members)));
        }
        self.held += (name.len() + member.held()) as u64;
        if self.held > self.limits.member_bytes {
            let limit = self.limits.member_bytes;
            return Err(exceeded(
                "member-bytes",
                format!("more than {limit} bytes of names, links and maps of members"),
            ));
        }
        let mut clean: Vec<&str> = Vec::new();
        for part in parts(name) {
            if part != ".." {
                clean.push(part);
            } else if clean.pop().is_none() {
                let error = Error::damaged("the member's name leaves the archive").coded(Code::MemberOutside);
                return Err(error.about(name).within(quoted(name)));
            }
        }
        if !clean.is_empty() {
            let clean = clean.join("/");
            self.has_absolute_name |= name.starts_with('/');
            self.has_unclean_link |= matches!(member, Member::Symlink(_)) && clean != name;
            // Hardly any name is there twice.
            self.by_name.entry(clean).or_insert_with(|| Vec::with_capacity(1)).push(member);
        }
        Ok(())
    }

    /// Tells whether there is no room for another.
    pub(crate) fn are_too_many(&self) -> bool {
        self.count > self.limits.members || self.held > self.limits.member_bytes
    }

    /// Returns names, as they are looked up, and what is there under each; several in the order of the source.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &[Member])> {
        self.by_name.iter().filter_map(|(name, members)| Some((name.strip_prefix(&self.wrapper)?, members.as_slice())))
    }

    /// Returns the sha256 of a document that was read whole.
    pub(crate) fn document_digest(&self, content: &Content) -> Option<Digest> {
        self.documents.borrow().get(content.origin()).map(|(digest, _)| *digest)
    }

    /// Returns sha256 and size of each document that was read whole, by its origin.
    pub(crate) fn documents(&self) -> Ref<'_, BTreeMap<String, (Digest, u64)>> {
        self.documents.borrow()
    }

    /// Looks through a single folder that holds everything, when one of `markers` is in it and none is outside.
    pub(crate) fn unwrap_folder(&mut self, markers: &[&str]) {
        let mut tops = self.by_name.keys().map(|name| name.split('/').next().unwrap_or(name));
        let Some(top) = tops.next() else { return };
        let inside = |marker: &&str| self.by_name.contains_key(&format!("{top}/{marker}"));
        if markers.iter().any(inside) && tops.all(|other| other == top) {
            self.wrapper = format!("{top}/");
        }
    }

    /// Tells whether a member of this name is there, whatever it is.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(&format!("{}{name}", self.wrapper))
    }

    /// Returns the names of all members, sorted, without the folder around them.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().filter_map(|name| name.strip_prefix(self.wrapper.as_str()))
    }

    /// Returns the file that a name leads to, through whatever links; an error when it is not there or no file.
    pub(crate) fn file(&self, name: &str) -> Result<&Content> {
        let missing = || Error::damaged(format!("no member {}", quoted(name))).coded(Code::Missing).about(name);
        self.find(name)?.ok_or_else(missing)
    }

    /// Reads a document that is there, or embedded in another.
    pub(crate) fn document(&self, content: &Content) -> Result<Document> {
        let bytes = content.read(self.limits.document_bytes)?;
        let cost = bytes.len() as u64 + DOCUMENT_COST;
        let left = self.documents_left.get().checked_sub(cost).ok_or_else(|| {
            let limit = self.limits.all_document_bytes;
            exceeded("all-document-bytes", format!("more than {limit} bytes of manifests, indexes and configs"))
        })?;
        self.documents_left.set(left);
        let document = Document::parse(bytes, self.limits.json_values).within(content.origin())?;
        self.documents.borrow_mut().insert(content.origin().to_owned(), (document.sha256(), content.size()));
        Ok(document)
    }

    /// Returns the file that a name leads to; `None` when there is no such name.
    pub(crate) fn find(&self, name: &str) -> Result<Option<&Content>> {
        if parts(name).next().is_none() {
            return Err(Error::damaged(format!("{}: an empty path", quoted(name))).coded(Code::Missing));
        }
        match self.resolve(name).within(quoted(name))? {
            Found::Nothing { followed: None } => Ok(None),
            Found::Nothing { followed: Some(target) } => {
                let message = format!("a link to {}, which is not found in the archive", quoted(&target));
                Err(Error::damaged(message).coded(Code::MemberLink).about(name).within(quoted(name)))
            }
            Found::Member(Member::File(content)) => Ok(Some(content)),
            Found::Member(Member::Directory) => {
                Err(no_file("a directory, not a file").about(name).within(quoted(name)))
            }
            Found::Member(Member::Other(kind)) => {
                Err(no_file(&format!("{kind}, not a regular file")).about(name).within(quoted(name)))
            }
            Found::Member(Member::Symlink(_) | Member::HardLink(_)) => {
                unreachable!("resolving ends where there is no link")
            }
        }
    }

    /// Returns the member that a name means. docker takes the last of several and skopeo the first, so they must be alike.
    fn one_of<'m>(&self, name: &str, same_name: &'m [Member]) -> Result<&'m Member> {
        let (last, others) = same_name.split_last().expect("a name is there because a member has it");
        if others.is_empty() || self.alike.borrow().contains(name) {
            return Ok(last);
        }
        for other in others {
            let alike = match (other, last) {
                (Member::File(a), Member::File(b)) => a.same_as(b, &self.cancel)?,
                (Member::Symlink(a), Member::Symlink(b)) | (Member::HardLink(a), Member::HardLink(b)) => a == b,
                (Member::Directory, Member::Directory) => true,
                _ => false,
            };
            if !alike {
                let error = Error::damaged("there more than once, with different contents (duplicate members)");
                return Err(error.coded(Code::MemberTwice).about(name));
            }
        }
        self.alike.borrow_mut().insert(name.to_owned());
        Ok(last)
    }

    fn resolve(&self, name: &str) -> Result<Found<'_>> {
        if name.len() > PATH_LIMIT {
            let error = Error::damaged(format!("a path of {} bytes, {PATH_LIMIT} are allowed", name.len()));
            return Err(error.coded(Code::Missing));
        }
        let mut todo: VecDeque<String> = parts(&self.wrapper).chain(parts(name)).map(str::to_owned).collect();
        let mut done: Vec<String> = Vec::new();
        let mut followed: Option<String> = None;
        let mut hops = 0;
        let mut last = &Member::Directory;
        while let Some(part) = todo.pop_front() {
            if part == ".." {
                done.pop().ok_or_else(|| bad_link("leads outside the archive").about(name))?;
                last = &Member::Directory;
                continue;
            }
            done.push(part);
            let path = done.join("/");
            last = match self.by_name.get(&path) {
                Some(same_name) => self.one_of(&path, same_name).within(quoted(&path))?,
                // Archives need not list their folders.
                None if !todo.is_empty() => &Member::Directory,
                None => return Ok(Found::Nothing { followed }),
            };
            let (Member::Symlink(target) | Member::HardLink(target)) = last else { continue };
            hops += 1;
            if target.len() > PATH_LIMIT {
                let error = bad_link(&format!("a link of {} bytes, {PATH_LIMIT} are allowed", target.len()));
                return Err(error.about(name));
            }
            if hops > self.limits.link_hops {
                return Err(exceeded("link-hops", "too many links, or a loop of links")
                    .coded(Code::MemberLink)
                    .about(name));
            }
            done.pop();
            if matches!(last, Member::HardLink(_)) || target.starts_with('/') {
                done.clear();
            }
            followed = Some(target.clone());
            // A link to nowhere in particular leads to the folder that it counts from.
            last = &Member::Directory;
            for part in parts(target).map(str::to_owned).collect::<Vec<_>>().into_iter().rev() {
                todo.push_front(part);
            }
        }
        Ok(Found::Member(last))
    }
}

enum Found<'a> {
    Member(&'a Member),
    Nothing { followed: Option<String> },
}

fn no_file(message: &str) -> Error {
    Error::damaged(message).coded(Code::MemberKind)
}

fn bad_link(message: &str) -> Error {
    Error::damaged(message).coded(Code::MemberLink)
}

/// Splits a path, leaving out what does not move.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}
