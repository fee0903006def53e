//! `transload formats`.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use transload::{Format, FormatAbout};

use super::page::{self, FAINT, NO_BREAK, STRONG, paint, wrap};
use super::signals::Signals;
use super::stdio;

const EXAMPLES: &str = "\
Examples:
  transload formats
  transload formats --json | jq -r '.formats[].name'";

/// Raised when the shape of the JSON changes.
const SCHEMA: u32 = 1;

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct FormatsArgs {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &FormatsArgs, signals: &Signals) -> Result<()> {
    let all = Format::ALL.map(Format::about);
    let mut out = stdio::answer(signals);
    if args.json {
        writeln!(out, "{}", json!({"schema": SCHEMA, "formats": all}))?;
    } else {
        let width = page::width();
        let texts: Vec<_> = all.iter().map(|about| text(about, width)).collect();
        out.write_all(texts.join("\n").as_bytes())?;
    }
    Ok(out.flush()?)
}

fn text(about: &FormatAbout, width: usize) -> String {
    let alias = about.alias.map(|alias| format!(" ({alias})")).unwrap_or_default();
    let platforms =
        if about.platforms { "all platforms of an image, attestations" } else { "one platform of each image" };
    let adds = if about.adds { "; images can be added" } else { "" };
    let mut out = format!("{}{alias}\n", paint(STRONG, about.name));
    for (word, text) in [
        ("holds", format!("{platforms}, in a {}{adds}", about.container)),
        ("layers", about.layers.to_owned()),
        ("read by", list(about.read_by)),
        ("written by", list(about.written_by)),
    ] {
        for (i, line) in wrap(&text, width.saturating_sub(LABEL + 2)).into_iter().enumerate() {
            let word = if i == 0 { word } else { "" };
            out.push_str(&format!("  {}{line}\n", paint(FAINT, &format!("{word:<LABEL$}"))));
        }
    }
    out
}

/// Columns of the words on the left.
const LABEL: usize = 12;

fn list(tools: &[&str]) -> String {
    let tools: Vec<_> = [&["transload"], tools].concat().iter().map(|tool| tool.replace(' ', NO_BREAK)).collect();
    tools.join(", ")
}
