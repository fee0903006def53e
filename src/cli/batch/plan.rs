//! `transload batch plan`.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use transload::Format;
use transload::batch::write_line;

use super::select::SelectArgs;
use crate::cli::args::format;
use crate::cli::signals::Signals;
use crate::cli::source::LimitArgs;
use crate::cli::stdio;

const EXAMPLES: &str = "\
Examples:
  transload batch plan --to oci-archive archives/ > jobs.jsonl
  transload batch plan --to oci-archive archives/ | jq -s 'map(.size) | add'";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    select: SelectArgs,
    /// Format of the results
    #[arg(long, value_name = "FORMAT", value_parser = format())]
    to: Option<Format>,
    #[command(flatten)]
    limits: LimitArgs,
}

pub(super) fn run(args: &PlanArgs, signals: &Signals) -> Result<ExitCode> {
    let (items, _) = args.select.items(args.to, (false, false), &args.limits.limits()?, signals)?;
    let mut stdout = stdio::plain_answer(signals);
    for item in &items.items {
        stdout.write_all(write_line(&item.line()).as_bytes())?;
    }
    stdout.flush()?;
    Ok(ExitCode::SUCCESS)
}
