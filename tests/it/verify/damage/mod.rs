//! Each kind of damage gives its finding and no other.

mod rows;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{attempt, codes, listed, verify_bytes};
use crate::support::codec::hex_of;
use crate::support::image::noise;
use crate::support::layout::{INDEX, REF_NAME, blob_path, with};
use crate::support::tar::{Dialect, pack};
use crate::support::{Codec, Image, Kind, Layer, Layout, Sandbox, Style, Tree, docker, file, files, image, sha256};

const LIE: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NAME: &str = "docker.io/library/app:1";

struct Row {
    what: &'static str,
    archive: Vec<u8>,
    codes: &'static [&'static str],
}

fn row(what: &'static str, archive: impl Into<Vec<u8>>, codes: &'static [&'static str]) -> Row {
    Row { what, archive: archive.into(), codes }
}

fn app() -> Image {
    image().layer(file("etc/a", "one")).layer(file("b", "two")).tag(NAME)
}

fn plain(image: Image) -> Tree {
    docker(&[image], Style::Plain)
}

fn oci(image: &Image) -> Tree {
    Layout::new().named(image, NAME).tree()
}

fn hybrid() -> Tree {
    docker(&[app()], Style::Hybrid)
}

/// The layout with this manifest for the image.
fn with_manifest(image: &Image, edit: impl FnOnce(&mut Value)) -> Tree {
    let mut layout = Layout::new();
    let mut manifest = layout.manifest_of(image);
    edit(&mut manifest);
    let root = layout.manifest(&manifest);
    layout.root(root, json!({REF_NAME: NAME}));
    layout.tree()
}

fn digest_of(layout: &Tree, path: &str) -> String {
    let root = layout.json("index.json")["manifests"][0]["digest"].as_str().expect("a digest").to_owned();
    let manifest = layout.json(&blob_path(&root));
    let found = if path == "/manifest" { json!(root) } else { manifest.pointer(path).expect("a field").clone() };
    found.as_str().expect("a digest").to_owned()
}

/// The tree with one bit of a blob flipped, in its last byte but `from_end`.
fn flipped(tree: Tree, name: &str, from_end: usize) -> Tree {
    let mut bytes = tree.file(name).to_vec();
    let at = bytes.len() - 1 - from_end;
    bytes[at] ^= 1;
    tree.replace(name, bytes)
}

fn flipped_blob(tree: Tree, path: &str, from_end: usize) -> Tree {
    let name = blob_path(&digest_of(&tree, path));
    flipped(tree, &name, from_end)
}

fn without_blob(tree: Tree, path: &str) -> Tree {
    let name = blob_path(&digest_of(&tree, path));
    tree.remove(&name)
}

fn layer_of(tar: Vec<u8>) -> Image {
    image().layer(Layer::from_tar(tar)).tag(NAME)
}

/// An index of one image for `platform`, whatever the config says.
fn said_to_be(image: &Image, platform: Value) -> Tree {
    let mut layout = Layout::new();
    let child = with(layout.image(image), "platform", platform);
    let index = layout.index(&[child]);
    layout.root(index, json!({REF_NAME: NAME}));
    layout.tree()
}

#[test]
fn each_damage_gives_its_finding_and_no_other() {
    let groups = [rows::of_archives(), rows::of_documents(), rows::of_blobs(), rows::of_layers(), rows::of_names()];
    let rows: Vec<Row> = groups.into_iter().flatten().collect();
    let mut misses = Vec::new();
    let mut seen = BTreeSet::new();
    for row in &rows {
        let found = verify_bytes(&row.archive);
        let got = codes(&found);
        if got != row.codes.iter().copied().collect() {
            misses.push(format!("{}: expected {:?}, found\n{}", row.what, row.codes, listed(&found)));
        }
        seen.extend(got);
    }
    assert!(misses.is_empty(), "{} of {} rows\n\n{}", misses.len(), rows.len(), misses.join("\n"));
    let all: BTreeSet<_> = transload::Code::ALL.iter().map(|code| code.name()).collect();
    let elsewhere = BTreeSet::from(["limit", "not-loadable"]);
    let without: Vec<_> = all.difference(&seen).filter(|code| !elsewhere.contains(**code)).collect();
    assert!(without.is_empty(), "no row gives {without:?}");
}

/// Several faults at once are all told: none hides behind another.
#[test]
fn all_faults_are_told_at_once() {
    let tree = with_manifest(&app().codec(Codec::Gzip), |m| m["layers"][0]["size"] = 1.into());
    let tree = flipped_blob(tree, "/layers/1/digest", 0);
    let tree = tree.edit_json("oci-layout", |l| l["imageLayoutVersion"] = "3".into()).with_file("../evil", "x");
    let found = verify_bytes(&[tree.tar(), vec![1]].concat());
    let want = ["compression", "digest", "document", "member-outside", "size", "trailing-data"];
    assert_eq!(codes(&found), want.into(), "{}", listed(&found));
}

/// A finding says which member it is about, where, what was claimed and what is there.
#[test]
fn a_finding_has_its_particulars() {
    let tree = flipped(plain(app()), "0-1.tar", 1100);
    let archive = tree.tar();
    let found = verify_bytes(&archive);
    let [finding] = &found.findings[..] else { panic!("one finding: {}", listed(&found)) };
    assert_eq!(finding.member.as_deref(), Some("0-1.tar"));
    assert_eq!(finding.claimed.as_deref(), Some(&*app().diff_ids()[1]));
    assert_eq!(finding.found, Some(sha256(tree.file("0-1.tar"))));
    let at = usize::try_from(finding.offset.expect("an offset")).expect("a small archive");
    assert!(archive[at..].starts_with(tree.file("0-1.tar")), "byte {at}");

    let cut = docker(&[app()], Style::Skopeo).tar()[..2100].to_vec();
    let found = verify_bytes(&cut);
    let truncated = found.findings.iter().find(|f| f.code.name() == "truncated").expect("it is cut");
    let cut = format!("{}.tar", hex_of(&app().diff_ids()[0]));
    assert_eq!((truncated.member.as_deref(), truncated.offset), (Some(&*cut), Some(0)), "{}", listed(&found));

    let tar = Tree::default().with_file("good", "x").with_file("../bad", "y").tar();
    let found = verify_bytes(&plain(layer_of(tar)).tar());
    let finding = &found.findings[0];
    // Behind the archive's own header, the first entry and its body.
    assert_eq!((finding.member.as_deref(), finding.offset), (Some("0-0.tar"), Some(512 + 1024)));
    assert!(finding.message.contains("../bad"), "{finding}");
}

/// What shows no trace of an image is no damaged archive of images.
#[test]
fn what_is_no_image_archive_is_an_error() {
    let sandbox = Sandbox::new();
    let layer = file("etc/passwd", "root").tar;
    for (what, bytes) in [
        ("nothing", vec![]),
        ("noise", vec![7; 5000]),
        ("zeros", vec![0; 10_240]),
        ("half a header", plain(app()).tar()[..300].to_vec()),
        ("a layer", layer.clone()),
        ("a layer that is cut", layer[..600].to_vec()),
        ("noise in gzip", Codec::Gzip.pack(&[7; 5000])),
        ("gzip that is cut at once", Codec::Gzip.pack(&layer)[..12].to_vec()),
    ] {
        let error = attempt(&sandbox.put("in.tar", &bytes)).map(|found| listed(&found)).expect_err(what);
        assert_eq!(error.kind(), transload::ErrorKind::Damaged, "{what}: {error}");
        assert!(error.to_string().contains("in.tar"), "{what}: {error}");
    }
    let mut options = transload::VerifyOptions::default();
    options.from = Some(transload::Format::OciArchive);
    let input = || transload::Input::Path(sandbox.put_tree("docker.tar", &plain(app())));
    let error = transload::verify(input(), &options, &transload::Context::default()).expect_err("a docker-archive");
    assert!(error.to_string().contains("index.json"), "{error}");
}

/// A thousand wrong names are a thousand findings; a million are a number.
#[test]
fn findings_are_bounded_and_counted() {
    let mut tree = plain(app());
    for n in 0..1500 {
        tree.push(format!("../{n}"), Kind::File(Vec::new()));
    }
    let found = verify_bytes(&tree.tar());
    assert_eq!((found.findings.len(), found.omitted()), (1000, 500));
    assert_eq!(found.count(transload::Severity::Error), 1500);
    let tar = (0..1500).fold(Tree::default(), |tree, n| tree.with_file(format!("../{n}"), ""));
    let found = verify_bytes(&plain(layer_of(tar.tar())).tar());
    let last = &found.findings.last().expect("findings").message;
    assert!(found.findings.len() < 30, "{}", found.findings.len());
    assert!(found.findings.iter().any(|f| f.message.contains("1480")), "{last}");
}

/// Nothing that an archive says reaches a terminal raw, or makes a line of its own.
#[test]
fn findings_are_one_line_each_and_printable() {
    let evil = "evil\u{1b}[31m\n\u{202e}name";
    let tree = plain(app()).edit_json("manifest.json", |m| {
        m[0]["Layers"][0] = evil.into();
        m[0]["RepoTags"] = json!([evil]);
    });
    let manifest = with_manifest(&app(), |m| m["layers"][0]["mediaType"] = evil.into());
    for tree in [tree, manifest] {
        for finding in &verify_bytes(&tree.tar()).findings {
            let text = finding.to_string();
            assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
        }
    }
}
