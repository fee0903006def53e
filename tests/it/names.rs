//! How names are carried over: docker's short forms, podman's full ones, containerd's annotation, bare tags.

use serde_json::{Value, json};

use crate::support::found;
use crate::support::layout::{IMAGE_NAME, REF_NAME};
use crate::support::{Codec, Image, Layout, Run, Sandbox, Style, Tree, docker, file, image};

const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

fn one() -> Image {
    image().layer(file("a", "x"))
}

fn tagged(names: &[&str]) -> Tree {
    docker(&[names.iter().fold(one(), |image, name| image.tag(name))], Style::Classic)
}

fn annotated(annotations: Value) -> Tree {
    let mut layout = Layout::new();
    let descriptor = layout.image(&one());
    layout.root(descriptor, annotations);
    layout.tree()
}

#[track_caller]
fn convert(sandbox: &Sandbox, tree: &Tree, to: &str, args: &[&str]) -> Run {
    let input = sandbox.put_tree("in.tar", tree);
    sandbox.convert(to, input, sandbox.path("out")).args(args).args(["--force"]).ok()
}

/// The `RepoTags` of the only image.
fn repo_tags(sandbox: &Sandbox) -> Vec<String> {
    let view = found::output(&sandbox.path("out"), "docker-archive");
    assert_eq!(view.images.len(), 1);
    view.images[0].names.clone()
}

#[test]
fn repo_tags_become_full_names_in_both_annotations() {
    for (name, expected) in [
        ("busybox:1", "docker.io/library/busybox:1"),
        ("docker.io/library/busybox:1", "docker.io/library/busybox:1"),
        ("docker.io/busybox:1", "docker.io/library/busybox:1"),
        ("index.docker.io/library/busybox:1", "docker.io/library/busybox:1"),
        ("a/b:1", "docker.io/a/b:1"),
        ("localhost/foo:bar", "localhost/foo:bar"),
        ("localhost:5000/foo:bar", "localhost:5000/foo:bar"),
        ("reg:5000/x:y", "reg:5000/x:y"),
        ("quay.io/a/b/c:V_1.2-x", "quay.io/a/b/c:V_1.2-x"),
        ("a/b", "docker.io/a/b:latest"),
        ("reg:5000/x", "reg:5000/x:latest"),
        (&format!("a/b:t@{DIGEST}"), "docker.io/a/b:t"),
    ] {
        let sandbox = Sandbox::new();
        convert(&sandbox, &tagged(&[name]), "oci-archive", &[]);
        let index = Tree::read(&sandbox.path("out")).json("index.json");
        let descriptors = index["manifests"].as_array().expect("descriptors");
        assert_eq!(descriptors.len(), 1, "{name}");
        let expected_annotations = json!({IMAGE_NAME: expected, REF_NAME: expected});
        assert_eq!(descriptors[0]["annotations"], expected_annotations, "{name}");
        assert_eq!(descriptors[0]["platform"], json!({"architecture": "amd64", "os": "linux"}), "{name}");

        convert(&sandbox, &tagged(&[name]), "docker-archive", &[]);
        assert_eq!(repo_tags(&sandbox), [expected], "{name}");
    }
}

#[test]
fn digests_are_no_names() {
    for name in [format!("a/b@{DIGEST}"), "ubuntu:i-was-a-digest".into()] {
        let sandbox = Sandbox::new();
        convert(&sandbox, &tagged(&[&name]), "oci-archive", &[]);
        let index = Tree::read(&sandbox.path("out")).json("index.json");
        assert_eq!(index["manifests"][0]["annotations"], Value::Null, "{name}");
        convert(&sandbox, &tagged(&[&name]), "docker-archive", &[]);
        assert_eq!(repo_tags(&sandbox), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn every_tag_is_carried_over_in_order() {
    let sandbox = Sandbox::new();
    let names = ["z/app:1", "app:latest", "reg:5000/a:2", "app"];
    let full = ["docker.io/z/app:1", "docker.io/library/app:latest", "reg:5000/a:2"];
    convert(&sandbox, &tagged(&names), "docker-archive", &[]);
    assert_eq!(repo_tags(&sandbox), full);
    convert(&sandbox, &tagged(&names), "oci-archive", &[]);
    let view = found::output(&sandbox.path("out"), "oci-archive");
    assert_eq!(view.images.len(), 1, "one manifest under three names");
    assert_eq!(view.images[0].names, full);
}

#[test]
fn repo_tags_that_are_no_references_are_refused() {
    let long = format!("a:{}", "t".repeat(129));
    for name in ["", "A/B:c", "a:b c", "a/b:+", "a//b:1", "a/b:", "-a:1", "a:-1", &long, "a:1\u{202e}", "a/b@sha256:12"]
    {
        for to in ["oci-archive", "docker-archive"] {
            let sandbox = Sandbox::new();
            let input = sandbox.put_tree("in.tar", &tagged(&[name]));
            let message = sandbox.convert(to, input, sandbox.path("out")).fails(3);
            assert!(message.contains("RepoTags") || message.contains("reference"), "{name:?}: {message}");
            sandbox.assert_holds(&["in.tar"]);
        }
    }
}

#[test]
fn annotations_become_repo_tags() {
    let full = "docker.io/a/b:c";
    let none: &[&str] = &[];
    for (annotations, expected) in [
        (json!({IMAGE_NAME: full, REF_NAME: "c"}), [full].as_slice()),
        (json!({IMAGE_NAME: full, REF_NAME: "docker.io/x/y:z"}), &[full]),
        (json!({IMAGE_NAME: full}), &[full]),
        (json!({REF_NAME: full}), &[full]),
        (json!({REF_NAME: "localhost/foo:bar"}), &["localhost/foo:bar"]),
        (json!({REF_NAME: "index.docker.io/library/x:1"}), &["docker.io/library/x:1"]),
        (json!({REF_NAME: "fix:1"}), &["docker.io/library/fix:1"]),
        (json!({IMAGE_NAME: "busybox:1"}), &["docker.io/library/busybox:1"]),
        (json!({REF_NAME: format!("a/b@{DIGEST}")}), none),
        (json!({IMAGE_NAME: format!("docker.io/a/b@{DIGEST}"), REF_NAME: format!("docker.io/a/b@{DIGEST}")}), none),
        (json!({REF_NAME: "ocidir://x/y"}), none),
        (json!({REF_NAME: "Fix:1"}), none),
        (json!({REF_NAME: "not a valid name!"}), none),
        (json!({"org.example": "x"}), none),
        (Value::Null, none),
    ] {
        let sandbox = Sandbox::new();
        convert(&sandbox, &annotated(annotations.clone()), "docker-archive", &[]);
        assert_eq!(repo_tags(&sandbox), expected, "{annotations}");
    }
}

/// A tag alone has no repository, and inventing one is how podman makes `localhost/v1:latest` of it.
#[test]
fn bare_tags_are_lost_on_the_way_to_docker_and_the_loss_says_what_helps() {
    for tag in ["v1", "latest", "1.0", "fix"] {
        let sandbox = Sandbox::new();
        let run = convert(&sandbox, &annotated(json!({REF_NAME: tag})), "docker-archive", &["--json"]);
        assert_eq!(repo_tags(&sandbox), Vec::<String>::new(), "{tag}");
        let losses = run.json()["losses"].as_array().expect("losses").clone();
        let told = losses.iter().any(|loss| {
            let loss = loss.as_str().expect("text");
            loss.contains(tag) && loss.contains("--tag")
        });
        assert!(told, "{tag}: {losses:?}");
        let line = run.stderr.lines().find(|line| line.starts_with("loss: ")).unwrap_or_else(|| panic!("{run}"));
        assert!(line.contains("--tag"), "{line}");
    }
    // From OCI to OCI nothing is lost.
    let sandbox = Sandbox::new();
    let run = convert(&sandbox, &annotated(json!({REF_NAME: "v1"})), "oci-archive", &["--json"]);
    assert_eq!(run.json()["losses"], json!([]));
    assert_eq!(found::output(&sandbox.path("out"), "oci-archive").images[0].names, ["v1"]);
}

/// The losses that a conversion tells, and that `--strict` does not let pass.
#[track_caller]
fn losses(tree: &Tree, to: &str) -> Vec<String> {
    let sandbox = Sandbox::new();
    let run = convert(&sandbox, tree, to, &["--json"]);
    let losses = run.json()["losses"].as_array().expect("losses").clone();
    let input = sandbox.put_tree("in.tar", tree);
    let strict = sandbox.convert(to, input, sandbox.path("strict")).args(["--strict"]).run();
    assert_eq!(strict.code, if losses.is_empty() { 0 } else { 4 }, "{strict}");
    losses.iter().map(|loss| loss.as_str().expect("text").to_owned()).collect()
}

/// Expects one loss for each of `lost`, which names it.
#[track_caller]
fn loses(tree: &Tree, to: &str, lost: &[&str]) {
    let told = losses(tree, to);
    assert_eq!(told.len(), lost.len(), "{told:?} to {to}");
    for (told, name) in told.iter().zip(lost) {
        assert!(told.contains(&format!("{name:?}")), "{name} is not in {told:?}");
    }
}

#[test]
fn names_that_annotations_hold_beside_the_tag_are_told() {
    let (pinned, both) = (format!("quay.io/y/z@{DIGEST}"), format!("quay.io/y/z:1@{DIGEST}"));
    let (one, other) = ("docker.io/library/x:1", "quay.io/y/z:2");
    let own = Layout::new().image(&self::one())["digest"].as_str().expect("a digest").to_owned();
    for (annotations, lost) in [
        (json!({REF_NAME: pinned}), [pinned.as_str()].as_slice()),
        (json!({IMAGE_NAME: pinned}), &[&pinned]),
        (json!({IMAGE_NAME: pinned, REF_NAME: DIGEST}), &[&pinned]),
        (json!({IMAGE_NAME: pinned, REF_NAME: pinned}), &[&pinned]),
        (json!({REF_NAME: both}), &[&both]),
        (json!({IMAGE_NAME: both, REF_NAME: format!("1@{DIGEST}")}), &[&both]),
        (json!({IMAGE_NAME: one, REF_NAME: other}), &[other]),
        (json!({IMAGE_NAME: pinned, REF_NAME: other}), &[&pinned]),
        (json!({IMAGE_NAME: one, REF_NAME: "2"}), &["2"]),
        (json!({IMAGE_NAME: one, REF_NAME: "ocidir://x"}), &["ocidir://x"]),
        (json!({REF_NAME: DIGEST}), &[DIGEST]),
        // Nothing is lost where two say the same, or one is the image's own digest.
        (json!({IMAGE_NAME: one, REF_NAME: "1"}), &[]),
        (json!({IMAGE_NAME: one, REF_NAME: "x:1"}), &[]),
        (json!({REF_NAME: own}), &[]),
    ] {
        loses(&annotated(annotations.clone()), "docker-archive", lost);
        loses(&annotated(annotations), "oci-archive", &[]);
    }
}

#[test]
fn digests_in_repo_tags_are_told() {
    let (pinned, both) = (format!("a/b@{DIGEST}"), format!("a/b:t@{DIGEST}"));
    for (tags, lost) in [
        ([pinned.as_str()].as_slice(), [pinned.as_str()].as_slice()),
        (&[&pinned, &both], &[&pinned, &both]),
        (&["ubuntu:i-was-a-digest"], &["ubuntu:i-was-a-digest"]),
        (&["<none>:<none>"], &[]),
        (&["a/b:t"], &[]),
    ] {
        for to in ["docker-archive", "oci-archive", "hybrid-archive"] {
            loses(&tagged(tags), to, lost);
        }
    }
}

/// What nobody asked for is not told of, and neither is what a user put another name in place of.
#[test]
fn names_of_other_images_and_replaced_ones_are_not_told() {
    let pinned = format!("a/b@{DIGEST}");
    let other = image().layer(file("b", "y")).tag("app:1");
    let tree = docker(&[one().tag(&pinned), other], Style::Classic);
    for to in ["docker-archive", "oci-archive"] {
        for args in [["--image", "app:1"].as_slice(), &["--image", "@0", "--tag", "x:1"]] {
            let sandbox = Sandbox::new();
            convert(&sandbox, &tree, to, &[args, &["--strict"]].concat());
        }
    }
}

#[test]
fn a_ref_name_that_could_harm_a_terminal_is_refused() {
    for name in ["a\u{1b}]0;x\u{7}", "a\nb", &"a/".repeat(300)] {
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &annotated(json!({REF_NAME: name})));
        sandbox.convert("docker-archive", input, sandbox.path("out")).fails(3);
        sandbox.assert_holds(&["in.tar"]);
    }
}

#[test]
fn one_manifest_under_two_names_is_one_image_with_two_tags() {
    let mut layout = Layout::new();
    let descriptor = layout.image(&one());
    layout.root(descriptor.clone(), json!({REF_NAME: "docker.io/a/b:1"}));
    layout.root(descriptor, json!({REF_NAME: "docker.io/a/b:2"}));
    let sandbox = Sandbox::new();
    convert(&sandbox, &layout.tree(), "docker-archive", &[]);
    assert_eq!(repo_tags(&sandbox), ["docker.io/a/b:1", "docker.io/a/b:2"]);
}

#[test]
fn two_images_with_one_name_are_ambiguous() {
    let other = image().layer(file("b", "y")).tag("example/app:1");
    let tree = docker(&[one().tag("example/app:1"), other], Style::Classic);
    for to in ["oci-archive", "docker-archive"] {
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &tree);
        let run = sandbox.convert(to, input, sandbox.path("out")).run();
        assert!(matches!(run.code, 3 | 4), "{run}");
        assert!(run.error().contains("example/app:1"), "{run}");
    }
}

#[test]
fn tags_of_the_user_take_the_place_of_the_source_names() {
    for (tree, what) in [(tagged(&["old:1"]), "docker"), (annotated(json!({REF_NAME: "v1"})), "oci")] {
        let sandbox = Sandbox::new();
        let args = ["--tag", "app:2", "--tag", "reg:5000/x", "--tag", "a/b:c"];
        let full = ["docker.io/library/app:2", "reg:5000/x:latest", "docker.io/a/b:c"];
        let run = convert(&sandbox, &tree, "docker-archive", &[&args[..], &["--json"]].concat());
        assert_eq!(repo_tags(&sandbox), full, "{what}");
        assert_eq!(run.json()["losses"], json!([]), "{what}");
        assert_eq!(run.json()["images"][0]["names"], json!(full), "{what}");
        convert(&sandbox, &tree, "oci-archive", &args);
        let view = found::output(&sandbox.path("out"), "oci-archive");
        assert_eq!(view.images[0].names, full, "{what}");
        assert_eq!(view.ids(), [one().id()], "{what}");
    }
}

/// What is about the image is no second image, and keeps the name that it is found by.
#[test]
fn a_tag_of_the_user_is_for_the_image_and_not_for_what_is_about_it() {
    let mut layout = Layout::new();
    let subject = layout.image(&one());
    let signature = layout.referrer(&subject);
    let tag = format!("{}.sig", subject["digest"].as_str().expect("a digest").replace(':', "-"));
    let second = layout.referrer(&signature);
    let references = layout.index(&[second]);
    layout.root(subject, json!({REF_NAME: "docker.io/a/b:c"}));
    layout.root(signature.clone(), Value::Null);
    layout.root(signature, json!({REF_NAME: tag}));
    layout.root(references, json!({REF_NAME: "references"}));
    let sandbox = Sandbox::new();
    convert(&sandbox, &layout.tree(), "oci-archive", &["--tag", "n/m:3", "--tag", "n/m:4"]);
    let index = Tree::read(&sandbox.path("out")).json("index.json");
    let names: Vec<_> =
        index["manifests"].as_array().expect("descriptors").iter().map(|d| &d["annotations"][REF_NAME]).collect();
    assert_eq!(
        names,
        [&json!("docker.io/n/m:3"), &json!("docker.io/n/m:4"), &Value::Null, &json!(tag), &json!("references")]
    );
}

#[test]
fn tags_that_cannot_be_are_usage_errors() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &tagged(&["old:1"]));
    for tag in ["", "A:1", "a b", "a@b", &format!("a@{DIGEST}"), "a:\u{1b}[31m"] {
        sandbox.convert("docker-archive", &input, sandbox.path("out")).args(["--tag", tag]).fails(2);
    }
    let two = docker(&[one().tag("a:1"), image().layer(file("b", "y")).tag("b:1")], Style::Classic);
    let input = sandbox.put_tree("two.tar", &two);
    let run = sandbox.convert("docker-archive", &input, sandbox.path("out")).args(["--tag", "x:1"]).run();
    assert!(matches!(run.code, 2 | 4), "{run}");
    sandbox.convert("docker-archive", &input, sandbox.path("out")).args(["--tag", "x:1", "--image", "b:1"]).ok();
    assert_eq!(repo_tags(&sandbox), ["docker.io/library/x:1"]);
}

/// An empty list as podman writes it, or null as docker does in the archives that are an OCI layout too.
#[test]
fn an_image_without_a_name_has_no_tags() {
    for (to, expected) in [("docker-archive", json!([])), ("hybrid-archive", Value::Null)] {
        for tree in [tagged(&[]), annotated(Value::Null)] {
            let sandbox = Sandbox::new();
            convert(&sandbox, &tree, to, &[]);
            let manifest = Tree::read(&sandbox.path("out")).json("manifest.json");
            assert_eq!(manifest[0]["RepoTags"], expected, "{to}");
        }
    }
}

#[test]
fn an_image_that_is_listed_twice_is_one_image() {
    let twice = tagged(&["app:1"]).edit_json("manifest.json", |manifest| {
        let item = manifest[0].clone();
        manifest.as_array_mut().expect("a list").push(item);
    });
    for to in ["docker-archive", "oci-archive", "hybrid-archive"] {
        let sandbox = Sandbox::new();
        let run = convert(&sandbox, &twice, to, &["--json"]);
        assert_eq!(run.json()["images"].as_array().map(Vec::len), Some(1), "{to}");
        let output = Tree::read(&sandbox.path("out"));
        for (file, list) in [("index.json", "/manifests"), ("manifest.json", "")] {
            if output.get(file).is_some() {
                let value = output.json(file);
                assert_eq!(value.pointer(list).and_then(Value::as_array).map(Vec::len), Some(1), "{file} in {to}");
            }
        }
    }
}

/// As docker 25 and later write it.
#[test]
fn repositories_of_a_hybrid_name_the_diff_id() {
    let sandbox = Sandbox::new();
    let packed = one().tag("docker.io/a/b:c").codec(Codec::Gzip);
    convert(&sandbox, &Layout::new().named(&packed, "docker.io/a/b:c").tree(), "hybrid-archive", &[]);
    let repositories = Tree::read(&sandbox.path("out")).json("repositories");
    let top = one().diff_ids().pop().expect("a layer");
    assert_eq!(repositories, json!({"docker.io/a/b": {"c": top["sha256:".len()..]}}));
}
