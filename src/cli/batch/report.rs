//! The report of a run: written while it runs, a line for each item that ended.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use transload::batch::{Record, Shard, Summary};
use transload::{Error, ErrorKind};

use crate::cli::signals::Signals;
use crate::cli::stdio;

/// Where the lines go.
pub(super) struct Report {
    to: Mutex<Box<dyn Write + Send>>,
    /// Why it could not be written, the first time.
    failed: Mutex<Option<io::Error>>,
    name: String,
}

impl Report {
    /// Opens a report: a file, `-`, or a folder (a name that ends in `/`, or one that is there) in which this process
    /// makes a file of its own.
    pub(super) fn open(path: &Path, shard: Option<Shard>, signals: &Signals) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::new(Box::new(stdio::plain_answer(signals)), "standard output".to_owned()));
        }
        let folder = path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.is_dir();
        let (file, path) = if folder { in_folder(path, shard)? } else { (alone(path)?, path.to_owned()) };
        Ok(Self::new(Box::new(file), path.display().to_string()))
    }

    fn new(to: Box<dyn Write + Send>, name: String) -> Self {
        Self { to: Mutex::new(to), failed: Mutex::new(None), name }
    }

    pub(super) fn record(&self, record: &Record) {
        self.write(&record.to_json_line());
    }

    /// Writes the last line; fails if any line could not be written.
    pub(super) fn end(self, summary: &Summary) -> Result<()> {
        self.write(&summary.to_json_line());
        let failed = self.failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or(Ok(()), |error| Err(error).context(format!("{}: cannot write the report", self.name)))
    }

    fn write(&self, line: &str) {
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        // A line is written at once, so that what a killed process leaves ends with a whole one.
        if let Err(error) = to.write_all(line.as_bytes()).and_then(|()| to.flush()) {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }
}

/// Takes a report over from an earlier run, but not from one that is running.
fn alone(path: &Path) -> Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
    let file = file.with_context(|| format!("{}: cannot open the report", path.display()))?;
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    match file.try_lock() {
        Err(std::fs::TryLockError::WouldBlock) => {
            let error =
                Error::new(ErrorKind::Usage, "another run is writing this report").within(path.display().to_string());
            return Err(error.hint("give each run a report of its own: a folder, with / at its end, is enough").into());
        }
        // Not all file systems lock.
        Ok(()) | Err(std::fs::TryLockError::Error(_)) => {}
    }
    if is_file {
        file.set_len(0).with_context(|| format!("{}: cannot write the report", path.display()))?;
    }
    Ok(file)
}

/// Makes a file that no other process has: pods that are replaced and tasks that are requeued have the same shard.
fn in_folder(folder: &Path, shard: Option<Shard>) -> Result<(File, PathBuf)> {
    let failed = || format!("{}: cannot make a report", folder.display());
    std::fs::create_dir_all(folder).with_context(failed)?;
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let slurm = variable("SLURM_JOB_ID")
        .map(|id| format!("{id}-{}", variable("SLURM_RESTART_COUNT").unwrap_or_else(|| "0".to_owned())));
    let batch = variable("AWS_BATCH_JOB_ID")
        .map(|id| format!("{id}-{}", variable("AWS_BATCH_JOB_ATTEMPT").unwrap_or_default()));
    let run = slurm.or(batch).or_else(|| variable("HOSTNAME")).unwrap_or_else(|| "run".to_owned());
    let run: String = run.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let shard = shard.map_or_else(String::new, |shard| format!("shard-{:05}-of-{:05}.", shard.index(), shard.count()));
    for number in 0..u32::MAX {
        let more = if number == 0 { String::new() } else { format!(".{number}") };
        let path = folder.join(format!("{shard}{run}.{}{more}.jsonl", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => return Ok((other.with_context(failed)?, path)),
        }
    }
    Err(Error::new(ErrorKind::Environment, failed()).into())
}
