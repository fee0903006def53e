//! `transload diff`: whether two archives hold the same images, and what differs.

mod config;
pub(crate) mod entry;
mod files;
mod golden;
mod hostile;
mod ignoring;
mod pairing;
mod reading;
mod real;
mod same;

use std::path::Path;

use serde_json::Value;

use crate::support::{Image, Run, Sandbox, Style, docker};

/// Compares two archives; the answer is 0 or 1.
#[track_caller]
fn diff(sandbox: &Sandbox, a: impl AsRef<Path>, b: impl AsRef<Path>, args: &[&str]) -> Run {
    let (a, b) = (a.as_ref().as_os_str(), b.as_ref().as_os_str());
    let run = sandbox.command(["diff"]).args([a, b]).args(args).run();
    assert!(run.code <= 1, "{run}");
    assert_eq!(run.stderr, "", "an answer is no talk");
    run
}

/// Stores two images as docker-archives and compares them.
#[track_caller]
fn compare(a: &Image, b: &Image, args: &[&str]) -> Run {
    let sandbox = Sandbox::new();
    sandbox.put_tree("a.tar", &docker(std::slice::from_ref(a), Style::Plain));
    sandbox.put_tree("b.tar", &docker(std::slice::from_ref(b), Style::Plain));
    let run = diff(&sandbox, "a.tar", "b.tar", args);
    sandbox.assert_holds(&["a.tar", "b.tar"]);
    run
}

fn text(run: &Run) -> String {
    String::from_utf8(run.stdout.clone()).expect("an answer is UTF-8")
}

/// The lines below the headline, without what differs for every pair of images that differ.
fn lines(run: &Run) -> Vec<String> {
    let text = text(run);
    let lines = text.lines().skip(1).map(|line| line.trim_start().to_owned());
    lines.filter(|line| !line.starts_with("image ID: ")).collect()
}

/// What differs between the files of the first pair, in short: `M /etc/x mode 644 755`.
#[track_caller]
fn changes(run: &Run) -> Vec<String> {
    let json = run.json();
    let empty = Vec::new();
    let list = json["images"][0]["files"]["list"].as_array().unwrap_or(&empty);
    let letter = |status: &Value| match status.as_str() {
        Some("added") => "A",
        Some("removed") => "D",
        Some("changed") => "M",
        other => panic!("status {other:?}"),
    };
    list.iter()
        .map(|file| {
            let mut line = format!("{} {}", letter(&file["status"]), file["path"].as_str().expect("a path"));
            for change in file["differences"].as_array().unwrap_or(&empty) {
                line += &format!(" {}", change["what"].as_str().expect("a word"));
                if !["content", "mtime"].contains(&change["what"].as_str().unwrap_or_default()) {
                    line +=
                        &format!(" {} {}", change["a"].as_str().expect("text"), change["b"].as_str().expect("text"));
                }
            }
            line
        })
        .collect()
}
