//! Reports of many processes as one: which line of an item counts, and whether every shard came to its end.
//!
//! Lines are not held in memory, only where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::time::Duration;

use super::lines::Lines;
use super::record::{Entry, Record, Status, Summary, parse_line};
use super::shard::Shard;
use crate::context::{Cancel, Context};
use crate::error::{Error, Result, Within};
use crate::limits::{Limits, exceeded};

/// Reports that were put together.
///
/// Of the lines of one item the one that tells most counts, whatever order they come in: a result that was written, then
/// one that was there, then a failure for good, then one that is worth another try, then nothing to do. Results appear
/// whole and nothing takes them away, so a failure of another process that was at the same item changes nothing. Of
/// lines that tell as much, and of lines about sources of which both digests are known and differ, the last one counts.
#[derive(Debug)]
pub struct Reports<S> {
    sources: Vec<(String, S)>,
    items: BTreeMap<String, Found>,
    names_bytes: u64,
    /// The last lines of processes.
    ends: Vec<Summary>,
    /// For each shard that is told of, by count and index, whether one of its processes came to its end.
    shards: BTreeMap<Option<(u32, u32)>, bool>,
    /// How many shards there are where a merged report says that all of them are done.
    done: BTreeSet<u32>,
    /// Names of reports without an end.
    cut: Vec<String>,
    limits: Limits,
    cancel: Cancel,
}

/// Where an item's line is, and what it says.
#[derive(Debug)]
struct Found {
    source: usize,
    offset: u64,
    len: usize,
    rank: Rank,
    in_digest: Option<[u8; 32]>,
    bytes_in: u64,
    bytes_out: u64,
    seconds: Duration,
}

/// How much a line tells of its item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Skipped,
    Temporary,
    Failed,
    Unchanged,
    Ok,
}

impl Rank {
    fn of(record: &Record) -> Self {
        match record.status {
            Status::Skipped => Self::Skipped,
            Status::Failed if record.is_temporary() => Self::Temporary,
            Status::Failed => Self::Failed,
            Status::Unchanged => Self::Unchanged,
            Status::Ok => Self::Ok,
        }
    }

    fn status(self) -> (Status, bool) {
        match self {
            Self::Skipped => (Status::Skipped, false),
            Self::Temporary => (Status::Failed, true),
            Self::Failed => (Status::Failed, false),
            Self::Unchanged => (Status::Unchanged, false),
            Self::Ok => (Status::Ok, false),
        }
    }
}

impl Found {
    /// Tells whether this line counts more than one that was read before it.
    fn replaces(&self, other: &Self) -> bool {
        let of_another_source = self.in_digest.zip(other.in_digest).is_some_and(|(this, before)| this != before);
        of_another_source || self.rank >= other.rank
    }
}

impl<S: Read + Seek> Reports<S> {
    /// Starts with no report.
    pub fn new(cx: &Context<'_>) -> Self {
        Self {
            sources: Vec::new(),
            items: BTreeMap::new(),
            names_bytes: 0,
            ends: Vec::new(),
            shards: BTreeMap::new(),
            done: BTreeSet::new(),
            cut: Vec::new(),
            limits: cx.limits.clone(),
            cancel: cx.cancel.clone(),
        }
    }

    /// Adds a report, or several in one file, from its beginning. A line that is cut off is passed over at the end of a file, and where
    /// another report was put behind it.
    ///
    /// # Errors
    ///
    /// [`Damaged`](crate::ErrorKind::Damaged) for a line that is none of a report, and beyond the limits `items`,
    /// `line-bytes` and `list-bytes`; [`Environment`](crate::ErrorKind::Environment) when it cannot be read.
    pub fn add(&mut self, name: &str, mut source: S) -> Result<()> {
        if !self.index(&mut source).within(name)? {
            self.cut.push(name.to_owned());
        }
        self.sources.push((name.to_owned(), source));
        Ok(())
    }

    /// Notes where the lines of the next source are; tells whether it has an end.
    fn index(&mut self, source: &mut S) -> Result<bool> {
        source.rewind().map_err(|cause| Error::io("cannot read", cause))?;
        let mut lines = Lines::new(BufReader::new(source), self.limits.line_bytes);
        let mut whole = false;
        // Lines since the last summary, and how many shards they tell of.
        let (mut told, mut counts) = (0, BTreeSet::new());
        while let Some(text) = lines.next()? {
            self.cancel.check()?;
            if text.bytes.is_empty() {
                continue;
            }
            let (skip, entry) = match parse_line(text.bytes) {
                Ok(entry) => (0, entry),
                Err(error) => match (glued(text.bytes), text.ended) {
                    (Some(found), _) => found,
                    (None, false) => return Ok(false),
                    (None, true) => return Err(error.within(format!("line {}", text.number))),
                },
            };
            whole = matches!(entry, Entry::Summary(_));
            match entry {
                Entry::Summary(summary) => {
                    // One that counts the lines of several shards is that of a merged report.
                    let counts = std::mem::take(&mut counts);
                    if summary.shard.is_none() && !summary.interrupted && summary.items == told {
                        self.done.extend(counts);
                    }
                    told = 0;
                    self.end(summary)?;
                }
                Entry::Record(record) => {
                    told += 1;
                    counts.extend(record.shard.map(|shard| shard.count().get()));
                    self.item(*record, text.offset + skip as u64, text.bytes.len() - skip)?;
                }
            }
        }
        Ok(whole)
    }

    fn item(&mut self, record: Record, offset: u64, len: usize) -> Result<()> {
        self.shards.entry(key(record.shard)).or_default();
        let found = Found {
            source: self.sources.len(),
            offset,
            len,
            rank: Rank::of(&record),
            in_digest: record.in_digest.map(|digest| digest.first_bytes()),
            bytes_in: record.bytes_in,
            bytes_out: record.bytes_out,
            seconds: record.seconds,
        };
        if let Some(known) = self.items.get_mut(&record.item) {
            if found.replaces(known) {
                *known = found;
            }
            return Ok(());
        }
        self.names_bytes += record.item.len() as u64;
        if self.names_bytes > self.limits.list_bytes {
            return Err(exceeded("list-bytes", format!("more than {} bytes of names", self.limits.list_bytes)));
        }
        self.items.insert(record.item, found);
        self.check(self.items.len())
    }

    fn end(&mut self, summary: Summary) -> Result<()> {
        *self.shards.entry(key(summary.shard)).or_default() |= !summary.interrupted;
        self.ends.push(summary);
        self.check(self.ends.len())
    }

    fn check(&self, held: usize) -> Result<()> {
        if held.max(self.shards.len()) > self.limits.items {
            return Err(exceeded("items", format!("more than {} items", self.limits.items)));
        }
        Ok(())
    }

    /// Returns the line of each item that counts, sorted by item.
    ///
    /// # Errors
    ///
    /// [`Environment`](crate::ErrorKind::Environment) and [`Damaged`](crate::ErrorKind::Damaged) when a report is not
    /// what it was when it was added.
    pub fn records(&mut self) -> impl Iterator<Item = Result<Record>> {
        let Self { items, sources, cancel, .. } = self;
        items.values().map(|found| {
            cancel.check()?;
            let (name, source) = &mut sources[found.source];
            read_at(source, found).within(name.as_str())
        })
    }

    /// Counts the items; `interrupted` says that a shard is not [complete](Self::incomplete).
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for found in self.items.values() {
            let (status, temporary) = found.rank.status();
            summary.count(status, temporary, found.bytes_in, found.bytes_out);
            summary.seconds = summary.seconds.saturating_add(found.seconds);
        }
        summary.interrupted = self.shards.is_empty() || !self.incomplete(1).is_empty();
        summary
    }

    /// Returns the last lines of the processes that came to their end, in the order of the reports.
    pub fn ends(&self) -> &[Summary] {
        &self.ends
    }

    /// Returns the names of reports without an end: their processes were killed, or still run.
    pub fn cut(&self) -> &[String] {
        &self.cut
    }

    /// Returns up to `most` shards of which no process did all that was to be done; where there is a shard K/N, all N
    /// must be told of. `None` is a process that was no shard.
    pub fn incomplete(&self, most: usize) -> Vec<Option<Shard>> {
        let done = |key: Option<(u32, u32)>| self.shards.get(&key) == Some(&true);
        let mut missing: Vec<Option<Shard>> = Vec::new();
        if self.shards.contains_key(&None) && !done(None) {
            missing.push(None);
        }
        let mut counts: Vec<u32> = self.shards.keys().flatten().map(|(count, _)| *count).collect();
        counts.dedup();
        counts.retain(|count| !self.done.contains(count));
        // Not all shards are looked at: there can be billions that nobody told of.
        let open = |count: &u32| {
            let count = *count;
            (0..count).filter(move |index| !done(Some((count, *index)))).map(move |index| Shard::new(index, count))
        };
        missing.extend(counts.iter().flat_map(open).take(most));
        missing.truncate(most);
        missing
    }
}

fn key(shard: Option<Shard>) -> Option<(u32, u32)> {
    shard.map(|shard| (shard.count().get(), shard.index()))
}

/// Finds the whole line behind one that was cut off when another report was put behind it. Inside the strings of a line
/// quotation marks are escaped, so that this cannot be part of one.
fn glued(line: &[u8]) -> Option<(usize, Entry)> {
    const START: &[u8] = b"{\"schema\":";
    let at = line.windows(START.len()).rposition(|window| window == START)?;
    parse_line(&line[at..]).ok().map(|entry| (at, entry))
}

fn read_at(source: &mut (impl Read + Seek), found: &Found) -> Result<Record> {
    let mut line = vec![0; found.len];
    let read = source.seek(SeekFrom::Start(found.offset)).and_then(|_| source.read_exact(&mut line));
    read.map_err(|cause| Error::io("cannot read it again", cause))?;
    match parse_line(&line) {
        Ok(Entry::Record(record)) => Ok(*record),
        _ => Err(Error::damaged("it changed while it was read")),
    }
}

#[cfg(test)]
mod tests;
