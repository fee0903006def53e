//! `transload batch render`: what an engine needs to run a batch on many machines.

mod argo;
mod k8s;
mod parallel;
mod quote;
mod slurm;

use std::io::Write;
use std::num::NonZeroU32;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, ValueEnum};

use crate::cli::args::Cli;
use crate::cli::signals::Signals;
use crate::cli::stdio;

const USAGE: &str = "transload batch render [OPTIONS] --engine <ENGINE> --shards <N> -- <ARGS>";
const EXAMPLES: &str = "\
Examples:
  transload batch render --engine parallel --shards 8 -- --to oci-archive old
  transload batch render --engine slurm --shards 256 -- \\
      --to oci-archive --out new old > job.sh
  transload batch render --engine k8s --shards 256 --container-image IMAGE -- \\
      --to oci-archive --out new --list jobs.jsonl | kubectl create -f -

What follows -- is what `transload batch` takes, apart from --shard, --report and --threads: those are added. On \
Kubernetes its paths are below the volume. Every process writes a report of its own into the folder --reports; \
`transload report merge` puts them together. The manifests know the exit codes: what failed for good is not tried again.";

#[derive(Args, Debug)]
#[command(override_usage = USAGE, after_help = EXAMPLES)]
pub(super) struct RenderArgs {
    /// What is to run the batch
    #[arg(long, value_enum)]
    engine: Engine,
    /// Number of shards; 4 to 10 for each that runs at a time, so that little is lost with one
    #[arg(long, value_name = "N")]
    shards: NonZeroU32,
    /// How many run at a time [default: as many as there is room for; with parallel 1]
    #[arg(long, value_name = "N")]
    at_a_time: Option<NonZeroU32>,
    /// How often a shard is tried again when that can help
    #[arg(long, value_name = "N", default_value_t = 5)]
    retries: u32,
    /// What the job is called
    #[arg(long, value_name = "NAME", default_value = "transload", value_parser = name)]
    name: String,
    /// Folder for the reports
    #[arg(long, value_name = "DIR", default_value = "reports")]
    reports: String,
    /// Cores for each process
    #[arg(long, value_name = "N", default_value_t = NonZeroU32::new(2).expect("2 is not 0"))]
    cpus: NonZeroU32,
    /// Memory for each process, in MiB
    #[arg(long, value_name = "MIB", default_value_t = NonZeroU32::new(1024).expect("1024 is not 0"))]
    mem: NonZeroU32,
    /// Image with transload in it, for k8s and argo
    #[arg(long, value_name = "IMAGE", required_if_eq_any = [("engine", "k8s"), ("engine", "argo")])]
    container_image: Option<String>,
    /// Claim of the volume with the archives, for k8s and argo
    #[arg(long, value_name = "NAME", default_value = "images", value_parser = name)]
    claim: String,
    /// What `transload batch` is given
    #[arg(last = true, required = true, value_name = "ARGS")]
    batch: Vec<String>,
}

/// What can run a batch.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Engine {
    /// A Kubernetes Indexed Job (1.29 or newer)
    K8s,
    /// A Slurm job array
    Slurm,
    /// An Argo workflow
    Argo,
    /// A script for GNU parallel on one machine
    Parallel,
}

pub(super) fn run(args: &RenderArgs, signals: &Signals) -> Result<ExitCode> {
    // What is wrong is told now, not by each of the processes.
    let words = ["transload".to_owned()].into_iter().chain(args.own("0/1")).chain(args.batch.iter().cloned());
    if let Err(error) = Cli::try_parse_from(words) {
        error.exit();
    }
    let text = match args.engine {
        Engine::K8s => k8s::render(args)?,
        Engine::Slurm => slurm::render(args),
        Engine::Argo => argo::render(args)?,
        Engine::Parallel => parallel::render(args),
    };
    let mut out = stdio::plain_answer(signals);
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

impl RenderArgs {
    /// Returns the arguments that are added to those given. In a folder for reports every process makes a file of its
    /// own, which tells a task that is tried again from the first try.
    fn own(&self, shard: &str) -> Vec<String> {
        let (cpus, reports) = (self.cpus.to_string(), format!("{}/", self.reports.trim_end_matches('/')));
        ["batch", "--threads", &cpus, "--report", &reports, "--shard", shard].map(str::to_owned).into()
    }
}

/// Takes what can be a name everywhere (RFC 1123 label).
fn name(text: &str) -> Result<String, String> {
    let inner = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if inner && !text.is_empty() && text.len() <= 52 && !text.starts_with('-') && !text.ends_with('-') {
        return Ok(text.to_owned());
    }
    Err("lower-case letters, digits and hyphens between them, 52 at most".to_owned())
}
