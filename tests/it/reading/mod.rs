//! What is read: every layout, dialect and oddity that real producers write. One row each, and every row
//! converts to both families with the same image IDs and layers.

mod compressed;
mod dialects;
mod eras;
mod layouts;

use serde_json::Value;

use crate::support::layout::Layout;
use crate::support::tally;
use crate::support::{Image, Sandbox, Style, Tree, docker, file, found, image};

enum Input {
    Tar(Vec<u8>),
    Folder(Tree),
}

struct Row {
    what: &'static str,
    input: Input,
    images: Vec<Image>,
}

impl tally::Row for Row {
    fn group(&self) -> String {
        if matches!(self.input, Input::Tar(_)) { "archives" } else { "folders" }.into()
    }
    fn name(&self) -> String {
        self.what.into()
    }
}

fn tar(what: &'static str, tree: Tree, images: &[Image]) -> Row {
    bytes(what, tree.tar(), images)
}

fn bytes(what: &'static str, tar: Vec<u8>, images: &[Image]) -> Row {
    Row { what, input: Input::Tar(tar), images: images.to_vec() }
}

fn folder(what: &'static str, tree: Tree, images: &[Image]) -> Row {
    Row { what, input: Input::Folder(tree), images: images.to_vec() }
}

/// A row whose input is not what it says would prove nothing: our own reader must find its images in it.
fn assert_sound(row: &Row) {
    let tree = match &row.input {
        Input::Tar(bytes) => Tree::from_tar(bytes),
        Input::Folder(tree) => tree.clone(),
    };
    let Some(view) = found::docker_view(&tree).or_else(|| found::oci_view(&tree)) else { return };
    assert_eq!(view.faults, Vec::<String>::new());
    assert_eq!(view.ids().len(), row.images.len(), "images in the input");
    assert!(row.images.iter().all(|image| view.ids().contains(&image.id())), "images in the input");
}

fn check_reads(row: &Row) {
    assert_sound(row);
    for to in ["oci-archive", "docker-archive", "hybrid-archive"] {
        let sandbox = Sandbox::new();
        let input = match &row.input {
            Input::Tar(bytes) => sandbox.put("in.tar", bytes),
            Input::Folder(tree) => sandbox.put_tree("in", tree),
        };
        let out = sandbox.path("out");
        sandbox.convert(to, &input, &out).ok();
        let name = if input.is_dir() { "in" } else { "in.tar" };
        sandbox.assert_holds(&[name, "out"]);
        let output = found::output(&out, to);
        let mut expected: Vec<_> = row.images.iter().map(|image| (image.id(), image.diff_ids())).collect();
        let mut found: Vec<_> = output.images.iter().map(|image| (image.id(), image.diff_ids())).collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "to {to}");
    }
}

fn one() -> Image {
    image().layer(file("etc/a", "one")).layer(file("b", "two")).tag("demo:1")
}

fn two() -> Image {
    image().layer(file("etc/a", "one")).layer(file("c", "three")).tag("demo:2")
}

fn classic() -> Tree {
    docker(&[one()], Style::Classic)
}

fn oci() -> Tree {
    Layout::new().named(&one(), "docker.io/library/demo:1").tree()
}

/// Edits the only item of `manifest.json`.
fn item(tree: Tree, edit: impl FnOnce(&mut Value)) -> Tree {
    tree.edit_json("manifest.json", |manifest| edit(&mut manifest[0]))
}

fn layer_path(tree: &Tree, index: usize) -> String {
    tree.json("manifest.json")[0]["Layers"][index].as_str().expect("a path").to_owned()
}
