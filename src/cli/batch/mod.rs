//! `transload batch`.

mod carrier;
mod memory;
mod metrics;
mod plan;
mod render;
mod report;
mod run;
mod select;
mod shard;
mod tally;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::signals::Signals;
use plan::PlanArgs;
use render::RenderArgs;
use run::RunArgs;

const EXAMPLES: &str = "\
Examples:
  transload batch --to oci-archive --out converted/ archives/
  transload batch --to docker-archive --out out/ --report report.jsonl *.oci.tar
  find /srv -name '*.tar' | transload batch --to oci-archive --out /dst --list -
  transload batch --verify-only archives/
  transload batch --to oci-archive --out /new --shard auto --list jobs.jsonl
  transload report summary report.jsonl

Run it again to go on where it was stopped: what is done and unchanged is passed over.";

const CODES: &str = "\
Exit codes:
  0        every item is done, was done already, or is no image archive
  1        some items failed for good; the others are done
  2        wrong usage: a bad list, two items for one output, no shard found
  75       some items are worth another try, or SIGTERM came: run it again
  130      interrupted by SIGINT
  141      whoever read standard output closed it";

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub(super) struct BatchArgs {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Print the list of what would be done, with sizes: for --list
    Plan(PlanArgs),
    /// Print what an engine needs to run a batch on many machines
    Render(RenderArgs),
}

pub(super) fn run(args: &BatchArgs, signals: &Signals) -> Result<ExitCode> {
    match &args.other {
        Some(Other::Plan(args)) => plan::run(args, signals),
        Some(Other::Render(args)) => render::run(args, signals),
        None => run::run(&args.run, signals),
    }
}
