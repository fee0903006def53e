//! What a batch is about: sources, lists, and which part of them.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use transload::batch::{Items, NameTemplate, Naming, Shard, read_list};
use transload::{Error, ErrorKind, Format, Limits};

use super::shard::ShardArgs;
use crate::cli::args::parse;
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
            for line in read_list(&name, opened(list, &name)?, limits)? {
                items.add_line(line, &naming, limits).map_err(|error| error.within(name.clone()))?;
            }
        }
        items.check()?;
        if let Some(shard) = shard {
            items.keep_shard(shard, self.shard.by_size());
        }
        Ok((items, shard))
    }
}

fn opened(list: &OsString, name: &str) -> Result<Box<dyn BufRead>> {
    if list == "-" {
        return Ok(Box::new(BufReader::new(PatientStdin)));
    }
    let failed = |cause: std::io::Error| {
        let kind = if cause.kind() == std::io::ErrorKind::NotFound { ErrorKind::Usage } else { ErrorKind::Environment };
        Error::new(kind, format!("cannot open: {cause}")).within(name)
    };
    Ok(Box::new(BufReader::new(File::open(list).map_err(failed)?)))
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
