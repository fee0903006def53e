//! `transload report merge`.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::files::FilesArgs;
use crate::cli::exit;
use crate::cli::signals::Signals;
use crate::cli::stdio;

const EXAMPLES: &str = "\
Examples:
  transload report merge reports/*.jsonl > report.jsonl
  cat reports/* | transload report merge - | tail -n 1 | jq .summary

Of an item that several reports tell of, the line that tells most counts, in whatever order they are given: a result \
that was written, one that was there, a failure for good, one that is worth another try, nothing to do. Of lines about \
different bytes under one name the last one counts.";

const CODES: &str = "\
Exit codes:
  0        every item has its result, or needs none
  1        some items failed for good
  2        wrong usage
  3        a file is no report
  75       some items are worth another try, or a shard is not complete
  130,143  interrupted by SIGINT, SIGTERM
  141      whoever read standard output closed it";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub(super) struct MergeArgs {
    #[command(flatten)]
    files: FilesArgs,
}

pub(super) fn run(args: &MergeArgs, signals: &Signals) -> Result<ExitCode> {
    let mut reports = args.files.read(signals)?;
    let mut out = stdio::plain_answer(signals);
    for record in reports.records() {
        out.write_all(record?.to_json_line().as_bytes())?;
    }
    let summary = reports.summary();
    out.write_all(summary.to_json_line().as_bytes())?;
    out.flush()?;
    Ok(ExitCode::from(exit::ending(summary.ending())))
}
