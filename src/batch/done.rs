//! What is done already, and what is being done: by this run, by earlier ones, by others at the same time.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::claim::{Lock, Locks};
use super::identity::Identity;
use super::item::Item;
use super::journal::{Journal, Past};
use super::json_line;
use super::options::BatchOptions;
use super::record::{Record, Status};
use super::work;
use crate::codec::ENCODER_VERSION;
use crate::convert::{self, ConvertOptions};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::output::Output;

/// In the output folder.
const FOLDER: &str = ".transload";
const JOURNAL: &str = "journal.jsonl";

pub(super) struct Done<'a> {
    options: &'a BatchOptions<'a>,
    convert: &'a ConvertOptions,
    locks: Locks,
    journal: Journal,
}

/// An item that is to be done.
pub(super) struct Begun {
    fingerprint: Digest,
    input: Option<Identity>,
    /// `None`: it is stored elsewhere.
    output: Option<PathBuf>,
    /// What is at its output's place is its own.
    pub(super) replace: bool,
}

impl<'a> Done<'a> {
    pub(super) fn open(options: &'a BatchOptions<'a>, convert: &'a ConvertOptions, limits: &Limits) -> Result<Self> {
        let folder = options.out.join(FOLDER);
        let failed = |path: &Path, cause| Error::io("cannot be made", cause).within(path.display().to_string());
        std::fs::create_dir_all(&folder).map_err(|cause| failed(&folder, cause))?;
        let claims = folder.join("claims");
        let mut open = std::fs::OpenOptions::new();
        open.read(true).write(true).create(true).truncate(false).mode(0o666);
        let file = open.open(&claims).map_err(|cause| failed(&claims, cause))?;
        let journal = Journal::open(&folder.join(JOURNAL), limits)?;
        Ok(Self { options, convert, locks: Locks::new(file), journal })
    }

    /// Reads the journal of an output folder, if there is one.
    pub(super) fn journal_in(out: &Path, limits: &Limits) -> Result<Option<Journal>> {
        let path = out.join(FOLDER).join(JOURNAL);
        if path.exists() { Journal::open(&path, limits).map(Some) } else { Ok(None) }
    }

    /// Takes an item, unless another process has it.
    pub(super) fn claim(&self, item: &Item) -> Result<Option<Lock<'_>>> {
        self.locks.try_item(&item.key).map_err(|cause| Error::io("cannot lock an item", cause))
    }

    /// Notes that an item is going to be done; returns what became of it when it is done already.
    pub(super) fn begin(&self, item: &Item) -> Result<Result<Begun, Box<Record>>> {
        let fetched = self.options.carrier.is_some_and(|carrier| carrier.fetches());
        let stored = self.options.carrier.is_some_and(|carrier| carrier.stores());
        let mut input = Identity::of(&item.input).filter(|_| !fetched);
        if fetched {
            input = Some(Identity::sized(item.size));
        }
        let fingerprint = self.fingerprint(item)?;
        let output = item.output.clone().filter(|_| !stored);
        let past = self.journal.past(&item.key, fingerprint, input.as_ref(), output.as_deref())?;
        let replace = match past {
            Past::Done(record) => return Ok(Err(unchanged(*record))),
            Past::Ours => true,
            Past::Unknown => false,
        };
        let begun = Begun { fingerprint, input, output, replace };
        if let Some(record) = self.marked(item, &begun) {
            return Ok(Err(unchanged(record)));
        }
        if let Some(output) = &begun.output {
            let mut convert = self.convert.clone();
            convert.replace |= begun.replace;
            convert::check_output(&Output::Path(output.clone()), &convert)?;
            if let Some(folder) = output.parent() {
                let failed = |cause| Error::io("cannot be made", cause).within(folder.display().to_string());
                std::fs::create_dir_all(folder).map_err(failed)?;
            }
        }
        self.journal.begin(&item.key, fingerprint)?;
        Ok(Ok(begun))
    }

    /// Notes that an item is done.
    pub(super) fn end(&self, record: &Record, begun: &Begun) -> Result<()> {
        let out = begun.output.as_deref().and_then(Identity::of);
        if let Some(prefix) = &self.options.done {
            mark(&marker(prefix, &record.item, begun), record)?;
        }
        self.journal.done(record, begun.fingerprint, begun.input.clone(), out)
    }

    /// Notes that an item that was begun failed: if nothing is at its output's place, what comes there is not its own.
    pub(super) fn abandon(&self, item: &Item, begun: &Begun) {
        if begun.output.as_deref().is_none_or(|output| output.symlink_metadata().is_err()) {
            // The item's own error is what has to be told.
            let _ = self.journal.withdraw(&item.key, begun.fingerprint);
        }
    }

    /// Confirms to the disk what was noted.
    pub(super) fn sync(&self) -> Result<()> {
        self.journal.sync()
    }

    /// Returns what a marker says of an item, if its result is there.
    fn marked(&self, item: &Item, begun: &Begun) -> Option<Record> {
        let text = std::fs::read(marker(self.options.done.as_ref()?, &item.key, begun)).ok()?;
        let Ok(super::record::Entry::Record(record)) = super::record::parse_line(text.trim_ascii_end()) else {
            return None;
        };
        let there = |output: &PathBuf| Identity::of(output).is_some_and(|out| out.size() == record.bytes_out);
        begun.output.as_ref().is_none_or(there).then_some(*record)
    }

    /// Returns a digest of everything but the source that the result depends on.
    fn fingerprint(&self, item: &Item) -> Result<Digest> {
        work::options_for(self.convert, item, false).map(|options| fingerprint(&options))
    }
}

/// Returns a digest of all options that change a result.
fn fingerprint(options: &ConvertOptions) -> Digest {
    let ConvertOptions {
        from,
        to,
        images,
        platforms,
        all_platforms,
        tags,
        compression,
        level,
        recompute,
        strict,
        host,
        ..
    } = options;
    let codec = json!([ENCODER_VERSION, format!("{compression:?} {level:?}")]);
    let what = json!([format!("{from:?}"), to.name(), images, tags, all_platforms, recompute, strict]);
    let platforms: Vec<_> = platforms.iter().chain([host]).map(ToString::to_string).collect();
    Digest::of(json!([codec, what, platforms]).to_string().as_bytes())
}

fn unchanged(record: Record) -> Box<Record> {
    Box::new(Record { status: Status::Unchanged, bytes_in: 0, ..record })
}

/// Returns the name of an item's marker: it depends on all that the result depends on.
fn marker(prefix: &Path, key: &str, begun: &Begun) -> PathBuf {
    let name = Digest::of(json!([key, begun.fingerprint.to_string(), begun.input]).to_string().as_bytes()).hex();
    let mut path = prefix.as_os_str().to_owned();
    path.push(format!("{name}.json"));
    path.into()
}

/// Writes a marker: the same bytes whoever does it, so that it makes no difference who does it last.
fn mark(path: &Path, record: &Record) -> Result<()> {
    let failed = |cause| Error::io("cannot write", cause).within(path.display().to_string());
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(parent).map_err(failed)?;
    let text = json_line(&Record { seconds: std::time::Duration::ZERO, shard: None, ..record.clone() });
    let mut file = tempfile::Builder::new().prefix(".transload.").suffix(".tmp").tempfile_in(parent).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::codec::{CompressionChoice, CompressionLevel};
    use crate::formats::Format;
    use crate::platform::Platform;

    /// With any of them changed, what was done before is not what is wanted now.
    #[test]
    fn every_option_that_changes_a_result_is_in_the_fingerprint() {
        let base =
            || ConvertOptions { host: "linux/amd64".parse().unwrap(), ..ConvertOptions::new(Format::OciArchive) };
        let platform = |text: &str| text.parse::<Platform>().unwrap();
        let all = [
            base(),
            ConvertOptions { from: Some(Format::DockerArchive), ..base() },
            ConvertOptions { to: Format::HybridArchive, ..base() },
            ConvertOptions { images: vec!["a:1".to_owned()], ..base() },
            ConvertOptions { platforms: vec![platform("linux/arm64")], ..base() },
            ConvertOptions { all_platforms: true, ..base() },
            ConvertOptions { tags: vec!["a:1".to_owned()], ..base() },
            ConvertOptions { compression: Some(CompressionChoice::Zstd), ..base() },
            ConvertOptions { level: Some(CompressionLevel::Number(3)), ..base() },
            ConvertOptions { level: Some(CompressionLevel::Fast), ..base() },
            ConvertOptions { recompute: true, ..base() },
            ConvertOptions { strict: true, ..base() },
            ConvertOptions { host: platform("linux/arm64"), ..base() },
        ];
        let found: HashSet<String> = all.iter().map(|options| fingerprint(options).to_string()).collect();
        assert_eq!(found.len(), all.len());
        // How it is written changes nothing in it.
        for same in [ConvertOptions { replace: true, ..base() }, ConvertOptions { verify_output: true, ..base() }] {
            assert_eq!(fingerprint(&same), fingerprint(&base()));
        }
    }
}
