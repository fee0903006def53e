//! What a batch is about: sources, lists, and which part of them.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use transload::batch::{Items, NameTemplate, Naming, Shard, read_list};
use transload::{Cancel, Error, ErrorKind, Format, Limits};

use super::shard::ShardArgs;
use crate::cli::args::parse;
use crate::cli::signals::Signals;
use crate::cli::source::usage;
use crate::cli::stdio::PatientStdin;

#[derive(Args, Debug)]
pub(super) struct SelectArgs {
    /// Archives, layout folders, folders to search for them, or patterns such as 'dir/**/*.tar'
    #[arg(value_name = "SOURCE")]
    sources: Vec<OsString>,
    /// File with one path on a line, or one JSON object with in, out, tags, platform, image; - is standard input
    #[arg(long, value_name = "FILE")]
    list: Option<OsString>,
    /// Folder of the results, made when it is not there [default: the current one]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What results are called: {dir}, {stem} and {ext} are the source's folder and name, and the target's ending
    #[arg(long, value_name = "TEMPLATE", value_parser = parse::<NameTemplate>)]
    name_template: Option<NameTemplate>,
    #[command(flatten)]
    shard: ShardArgs,
}

impl SelectArgs {
    pub(super) fn out(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| PathBuf::from("."))
    }

    /// Finds the items, before anything is done to one of them, and which part of them is this process's.
    pub(super) fn items(
        &self,
        to: Option<Format>,
        remote: (bool, bool),
        limits: &Limits,
        signals: &Signals,
    ) -> Result<(Items, Option<Shard>)> {
        let shard = self.shard.shard()?;
        let mut naming = Naming::new(to, self.out());
        (naming.remote_inputs, naming.remote_outputs) = remote;
        if let Some(template) = &self.name_template {
            naming.template = template.clone();
        }
        if self.sources.is_empty() && self.list.is_none() {
            return Err(usage("no sources").hint("name archives or folders, or a list of them with --list").into());
        }
        let mut items = Items::default();
        for source in &self.sources {
            for path in expanded(source)? {
                items.add_source(&path, &naming, limits)?;
            }
        }
        if let Some(list) = &self.list {
            let name = if list == "-" { "standard input".to_owned() } else { list.display().to_string() };
            let read = read_list(&name, opened(list, &name, signals.cancel())?, limits);
            // Who interrupts need not hear what that did to the list.
            if signals.cancel().is_triggered() {
                return Err(Error::new(ErrorKind::Cancelled, "interrupted").into());
            }
            for line in read? {
                items.add_line(line, &naming, limits).map_err(|error| error.within(name.clone()))?;
            }
        }
        items.leave_out_results(&naming, limits)?;
        items.check(&naming)?;
        if let Some(shard) = shard {
            items.keep_shard(shard, self.shard.by_size());
        }
        Ok((items, shard))
    }
}

fn opened(list: &OsString, name: &str, cancel: Cancel) -> Result<Box<dyn BufRead>> {
    if list == "-" {
        return Ok(Box::new(BufReader::new(Interruptible { reader: PatientStdin, cancel })));
    }
    let failed = |cause: std::io::Error| {
        let kind = if cause.kind() == std::io::ErrorKind::NotFound { ErrorKind::Usage } else { ErrorKind::Environment };
        Error::new(kind, format!("cannot open: {cause}")).within(name)
    };
    Ok(Box::new(BufReader::new(File::open(list).map_err(failed)?)))
}

/// What says `Interrupted` now and then while it waits; ends then, if that is wished.
struct Interruptible<R> {
    reader: R,
    cancel: Cancel,
}

impl<R: Read> Read for Interruptible<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buffer) {
            // Readers of lines take no notice of that kind.
            Err(error) if error.kind() == io::ErrorKind::Interrupted && self.cancel.is_triggered() => {
                Err(io::Error::other("interrupted"))
            }
            other => other,
        }
    }
}

/// Returns the paths that a pattern stands for, in order. What is there under this very name is no pattern.
fn expanded(source: &OsString) -> Result<Vec<PathBuf>> {
    let path = Path::new(source);
    let pattern = source.to_str().filter(|text| text.contains(['*', '?', '[']));
    let Some(pattern) = pattern.filter(|_| path.symlink_metadata().is_err()) else { return Ok(vec![path.to_owned()]) };
    let wrong = |cause: glob::PatternError| usage(&format!("pattern {pattern}: {cause}"));
    let mut found = Vec::new();
    for path in glob::glob(pattern).map_err(wrong)? {
        found.push(path.map_err(|error| Error::new(ErrorKind::Environment, error.to_string()))?);
    }
    if found.is_empty() {
        return Err(usage(&format!("pattern {pattern}: nothing matches")).into());
    }
    Ok(found)
}
