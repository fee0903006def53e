//! The same image is the same in every format, however its layers are compressed.

use serde_json::json;

use super::{compare, diff, text};
use crate::support::layout::REF_NAME;
use crate::support::shared::testdata;
use crate::support::{Codec, Image, Layout, Sandbox, Style, docker, file, image};

const FORMATS: [&str; 5] = ["docker-archive", "docker-dir", "oci-archive", "oci-dir", "hybrid-archive"];

fn app() -> Image {
    image().layer(file("a", "one")).layer(file("b", "two")).tag("app:1").tag("app:2")
}

fn child() -> Image {
    image().layer(file("a", "one")).layer(file("b", "two")).layer(file("c", "three")).tag("child:1")
}

#[test]
fn a_converted_image_is_the_same_image() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker(&[app(), child()], Style::Classic));
    for (from, compression) in [("docker-archive", "none"), ("oci-archive", "gzip"), ("oci-archive", "zstd")] {
        let there = sandbox.path(&format!("there-{from}-{compression}"));
        sandbox.convert(from, &input, &there).args(["--compression", compression]).ok();
        for to in FORMATS {
            let back = sandbox.path(&format!("back-{from}-{compression}-{to}"));
            sandbox.convert(to, &there, &back).ok();
            for (a, b) in [(&input, &back), (&back, &there)] {
                let run = diff(&sandbox, a, b, &[]);
                assert_eq!(run.code, 0, "{from} {compression} {to}: {}", text(&run));
                assert!(text(&run).ends_with("2 images: 2 the same, 0 different\n"), "{}", text(&run));
            }
        }
    }
}

#[test]
fn archives_of_many_producers_are_the_same_after_a_conversion() {
    for name in [
        "docker-20.10-save.tar",
        "docker-20.10-two-images.tar",
        "podman-4.3-docker-archive.tar",
        "podman-4.3-oci-archive.tar",
        "skopeo-1.9-oci-bare-tag.tar",
        "buildah-1.28-oci-zstd.tar",
        "umoci-0.4-oci-two-tags.tar",
        "legacy-repositories.tar",
    ] {
        let sandbox = Sandbox::new();
        for to in ["docker-archive", "oci-archive", "hybrid-archive"] {
            sandbox.convert(to, testdata(name), "out.tar").arg("--force").ok();
            // A docker-archive has no place for a tag without a repository.
            let bare =
                matches!((name, to), ("skopeo-1.9-oci-bare-tag.tar" | "umoci-0.4-oci-two-tags.tar", "docker-archive"));
            let run = diff(&sandbox, testdata(name), "out.tar", if bare { &["--ignore", "names"] } else { &[] });
            assert_eq!(run.code, 0, "{name} {to}: {}", text(&run));
            assert_eq!(diff(&sandbox, testdata(name), testdata(name), &["--quiet"]).code, 0);
        }
    }
}

#[test]
fn the_answer_says_what_was_compared() {
    let sandbox = Sandbox::new();
    let app = app();
    sandbox.put_tree("a.tar", &docker(std::slice::from_ref(&app), Style::Plain));
    sandbox.put_tree("b.tar", &Layout::new().named(&app.clone().codec(Codec::Gzip), "app:1").tree());
    let run = diff(&sandbox, "a.tar", "b.tar", &["--ignore", "names"]);
    let names =
        "docker.io/library/app:1, docker.io/library/app:2 (linux/amd64) and docker.io/library/app:1 (linux/amd64)";
    assert_eq!(text(&run), format!("same image: {names}, image ID {}\n", app.id()));
    let json = diff(&sandbox, "a.tar", "b.tar", &["--json", "--ignore", "names"]).json();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["same"], true);
    assert_eq!(json["paths"], json!({"a": "a.tar", "b": "b.tar"}));
    assert_eq!(json["formats"], json!({"a": "docker-archive", "b": "oci-archive"}));
    assert_eq!(json["images"][0]["a"]["image_id"], app.id());
    assert!(
        json["images"][0]["a"]["manifest_digest"].is_null() && json["images"][0]["b"]["manifest_digest"].is_string()
    );
    for nothing in ["layers", "config", "names", "files", "notes"] {
        assert!(json["images"][0].get(nothing).is_none(), "{nothing}: {json}");
    }
}

#[test]
fn quiet_says_it_with_the_code_alone() {
    let other = app().layer(file("c", ""));
    for (b, code) in [(app(), 0), (other, 1)] {
        let run = compare(&app(), &b, &["--quiet"]);
        assert_eq!((run.code, text(&run).as_str()), (code, ""));
    }
}

#[test]
fn annotations_count_where_both_formats_have_them() {
    let annotated = |value: Option<&str>| {
        let mut layout = Layout::new();
        let mut manifest = layout.manifest_of(&app());
        if let Some(value) = value {
            manifest["annotations"] = json!({"org.example.a": value, "same": "x"});
        }
        let manifest = layout.manifest(&manifest);
        layout.root(manifest, json!({REF_NAME: "app:1", "com.example.root": "r"}));
        layout.tree()
    };
    let sandbox = Sandbox::new();
    sandbox.put_tree("one.tar", &annotated(Some("1")));
    sandbox.put_tree("two.tar", &annotated(Some("2")));
    sandbox.put_tree("none.tar", &annotated(None));
    sandbox.put_tree("docker.tar", &docker(&[app()], Style::Plain));
    let told = |a: &str, b: &str, args: &[&str]| {
        let run = diff(&sandbox, a, b, &[args, &["--ignore", "names"]].concat());
        (run.code, super::lines(&run))
    };
    assert_eq!(told("one.tar", "one.tar", &[]), (0, vec![]));
    let line = r#"annotation: manifest["org.example.a"]: "1" → "2""#.to_owned();
    assert_eq!(told("one.tar", "two.tar", &[]), (1, vec![line]));
    assert_eq!(told("one.tar", "two.tar", &["--ignore", "annotations"]), (0, vec![]));
    assert_eq!(told("none.tar", "two.tar", &[]).1.len(), 2);
    // What the format cannot hold cannot differ.
    let note = "note: A has 3 annotations; the format of B holds none".to_owned();
    assert_eq!(told("one.tar", "docker.tar", &[]), (0, vec![note]));
    let note = "note: B has 1 annotation; the format of A holds none".to_owned();
    assert_eq!(told("docker.tar", "none.tar", &[]), (0, vec![note]));
}
