//! `transload batch`: many archives as one job.

mod render;
mod shard;

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use transload::Limits;
use transload::batch::{read_list, write_line};

use render::RenderArgs;
use shard::ShardArgs;

const EXAMPLES: &str = "\
Examples:
  transload batch plan --shard 0/8 jobs.jsonl";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct BatchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the items of a list that fall to a shard
    Plan(PlanArgs),
    /// Print what an engine needs to run a batch on many machines
    Render(RenderArgs),
}

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct PlanArgs {
    /// List of items
    list: PathBuf,
    #[command(flatten)]
    shard: ShardArgs,
}

pub(super) fn run(args: &BatchArgs) -> Result<ExitCode> {
    match &args.what {
        What::Render(args) => render::run(args),
        What::Plan(args) => plan(args),
    }
}

fn plan(args: &PlanArgs) -> Result<ExitCode> {
    let name = args.list.display().to_string();
    let file = File::open(&args.list).with_context(|| name.clone())?;
    let mut lines = read_list(&name, BufReader::new(file), &Limits::default())?;
    if let Some(shard) = args.shard.shard()? {
        let items: Vec<_> = lines.iter().map(|line| (line.input.as_str(), line.size.unwrap_or(0))).collect();
        let mut mine = args.shard.mine(shard, &items).into_iter();
        lines.retain(|_| mine.next().unwrap_or(false));
    }
    let mut out = std::io::stdout().lock();
    lines.iter().try_for_each(|line| out.write_all(write_line(line).as_bytes()))?;
    Ok(ExitCode::SUCCESS)
}
