//! Archives by many producers, and what engines made of them: whatever any engine accepts converts, with the image
//! ID that it has; what is refused all the same stands in [`EXCEPTIONS`] with the reason.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::found;
use crate::support::shared::shared;
use crate::support::tally::{self, tally};
use crate::support::{Sandbox, Tree};

/// An archive that engines accept and we refuse, for which targets, why, and the options that make it convert.
type Exception = (&'static str, &'static [&'static str], &'static str, Option<&'static [&'static str]>);

const EXCEPTIONS: &[Exception] = &[
    (
        "shape-docker-badlayer.tar",
        BOTH,
        "the layers do not have the diff_ids that the config claims; the engines that take it do not look",
        Some(&["--recompute"]),
    ),
    (
        "shape-oci-badsize.tar",
        BOTH,
        "a descriptor's size is off by one: what is claimed and what is there differ, which is how damage looks",
        Some(&["--recompute"]),
    ),
    (
        "shape-docker-dupentry.tar",
        BOTH,
        "two manifest.json that differ: half of the engines read the first, half the last",
        None,
    ),
    ("shape-oci-emptyidx.tar", BOTH, "no image inside; the one tool that takes it copies nothing", None),
    (
        "name-docker-emptystr.tar",
        BOTH,
        "an empty RepoTag is no name, and docker, podman and containerd refuse it too",
        Some(&["--tag", "matrix/fix:1"]),
    ),
    ("skopeo1.9-oci-encrypted.tar", DOCKER, "docker-archive cannot hold encrypted layers", None),
    ("skopeo1.22-oci-encrypted.tar", DOCKER, "docker-archive cannot hold encrypted layers", None),
];

const BOTH: &[&str] = &["oci-archive", "docker-archive"];
const DOCKER: &[&str] = &["docker-archive"];

/// What the table says of one archive.
struct Archive {
    name: String,
    path: PathBuf,
    accepted: bool,
    /// The first digits of the ID of the image for this platform, as an independent reader found it.
    id: String,
}

impl tally::Row for Archive {
    fn group(&self) -> String {
        if self.accepted { "accepted" } else { "refused by all" }.into()
    }
    fn name(&self) -> String {
        self.name.clone()
    }
}

fn archives(root: &Path) -> Vec<Archive> {
    let table = fs::read_to_string(root.join("results.tsv")).expect("the archives have results");
    let mut archives: BTreeMap<String, Archive> = BTreeMap::new();
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, consumer, verdict, _, ids] = columns[..5] else { panic!("a short line: {line}") };
        let archive = archives.entry(file.into()).or_insert_with(|| Archive {
            name: file.into(),
            path: root.join(file),
            accepted: false,
            id: String::new(),
        });
        if consumer == "reference" {
            archive.id = ids.into();
        } else {
            archive.accepted |= verdict == "accept";
        }
    }
    archives.into_values().collect()
}

#[test]
fn what_an_engine_accepts_converts() {
    let Some(root) = shared("engines") else { return };
    let archives = archives(&root);
    for (name, ..) in EXCEPTIONS {
        assert!(archives.iter().any(|archive| archive.accepted && archive.name == *name), "a vain exception: {name}");
    }
    tally("engine archives", &archives, |archive| {
        for to in BOTH {
            let exception = EXCEPTIONS.iter().find(|(name, targets, ..)| *name == archive.name && targets.contains(to));
            match exception {
                _ if !archive.accepted => check_refused(archive, to),
                None => check_converts(archive, to, &[]),
                Some((_, _, _, remedy)) => {
                    check_refused(archive, to);
                    remedy.iter().for_each(|options| check_remedy(archive, to, options));
                }
            }
        }
    });
}

fn check_converts(archive: &Archive, to: &str, options: &[&str]) {
    let sandbox = Sandbox::new();
    let out = sandbox.path("out");
    sandbox.convert(to, &archive.path, &out).args(options).ok();
    sandbox.assert_holds(&["out"]);
    let tree = Tree::read(&out);
    let encrypted = tree.get("index.json").is_some() && archive.name.contains("encrypted");
    if encrypted {
        // Nobody without the key can measure what is inside.
        let before = Tree::read(&archive.path);
        assert!(tree.file("index.json") == before.file("index.json"), "index.json changed");
        return;
    }
    let ids = found::output(&out, to).ids();
    assert!(ids.iter().any(|id| id["sha256:".len()..].starts_with(&archive.id)), "{}: {ids:?}", archive.id);
}

/// With the right option the archive converts; its ID may change when claims are corrected.
fn check_remedy(archive: &Archive, to: &str, options: &[&str]) {
    let sandbox = Sandbox::new();
    let out = sandbox.path("out");
    sandbox.convert(to, &archive.path, &out).args(options).ok();
    assert_eq!(found::output(&out, to).images.len(), 1);
}

fn check_refused(archive: &Archive, to: &str) {
    let sandbox = Sandbox::new();
    let run = sandbox.convert(to, &archive.path, sandbox.path("out")).run();
    assert!(matches!(run.code, 3 | 4), "{run}");
    run.error();
    sandbox.assert_holds(&[]);
}
