//! Doing a batch, and telling what became of it.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use transload::batch::{self, BatchOptions, Carrier, Items, Record, Shard, Summary, Task};
use transload::{Cancel, Error, VerifyOptions};

use super::carrier::Commands;
use super::memory;
use super::metrics::Metrics;
use super::report::Report;
use super::select::SelectArgs;
use super::tally::Tally;
use crate::cli::conversion::{ConversionArgs, no_format};
use crate::cli::exit;
use crate::cli::progress::ProgressArgs;
use crate::cli::render::{bytes, count};
use crate::cli::signals::Signals;
use crate::cli::source::{SourceArgs, usage};

/// Bytes that a layer cache may take unless another size is given.
const CACHE_BYTES: &str = "10G";

#[derive(Args, Debug)]
pub(super) struct RunArgs {
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    conversion: ConversionArgs,
    /// Read every byte of all items and tell what is wrong with them; write nothing
    #[arg(long, conflicts_with_all = ["to", "inspect_only", "fetch", "store", "done"])]
    verify_only: bool,
    /// Put into the report what is in each item; write nothing else
    #[arg(long, conflicts_with_all = ["to", "store", "done"])]
    inspect_only: bool,
    /// File for one JSON object for each item and one for all; a folder takes one file for each run; - is standard output
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Try an item again this often when the environment failed (disk, network file system)
    #[arg(long, value_name = "N", default_value_t = 3)]
    retries: u32,
    /// Begin no further item when more than this many have failed for good
    #[arg(long, value_name = "N")]
    max_failures: Option<u64>,
    /// Keep to this much memory, as in 512M [default: what the control group allows]
    #[arg(long, value_name = "SIZE", value_parser = memory::size)]
    memory: Option<u64>,
    /// Folder that keeps layers which were compressed or decompressed, for later runs and other processes
    #[arg(long, value_name = "DIR")]
    layer_cache: Option<PathBuf>,
    /// How large that folder may become
    #[arg(long, value_name = "SIZE", value_parser = memory::size, default_value = CACHE_BYTES, requires = "layer_cache")]
    layer_cache_size: u64,
    /// How many seconds items that were begun may take to end after SIGTERM or SIGINT
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    grace: u64,
    /// Note each finished item in a file of its own, PREFIX followed by a hash, for storage that cannot lock files
    #[arg(long, value_name = "PREFIX")]
    done: Option<PathBuf>,
    /// Text file with numbers for Prometheus' node exporter
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// Shell command that brings a source, as in 'aws s3 cp {in} {file}'
    #[arg(long, value_name = "COMMAND")]
    fetch: Option<String>,
    /// Shell command that takes a result away, as in 'aws s3 cp {file} {out}'
    #[arg(long, value_name = "COMMAND")]
    store: Option<String>,
    /// Print errors only
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
    /// Tell of every item
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    progress: ProgressArgs,
}

pub(super) fn run(args: &RunArgs, signals: &Signals) -> Result<ExitCode> {
    let task = task(args)?;
    let mut cx = args.source.context(signals)?;
    // A signal stops taking items first, and what was begun after a while.
    cx.cancel = Cancel::default();
    let commands = Commands { fetch: args.fetch.clone(), store: args.store.clone() };
    let to = if args.verify_only || args.inspect_only { None } else { args.conversion.to };
    let remote = (commands.fetches(), commands.stores());
    let (items, shard) = args.select.items(to, remote, &cx.limits, signals)?;
    let report = args.report.as_deref().map(|path| Report::open(path, shard, signals)).transpose()?;
    let metrics = args.metrics.as_deref().map(|path| Metrics::new(path, number_of(&items)));
    let options = options(args, task, signals, shard, &commands);
    check_out(&options, to.is_some())?;
    let title = count(items.items.len(), "archive");
    let progress = args.progress.start(&title, args.quiet, false);
    let tally = Tally {
        progress: &progress,
        report: report.as_ref(),
        metrics: metrics.as_ref(),
        quiet: args.quiet,
        verbose: args.verbose,
        items: number_of(&items),
        summary: Mutex::default(),
    };
    cx.observer = &tally;
    tally.begin(items.items.iter().map(|item| item.size).sum());
    let sizes: HashMap<String, u64> = items.items.iter().map(|item| (item.key.clone(), item.size)).collect();
    let ended = |record: &Record| tally.ended(record, sizes.get(&record.item).copied().unwrap_or(0));
    let summary = batch::run(items, &options, &cx, &ended)?;
    progress.finish();
    if !args.quiet {
        // The work is done: talk that nobody hears is no failure.
        let _ = io::stderr().write_all(told(&summary, sizes.len()).as_bytes());
    }
    if let (Some(metrics), Some(path)) = (&metrics, &args.metrics) {
        metrics.write(&summary, true).with_context(|| format!("{}: cannot write", path.display()))?;
    }
    report.map_or(Ok(()), |report| report.end(&summary))?;
    Ok(ExitCode::from(exit::batch(&summary, signals.received())))
}

fn task(args: &RunArgs) -> Result<Task, Error> {
    let from = args.source.format();
    if args.verify_only {
        let mut options = VerifyOptions::default();
        options.from = from;
        return Ok(Task::Verify(options));
    }
    if args.inspect_only {
        return Ok(Task::Inspect { from });
    }
    let mut options = args.conversion.options(args.conversion.to.ok_or_else(no_format)?)?;
    options.from = from;
    Ok(Task::Convert(Box::new(options)))
}

fn options<'a>(
    args: &RunArgs,
    task: Task,
    signals: &Signals,
    shard: Option<Shard>,
    commands: &'a Commands,
) -> BatchOptions<'a> {
    let mut options = BatchOptions::new(task, args.select.out());
    options.retries = args.retries;
    options.max_failures = args.max_failures;
    options.stop = signals.cancel();
    options.grace = Duration::from_secs(args.grace);
    options.memory = args.memory.or_else(memory::allowed);
    options.layer_cache = args.layer_cache.clone().map(|folder| (folder, args.layer_cache_size));
    options.done.clone_from(&args.done);
    options.shard = shard;
    options.carrier = (commands.fetches() || commands.stores()).then_some(commands as &dyn Carrier);
    options
}

/// Fails when something is there under the name of the folder of results that is none, before anything starts.
fn check_out(options: &BatchOptions<'_>, writes: bool) -> Result<()> {
    let out: &Path = &options.out;
    if writes && out.symlink_metadata().is_ok() && !out.is_dir() {
        return Err(usage(&format!("--out {}: not a folder", out.display())).into());
    }
    Ok(())
}

fn number_of(items: &Items) -> u64 {
    (items.items.len() + items.others.len()) as u64
}

/// Says what became of all items.
fn told(summary: &Summary, planned: usize) -> String {
    let number = |number: u64, what: &str| (number > 0).then(|| format!("{number} {what}"));
    let parts = [
        number(summary.ok, "done"),
        number(summary.unchanged, "unchanged"),
        number(summary.failed, "failed"),
        number(summary.temporary, "worth another try"),
        number(summary.skipped, "skipped"),
        number((planned as u64).saturating_sub(summary.items), "not begun"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    let what = if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") };
    let seconds = summary.seconds.as_secs_f64();
    let rate = if seconds > 0.0 {
        format!(" ({}/s)", bytes((summary.bytes_in as f64 / seconds) as u64))
    } else {
        String::new()
    };
    format!(
        "{what}: {} read{rate}, {} of results, in {seconds:.1} s\n",
        bytes(summary.bytes_in),
        bytes(summary.bytes_out)
    )
}
