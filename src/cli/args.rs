//! What can be typed: the list of commands. What each takes is in its own file, what all take in `source`.

use clap::{Parser, Subcommand};

use super::convert::ConvertArgs;
use super::exit::CODES;
use super::inspect::InspectArgs;

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
    /// Tell what is in an archive or folder of images
    Inspect(InspectArgs),
}

/// Words the library's error for clap.
pub(super) fn parse<T: std::str::FromStr<Err = transload::Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: transload::Error| error.to_string())
}
