//! The items of a batch: what is read, what is written, and what each is called.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

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
    /// Writes it as a line of a list.
    pub fn line(&self) -> Line {
        let mut line = Line::new(self.input.to_string_lossy());
        line.output = self.output.as_ref().map(|output| output.to_string_lossy().into_owned());
        line.tags.clone_from(&self.tags);
        line.platform.clone_from(&self.platform);
        line.image.clone_from(&self.image);
        line.size = Some(self.size);
        line.id = Some(self.key.clone()).filter(|key| Some(key) != line.output.as_ref());
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
        let out = std::fs::canonicalize(&naming.out).ok();
        let own = |at: &Path| at.file_name() == naming.out.file_name() && std::fs::canonicalize(at).ok() == out;
        find(path, own, &mut |found| {
            let walked = found.name.is_some();
            let name = found.name.unwrap_or_else(|| below(path));
            let key = || name.to_string_lossy().into_owned();
            match found.kind {
                Kind::Candidate { size } => {
                    let (key, output) = naming.target(&name, None)?;
                    self.items.push(Item {
                        key,
                        input: found.path,
                        output,
                        tags: Vec::new(),
                        platform: None,
                        image: None,
                        size,
                        found: walked,
                    });
                }
                Kind::Other => {
                    let mut record = Record::new(key(), found.path.to_string_lossy(), Status::Skipped);
                    let error = Error::damaged("no archive and no folder of images");
                    record.error = Some(Failure { code: NO_ARCHIVE.to_owned(), ..Failure::of(&error) });
                    self.others.push(record);
                }
                Kind::Unreadable(error) => {
                    let mut record = Record::new(key(), found.path.to_string_lossy(), Status::Failed);
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
        let (target, output) = naming.target(&below(Path::new(name)), line.output.as_deref())?;
        let size = line.size.or_else(|| size_of(&input)).unwrap_or(0);
        let key = line.id.unwrap_or(target);
        let Line { tags, platform, image, .. } = line;
        self.items.push(Item { key, input, output, tags, platform, image, size, found: false });
        self.check_number(limits)
    }

    /// Refuses items that would write the same output, or have the same name.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) with the inputs of the first such two.
    pub fn check(&self) -> Result<()> {
        let (mut keys, mut outputs) = (HashMap::new(), HashMap::new());
        for item in &self.items {
            let other = match &item.output {
                Some(output) => outputs.insert(output, item).or(keys.insert(&item.key, item)),
                None => keys.insert(&item.key, item),
            };
            if let Some(other) = other {
                let [a, b] = [other, item].map(|item| quoted(&item.input.to_string_lossy()));
                let error = Error::usage(format!("{a} and {b} would both become {}", quoted(&item.key)));
                return Err(error.hint("--name-template, or a list with \"out\", gives each a name of its own"));
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

impl Naming {
    /// Returns the key and the place of a result.
    fn target(&self, source: &Path, wanted: Option<&str>) -> Result<(String, Option<PathBuf>)> {
        let Some(to) = self.to else {
            return Ok((wanted.map_or_else(|| source.to_string_lossy().into_owned(), str::to_owned), None));
        };
        let name = match wanted {
            Some(wanted) if self.remote_outputs => wanted.to_owned(),
            Some(wanted) => clean(wanted, Path::new(wanted).is_absolute())?,
            None => self.template.name(source, to).within(source.display().to_string())?,
        };
        let place = if self.remote_outputs { PathBuf::from(&name) } else { self.out.join(&name) };
        Ok((name, Some(place)))
    }
}

/// Returns a path without what leads out of a folder.
fn below(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect()
}

fn size_of(path: &Path) -> Option<u64> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(if metadata.is_dir() { super::sources::bytes_below(path) } else { metadata.len() })
}
