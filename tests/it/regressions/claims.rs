//! What a source says about a blob is held against its bytes, whoever else names the blob.

use serde_json::{Value, json};

use super::{LIE, converted, layer, name, refused, unresolved};
use crate::support::codec::{hex_of, sha512};
use crate::support::layout::{MANIFEST, blob_path, with};
use crate::support::{Codec, Image, Kind, Layout, Tree, found, image, sha256};

const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const FOREIGN: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";

/// An image and an artifact that name one layer, in either order in `index.json`.
fn shared_with_artifact(app: &Image, artifact_first: bool, layer: Option<&Value>) -> Tree {
    let mut layout = Layout::new();
    let mut manifest = layout.manifest_of(app);
    if let Some(layer) = layer {
        manifest["layers"] = json!([layer]);
    }
    let config = layout.put("application/vnd.oci.empty.v1+json", "{}");
    let artifact = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.example.thing",
        "config": config, "layers": manifest["layers"],
    });
    let mut roots = [(layout.manifest(&manifest), "docker.io/d/app:1"), (layout.manifest(&artifact), "d/thing:1")];
    if artifact_first {
        roots.reverse();
    }
    for (root, text) in roots {
        layout.root(root, name(text));
    }
    layout.tree()
}

#[test]
fn a_layer_that_an_artifact_names_too_is_held_against_its_diff_id() {
    let honest = image().layer(layer("a"));
    let lying = honest.clone().raw_config(image().layer(layer("b")).config_bytes());
    for artifact_first in [true, false] {
        let tree = shared_with_artifact(&lying, artifact_first, None);
        for (to, args) in
            [("docker-archive", &[][..]), ("hybrid-archive", &[]), ("oci-archive", &["--compression", "zstd"])]
        {
            refused(&tree, to, args, 3);
        }
    }
}

/// The artifact changes nothing about what becomes of the image.
#[test]
fn a_layer_that_an_artifact_names_too_becomes_a_docker_layer() {
    let app = image().layer(layer("a"));
    let alone = converted(&Layout::new().named(&app, "docker.io/d/app:1").tree(), "docker-archive", &[]);
    for artifact_first in [true, false] {
        let tree = shared_with_artifact(&app, artifact_first, None);
        assert_eq!(converted(&tree, "docker-archive", &[]), alone);
        converted(&tree, "hybrid-archive", &[]);
        assert_eq!(unresolved(&converted(&tree, "oci-archive", &["--compression", "zstd"])), [""; 0]);
    }
    let layer = hex_of(&app.diff_ids()[0]).to_owned() + ".tar";
    assert_eq!(sha256(alone.file(&layer)), app.diff_ids()[0], "the layer is plain");
    assert!(alone.names().iter().any(|name| name.ends_with("/VERSION")), "{:?}", alone.names());
}

#[test]
fn layers_named_by_sha512_are_recomputed_for_docker() {
    let app = image().layer(layer("a"));
    let blob = app.layers[0].blob();
    let wide = json!({"mediaType": GZIP, "digest": sha512(&blob), "size": blob.len()});
    let mixed =
        |first| shared_with_artifact(&app, first, Some(&wide)).with_file(blob_path(&sha512(&blob)), blob.clone());
    let all = Layout::new().with_sha512().named(&app, "docker.io/d/app:1").tree();
    for tree in [all, mixed(true), mixed(false)] {
        for args in [&[][..], &["--recompute"]] {
            let out = converted(&tree, "docker-archive", args);
            let images = found::docker_view(&out).expect("a manifest.json").images;
            assert_eq!(images.iter().map(|image| image.diff_ids()).collect::<Vec<_>>(), [app.diff_ids()], "{args:?}");
            converted(&out, "oci-archive", &[]);
        }
    }
}

/// Two digests cannot both be right about one stream of bytes, even when a link makes it one member.
#[test]
fn a_linked_blob_is_held_against_every_digest_that_names_it() {
    let (good, bad) = (image().layer(layer("a")), image().platform("linux/arm64").layer(layer("a")));
    let good_name = "docker.io/d/good:1";
    for linked_first in [false, true] {
        let mut layout = Layout::new();
        let manifest = layout.manifest_of(&bad);
        let real = manifest["layers"][0]["digest"].as_str().expect("a digest").to_owned();
        let layers = json!([with(manifest["layers"][0].clone(), "digest", LIE.into())]);
        let lying = layout.manifest(&with(manifest, "layers", layers));
        let mut roots = [(layout.image(&good), good_name), (lying, "docker.io/d/bad:1")];
        if linked_first {
            roots.reverse();
        }
        for (root, text) in roots {
            layout.root(root, name(text));
        }
        let tree = layout.tree().with(blob_path(LIE), Kind::Symlink(hex_of(&real).to_owned()));
        for to in ["docker-archive", "oci-archive", "oci-dir", "hybrid-archive"] {
            for args in [&[][..], &["--image", "d/bad:1"], &["--image", "@0", "--image", "@1"]] {
                refused(&tree, to, args, 3);
            }
            converted(&tree, to, &["--image", good_name]);
        }
    }
}

/// An image whose first layer is foreign, with or without its bytes, and its descriptor.
fn foreign(wrong: bool, present: bool) -> (Image, Tree) {
    let app = image().layer(layer("foreign").media_type(FOREIGN)).layer(layer("own"));
    let told = if wrong { image().layer(layer("foreign")).layer(layer("other")) } else { app.clone() };
    let mut layout = Layout::new();
    let mut manifest = layout.manifest_of(&app.clone().raw_config(told.config_bytes()));
    manifest["layers"][0]["urls"] = json!(["https://layers.example/a"]);
    if !present {
        layout.forget(&manifest["layers"][0]);
    }
    let root = layout.manifest(&manifest);
    layout.root(root, name("docker.io/d/app:1"));
    (app, layout.tree())
}

#[test]
fn diff_ids_beside_an_absent_foreign_layer_are_put_right() {
    let (app, tree) = foreign(true, false);
    refused(&tree, "oci-archive", &[], 3);
    let out = converted(&tree, "oci-archive", &["--recompute"]);
    let manifest = out.json(&blob_path(out.json("index.json")["manifests"][0]["digest"].as_str().expect("a digest")));
    let config = out.json(&blob_path(manifest["config"]["digest"].as_str().expect("a digest")));
    assert_eq!(config["rootfs"]["diff_ids"], json!(app.diff_ids()));
    converted(&out, "oci-archive", &[]);
}

#[test]
fn a_foreign_layer_that_is_stored_anew_stays_foreign_and_has_no_urls() {
    let (_, tree) = foreign(false, true);
    for (asked, ending) in [("keep", "+gzip"), ("zstd", "+zstd"), ("none", "")] {
        let out = converted(&tree, "oci-archive", &["--compression", asked]);
        let root = out.json("index.json")["manifests"][0]["digest"].clone();
        let descriptor = out.json(&blob_path(root.as_str().expect("a digest")))["layers"][0].clone();
        let base = FOREIGN.strip_suffix("+gzip").expect("a gzip type");
        assert_eq!(descriptor["mediaType"], format!("{base}{ending}"), "{asked}");
        assert_eq!(descriptor["urls"].is_array(), asked == "keep", "{asked}: {descriptor}");
        let stored = out.file(&blob_path(descriptor["digest"].as_str().expect("a digest")));
        assert_eq!(format!("+{}", Codec::sniff(stored).name()).replace("+none", ""), ending, "{asked}");
    }
}
