//! There and back again: the same image IDs, configs and layers, and the same bytes where they are promised.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::found::{self, Found, View};
use crate::support::image::noise;
use crate::support::layout::REF_NAME;
use crate::support::shared::testdata;
use crate::support::tally::{self, tally};
use crate::support::{Codec, Image, Layout, Sandbox, Style, Tree, docker, file, image};

/// Converts along `steps` and returns the last output.
#[track_caller]
fn chain(sandbox: &Sandbox, input: &Path, steps: &[&str]) -> PathBuf {
    let mut current = input.to_owned();
    for (number, to) in steps.iter().enumerate() {
        let next = sandbox.path(&format!("{number} of {}", steps.join(", ")));
        sandbox.convert(to, &current, &next).ok();
        found::output(&next, to);
        current = next;
    }
    current
}

fn images() -> Vec<Image> {
    let shared = file("etc/a", "shared <by> both & more");
    vec![
        image().layer(shared.clone()).layer(noise(1, 3000)).layer(shared.clone()).tag("docker.io/demo/app:1"),
        image().layer(shared).layer(file("b", "only here")).tag("localhost/other:latest"),
    ]
}

/// The ways from a docker-archive back to one.
const DOCKER_WAYS: [&[&str]; 6] = [
    &["oci-archive", "docker-archive"],
    &["oci-dir", "docker-archive"],
    &["hybrid-archive", "docker-archive"],
    &["docker-dir", "docker-archive"],
    &["oci-archive", "hybrid-archive", "oci-dir", "docker-dir", "docker-archive"],
    &["docker-dir", "oci-dir", "oci-archive", "docker-archive"],
];

#[test]
fn docker_archives_come_back_with_the_same_bytes() {
    for style in [Style::Classic, Style::Skopeo, Style::Hybrid, Style::Plain] {
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &docker(&images(), style));
        let direct = fs::read(chain(&sandbox, &input, &["docker-archive"])).expect("an output");
        for way in DOCKER_WAYS {
            let back = fs::read(chain(&sandbox, &input, way)).expect("an output");
            assert!(back == direct, "{style:?} along {way:?} gives other bytes");
        }
    }
}

/// skopeo and podman write the same bytes for the same image and name, and so do we.
#[test]
fn an_archive_of_podman_comes_back_as_podman_wrote_it() {
    let input = testdata("podman-4.3-docker-archive.tar");
    let original = fs::read(&input).expect("test data");
    let sandbox = Sandbox::new();
    for way in DOCKER_WAYS.into_iter().chain([["docker-archive"].as_slice()]) {
        let back = fs::read(chain(&sandbox, &input, way)).expect("an output");
        assert!(back == original, "along {way:?} gives other bytes than podman's");
    }
}

/// What must be equal after a way from OCI to OCI: the images as found, in any order, without their names.
fn documents(view: &View) -> Vec<Found> {
    let mut images: Vec<Found> = view.images.iter().map(|image| Found { names: Vec::new(), ..image.clone() }).collect();
    images.sort_by_key(|image| image.manifest_digest.clone());
    images
}

fn oci_inputs() -> Vec<(&'static str, Tree)> {
    let [first, second] = images().try_into().expect("two images");
    let zstd = first.clone().codec(Codec::Zstd);
    let arm = image().platform("linux/arm64/v8").layer(noise(4, 100)).codec(Codec::Gzip);
    let rich = {
        let mut layout = Layout::new();
        let mut manifest = layout.manifest_of(&second.clone().codec(Codec::GzipMembers));
        manifest["annotations"] = json!({"org.example": "<kept>"});
        manifest["x-unknown"] = json!([1.50, {"b": 1, "a": 2}]);
        let inner = layout.manifest(&manifest);
        let other = layout.image(&arm);
        let inner = crate::support::layout::with(inner, "platform", json!({"os": "linux", "architecture": "amd64"}));
        let other = crate::support::layout::with(other, "platform", arm.platform_value());
        let statement = layout.attestation(&inner);
        let index = layout.index(&[inner, other, statement]);
        let referrer = layout.referrer(&index);
        layout.root(index, json!({REF_NAME: "docker.io/demo/rich:1", "org.example": "root"}));
        layout.root(referrer, serde_json::Value::Null);
        layout.tree()
    };
    vec![
        ("plain layers", Layout::new().named(&first, "docker.io/demo/app:1").tree()),
        ("gzip layers", Layout::new().named(&second.clone().codec(Codec::Gzip), "v1").tree()),
        ("two images", Layout::new().named(&first, "a:1").named(&second, "b:2").tree()),
        ("zstd layers", Layout::new().named(&zstd, "docker.io/demo/app:1").tree()),
        ("Docker types", Layout::new().with_docker_types().named(&second.codec(Codec::Gzip), "v1").tree()),
        ("sha512", Layout::new().with_sha512().named(&first, "v1").tree()),
        ("an index with everything", rich),
    ]
}

#[test]
fn oci_to_oci_changes_no_document() {
    for (what, tree) in oci_inputs() {
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &tree);
        let before = found::oci_view(&tree).expect("a layout");
        for way in [["oci-archive"].as_slice(), &["oci-dir"], &["oci-dir", "oci-archive"]] {
            let output = Tree::read(&chain(&sandbox, &input, way));
            assert!(output.file("index.json") == tree.file("index.json"), "{what} along {way:?}: index.json");
            let after = found::oci_view(&output).expect("a layout");
            assert_eq!(documents(&after), documents(&before), "{what} along {way:?}");
            assert_eq!(after.artifacts, before.artifacts, "{what} along {way:?}");
        }
    }
}

#[test]
fn hybrids_keep_the_oci_documents() {
    for (what, tree) in oci_inputs() {
        if what == "zstd layers" {
            continue; // What docker cannot load is recompressed for it.
        }
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &tree);
        let before = found::oci_view(&tree).expect("a layout");
        let after = found::output(&chain(&sandbox, &input, &["hybrid-archive", "oci-archive"]), "oci-archive");
        assert_eq!(documents(&after), documents(&before), "{what}");
        assert_eq!(after.artifacts, before.artifacts, "{what}");
    }
}

/// Names of docker's kind survive every way; configs are never written anew.
#[test]
fn oci_through_docker_keeps_ids_and_full_names() {
    let [first, second] = images().try_into().expect("two images");
    let tree = Layout::new()
        .named(&first.clone().codec(Codec::Gzip), "docker.io/demo/app:1")
        .named(&second.clone().codec(Codec::Zstd), "localhost/other:latest")
        .tree();
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &tree);
    for way in [["docker-archive", "oci-archive"], ["docker-dir", "oci-archive"], ["hybrid-archive", "oci-archive"]] {
        let after = found::output(&chain(&sandbox, &input, &way), "oci-archive");
        let mut rows: Vec<_> = after.images.iter().map(|i| (i.names.clone(), i.config.clone(), i.diff_ids())).collect();
        rows.sort();
        let expected = [&first, &second].map(|i| (i.names.clone(), i.config_bytes(), i.diff_ids()));
        assert_eq!(rows, expected, "along {way:?}");
    }
}

struct Archive(&'static str);

impl tally::Row for Archive {
    fn group(&self) -> String {
        self.0.split('-').next().expect("a split has a part").into()
    }
    fn name(&self) -> String {
        self.0.into()
    }
}

#[test]
fn archives_of_real_tools_keep_their_ids_on_every_way() {
    let archives = [
        "docker-20.10-save.tar",
        "docker-20.10-two-images.tar",
        "podman-4.3-docker-archive.tar",
        "podman-4.3-oci-archive.tar",
        "skopeo-1.9-oci-bare-tag.tar",
        "buildah-1.28-oci-zstd.tar",
        "umoci-0.4-oci-two-tags.tar",
    ];
    tally("test data", &archives.map(Archive), |Archive(name)| {
        let input = testdata(name);
        let tree = Tree::read(&input);
        let view = found::docker_view(&tree).or_else(|| found::oci_view(&tree)).expect("an archive of images");
        let facts = |view: &View| {
            let mut rows: Vec<_> = view.images.iter().map(|image| (image.id(), image.diff_ids())).collect();
            rows.sort();
            rows
        };
        let sandbox = Sandbox::new();
        for way in DOCKER_WAYS {
            let back = found::output(&chain(&sandbox, &input, way), "docker-archive");
            assert_eq!(facts(&back), facts(&view), "along {way:?}");
        }
    });
}
