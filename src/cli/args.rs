//! What can be typed: the list of commands. What each takes is in its own file, what all take in `source`.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
use transload::{CompressionChoice, Format, Ignore};

use super::batch::BatchArgs;
use super::completions::CompletionsArgs;
use super::convert::ConvertArgs;
use super::diff::DiffArgs;
use super::exit::CODES;
use super::formats::FormatsArgs;
use super::inspect::InspectArgs;
use super::man::ManArgs;
use super::report::ReportArgs;
use super::verify::VerifyArgs;

/// Carries container images between docker-archive and oci-archive without changing them
#[derive(Debug, Parser)]
#[command(name = "transload", version, after_help = HELP, after_long_help = format!("{HELP}\n\n{CODES}"), arg_required_else_help = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

const HELP: &str = "\
Examples:
  transload convert --to docker-archive app.oci.tar app.docker.tar
  transload convert --to oci-archive app.docker.tar app.oci.tar
  transload help convert";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Convert an archive or folder of images into another format
    ///
    /// The images stay the same images: configs are copied byte for byte, and with them the image IDs; every digest is
    /// checked on the way. The output appears whole, or not at all.
    Convert(ConvertArgs),
    /// Convert many archives: in parallel, again where it was stopped, with a report
    ///
    /// One that fails stops no other. Layers that several archives have are compressed once.
    Batch(Box<BatchArgs>),
    /// Tell what is in an archive or folder of images
    Inspect(InspectArgs),
    /// Read every byte of archives and tell everything that is wrong with them
    Verify(VerifyArgs),
    /// Tell whether two archives hold the same images, and what differs
    Diff(DiffArgs),
    /// Write a page about an archive; or put the reports of batches together, and tell what they say
    Report(Box<ReportArgs>),
    /// List the formats, and what reads and writes them
    Formats(FormatsArgs),
    /// Print a script that completes commands and options in a shell
    Completions(CompletionsArgs),
    /// Write the manual pages
    #[command(hide = true)]
    Man(ManArgs),
}

/// Takes the formats, by all their names.
pub(super) fn format() -> impl TypedValueParser<Value = Format> {
    let value = |format: Format| PossibleValue::new(format.name()).aliases(format.alias());
    PossibleValuesParser::new(Format::ALL.map(value)).try_map(|text| text.parse())
}

/// Takes the ways to compress.
pub(super) fn compression() -> impl TypedValueParser<Value = CompressionChoice> {
    let help = ["Leave layers as they are", "Store layers plain", "Make gzip of all others", "Make zstd of all others"];
    let values = CompressionChoice::NAMES.into_iter().zip(help).map(|(name, help)| PossibleValue::new(name).help(help));
    PossibleValuesParser::new(values).try_map(|text| text.parse())
}

/// Takes what a comparison can leave out.
pub(super) fn ignore() -> impl TypedValueParser<Value = Ignore> {
    PossibleValuesParser::new(Ignore::ALL.map(Ignore::name)).try_map(|text| text.parse())
}

/// Words the library's error for clap.
pub(super) fn parse<T: std::str::FromStr<Err = transload::Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: transload::Error| match error.advice() {
        Some(advice) => format!("{error}; {advice}"),
        None => error.to_string(),
    })
}
