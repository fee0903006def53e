//! The members of a docker-archive as containers/image writes them, so that an archive of the same image under the same
//! name is the same bytes as skopeo's and podman's.

use std::collections::{BTreeMap, BTreeSet};

use super::v1;
use crate::digest::{DiffId, Digest};
use crate::document::Document;
use crate::error::Result;
use crate::go_json;
use crate::output::{Body, Entry};
use crate::plan::JobId;
use crate::reference::Reference;

/// An image whose layers are known.
#[derive(Clone, Debug)]
pub(crate) struct DockerImage {
    pub(crate) config: Document,
    pub(crate) layers: Vec<DockerLayer>,
    pub(crate) tags: Vec<Reference>,
}

#[derive(Clone, Debug)]
pub(crate) struct DockerLayer {
    /// Of its bytes as they are stored.
    pub(crate) digest: Digest,
    pub(crate) diff_id: Option<DiffId>,
    pub(crate) job: JobId,
    /// The member that holds it.
    pub(crate) name: String,
}

pub(crate) const FILE_MODE: u32 = 0o444;
const LINK_MODE: u32 = 0;

/// Returns the archive's members in their order: for each image its layers, its config and its v1 metadata, each once;
/// then what lists them.
pub(crate) fn entries(images: &[DockerImage]) -> Result<Vec<Entry>> {
    let mut archive = Archive::default();
    let mut items = Vec::new();
    let mut tops = Vec::new();
    for image in images {
        for layer in &image.layers {
            archive.add(&layer.name, FILE_MODE, Body::Job(layer.job));
        }
        let config = format!("{}.json", image.config.sha256().hex());
        archive.add(&config, FILE_MODE, Body::Bytes(image.config.shared_bytes()));
        let diff_ids: Vec<_> = image.layers.iter().filter_map(|layer| layer.diff_id).collect();
        let v1_layers = v1::layers(&image.config, &diff_ids)?;
        for (layer, v1) in image.layers.iter().zip(&v1_layers) {
            let file = |name: &str| format!("{}/{name}", v1.id);
            archive.add(&file("layer.tar"), LINK_MODE, Body::Symlink(format!("../{}", layer.name)));
            archive.add(&file("VERSION"), FILE_MODE, Body::text("1.0"));
            archive.add(&file("json"), FILE_MODE, Body::text(&v1.json));
        }
        let layers = image.layers.iter().map(|layer| layer.name.as_str());
        items.push(manifest_entry(&config, &image.tags, layers, "[]"));
        if let Some(top) = v1_layers.last() {
            tops.extend(image.tags.iter().map(|tag| (tag, top.id.clone())));
        }
    }
    archive.add("manifest.json", FILE_MODE, Body::text(&go_json::array(items)));
    archive.add("repositories", FILE_MODE, Body::text(&repositories(tops)));
    Ok(archive.entries)
}

/// Members in order, each name once.
#[derive(Default)]
struct Archive {
    entries: Vec<Entry>,
    names: BTreeSet<String>,
}

impl Archive {
    fn add(&mut self, name: &str, mode: u32, body: Body) {
        if self.names.insert(name.to_owned()) {
            self.entries.push(Entry { name: name.to_owned(), mode, body });
        }
    }
}

/// Writes an item of `manifest.json`; `none` is what stands for no tags and no layers.
pub(crate) fn manifest_entry<'a>(
    config: &str,
    tags: &[Reference],
    layers: impl Iterator<Item = &'a str>,
    none: &str,
) -> String {
    let list = |items: Vec<String>| if items.is_empty() { none.to_owned() } else { go_json::array(items) };
    go_json::object([
        ("Config", go_json::quote(config)),
        ("RepoTags", list(tags.iter().map(|tag| go_json::quote(&tag.to_string())).collect())),
        ("Layers", list(layers.map(go_json::quote).collect())),
    ])
}

/// Writes `repositories`: what each tag's top layer is.
pub(crate) fn repositories<'a>(tops: impl IntoIterator<Item = (&'a Reference, String)>) -> String {
    let mut map: BTreeMap<String, BTreeMap<&str, String>> = BTreeMap::new();
    for (reference, top) in tops {
        if let Some(tag) = reference.tag() {
            map.entry(reference.repository()).or_default().insert(tag, top);
        }
    }
    let tags =
        |tags: &BTreeMap<&str, String>| go_json::object(tags.iter().map(|(&tag, top)| (tag, go_json::quote(top))));
    go_json::object(map.iter().map(|(repository, of)| (repository.as_str(), tags(of))))
}
