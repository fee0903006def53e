//! The layer table: sizes, compression as it is, history, what is shared, what is missing. And `--raw`.

use serde_json::{Value, json};

use super::{full, json_of, platforms, text, two_images};
use crate::support::{Codec, Layout, Sandbox, Style, docker, file, image, sha256};

/// Columns of all layers in all images.
fn column(told: &Value, key: &str) -> Vec<Value> {
    let images = told["images"].as_array().expect("images");
    images
        .iter()
        .flat_map(|image| image["layers"].as_array().expect("layers"))
        .map(|layer| layer[key].clone())
        .collect()
}

#[test]
fn sizes_are_told_as_far_as_they_are_known() {
    for codec in
        [Codec::Plain, Codec::Gzip, Codec::GzipMembers, Codec::Zstd, Codec::ZstdFrames, Codec::Bzip2, Codec::Xz]
    {
        let sandbox = Sandbox::new();
        let layer = file("zeros", &"0".repeat(50_000)).codec(codec);
        let (stored, plain) = (layer.blob().len(), layer.tar.len());
        // The media type lies: what counts are the bytes.
        let lying = layer.media_type("application/vnd.oci.image.layer.v1.tar+gzip");
        let input = sandbox.put_tree("in.tar", &Layout::new().named(&image().layer(lying), "a:1").tree());
        let quick = json_of(&sandbox, &input, &[]);
        let full = json_of(&sandbox, &input, &["--sizes"]);
        let known = if codec == Codec::Plain { json!(plain) } else { Value::Null };
        assert_eq!(column(&quick, "uncompressed_size"), [known], "{codec:?}");
        assert_eq!(column(&full, "uncompressed_size"), [json!(plain)], "{codec:?}");
        assert_eq!(full["images"][0]["uncompressed_size"], plain, "{codec:?}");
        assert_eq!(column(&quick, "size"), [json!(stored)], "{codec:?}");
        assert_eq!(column(&quick, "compression"), [json!(codec.name())], "{codec:?}");
    }
}

#[test]
fn sizes_do_not_depend_on_the_number_of_threads() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &platforms().tree());
    let one = text(&sandbox, &input, &["--sizes", "--threads", "1"]);
    assert_eq!(text(&sandbox, &input, &["--sizes", "--threads", "8"]), one);
}

/// Reading the layers finds out that they are damaged; not reading them does not.
#[test]
fn damage_inside_layers_is_found_when_they_are_read() {
    let sandbox = Sandbox::new();
    let mut blob = file("a", "x").codec(Codec::Gzip).blob();
    let at = blob.len() - 12;
    blob[at] ^= 0xff;
    let tree = docker(&[image().layer(file("a", "x")).tag("a:1")], Style::Plain).replace("0-0.tar", blob);
    let input = sandbox.put_tree("in.tar", &tree);
    json_of(&sandbox, &input, &[]);
    let message = sandbox.command(["inspect", "--sizes", "in.tar"]).fails(3);
    assert!(message.contains("0-0.tar") && message.contains("gzip"), "{message}");
}

#[test]
fn layers_know_who_else_has_them() {
    let sandbox = Sandbox::new();
    let told = json_of(&sandbox, sandbox.put("in.tar", &two_images()), &[]);
    let shared = told["shared_layers"].as_array().expect("shared layers");
    let diff_ids = full().diff_ids();
    assert_eq!(shared.len(), 2);
    for (layer, diff_id) in shared.iter().zip(&diff_ids) {
        assert_eq!((&layer["diff_id"], &layer["images"]), (&json!(diff_id), &json!([1, 2])));
    }
    let text = text(&sandbox, "in.tar", &["--image", "demo/app:1"]);
    assert!(!text.contains("ALSO IN"), "an image that is not told of: {text}");
}

/// Lines of the history that made no layer are passed over; where the rest does not fit, nothing is claimed.
#[test]
fn history_goes_to_the_layers_that_it_made() {
    let base = || image().layer(file("a", "1")).layer(file("b", "2"));
    let line = |text: &str, empty: bool| json!({"created_by": text, "empty_layer": empty});
    let cases = [
        (vec![line("ADD a", false), line("ENV x", true), line("RUN b", false)], vec![json!("ADD a"), json!("RUN b")]),
        (vec![line("ADD a", false)], vec![Value::Null, Value::Null]),
        (vec![], vec![Value::Null, Value::Null]),
    ];
    for (history, want) in cases {
        let sandbox = Sandbox::new();
        let config = json!({
            "os": "linux", "architecture": "amd64", "history": history,
            "rootfs": {"type": "layers", "diff_ids": base().diff_ids()},
        });
        let made = base().raw_config(config.to_string()).tag("a:1");
        let input = sandbox.put_tree("in.tar", &docker(&[made], Style::Classic));
        let told = json_of(&sandbox, &input, &[]);
        assert_eq!(column(&told, "created_by"), want, "{history:?}");
        assert_eq!(told["images"][0]["history"].as_array().map(Vec::len), Some(history.len()));
        let unfit = text(&sandbox, &input, &[]).contains("does not fit");
        assert_eq!(unfit, history.len() == 1, "{history:?}");
    }
}

#[test]
fn what_is_not_there_is_said_to_be_missing() {
    let sandbox = Sandbox::new();
    let mut layout = Layout::new();
    let whole = image().layer(file("a", "1"));
    let part = image().layer(file("b", "2"));
    let (first, second) = (layout.image(&whole), layout.image(&part));
    layout.root(first, json!({"org.opencontainers.image.ref.name": "a:1"}));
    layout.root(second, json!({"org.opencontainers.image.ref.name": "b:1"}));
    let gone = layout.layer(&part.layers[0]);
    layout.forget(&gone);
    let input = sandbox.put_tree("in.tar", &layout.tree());
    let told = json_of(&sandbox, &input, &["--sizes"]);
    assert_eq!(told["images"][0].get("missing"), None);
    let layer = &told["images"][1]["layers"][0];
    assert_eq!((&layer["present"], &layer["size"], layer.get("compression")), (&json!(false), &gone["size"], None));
    let missing = told["images"][1]["missing"][0].as_str().expect("what is missing");
    assert!(missing.contains(gone["digest"].as_str().expect("a digest")), "{missing}");
    assert!(text(&sandbox, &input, &[]).lines().any(|line| line.trim_start().starts_with("missing")));
}

#[test]
fn encrypted_layers_are_told_from_others() {
    let sandbox = Sandbox::new();
    let layer = file("a", "1").media_type("application/vnd.oci.image.layer.v1.tar+gzip+encrypted");
    let input = sandbox.put_tree("in.tar", &Layout::new().named(&image().layer(layer), "a:1").tree());
    assert_eq!(json_of(&sandbox, &input, &["--sizes"])["images"][0]["layers"][0].get("compression"), None);
    assert!(text(&sandbox, &input, &[]).contains("encrypted"));
    let message = sandbox.command(["inspect", "--files", "in.tar"]).fails(4);
    assert!(message.contains("layer 1") && message.contains("encrypted"), "{message}");
}

/// Exact bytes: what `sha256sum` of them says is the ID.
#[test]
fn raw_documents_are_the_bytes_that_digests_are_of() {
    let sandbox = Sandbox::new();
    let tree = platforms().tree();
    let input = sandbox.put_tree("in.tar", &tree);
    let raw = |args: &[&str]| sandbox.command(["inspect"]).arg(&input).args(args).ok().stdout;
    let told = json_of(&sandbox, &input, &[]);
    assert_eq!(raw(&["--raw", "index"]), tree.file("index.json"));
    for (number, platform) in ["linux/amd64", "linux/arm64"].into_iter().enumerate() {
        let image = &told["images"][number];
        let of = |what| sha256(&raw(&["--raw", what, "--platform", platform]));
        assert_eq!(image["image_id"], of("config"), "{platform}");
        assert_eq!(image["manifest_digest"], of("manifest"), "{platform}");
    }
    // Choosing shows less, but nothing that is not there.
    for args in [&["--image", "demo/multi:1"][..], &["--platform", "linux/arm64"]] {
        let index = sha256(&raw(&[&["--raw", "index"], args].concat()));
        assert_eq!(told["images"][0]["index_digest"], index, "{args:?}");
        assert_eq!(json_of(&sandbox, &input, args)["images"][0]["index_digest"], index, "{args:?}");
    }
    let companion = told["images"][0]["companions"][0]["digest"].as_str().expect("a digest");
    assert_eq!(companion, sha256(&raw(&["--raw", "manifest", "--image", companion])));

    let tree = docker(&[full().tag("a:1"), full().layer(file("c", "3")).tag("b:1")], Style::Skopeo);
    let input = sandbox.put_tree("docker.tar", &tree);
    let raw = |args: &[&str]| sandbox.command(["inspect"]).arg(&input).args(args).ok().stdout;
    assert_eq!(raw(&["--raw", "manifest"]), tree.file("manifest.json"));
    assert_eq!(raw(&["--raw", "config", "--image", "a:1"]), full().config_bytes());
}

#[test]
fn a_raw_document_that_is_not_there_or_not_the_only_one_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.put("docker.tar", &two_images());
    sandbox.put_tree("legacy.tar", &docker(&[full().tag("a:1")], Style::Legacy));
    for (input, args, word) in [
        ("docker.tar", &["--raw", "index"][..], "no index"),
        ("docker.tar", &["--raw", "config"], "2 images"),
        ("legacy.tar", &["--raw", "config"], "no config"),
        ("docker.tar", &["--raw", "config", "--image", "nope:1"], "nope:1"),
    ] {
        let message = sandbox.command(["inspect", input]).args(args).fails(4);
        assert!(message.contains(word), "{args:?}: {message}");
    }
}
