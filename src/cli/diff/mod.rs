//! `transload diff`.

mod text;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use transload::{Archive, Context, DiffOptions, Difference, Platform, Sides, diff};

use super::args::ignore;
use super::exit::{ANSWER_NO, CODES};
use super::page;
use super::progress::ProgressArgs;
use super::render::Printable;
use super::signals::Signals;
use super::source::{Source, SourceArgs, usage};
use super::stdio;

const EXAMPLES: &str = "\
Examples:
  transload diff app.tar app.oci.tar
  transload diff --ignore names,timestamps monday.tar tuesday.tar
  transload diff docker-archive:all.tar:app:1 docker-archive:all.tar:app:2
  transload diff --quiet a.tar b.tar && echo the same image
  transload diff --json a.tar b.tar | jq -r '.images[].files.list[]?.path'";

const RULES: &str = "\
Images are paired by name and platform, else by config, else in order. Neither the formats nor how layers are compressed
make a difference. Configs are compared as docker reads them: absent, null and empty are the same.

What can be ignored: names; platform; annotations; config; created and history, in the config; layers: how files are
spread over layers; and timestamps, owners, modes and xattrs, where the files that the layers make together decide.

The exit code is 0 when nothing is different, 1 when something is.";

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{RULES}\n\n{EXAMPLES}\n\n{CODES}"))]
pub(super) struct DiffArgs {
    /// Archive or folder with the one image
    a: OsString,
    /// Archive or folder with the other
    b: OsString,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    progress: ProgressArgs,
    /// Compare this image only: a name, @N (counted from 0) or a digest; may be repeated
    #[arg(long, value_name = "NAME|@N|DIGEST")]
    image: Vec<String>,
    /// Compare this platform only, as in linux/arm64; may be repeated
    #[arg(long, value_name = "PLATFORM", value_parser = Platform::from_str)]
    platform: Vec<Platform>,
    /// What shall not count as a difference, separated by commas; may be repeated
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = ignore(), hide_possible_values = true)]
    ignore: Vec<transload::Ignore>,
    /// Read no layers: believe the digests that the archives claim
    #[arg(long)]
    no_files: bool,
    /// List all files that differ, and show long values in full
    #[arg(long)]
    all: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print nothing: the exit code is the answer
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
}

pub(super) fn run(args: &DiffArgs, signals: &Signals) -> Result<ExitCode> {
    let sources = [args.source.at(&args.a)?, args.source.at(&args.b)?];
    if sources.iter().all(|source| source.location.path.is_none()) {
        return Err(usage("standard input cannot be both archives").into());
    }
    let mut options = DiffOptions::default();
    options.images_a = sources[0].images(&args.image);
    options.images_b = sources[1].images(&args.image);
    options.platforms.clone_from(&args.platform);
    options.ignore = args.ignore.iter().copied().collect();
    options.layers = !args.no_files;
    options.brief = if args.quiet { Some(0) } else { (!args.all && !args.json).then_some(text::FILES) };
    let shown = sources.each_ref().map(|source| source.location.shown("standard input"));
    let progress = args.progress.start(&shown.join(" and "), args.quiet, false);
    let mut cx = args.source.context(signals)?;
    cx.observer = &progress;
    let [a, b] = open(&sources, &cx)?;
    let found = diff(&a, &b, &options, &cx)?;
    progress.finish();
    if !args.quiet {
        tell(args, &sources, &shown, &found, signals)?;
    }
    Ok(if found.same { ExitCode::SUCCESS } else { ExitCode::from(ANSWER_NO) })
}

fn open(sources: &[Source; 2], cx: &Context<'_>) -> Result<[Archive; 2]> {
    let [a, b] = sources;
    Ok([a.open(cx)?, b.open(cx)?])
}

#[derive(Serialize)]
struct Told<'a> {
    schema: u32,
    paths: Sides<String>,
    #[serde(flatten)]
    found: &'a Difference,
}

/// Raised when the shape of the JSON changes.
const SCHEMA: u32 = 1;

fn tell(
    args: &DiffArgs,
    sources: &[Source; 2],
    shown: &[String; 2],
    found: &Difference,
    signals: &Signals,
) -> io::Result<()> {
    let mut out = stdio::answer(signals);
    if args.json {
        let paths = Sides { a: sources[0].path(), b: sources[1].path() };
        serde_json::to_writer(Printable::new(&mut out), &Told { schema: SCHEMA, paths, found })?;
        out.write_all(b"\n")?;
    } else {
        let view = text::View { width: page::width(), all: args.all };
        out.write_all(text::write(found, shown, view).as_bytes())?;
    }
    out.flush()
}
