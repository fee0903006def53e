//! What is chosen, what stays behind with what is not, and what it is called afterwards.

use serde_json::{Value, json};

use super::{LIE, converted, ids, layer, name, named, refused};
use crate::support::codec::hex_of;
use crate::support::layout::{INDEX, blob_path, with};
use crate::support::{Image, Kind, Layout, Sandbox, Style, Tree, docker, found, image};

const ONE: [&str; 2] = ["--platform", "linux/amd64"];
const BOTH: [&str; 4] = ["--platform", "linux/amd64", "--platform", "linux/arm64"];

fn pair() -> [Image; 2] {
    ["linux/amd64", "linux/arm64"].map(|platform| image().platform(platform).layer(layer(platform)))
}

/// One name for two platforms.
fn nested() -> Tree {
    let mut layout = Layout::new();
    let index = layout.platforms(&pair());
    layout.root(index, name("docker.io/d/old:1"));
    layout.tree()
}

/// The same without an index of its own: everything stands in `index.json`, attestations too. Then the manifests'
/// digests.
fn flat() -> (Tree, [String; 2]) {
    let mut layout = Layout::new();
    let images = pair().map(|image| with(layout.image(&image), "platform", image.platform_value()));
    let attestations = [layout.attestation(&images[0]), layout.attestation(&images[1])];
    for descriptor in images.iter().chain(&attestations) {
        layout.root(named(descriptor.clone(), "docker.io/d/old:1"), Value::Null);
    }
    (layout.tree(), images.map(|image| image["digest"].as_str().expect("a digest").to_owned()))
}

/// The digests that the attestations in `index.json` are about.
fn attested(tree: &Tree) -> Vec<String> {
    let index = tree.json("index.json");
    let manifests = index["manifests"].as_array().expect("manifests");
    let digest = |root: &Value| root["annotations"]["vnd.docker.reference.digest"].as_str().map(str::to_owned);
    manifests.iter().filter_map(digest).collect()
}

#[test]
fn one_platform_of_an_index_is_chosen_by_its_digest() {
    let tree = nested();
    for wanted in found::oci_view(&tree).expect("a layout").images {
        let other = pair().into_iter().find(|image| image.id() != wanted.id()).expect("another one");
        for digest in [wanted.manifest_digest.clone().expect("a digest"), wanted.id()] {
            let hex = hex_of(&digest);
            for chosen in [&digest, hex, &hex[..12], &hex[..13], &hex[..63]] {
                let out = converted(&tree, "docker-archive", &["--image", chosen]);
                assert_eq!(found::docker_view(&out).expect("a manifest.json").ids(), [wanted.id()], "{chosen}");
                for to in ["oci-archive", "hybrid-archive"] {
                    let out = converted(&tree, to, &["--image", chosen]);
                    assert_eq!(ids(&out), [wanted.id()], "{chosen}");
                    assert!(out.get(&blob_path(&other.id())).is_none(), "{chosen}: the other platform came along");
                }
            }
            refused(&tree, "oci-archive", &["--image", &hex[..11]], 4);
        }
    }
}

/// The texts of a result that hold names.
fn naming(tree: &Tree) -> String {
    let documents = ["index.json", "manifest.json", "repositories"];
    documents.iter().filter_map(|name| tree.get(name)).map(String::from_utf8_lossy).collect()
}

#[test]
fn a_new_name_takes_the_place_of_all_old_ones() {
    let app = pair()[0].clone().tag("old:first").tag("old:second");
    let twice =
        Layout::new().named(&app, "docker.io/library/old:first").named(&app, "docker.io/library/old:second").tree();
    let (nested, (flat, _)) = (nested(), flat());
    let styles = [Style::Classic, Style::Skopeo, Style::Hybrid, Style::Legacy];
    let trees = styles.map(|style| docker(std::slice::from_ref(&app), style));
    let single = trees.iter().chain([&twice]).map(|tree| (tree, &["--tag", "x:1"][..]));
    let several = [&nested, &flat].map(|tree| (tree, &["--tag", "x:1", "--platform", "linux/amd64"][..]));
    for (at, (tree, args)) in single.chain(several).enumerate() {
        for to in ["oci-archive", "oci-dir", "hybrid-archive", "docker-archive", "docker-dir"] {
            let out = converted(tree, to, args);
            let text = naming(&out);
            assert!(!text.contains("old"), "{to}, {at}: {text}");
            for view in [found::docker_view(&out), found::oci_view(&out)].into_iter().flatten() {
                let names: Vec<_> = view.images.iter().flat_map(|image| image.names.clone()).collect();
                assert_eq!(names, ["docker.io/library/x:1"], "{to}, {at}");
            }
        }
    }
}

#[test]
fn companions_of_an_image_take_its_new_name_or_none() {
    let (tree, digests) = flat();
    let out = converted(&tree, "oci-archive", &["--tag", "x:1"]);
    assert!(!naming(&out).contains("old"), "{}", naming(&out));
    assert_eq!(attested(&out), digests);
}

#[test]
fn every_platform_that_is_asked_for_must_be_there() {
    let [amd64, arm64] = pair();
    let absent = ["--platform", "linux/amd64", "--platform", "linux/s390x"];
    let (flat, _) = flat();
    let layout = Layout::new().named(&amd64, "docker.io/d/a:1").named(&arm64, "docker.io/d/b:1").tree();
    let archive = docker(&[amd64.tag("d/a:1"), arm64.tag("d/b:1")], Style::Classic);
    for to in ["oci-archive", "hybrid-archive", "docker-archive"] {
        for tree in [&nested(), &flat] {
            assert!(refused(tree, to, &absent, 4).stderr.contains("linux/s390x"));
        }
        for tree in [&layout, &archive] {
            assert!(refused(tree, to, &ONE, 4).stderr.contains("linux/arm64"));
            converted(tree, to, &["--image", "d/a:1", "--platform", "linux/amd64"]);
        }
    }
}

#[test]
fn attestations_go_where_their_image_goes() {
    let (tree, [amd64, arm64]) = flat();
    assert_eq!(attested(&converted(&tree, "oci-archive", &ONE)), std::slice::from_ref(&amd64));
    assert_eq!(attested(&converted(&tree, "oci-archive", &BOTH)), [amd64.clone(), arm64.clone()]);
    for digest in [amd64, arm64] {
        let out = converted(&tree, "oci-archive", &["--image", &digest]);
        assert_eq!(attested(&out), [digest]);
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a value can be written") + "\n"
}

/// A layout in a style that no writer here has, with an index or without, with platforms or without.
fn styled(index: bool, platforms: bool) -> Tree {
    let mut layout = Layout::new();
    let mut children = Vec::new();
    for image in pair() {
        let child = layout.image(&image);
        children.push(if platforms { with(child, "platform", image.platform_value()) } else { child });
    }
    if index {
        let text = pretty(&json!({"manifests": children, "schemaVersion": 2, "mediaType": INDEX}));
        children = vec![layout.put(INDEX, text)];
    }
    for child in children {
        layout.root(named(child, "docker.io/d/old:1"), Value::Null);
    }
    let tree = layout.tree();
    let text = pretty(&tree.json("index.json"));
    tree.replace("index.json", text)
}

#[test]
fn choosing_all_platforms_changes_no_document() {
    for (index, platforms) in [(true, true), (true, false), (false, true), (false, false)] {
        let tree = styled(index, platforms);
        for args in [&BOTH[..], &["--platform", "all"], &ONE] {
            if args == ONE && !index && !platforms {
                continue; // Two images, and one has no such platform.
            }
            let out = converted(&tree, "oci-archive", args);
            for member in &out.members {
                if let Kind::File(bytes) = &member.kind {
                    assert!(!String::from_utf8_lossy(bytes).contains("\"platform\":null"), "{}", member.name);
                    let same = args == ONE || tree.get(&member.name) == Some(bytes);
                    assert!(same, "index {index}, platforms {platforms}, {args:?}: {} changed", member.name);
                }
            }
        }
    }
}

/// An image in an index, with one more key in one of its documents.
fn noted(place: &str, key: &str, value: &Value) -> Tree {
    let note = |at: &str, document: Value| if at == place { with(document, key, value.clone()) } else { document };
    let mut layout = Layout::new();
    let app = &pair()[0];
    let manifest = layout.manifest_of(app);
    let child = layout.manifest(&note("manifest", manifest));
    let child = note("child", with(child, "platform", app.platform_value()));
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]});
    let index = layout.put(INDEX, note("index", index).to_string());
    layout.root(index, name("docker.io/d/app:1"));
    let tree = layout.tree();
    let text = note("index.json", tree.json("index.json")).to_string();
    tree.replace("index.json", text)
}

#[test]
fn strict_knows_what_a_docker_archive_cannot_hold() {
    let annotations = json!({"note": "kept"});
    let subject = json!({"mediaType": INDEX, "digest": LIE, "size": 5});
    let kind = json!("application/vnd.example.thing");
    converted(&noted("", "", &Value::Null), "docker-archive", &["--strict"]);
    for (place, key, value) in [
        ("index.json", "annotations", &annotations),
        ("index", "annotations", &annotations),
        ("child", "annotations", &annotations),
        ("manifest", "annotations", &annotations),
        ("manifest", "subject", &subject),
        ("manifest", "artifactType", &kind),
        ("index", "subject", &subject),
        ("index", "artifactType", &kind),
    ] {
        let tree = noted(place, key, value);
        refused(&tree, "docker-archive", &["--strict"], 4);
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &tree);
        let run = sandbox.convert("docker-archive", input, sandbox.path("out")).ok();
        assert!(run.stderr.lines().any(|line| line.starts_with("loss: ")), "{key} of {place}: {run}");
    }
}

/// A hybrid's index holds what is asked for; its docker half names the one that suits this machine, or the first.
#[test]
fn a_hybrid_holds_several_platforms_that_are_asked_for() {
    for tree in [nested(), flat().0] {
        let out = converted(&tree, "hybrid-archive", &BOTH);
        assert_eq!(found::oci_view(&out).expect("a layout").ids().len(), 2);
        assert_eq!(found::docker_view(&out).expect("a manifest.json").ids().len(), 1);
        refused(&tree, "docker-archive", &BOTH, 4);
    }
}

/// An index that is left with one image gives its place to that; what only it said is told.
#[test]
fn annotations_that_go_with_an_index_are_told() {
    for place in ["index", "child"] {
        let mut layout = Layout::new();
        let note = |at: &str, document: Value| {
            if at == place { with(document, "annotations", json!({"n": "1"})) } else { document }
        };
        let children =
            pair().map(|image| note("child", with(layout.image(&image), "platform", image.platform_value())));
        let index = note("index", json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}));
        let index = layout.put(INDEX, index.to_string());
        layout.root(index, name("docker.io/d/app:1"));
        let tree = layout.tree();
        refused(&tree, "oci-archive", &["--strict", ONE[0], ONE[1]], 4);
        converted(&tree, "oci-archive", &["--strict"]);
    }
}
