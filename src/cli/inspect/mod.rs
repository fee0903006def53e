//! `transload inspect`.

mod json;
mod template;
mod text;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Result;
use clap::{Args, ValueEnum};
use transload::{Archive, Context, InspectOptions, Platform, RawDocument};

use super::exit::{self, CODES};
use super::page;
use super::signals::Signals;
use super::source::{Source, SourceArgs, usage};
use template::Format;
use text::View;

const EXAMPLES: &str = "\
Examples:
  transload inspect app.tar
  transload inspect --json app.tar | jq '.images[].image_id'
  transload inspect --format '{{.ImageID}}\\t{{join .Names \", \"}}' *.tar
  transload inspect --format '{{range .Layers}}{{.DiffID}}{{\"\\n\"}}{{end}}' app.tar
  transload inspect --image app:1 --raw config app.tar | sha256sum
  podman save app | transload inspect -

Templates are Go's, as docker and podman take them, over the fields of --json:
image_id is .ImageID, and .Archive.Path is the archive that the image is in.";

#[derive(Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub(super) struct InspectArgs {
    /// Archives or folders to look into
    #[arg(required = true)]
    archive: Vec<OsString>,
    #[command(flatten)]
    source: SourceArgs,
    /// Tell of this image only: a name, @N (counted from 0) or a digest; may be repeated
    #[arg(long, value_name = "NAME|@N|DIGEST")]
    image: Vec<String>,
    /// Tell of this platform only; may be repeated
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", value_parser = Platform::from_str)]
    platform: Vec<Platform>,
    /// Read compressed layers to tell how large they are uncompressed
    #[arg(long)]
    sizes: bool,
    /// Show digests, commands and lists in full
    #[arg(long)]
    no_trunc: bool,
    /// Print one JSON object for each archive, each on a line
    #[arg(long, conflicts_with_all = ["format", "raw"])]
    json: bool,
    /// Print this Go template for each image
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "raw")]
    format: Option<String>,
    /// Print the exact bytes of a document
    #[arg(long, value_name = "WHAT")]
    raw: Option<Raw>,
}

/// What `--raw` prints.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Raw {
    /// The image's config
    Config,
    /// The image's manifest; of a docker-archive its manifest.json
    Manifest,
    /// index.json; with --image the index that the name stands for
    Index,
}

pub(super) fn run(args: &InspectArgs, signals: &Signals) -> Result<ExitCode> {
    let view = View { width: page::width(), full: args.no_trunc };
    let format = args.format.as_deref().map(Format::parse).transpose()?;
    let cx = args.source.context(signals)?;
    let sources = args.archive.iter().map(|place| args.source.at(place)).collect::<Result<Vec<_>, _>>()?;
    if args.raw.is_some() && sources.len() > 1 {
        return Err(usage("--raw takes one archive").into());
    }
    let mut out = anstream::stdout().lock();
    let mut code = None;
    for (i, source) in sources.iter().enumerate() {
        let told = tell(args, source, format.as_ref(), view, i, &mut out, &cx);
        match told {
            Ok(()) => {}
            Err(error) if sources.len() == 1 => return Err(error),
            // The others are told of all the same; the first failure is the code.
            Err(error) => {
                let own = exit::report(&error, signals.received());
                code.get_or_insert(own);
                if exit::is_final(&error) {
                    break;
                }
            }
        }
    }
    out.flush()?;
    Ok(code.unwrap_or(ExitCode::SUCCESS))
}

fn tell(
    args: &InspectArgs,
    source: &Source,
    format: Option<&Format>,
    view: View,
    nth: usize,
    out: &mut dyn Write,
    cx: &Context<'_>,
) -> Result<()> {
    let archive = source.open(cx)?;
    let mut options = InspectOptions::default();
    options.images = source.images(&args.image);
    options.platforms.clone_from(&args.platform);
    options.sizes = args.sizes;
    if let Some(raw) = args.raw {
        return print_raw(&archive, raw, &options);
    }
    let found = archive.inspect(&options, cx)?;
    let (path, size) = (source.path(), source.size());
    if let Some(format) = format {
        return format.write(out, &path, &found);
    }
    if args.json {
        return Ok(json::write(out, &path, size, &found)?);
    }
    if nth > 0 {
        writeln!(out)?;
    }
    out.write_all(text::head(&source.location.shown("standard input"), size, &found).as_bytes())?;
    for image in &found.images {
        out.write_all(text::image(image, &found, view).as_bytes())?;
    }
    out.write_all(text::tail(&found, view).as_bytes())?;
    Ok(())
}

fn print_raw(archive: &Archive, raw: Raw, options: &InspectOptions) -> Result<()> {
    let document = match raw {
        Raw::Config => RawDocument::Config,
        Raw::Manifest => RawDocument::Manifest,
        Raw::Index => RawDocument::Index,
    };
    // Not through what removes escape sequences: these are the bytes that a digest is of.
    let mut stdout = io::stdout().lock();
    stdout.write_all(&archive.raw(document, options)?)?;
    Ok(stdout.flush()?)
}
