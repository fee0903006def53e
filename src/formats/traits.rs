//! What the shape of a source shows about who wrote it: facts only. What follows from them is in
//! [`inspect`](crate::inspect).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::descriptor::CONTAINERD_NAME;
use crate::document::Document;
use crate::graph::Graph;
use crate::json::Cursor;
use crate::tree::Members;

/// One thing that can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trait {
    /// There is a `manifest.json` that is a docker-archive's.
    List,
    /// `manifest.json` ends with a line feed.
    ListLine,
    /// The keys of `manifest.json` begin with small letters.
    ListSmall,
    /// Some item of `manifest.json` has `LayerSources`.
    Sources,
    /// `LayerSources` of layers whose keys are the names of the blobs that hold them uncompressed.
    PlainSources,
    /// There is a `repositories`.
    Repositories,
    /// Some folder has a `VERSION`, as v1 layers have.
    V1Files,
    /// All layers are `<64 digits>/layer.tar`, in folders that are members themselves.
    LayerFolders,
    /// The same without members for the folders.
    LayerPaths,
    /// All layers are `<64 digits>.tar`.
    LayerTars,
    /// All layers are `<64 digits>.tar.gz`, or `.tar` or `.tar.zst` beside those.
    LayerGzips,
    /// All configs are `<64 digits>.json`.
    ConfigHex,
    /// All configs are `sha256:<64 digits>`.
    ConfigDigest,
    /// All configs are `config.json`.
    ConfigPlain,
    /// Configs and layers are blobs of an OCI layout.
    BlobPaths,
    /// There is an `index.json`.
    Index,
    /// `oci-layout` is the compact JSON, without white space.
    LayoutCompact,
    /// The same with a space after the colon.
    LayoutSpaced,
    /// The compact JSON and a line feed.
    LayoutLine,
    /// `oci-layout` is indented by four spaces.
    LayoutIndented,
    /// `index.json` has a `mediaType`.
    IndexTyped,
    /// `index.json` is compact JSON.
    IndexCompact,
    /// `index.json` ends with a line feed.
    IndexLine,
    /// `index.json` is indented by three spaces.
    IndexIndented,
    /// A descriptor in `index.json` has containerd's annotation for the name.
    ContainerdNames,
    /// A descriptor in `index.json` says when it was made.
    Created,
    /// A descriptor in `index.json` has a platform.
    IndexPlatforms,
}

pub(crate) type Traits = BTreeSet<Trait>;

const CREATED: &str = "org.opencontainers.image.created";

/// Looks at members' names and at the documents that were read already.
pub(crate) fn traits(members: &Members, graph: &Graph) -> Traits {
    let mut traits = Traits::new();
    let mut note = |seen: bool, shows: Trait| {
        if seen {
            traits.insert(shows);
        }
    };
    note(members.contains("repositories"), Trait::Repositories);
    note(members.names().any(|name| name.ends_with("/VERSION")), Trait::V1Files);
    if let Some(index) = &graph.layout_index {
        of_index(index, &mut note);
        let layout = graph.layout_file.as_ref().map(Document::bytes);
        note(layout == Some(br#"{"imageLayoutVersion":"1.0.0"}"#), Trait::LayoutCompact);
        note(layout == Some(br#"{"imageLayoutVersion": "1.0.0"}"#), Trait::LayoutSpaced);
        note(layout == Some(b"{\"imageLayoutVersion\":\"1.0.0\"}\n"), Trait::LayoutLine);
        note(layout.is_some_and(|bytes| bytes.starts_with(b"{\n    \"")), Trait::LayoutIndented);
    }
    if let Some(list) = graph.docker_list.as_ref().filter(|_| members.contains("manifest.json")) {
        note(true, Trait::List);
        note(list.bytes().ends_with(b"\n"), Trait::ListLine);
        of_list(&list.value(), members, &mut note);
    }
    traits
}

fn of_index(index: &Document, note: &mut impl FnMut(bool, Trait)) {
    let (bytes, value) = (index.bytes(), index.value());
    let all: Vec<&Value> = value.get("manifests").and_then(Value::as_array).into_iter().flatten().collect();
    let annotated = |key: &str| all.iter().any(|one| one.get("annotations").is_some_and(|map| map.get(key).is_some()));
    note(true, Trait::Index);
    note(value.get("mediaType").is_some(), Trait::IndexTyped);
    note(bytes.starts_with(b"{\""), Trait::IndexCompact);
    note(bytes.starts_with(b"{\n   \""), Trait::IndexIndented);
    note(bytes.ends_with(b"\n"), Trait::IndexLine);
    note(annotated(CONTAINERD_NAME), Trait::ContainerdNames);
    note(annotated(CREATED), Trait::Created);
    note(all.iter().any(|one| one.get("platform").is_some()), Trait::IndexPlatforms);
}

fn of_list(list: &Value, members: &Members, note: &mut impl FnMut(bool, Trait)) {
    let items: Vec<&Value> = list.as_array().into_iter().flatten().collect();
    let field = |item: &Value, key: &str| Cursor::new(item).get(key).ok().flatten().map(|field| field.value().clone());
    let texts = |value: Value| match value {
        Value::Array(texts) => texts.into_iter().filter_map(|text| text.as_str().map(str::to_owned)).collect(),
        Value::String(text) => vec![text],
        _ => Vec::new(),
    };
    let of_all = |key: &str| items.iter().filter_map(|item| field(item, key)).flat_map(texts).collect::<Vec<String>>();
    let (configs, layers) = (of_all("Config"), of_all("Layers"));
    let all = |list: &[String], fits: &dyn Fn(&str) -> bool| !list.is_empty() && list.iter().all(|text| fits(text));
    let folder = |text: &str| text.strip_suffix("/layer.tar").filter(|id| is_hex(id)).map(str::to_owned);
    let small = |item: &&Value| item.get("config").is_some();
    note(items.iter().any(small), Trait::ListSmall);
    note(all(&layers, &|text| folder(text).is_some_and(|id| members.contains(&id))), Trait::LayerFolders);
    note(all(&layers, &|text| folder(text).is_some_and(|id| !members.contains(&id))), Trait::LayerPaths);
    note(all(&layers, &|text| text.strip_suffix(".tar").is_some_and(is_hex)), Trait::LayerTars);
    let gzips = layers.iter().any(|text| text.ends_with(".tar.gz"));
    note(gzips && all(&layers, &|text| text.split('.').next().is_some_and(is_hex)), Trait::LayerGzips);
    note(all(&configs, &|text| text.strip_suffix(".json").is_some_and(is_hex)), Trait::ConfigHex);
    note(all(&configs, &|text| text.strip_prefix("sha256:").is_some_and(is_hex)), Trait::ConfigDigest);
    note(all(&configs, &|text| text == "config.json"), Trait::ConfigPlain);
    note(all(&configs, &|text| text.starts_with("blobs/")), Trait::BlobPaths);
    let sources: Vec<Value> = items.iter().filter_map(|item| field(item, "LayerSources")).collect();
    note(!sources.is_empty(), Trait::Sources);
    let mut keys = sources.iter().filter_map(Value::as_object).flatten();
    let plain = |(key, source): (&String, &Value)| {
        source.get("digest").and_then(Value::as_str) == Some(key)
            && source.get("mediaType").and_then(Value::as_str).is_some_and(|text| text.ends_with(".tar"))
    };
    note(!sources.is_empty() && keys.all(plain), Trait::PlainSources);
}

fn is_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}
