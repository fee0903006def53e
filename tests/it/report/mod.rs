//! `transload report`: a page about an archive, and the numbers on it.

mod corpora;
mod golden;
pub(crate) mod hostile;
mod manners;
mod numbers;
mod reading;

use std::fs;
use std::path::Path;

use transload::{Archive, Context, ImageUsage, Input, UsageOptions};

use crate::support::page::Page;
use crate::support::run::assert_printable;
use crate::support::{Run, Sandbox};

/// Writes the page of an archive and reads it; its text, too.
fn page(sandbox: &Sandbox, input: impl AsRef<Path>, args: &[&str]) -> (Page, String, Run) {
    let out = sandbox.path("out.html");
    let call = sandbox.command(["report", "--force", "-o"]).arg(&out).arg(input.as_ref()).args(args);
    let run = call.ok();
    let html = fs::read_to_string(&out).expect("a page is UTF-8");
    fs::remove_file(&out).expect("the page is there");
    assert_printable(&html);
    (Page::read(&html), html, run)
}

/// Asks the library what takes the space.
fn usage(input: &Path, options: &UsageOptions, cx: &Context<'_>) -> Vec<ImageUsage> {
    let archive = Archive::open(Input::Path(input.to_owned()), None, cx).expect("an archive");
    let mut told = Vec::new();
    let mut sink = |usage: &ImageUsage| {
        told.push(usage.clone());
        Ok(())
    };
    archive.usage(options, &mut sink, cx).expect("what can be told");
    told
}
