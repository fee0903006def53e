//! Reading a docker-archive. A path in `manifest.json` is only a member's name: no digest is inferred from it.

use std::collections::HashSet;

use super::legacy;
use crate::code::Code;
use crate::digest::{DiffId, Digest, ImageId};
use crate::document::{self, Document};
use crate::error::{Error, Result, Within, quoted};
use crate::formats::Reading;
use crate::graph::{BlobId, Config, Graph, Image, Layer, Look, Name, Node, NodeId, Root};
use crate::json::Cursor;
use crate::limits::exceeded;
use crate::media_type::LayerType;
use crate::platform::Platform;
use crate::tree::Members;

/// One item of `manifest.json`, as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// `None`: it cannot be read, which is noted.
    pub(crate) config: Option<Document>,
    /// The member that holds the config.
    pub(crate) config_path: String,
    /// Where it stands in `manifest.json`.
    position: usize,
    /// Members, bottom first.
    pub(crate) layers: Vec<String>,
    /// `RepoTags`.
    pub(crate) tags: Vec<String>,
    /// Where layers that are not in the archive could be had (`LayerSources` of foreign layers).
    urls: Vec<String>,
}

/// Reads every image of the archive.
pub(crate) fn read(members: &Members, reading: Reading<'_>) -> Result<Graph> {
    let mut graph = Graph::default();
    if !members.contains("manifest.json") && members.contains("repositories") {
        reading.faults.attempt(legacy::read(&mut graph, members, reading))?;
        return Ok(graph);
    }
    let Some((list, entries)) = reading.faults.attempt(entries(members, reading))? else { return Ok(graph) };
    graph.docker_list = Some(list);
    if entries.is_empty() && !reading.faults.are_noted() {
        return Err(Error::damaged("no image inside: the list is empty").within("manifest.json"));
    }
    for entry in &entries {
        reading.faults.attempt(add_image(&mut graph, members, entry, entry.position, reading))?;
    }
    graph.entries = entries;
    Ok(graph)
}

/// Reads `manifest.json` and the configs that it names.
pub(crate) fn entries(members: &Members, reading: Reading<'_>) -> Result<(Document, Vec<Entry>)> {
    let document = members.document(members.file("manifest.json")?)?;
    let value = document.value();
    let entries = (|| {
        let list = Cursor::new(&value);
        if list.value().is_object() && list.get("schemaVersion")?.is_some() {
            return Err(list
                .error("not a JSON array, but a single manifest")
                .hint("this is the content of a containers/image `dir:`; skopeo can copy it to an oci-archive"));
        }
        let items = list.items()?;
        let entries = items.iter().enumerate().map(|(i, item)| entry(members, item, i, reading));
        reading.faults.each(entries.map(|entry| entry.within("manifest.json")))
    })();
    Ok((document, entries.within("manifest.json")?))
}

fn entry(members: &Members, item: &Cursor<'_>, position: usize, reading: Reading<'_>) -> Result<Entry> {
    let at = |key: &str| format!("[{position}].{key}");
    let texts = |key| item.list(key)?.iter().map(|text| text.text().map(str::to_owned)).collect::<Result<Vec<_>>>();
    let config_path = item.need("Config")?.text()?;
    let config = || members.document(members.file(config_path).within(at("Config"))?).within("manifest.json");
    let config = reading.faults.attempt(config())?;
    if let Some(config) = &config {
        remark_name(config_path, config, reading);
    }
    let sources = item.get("LayerSources")?.map_or(Ok(Vec::new()), |sources| sources.members())?;
    let urls = sources.iter().filter_map(|(_, source)| source.value().get("urls")?.as_array());
    Ok(Entry {
        config,
        config_path: config_path.to_owned(),
        position,
        layers: texts("Layers")?,
        tags: texts("RepoTags")?,
        urls: urls.flatten().filter_map(|url| url.as_str().map(str::to_owned)).collect(),
    })
}

/// Notes a config that has another digest than its name. Tools name configs by their digests, and none checks it; a blob
/// of a layout is checked by its name anyway.
fn remark_name(path: &str, config: &Document, reading: Reading<'_>) {
    let base = path.rsplit('/').next().unwrap_or(path);
    let hex = base.strip_prefix("sha256:").or(base.strip_suffix(".json")).unwrap_or_default();
    let named = format!("sha256:{hex}").parse::<Digest>();
    if let Ok(named) = named
        && named != config.sha256()
        && !path.starts_with("blobs/")
    {
        reading.faults.remark(|| Error::mismatch(Code::ConfigName, "name", named, config.sha256()).about(path));
    }
}

impl Entry {
    /// Returns the hash of the config, if that can be read.
    pub(crate) fn id(&self) -> Option<ImageId> {
        self.config.as_ref().map(|config| ImageId::of_config(config.sha256()))
    }

    /// Returns the image's names, each once, or that there is none.
    pub(crate) fn names(&self) -> Vec<Name> {
        let mut seen = HashSet::new();
        let names = self.tags.iter().map(|tag| Name::from_repo_tag(tag));
        let names: Vec<Name> = names.filter(|name| seen.insert(name.clone())).collect();
        if names.is_empty() { vec![Name::None] } else { names }
    }
}

/// Adds an image and a root for each of its names.
pub(crate) fn add_image(
    graph: &mut Graph,
    members: &Members,
    entry: &Entry,
    position: usize,
    reading: Reading<'_>,
) -> Result<()> {
    let limit = reading.cx.limits.layers;
    if entry.layers.len() > limit {
        let message = format!("{} layers, the limit is {limit}", entry.layers.len());
        return Err(exceeded("layers", message).within("manifest.json"));
    }
    let (mut missing, mut layers) = (Vec::new(), Vec::new());
    let claims = entry.config.as_ref().map(|config| claims(entry, config, reading).within(quoted(&entry.config_path)));
    let claims = reading.faults.attempt(claims.transpose())?.flatten();
    let (platform, diff_ids) = claims.unwrap_or_default();
    let config = entry.config.clone().map_or_else(
        || {
            missing.push(format!("config {}", quoted(&entry.config_path)));
            Config::Missing
        },
        Config::Document,
    );
    for (i, path) in entry.layers.iter().enumerate() {
        let blob = layer_blob(graph, members, path).map_err(|error| {
            let error = error.within(format!("[{}].Layers[{i}]", entry.position)).within("manifest.json");
            match entry.urls.first() {
                Some(url) => error.hint(format!("a foreign layer, to be fetched from {url}; put it into the archive")),
                None => error,
            }
        });
        let blob = reading.faults.attempt(blob)?;
        if blob.is_none() {
            missing.push(format!("layer {}", quoted(path)));
        }
        let diff_id = diff_ids.as_ref().map(|ids| ids[i]);
        layers.push(Layer { blob, descriptor: None, diff_id, kind: LayerType::Tar });
    }
    let node = graph.add_node(Node::Image(Box::new(Image { manifest: None, config, layers, platform, missing })));
    add_roots(graph, node, position, entry.names(), reading)
}

/// Reads what the config claims: its platform, and a diff_id for each layer.
fn claims(entry: &Entry, config: &Document, reading: Reading<'_>) -> Result<(Option<Platform>, Option<Vec<DiffId>>)> {
    let value = config.value();
    let config = Cursor::new(&value);
    let platform = Platform::read(&config)?;
    let diff_ids = match (config.get("rootfs")?, reading.recompute) {
        (Some(rootfs), _) => document::diff_ids(&rootfs)?,
        (None, true) => return Ok((platform, None)),
        (None, false) if entry.layers.is_empty() => Vec::new(),
        (None, false) => {
            reading.faults.forgive(document::no_rootfs())?;
            return Ok((platform, None));
        }
    };
    if diff_ids.len() == entry.layers.len() {
        return Ok((platform, Some(diff_ids)));
    }
    if !reading.recompute {
        reading.faults.forgive(document::count_mismatch(entry.layers.len(), diff_ids.len()))?;
    }
    Ok((platform, None))
}

pub(super) fn layer_blob(graph: &mut Graph, members: &Members, path: &str) -> Result<BlobId> {
    graph.add_blob(members.file(path)?, Look::Into, None)
}

pub(super) fn add_roots(
    graph: &mut Graph,
    node: NodeId,
    position: usize,
    names: Vec<Name>,
    reading: Reading<'_>,
) -> Result<()> {
    let mut roots = names.into_iter().map(|name| Root { node, position, descriptor: None, name });
    roots.try_for_each(|root| graph.add_root(root, reading.cx.limits.names))
}
