//! `transload report`: one page about an archive.

mod bars;
mod config;
mod engines;
mod files;
mod frame;
mod image;
mod layers;
mod overview;
mod text;
mod treemap;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use transload::{Archive, InspectOptions, Output, Platform, UsageOptions, escape, write_whole};

use crate::cli::progress::ProgressArgs;
use crate::cli::render::{bytes, count};
use crate::cli::signals::Signals;
use crate::cli::source::{Source, SourceArgs, usage};
use crate::cli::stdio;
use frame::Page;

/// So many problems are said on standard error; the page has all.
const SAID: usize = 20;

/// Of more images than that less is told of each, so that browsers can cope with the page.
const MANY: usize = 10;

#[derive(Args, Debug)]
pub(super) struct PageArgs {
    /// Archive or folder to look into
    #[arg(required = true)]
    archive: Option<OsString>,
    /// File to write the page to, or - for standard output
    #[arg(long, short, required = true, value_name = "FILE")]
    output: Option<OsString>,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    source: SourceArgs,
    /// Tell of this image only: a name, @N (counted from 0) or a digest; may be repeated
    #[arg(long, value_name = "IMAGE")]
    image: Vec<String>,
    /// Tell of this platform only; may be repeated
    #[arg(long, value_name = "PLATFORM")]
    platform: Vec<Platform>,
    /// Print errors only
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    progress: ProgressArgs,
}

pub(super) fn run(args: &PageArgs, signals: &Signals) -> Result<ExitCode> {
    let given = |place: &Option<OsString>| place.clone().ok_or_else(|| usage("an archive and --output are needed"));
    let (archive, target) = (given(&args.archive)?, given(&args.output)?);
    let source = args.source.at(&archive)?;
    refuse_own_place(&source, &target)?;
    let mut cx = args.source.context(signals)?;
    let progress = args.progress.start(&source.location.shown("standard input"), args.quiet, false);
    cx.observer = &progress;
    let output = match target.to_str() {
        Some("-") => stdio::output("a page", progress.sent())?,
        _ => Output::Path(target.clone().into()),
    };
    let mut problems = Vec::new();
    let mut images = 0;
    let mut write = |sink: transload::ByteSink<'_>| {
        let archive: Archive = source.open(&cx)?;
        let mut options = InspectOptions::default();
        options.images = source.images(&args.image);
        options.platforms.clone_from(&args.platform);
        let found = archive.inspect(&options, &cx)?;
        images = found.images.len();
        let loads = archive.loadability(&Platform::host());
        let path = source.path();
        let page = Page { path: Path::new(&path), size: source.size(), found: &found, loads: &loads };
        sink(page.start().as_bytes())?;
        let mut usage_options = UsageOptions::default();
        usage_options.images.clone_from(&options.images);
        usage_options.platforms.clone_from(&options.platforms);
        (usage_options.nodes, usage_options.list) = if images > MANY { (100, 8) } else { (300, 20) };
        let tell = &mut |usage: &transload::ImageUsage| {
            let of = if images > 1 { format!("image {}: ", usage.number) } else { String::new() };
            problems.extend(usage.problems.iter().map(|problem| format!("{of}{problem}")));
            sink(page.image(usage).as_bytes())
        };
        archive.usage(&usage_options, tell, &cx)?;
        sink(page.end().as_bytes())
    };
    let size = write_whole(output, args.force, &mut write, &cx)?;
    progress.finish();
    if !args.quiet {
        // The page is written: talk that nobody hears is no failure.
        let say = |text: String| drop(writeln!(io::stderr(), "{text}"));
        problems.iter().take(SAID).for_each(|problem| say(format!("warning: {}", escape(problem))));
        if problems.len() > SAID {
            say(format!("warning: and {} more, all of them on the page", problems.len() - SAID));
        }
        let shown = if target == "-" { "standard output".to_owned() } else { escape(&target.to_string_lossy()) };
        say(format!("{shown}: {}, {}", count(images, "image"), bytes(size)));
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses to put the page in the place of the archive.
fn refuse_own_place(source: &Source, target: &OsStr) -> Result<()> {
    let whole = |path: &Path| path.canonicalize().ok();
    let from = source.location.path.as_deref().and_then(whole);
    if from.is_some() && from == whole(Path::new(target)) {
        return Err(usage("the page would take the place of the archive").into());
    }
    Ok(())
}
