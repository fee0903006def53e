//! The report of a batch: one JSON line for each item that ended, and one at the end for all.
//!
//! `docs/report.schema.json` is the same as a JSON Schema. Reports can be put together with `cat`: a line says all that
//! is known of its item, and a summary counts the lines of its own process only.

use std::error::Error as _;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::json_line;
use super::list::Line;
use super::shard::Shard;
use crate::digest::{Digest, ImageId};
use crate::error::{Error, ErrorKind, Result};

/// The number of this shape of lines. It is raised when a key changes its meaning or goes; readers pass over keys that
/// they do not know.
pub const SCHEMA: u32 = 1;

/// The key `schema`: always [`SCHEMA`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Schema;

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(SCHEMA)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            SCHEMA => Ok(Self),
            other => Err(D::Error::custom(format!("schema {other} is not known here, only {SCHEMA}"))),
        }
    }
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    pub(super) schema: Schema,
    /// The item's key.
    pub item: String,
    /// Path that was read.
    #[serde(rename = "in")]
    pub input: String,
    /// Digest of the source's root document, `index.json` or `manifest.json`, which names all the rest by digest.
    pub in_digest: Option<Digest>,
    /// What became of it, in a word.
    pub status: Status,
    /// Path of the result; of an item that failed, where it was to be. `None` when there was to be none.
    #[serde(rename = "out")]
    pub output: Option<String>,
    /// Digest of the result's root document.
    pub out_digest: Option<Digest>,
    /// The images in the result.
    pub images: Vec<RecordedImage>,
    /// What the result cannot hold, one line each.
    pub losses: Vec<String>,
    /// Layers that are stored in another way than in the source.
    pub recompressed: Vec<Recompressed>,
    /// Bytes of blobs that were read.
    pub bytes_in: u64,
    /// Bytes of the result.
    pub bytes_out: u64,
    /// How long it took; in the file seconds with three digits behind the point.
    #[serde(with = "seconds")]
    pub seconds: Duration,
    /// Which shard did it.
    pub shard: Option<Shard>,
    /// Why there is no result.
    pub error: Option<Failure>,
    /// The list's line of an item that failed, for another try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<Line>,
}

impl Record {
    /// Makes a record that says nothing but what became of an item.
    pub fn new(item: impl Into<String>, input: impl Into<String>, status: Status) -> Self {
        Self {
            schema: Schema,
            item: item.into(),
            input: input.into(),
            in_digest: None,
            status,
            output: None,
            out_digest: None,
            images: Vec::new(),
            losses: Vec::new(),
            recompressed: Vec::new(),
            bytes_in: 0,
            bytes_out: 0,
            seconds: Duration::ZERO,
            shard: None,
            error: None,
            line: None,
        }
    }

    /// Returns the line of a list with which it would be tried again.
    pub fn retry(&self) -> Line {
        let mut line = self.line.clone().unwrap_or_else(|| Line::new(&self.input));
        // Unless the list said otherwise, an item is called as its result is below the output folder.
        line.output = line.output.or_else(|| self.output.is_some().then(|| self.item.clone()));
        if line.output.as_ref() != Some(&self.item) {
            line.id.get_or_insert_with(|| self.item.clone());
        }
        line
    }

    /// Writes it as a line of a report, with a line end.
    pub fn to_json_line(&self) -> String {
        json_line(self)
    }

    /// Tells whether another try may end better.
    pub fn is_temporary(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.class == Class::Temporary)
    }
}

/// What became of an item, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Status {
    /// The result was written.
    Ok,
    /// The result of an earlier run is there and is what would be written.
    Unchanged,
    /// There is no result.
    Failed,
    /// Nothing was to be done: no image archive, or somebody else is at it.
    Skipped,
}

/// Why an item failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// The [`Code`](crate::Code) of what is wrong with the source, or the kind of error, as in `environment`.
    pub code: String,
    /// Whether another try may end better.
    pub class: Class,
    /// The error in words.
    pub message: String,
    /// The member of the source that it is about.
    pub member: Option<String>,
}

impl Failure {
    /// Records an error. What the environment is to blame for, and what was interrupted, is worth another try.
    pub fn of(error: &Error) -> Self {
        let (kind, class) = match error.kind() {
            ErrorKind::Usage => ("usage", Class::Permanent),
            ErrorKind::Damaged => ("damaged", Class::Permanent),
            ErrorKind::Unsupported => ("unsupported", Class::Permanent),
            ErrorKind::Exists => ("exists", Class::Permanent),
            ErrorKind::Unverified => ("unverified", Class::Permanent),
            ErrorKind::Environment => ("environment", Class::Temporary),
            ErrorKind::Cancelled => ("cancelled", Class::Temporary),
        };
        let detail = error.detail();
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            message = format!("{message}: {inner}");
            cause = inner.source();
        }
        let code = detail.code.map_or(kind, |code| code.name()).to_owned();
        Self { code, class, message, member: detail.member.clone() }
    }
}

/// Whether another try may end better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The same will happen again: the source is damaged, or what is asked for cannot be done with it.
    Permanent,
    /// The environment failed (disk, permission, I/O), or it was interrupted.
    Temporary,
}

/// An image in a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedImage {
    /// Its names.
    pub names: Vec<String>,
    /// Hash of its config.
    pub image_id: Option<ImageId>,
    /// Digest of its manifest, in formats that have one.
    pub manifest_digest: Option<Digest>,
    /// Its platform, as `os/architecture[/variant]`.
    pub platform: Option<String>,
}

impl From<&crate::ConvertedImage> for RecordedImage {
    fn from(image: &crate::ConvertedImage) -> Self {
        Self {
            names: image.names.clone(),
            image_id: image.image_id,
            manifest_digest: image.manifest,
            platform: image.platform.clone(),
        }
    }
}

/// A layer that is stored in another way than in the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recompressed {
    /// Digest in the source.
    pub from: Digest,
    /// Digest in the result.
    pub to: Digest,
    /// How it is stored now, as in `gzip`.
    pub compression: String,
}

/// The last line of a process's report: its absence shows that the process did not end by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Summary {
    /// Items that are counted here.
    pub items: u64,
    /// Results that were written.
    pub ok: u64,
    /// Results that were there.
    pub unchanged: u64,
    /// Items that failed, and would again.
    pub failed: u64,
    /// Items that failed, and are worth another try.
    pub temporary: u64,
    /// Items for which nothing was to be done.
    pub skipped: u64,
    /// Bytes of blobs that were read.
    pub bytes_in: u64,
    /// Bytes of results.
    pub bytes_out: u64,
    /// How long the process ran; in a merged report the seconds of all items together.
    #[serde(with = "seconds")]
    pub seconds: Duration,
    /// Which shard it was.
    pub shard: Option<Shard>,
    /// Whether it ended before all items were done.
    pub interrupted: bool,
}

impl Summary {
    /// Counts an item.
    pub fn add(&mut self, record: &Record) {
        self.count(record.status, record.is_temporary(), record.bytes_in, record.bytes_out);
    }

    pub(super) fn count(&mut self, status: Status, temporary: bool, bytes_in: u64, bytes_out: u64) {
        self.items += 1;
        *match status {
            Status::Ok => &mut self.ok,
            Status::Unchanged => &mut self.unchanged,
            Status::Skipped => &mut self.skipped,
            Status::Failed if temporary => &mut self.temporary,
            Status::Failed => &mut self.failed,
        } += 1;
        self.bytes_in = self.bytes_in.saturating_add(bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(bytes_out);
    }

    /// Returns how a process ends that has done this. Another try passes over what is done, so it counts for more than
    /// what failed for good.
    pub fn ending(&self) -> Ending {
        match self {
            Self { temporary: 1.., .. } | Self { interrupted: true, .. } => Ending::TryAgain,
            Self { failed: 1.., .. } => Ending::SomeFailed,
            _ => Ending::Done,
        }
    }

    /// Writes it as a line of a report, with a line end.
    pub fn to_json_line(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            schema: Schema,
            summary: &'a Summary,
        }
        json_line(&Line { schema: Schema, summary: self })
    }
}

/// How a batch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// Every item has its result, or needs none.
    Done,
    /// Some items failed for good.
    SomeFailed,
    /// Some items are worth another try, or were not tried.
    TryAgain,
}

/// A line of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Of an item.
    Record(Box<Record>),
    /// Of a process.
    Summary(Summary),
}

/// Reads a line of a report.
///
/// # Errors
///
/// [`Damaged`](crate::ErrorKind::Damaged) when it is none, or of a schema that is not known.
pub fn parse_line(line: &[u8]) -> Result<Entry> {
    #[derive(Deserialize)]
    struct Outside {
        #[serde(rename = "schema")]
        _schema: Schema,
        summary: Option<Summary>,
    }
    let invalid = |cause: serde_json::Error| {
        let text = cause.to_string().replace(" at line 1 column ", " at column ");
        Error::damaged(format!("not a line of a report: {text}"))
    };
    match serde_json::from_slice::<Outside>(line).map_err(invalid)?.summary {
        Some(summary) => Ok(Entry::Summary(summary)),
        None => serde_json::from_slice(line).map(Entry::Record).map_err(invalid),
    }
}

/// Seconds with three digits behind the point.
mod seconds {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Number;

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        let text = format!("{}.{:03}", duration.as_secs(), duration.subsec_millis());
        text.parse::<Number>().expect("digits are a number").serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let number = Number::deserialize(deserializer)?;
        let seconds = number.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let duration = seconds.ok_or_else(|| D::Error::custom("not a number of seconds"))?;
        // To the digits that are written.
        Ok(Duration::from_millis(
            u64::try_from((duration + Duration::from_micros(500)).as_millis()).unwrap_or(u64::MAX),
        ))
    }
}

impl Serialize for Shard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Shard {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
