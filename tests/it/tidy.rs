//! Rules of the source itself: what the library never does, how long a file may be, what every module says first.

use std::fs;
use std::path::{Path, PathBuf};

const WALL: usize = 600;

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a source folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "no sources in {folder}");
    found
}

/// The lines of a file before its unit tests, without comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().take_while(|line| *line != "mod tests {");
    lines.enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")).map(|(at, line)| (at + 1, line))
}

/// Tells whether a file is one of `src` that has, or is in a folder that has, this name.
fn is_below(path: &Path, name: &str) -> bool {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let inner = path.strip_prefix(src).unwrap_or(Path::new(""));
    inner.with_extension("").components().any(|part| part.as_os_str() == name)
}

fn belongs_to_cli(path: &Path) -> bool {
    is_below(path, "cli") || is_below(path, "main")
}

/// Tells whether a file of `src` holds unit tests: `tests.rs`, or one in a folder `tests`.
fn is_test(path: &Path) -> bool {
    is_below(path, "tests")
}

#[track_caller]
fn assert_none(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

/// Writes out the first part of what is imported together: `a::{b, c}` as `a::b, a::c`.
fn ungrouped(line: &str) -> String {
    let grouped = line.split_once("::{").and_then(|(path, group)| Some((path, group.split_once('}')?.0)));
    let Some((path, group)) = grouped else { return line.to_owned() };
    group.split(',').map(|name| format!("{path}::{}, ", name.trim())).collect()
}

/// Places in `src` where one of `words` stands, outside tests and comments.
fn uses(words: &[&str], applies: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources("src") {
        if !applies(&path) || is_test(&path) {
            continue;
        }
        for (number, line) in code(&text) {
            // The machine that it was compiled for is no environment.
            let line = ungrouped(&line.replace("std::env::consts", ""));
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    found
}

#[test]
fn only_the_command_line_prints_exits_or_reads_the_environment() {
    let words = [
        "println!",
        "eprintln!",
        "print!(",
        "eprint!(",
        "process::exit",
        "std::env",
        "env::var",
        "env::args",
        "io::stdout",
        "io::stderr",
    ];
    assert_none(uses(&words, |path| !belongs_to_cli(path)), "the library does not print, exit or read the environment");
}

#[test]
fn nothing_is_left_for_later() {
    assert_none(uses(&["todo!", "unimplemented!", "dbg!", "allow(dead_code"], |_| true), "unfinished");
    let mut found = Vec::new();
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        let tidy = path.ends_with("tidy.rs");
        for (number, line) in text.lines().enumerate() {
            if !tidy && (line.contains("FIXME") || line.contains("XXX") || line.contains("TODO")) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert_none(found, "unfinished");
}

#[test]
fn one_call_is_unsafe_and_nothing_is_unwrapped() {
    let found = uses(&["unsafe "], |_| true);
    assert!(
        matches!(&found[..], [only] if only.contains("src/digest/pair.rs")),
        "no more unsafe code:\n{}",
        found.join("\n")
    );
    assert_none(uses(&[".unwrap()"], |_| true), "`expect` says why it holds");
}

#[test]
fn files_are_short() {
    let long: Vec<String> = sources("src")
        .into_iter()
        .chain(sources("tests"))
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > WALL)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert_none(long, "600 lines are a wall");
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<String> = sources("src")
        .into_iter()
        .chain(sources("tests"))
        .filter(|(path, text)| !text.starts_with("//!") && !is_test(path))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert_none(silent, "a module opens with what it is for");
}

/// Formats meet in the table of formats only.
#[test]
fn formats_do_not_know_each_other() {
    let docker = uses(&["formats::oci", "super::super::oci"], |path| path.to_string_lossy().contains("formats/docker"));
    let oci = uses(&["formats::docker", "super::super::docker"], |path| path.to_string_lossy().contains("formats/oci"));
    assert_none([docker, oci].concat(), "formats do not know each other");
}

/// Plans and their execution are the same for all formats.
#[test]
fn planner_and_executor_know_no_format() {
    let below = |path: &Path| ["src/plan", "src/execute"].iter().any(|part| path.to_string_lossy().contains(part));
    assert_none(uses(&["formats::docker", "formats::oci", "formats::hybrid"], below), "they ask for abilities instead");
}
