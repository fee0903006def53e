//! Every layer is read once and held to what is claimed of it; memory stays small.

use std::collections::BTreeMap;

use serde_json::Value;

use super::entry::{Entry, folder, layer, text};
use super::{changes, diff, lines};
use crate::support::image::noise;
use crate::support::{Codec, Image, Layer, Layout, Sandbox, Style, docker, file, image};

fn app() -> Image {
    image().layer(file("a", "one")).layer(file("b", "two")).tag("app:1")
}

#[test]
fn a_layer_that_is_not_what_it_is_said_to_be_is_refused() {
    let sandbox = Sandbox::new();
    let good = app();
    sandbox.put_tree("good.tar", &docker(std::slice::from_ref(&good), Style::Plain));
    let other = file("b", "three").tar;
    sandbox.put_tree("bad.tar", &docker(std::slice::from_ref(&good), Style::Plain).replace("0-1.tar", other));
    let blob = good.layers[1].clone().codec(Codec::Gzip).blob();
    let mut flipped = blob.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    let tree = Layout::new().named(&good.clone().codec(Codec::Gzip), "app:1").tree();
    let name = crate::support::layout::blob_path(&crate::support::sha256(&blob));
    sandbox.put_tree("flipped.tar", &tree.clone().replace(&name, flipped));
    sandbox.put_tree("cut.tar", &tree.replace(&name, blob[..blob.len() - 20].to_vec()));
    for (bad, says) in [
        ("bad.tar", "0-1.tar: diff_id mismatch: named sha256:"),
        ("flipped.tar", "blobs/sha256/"),
        ("cut.tar", "size mismatch"),
    ] {
        for (a, b) in [("good.tar", bad), (bad, "good.tar")] {
            let error = sandbox.command(["diff", "--ignore", "names", a, b]).fails(3);
            assert!(error.starts_with(&format!("transload: {bad}: ")) && error.contains(says), "{error}");
        }
    }
    // What is not read is believed.
    assert_eq!(diff(&sandbox, "good.tar", "bad.tar", &["--no-files"]).code, 0);
    assert_eq!(diff(&sandbox, "good.tar", "flipped.tar", &["--no-files"]).code, 0);
}

#[test]
fn without_files_what_is_claimed_is_compared_and_nothing_is_read() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("a.tar", &docker(&[app()], Style::Plain));
    sandbox.put_tree("b.tar", &docker(&[app().layer(file("c", "three"))], Style::Plain));
    let run = sandbox.command(["diff", "--no-files", "--progress", "json", "a.tar", "b.tar"]).run();
    assert_eq!(run.code, 1, "{run}");
    assert_eq!(started(&run.stderr), BTreeMap::new());
    let told = lines(&run);
    assert!(told.iter().any(|line| line.starts_with("layer 3: only in B: ")), "{told:?}");
    assert!(!told.iter().any(|line| line.starts_with("files: ")), "{told:?}");
    // docker before 1.10 claimed nothing: such layers are read.
    sandbox.put_tree("old.tar", &docker(&[app()], Style::Legacy));
    let run = sandbox
        .command(["diff", "--no-files", "--progress", "json", "--ignore", "config,platform", "a.tar", "old.tar"])
        .run();
    assert_eq!((run.code, started(&run.stderr).len()), (0, 2), "{run} {}", super::text(&run));
}

/// How often each member was read, by what the progress tells.
fn started(stderr: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for line in stderr.lines() {
        let event: Value = serde_json::from_str(line).expect("a line of JSON");
        if event["event"] == "started" {
            *found.entry(format!("{} {}", event["source"], event["blob"])).or_default() += 1;
        }
    }
    found
}

#[test]
fn every_layer_is_read_once_however_many_images_share_it() {
    let child = |name: &str| app().layer(file(name, name));
    let with = |mut image: Image, name: &str| {
        image.names = vec![name.to_owned()];
        image
    };
    let sandbox = Sandbox::new();
    let a = [with(app(), "x:1"), with(child("1"), "y:1"), with(child("2"), "z:1")];
    let b = [with(app(), "x:1"), with(child("3"), "y:1"), with(child("4"), "z:1")];
    // Both store a layer once for all images.
    sandbox.put_tree("a.tar", &docker(&a, Style::Crane));
    sandbox.put_tree("b.tar", &docker(&b, Style::Crane));
    let run = sandbox.command(["diff", "--progress", "json", "--json", "a.tar", "b.tar"]).run();
    assert_eq!(run.code, 1, "{run}");
    let started = started(&run.stderr);
    assert_eq!((started.len(), started.values().max()), (8, Some(&1)), "{started:?}");
    let files = |at: usize| run.json()["images"][at]["files"]["list"].as_array().map(Vec::len);
    assert_eq!((files(0), files(1), files(2)), (None, Some(2), Some(2)));
}

#[test]
fn threads_do_not_change_the_answer() {
    let sandbox = Sandbox::new();
    let many = |seed: u64| (0..12).fold(image().tag("app:1"), |image, n| image.layer(noise(seed * n, 20_000)));
    sandbox.put_tree("a.tar", &docker(&[many(1)], Style::Plain));
    sandbox.put_tree("b.tar", &docker(&[many(2)], Style::Plain));
    let answers =
        ["1", "2", "8"].map(|threads| diff(&sandbox, "a.tar", "b.tar", &["--json", "--threads", threads]).stdout);
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn standard_input_can_be_one_of_the_archives() {
    let sandbox = Sandbox::new();
    let tar = docker(&[app()], Style::Plain).tar();
    sandbox.put("a.tar", &tar);
    for (a, b) in [("-", "a.tar"), ("a.tar", "-")] {
        let run = sandbox.command(["diff", a, b]).stdin(tar.clone()).ok();
        assert!(super::text(&run).starts_with("same image: "), "{run}");
    }
    sandbox.assert_holds(&["a.tar"]);
}

#[test]
fn layers_that_are_elsewhere_are_told_and_believed() {
    let foreign = |body: &str| {
        let image = app().layer(file("c", body));
        let mut layout = Layout::new();
        let mut manifest = layout.manifest_of(&image);
        let descriptor = manifest["layers"][2].clone();
        layout.forget(&descriptor);
        manifest["layers"][2]["urls"] = serde_json::json!(["https://example.com/layer"]);
        let manifest = layout.manifest(&manifest);
        layout.root(manifest, serde_json::json!({}));
        layout.tree()
    };
    let sandbox = Sandbox::new();
    sandbox.put_tree("a.tar", &foreign("1"));
    sandbox.put_tree("b.tar", &foreign("2"));
    assert_eq!(diff(&sandbox, "a.tar", "a.tar", &[]).code, 0);
    let run = diff(&sandbox, "a.tar", "b.tar", &[]);
    assert_eq!(run.code, 1);
    assert!(
        lines(&run).contains(&"note: layer 3 of A is not in the source: files are not compared".to_owned()),
        "{run}"
    );
}

#[test]
fn a_limit_bounds_what_is_held_and_its_hint_helps() {
    let many = |n: usize| -> Layer {
        let entries: Vec<Entry> = (0..n).map(|i| text(&format!("some/directory/file-{i}"), "x")).collect();
        layer(&entries)
    };
    let sandbox = Sandbox::new();
    sandbox.put_tree("a.tar", &docker(&[app().layer(many(1000))], Style::Plain));
    sandbox.put_tree("b.tar", &docker(&[app().layer(many(999))], Style::Plain));
    let call = |limit: &str| sandbox.command(["diff", "a.tar", "b.tar", "--limit", limit]);
    let run = call("file-list-bytes=50000").run();
    assert_eq!(run.code, 3, "{run}");
    assert!(run.error().contains("too many files") && run.stderr.contains("--limit file-list-bytes=N"), "{run}");
    assert_eq!(call("file-list-bytes=500000").run().code, 1);
    // Nothing has to be listed where layers are the same.
    assert_eq!(diff(&sandbox, "a.tar", "a.tar", &["--limit", "file-list-bytes=0"]).code, 0);
}

#[test]
fn memory_stays_small_for_large_layers_and_many_files() {
    let sandbox = Sandbox::on_disk();
    let entries = |last: &str| -> Vec<Entry> {
        let below = |i: usize| text(&format!("usr/share/doc/package-{}/file-{i}", i / 20), "contents");
        std::iter::once(folder("usr")).chain((0..60_000).map(below)).chain([text("last", last)]).collect()
    };
    let large = |seed: u8| {
        let body: Vec<u8> = (0..40_000_000_u32).map(|i| (i >> 9) as u8 ^ seed).collect();
        let mut header = tar::Header::new_ustar();
        header.set_size(body.len() as u64);
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_data(&mut header, "large", &body[..]).expect("a tar can be written");
        Layer::from_tar(builder.into_inner().expect("a tar ends"))
    };
    let of = |seed: u8, last: &str| image().layer(large(seed)).layer(layer(&entries(last))).tag("app:1");
    sandbox.put_tree("a.tar", &docker(&[of(1, "1")], Style::Plain));
    sandbox.put_tree("b.tar", &Layout::new().named(&of(2, "2").codec(Codec::Gzip), "docker.io/library/app:1").tree());
    let run = diff(&sandbox, "a.tar", "b.tar", &["--json"]);
    assert_eq!(changes(&run), ["M /large content", "M /last content"]);
    assert!(run.peak_kib < 64 * 1024, "{} KiB", run.peak_kib);
}
