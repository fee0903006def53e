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
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::batch::record::{Ending, Failure};
    use crate::digest::Digest;
    use crate::error::ErrorKind;

    fn record(item: &str, rank: Rank, shard: Option<Shard>) -> Record {
        let (status, temporary) = rank.status();
        let mut record = Record::new(item, format!("in/{item}"), status);
        record.shard = shard;
        (record.bytes_in, record.seconds) = (100, Duration::from_millis(1500));
        let kind = if temporary { ErrorKind::Environment } else { ErrorKind::Damaged };
        record.error = (status == Status::Failed).then(|| Failure::of(&Error::new(kind, "it is so")));
        record
    }

    fn line(item: &str, rank: Rank) -> String {
        record(item, rank, None).to_json_line()
    }

    fn end(shard: Option<Shard>, interrupted: bool) -> String {
        Summary { shard, interrupted, ..Summary::default() }.to_json_line()
    }

    fn reports(texts: &[&str]) -> Result<Reports<Cursor<Vec<u8>>>> {
        let mut reports = Reports::new(&Context::default());
        for (number, text) in texts.iter().enumerate() {
            reports.add(&format!("r{number}"), Cursor::new(text.as_bytes().to_vec()))?;
        }
        Ok(reports)
    }

    fn statuses(reports: &mut Reports<Cursor<Vec<u8>>>) -> Vec<(String, Rank)> {
        reports.records().map(|record| record.map(|record| (record.item.clone(), Rank::of(&record))).unwrap()).collect()
    }

    #[test]
    fn what_tells_most_counts_in_any_order() {
        use Rank::{Failed, Ok, Skipped, Temporary, Unchanged};
        for (one, other, want) in [
            (Ok, Unchanged, Ok),
            (Ok, Failed, Ok),
            (Unchanged, Failed, Unchanged),
            (Failed, Temporary, Failed),
            (Temporary, Skipped, Temporary),
            (Failed, Skipped, Failed),
        ] {
            for [first, second] in [[one, other], [other, one]] {
                let texts = [line("a", first) + &end(None, false), line("a", second) + &end(None, false)];
                let mut both = reports(&[&texts[0], &texts[1]]).unwrap();
                assert_eq!(statuses(&mut both), [("a".to_owned(), want)]);
                let mut joined = reports(&[&texts.concat()]).unwrap();
                assert_eq!(statuses(&mut joined), [("a".to_owned(), want)], "files that were put together");
            }
        }
    }

    #[test]
    fn a_result_of_another_source_does_not_count_for_a_later_one() {
        let of = |digest: Option<&str>, rank| {
            let mut record = record("a", rank, None);
            record.in_digest = digest.map(|text| Digest::of(text.as_bytes()));
            record.to_json_line()
        };
        for (before, after, want) in [
            (of(Some("x"), Rank::Ok), of(Some("y"), Rank::Failed), Rank::Failed),
            (of(Some("x"), Rank::Ok), of(Some("x"), Rank::Failed), Rank::Ok),
            (of(Some("x"), Rank::Ok), of(None, Rank::Failed), Rank::Ok),
        ] {
            let mut reports = reports(&[&(before + &after)]).unwrap();
            assert_eq!(statuses(&mut reports), [("a".to_owned(), want)]);
        }
    }

    #[test]
    fn items_are_sorted_and_counted_once() {
        let (a, b) =
            (line("b", Rank::Ok) + &line("c", Rank::Temporary), line("a", Rank::Failed) + &line("b", Rank::Ok));
        let mut merged = reports(&[&(a + &end(None, false)), &(b + &end(None, false))]).unwrap();
        let names: Vec<String> = statuses(&mut merged).into_iter().map(|(item, _)| item).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let summary = merged.summary();
        assert_eq!((summary.items, summary.ok, summary.failed, summary.temporary), (3, 1, 1, 1));
        assert_eq!((summary.bytes_in, summary.seconds), (300, Duration::from_millis(4500)));
        assert_eq!(summary.ending(), Ending::TryAgain);
    }

    #[test]
    fn what_was_cut_off_is_passed_over_and_told() {
        let (whole, last) = (line("a", Rank::Ok), line("b", Rank::Ok));
        let cut = &last[..last.len() - 30];
        let done = line("c", Rank::Ok) + &end(None, false);
        for (text, names, is_cut) in [
            (whole.clone(), vec!["a"], true),
            (String::new(), vec![], true),
            (whole.clone() + cut, vec!["a"], true),
            (whole.clone() + cut + &done, vec!["a", "c"], false),
            (whole.clone() + last.trim_end(), vec!["a", "b"], true),
            (whole.clone() + last.trim_end() + &done, vec!["a", "c"], false),
            (whole.clone() + end(None, false).trim_end(), vec!["a"], false),
        ] {
            let mut reports = reports(&[&text]).unwrap();
            assert_eq!(!reports.cut().is_empty(), is_cut, "{text}");
            let found: Vec<String> = statuses(&mut reports).into_iter().map(|(item, _)| item).collect();
            assert_eq!(found, names, "{text}");
            assert_eq!(reports.summary().interrupted, is_cut, "{text}");
        }
        let error = reports(&[&(whole + "garbage\n" + &done)]).unwrap_err();
        assert!(error.to_string().starts_with("r0: line 2: not a line of a report: "), "{error}");
    }

    #[test]
    fn a_shard_is_complete_when_one_of_its_processes_is() {
        let shard = |index| Shard::new(index, 3);
        let told = |shard, end: Option<bool>| {
            let line = record("a", Rank::Ok, shard).to_json_line();
            line + &end.map(|interrupted| self::end(shard, interrupted)).unwrap_or_default()
        };
        for (texts, want) in [
            (vec![told(shard(0), Some(false)), told(shard(1), Some(false)), told(shard(2), Some(false))], vec![]),
            (vec![told(shard(0), Some(false)), told(shard(1), None)], vec![shard(1), shard(2)]),
            (
                vec![told(shard(0), Some(true)), told(shard(1), Some(false)), told(shard(2), None)],
                vec![shard(0), shard(2)],
            ),
            (
                vec![
                    told(shard(0), None),
                    told(shard(0), Some(false)),
                    told(shard(1), Some(false)),
                    told(shard(2), Some(false)),
                ],
                vec![],
            ),
            (vec![told(None, Some(true))], vec![None]),
            (vec![told(None, None), told(None, Some(false))], vec![]),
        ] {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let reports = reports(&texts).unwrap();
            assert_eq!(reports.incomplete(10), want);
            assert_eq!(reports.summary().ending() == Ending::TryAgain, !want.is_empty());
        }
        let merged = |items| {
            let line = told(shard(0), None) + &told(shard(1), None).replace("\"a\"", "\"b\"");
            line + &Summary { items, ..Summary::default() }.to_json_line()
        };
        assert_eq!(reports(&[&merged(2)]).unwrap().incomplete(10), [], "a merged report speaks for all of them");
        let behind = told(shard(2), None) + &merged(2);
        assert_eq!(reports(&[&behind]).unwrap().incomplete(10), [shard(0), shard(1), shard(2)], "but not for others");
        let huge = record("a", Rank::Ok, Shard::new(7, u32::MAX)).to_json_line();
        assert_eq!(reports(&[&huge]).unwrap().incomplete(3).len(), 3);
    }

    #[test]
    fn reports_have_ceilings() {
        let text = line("aaaa", Rank::Ok) + &line("bbbb", Rank::Ok) + &line("aaaa", Rank::Ok);
        for (limit, low, enough) in [("items", "1", "2"), ("line-bytes", "100", "1000"), ("list-bytes", "7", "8")] {
            let with = |value| {
                let mut cx = Context::default();
                cx.limits.set(limit, value).unwrap();
                Reports::new(&cx).add("r", Cursor::new(text.clone().into_bytes()))
            };
            let error = with(low).unwrap_err();
            assert!(error.advice().is_some_and(|advice| advice.contains(limit)), "{error}");
            assert!(with(enough).is_ok(), "{limit}");
        }
    }

    proptest! {
        /// Processes that ran in any order, in files of any order, make the same report.
        #[test]
        fn order_makes_no_difference(
            lines in prop::collection::vec(("[a-d]", 0..5_usize), 0..12).prop_shuffle(), turn in 0..12_usize,
        ) {
            let ranks = [Rank::Skipped, Rank::Temporary, Rank::Failed, Rank::Unchanged, Rank::Ok];
            let mut texts: Vec<String> =
                lines.iter().map(|(item, rank)| line(item, ranks[*rank]) + &end(None, false)).collect();
            let found = |texts: &[String]| {
                let mut reports = reports(&texts.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
                (statuses(&mut reports), reports.summary())
            };
            let before = found(&texts);
            let turn = turn.min(texts.len());
            texts.rotate_left(turn);
            prop_assert_eq!(found(&texts), before);
        }
    }
}
