//! `transload inspect`.

mod files;
mod graph;
mod json;
mod template;
pub(super) mod text;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgGroup, Args, ValueEnum};
use transload::{Archive, Context, FilesOptions, InspectOptions, Platform, RawDocument, escape};

use super::exit::{self, CODES};
use super::loadability;
use super::page::{self, STRONG, paint};
use super::progress::ProgressArgs;
use super::render::bytes;
use super::signals::Signals;
use super::source::{Source, SourceArgs, usage};
use super::stdio;
use graph::Language;
use template::Format;
use text::View;

const EXAMPLES: &str = "\
Examples:
  transload inspect app.tar
  transload inspect --json app.tar | jq '.images[].image_id'
  transload inspect --format '{{.ImageID}}\\t{{join .Names \", \"}}' *.tar
  transload inspect --format '{{json .Config.Labels}}' app.tar
  transload inspect --image app:1 --raw config app.tar | sha256sum
  transload inspect --files --layer 2 app.tar
  transload inspect --largest 20 app.tar
  transload inspect --graph svg app.tar > app.svg
  podman save app | transload inspect -

Templates are Go's, as docker and podman take them, over the fields of --json:
image_id is .ImageID, and .Archive.Path is the archive that the image is in.";

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("listing").args(["files", "largest"]))]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub(super) struct InspectArgs {
    /// Archives or folders to look into
    #[arg(required = true)]
    archive: Vec<OsString>,
    #[command(flatten)]
    source: SourceArgs,
    /// Tell of this image only: a name, @N (counted from 0) or a digest; may be repeated
    #[arg(long, value_name = "IMAGE")]
    image: Vec<String>,
    /// Tell of this platform only; may be repeated
    #[arg(long, value_name = "PLATFORM")]
    platform: Vec<Platform>,
    /// Read compressed layers to tell how large they are uncompressed
    #[arg(long)]
    sizes: bool,
    /// Show digests, commands and lists in full
    #[arg(long)]
    no_trunc: bool,
    /// Print one JSON object for each archive, each on a line
    #[arg(long, conflicts_with_all = ["format", "raw", "graph"])]
    json: bool,
    /// Print this Go template for each image
    #[arg(long, value_name = "TEMPLATE", conflicts_with_all = ["raw", "graph"])]
    format: Option<String>,
    /// Print the exact bytes of a document
    #[arg(long, value_name = "WHAT", conflicts_with = "graph")]
    raw: Option<Raw>,
    /// Draw images, manifests and layers
    #[arg(long, value_name = "HOW")]
    graph: Option<Language>,
    /// List the files of the image, as its layers together make them
    #[arg(long, conflicts_with_all = ["raw", "graph", "format", "sizes"])]
    files: bool,
    /// With --files or --largest: only this layer's files, as they stand in its tar; may be repeated
    #[arg(long, value_name = "N", requires = "listing")]
    layer: Vec<usize>,
    /// List the N largest files
    #[arg(long, value_name = "N", conflicts_with_all = ["files", "raw", "graph", "format", "sizes"])]
    largest: Option<usize>,
    #[command(flatten)]
    progress: ProgressArgs,
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
    let format = args.format.as_deref().map(Format::parse).transpose()?;
    let sources = args.archive.iter().map(|place| args.source.at(place)).collect::<Result<Vec<_>, _>>()?;
    let single = args.raw.is_some() || args.graph.is_some() || args.files || args.largest.is_some();
    if single && sources.len() > 1 {
        return Err(usage("--raw, --graph, --files and --largest take one archive").into());
    }
    let mut inspector = Inspector {
        args,
        format,
        view: View { width: page::width(), full: args.no_trunc },
        cx: args.source.context(signals)?,
        out: Box::new(stdio::answer(signals)),
        signals,
        told: 0,
    };
    let mut code = None;
    for source in &sources {
        let told = inspector.tell(source);
        // What was told comes before what went wrong.
        let flushed = inspector.out.flush();
        match told.and_then(|()| Ok(flushed?)) {
            Ok(()) => {}
            Err(error) if sources.len() == 1 || exit::is_final(&error) => return Err(error),
            // The others are told of all the same; the first failure is the code.
            Err(error) => {
                let own = ExitCode::from(exit::report(&error, signals.received()));
                code.get_or_insert(own);
            }
        }
    }
    Ok(code.unwrap_or(ExitCode::SUCCESS))
}

/// What is the same for all archives.
struct Inspector<'a> {
    args: &'a InspectArgs,
    format: Option<Format>,
    view: View,
    cx: Context<'static>,
    out: Box<dyn Write>,
    signals: &'a Signals,
    /// Archives that were told of.
    told: usize,
}

impl Inspector<'_> {
    fn tell(&mut self, source: &Source) -> Result<()> {
        let Self { args, view, .. } = *self;
        let shown = source.location.shown("standard input");
        let progress = args.progress.start(&shown, false, false);
        let mut cx = self.cx.clone();
        cx.observer = &progress;
        let archive = source.open(&cx)?;
        let mut options = InspectOptions::default();
        options.images = source.images(&args.image);
        options.platforms.clone_from(&args.platform);
        options.sizes = args.sizes;
        if let Some(raw) = args.raw {
            progress.finish();
            return print_raw(&archive, raw, &options, self.signals);
        }
        if args.files || args.largest.is_some() {
            let summary = files::write(&archive, &self.listing(source), args.json, view.width, &mut self.out, &cx)?;
            progress.finish();
            // The list is on standard output, and is what was asked for.
            let say = |text: String| drop(writeln!(io::stderr(), "{text}"));
            summary.problems.iter().for_each(|problem| say(format!("warning: {}", escape(problem))));
            if summary.hidden() > 0 {
                say(format!("{} more are in files that later layers overwrite or remove", bytes(summary.hidden())));
            }
            return Ok(());
        }
        let found = archive.inspect(&options, &cx)?;
        progress.finish();
        let (path, size) = (source.path(), source.size());
        let out = &mut self.out;
        if let Some(format) = &self.format {
            return format.write(out, &path, &found);
        }
        if let Some(language) = args.graph {
            return Ok(out.write_all(graph::draw(language, &found, view).as_bytes())?);
        }
        let loads = archive.loadability(&Platform::host());
        let typed = Path::new(&path);
        if args.json {
            return Ok(json::write(out, &path, size, &found, &loadability::json(&loads, typed))?);
        }
        if self.told > 0 {
            writeln!(out)?;
        }
        self.told += 1;
        out.write_all(text::head(&shown, size, &found).as_bytes())?;
        let shared = found.shared();
        for image in &found.images {
            out.write_all(text::image(image, found.images.len(), &shared, view).as_bytes())?;
        }
        out.write_all(text::tail(&found, view).as_bytes())?;
        write!(out, "\n{}\n{}", paint(STRONG, "Which engines load it"), loadability::table(&loads, typed, view.width))?;
        Ok(())
    }

    fn listing(&self, source: &Source) -> FilesOptions {
        let mut options = FilesOptions::default();
        options.images = source.images(&self.args.image);
        options.platforms.clone_from(&self.args.platform);
        options.layers.clone_from(&self.args.layer);
        options.largest = self.args.largest;
        options
    }
}

fn print_raw(archive: &Archive, raw: Raw, options: &InspectOptions, signals: &Signals) -> Result<()> {
    let document = match raw {
        Raw::Config => RawDocument::Config,
        Raw::Manifest => RawDocument::Manifest,
        Raw::Index => RawDocument::Index,
    };
    // Not through what removes escape sequences: these are the bytes that a digest is of.
    let mut stdout = stdio::plain_answer(signals);
    stdout.write_all(&archive.raw(document, options)?)?;
    Ok(stdout.flush()?)
}
