//! The items of a batch: what is read, what is written, and what each is called.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::done::Done;
use super::list::Line;
use super::naming::{NameTemplate, clean};
use super::record::{Class, Failure, Record, Status};
use super::shard::{Shard, by_hash, by_size};
use super::sources::{Kind, find};
use crate::error::{Error, Result, Within, quoted};
use crate::formats::Format;
use crate::limits::{Limits, exceeded};

/// The code in reports of what is no archive of images.
pub(super) const NO_ARCHIVE: &str = "no-archive";

/// One archive or folder of a batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Item {
    /// Its name in reports and for sharding: the result's below the output folder, unless the list gives another.
    pub key: String,
    /// What is read: a path, or what the command that fetches takes.
    pub input: PathBuf,
    /// What is written; `None` where nothing is.
    pub output: Option<PathBuf>,
    /// How a list names what is written: below the output folder.
    pub(super) name: Option<String>,
    /// Names for its one image; empty: the source's.
    pub tags: Vec<String>,
    /// Platform to take.
    pub platform: Option<String>,
    /// Image to take.
    pub image: Option<String>,
    /// Bytes of the source, as far as they are known.
    pub size: u64,
    /// Found in a folder by its first bytes: when it turns out to be no image archive, that is no failure.
    pub(super) found: bool,
}

impl Item {
    /// Writes it as a line of a list, for a run with the same output folder.
    pub fn line(&self) -> Line {
        let mut line = Line::new(self.input.to_string_lossy());
        line.output.clone_from(&self.name);
        line.tags.clone_from(&self.tags);
        line.platform.clone_from(&self.platform);
        line.image.clone_from(&self.image);
        line.size = Some(self.size);
        line.id = Some(self.key.clone()).filter(|key| key != line.output.as_ref().unwrap_or(&line.input));
        line
    }
}

/// What is to be done, and what was found that is not.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Items {
    /// What is to be done.
    pub items: Vec<Item>,
    /// What was found and is no archive, or cannot be read.
    pub others: Vec<Record>,
}

/// How items are made of sources.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Naming {
    /// The format of the results; `None`: nothing is written.
    pub to: Option<Format>,
    /// The folder that results go to.
    pub out: PathBuf,
    /// What they are called.
    pub template: NameTemplate,
    /// Inputs are fetched by a command: they are no paths here.
    pub remote_inputs: bool,
    /// Results are stored by a command: they are no paths here.
    pub remote_outputs: bool,
}

impl Naming {
    /// Returns how results in a format are called by default.
    pub fn new(to: Option<Format>, out: PathBuf) -> Self {
        Self { to, out, template: NameTemplate::default(), remote_inputs: false, remote_outputs: false }
    }
}

impl Items {
    /// Adds what is at a path: an archive, a layout folder, or all of them below a folder.
    ///
    /// # Errors
    ///
    /// [`Environment`](crate::ErrorKind::Environment) when nothing is there or it cannot be read,
    /// [`Usage`](crate::ErrorKind::Usage) for a name that leaves the output folder,
    /// [`Damaged`](crate::ErrorKind::Damaged) beyond the limit `items`.
    pub fn add_source(&mut self, path: &Path, naming: &Naming, limits: &Limits) -> Result<()> {
        // Results are no sources.
        let out = same_file(&naming.out);
        let own = |at: &Path| naming.to.is_some() && out.is_some() && same_file(at) == out;
        find(path, own, limits, &mut |found| {
            let walked = found.name.is_some();
            let key = || found.path.to_string_lossy().into_owned();
            match found.kind {
                Kind::Candidate { size } => {
                    let name = found.name.unwrap_or_else(|| below(path));
                    let Target { key, name, output } = naming.target(&key(), &name, None)?;
                    self.items.push(Item {
                        key,
                        input: found.path,
                        output,
                        name,
                        tags: Vec::new(),
                        platform: None,
                        image: None,
                        size,
                        found: walked,
                    });
                }
                Kind::Other => {
                    let mut record = Record::new(key(), key(), Status::Skipped);
                    let error = Error::damaged("no archive and no folder of images");
                    record.error = Some(Failure { code: NO_ARCHIVE.to_owned(), ..Failure::of(&error) });
                    self.others.push(record);
                }
                Kind::Unreadable(error) => {
                    let mut record = Record::new(key(), key(), Status::Failed);
                    record.error = Some(Failure { class: Class::Temporary, ..Failure::of(&error) });
                    self.others.push(record);
                }
            }
            self.check_number(limits)
        })
    }

    /// Adds what a line of a list says.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) for a name that leaves the output folder,
    /// [`Damaged`](crate::ErrorKind::Damaged) beyond the limit `items`.
    pub fn add_line(&mut self, line: Line, naming: &Naming, limits: &Limits) -> Result<()> {
        let input = PathBuf::from(&line.input);
        let name = if naming.remote_inputs {
            line.input.rsplit_once("://").map_or(&*line.input, |(_, path)| path)
        } else {
            &line.input
        };
        let target = naming.target(&line.input, &below(Path::new(name)), line.output.as_deref())?;
        let size = line.size.or_else(|| size_of(&input)).unwrap_or(0);
        let key = line.id.unwrap_or(target.key);
        let Target { name, output, .. } = target;
        let Line { tags, platform, image, .. } = line;
        self.items.push(Item { key, input, output, name, tags, platform, image, size, found: false });
        self.check_number(limits)
    }

    /// Leaves out results of earlier runs with the same output folder: what was found among the sources, and what was
    /// named and would become itself.
    ///
    /// # Errors
    ///
    /// [`Environment`](crate::ErrorKind::Environment) when the journal is there and cannot be read.
    pub fn leave_out_results(&mut self, naming: &Naming, limits: &Limits) -> Result<()> {
        if naming.to.is_none() || naming.remote_outputs {
            return Ok(());
        }
        let Some(journal) = Done::journal_in(&naming.out, limits)? else { return Ok(()) };
        let out = absolute(&naming.out);
        self.items.retain(|item| {
            let input = absolute(&item.input);
            let itself = item.output.as_deref().is_some_and(|output| absolute(output) == input);
            let name = input.strip_prefix(&out).ok().map(|name| name.to_string_lossy().into_owned());
            !((item.found || itself) && name.is_some_and(|name| journal.knows(&name)))
        });
        Ok(())
    }

    /// Refuses items that have the same name, would write the same output, or one inside the other.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) with the inputs of the first such two.
    pub fn check(&self, naming: &Naming) -> Result<()> {
        let (mut keys, mut outputs) = (HashMap::new(), HashMap::new());
        let named = |item: &Item| quoted(&item.input.to_string_lossy());
        let hint = "--name-template, or a list with \"out\", gives each a name of its own";
        for item in &self.items {
            let same = |other: &Item| {
                let (a, b) = (named(other), named(item));
                Error::usage(format!("{a} and {b} would both become {}", quoted(&item.key))).hint(hint)
            };
            match (keys.insert(&*item.key, item), &item.output) {
                (Some(other), Some(_)) => return Err(same(other)),
                (Some(_), None) => return Err(Error::usage(format!("{} is named twice", quoted(&item.key)))),
                (None, Some(output)) => {
                    if let Some(other) = outputs.insert(naming.place(output), item) {
                        return Err(same(other));
                    }
                }
                (None, None) => {}
            }
        }
        // Elsewhere, names with slashes need be no folders.
        for (output, item) in outputs.iter().filter(|_| !naming.remote_outputs) {
            if let Some(outer) = output.ancestors().skip(1).find_map(|folder| outputs.get(folder)) {
                let (a, b) = (named(item), named(outer));
                let error = format!("the result of {a}, {}, would be inside that of {b}", quoted(&item.key));
                return Err(Error::usage(error).hint(hint));
            }
        }
        Ok(())
    }

    /// Keeps a shard's items, divided by hash or by size, and of what is no item the part of the shard likewise.
    pub fn keep_shard(&mut self, shard: Shard, balanced: bool) {
        let (mine, count) = (shard.index(), shard.count());
        if balanced {
            let sizes: Vec<_> = self.items.iter().map(|item| (&*item.key, item.size)).collect();
            let mut of = by_size(&sizes, count).into_iter();
            self.items.retain(|_| of.next() == Some(mine));
        } else {
            self.items.retain(|item| by_hash(&item.key, count) == mine);
        }
        self.others.retain(|record| by_hash(&record.item, count) == mine);
    }

    fn check_number(&self, limits: &Limits) -> Result<()> {
        if self.items.len() + self.others.len() > limits.items {
            return Err(exceeded("items", format!("more than {} items", limits.items)));
        }
        Ok(())
    }
}

/// What an item is called, and where its result goes.
struct Target {
    key: String,
    name: Option<String>,
    output: Option<PathBuf>,
}

impl Naming {
    /// Returns what an item is called; `source` is its path below the folder that was named.
    fn target(&self, input: &str, source: &Path, wanted: Option<&str>) -> Result<Target> {
        let Some(to) = self.to else {
            let name = wanted.map(str::to_owned);
            return Ok(Target { key: name.clone().unwrap_or_else(|| input.to_owned()), name, output: None });
        };
        let name = match wanted {
            Some(wanted) if self.remote_outputs => wanted.to_owned(),
            Some(wanted) => clean(wanted, Path::new(wanted).is_absolute())?,
            None => self.template.name(source, to).within(source.display().to_string())?,
        };
        let place = if self.remote_outputs { PathBuf::from(&name) } else { self.out.join(&name) };
        Ok(Target { key: name.clone(), name: Some(name), output: Some(place) })
    }

    /// Returns a result's place in the one way in which it can be written.
    fn place(&self, output: &Path) -> PathBuf {
        if self.remote_outputs { output.to_owned() } else { absolute(output) }
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Returns what a folder is known by, whatever path leads there.
fn same_file(folder: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::metadata(folder).ok().filter(std::fs::Metadata::is_dir)?;
    Some((metadata.dev(), metadata.ino()))
}

/// Returns a path without what leads out of a folder.
fn below(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect()
}

fn size_of(path: &Path) -> Option<u64> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(if metadata.is_dir() { super::sources::bytes_below(path) } else { metadata.len() })
}
