//! What went wrong once, by theme: each test is named after how it is to be.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::codec::digest_like;
use crate::support::layout::{REF_NAME, blob_path};
use crate::support::{Codec, Layer, Run, Sandbox, Tree, file, found};

mod bounds;
mod claims;
mod folders;
mod references;
mod selecting;

/// A digest that no blob has.
const LIE: &str = "sha256:abababababababababababababababababababababababababababababababab";

/// A layer that is stored in gzip.
fn layer(text: &str) -> Layer {
    file("text", text).codec(Codec::Gzip)
}

/// The descriptor with one more annotation: its name.
fn named(mut descriptor: Value, name: &str) -> Value {
    descriptor["annotations"][REF_NAME] = name.into();
    descriptor
}

/// An `index.json` annotation for a root.
fn name(name: &str) -> Value {
    json!({REF_NAME: name})
}

/// Converts a tree, which must succeed, and returns what was written, after a check of every claim in it.
#[track_caller]
fn converted(tree: &Tree, to: &str, args: &[&str]) -> Tree {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", tree);
    sandbox.convert(to, input, sandbox.path("out")).args(args).ok();
    sandbox.assert_holds(&["in.tar", "out"]);
    found::output(&sandbox.path("out"), to);
    Tree::read(&sandbox.path("out"))
}

/// Converts a tree, which must end with `code` and leave nothing.
#[track_caller]
fn refused(tree: &Tree, to: &str, args: &[&str], code: i32) -> Run {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", tree);
    let run = sandbox.convert(to, input, sandbox.path("out")).args(args).run();
    assert_eq!(run.code, code, "{run}");
    run.error();
    sandbox.assert_holds(&["in.tar"]);
    run
}

/// The image IDs of a layout, sorted.
fn ids(tree: &Tree) -> Vec<String> {
    let mut ids = found::oci_view(tree).expect("a layout").ids();
    ids.sort();
    ids
}

/// Everything below `index.json` that names a blob and misses it: descriptors, subjects, attestations.
fn unresolved(tree: &Tree) -> Vec<String> {
    let mut wrong = Vec::new();
    resolve(tree, &tree.json("index.json"), "index.json", &mut BTreeSet::new(), &mut wrong);
    wrong
}

fn resolve(tree: &Tree, value: &Value, at: &str, seen: &mut BTreeSet<String>, wrong: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| resolve(tree, item, at, seen, wrong)),
        Value::Object(map) => {
            for key in ["digest", "vnd.docker.reference.digest"] {
                let Some(digest) = map.get(key).and_then(Value::as_str) else { continue };
                let Some(bytes) = tree.get(&blob_path(digest)) else {
                    wrong.push(format!("{at}: {key} {digest} is not there"));
                    continue;
                };
                if digest_like(digest, bytes) != digest {
                    wrong.push(format!("{at}: {key} {digest} has other bytes"));
                }
                if map.get("size").is_some_and(|size| size.as_u64() != Some(bytes.len() as u64)) {
                    wrong.push(format!("{at}: {digest} has another size"));
                }
                if seen.insert(digest.to_owned())
                    && let Ok(document) = serde_json::from_slice(bytes)
                {
                    resolve(tree, &document, digest, seen, wrong);
                }
            }
            map.values().for_each(|value| resolve(tree, value, at, seen, wrong));
        }
        _ => {}
    }
}
