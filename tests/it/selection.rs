//! Which image and which platform of it are meant, and what is said when there is no such thing.

use std::slice::from_ref;

use serde_json::{Value, json};

use crate::support::found;
use crate::support::layout::{REF_NAME, blob_path, with};
use crate::support::run::host_platform;
use crate::support::{Image, Layout, Sandbox, Style, Tree, docker, file, image};

fn first() -> Image {
    image().layer(file("a", "first")).tag("app:1").tag("reg:5000/app:one")
}

fn second() -> Image {
    image().layer(file("a", "second")).tag("app:2")
}

/// For the machine at hand, for a common other one and for a rare one.
fn platforms() -> [Image; 3] {
    let variants = [host_platform(), "linux/s390x".into(), "linux/arm/v7".into()];
    variants.map(|platform| image().platform(&platform).layer(file("platform", &platform)))
}

fn multi(images: &[Image]) -> Tree {
    let mut layout = Layout::new();
    let index = layout.platforms(images);
    layout.root(index, json!({REF_NAME: "docker.io/demo/multi:1"}));
    layout.tree()
}

#[track_caller]
fn check(tree: &Tree, to: &str, args: &[&str], expected: &[&Image]) {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", tree);
    sandbox.convert(to, input, sandbox.path("out")).args(args).ok();
    let mut found = found::output(&sandbox.path("out"), to).ids();
    let mut expected: Vec<String> = expected.iter().map(|image| image.id()).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{args:?} to {to}");
}

/// Expects exit code 4 and every one of `words` in the message.
#[track_caller]
fn refuses(tree: &Tree, to: &str, args: &[&str], words: &[&str]) {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", tree);
    let message = sandbox.convert(to, input, sandbox.path("out")).args(args).fails(4);
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message:?}");
    }
    sandbox.assert_holds(&["in.tar"]);
}

#[test]
fn images_are_chosen_by_name_position_and_digest() {
    let (a, b) = (first(), second());
    let docker_tree = docker(&[a.clone(), b.clone()], Style::Classic);
    let oci_tree = Layout::new().named(&a, "docker.io/library/app:1").named(&b, "v2").tree();
    for to in ["docker-archive", "oci-archive"] {
        check(&docker_tree, to, &[], &[&a, &b]);
        for name in ["app:1", "docker.io/library/app:1", "library/app:1", "reg:5000/app:one", "@0", &a.id()] {
            check(&docker_tree, to, &["--image", name], &[&a]);
        }
        for name in ["app:2", "@1", &b.id()["sha256:".len()..], &b.id()["sha256:".len()..][..12]] {
            check(&docker_tree, to, &["--image", name], &[&b]);
        }
        check(&docker_tree, to, &["--image", "@1", "--image", "app:1"], &[&a, &b]);
        for name in ["app:1", "@0", &a.id()] {
            check(&oci_tree, to, &["--image", name], &[&a]);
        }
        for name in ["v2", "@1", &b.id()] {
            check(&oci_tree, to, &["--image", name], &[&b]);
        }
        let manifest = found::oci_view(&oci_tree).expect("a layout").images[1].manifest_digest.clone();
        check(&oci_tree, to, &["--image", &manifest.expect("a digest")], &[&b]);
    }
}

/// A chosen image keeps all its names, not only the one that it was chosen by.
#[test]
fn a_chosen_image_keeps_its_names() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker(&[first(), second()], Style::Classic));
    sandbox.convert("docker-archive", input, sandbox.path("out")).args(["--image", "app:1"]).ok();
    let view = found::output(&sandbox.path("out"), "docker-archive");
    assert_eq!(view.images[0].names, ["docker.io/library/app:1", "reg:5000/app:one"]);
}

#[test]
fn an_image_that_is_not_there_is_answered_with_what_there_is() {
    let docker_tree = docker(&[first(), second()], Style::Classic);
    let oci_tree = Layout::new().named(&first(), "docker.io/library/app:1").named(&second(), "v2").tree();
    for to in ["docker-archive", "oci-archive"] {
        for name in ["app:3", "@2", "app", "sha256:0000000000000000000000000000000000000000000000000000000000000000"] {
            refuses(&docker_tree, to, &["--image", name], &[name, "app:1", "app:2"]);
            refuses(&oci_tree, to, &["--image", name], &[name, "app:1", "v2"]);
        }
    }
}

#[test]
fn docker_gets_one_platform() {
    let [host, s390x, arm] = platforms();
    let all = multi(&[s390x.clone(), arm.clone(), host.clone()]);
    for to in ["docker-archive", "docker-dir"] {
        check(&all, to, &[], &[&host]);
        check(&all, to, &["--platform", "linux/s390x"], &[&s390x]);
        check(&all, to, &["--platform", "linux/arm/v7"], &[&arm]);
        check(&all, to, &["--platform", "linux/arm"], &[&arm]);
        check(&multi(from_ref(&arm)), to, &[], &[&arm]);
        refuses(&multi(&[s390x.clone(), arm.clone()]), to, &[], &["linux/s390x", "linux/arm/v7"]);
        refuses(&all, to, &["--platform", "all"], &["linux/s390x", "linux/arm/v7"]);
        refuses(&all, to, &["--platform", "windows/amd64"], &["windows/amd64", "linux/s390x"]);
    }
}

#[test]
fn oci_gets_all_platforms_or_those_that_are_asked_for() {
    let [host, s390x, arm] = platforms();
    let all = multi(&[s390x.clone(), arm.clone(), host.clone()]);
    for to in ["oci-archive", "oci-dir"] {
        check(&all, to, &[], &[&s390x, &arm, &host]);
        check(&all, to, &["--platform", "all"], &[&s390x, &arm, &host]);
        check(&all, to, &["--platform", "linux/s390x"], &[&s390x]);
        check(&all, to, &["--platform", "linux/s390x", "--platform", "linux/arm/v7"], &[&s390x, &arm]);
        refuses(&all, to, &["--platform", "windows/amd64"], &["windows/amd64", "linux/s390x"]);
    }
}

/// Converts, and expects these artifacts in the result's `index.json`, by their digests in the source or, for those that
/// are made anew, by what they are about; nothing dangles, and nothing is there that no document names.
#[track_caller]
fn keeps_artifacts(tree: &Tree, args: &[&str], expected: &[&Value], losses: usize) -> Tree {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", tree);
    let run = sandbox.convert("oci-archive", &input, sandbox.path("out")).args(args).args(["--json"]).ok();
    assert_eq!(run.json()["losses"].as_array().map(Vec::len), Some(losses), "{args:?}: {run}");
    let verified = sandbox.command(["verify", "--strict"]).arg(sandbox.path("out")).run();
    assert_eq!(verified.code, 0, "{args:?}: {verified}");
    let out = Tree::read(&sandbox.path("out"));
    let index = out.json("index.json");
    let artifact = |d: &&Value| d.get("artifactType").is_some();
    let found: Vec<_> =
        index["manifests"].as_array().expect("a list").iter().filter(artifact).map(|d| &d["digest"]).collect();
    let expected: Vec<_> = expected.iter().map(|d| &d["digest"]).collect();
    assert_eq!(found, expected, "{args:?}");
    out
}

/// A signature that is found by the image's digest goes with the image, and one of a signature with that.
#[test]
fn what_refers_to_an_image_goes_where_that_goes() {
    let [host, s390x, _] = platforms();
    let mut layout = Layout::new();
    let children = [&host, &s390x].map(|image| with(layout.image(image), "platform", image.platform_value()));
    let index = layout.index(&children);
    let [of_host, of_s390x] = children.each_ref().map(|child| layout.referrer(child));
    let of_signature = layout.referrer(&of_s390x);
    let of_nothing = layout.referrer(&with(index.clone(), "digest", format!("sha256:{}", "0".repeat(64)).into()));
    layout.root(index.clone(), json!({REF_NAME: "docker.io/demo/multi:1"}));
    for artifact in [&of_host, &of_signature, &of_s390x, &of_nothing] {
        layout.root(artifact.clone(), Value::Null);
    }
    let other = layout.image(&first());
    layout.root(other, json!({REF_NAME: "docker.io/demo/other:1"}));
    let tree = layout.tree();
    let (image, platform) = (["--image", "demo/multi:1"], ["--platform", "linux/s390x"]);
    keeps_artifacts(&tree, &[], &[&of_host, &of_signature, &of_s390x, &of_nothing], 0);
    keeps_artifacts(&tree, &image, &[&of_host, &of_signature, &of_s390x], 0);
    keeps_artifacts(&tree, &["--image", "demo/other:1"], &[], 0);
    let digest = children[1]["digest"].as_str().expect("a digest");
    let by_digest = ["--image", digest];
    keeps_artifacts(&tree, &by_digest, &[&of_signature, &of_s390x], 0);
    keeps_artifacts(&tree, &[&image[..], &platform[..]].concat(), &[&of_signature, &of_s390x], 0);
}

#[test]
fn a_signature_of_an_index_that_is_narrowed_is_told_and_follows_it() {
    let mut layout = Layout::new();
    let index = layout.platforms(&platforms());
    let signature = layout.referrer(&index);
    layout.root(signature, Value::Null);
    layout.root(index, json!({REF_NAME: "docker.io/demo/multi:1"}));
    let tree = layout.tree();
    for platforms in [["linux/s390x", "linux/s390x"], ["linux/s390x", "linux/arm/v7"]] {
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &tree);
        let args = platforms.map(|platform| ["--platform", platform]).concat();
        let run = sandbox.convert("oci-archive", &input, sandbox.path("out")).args(&args).ok();
        assert!(run.stderr.lines().any(|line| line.starts_with("loss: signatures")), "{run}");
        let out = Tree::read(&sandbox.path("out"));
        let [signature, image] = [0, 1].map(|n| out.json("index.json")["manifests"][n].clone());
        let manifest = out.json(&blob_path(signature["digest"].as_str().expect("a digest")));
        assert_eq!(manifest["subject"]["digest"], image["digest"]);
        assert_eq!(manifest["subject"]["mediaType"], image["mediaType"]);
        let verified = sandbox.command(["verify", "--strict"]).arg(sandbox.path("out")).run();
        assert_eq!(verified.code, 0, "{verified}");
        sandbox.convert("oci-archive", &input, sandbox.path("strict")).args(&args).args(["--strict"]).fails(4);
    }
}

/// What goes past a platform that is not chosen is said, and `--strict` makes it an error.
#[test]
fn platforms_that_stay_behind_are_losses() {
    let [host, s390x, _] = platforms();
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &multi(&[s390x, host]));
    let run = sandbox.convert("docker-archive", &input, sandbox.path("out")).ok();
    assert!(run.stderr.lines().any(|line| line.starts_with("loss: ") && line.contains("linux/s390x")), "{run}");
    sandbox.convert("docker-archive", &input, sandbox.path("strict")).args(["--strict"]).fails(4);
    sandbox.assert_holds(&["in.tar", "out"]);
}

#[test]
fn a_flat_index_of_one_name_is_one_image_for_several_platforms() {
    let [host, s390x, _] = platforms();
    let mut layout = Layout::new();
    for image in [&s390x, &host] {
        let descriptor = layout.image(image);
        layout.root(with(descriptor, "platform", image.platform_value()), json!({REF_NAME: "docker.io/demo/flat:1"}));
    }
    let tree = layout.tree();
    check(&tree, "docker-archive", &[], &[&host]);
    check(&tree, "docker-archive", &["--platform", "linux/s390x"], &[&s390x]);
    check(&tree, "oci-archive", &[], &[&host, &s390x]);
}

/// amd64 is what x86_64 machines are called; arm64 has a variant that goes without saying.
#[test]
fn platforms_match_as_containerd_matches_them() {
    let arm64 = image().platform("linux/arm64").layer(file("a", "arm64"));
    let v8 = image().platform("linux/arm64/v8").layer(file("a", "v8"));
    let amd64 = image().platform("linux/amd64").layer(file("a", "amd64"));
    for asked in ["linux/arm64", "linux/arm64/v8", "linux/aarch64"] {
        check(&multi(&[amd64.clone(), arm64.clone()]), "docker-archive", &["--platform", asked], &[&arm64]);
        check(&multi(&[amd64.clone(), v8.clone()]), "docker-archive", &["--platform", asked], &[&v8]);
    }
    check(&multi(&[amd64.clone(), v8]), "docker-archive", &["--platform", "linux/x86_64"], &[&amd64]);
}

/// An index need not say for what platform its images are: the configs do.
#[test]
fn platforms_are_read_from_the_configs_when_the_index_has_none() {
    let [host, s390x, _] = platforms();
    let mut layout = Layout::new();
    let children = [layout.image(&s390x), layout.image(&host)];
    let index = layout.index(&children);
    layout.root(index, Value::Null);
    check(&layout.tree(), "docker-archive", &[], &[&host]);
    check(&layout.tree(), "docker-archive", &["--platform", "linux/s390x"], &[&s390x]);
}

#[test]
fn what_is_not_an_image_is_not_converted_for_docker() {
    let mut layout = Layout::new();
    let subject = layout.image(&first());
    let referrer = layout.referrer(&subject);
    let mut alone = Layout::new();
    let signature = alone.referrer(&subject);
    alone.root(signature, Value::Null);
    refuses(&alone.tree(), "docker-archive", &[], &["not an image"]);
    layout.root(referrer, Value::Null);
    layout.root(subject, Value::Null);
    check(&layout.tree(), "docker-archive", &[], &[&first()]);
}

#[test]
fn unreadable_selections_are_usage_errors() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker(&[first()], Style::Classic));
    for args in [
        ["--image", "@x"],
        ["--image", "@-1"],
        ["--platform", "linux"],
        ["--platform", "a/b/c/d"],
        ["--platform", ""],
        ["--threads", "0"],
        ["--threads", "many"],
        ["--compression", "brotli"],
        ["--compression-level", "x"],
        ["--from", "zip"],
    ] {
        let run = sandbox.convert("oci-archive", &input, sandbox.path("out")).args(args).run();
        assert_eq!(run.code, 2, "{run}");
    }
    sandbox.assert_holds(&["in.tar"]);
}
