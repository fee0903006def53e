//! Archives from before docker 1.10: `repositories` maps names to the ID of a top layer, each layer is a folder with
//! its metadata (`json`), its tar (`layer.tar`) and the ID of its parent. There is no config; docker makes one when it
//! loads such an archive (moby, `image/v1`), and so do we, by the same rules.

use std::collections::{BTreeMap, HashSet};

use serde_json::value::RawValue;

use super::read::{add_roots, layer_blob};
use super::v1_config;
use crate::code::Code;
use crate::codec::Compression;
use crate::digest::DiffId;
use crate::document::Document;
use crate::error::{Error, Result, Within, quoted};
use crate::formats::Reading;
use crate::go_json;
use crate::graph::{Config, Graph, Image, Layer, Name, Node};
use crate::json::Cursor;
use crate::limits::exceeded;
use crate::media_type::LayerType;
use crate::platform::Platform;
use crate::tar_header::looks_like_tar;
use crate::tree::Members;

/// What becomes a config once the layers' diff_ids are known.
#[derive(Clone, Debug)]
pub(crate) struct LegacyConfig {
    /// What the top layer's metadata gives, key by key, as raw JSON.
    fields: BTreeMap<String, String>,
    /// Raw JSON.
    history: String,
}

/// Keys of a v1 `json` that have no place in a config.
const V1_KEYS: [&str; 6] = ["id", "parent", "Size", "parent_id", "layer_id", "throwaway"];

impl LegacyConfig {
    /// Composes the config: sorted keys, as Go writes a map.
    pub(crate) fn compose(&self, diff_ids: &[DiffId]) -> Result<Document> {
        let ids = go_json::array(diff_ids.iter().map(|id| go_json::quote(&id.to_string())));
        let rootfs = go_json::object([("type", go_json::quote("layers")), ("diff_ids", ids)]);
        let mut fields = self.fields.clone();
        fields.insert("history".to_owned(), self.history.clone());
        fields.insert("rootfs".to_owned(), rootfs);
        let text = go_json::object(fields.iter().map(|(key, raw)| (key.as_str(), raw.clone())));
        Ok(Document::compose_text(text))
    }
}

pub(super) fn read(graph: &mut Graph, members: &Members, reading: Reading<'_>) -> Result<()> {
    let list = members.document(members.file("repositories")?)?;
    let value = list.value();
    graph.docker_list = Some(list);
    let mut names: Vec<(String, Vec<Name>)> = Vec::new();
    let mut count = 0;
    (|| {
        for (repository, tags) in Cursor::new(&value).members()? {
            for (tag, id) in tags.members()? {
                count += 1;
                if count > reading.cx.limits.names {
                    return Err(exceeded("names", format!("more than {} names", reading.cx.limits.names)));
                }
                let (id, name) = (id.text()?, Name::from_repo_tag(&format!("{repository}:{tag}")));
                match names.iter_mut().find(|(known, _)| known == id) {
                    Some((_, names)) => names.push(name),
                    None => names.push((id.to_owned(), vec![name])),
                }
            }
        }
        Ok(())
    })()
    .within("repositories")?;
    if names.is_empty() && !reading.faults.are_noted() {
        return Err(Error::damaged("no image inside: it names none").within("repositories"));
    }
    for (position, (top, names)) in names.into_iter().enumerate() {
        reading.faults.attempt(read_image(graph, members, &top, names, position, reading))?;
    }
    Ok(())
}

fn read_image(
    graph: &mut Graph,
    members: &Members,
    top: &str,
    names: Vec<Name>,
    position: usize,
    reading: Reading<'_>,
) -> Result<()> {
    let chain = chain(members, top, reading).within(format!("image {}", quoted(top)))?;
    let (mut layers, mut missing) = (Vec::new(), Vec::new());
    for layer in &chain {
        let path = format!("{}/layer.tar", layer.id);
        let blob = reading.faults.attempt(layer_blob(graph, members, &path))?;
        // Nothing in such an archive says what its layers are; this much can be seen.
        if let Some(blob) = blob
            && graph.blob(blob).compression == Some(Compression::None)
            && !looks_like_tar(members.file(&path)?)?
        {
            reading.faults.forgive(Error::damaged("not a tar archive").coded(Code::LayerNotTar).within(&path))?;
        }
        if blob.is_none() {
            missing.push(format!("layer {}", quoted(&path)));
        }
        layers.push(Layer { blob, descriptor: None, diff_id: None, kind: LayerType::Tar });
    }
    let top = chain.last().expect("a chain has its top layer");
    let platform = Platform::read(&Cursor::new(&top.json.value()))?;
    let history = go_json::array(chain.iter().map(history).collect::<Result<Vec<_>>>()?);
    let fields = config_fields(&top.json).within(format!("{}/json", top.id))?;
    let config = Config::Legacy(LegacyConfig { fields, history });
    let node = graph.add_node(Node::Image(Box::new(Image { manifest: None, config, layers, platform, missing })));
    add_roots(graph, node, position, names, reading)
}

/// Returns what the top layer's metadata gives to the config.
fn config_fields(json: &Document) -> Result<BTreeMap<String, String>> {
    let value = json.value();
    let v1 = Cursor::new(&value);
    if v1_config::is_rewritten(v1.text_of("docker_version")?.unwrap_or_default()) {
        return v1_config::rewritten(&v1);
    }
    let mut fields = raw_fields(json)?;
    fields.retain(|key, _| !V1_KEYS.contains(&key.as_str()));
    Ok(fields)
}

struct V1Layer {
    id: String,
    json: Document,
}

/// Follows the parents down from the top layer; returns the layers bottom first.
fn chain(members: &Members, top: &str, reading: Reading<'_>) -> Result<Vec<V1Layer>> {
    let mut chain: Vec<V1Layer> = Vec::new();
    let mut seen = HashSet::new();
    let mut next = Some(top.to_owned());
    while let Some(id) = next {
        if id.is_empty() || id.contains('/') {
            return Err(Error::damaged(format!("{} is not the ID of a layer", quoted(&id))));
        }
        if !seen.insert(id.clone()) {
            return Err(Error::damaged(format!("a loop of parents at layer {}", quoted(&id))));
        }
        if chain.len() == reading.cx.limits.layers {
            return Err(exceeded("layers", format!("more than {} layers", chain.len())));
        }
        let path = format!("{id}/json");
        let json = members.document(members.file(&path)?)?;
        next = Cursor::new(&json.value())
            .text_of("parent")
            .within(path)?
            .filter(|parent| !parent.is_empty())
            .map(str::to_owned);
        chain.push(V1Layer { id, json });
    }
    chain.reverse();
    Ok(chain)
}

/// Returns the keys of a document with their raw values, compact.
pub(super) fn raw_fields(document: &Document) -> Result<BTreeMap<String, String>> {
    let raw: BTreeMap<String, &RawValue> = serde_json::from_slice(document.bytes())
        .map_err(|cause| Error::damaged("not a JSON object").caused_by(cause))?;
    Ok(raw.into_iter().map(|(key, value)| (key, go_json::compact(value.get()))).collect())
}

/// Words a layer's history entry (moby, `HistoryFromConfig`).
fn history(layer: &V1Layer) -> Result<String> {
    let value = layer.json.value();
    let json = Cursor::new(&value);
    let text = |key| Ok::<_, Error>(json.text_of(key)?.filter(|text| !text.is_empty()).map(go_json::quote));
    let command = match json.get("container_config")? {
        Some(config) => {
            let words: Vec<&str> = config.list("Cmd")?.iter().map(Cursor::text).collect::<Result<_>>()?;
            Some(words.join(" ")).filter(|command| !command.is_empty()).map(|command| go_json::quote(&command))
        }
        None => None,
    };
    let created = go_json::quote(&v1_config::time(json.text_of("created")?));
    let fields = [
        ("created", Some(created)),
        ("author", text("author")?),
        ("created_by", command),
        ("comment", text("comment")?),
    ];
    Ok(go_json::object(fields.into_iter().filter_map(|(key, value)| value.map(|value| (key, value)))))
}
