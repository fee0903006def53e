//! Archives that nobody made for this project: what their tables say of them is what verifying finds, and what is found
//! is true of them.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{codes, listed, verify};
use crate::corpus::{self, Case};
use crate::fixtures::{self, Expect};
use crate::support::Sandbox;
use crate::support::shared::{self, shared};
use crate::support::tally::{self, tally};

/// Whatever the input claims, no more memory than this is touched.
const MEMORY_KIB: u64 = 64 * 1024;

/// Malformed inputs that are refused for what they are to become, not for what they are.
const WHOLE: &[(&str, &str)] = &[
    ("graph-type-config-unknown", "an artifact, which is no image and nothing wrong"),
    ("graph-artifact-manifest", "an artifact"),
    ("graph-schema1-manifest", "a blob of a kind that is obsolete, with the digest that it should have"),
    ("graph-layer-type-unknown", "an artifact"),
    ("graph-layer-foreign-absent", "a foreign layer may be elsewhere: a warning"),
];

#[test]
fn malformed_inputs_are_found_out_and_odd_ones_pass() {
    let Some(root) = shared("malformed") else { return };
    let cases = corpus::cases(&root);
    for (id, _) in WHOLE {
        assert!(cases.iter().any(|case| case.id == *id), "a vain exception: {id}");
    }
    tally("malformed, verified", &cases, |case| {
        let sandbox = Sandbox::on_disk();
        let input = sandbox.path("in");
        let copy = tempfile::tempdir().expect("a folder for a copy");
        if case.has_links {
            shared::relink(&case.path, copy.path());
            symlink(copy.path(), &input)
        } else {
            symlink(&case.path, &input)
        }
        .expect("a link can be made");
        let run = sandbox.command(["verify", "--json", "--from", &case.format]).arg(&input).run();
        let good = case.accept || WHOLE.iter().any(|(id, _)| *id == case.id);
        assert_eq!(run.code == 0, good, "{run}\n{}", String::from_utf8_lossy(&run.stdout));
        assert!(matches!(run.code, 0 | 1 | 3), "{run}");
        let answer = run.json();
        assert_eq!(answer["ok"], good);
        if run.code == 1 {
            assert!(is_named(case, &answer), "not said: {:?} in {answer:#}", case.names);
        }
        assert!(run.peak_kib < MEMORY_KIB, "{} KiB of memory: {run}", run.peak_kib);
        sandbox.assert_holds(&["in"]);
    });
}

/// Whether the findings name what is wrong, as the error of a conversion does.
fn is_named(case: &Case, answer: &serde_json::Value) -> bool {
    // What is wanted of a conversion besides.
    if case.id == "graph-platform-none" {
        return true;
    }
    let text = answer["findings"].to_string().to_lowercase();
    case.names.iter().all(|name| name.split('|').any(|word| text.contains(&word.to_lowercase())))
}

/// Fixtures that a converter accepts and that lack something all the same.
const SPARSE: &[&str] = &["oras-project__oras-go/hello-world.tar", "snyk__snyk-docker-plugin/busybox.amd64.tar"];

#[test]
fn archives_by_other_tools_pass_or_have_their_fault() {
    let Some(root) = shared("fixtures") else { return };
    let rows = fixtures::rows(&root);
    for path in SPARSE {
        assert!(rows.iter().any(|row| row.path == *path), "a vain exception: {path}");
    }
    tally("fixtures, verified", &rows, |row| {
        let copy;
        let input = if fixtures::lost_its_links(row) {
            copy = tempfile::tempdir().expect("a folder for a copy");
            shared::relink(&row.file, copy.path());
            copy.path()
        } else {
            &row.file
        };
        let Ok(found) = super::attempt(input) else {
            assert_eq!((row.kind.as_str(), row.expect), ("other", Expect::Reject), "no image archive at all");
            return;
        };
        let sparse = SPARSE.contains(&row.path.as_str());
        let good = matches!(row.expect, Expect::Accept | Expect::NoImage) && !sparse;
        assert_eq!(found.passes(false), good, "{}", listed(&found));
        if sparse || row.expect == Expect::Incomplete {
            assert!(codes(&found).contains("missing"), "{}", listed(&found));
        }
        if row.expect == Expect::NoDiffIds {
            assert_eq!(codes(&found), ["no-diff-ids"].into(), "{}", listed(&found));
        }
    });
}

/// What is true of archives that engines wrote, or that were made by hand to be odd.
const ENGINES: &[(&str, &[&str], &str)] = &[
    ("buildkit-docker-estargz.tar", &["layer-tar-end"], "estargz has its table of contents behind the end of the tar"),
    ("ctr1.6-export-plat.tar", SPARSE_INDEX, "one platform, and the index of all"),
    ("ctr2.4-export-plat.tar", SPARSE_INDEX, "one platform, and the index of all"),
    ("name-docker-emptystr.tar", &["name"], "an empty RepoTag"),
    ("name-oci-bad.tar", &["name-unusable"], "not a valid name!"),
    ("name-oci-upper.tar", &["name-unusable"], "Fix:1"),
    ("shape-docker-badlayer.tar", &["diff-id"], "two layers have changed places"),
    ("shape-docker-dupentry.tar", &["member-twice"], "two manifest.json that differ"),
    ("shape-docker-missinglayer.tar", &["missing"], "a layer is not there"),
    ("shape-docker-pax.tar", &["unreferenced"], "a member with a long name that belongs to no image"),
    ("shape-docker-zerolayer.tar", &["layer-tar-end"], "a layer of no bytes"),
    ("shape-oci-badsize.tar", &["size"], "a size that is one too large"),
    ("shape-oci-emptyidx.tar", &["no-image"], "an index of nothing"),
    ("skopeo1.22-dir-v2s2.tar", &["document"], "the content of a `dir:`, whose manifest.json is something else"),
    ("skopeo1.9-dir-oci.tar", &["document"], "the content of a `dir:`"),
];

const SPARSE_INDEX: &[&str] = &["missing"];

struct Archive(PathBuf);

impl tally::Row for Archive {
    fn group(&self) -> String {
        "archives".to_owned()
    }
    fn name(&self) -> String {
        self.0.file_name().expect("a file").to_string_lossy().into_owned()
    }
}

fn archives(root: &Path) -> Vec<Archive> {
    let entries = std::fs::read_dir(root).expect("the archives").flatten().map(|entry| entry.path());
    entries.filter(|path| path.to_string_lossy().contains(".tar")).map(Archive).collect()
}

#[test]
fn what_is_found_in_archives_of_engines_is_true() {
    let Some(root) = shared("engines") else { return };
    let archives = archives(&root);
    for (name, ..) in ENGINES {
        assert!(archives.iter().any(|archive| tally::Row::name(archive) == *name), "a vain exception: {name}");
    }
    tally("engine archives, verified", &archives, |archive| {
        let name = tally::Row::name(archive);
        let found = verify(&archive.0);
        let expected = ENGINES.iter().find(|(known, ..)| *known == name).map_or(&[][..], |(_, codes, _)| codes);
        assert_eq!(codes(&found), BTreeSet::from_iter(expected.iter().copied()), "{}", listed(&found));
    });
}
