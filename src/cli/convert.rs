//! `transload convert`.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use transload::{ConvertOptions, Error, Format, Output};

use super::conversion::{ConversionArgs, no_format};
use super::exit::CODES;
use super::location::Location;
use super::progress::ProgressArgs;
use super::render::{self, Report};
use super::signals::Signals;
use super::source::{Source, SourceArgs, usage};
use super::stdio;

const EXAMPLES: &str = "\
Examples:
  transload convert --to docker-archive app.oci.tar app.docker.tar
  transload convert --from docker-archive --to oci-archive app.tar app-oci.tar
  podman save --format oci-archive app |
    transload convert --to docker-archive - - | docker load
  transload convert --image app:1 --platform linux/arm64 --to oci-dir a.tar app/
  transload convert docker-archive:app.tar oci:app:v1";

const PLACES: &str = "\
Formats: docker-archive, docker-dir, oci-archive, oci-dir (oci), hybrid-archive (hybrid).

A place is a path, `-` for standard input or output, or transport:path[:reference].";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{PLACES}\n\n{CODES}"))]
pub(super) struct ConvertArgs {
    /// Archive or folder to read
    input: OsString,
    /// Archive or folder to write
    output: OsString,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    conversion: ConversionArgs,
    /// Print what would be done and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print what was done as one JSON object on standard output
    #[arg(long)]
    json: bool,
    /// Add the images to an OCI layout folder that is there, or make one
    #[arg(long, conflicts_with_all = ["force", "verify_output"])]
    append: bool,
    /// Do not wait until the output is on the disk: quicker, but it may not outlast a power failure
    #[arg(long, conflicts_with = "append")]
    no_sync: bool,
    /// Print errors only
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
    /// Print what happens to each blob, and why
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    progress: ProgressArgs,
}

pub(super) fn run(args: &ConvertArgs, signals: &Signals) -> Result<()> {
    let started = Instant::now();
    let from = args.source.at(&args.input)?;
    let to = Location::typed(&args.output)?;
    let options = options(args, &from, &to)?;
    if args.json && to.path.is_none() && !args.dry_run {
        return Err(usage("--json and an archive cannot both go to standard output").into());
    }
    let mut cx = args.source.context(signals)?;
    cx.temp_dir = temp_dir(args, &from, &to);
    cx.sync = !args.no_sync;
    let progress = args.progress.start(&from.location.shown("standard input"), args.quiet, args.verbose);
    cx.observer = &progress;
    let input = from.input()?;
    let output = match &to.path {
        Some(path) => Output::Path(path.clone()),
        None if args.dry_run => Output::Stream(Box::new(io::sink()), "standard output".to_owned()),
        None => stdio::output("an archive", progress.sent())?,
    };
    let receipt = transload::convert(input, output, &options, &cx)?;
    progress.finish();
    let report =
        Report { from: &from.location, to: &to, to_format: options.to, receipt: &receipt, elapsed: started.elapsed() };
    tell(args, &report, signals)?;
    Ok(())
}

/// Works out what the arguments mean.
fn options(args: &ConvertArgs, from: &Source, to: &Location) -> Result<ConvertOptions, Error> {
    let target = to.agree(args.conversion.to, "--to")?.ok_or_else(no_format)?;
    let mut options = args.conversion.options(target)?;
    options.from = from.format;
    options.images = from.images(&options.images);
    options.tags.extend(to.reference.as_ref().map(|reference| output_name(reference, target)));
    options.append = args.append;
    options.dry_run = args.dry_run;
    Ok(options)
}

/// `oci:dir:v1` means the tag alone, as in skopeo; in every other place a single word is a repository.
fn output_name(reference: &str, target: Format) -> String {
    let oci = matches!(target, Format::OciArchive | Format::OciDir);
    if oci && !reference.contains(['/', ':', '@']) { format!(":{reference}") } else { reference.to_owned() }
}

/// Standard input and output have no folder beside which a spool could be.
fn temp_dir(args: &ConvertArgs, from: &Source, to: &Location) -> Option<PathBuf> {
    let stdio = from.location.path.is_none() || to.path.is_none();
    args.source.tmpdir.clone().or_else(|| stdio.then(std::env::temp_dir))
}

/// Prints what was done: the answer on standard output, the talk on standard error.
fn tell(args: &ConvertArgs, report: &Report<'_>, signals: &Signals) -> io::Result<()> {
    // The work is done: talk that nobody hears is no failure.
    let say = |text: String| drop(io::stderr().write_all(text.as_bytes()));
    if !args.quiet {
        say(render::notes(report.receipt));
    }
    let answer = if args.json {
        render::json(report)
    } else if args.dry_run {
        render::plan(report, args.verbose)
    } else if args.quiet {
        return Ok(());
    } else {
        say(render::done(report));
        return Ok(());
    };
    let mut stdout = stdio::plain_answer(signals);
    stdout.write_all(answer.as_bytes())?;
    stdout.flush()
}
