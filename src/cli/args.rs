//! What can be typed.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use transload::{CompressionChoice, CompressionLevel, Format};

use super::exit::CODES;

/// Carries container images between docker-archive and oci-archive without changing them
#[derive(Debug, Parser)]
#[command(name = "transload", version, after_help = CODES, arg_required_else_help = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Convert an archive or folder of images into another format
    Convert(ConvertArgs),
}

const EXAMPLES: &str = "\
Examples:
  transload convert --to docker-archive app.oci.tar app.docker.tar
  transload convert --from docker-archive --to oci-archive app.tar app-oci.tar
  podman save --format oci-archive app | transload convert --to docker-archive - - | docker load
  transload convert --image app:1 --platform linux/arm64 --to oci-dir all.tar app/
  transload convert docker-archive:app.tar oci:app:v1

Formats: docker-archive, docker-dir, oci-archive, oci-dir (oci), hybrid-archive (hybrid).
A place is a path, `-` for standard input or output, or transport:path[:reference].";

const LIMITS: &str = "\
Raise or lower a limit on untrusted input; may be repeated. NAME is one of
  document-bytes      bytes of one manifest, index or config (4 MiB)
  all-document-bytes  bytes of all of them (32 MiB)
  json-values         values in one of them (100000)
  members             members of one archive or folder (100000)
  names               names and images of one source (10000)
  layers              layers of one image (1024)
  header-bytes        bytes of one PAX header, long name or sparse map (1 MiB)
  index-depth         indexes inside one another (8)
  zstd-window-log     log2 of a zstd stream's window (27)
  xz-memory           bytes of memory for an xz decoder (72 MiB)
  sparse-ratio        how many times larger than its archive a sparse member is (1000)
  link-hops           hops from link to link (40)
  inflated-bytes      bytes that one compressed stream inflates to (1 TiB)";

#[derive(Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub(super) struct ConvertArgs {
    /// Archive or folder to read
    pub(super) input: OsString,
    /// Archive or folder to write
    pub(super) output: OsString,
    /// Format of the input; recognised by its contents when left out
    #[arg(long, value_name = "FORMAT", value_parser = parse::<Format>)]
    pub(super) from: Option<Format>,
    /// Format of the output
    #[arg(long, value_name = "FORMAT", value_parser = parse::<Format>)]
    pub(super) to: Option<Format>,
    /// Take this image only: a name, @N (counted from 0) or a digest; may be repeated
    #[arg(long, value_name = "NAME|@N|DIGEST")]
    pub(super) image: Vec<String>,
    /// Take this platform only, or all; may be repeated
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    pub(super) platform: Vec<String>,
    /// Name the image so, instead of as in the input; may be repeated
    #[arg(long, value_name = "NAME[:TAG]")]
    pub(super) tag: Vec<String>,
    /// What happens to layers: keep, none, gzip or zstd
    #[arg(long, value_name = "HOW", value_parser = parse::<CompressionChoice>)]
    pub(super) compression: Option<CompressionChoice>,
    /// fast, or a level of the codec: 0 to 12 for gzip (default 2), 1 to 19 for zstd (default 3)
    #[arg(long, value_name = "LEVEL", allow_hyphen_values = true, value_parser = parse::<CompressionLevel>)]
    pub(super) compression_level: Option<CompressionLevel>,
    /// Put wrong digests, sizes and diff_ids right instead of refusing them; the image ID can change
    #[arg(long)]
    pub(super) recompute: bool,
    /// Fail when the output cannot hold something, instead of noting it
    #[arg(long)]
    pub(super) strict: bool,
    /// Print what would be done and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print what was done as one JSON object on standard output
    #[arg(long)]
    pub(super) json: bool,
    /// Replace an output that is there
    #[arg(long, short)]
    pub(super) force: bool,
    /// Add the images to an OCI layout folder that is there, or make one
    #[arg(long, conflicts_with = "force")]
    pub(super) append: bool,
    /// Print errors only
    #[arg(long, short, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print what happens to each blob
    #[arg(long, short)]
    pub(super) verbose: bool,
    /// Number of threads; the result does not depend on it [default: one for each core]
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<NonZeroUsize>,
    /// Raise or lower a limit on untrusted input; may be repeated
    #[arg(long, value_name = "NAME=N", long_help = LIMITS)]
    pub(super) limit: Vec<String>,
    /// Folder for temporary files [default: beside the output; TMPDIR for standard input and output]
    #[arg(long, value_name = "DIR")]
    pub(super) tmpdir: Option<PathBuf>,
}

/// Words the library's error for clap.
fn parse<T: std::str::FromStr<Err = transload::Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: transload::Error| error.to_string())
}
