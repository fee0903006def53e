//! The reports that a command reads, and what is said of them beside its answer.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};

use anyhow::{Context as _, Result};
use clap::Args;
use transload::batch::Reports;
use transload::{Context, Error, ErrorKind, Limits, escape};

use crate::cli::signals::Signals;
use crate::cli::source::{LimitArgs, usage};
use crate::cli::stdio::PatientStdin;

/// So many of what there can be thousands of are named.
const NAMED: usize = 10;
/// Bytes that are copied at once.
const PIECE: usize = 64 << 10;

#[derive(Args, Debug)]
pub(super) struct FilesArgs {
    /// Reports, as batch writes them or put together in one file; - is standard input
    #[arg(required = true)]
    report: Vec<OsString>,
    #[command(flatten)]
    limits: LimitArgs,
}

impl FilesArgs {
    /// Reads the reports, and tells on standard error what is missing in them.
    pub(super) fn read(&self, signals: &Signals) -> Result<Reports<File>> {
        let mut cx = Context::default();
        cx.limits = self.limits.limits()?;
        cx.cancel = signals.cancel();
        if self.report.iter().filter(|name| *name == "-").count() > 1 {
            return Err(usage("standard input can be read once").into());
        }
        let mut reports = Reports::new(&cx);
        for name in &self.report {
            let (shown, file) = if name == "-" {
                ("standard input".into(), copy(PatientStdin, &cx.limits, signals))
            } else {
                (name.to_string_lossy(), open(name, &cx.limits, signals))
            };
            let file = file.with_context(|| shown.clone().into_owned())?;
            reports.add(&shown, file)?;
        }
        // There is nowhere to tell that stderr cannot be written.
        let _ = io::stderr().write_all(missing(&reports).as_bytes());
        Ok(reports)
    }
}

fn open(name: &OsStr, limits: &Limits, signals: &Signals) -> Result<File> {
    let file = File::open(name)?;
    // What cannot be read twice is copied: a pipe, as in <(ssh host cat report.jsonl).
    if file.metadata()?.is_file() { Ok(file) } else { copy(file, limits, signals) }
}

/// Copies a stream to a file without a name.
fn copy(mut stream: impl Read, limits: &Limits, signals: &Signals) -> Result<File> {
    let (mut file, mut buffer, mut left) = (tempfile::tempfile()?, vec![0; PIECE], limits.inflated_bytes);
    loop {
        if signals.received() != 0 {
            return Err(Error::new(ErrorKind::Cancelled, "interrupted").into());
        }
        let n = match stream.read(&mut buffer) {
            Ok(0) => return Ok(file),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        left = left.checked_sub(n as u64).ok_or_else(|| {
            let error = Error::new(ErrorKind::Damaged, format!("more than {} bytes", limits.inflated_bytes));
            error.hint("if it is meant to be so, --limit inflated-bytes=N raises the limit")
        })?;
        file.write_all(&buffer[..n])?;
    }
}

/// Says which reports and shards did not come to their end.
fn missing(reports: &Reports<File>) -> String {
    let mut text = String::new();
    for name in reports.cut() {
        text += &format!("warning: {}: no summary at its end: its process was killed, or still runs\n", escape(name));
    }
    let open = reports.incomplete(NAMED + 1).into_iter();
    let mut open: Vec<_> =
        open.map(|shard| shard.map_or("what was no shard".into(), |shard| shard.to_string())).collect();
    if open.len() > NAMED {
        open[NAMED] = "and more".to_owned();
    }
    if !open.is_empty() {
        text += &format!("warning: not complete: {}\n", open.join(", "));
        text += "hint: run the batch again: what is done is passed over\n";
    }
    text
}
