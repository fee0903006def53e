//! What `--json` says, and what is said of losses.

use std::fs;

use serde_json::{Value, json};

use super::{docker_tree, oci_tree, one};
use crate::support::layout::{REF_NAME, with};
use crate::support::{Codec, Layout, Sandbox, Style, Tree, docker, file, found, image};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn the_report_has_a_schema() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    for to in ["oci-archive", "docker-archive", "hybrid-archive", "oci-dir", "docker-dir"] {
        let out = sandbox.path(to);
        let run = sandbox.convert(to, &input, &out).args(["--json"]).ok();
        let report = run.json();
        assert_eq!(report["schema"], 1);
        let expected = [
            "schema",
            "input",
            "output",
            "images",
            "losses",
            "warnings",
            "changes",
            "bytes_read",
            "bytes_written",
            "seconds",
        ];
        assert_eq!(keys(&report), expected, "{to}");
        assert_eq!(report["input"]["path"], input.to_str().expect("UTF-8"));
        assert_eq!(report["input"]["format"], "docker-archive");
        assert_eq!(report["output"]["path"], out.to_str().expect("UTF-8"));
        assert_eq!(report["output"]["format"], to);
        for list in ["losses", "warnings", "changes"] {
            assert_eq!(report[list], json!([]), "{to}");
        }
        assert!(report["bytes_read"].as_u64().expect("a number") > 0);
        assert!(report["seconds"].as_f64().expect("a number") >= 0.0);
        let size = if out.is_dir() {
            let files = Tree::read(&out).members;
            files.iter().map(|member| if let crate::support::Kind::File(b) = &member.kind { b.len() } else { 0 }).sum()
        } else {
            fs::metadata(&out).expect("an output").len() as usize
        };
        assert_eq!(report["output"]["bytes"], size, "{to}");

        let view = found::output(&out, to);
        let image = &report["images"][0];
        assert_eq!(report["images"].as_array().map(Vec::len), Some(1));
        assert_eq!(image["names"], json!(["docker.io/library/app:1"]));
        assert_eq!(image["platform"], "linux/amd64");
        assert_eq!(image["image_id"], one().id());
        assert_eq!(image["manifest_digest"].as_str(), view.images[0].manifest_digest.as_deref(), "{to}");
        let layers = image["layers"].as_array().expect("layers");
        assert_eq!(layers.len(), 2);
        for (layer, found) in layers.iter().zip(&view.images[0].layers) {
            assert_eq!(keys(layer), ["digest", "diff_id", "size", "compression", "action", "reason"]);
            assert_eq!(layer["digest"], found.digest.as_str());
            assert_eq!(layer["diff_id"], found.diff_id.as_str());
            assert_eq!(layer["size"], found.size);
        }
        assert_eq!(run.stdout.last(), Some(&b'\n'));
    }
}

#[test]
fn a_failure_leaves_stdout_empty() {
    let sandbox = Sandbox::new();
    let input = sandbox.put("in.tar", &docker_tree().tar()[..3000]);
    let run = sandbox.convert("oci-archive", input, sandbox.path("out")).args(["--json"]).run();
    assert_eq!(run.code, 3);
    assert!(run.stdout.is_empty(), "{}", String::from_utf8_lossy(&run.stdout));
    run.error();
}

fn rich() -> Tree {
    let mut layout = Layout::new();
    let mut manifest = layout.manifest_of(&one());
    manifest["annotations"] = json!({"org.example.note": "kept in OCI only"});
    let child = with(layout.manifest(&manifest), "platform", one().platform_value());
    let statement = layout.attestation(&child);
    let index = layout.index(&[child, statement]);
    layout.root(index, json!({REF_NAME: "docker.io/library/app:1"}));
    layout.tree()
}

#[test]
fn losses_are_told_and_strict_refuses_them() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &rich());
    let run = sandbox.convert("docker-archive", &input, sandbox.path("out")).args(["--json"]).ok();
    let losses = run.json()["losses"].as_array().expect("losses").clone();
    let told = |word: &str| losses.iter().any(|loss| loss.as_str().is_some_and(|loss| loss.contains(word)));
    assert!(told("annotation"), "{losses:?}");
    assert!(told("attestation") || told("not an image"), "{losses:?}");
    let lines = run.stderr.lines().filter(|line| line.starts_with("loss: ")).count();
    assert_eq!(lines, losses.len(), "{run}");

    for to in ["docker-archive", "docker-dir"] {
        let message = sandbox.convert(to, &input, sandbox.path("strict")).args(["--strict"]).fails(4);
        assert!(message.contains("annotation") || message.contains("lost") || message.contains("loss"), "{message}");
        sandbox.assert_holds(&["in.tar", "out"]);
    }
    for to in ["oci-archive", "oci-dir"] {
        let run = sandbox.convert(to, &input, sandbox.path(to)).args(["--strict", "--json"]).ok();
        assert_eq!(run.json()["losses"], json!([]), "{to}");
    }
    let plain = sandbox.put_tree("plain.tar", &oci_tree());
    sandbox.convert("docker-archive", plain, sandbox.path("plain")).args(["--strict"]).ok();
}

/// A wrong claim is refused, and corrected on request; what was corrected is told.
#[test]
fn recompute_corrects_claims_and_tells_what_it_changed() {
    let zeros = format!("sha256:{}", "0".repeat(64));
    let lying = |edit: &dyn Fn(&mut Value)| {
        let mut config: Value = serde_json::from_slice(&one().config_bytes()).expect("a config");
        edit(&mut config);
        image()
            .layer(one().layers[0].clone())
            .layer(one().layers[1].clone())
            .tag("app:1")
            .raw_config(config.to_string())
    };
    let cases = [
        ("a wrong diff_id", lying(&|config| config["rootfs"]["diff_ids"][1] = zeros.as_str().into())),
        ("a diff_id too few", lying(&|config| drop(config["rootfs"]["diff_ids"].as_array_mut().map(Vec::pop)))),
        ("no rootfs", lying(&|config| drop(config.as_object_mut().map(|map| map.shift_remove("rootfs"))))),
    ];
    for (what, image) in cases {
        for tree in [docker(std::slice::from_ref(&image), Style::Plain), Layout::new().named(&image, "app:1").tree()] {
            for to in ["docker-archive", "oci-archive", "hybrid-archive"] {
                let sandbox = Sandbox::new();
                let input = sandbox.put_tree("in.tar", &tree);
                let out = sandbox.path("out");
                if !(to == "oci-archive" && what == "no rootfs") {
                    let run = sandbox.convert(to, &input, &out).run();
                    assert_eq!(run.code, 3, "{what} to {to}: {run}");
                    sandbox.assert_holds(&["in.tar"]);
                }
                let run = sandbox.convert(to, &input, &out).args(["--recompute", "--json", "--force"]).ok();
                let view = found::output(&out, to);
                assert_eq!(view.images[0].diff_ids(), one().diff_ids(), "{what} to {to}");
                let changes = run.json()["changes"].as_array().expect("changes").len();
                assert!(changes > 0, "{what} to {to}: nothing told");
                let config: Value = serde_json::from_slice(&view.images[0].config).expect("a config");
                assert_eq!(config["config"]["Healthcheck"], json!({"Test": ["CMD", "/x"]}), "the rest is kept");
            }
        }
    }
}

#[test]
fn recompute_corrects_digests_and_sizes_of_descriptors() {
    let zstd = one().codec(Codec::Zstd);
    let mut layout = Layout::new();
    let mut manifest = layout.manifest_of(&zstd);
    manifest["layers"][0]["size"] = json!(7);
    manifest["config"]["size"] = json!(8);
    let descriptor = layout.manifest(&manifest);
    layout.root(descriptor, json!({REF_NAME: "v1"}));
    let wrong_size = layout.tree();
    let right = Layout::new().named(&zstd, "v1").tree();
    let digest = crate::support::sha256(&zstd.layers[1].blob());
    let wrong_bytes = right.clone().replace(&crate::support::layout::blob_path(&digest), file("z", "other").blob());
    for (what, tree) in [("sizes", wrong_size), ("bytes", wrong_bytes)] {
        for to in ["oci-archive", "docker-archive"] {
            let sandbox = Sandbox::new();
            let input = sandbox.put_tree("in.tar", &tree);
            let out = sandbox.path("out");
            sandbox.convert(to, &input, &out).fails(3);
            let run = sandbox.convert(to, &input, &out).args(["--recompute", "--json"]).ok();
            found::output(&out, to);
            assert!(!run.json()["changes"].as_array().expect("changes").is_empty(), "{what} to {to}");
        }
    }
}

#[test]
fn what_happens_to_a_layer_has_a_reason() {
    let plain = image().layer(file("a", "one")).tag("app:1");
    let gzip = image().layer(file("a", "one").codec(Codec::Gzip)).tag("app:1");
    for (image, to, args, action, reason) in [
        (&plain, "oci-archive", &[][..], "compress", "plain layer, oci-archive wants gzip"),
        (&plain, "oci-archive", &["--compression", "none"], "copy", "already plain"),
        (&plain, "docker-archive", &[], "copy", "already plain"),
        (&gzip, "docker-archive", &[], "decompress", "gzip layer, docker-archive wants plain"),
        (&gzip, "docker-archive", &["--compression", "keep"], "copy", "keep was asked for"),
        (&gzip, "hybrid-archive", &["--compression", "zstd"], "recompress", "gzip layer, zstd was asked for"),
    ] {
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &docker(std::slice::from_ref(image), Style::Plain));
        let call = || sandbox.convert(to, &input, sandbox.path("out")).args(args);
        let told = |args: &[&str]| String::from_utf8(call().args(args).ok().stdout).expect("a plan is text");
        assert!(!told(&["--dry-run"]).contains(reason));
        let plan = told(&["--dry-run", "-v"]);
        assert!(plan.contains(action) && plan.contains(&format!("({reason})")), "{plan}");
        let run = call().args(["-v"]).ok();
        let line = run.stderr.lines().next().expect("a line").to_owned();
        assert!(line.starts_with(&format!("{action}: 0-0.tar (")) && line.ends_with(&format!("): {reason}")), "{run}");
        let layer = call().args(["--force", "--json"]).ok().json()["images"][0]["layers"][0].clone();
        assert_eq!((&layer["action"], &layer["reason"]), (&action.into(), &reason.into()));
    }
}

/// Nothing is recomputed that is right already.
#[test]
fn recompute_changes_nothing_that_holds() {
    let sandbox = Sandbox::new();
    for (name, tree) in [("docker.tar", docker_tree()), ("oci.tar", oci_tree())] {
        let input = sandbox.put_tree(name, &tree);
        for to in ["docker-archive", "oci-archive", "hybrid-archive"] {
            let (plain, recomputed) = (sandbox.path("plain"), sandbox.path("recomputed"));
            sandbox.convert(to, &input, &plain).args(["--force"]).ok();
            let run = sandbox.convert(to, &input, &recomputed).args(["--force", "--recompute", "--json"]).ok();
            assert_eq!(run.json()["changes"], json!([]), "{name} to {to}");
            // Blobs whose digest is not believed are written in the order in which they are measured.
            let members = |path: &std::path::Path| {
                let mut members = Tree::read(path).members;
                members.sort_by(|a, b| a.name.cmp(&b.name));
                members
            };
            assert!(members(&plain) == members(&recomputed), "{name} to {to}: other members");
        }
    }
}
