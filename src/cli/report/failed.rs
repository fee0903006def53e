//! `transload report failed`.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use transload::batch::{Status, write_line};

use super::files::FilesArgs;
use crate::cli::signals::Signals;
use crate::cli::stdio;

const EXAMPLES: &str = "\
Examples:
  transload report failed reports/*.jsonl | jq -r .in
  transload report failed --temporary reports/*.jsonl > again.jsonl

The list is one for --list: it says of each item what the first list said.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct FailedArgs {
    #[command(flatten)]
    files: FilesArgs,
    /// List only what is worth another try
    #[arg(long)]
    temporary: bool,
}

pub(super) fn run(args: &FailedArgs, signals: &Signals) -> Result<ExitCode> {
    let mut reports = args.files.read(signals)?;
    let mut out = stdio::plain_answer(signals);
    for record in reports.records() {
        let record = record?;
        if record.status == Status::Failed && (!args.temporary || record.is_temporary()) {
            out.write_all(write_line(&record.retry()).as_bytes())?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
