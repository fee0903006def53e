//! Each kind of damage gives its finding and no other.

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

fn archive_rows() -> Vec<Row> {
    // The names of its members tell what it was, also when manifest.json is gone.
    let tree = || docker(&[app()], Style::Crane);
    let tar = || tree().tar();
    let cut = |at: usize| tar()[..at].to_vec();
    let ends = |end_blocks| pack(&tree(), &Dialect { end_blocks, ..Dialect::default() });
    let len = ends(0).len();
    let header_of_last = len - 1024;
    let mut bad_header = tar();
    bad_header[header_of_last] ^= 1;
    let gzip = Codec::Gzip.pack(&tar());
    let mut bad_crc = gzip.clone();
    let crc = bad_crc.len() - 8;
    bad_crc[crc] ^= 1;
    vec![
        row("cut inside a body", cut(len - 512 + 10), &["truncated"]),
        row("cut inside a header", cut(header_of_last + 100), &["missing", "truncated"]),
        row("cut between members", cut(header_of_last), &["missing", "tar-end"]),
        row("no end", ends(0), &["tar-end"]),
        row("half an end", ends(1), &["tar-end"]),
        row("data behind the end", [tar(), tar()].concat(), &["trailing-data"]),
        row("a header with a wrong checksum", bad_header, &["missing", "tar-header"]),
        row("gzip around it, with a wrong CRC", bad_crc, &["archive-compression"]),
        row("gzip around it, cut", gzip[..gzip.len() - 4].to_vec(), &["archive-compression"]),
        row("a name that leaves", plain(app()).with_file("../evil", "x").tar(), &["member-outside"]),
        row("two manifests that differ", plain(app()).with_file("manifest.json", "[]").tar(), &["member-twice"]),
        row("two layers that differ", plain(app()).with_file("0-0.tar", "x").tar(), &["member-twice"]),
        row(
            "the same layer twice",
            plain(app()).with_file("0-0.tar", app().layers[0].tar.clone()).tar(),
            &["member-repeated"],
        ),
        row(
            "another file twice",
            plain(app()).with_file("VERSION", "1").with_file("VERSION", "2").tar(),
            &["member-twice"],
        ),
        row("a link to nowhere", plain(app()).relink("0-0.tar", Kind::Symlink("x".into())).tar(), &["member-link"]),
        row(
            "a link to itself",
            plain(app()).relink("0-0.tar", Kind::Symlink("0-0.tar".into())).tar(),
            &["member-link"],
        ),
        row("a link out", plain(app()).relink("0-0.tar", Kind::Symlink("../x".into())).tar(), &["member-link"]),
        row("a hard link out", plain(app()).relink("0-0.tar", Kind::Hardlink("/etc/x".into())).tar(), &["member-link"]),
        row("a fifo for a layer", plain(app()).relink("0-0.tar", Kind::Fifo).tar(), &["member-kind"]),
        row("a folder for a config", plain(app()).relink("config0.json", Kind::Dir).tar(), &["member-kind"]),
    ]
}

fn document_rows() -> Vec<Row> {
    let edited = |edit: fn(&mut Value)| plain(app()).edit_json("manifest.json", edit).tar();
    let index = |edit: fn(&mut Value)| oci(&app()).edit_json("index.json", edit).tar();
    let config = |text: &str| plain(app().raw_config(text)).tar();
    let diff_ids = app().diff_ids();
    let rootfs =
        |ids: &[String]| json!({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": ids}}).to_string();
    let history = |n: usize| {
        let entries: Vec<_> = (0..n).map(|_| json!({"created_by": "x"})).collect();
        let rootfs = json!({"type": "layers", "diff_ids": diff_ids});
        json!({"os": "linux", "architecture": "amd64", "rootfs": rootfs, "history": entries}).to_string()
    };
    let manifest = |edit: fn(&mut Value)| with_manifest(&app(), edit).tar();
    vec![
        row("no JSON in manifest.json", plain(app()).replace("manifest.json", "[").tar(), &["document"]),
        row("text behind the list", plain(app()).replace("manifest.json", "[] x").tar(), &["document"]),
        row("Layers is a string", edited(|m| m[0]["Layers"] = "x".into()), &["document"]),
        row("no Config", edited(|m| drop(m[0].as_object_mut().map(|m| m.remove("Config")))), &["document"]),
        row("an empty list", edited(|m| *m = json!([])), &["no-image"]),
        row(
            "a key twice",
            plain(app()).replace("manifest.json", r#"[{"Config":"a","Config":"b"}]"#).tar(),
            &["duplicate-key"],
        ),
        row("a key in two cases", edited(|m| m[0]["layers"] = json!([])), &["duplicate-key"]),
        row("a missing config", plain(app()).remove("config0.json").tar(), &["missing"]),
        row("a missing layer", plain(app()).remove("0-1.tar").tar(), &["missing"]),
        row("a config that is no JSON", config("{"), &["document"]),
        row("a diff_id that is none", config(r#"{"rootfs":{"diff_ids":["x","y"]}}"#), &["document"]),
        row("no rootfs", config(r#"{"os":"linux"}"#), &["no-diff-ids"]),
        row("a diff_id too few", config(&rootfs(&diff_ids[..1])), &["layer-count"]),
        row("a diff_id too many", config(&rootfs(&[&diff_ids[..], &diff_ids[..1]].concat())), &["layer-count"]),
        row("diff_ids of the other layer", config(&rootfs(&[diff_ids[1].clone(), diff_ids[0].clone()])), &["diff-id"]),
        row("a history too short", config(&history(1)), &["history-count"]),
        row("a history too long", config(&history(3)), &["history-count"]),
        row(
            "a config that was edited",
            docker(&[app()], Style::Skopeo).replace(&format!("{}.json", hex_of(&app().id())), rootfs(&diff_ids)).tar(),
            &["config-name"],
        ),
        row("no index.json", oci(&app()).remove("index.json").tar(), &["missing"]),
        row("no JSON in index.json", oci(&app()).replace("index.json", "nothing").tar(), &["document"]),
        row(
            "an unknown version",
            oci(&app()).replace("oci-layout", r#"{"imageLayoutVersion":"2.0.0"}"#).tar(),
            &["document"],
        ),
        row("an empty index", Layout::new().tree().tar(), &["no-image"]),
        row("a digest that is none", index(|i| i["manifests"][0]["digest"] = "sha256:xyz".into()), &["document"]),
        row(
            "a descriptor without size",
            index(|i| drop(i["manifests"][0].as_object_mut().map(|m| m.remove("size")))),
            &["document"],
        ),
        row("index and manifest at once", index(|i| i["layers"] = json!([])), &["ambiguous-document"]),
        row(
            "an index that is said to be a manifest",
            index(|i| i["manifests"][0]["mediaType"] = INDEX.into()),
            &["ambiguous-document"],
        ),
        row("a manifest of an old schema", manifest(|m| m["schemaVersion"] = 1.into()), &["document"]),
        row(
            "a manifest without config",
            manifest(|m| drop(m.as_object_mut().map(|m| m.remove("config")))),
            &["document"],
        ),
        row("one layer's descriptor is broken", manifest(|m| m["layers"][0]["digest"] = 7.into()), &["document"]),
        row("other data embedded", manifest(|m| m["config"]["data"] = "e30=".into()), &["embedded-data"]),
        row("data that is no base64", manifest(|m| m["config"]["data"] = "?".into()), &["embedded-data"]),
        row("a wrong size in the index", index(|i| i["manifests"][0]["size"] = 1.into()), &["size"]),
        row("a wrong size of a layer", manifest(|m| m["layers"][0]["size"] = 1.into()), &["size"]),
        row(
            "a layer too few in the manifest",
            manifest(|m| drop(m["layers"].as_array_mut().map(Vec::pop))),
            &["layer-count", "unreferenced"],
        ),
    ]
}

fn blob_rows() -> Vec<Row> {
    let gzip = || app().codec(Codec::Gzip);
    let layer = "/layers/1/digest";
    let missing = |path: &str| without_blob(oci(&app()), path).tar();
    let mut packed = app().layers[1].blob();
    packed = Codec::Gzip.pack(&packed);
    let len = packed.len();
    packed[len - 8] ^= 1;
    let bad_crc = with_manifest(&app(), |_| {});
    let claimed =
        |bytes: &[u8], media_type: &str| json!({"mediaType": media_type, "digest": sha256(bytes), "size": bytes.len()});
    let broken = |bytes: &[u8], ending: &str| {
        let media_type = format!("application/vnd.oci.image.layer.v1.tar{ending}");
        let descriptor = claimed(bytes, &media_type);
        let old = digest_of(&bad_crc, layer);
        let tree = with_manifest(&app(), |m| m["layers"][1] = descriptor);
        tree.remove(&blob_path(&old)).with_file(blob_path(&sha256(bytes)), bytes)
    };
    let zstd = Codec::Zstd.pack(&app().layers[1].tar);
    let foreign = with_manifest(&app(), |m| m["layers"][1]["urls"] = json!(["https://example.com/x"]));
    let lying = |codec, media_type: &str| {
        let layer = file("b", "two").codec(codec).media_type(media_type);
        oci(&image().layer(file("etc/a", "one")).layer(layer)).tar()
    };
    let (tar, tar_gzip) = ("application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip");
    vec![
        row("a bit of a config", flipped_blob(oci(&app()), "/config/digest", 3).tar(), &["digest", "document"]),
        row("a space in a config", flipped_blob(oci(&app()), "/config/digest", 0).tar(), &["digest", "document"]),
        row("a bit of a manifest", flipped_blob(oci(&app()), "/manifest", 0).tar(), &["digest", "document"]),
        row("a bit of padding in a plain layer", flipped_blob(oci(&app()), layer, 1100).tar(), &["diff-id", "digest"]),
        row("a bit of a gzip layer's length", flipped_blob(oci(&gzip()), layer, 0).tar(), &["compression", "digest"]),
        row("a bit of a docker layer", flipped(plain(app()), "0-0.tar", 1100).tar(), &["diff-id"]),
        row("a missing manifest", missing("/manifest"), &["missing"]),
        row("a missing config", missing("/config/digest"), &["missing"]),
        row("a missing layer", missing(layer), &["missing"]),
        row("a foreign layer elsewhere", without_blob(foreign, layer).tar(), &["elsewhere"]),
        row("a wrong CRC, digest right", broken(&packed, "+gzip").tar(), &["compression"]),
        row("a cut zstd stream, digest right", broken(&zstd[..zstd.len() - 3], "+zstd").tar(), &["compression"]),
        row("another layer, digest right", broken(&file("x", "y").tar, "").tar(), &["diff-id"]),
        row("plain, said to be gzip", lying(Codec::Plain, tar_gzip), &["media-type"]),
        row("zstd, said to be gzip", lying(Codec::Zstd, tar_gzip), &["media-type"]),
        row("gzip, said to be plain", lying(Codec::Gzip, tar), &["media-type"]),
        row("a blob under a wrong name", oci(&app()).with_file(blob_path(LIE), "x").tar(), &["digest", "unreferenced"]),
        row("a blob that nobody names", oci(&app()).with_file(blob_path(&sha256(b"x")), "x").tar(), &["unreferenced"]),
        row(
            "a layer that nobody names",
            plain(app()).with_file("x/layer.tar", file("x", "y").tar).tar(),
            &["unreferenced"],
        ),
        row(
            "a platform that the config does not have",
            said_to_be(&app(), json!({"os": "linux", "architecture": "arm64"})).tar(),
            &["platform"],
        ),
        row(
            "a variant that the config does not have",
            said_to_be(&app().platform("linux/arm/v6"), json!({"os": "linux", "architecture": "arm", "variant": "v7"}))
                .tar(),
            &["platform"],
        ),
    ]
}

fn layer_rows() -> Vec<Row> {
    let of = |tar: Vec<u8>| plain(layer_of(tar)).tar();
    let tree = |name: &str, kind| Tree::default().with(name, kind).tar();
    let good = || file("a", "one").tar;
    let mut bad_header = files(&[("a", "one"), ("b", "two")]).tar;
    bad_header[1024] ^= 1;
    let mut no_number = Tree::default().with_file("a", "one").tar();
    no_number[108..115].copy_from_slice(b"zzzzzzz");
    crate::support::tar::seal(&mut no_number[..512]);
    vec![
        row("noise for a layer", of(vec![7; 5000]), &["layer-not-tar"]),
        row("a layer cut in a body", of(noise(1, 5000).tar[..3000].to_vec()), &["layer-tar"]),
        row("a layer cut in a header", of(files(&[("a", "1"), ("b", "2")]).tar[..1300].to_vec()), &["layer-tar"]),
        row("a wrong checksum in a layer", of(bad_header), &["layer-tar"]),
        row("an owner that is no number", of(no_number), &["layer-tar"]),
        row("a layer without an end", of(good()[..1024].to_vec()), &["layer-tar-end"]),
        row("a layer that goes on behind its end", of([good(), good()].concat()), &["layer-tar-end"]),
        row("a file that leaves", of(tree("../../etc/passwd", Kind::File(b"x".to_vec()))), &["layer-escape"]),
        row("a hard link that leaves", of(tree("a", Kind::Hardlink("../../etc/passwd".into()))), &["layer-escape"]),
        row("an absolute name", of(tree("/etc/passwd", Kind::File(b"x".to_vec()))), &["layer-name"]),
        row("a name with dots", of(tree("a/../b", Kind::File(b"x".to_vec()))), &["layer-name"]),
        row("a symlink that leaves is a symlink", of(tree("a", Kind::Symlink("../../x".into()))), &[]),
        row("a global record that counts for some", of(global_record()), &["layer-tar-odd"]),
        row(
            "a legacy layer that is no tar",
            docker(&[layer_of(vec![7; 5000])], Style::Legacy).tar(),
            &["layer-not-tar"],
        ),
    ]
}

/// A tar whose global PAX header names a file.
fn global_record() -> Vec<u8> {
    let mut tar = pack(&Tree::default().with_file("a", "one"), &Dialect { pax: true, ..Dialect::default() });
    let record = b"22 comment=made by a test\n";
    let at = tar.windows(7).position(|bytes| bytes == &b"comment"[..]).expect("a comment") - 3;
    let path = b"26 path=0123456789abcdefg\n";
    assert_eq!(record.len(), path.len());
    tar[at..at + path.len()].copy_from_slice(path);
    tar
}

fn name_rows() -> Vec<Row> {
    let tags = |tags: Value| plain(app()).edit_json("manifest.json", |m| m[0]["RepoTags"] = tags).tar();
    let named = |text: &str| Layout::new().named(&app(), text).tree().tar();
    let other = image().layer(file("x", "y"));
    let two = |a: &str, b: &str| Layout::new().named(&app(), a).named(&other, b).tree().tar();
    let halves = |edit: fn(&mut Value)| hybrid().edit_json("manifest.json", edit).tar();
    let mut strangers = hybrid();
    for member in docker(&[other.clone().tag("docker.io/library/other:1")], Style::Plain).members {
        if member.name != "manifest.json" {
            strangers.members.push(member);
        }
    }
    let stranger = |tag: &str| {
        let entry = json!({"Config": "config0.json", "RepoTags": [tag], "Layers": ["0-0.tar"]});
        let app = hybrid().json("manifest.json")[0].clone();
        (entry, app)
    };
    let (entry, first) = stranger("docker.io/library/other:1");
    let beside = strangers.clone().edit_json("manifest.json", |m| *m = json!([first, entry])).tar();
    let (entry, _) = stranger(NAME);
    let instead = strangers.edit_json("manifest.json", |m| *m = json!([entry])).tar();
    let doubled = docker(&[app(), other.clone().tag(NAME)], Style::Plain).tar();
    let mut copied = hybrid();
    copied.push("copy.tar", Kind::File(app().layers[1].tar.clone()));
    let copied = copied.edit_json("manifest.json", |m| m[0]["Layers"][1] = "copy.tar".into()).tar();
    vec![
        row("a name that is none", tags(json!(["A B"])), &["name"]),
        row("an empty name", tags(json!([""])), &["name"]),
        row("a digest for a name", tags(json!([format!("app@{LIE}")])), &[]),
        row("the same name twice", tags(json!([NAME, NAME])), &[]),
        row("a name that steers terminals", named("a\u{1b}[31m"), &["name"]),
        row("a name that no engine takes", named("Not A Name"), &["name-unusable"]),
        row("one name for two images, docker", doubled, &["name-twice"]),
        row("one name for two images, OCI", two(NAME, NAME), &["name-repeated"]),
        row("one tag for two images, OCI", two("v1", "v1"), &["name-repeated"]),
        row("two names for two images", two("v1", "v2"), &[]),
        row("a hybrid whose halves are one", hybrid().tar(), &[]),
        row(
            "a hybrid with another name",
            halves(|m| m[0]["RepoTags"] = json!(["docker.io/library/other:1"])),
            &["hybrid-names"],
        ),
        row("a hybrid without the image in docker's half", halves(|m| *m = json!([])), &["hybrid-images"]),
        row("a hybrid with an image in docker's half only", beside, &["hybrid-images"]),
        row("a hybrid with another image of that name", instead, &["hybrid-differs", "hybrid-images"]),
        row("a hybrid with another layer of the image", copied, &["hybrid-layers"]),
    ]
}

#[test]
fn each_damage_gives_its_finding_and_no_other() {
    let groups = [archive_rows(), document_rows(), blob_rows(), layer_rows(), name_rows()];
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
