//! `transload report`: what batches did.

mod failed;
mod files;
mod merge;
mod summary;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::signals::Signals;
use failed::FailedArgs;
use merge::MergeArgs;
use summary::SummaryArgs;

const EXAMPLES: &str = "\
Examples:
  transload report summary reports/*.jsonl
  transload report merge reports/*.jsonl > report.jsonl
  transload report failed --temporary reports/*.jsonl > again.jsonl";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReportArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Put reports together: one line for each item, and one for all
    Merge(MergeArgs),
    /// Tell people what reports say
    Summary(SummaryArgs),
    /// List what failed, as a list for another try
    Failed(FailedArgs),
}

pub(super) fn run(args: &ReportArgs, signals: &Signals) -> Result<ExitCode> {
    match &args.what {
        What::Merge(args) => merge::run(args, signals),
        What::Summary(args) => summary::run(args, signals),
        What::Failed(args) => failed::run(args, signals),
    }
}
