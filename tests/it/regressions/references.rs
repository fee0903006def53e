//! Whatever names a blob by its digest names the right one afterwards: subjects, attestations, keys in any case.

use serde_json::{Value, json};

use super::{LIE, converted, ids, layer, name, refused, unresolved};
use crate::support::layout::{INDEX, blob_path, with};
use crate::support::{Image, Kind, Layout, Tree, found, image};

const NONE: [&str; 0] = [];

fn amd64() -> Image {
    image().layer(layer("amd64"))
}

fn arm64() -> Image {
    image().platform("linux/arm64").layer(layer("arm64"))
}

/// An index over an image, its attestation and its signature, with one digest that is wrong.
fn vouched_for(wrong: &str) -> Tree {
    let mut layout = Layout::new();
    let mut manifest = layout.manifest_of(&amd64());
    let part = match wrong {
        "layer" => Some(&mut manifest["layers"][0]),
        "config" => Some(&mut manifest["config"]),
        _ => None,
    };
    let mut moved = part.map(|part| std::mem::replace(&mut part["digest"], LIE.into()));
    let mut told = with(layout.manifest(&manifest), "platform", amd64().platform_value());
    if wrong == "manifest" {
        moved = Some(std::mem::replace(&mut told["digest"], LIE.into()));
    }
    let children = [told.clone(), layout.attestation(&told), layout.referrer(&told)];
    let index = layout.index(&children);
    layout.root(index, name("docker.io/d/app:1"));
    let mut tree = layout.tree();
    let moved = blob_path(moved.expect("something is wrong").as_str().expect("a digest"));
    let at = tree.position(&moved).expect("the blob is there");
    tree.members[at].name = blob_path(LIE);
    tree
}

#[test]
fn attestations_and_signatures_follow_a_digest_that_is_put_right() {
    for wrong in ["manifest", "config", "layer"] {
        let tree = vouched_for(wrong);
        refused(&tree, "oci-archive", &[], 3);
        let out = converted(&tree, "oci-archive", &["--recompute"]);
        assert_eq!(unresolved(&out), NONE, "{wrong}");
        let view = found::oci_view(&out).expect("a layout");
        let right = json!(view.images[0].manifest_digest);
        let index = out.json(&blob_path(out.json("index.json")["manifests"][0]["digest"].as_str().expect("a digest")));
        let [_, attestation, signature] = &index["manifests"].as_array().expect("children")[..] else {
            panic!("{wrong}: three children: {index}");
        };
        assert_eq!(attestation["annotations"]["vnd.docker.reference.digest"], right, "{wrong}");
        let signature = out.json(&blob_path(signature["digest"].as_str().expect("a digest")));
        assert_eq!(signature["subject"]["digest"], right, "{wrong}");
    }
}

const ANEW: [&[&str]; 2] =
    [&["--compression", "zstd"], &["--compression", "none", "--platform", "linux/amd64", "--platform", "linux/arm64"]];

/// Every order of the roots, every way to store layers anew: all that was named is there, and nothing old.
#[track_caller]
fn follows(what: &str, layout: &Layout, roots: &[Value], old: &[&Value]) {
    let orders = match roots.len() {
        2 => vec![vec![0, 1], vec![1, 0]],
        _ => vec![vec![0, 1, 2], vec![0, 2, 1], vec![1, 0, 2], vec![1, 2, 0], vec![2, 0, 1], vec![2, 1, 0]],
    };
    for order in orders {
        let mut layout = layout.clone();
        for &at in &order {
            layout.root(roots[at].clone(), name(&format!("docker.io/d/root{at}:1")));
        }
        let tree = layout.tree();
        for args in ANEW {
            // Not every root has two platforms, and one that lacks a platform is refused.
            if args.contains(&"--platform") && roots.len() == 2 {
                continue;
            }
            let out = converted(&tree, "oci-archive", args);
            assert_eq!(unresolved(&out), NONE, "{what}, {order:?} {args:?}");
            assert_eq!(ids(&out), ids(&tree), "{what}, {order:?} {args:?}");
            for old in old {
                let path = blob_path(old["digest"].as_str().expect("a digest"));
                assert!(out.get(&path).is_none(), "{what}, {order:?} {args:?}: {path} is there still");
            }
        }
    }
}

#[test]
fn a_subject_follows_what_it_names_wherever_that_is_listed() {
    let mut layout = Layout::new();
    let index = layout.platforms(&[amd64(), arm64()]);
    let sbom = layout.referrer(&index);
    let signature = layout.referrer(&sbom);
    follows(
        "signature of an sbom",
        &layout,
        &[signature.clone(), sbom.clone(), index.clone()],
        &[&index, &sbom, &signature],
    );

    let mut layout = Layout::new();
    let base = layout.image(&amd64());
    let manifest = layout.manifest_of(&arm64());
    let derived = layout.manifest(&with(manifest, "subject", base.clone()));
    follows("image with a subject", &layout, &[base.clone(), derived.clone()], &[&base, &derived]);

    let mut layout = Layout::new();
    let base = layout.image(&amd64());
    let child = with(layout.image(&arm64()), "platform", arm64().platform_value());
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child], "subject": base});
    let index = layout.put(INDEX, index.to_string());
    follows("index with a subject", &layout, &[base.clone(), index.clone()], &[&base, &index]);
}

/// Objects with two keys that Go takes for one.
fn doubled(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| doubled(item, found)),
        Value::Object(map) => {
            let keys: Vec<&String> = map.keys().collect();
            for (at, key) in keys.iter().enumerate() {
                found.extend(keys[..at].iter().filter(|other| other.eq_ignore_ascii_case(key)).map(|k| (*k).clone()));
            }
            map.values().for_each(|value| doubled(value, found));
        }
        _ => {}
    }
}

/// A layout of two platforms in which one document spells `key` in capitals.
fn shouting(document: &str, key: &str) -> Tree {
    let loud = |at: &str, value: Value| {
        let text = value.to_string();
        let (quoted, shouted) = (format!("\"{key}\":"), format!("\"{}\":", key.to_uppercase()));
        assert!(at != document || text.contains(&quoted), "{at} has no {key}");
        if at == document { text.replace(&quoted, &shouted) } else { text }
    };
    let mut layout = Layout::new();
    let mut children = Vec::new();
    for image in [amd64(), arm64()] {
        let manifest = layout.manifest_of(&image);
        let descriptor = layout.put(crate::support::layout::MANIFEST, loud("manifest", manifest));
        children.push(with(descriptor, "platform", image.platform_value()));
    }
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children});
    let index = layout.put(INDEX, loud("index", index));
    layout.root(index, name("docker.io/d/app:1"));
    let tree = layout.tree();
    let text = loud("index.json", tree.json("index.json"));
    tree.replace("index.json", text)
}

#[test]
fn keys_in_capitals_are_not_written_a_second_time() {
    for (document, key) in [
        ("index.json", "manifests"),
        ("index.json", "annotations"),
        ("index.json", "digest"),
        ("index.json", "mediaType"),
        ("index", "manifests"),
        ("index", "platform"),
        ("index", "size"),
        ("manifest", "layers"),
        ("manifest", "config"),
        ("manifest", "digest"),
        ("manifest", "mediaType"),
    ] {
        let tree = shouting(document, key);
        for args in
            [&["--compression", "zstd"][..], &["--tag", "d/x:1"], &["--platform", "linux/arm64"], &["--recompute"]]
        {
            let out = converted(&tree, "oci-archive", args);
            let mut found = Vec::new();
            for member in &out.members {
                if let Kind::File(bytes) = &member.kind
                    && let Ok(document) = serde_json::from_slice(bytes)
                {
                    doubled(&document, &mut found);
                }
            }
            assert_eq!(found, NONE, "{key} of {document}, {args:?}");
            let expected = if args[0] == "--platform" { vec![arm64().id()] } else { ids(&tree) };
            assert_eq!(ids(&out), expected, "{key} of {document}, {args:?}");
        }
    }
}
