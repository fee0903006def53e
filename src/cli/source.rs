//! What every command takes to read a source, and what is made of it.

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use transload::{Archive, Context, Error, ErrorKind, Format, Input, Limits};

use super::args::format;
use super::location::Location;
use super::signals::Signals;
use super::stdio;

const LIMITS: &str = "\
Raise or lower a limit on untrusted input; may be repeated. NAME is one of
  document-bytes      bytes of one manifest, index or config (4 MiB)
  all-document-bytes  bytes of all of them (32 MiB)
  json-values         values in one of them (100000)
  members             members of one archive or folder (100000)
  names               names and images of one source (10000)
  layers              layers of one image (1024)
  member-bytes        bytes of names, links and sparse maps of all members (8 MiB)
  header-bytes        bytes of one PAX header, long name or sparse map (1 MiB)
  index-depth         indexes inside one another (8)
  zstd-window-log     log2 of a zstd stream's window (27)
  xz-memory           bytes of memory for an xz decoder (72 MiB)
  sparse-ratio        how many times larger than its archive a sparse member is (1000)
  link-hops           hops from link to link (40)
  inflated-bytes      bytes that one compressed stream inflates to (1 TiB)
  file-list-bytes     bytes of memory for lists of layers' files (48 MiB)
  items               items of one batch, list or report (100000)
  line-bytes          bytes of one line of a list or report (4 MiB)
  list-bytes          bytes of text of one list, or of the names in reports (16 MiB)";

/// Limits on untrusted input.
#[derive(Args, Debug)]
pub(super) struct LimitArgs {
    /// Raise or lower a limit on untrusted input; may be repeated
    #[arg(long, display_order = 902, value_name = "NAME=N", long_help = LIMITS)]
    limit: Vec<String>,
}

impl LimitArgs {
    /// Returns the limits, with those changed that were asked for.
    pub(super) fn limits(&self) -> Result<Limits, Error> {
        let mut limits = Limits::default();
        for limit in &self.limit {
            let (name, value) = limit.split_once('=').ok_or_else(|| usage(&format!("limit {limit}: not NAME=N")))?;
            limits.set(name, value)?;
        }
        Ok(limits)
    }
}

/// How sources are read. The last three options stand at the end of every help text.
#[derive(Args, Debug)]
pub(super) struct SourceArgs {
    /// Format of the input; recognised by its contents when left out
    #[arg(long, value_name = "FORMAT", value_parser = format(), hide_possible_values = true)]
    from: Option<Format>,
    /// Number of threads; the result does not depend on it [default: one for each core]
    #[arg(long, display_order = 901, value_name = "N")]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    limits: LimitArgs,
    /// Folder for temporary files [default: beside an output file or folder, else TMPDIR]
    #[arg(long, display_order = 903, value_name = "DIR")]
    pub(super) tmpdir: Option<PathBuf>,
}

impl SourceArgs {
    /// Makes what an operation runs with. Temporary files go to `TMPDIR` unless another folder is given.
    pub(super) fn context(&self, signals: &Signals) -> Result<Context<'static>, Error> {
        let mut cx = Context::default();
        cx.cancel = signals.cancel();
        cx.threads = self.threads.unwrap_or(cx.threads);
        cx.temp_dir = Some(self.tmpdir.clone().unwrap_or_else(std::env::temp_dir));
        cx.limits = self.limits.limits()?;
        Ok(cx)
    }

    /// Returns the format that the input is said to have.
    pub(super) fn format(&self) -> Option<Format> {
        self.from
    }

    /// Reads a place that was typed as a source.
    pub(super) fn at(&self, place: &OsStr) -> Result<Source, Error> {
        let location = Location::typed(place)?;
        let format = location.agree(self.from, "--from")?;
        Ok(Source { location, format })
    }
}

/// A source that was typed, not opened yet.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) location: Location,
    /// The format that it is said to have.
    pub(super) format: Option<Format>,
}

impl Source {
    /// Returns its bytes, for operations that open it themselves.
    pub(super) fn input(&self) -> Result<Input, Error> {
        self.location.path.clone().map_or_else(stdio::input, |path| Ok(Input::Path(path)))
    }

    /// Opens it.
    pub(super) fn open(&self, cx: &Context<'_>) -> Result<Archive, Error> {
        Archive::open(self.input()?, self.format, cx)
    }

    /// Returns its path for programs; `-` for standard input.
    pub(super) fn path(&self) -> String {
        self.location.path.as_ref().map_or("-".to_owned(), |path| path.display().to_string())
    }

    /// Returns its size in bytes when it is a file.
    pub(super) fn size(&self) -> Option<u64> {
        let metadata = self.location.path.as_ref()?.metadata().ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    /// Returns the images that are asked for: by an option, and by the place itself.
    pub(super) fn images(&self, option: &[String]) -> Vec<String> {
        option.iter().chain(&self.location.reference).cloned().collect()
    }
}

/// Makes an error about what was typed.
pub(super) fn usage(message: &str) -> Error {
    Error::new(ErrorKind::Usage, message)
}
