//! Inputs that change while they are read. It is found out, or it made no difference; a wrong image never comes out.
//!
//! The change is made by an observer, so that it comes at an exact byte.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use transload::{Context, ConvertOptions, ErrorKind, Event, Format, Input, Observer, Output, convert};

use super::{app, assert_whole, docker_tree, oci_tree};
use crate::support::tally::{Row, tally};
use crate::support::{Codec, Sandbox, Tree, found};

const LEN: usize = 600_000;

/// Does something to the input when so many bytes were read.
struct Meddler<'a> {
    at: u64,
    read: AtomicU64,
    done: AtomicBool,
    meddle: &'a (dyn Fn() + Sync),
}

impl Observer for Meddler<'_> {
    fn on(&self, event: &Event) {
        let bytes = if let Event::Read { bytes, .. } = event { *bytes } else { 0 };
        if self.read.fetch_add(bytes, Ordering::SeqCst) + bytes >= self.at && !self.done.swap(true, Ordering::SeqCst) {
            (self.meddle)();
        }
    }
}

struct Case {
    what: &'static str,
    input: &'static str,
    meddle: fn(&Path),
    at: u64,
    to: Format,
    recompute: bool,
}

impl Row for Case {
    fn group(&self) -> String {
        format!("{} {}", self.input, self.what)
    }
    fn name(&self) -> String {
        let recompute = if self.recompute { ", recomputed" } else { "" };
        format!("{} {} after {} bytes, to {}{recompute}", self.input, self.what, self.at, self.to)
    }
}

fn resize(path: &Path, len: impl Fn(u64) -> u64) {
    let file = File::options().write(true).open(path).expect("the input can be written");
    let old = file.metadata().expect("the input is there").len();
    file.set_len(len(old)).expect("the input can be cut");
}

fn overwrite(path: &Path, from: impl Fn(u64) -> u64) {
    let file = File::options().write(true).open(path).expect("the input can be written");
    let old = file.metadata().expect("the input is there").len();
    file.write_all_at(&vec![7; (old - from(old)) as usize], from(old)).expect("the input can be written");
}

/// What happens to an input, and how.
type Change = (&'static str, fn(&Path));

const TO_ARCHIVES: [Change; 8] = [
    ("cut in half", |path| resize(path, |len| len / 2)),
    ("emptied", |path| resize(path, |_| 0)),
    ("cut by one block", |path| resize(path, |len| len - 512)),
    ("grown", |path| resize(path, |len| len + 300_000)),
    ("overwritten", |path| overwrite(path, |_| 0)),
    ("overwritten at its end", |path| overwrite(path, |len| len * 3 / 4)),
    ("removed", |path| fs::remove_file(path).expect("the input can be removed")),
    ("replaced", |path| {
        fs::write(path.with_extension("new"), docker_tree(&app(1000)).tar()).expect("a file can be written");
        fs::rename(path.with_extension("new"), path).expect("the input can be replaced");
    }),
];

const TO_FOLDERS: [Change; 8] = [
    ("with blobs cut", |path| blobs(path).iter().for_each(|blob| resize(blob, |len| len / 2))),
    ("with blobs emptied", |path| blobs(path).iter().for_each(|blob| resize(blob, |_| 0))),
    ("with blobs grown", |path| blobs(path).iter().for_each(|blob| resize(blob, |len| len + 1000))),
    ("with blobs overwritten", |path| blobs(path).iter().for_each(|blob| overwrite(blob, |len| len / 2))),
    ("with blobs removed", |path| replace_blobs(path, |_| {})),
    ("with blobs replaced by links", |path| {
        replace_blobs(path, |blob| symlink("/etc/passwd", blob).expect("a link can be made"));
    }),
    ("with blobs replaced by pipes", |path| {
        replace_blobs(path, |blob| {
            let made = Command::new("mkfifo").arg(blob).status().expect("mkfifo can be started");
            assert!(made.success());
        });
    }),
    ("with blobs replaced by folders", |path| {
        replace_blobs(path, |blob| fs::create_dir(blob).expect("a folder can be made"));
    }),
];

fn blobs(layout: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(layout.join("blobs/sha256")).expect("a layout has blobs");
    entries.flatten().map(|entry| entry.path()).collect()
}

fn replace_blobs(layout: &Path, by: impl Fn(&Path)) {
    for blob in blobs(layout) {
        fs::remove_file(&blob).expect("a blob can be removed");
        by(&blob);
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let inputs: [(&str, &[Change]); 4] =
        [("docker.tar", &TO_ARCHIVES), ("oci.tar", &TO_ARCHIVES), ("gzip.tar", &TO_ARCHIVES), ("layout", &TO_FOLDERS)];
    for (input, meddlings) in inputs {
        for (what, meddle) in meddlings {
            for at in [0, 1, 200_000, 500_000] {
                for to in [Format::DockerArchive, Format::OciArchive, Format::OciDir] {
                    for recompute in [false, true] {
                        cases.push(Case { what, input, meddle: *meddle, at, to, recompute });
                    }
                }
            }
        }
    }
    cases
}

#[test]
fn an_input_that_changes_gives_the_right_image_or_none() {
    let image = app(LEN);
    let source = |input: &str| -> Tree {
        match input {
            "docker.tar" => docker_tree(&image),
            "gzip.tar" => oci_tree(&image.clone().codec(Codec::Gzip)),
            _ => oci_tree(&image),
        }
    };
    let sources = ["docker.tar", "oci.tar", "gzip.tar", "layout"].map(|input| (input, source(input)));
    tally("inputs that change", &cases(), |case| {
        let sandbox = Sandbox::new();
        let tree = &sources.iter().find(|(input, _)| *input == case.input).expect("a source").1;
        let input = sandbox.put_tree(case.input, tree);
        let meddle = || (case.meddle)(&input);
        let (read, done) = (AtomicU64::new(0), AtomicBool::new(false));
        let meddler = Meddler { at: case.at, read, done, meddle: &meddle };
        let mut cx = Context::default();
        cx.observer = &meddler;
        cx.temp_dir = Some(sandbox.tmp());
        let mut options = ConvertOptions::new(case.to);
        options.recompute = case.recompute;
        let out = sandbox.path("out");
        let outcome = convert(Input::Path(input.clone()), Output::Path(out.clone()), &options, &cx);
        assert!(meddler.done.load(Ordering::SeqCst), "nothing was meddled with");
        match outcome {
            // Who recomputes takes what is there for what is meant.
            Ok(_) if case.recompute => drop(found::output(&out, &case.to.to_string())),
            Ok(_) => assert_whole(&out, &case.to.to_string(), &image),
            Err(error) => {
                // A blob that is gone from a folder is no damage of the bytes.
                let folder = input.is_dir() && error.kind() == ErrorKind::Environment;
                assert!(folder || error.kind() == ErrorKind::Damaged, "{error:?}");
                assert!(sandbox.names().iter().all(|name| name == case.input), "{:?}", sandbox.names());
            }
        }
        assert_eq!(super::list(&sandbox.tmp()), [""; 0]);
    });
}
