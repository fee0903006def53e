//! Archives that other people's tools made: each converts to every target that can hold it, or is refused,
//! as the table beside them says. Where a row is wrong, [`CORRECTIONS`] says why.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::found::{self, Found, View};
use crate::support::names;
use crate::support::shared::{self, shared};
use crate::support::tally::{self, tally};
use crate::support::{Sandbox, Tree};

const OCI: [&str; 2] = ["oci-archive", "oci-dir"];
const DOCKER: [&str; 2] = ["docker-archive", "docker-dir"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    Accept,
    Reject,
    NoImage,
    Incomplete,
    /// Goes from OCI to OCI as it is; docker cannot hold it before `--recompute` gave it diff_ids.
    NoDiffIds,
}

/// Rows whose expectation the bytes contradict.
const CORRECTIONS: &[(&str, Expect, &str)] = &[
    (
        "containers__olot/tests__data__sample-model__oci",
        Expect::Reject,
        "the sizes of all three layers are wrong: someone packed the files into tars and kept the old sizes",
    ),
    (
        "sylabs__oci-tools/test__images__overlayfs-docker-v2-manifest@2e928c07",
        Expect::NoImage,
        "the only layer is a squashfs, for which docker has no word: there is nothing to make a tar of",
    ),
    (
        "youki-dev__oci-spec-rs/test__data",
        Expect::Reject,
        "the first thing wrong is not the missing blobs but the version of the layout, `lorem ipsum`",
    ),
    (
        "oras-project__oras/test__e2e__testdata__zot__command__images",
        Expect::NoDiffIds,
        "the configs have no rootfs, so nothing says what the layers must be: no engine loads such an image",
    ),
];

pub(crate) struct Row {
    pub(crate) path: String,
    pub(crate) file: PathBuf,
    pub(crate) kind: String,
    listed: String,
    pub(crate) expect: Expect,
}

impl tally::Row for Row {
    fn group(&self) -> String {
        self.listed.clone()
    }
    fn name(&self) -> String {
        format!("{} ({:?})", self.path, self.expect)
    }
}

pub(crate) fn rows(root: &Path) -> Vec<Row> {
    let table = fs::read_to_string(root.join("fixtures.tsv")).expect("the fixtures have a table");
    table.lines().skip(1).map(|line| row(root, line)).collect()
}

fn row(root: &Path, line: &str) -> Row {
    let columns: Vec<&str> = line.split('\t').collect();
    let [path, kind, _, listed] = columns[..4] else { panic!("a short line: {line}") };
    let correction = CORRECTIONS.iter().find(|(wrong, ..)| *wrong == path);
    let expect = match (correction, listed) {
        (Some((_, expect, _)), _) => *expect,
        (_, "accept") => Expect::Accept,
        (_, "reject") => Expect::Reject,
        (_, "no-image") => Expect::NoImage,
        (_, "incomplete") => Expect::Incomplete,
        _ => panic!("unknown expectation: {line}"),
    };
    Row { path: path.into(), file: root.join(path), kind: kind.into(), listed: listed.into(), expect }
}

/// Layouts whose blobs were symlinks in their repository and became files that hold the link's text on the way here.
pub(crate) fn lost_its_links(row: &Row) -> bool {
    row.path.starts_with("docker-library__")
}

#[test]
fn archives_by_other_tools_convert_or_are_refused() {
    let Some(root) = shared("fixtures") else { return };
    let rows = rows(&root);
    for (path, ..) in CORRECTIONS {
        assert!(rows.iter().any(|row| row.path == *path), "a correction of {path}, which is not in the table");
    }
    tally("fixtures", &rows, |row| {
        let sandbox = Sandbox::new();
        let copy;
        let input = if lost_its_links(row) {
            copy = tempfile::tempdir().expect("a folder for a copy");
            shared::relink(&row.file, copy.path());
            copy.path()
        } else {
            &row.file
        };
        match row.expect {
            Expect::Accept => check_accept(&sandbox, input, &row.kind),
            Expect::Reject => check_reject(&sandbox, input),
            Expect::NoImage => check_no_image(&sandbox, input),
            Expect::Incomplete => check_incomplete(&sandbox, input),
            Expect::NoDiffIds => check_no_diff_ids(&sandbox, input),
        }
    });
}

#[test]
fn blobs_that_hold_the_text_of_a_link_are_refused() {
    let Some(root) = shared("fixtures") else { return };
    let rows: Vec<Row> = rows(&root).into_iter().filter(lost_its_links).collect();
    assert!(!rows.is_empty());
    tally("lost links", &rows, |row| check_reject(&Sandbox::new(), &row.file));
}

/// What the input holds by our own reading: as OCI where it can be read so, else as docker.
fn view(input: &Path, kind: &str) -> Option<View> {
    let tree = Tree::read(input);
    let oci = found::oci_view(&tree);
    if kind.starts_with("oci") {
        return oci;
    }
    let mut docker = found::docker_view(&tree)?;
    for name in docker.images.iter_mut().flat_map(|image| &mut image.names) {
        *name = names::full(name); // In docker's file a word alone is a repository, in OCI's a tag.
    }
    // The documents of a hybrid may name platforms that it does not hold.
    docker.missing.extend(oci.into_iter().flat_map(|oci| oci.missing));
    Some(docker)
}

fn set(ids: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    ids.into_iter().collect()
}

fn check_accept(sandbox: &Sandbox, input: &Path, kind: &str) {
    let Some(view) = view(input, kind) else { return check_legacy(sandbox, input) };
    assert!(!view.images.is_empty(), "the table promises images");
    for to in OCI.into_iter().chain(["hybrid-archive"]) {
        check_conversion(sandbox, input, to, &[], &view, &set(view.ids()));
        if to == "oci-archive" && kind.starts_with("oci") {
            let output = Tree::read(&sandbox.path("out"));
            assert!(output.file("index.json") == Tree::read(input).file("index.json"), "index.json changed");
        }
        discard(&sandbox.path("out"));
    }
    for to in DOCKER {
        check_docker(sandbox, input, to, &view);
    }
}

/// One platform goes by itself, of several the host's, and each when it is asked for.
fn check_docker(sandbox: &Sandbox, input: &Path, to: &str, view: &View) {
    let mut chosen = BTreeSet::new();
    let mut undecided = false;
    for (ids, name) in &view.roots {
        let images: Vec<&Found> = view.images.iter().filter(|image| ids.contains(&image.id())).collect();
        match images[..] {
            [image] => drop(chosen.insert(image.id())),
            [] => {}
            _ => {
                let host = images.iter().find(|image| image.platform == crate::support::run::host_platform());
                undecided |= host.is_none();
                chosen.extend(host.map(|image| image.id()));
                for image in &images {
                    let name = name.as_deref().map_or_else(|| "@0".to_owned(), str::to_owned);
                    let args = ["--image", &name, "--platform", &image.platform];
                    check_conversion(sandbox, input, to, &args, view, &set([image.id()]));
                    discard(&sandbox.path("out"));
                }
            }
        }
    }
    if undecided {
        sandbox.convert(to, input, sandbox.path("out")).fails(4);
        return;
    }
    check_conversion(sandbox, input, to, &[], view, &chosen);
    discard(&sandbox.path("out"));
}

/// Converts, reads the output back and compares it with what the input holds.
fn check_conversion(sandbox: &Sandbox, input: &Path, to: &str, args: &[&str], view: &View, ids: &BTreeSet<String>) {
    let out = sandbox.path("out");
    let run = sandbox.convert(to, input, &out).args(["--json"]).args(args).ok();
    sandbox.assert_holds(&["out"]);
    let output = found::output(&out, to);
    assert_eq!(&set(output.ids()), ids, "image IDs in {to}");
    let reported = run.json()["images"].as_array().expect("images").clone();
    let reported = set(reported.iter().map(|image| image["image_id"].as_str().expect("an ID").to_owned()));
    assert_eq!(&reported, ids, "image IDs that --json reports");
    assert!(output.missing.is_subset(&view.missing), "blobs got lost: {:?}", output.missing);
    for image in &output.images {
        let source = view.images.iter().find(|source| source.config == image.config).expect("IDs are equal");
        assert_eq!(image.diff_ids(), source.diff_ids(), "layers in {to}");
    }
    let expected = set(view.images.iter().filter(|image| ids.contains(&image.id())).flat_map(full_names));
    let found = set(output.images.iter().flat_map(full_names));
    assert_eq!(found, expected, "names in {to}");
}

/// The names of an image which every format can hold.
fn full_names(image: &Found) -> Vec<String> {
    let holds =
        |name: &&String| names::has_repository(name) && !name.contains('@') && !name.ends_with(":i-was-a-digest");
    image.names.iter().filter(holds).map(|name| names::full(name)).collect()
}

/// Before docker 1.10 there were no configs: their IDs are ours to choose, their layers are not.
fn check_legacy(sandbox: &Sandbox, input: &Path) {
    let tree = Tree::read(input);
    let repositories = tree.json("repositories");
    let mut expected = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (repository, tags) in repositories.as_object().expect("repositories") {
        for (tag, id) in tags.as_object().expect("tags") {
            let mut chain = Vec::new();
            let mut next = id.as_str().map(str::to_owned);
            while let Some(id) = next {
                let layer = tree.file(&format!("{id}/layer.tar"));
                chain.insert(0, crate::support::codec::diff_id(layer).expect("a layer inflates"));
                next = tree.json(&format!("{id}/json"))["parent"].as_str().map(str::to_owned);
            }
            expected.insert(chain);
            names.insert(names::full(&format!("{repository}:{tag}")));
        }
    }
    for to in OCI.into_iter().chain(DOCKER).chain(["hybrid-archive"]) {
        let out = sandbox.path("out");
        sandbox.convert(to, input, &out).ok();
        let output = found::output(&out, to);
        assert_eq!(output.images.iter().map(Found::diff_ids).collect::<BTreeSet<_>>(), expected, "{to}");
        assert_eq!(set(output.images.iter().flat_map(full_names)), names, "{to}");
        discard(&out);
    }
}

fn discard(path: &Path) {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("an output can be removed");
}

fn check_reject(sandbox: &Sandbox, input: &Path) {
    for to in ["oci-archive", "docker-archive"] {
        let run = sandbox.convert(to, input, sandbox.path("out")).run();
        assert!(matches!(run.code, 3 | 4), "to {to}: {run}");
        let message = run.error();
        let file_name = input.file_name().expect("a fixture has a name").to_string_lossy().into_owned();
        assert!(message.contains(&file_name) || message.contains("sha256:"), "names nothing: {message}");
        sandbox.assert_holds(&[]);
    }
}

fn check_no_image(sandbox: &Sandbox, input: &Path) {
    let source = Tree::read(input);
    for to in OCI {
        let out = sandbox.path("out");
        sandbox.convert(to, input, &out).ok();
        let output = found::output(&out, to);
        assert!(output.missing.is_empty(), "blobs got lost: {:?}", output.missing);
        assert_eq!(output.artifacts, found::oci_view(&source).expect("index.json").artifacts);
        assert!(Tree::read(&out).file("index.json") == source.file("index.json"), "index.json changed");
        discard(&out);
    }
    let message = sandbox.convert("docker-archive", input, sandbox.path("out")).fails(4);
    assert!(message.contains("not an image") || message.contains("no image"), "{message}");
    sandbox.assert_holds(&[]);
}

fn check_incomplete(sandbox: &Sandbox, input: &Path) {
    let view = view(input, "oci").expect("an incomplete layout has an index");
    assert!(!view.missing.is_empty(), "nothing is missing");
    let complete = set(view.ids());
    for to in ["oci-archive", "docker-archive"] {
        if !complete.is_empty() {
            check_conversion(sandbox, input, to, &[], &view, &complete);
            discard(&sandbox.path("out"));
            continue;
        }
        let run = sandbox.convert(to, input, sandbox.path("out")).run();
        assert!(matches!(run.code, 3 | 4), "to {to}: {run}");
        let named = view.missing.iter().filter(|digest| run.error().contains(digest.as_str())).count();
        assert!(named > 0, "names no missing blob, of {:?}: {run}", view.missing);
        sandbox.assert_holds(&[]);
    }
}

fn check_no_diff_ids(sandbox: &Sandbox, input: &Path) {
    let out = sandbox.path("out");
    sandbox.convert("oci-archive", input, &out).ok();
    assert!(Tree::read(&out).file("index.json") == Tree::read(input).file("index.json"), "index.json changed");
    discard(&out);
    let run = sandbox.convert("docker-archive", input, &out).args(["--image", "linux-amd64"]).run();
    assert!(matches!(run.code, 3 | 4), "{run}");
    assert!(run.error().contains("diff_ids") || run.error().contains("rootfs"), "{run}");
    sandbox.convert("docker-archive", input, &out).args(["--image", "linux-amd64", "--recompute"]).ok();
    let layers = found::output(&out, "docker-archive").images[0].diff_ids();
    assert_eq!(layers, ["sha256:2ef548696ac7dd66ef38aab5cc8fc5cc1fb637dfaedb3a9afc89bf16db9277e1"]);
}
