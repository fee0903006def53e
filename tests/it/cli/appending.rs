//! `--append` adds images to an OCI layout that is there.

use std::fs;

use super::{docker_tree, oci_tree, one};
use crate::support::{Image, Kind, Layout, Sandbox, Tree, file, found, image};

fn numbered(number: usize) -> Image {
    image().layer(file("etc/a", "one")).layer(file("number", &number.to_string()))
}

fn layout(number: usize, name: &str) -> Tree {
    Layout::new().named(&numbered(number), name).tree()
}

/// The names and IDs in a layout, in the order of its index.
fn listed(sandbox: &Sandbox) -> Vec<(Option<String>, Vec<String>)> {
    let view = found::output(&sandbox.path("out"), "oci-dir");
    assert!(view.missing.is_empty(), "blobs are missing: {:?}", view.missing);
    view.roots.into_iter().map(|(ids, name)| (name, ids)).collect()
}

fn expect(pairs: &[(Option<&str>, usize)]) -> Vec<(Option<String>, Vec<String>)> {
    pairs.iter().map(|(name, number)| (name.map(str::to_owned), vec![numbered(*number).id()])).collect()
}

#[test]
fn images_are_added_one_after_the_other() {
    let sandbox = Sandbox::new();
    for (number, name) in [(1, "docker.io/a/b:1"), (2, "docker.io/a/b:2"), (1, "docker.io/a/b:1")] {
        let input = sandbox.put_tree("in.tar", &layout(number, name));
        sandbox.convert("oci-dir", &input, sandbox.path("out")).args(["--append"]).ok();
    }
    assert_eq!(listed(&sandbox), expect(&[(Some("docker.io/a/b:1"), 1), (Some("docker.io/a/b:2"), 2)]));
    sandbox.assert_holds(&["in.tar", "out"]);
}

/// As skopeo does it: the name moves to the newer image, and the older one stays without it.
#[test]
fn a_name_moves_to_the_newer_image() {
    let sandbox = Sandbox::new();
    for number in [1, 2] {
        let input = sandbox.put_tree("in.tar", &layout(number, "docker.io/a/b:1"));
        sandbox.convert("oci-dir", &input, sandbox.path("out")).args(["--append"]).ok();
    }
    assert_eq!(listed(&sandbox), expect(&[(None, 1), (Some("docker.io/a/b:1"), 2)]));
}

#[test]
fn many_processes_may_add_at_once() {
    let sandbox = Sandbox::new();
    let inputs: Vec<_> = (0..12)
        .map(|number| sandbox.put_tree(&format!("{number}.tar"), &layout(number, &format!("docker.io/a/b:{number}"))))
        .collect();
    std::thread::scope(|scope| {
        for input in &inputs {
            let call = sandbox.convert("oci-dir", input, sandbox.path("out")).args(["--append"]);
            scope.spawn(|| call.ok());
        }
    });
    let mut found = listed(&sandbox);
    let names: Vec<String> = (0..12).map(|number| format!("docker.io/a/b:{number}")).collect();
    let mut expected: Vec<_> =
        names.iter().enumerate().map(|(number, name)| (Some(name.clone()), vec![numbered(number).id()])).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

/// What is in the layout already is not for this program to judge, let alone to lose.
#[test]
fn everything_that_was_there_stays() {
    let sandbox = Sandbox::new();
    let old = oci_tree().with_file("README", "mine").edit_json("index.json", |index| index["x-mine"] = 1.into());
    sandbox.put_tree("out", &old);
    let input = sandbox.put_tree("in.tar", &layout(1, "docker.io/a/b:1"));
    sandbox.convert("oci-dir", &input, sandbox.path("out")).args(["--append"]).ok();
    let new = Tree::read(&sandbox.path("out"));
    for member in &old.members {
        if let Kind::File(bytes) = &member.kind
            && member.name != "index.json"
        {
            assert!(new.file(&member.name) == bytes, "{} changed", member.name);
        }
    }
    let (old, new) = (old.json("index.json"), new.json("index.json"));
    assert_eq!(new["x-mine"], 1);
    assert_eq!(new["manifests"][0], old["manifests"][0]);
}

#[test]
fn a_failure_leaves_the_layout_as_it_was() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("out", &oci_tree());
    let before = Tree::read(&sandbox.path("out"));
    let broken = layout(1, "docker.io/a/b:1");
    let blob = crate::support::layout::blob_path(&numbered(1).diff_ids()[1]);
    let input = sandbox.put_tree("in.tar", &broken.replace(&blob, file("x", "other").tar));
    sandbox.convert("oci-dir", &input, sandbox.path("out")).args(["--append"]).fails(3);
    assert!(Tree::read(&sandbox.path("out")) == before, "the layout changed");
    sandbox.assert_holds(&["in.tar", "out"]);
}

#[test]
fn only_a_layout_can_be_added_to() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    for to in ["docker-archive", "docker-dir", "oci-archive", "hybrid-archive"] {
        sandbox.convert(to, &input, sandbox.path("x")).args(["--append"]).fails(2);
    }
    let run = sandbox.convert("oci-dir", &input, sandbox.path("x")).args(["--append", "--force"]).run();
    assert_eq!(run.code, 2, "{run}");
    fs::create_dir(sandbox.path("home")).expect("a folder can be made");
    fs::write(sandbox.path("home/letter"), b"precious").expect("a file can be written");
    let run = sandbox.convert("oci-dir", &input, sandbox.path("home")).args(["--append"]).run();
    assert!(matches!(run.code, 3..=5), "{run}");
    let file = sandbox.put("file", b"precious");
    let run = sandbox.convert("oci-dir", &input, &file).args(["--append"]).run();
    assert!(matches!(run.code, 3..=5 | 75), "{run}");
    assert_eq!(fs::read(file).expect("still there"), b"precious");
    assert_eq!(Tree::read(&sandbox.path("home")).names(), ["letter"]);
    sandbox.assert_holds(&["file", "home", "in.tar"]);
    assert_eq!(found::docker_view(&docker_tree()).expect("a docker-archive").ids(), [one().id()]);
}
