//! Folders that somebody else filled are not replaced, forced or not.

use std::fs;
use std::path::Path;

use super::layer;
use crate::support::{Layout, Sandbox, Tree, image};

#[track_caller]
fn survives_force(sandbox: &Sandbox, input: &Path, folder: &Path, to: &str) {
    let before = Tree::read(folder);
    let run = sandbox.convert(to, input, folder).args(["--force"]).run();
    assert_eq!(run.code, 5, "{run}");
    run.error();
    assert_eq!(Tree::read(folder), before, "{to}: the folder changed");
}

fn layout() -> Tree {
    Layout::new().named(&image().layer(layer("a")), "docker.io/d/app:1").tree()
}

/// Browser extensions and web applications have a `manifest.json` too.
#[test]
fn force_spares_a_folder_whose_manifest_json_is_not_dockers() {
    let foreign = [
        Tree::default().with_file("manifest.json", r#"{"manifest_version":3}"#).with_file("src/precious.js", "x"),
        Tree::default().with_file("manifest.json", r#"{"name":"app"}"#),
        Tree::default().with_file("manifest.json", "[]").with_file("src/precious.js", "x"),
        Tree::default().with_file("index.json", "{}").with_file("src/precious.js", "x"),
    ];
    for tree in foreign {
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &layout());
        let folder = sandbox.put_tree("folder", &tree);
        for to in ["oci-dir", "docker-dir"] {
            survives_force(&sandbox, &input, &folder, to);
        }
        sandbox.assert_holds(&["folder", "in.tar"]);
    }
}

#[track_caller]
fn force_spares(to: &str, extra: &str) {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &layout());
    let folder = sandbox.path("folder");
    sandbox.convert(to, &input, &folder).ok();
    sandbox.convert(to, &input, &folder).args(["--force"]).ok();
    let letter = folder.join(extra);
    fs::create_dir_all(letter.parent().expect("a folder")).expect("a folder can be made");
    fs::write(letter, "precious").expect("a file can be written");
    survives_force(&sandbox, &input, &folder, to);
    sandbox.assert_holds(&["folder", "in.tar"]);
}

#[test]
fn force_spares_what_lies_beside_a_layout() {
    for extra in ["letter", "src/letter", ".git/config", "letter.txt"] {
        force_spares("oci-dir", extra);
        force_spares("docker-dir", extra);
    }
}

/// The files of a layout have fixed names, but for blobs, and those are digests.
#[test]
fn force_spares_what_lies_among_the_blobs() {
    for extra in ["blobs/letter", "blobs/sha256/letter", "letter.json", "letter.tar"] {
        force_spares("oci-dir", extra);
    }
}
