//! `transload report`: a page about an archive, and what batches did.

mod failed;
mod files;
mod merge;
mod page;
mod summary;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::exit::CODES;
use super::signals::Signals;
use failed::FailedArgs;
use merge::MergeArgs;
use page::PageArgs;
use summary::SummaryArgs;

const EXAMPLES: &str = "\
Examples:
  transload report app.tar -o app.html
  transload report --platform linux/arm64 app.oci.tar -o app.html
  podman save app | transload report - -o - > app.html
  transload report summary reports/*.jsonl
  transload report merge reports/*.jsonl > report.jsonl
  transload report failed --temporary reports/*.jsonl > again.jsonl

The page is one file without scripts that loads nothing. It shows the layers and who shares them, what takes the space in
the merged file system, what is overwritten, removed or repeated by later layers, files of the same contents, the config,
and which engines load the archive. Every layer is read once.";

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub(super) struct ReportArgs {
    #[command(flatten)]
    page: PageArgs,
    #[command(subcommand)]
    what: Option<What>,
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
        None => page::run(&args.page, signals),
        Some(What::Merge(args)) => merge::run(args, signals),
        Some(What::Summary(args)) => summary::run(args, signals),
        Some(What::Failed(args)) => failed::run(args, signals),
    }
}
