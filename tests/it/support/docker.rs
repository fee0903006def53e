//! Writes images as docker-archives, each style after the producer that it is named for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::codec::{hex_of, sha256};
use super::image::{Image, Layer};
use super::layout::Layout;
use super::tree::{Kind, Tree};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// docker 1.10 to 24: `<v1id>/layer.tar` with VERSION and json, a symlink for a layer that is there already.
    Classic,
    /// skopeo and podman: `<hex>.tar`, and v1 folders with symlinks to them.
    Skopeo,
    /// docker 25 and later: an OCI layout whose blobs manifest.json names too.
    Hybrid,
    /// docker before 1.10: `repositories` and chains of parents, no manifest.json.
    Legacy,
    /// go-containerregistry: `sha256:<hex>` and `<hex>.tar.gz`.
    Crane,
    /// By hand: config0.json, 0-0.tar.
    Plain,
}

pub(crate) fn docker(images: &[Image], style: Style) -> Tree {
    match style {
        Style::Hybrid => hybrid(images),
        Style::Legacy => legacy(images),
        _ => with_manifest(images, style),
    }
}

/// An identifier of a v1 folder: unique for image, position and content.
fn v1_id(image: &Image, position: usize) -> String {
    let chain = format!("{:?} {}", image.diff_ids().get(..=position), image.id());
    hex_of(&sha256(chain.as_bytes())).to_owned()
}

fn entry(config: &str, image: &Image, layers: &[String]) -> Value {
    let names = if image.names.is_empty() { Value::Null } else { json!(image.names) };
    json!({"Config": config, "RepoTags": names, "Layers": layers})
}

fn with_manifest(images: &[Image], style: Style) -> Tree {
    let mut tree = Tree::default();
    let mut manifest = Vec::new();
    let mut stored: BTreeMap<String, String> = BTreeMap::new();
    for (number, image) in images.iter().enumerate() {
        let config = match style {
            Style::Crane => image.id(),
            Style::Plain => format!("config{number}.json"),
            _ => format!("{}.json", hex_of(&image.id())),
        };
        let mut layers = Vec::new();
        for (position, layer) in image.layers.iter().enumerate() {
            let path = match style {
                Style::Classic => classic_layer(&mut tree, &mut stored, image, position),
                Style::Skopeo => flat_layer(&mut tree, &format!("{}.tar", hex_of(&layer.diff_id())), layer),
                Style::Crane => flat_layer(&mut tree, &format!("{}.tar.gz", hex_of(&sha256(&layer.blob()))), layer),
                _ => flat_layer(&mut tree, &format!("{number}-{position}.tar"), layer),
            };
            layers.push(path);
        }
        if tree.position(&config).is_none() {
            tree.push(&config, Kind::File(image.config_bytes()));
        }
        if style == Style::Skopeo {
            for (position, path) in layers.iter().enumerate() {
                let folder = v1_id(image, position);
                tree.push(format!("{folder}/layer.tar"), Kind::Symlink(format!("../{path}")));
                push_v1(&mut tree, &folder, image, position);
            }
        }
        manifest.push(entry(&config, image, &layers));
    }
    tree.push("manifest.json", Kind::File(Value::from(manifest).to_string().into_bytes()));
    if matches!(style, Style::Classic | Style::Skopeo) {
        tree.push("repositories", Kind::File(repositories(images).to_string().into_bytes()));
    }
    tree
}

fn flat_layer(tree: &mut Tree, path: &str, layer: &Layer) -> String {
    if tree.position(path).is_none() {
        tree.push(path, Kind::File(layer.blob()));
    }
    path.to_owned()
}

fn classic_layer(tree: &mut Tree, stored: &mut BTreeMap<String, String>, image: &Image, position: usize) -> String {
    let layer = &image.layers[position];
    let folder = v1_id(image, position);
    let path = format!("{folder}/layer.tar");
    if tree.position(&path).is_some() {
        return path;
    }
    tree.push(format!("{folder}/"), Kind::Dir);
    push_v1(tree, &folder, image, position);
    let kind = match stored.get(&layer.diff_id()) {
        Some(earlier) => Kind::Symlink(format!("../{earlier}")),
        None => Kind::File(layer.blob()),
    };
    stored.entry(layer.diff_id()).or_insert_with(|| path.clone());
    tree.push(&path, kind);
    path
}

fn push_v1(tree: &mut Tree, folder: &str, image: &Image, position: usize) {
    let mut json = json!({"id": folder, "created": "1970-01-01T00:00:00Z", "os": "linux"});
    if position > 0 {
        json["parent"] = v1_id(image, position - 1).into();
    }
    tree.push(format!("{folder}/VERSION"), Kind::File(b"1.0".to_vec()));
    tree.push(format!("{folder}/json"), Kind::File(json.to_string().into_bytes()));
}

fn repositories(images: &[Image]) -> Value {
    let mut map = json!({});
    for image in images.iter().filter(|image| !image.layers.is_empty()) {
        for name in &image.names {
            if let Some((repository, tag)) = name.rsplit_once(':') {
                map[repository][tag] = v1_id(image, image.layers.len() - 1).into();
            }
        }
    }
    map
}

fn legacy(images: &[Image]) -> Tree {
    let mut tree = Tree::default();
    for image in images {
        for (position, layer) in image.layers.iter().enumerate() {
            let folder = v1_id(image, position);
            tree.push(format!("{folder}/"), Kind::Dir);
            push_v1(&mut tree, &folder, image, position);
            tree.push(format!("{folder}/layer.tar"), Kind::File(layer.blob()));
        }
    }
    tree.with("repositories", Kind::File(repositories(images).to_string().into_bytes()))
}

fn hybrid(images: &[Image]) -> Tree {
    let mut layout = Layout::new();
    let mut manifest = Vec::new();
    for image in images {
        let descriptor = layout.image(image);
        for name in &image.names {
            let tag = name.rsplit(':').next().expect("a split has a part");
            layout.root(
                descriptor.clone(),
                json!({"io.containerd.image.name": super::names::full(name), super::layout::REF_NAME: tag}),
            );
        }
        if image.names.is_empty() {
            layout.root(descriptor, Value::Null);
        }
        let path = |digest: String| format!("blobs/{}", digest.replace(':', "/"));
        let layers: Vec<String> = image.layers.iter().map(|layer| path(sha256(&layer.blob()))).collect();
        manifest.push(entry(&path(image.id()), image, &layers));
    }
    let text = Value::from(manifest).to_string() + "\n";
    layout.tree().with_file("manifest.json", text)
}
