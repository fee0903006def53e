//! `transload convert`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use transload::{Context, ConvertOptions, Error, ErrorKind, Event, Format, Input, Observer, Output, escape};

use super::args::ConvertArgs;
use super::location::Location;
use super::render::{self, Report};
use super::signals::Signals;
use super::stdio;

pub(super) fn run(args: &ConvertArgs, signals: &Signals) -> Result<()> {
    let started = Instant::now();
    let exists = |path: &Path| path.symlink_metadata().is_ok();
    let from = Location::parse(&args.input, exists)?;
    let to = Location::parse(&args.output, exists)?;
    let options = options(args, &from, &to)?;
    if args.json && to.path.is_none() && !args.dry_run {
        return Err(usage("--json and an archive cannot both go to standard output").into());
    }
    let mut cx = Context::default();
    cx.cancel = signals.cancel();
    cx.threads = args.threads.unwrap_or(cx.threads);
    cx.temp_dir = temp_dir(args, &from, &to);
    for limit in &args.limit {
        let (name, value) = limit.split_once('=').ok_or_else(|| usage(&format!("limit {limit}: not NAME=N")))?;
        cx.limits.set(name, value)?;
    }
    if args.verbose {
        cx.observer = &Verbose;
    }
    let input = from.path.clone().map_or_else(stdio::input, |path| Ok(Input::Path(path)))?;
    let output = match &to.path {
        Some(path) => Output::Path(path.clone()),
        None if args.dry_run => Output::Stream(Box::new(io::sink()), "standard output".to_owned()),
        None => stdio::output()?,
    };
    let receipt = transload::convert(input, output, &options, &cx)?;
    let report = Report { from: &from, to: &to, to_format: options.to, receipt: &receipt, elapsed: started.elapsed() };
    tell(args, &report)?;
    Ok(())
}

fn usage(message: &str) -> Error {
    Error::new(ErrorKind::Usage, message)
}

/// Works out what the arguments mean.
fn options(args: &ConvertArgs, from: &Location, to: &Location) -> Result<ConvertOptions, Error> {
    let target = to.agree(args.to, "--to")?.ok_or_else(|| {
        usage("no format for the output")
            .hint("pass --to docker-archive, oci-archive, oci-dir, hybrid-archive or docker-dir")
    })?;
    let mut options = ConvertOptions::new(target);
    options.from = from.agree(args.from, "--from")?;
    options.images = args.image.iter().chain(&from.reference).cloned().collect();
    for platform in &args.platform {
        match platform.as_str() {
            "all" => options.all_platforms = true,
            other => options.platforms.push(other.parse()?),
        }
    }
    options.tags.clone_from(&args.tag);
    options.tags.extend(to.reference.as_ref().map(|reference| output_name(reference, target)));
    options.compression = args.compression;
    options.level = args.compression_level;
    options.recompute = args.recompute;
    options.strict = args.strict;
    options.replace = args.force;
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
fn temp_dir(args: &ConvertArgs, from: &Location, to: &Location) -> Option<PathBuf> {
    let stdio = from.path.is_none() || to.path.is_none();
    args.tmpdir.clone().or_else(|| stdio.then(std::env::temp_dir))
}

/// Prints what was done: the answer on standard output, the talk on standard error.
fn tell(args: &ConvertArgs, report: &Report<'_>) -> io::Result<()> {
    // The work is done: talk that nobody hears is no failure.
    let say = |text: String| drop(io::stderr().write_all(text.as_bytes()));
    if !args.quiet {
        say(render::notes(report.receipt));
    }
    let answer = if args.json {
        render::json(report)
    } else if args.dry_run {
        render::plan(report)
    } else if args.quiet {
        return Ok(());
    } else {
        say(render::done(report));
        return Ok(());
    };
    let mut stdout = io::stdout();
    stdout.write_all(answer.as_bytes())?;
    stdout.flush()
}

/// Tells of each blob.
struct Verbose;

impl Observer for Verbose {
    fn on(&self, event: &Event) {
        if let Event::Blob { origin, action, size } = event {
            let line = format!("{action}: {} ({})\n", escape(origin), render::bytes(*size));
            // Progress is no reason to fail.
            let _ = io::stderr().write_all(line.as_bytes());
        }
    }
}
