//! Archives of every make: formats, names, compressions, platforms, links, oddities that some engine trips over. All of
//! them can be opened.

mod of_docker;
mod of_oci;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::codec::{hex_of, sha256};
use super::layout::{IMAGE_NAME, REF_NAME, with};
use super::run::host_platform;
use super::{Codec, Image, Kind, Layout, Style, Tree, docker, file, image};

/// How a case is stored.
pub(crate) enum Case {
    File(Vec<u8>),
    Folder(Tree),
}

impl Case {
    pub(crate) fn put(&self, folder: &Path, name: &str) -> PathBuf {
        // Colons mean something to engines.
        let path = folder.join(name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
        match self {
            Self::File(bytes) => fs::write(&path, bytes).expect("the folder can be written"),
            Self::Folder(tree) => tree.write_to(&path),
        }
        path
    }
}

const NAME: &str = "docker.io/demo/app:1";
const SHORT: &str = "demo/app:1";

fn app() -> Image {
    image().platform(&host_platform()).layer(file("one", "1")).layer(file("two", "2"))
}

fn other() -> Image {
    image().platform(&host_platform()).layer(file("three", "3"))
}

fn foreign() -> Image {
    let platform = if host_platform() == "linux/arm64" { "linux/amd64" } else { "linux/arm64" };
    app().layer(file("foreign", "x")).platform(platform)
}

fn tar(tree: &Tree) -> Case {
    Case::File(tree.tar())
}

/// Every case with its name.
pub(crate) fn all() -> Vec<(String, Case)> {
    let mut all = Vec::new();
    for (group, cases) in of_docker::groups().into_iter().chain(of_oci::groups()).chain([("whole", wholes())]) {
        all.extend(cases.into_iter().map(|(name, case)| (format!("{group}: {name}"), case)));
    }
    all
}

type Cases = Vec<(String, Case)>;

fn cases<N: Into<String>>(list: impl IntoIterator<Item = (N, Tree)>) -> Cases {
    list.into_iter().map(|(name, tree)| (name.into(), tar(&tree))).collect()
}

/// The whole archive: compressed, in a folder, wrapped in one.
fn wholes() -> Cases {
    let docker_tree = docker(&[app().tag(NAME)], Style::Plain);
    let oci_tree = Layout::new().named(&app().codec(Codec::Gzip), NAME).tree();
    let mut cases: Cases = Vec::new();
    for (name, tree) in [("docker", &docker_tree), ("oci", &oci_tree)] {
        for codec in [Codec::Gzip, Codec::Zstd, Codec::Bzip2, Codec::Xz] {
            cases.push((format!("{name}, {}", codec.name()), Case::File(codec.pack(&tree.tar()))));
        }
        cases.push((format!("{name}, wrapped"), tar(&tree.clone().prefixed("inner/"))));
        cases.push((format!("{name}, folder"), Case::Folder(tree.clone())));
    }
    cases.push(("hybrid, gzip".into(), Case::File(Codec::Gzip.pack(&docker(&[app().tag(NAME)], Style::Hybrid).tar()))));
    cases
}
