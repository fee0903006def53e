//! The files of one layer, small enough that those of all layers can be held at once.

use std::sync::Mutex;

use super::budget::{Budget, Charge};
use super::entry::{Entry, FileKind, Time, Xattrs};
use super::names::{Role, clean, is_too_long, role};
use super::paths::{PathId, Paths};
use super::problem::{Fault, Problem};
use super::scanner::Event;
use super::{Found, read};
use crate::codec::Compression;
use crate::content::Content;
use crate::context::Context;
use crate::digest::{Algorithm, Hasher};
use crate::error::Result;
use crate::limits::{Limits, exceeded};

/// So many problems of a layer are kept; all are counted.
const PROBLEMS_KEPT: usize = 100;

/// What a map of extended attributes takes, beside what is in it.
const XATTRS_COST: usize = 640;

/// Where lists of files are made that are to be merged or compared: they share their paths and one limit.
#[derive(Debug)]
pub(crate) struct Catalog {
    paths: Mutex<Paths>,
    budget: Budget,
}

/// Whether contents of files are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    /// For comparing.
    Hashed,
    Skipped,
}

/// A layer's files, in the order of its tar.
#[derive(Debug)]
pub(crate) struct Listing {
    /// What the layer was found to be.
    pub(crate) found: Found,
    /// The first problems of its tar.
    pub(crate) problems: Vec<Problem>,
    /// How many there are.
    pub(crate) problem_count: usize,
    files: Vec<File>,
    digests: Vec<[u8; 32]>,
    /// Targets of symbolic links.
    text: Vec<u8>,
    /// In the order of `files`; few files have any.
    xattrs: Vec<(u32, Xattrs)>,
    /// What it removes from the layers below.
    whiteouts: Vec<PathId>,
    /// Directories that show nothing of the layers below.
    opaque: Vec<PathId>,
    /// What it takes of the limit, as long as it is there.
    _charge: Charge,
}

/// One file as its entry tells of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File {
    pub(crate) path: PathId,
    pub(crate) kind: FileKind,
    /// Permission bits, with setuid, setgid and sticky.
    pub(crate) mode: u16,
    /// What Linux cannot have is taken for its highest id.
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    seconds: i64,
    nanoseconds: u32,
    /// By kind: which digest, counted from 1; where the target starts; which path it links to.
    extra: u32,
    /// By kind: size; length of the target; device numbers.
    number: u64,
}

impl File {
    pub(crate) fn mtime(&self) -> Time {
        Time { seconds: self.seconds, nanoseconds: self.nanoseconds }
    }

    /// Returns the bytes of a regular file, 0 for all others.
    pub(crate) fn size(&self) -> u64 {
        if self.kind == FileKind::File { self.number } else { 0 }
    }

    /// Returns major and minor number of a device.
    pub(crate) fn device(&self) -> Option<(u64, u64)> {
        let device = matches!(self.kind, FileKind::CharDevice | FileKind::BlockDevice);
        device.then_some((self.number >> 32, self.number & 0xffff_ffff))
    }

    /// Returns what a hard link leads to.
    pub(super) fn linked(&self) -> Option<PathId> {
        (self.kind == FileKind::HardLink).then(|| PathId::new(self.extra as usize))
    }
}

impl Listing {
    /// Returns the files in the order of the tar, without whiteouts.
    pub(crate) fn files(&self) -> &[File] {
        &self.files
    }

    /// Tells whether the layer is no tar at all.
    pub(crate) fn is_no_tar(&self) -> bool {
        self.problems.first().is_some_and(|problem| problem.what == Fault::NotTar)
    }

    /// Returns the SHA-256 of a file's contents; `None` for an empty file, and where nothing was hashed.
    pub(crate) fn digest(&self, file: &File) -> Option<&[u8; 32]> {
        let index = (file.extra as usize).checked_sub(1)?;
        if file.kind == FileKind::File { self.digests.get(index) } else { None }
    }

    /// Returns the target of a symbolic link; nothing for all others.
    pub(crate) fn target(&self, file: &File) -> &[u8] {
        if file.kind != FileKind::Symlink {
            return &[];
        }
        let start = file.extra as usize;
        &self.text[start..start + usize::try_from(file.number).expect("it is in memory")]
    }

    /// Returns the extended attributes of the file at this index.
    pub(crate) fn xattrs(&self, index: usize) -> Option<&Xattrs> {
        let found = self.xattrs.binary_search_by_key(&index, |(of, _)| *of as usize).ok()?;
        Some(&self.xattrs[found].1)
    }

    /// Returns what it removes from the layers below.
    pub(crate) fn whiteouts(&self) -> &[PathId] {
        &self.whiteouts
    }

    /// Returns the directories that show nothing of the layers below.
    pub(crate) fn opaque(&self) -> &[PathId] {
        &self.opaque
    }
}

impl Catalog {
    pub(crate) fn new(limits: &Limits) -> Self {
        let budget = Budget::new(limits);
        Self { paths: Mutex::new(Paths::new(&budget)), budget }
    }

    /// Runs something on the paths.
    pub(crate) fn with_paths<R>(&self, run: impl FnOnce(&mut Paths) -> R) -> R {
        run(&mut self.paths.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Returns the paths, when all lists are made.
    pub(crate) fn into_paths(self) -> Paths {
        self.paths.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Starts to count the memory of something that is made of the lists.
    pub(crate) fn open_charge(&self) -> Charge {
        self.budget.open()
    }

    /// Reads a layer and lists its files. Several threads may list layers at once.
    ///
    /// # Errors
    ///
    /// Those of [`read`], and the limit `file-list-bytes`.
    pub(crate) fn list(
        &self,
        content: &Content,
        compression: Compression,
        algorithms: (Algorithm, Algorithm),
        contents: Contents,
        cx: &Context<'_>,
    ) -> Result<Listing> {
        let mut builder = Builder {
            catalog: self,
            listing: Lists::default(),
            charge: self.budget.open(),
            hash: contents == Contents::Hashed,
            hasher: None,
        };
        let mut take = |event: Event<'_>| builder.take(event).map_err(|error| content.locate(error));
        let found = read(content, compression, algorithms, &mut take, cx)?;
        let Builder { listing, charge, .. } = builder;
        let Lists { problems, problem_count, mut files, digests, text, xattrs, mut whiteouts, mut opaque } = listing;
        files.shrink_to_fit();
        for paths in [&mut whiteouts, &mut opaque] {
            paths.sort_unstable();
            paths.dedup();
        }
        Ok(Listing { found, problems, problem_count, files, digests, text, xattrs, whiteouts, opaque, _charge: charge })
    }
}

#[derive(Default)]
struct Lists {
    problems: Vec<Problem>,
    problem_count: usize,
    files: Vec<File>,
    digests: Vec<[u8; 32]>,
    text: Vec<u8>,
    xattrs: Vec<(u32, Xattrs)>,
    whiteouts: Vec<PathId>,
    opaque: Vec<PathId>,
}

struct Builder<'c> {
    catalog: &'c Catalog,
    listing: Lists,
    charge: Charge,
    hash: bool,
    /// Of the last file, while it comes.
    hasher: Option<Hasher>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::Entry(entry) => self.add(entry)?,
            Event::Contents(bytes) => {
                if let Some(hasher) = &mut self.hasher {
                    hasher.update(bytes);
                }
            }
            Event::Hole(len) => {
                if let Some(hasher) = &mut self.hasher {
                    update_zeros(hasher, len);
                }
            }
            Event::End => {
                if let Some(hasher) = self.hasher.take() {
                    self.listing.digests.push(hasher.finish().first_bytes());
                    let number = index(self.listing.digests.len())?;
                    self.listing.files.last_mut().expect("its entry came before it").extra = number;
                }
            }
            Event::Problem(problem) => {
                self.listing.problem_count += 1;
                if self.listing.problems.len() < PROBLEMS_KEPT {
                    self.listing.problems.push(problem);
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, entry: &Entry) -> Result<()> {
        let name = clean(&entry.path);
        let folder = &name.parts[..name.parts.len().saturating_sub(1)];
        match role(&name) {
            _ if is_too_long(&entry.path) => return Ok(()),
            Role::Ignored => return Ok(()),
            Role::File => {}
            Role::Opaque => {
                self.charge.take(size_of::<PathId>())?;
                let path = self.catalog.with_paths(|paths| paths.add(folder))?;
                self.listing.opaque.push(path);
                return Ok(());
            }
            Role::Whiteout(removed) => {
                self.charge.take(size_of::<PathId>())?;
                let path = self.catalog.with_paths(|paths| paths.add(&[folder, &[removed]].concat()))?;
                self.listing.whiteouts.push(path);
                return Ok(());
            }
        }
        if matches!(entry.kind, FileKind::Other(_)) {
            return Ok(());
        }
        self.charge.take(size_of::<File>())?;
        let path = self.catalog.with_paths(|paths| paths.add(&name.parts))?;
        let (extra, number) = self.details(entry)?;
        if !entry.xattrs.is_empty() {
            let bytes: usize = entry.xattrs.iter().map(|(key, value)| key.len() + value.len() + 64).sum();
            self.charge.take(XATTRS_COST + bytes)?;
            self.listing.xattrs.push((index(self.listing.files.len())?, entry.xattrs.clone()));
        }
        self.listing.files.push(File {
            path,
            kind: entry.kind,
            mode: u16::try_from(entry.mode).unwrap_or(u16::MAX),
            uid: u32::try_from(entry.uid).unwrap_or(u32::MAX),
            gid: u32::try_from(entry.gid).unwrap_or(u32::MAX),
            seconds: entry.mtime.seconds,
            nanoseconds: entry.mtime.nanoseconds,
            extra,
            number,
        });
        Ok(())
    }

    /// Returns what only files of this kind have.
    fn details(&mut self, entry: &Entry) -> Result<(u32, u64)> {
        Ok(match entry.kind {
            FileKind::File => {
                if self.hash && entry.size > 0 {
                    self.charge.take(32)?;
                    self.hasher = Some(Hasher::new(Algorithm::Sha256));
                }
                (0, entry.size)
            }
            FileKind::Symlink => {
                self.charge.take(entry.link.len())?;
                let start = index(self.listing.text.len())?;
                self.listing.text.extend_from_slice(&entry.link);
                (start, entry.link.len() as u64)
            }
            FileKind::HardLink => {
                let target = clean(&entry.link);
                (index(self.catalog.with_paths(|paths| paths.add(&target.parts))?.index())?, 0)
            }
            FileKind::CharDevice | FileKind::BlockDevice => {
                let (major, minor) = entry.device.unwrap_or_default();
                (0, u64::from(major) << 32 | u64::from(minor))
            }
            FileKind::Directory | FileKind::Fifo | FileKind::Other(_) => (0, 0),
        })
    }
}

fn index(at: usize) -> Result<u32> {
    u32::try_from(at).map_err(|_| exceeded("file-list-bytes", "too many files"))
}

fn update_zeros(hasher: &mut Hasher, mut len: u64) {
    const ZEROS: [u8; 4096] = [0; 4096];
    while len > 0 {
        let n = len.min(ZEROS.len() as u64);
        hasher.update(&ZEROS[..usize::try_from(n).expect("at most a page")]);
        len -= n;
    }
}
