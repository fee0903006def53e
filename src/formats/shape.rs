//! What a source's members show apart from the images that they make up: how it is packed, spelled and linked. Nothing
//! of it matters to a conversion; it decides which other readers take the source.

use std::collections::HashMap;

use super::docker::Entry;
use crate::codec::Compression;
use crate::json::Cursor;
use crate::tree::{Container, Members, Way};

/// Facts of a source that its graph does not hold.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) container: Container,
    /// How the source is compressed as a whole.
    pub(crate) outer: Compression,
    /// Everything lies in one folder.
    pub(crate) wrapped: bool,
    /// Some member's name begins with a slash.
    pub(crate) absolute_name: bool,
    /// Some symbolic link does not lead to a file at once.
    pub(crate) far_link: bool,
    /// Some symbolic link has a name like `./x`.
    pub(crate) unclean_link: bool,
    /// `index.json` or `oci-layout` is a link.
    pub(crate) linked_index: bool,
    /// The version in `oci-layout`; `None` when there is no such file.
    pub(crate) layout: Option<String>,
    /// There is an `index.json`, whatever the source is read as.
    pub(crate) index: bool,
    /// `repositories` without a `manifest.json`: from before docker 1.10.
    pub(crate) legacy: bool,
    /// `manifest.json`: the way to it, and its size in bytes.
    pub(crate) manifest: Option<(Way, u64)>,
    /// What the items of `manifest.json` name, in its order.
    pub(crate) items: Vec<ItemShape>,
}

/// How an item of `manifest.json` reaches its files.
#[derive(Clone, Debug)]
pub(crate) struct ItemShape {
    pub(crate) config: Way,
    pub(crate) layers: Vec<LayerShape>,
}

/// How a layer that `manifest.json` names is reached and packed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerShape {
    pub(crate) way: Way,
    /// As sniffed; `None` when it is not there or cannot be read.
    pub(crate) compression: Option<Compression>,
}

/// No producer's `oci-layout` is larger.
const LAYOUT_LIMIT: u64 = 4096;

impl Shape {
    /// Looks at the members of a source that was read; `entries` are the items of its `manifest.json`.
    pub(crate) fn of(members: &Members, container: Container, entries: &[Entry]) -> Self {
        let linked = |name| members.find(name).is_ok_and(|found| found.is_some()) && !members.way(name).is_plain();
        let manifest = members.find("manifest.json").ok().flatten();
        let mut compressions = HashMap::new();
        let mut layer = |path: &String| {
            let sniff = || members.find(path).ok().flatten().and_then(|content| content.sniff().ok());
            let compression = *compressions.entry(path.clone()).or_insert_with(sniff);
            LayerShape { way: members.way(path), compression }
        };
        let items = entries.iter().map(|entry| ItemShape {
            config: members.way(&entry.config_path),
            layers: entry.layers.iter().map(&mut layer).collect(),
        });
        let items = items.collect();
        Self {
            container,
            outer: members.outer,
            wrapped: members.is_wrapped(),
            absolute_name: members.has_absolute_name,
            far_link: members.has_far_link(),
            unclean_link: members.has_unclean_link,
            linked_index: ["index.json", "oci-layout"].into_iter().any(linked),
            layout: layout_version(members),
            index: members.contains("index.json"),
            legacy: manifest.is_none() && members.contains("repositories"),
            manifest: manifest.map(|content| (members.way("manifest.json"), content.size())),
            items,
        }
    }
}

/// Reads the version that `oci-layout` tells; empty when it tells none.
fn layout_version(members: &Members) -> Option<String> {
    let bytes = members.find("oci-layout").ok().flatten()?.read(LAYOUT_LIMIT).unwrap_or_default();
    let version = || {
        let value = serde_json::from_slice(&bytes).ok()?;
        Cursor::new(&value).text_of("imageLayoutVersion").ok().flatten().map(str::to_owned)
    };
    Some(version().unwrap_or_default())
}
