//! Reads archives and folders again, with other code than the program's, and recomputes every digest in them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::codec::{Codec, base64_decode, diff_id, digest_like, sha256};
use super::layout::{IMAGE_NAME, REF_NAME, blob_path};
use super::tree::{Kind, Tree};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundLayer {
    pub(crate) path: String,
    /// The digest of the stored bytes, measured.
    pub(crate) digest: String,
    /// The digest of the plain stream, measured.
    pub(crate) diff_id: String,
    pub(crate) size: usize,
    pub(crate) codec: Codec,
    pub(crate) media_type: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) names: Vec<String>,
    pub(crate) config: Vec<u8>,
    pub(crate) platform: String,
    pub(crate) manifest_digest: Option<String>,
    pub(crate) layers: Vec<FoundLayer>,
}

impl Found {
    pub(crate) fn id(&self) -> String {
        sha256(&self.config)
    }

    pub(crate) fn diff_ids(&self) -> Vec<String> {
        self.layers.iter().map(|layer| layer.diff_id.clone()).collect()
    }
}

/// What one of the two readings of a tree found.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(crate) images: Vec<Found>,
    /// The image IDs that each item of `manifest.json` or `index.json` leads to, and its name.
    pub(crate) roots: Vec<(Vec<String>, Option<String>)>,
    /// Digests or paths that something names and nothing holds.
    pub(crate) missing: BTreeSet<String>,
    /// Digests of manifests that are not images: attestations, signatures, other artifacts.
    pub(crate) artifacts: Vec<String>,
    /// Claims that the bytes contradict.
    pub(crate) faults: Vec<String>,
}

impl View {
    pub(crate) fn ids(&self) -> Vec<String> {
        self.images.iter().map(Found::id).collect()
    }

    fn push(&mut self, found: Found) {
        if let Some((ids, _)) = self.roots.last_mut() {
            ids.push(found.id());
        }
        let same = |old: &&mut Found| old.config == found.config && old.manifest_digest == found.manifest_digest;
        match self.images.iter_mut().find(same) {
            Some(old) => old.names.extend(found.names),
            None => self.images.push(found),
        }
    }

    fn measure(&mut self, path: &str, stored: &[u8], media_type: &str) -> FoundLayer {
        let diff_id = diff_id(stored).unwrap_or_else(|error| {
            self.faults.push(format!("{path} does not inflate: {error}"));
            String::new()
        });
        FoundLayer {
            path: path.to_owned(),
            digest: sha256(stored),
            diff_id,
            size: stored.len(),
            codec: Codec::sniff(stored),
            media_type: media_type.to_owned(),
        }
    }

    fn compare_diff_ids(&mut self, found: &Found) {
        let config: Value = serde_json::from_slice(&found.config).unwrap_or(Value::Null);
        let claimed: Vec<&str> = array(&config["rootfs"]["diff_ids"]).iter().filter_map(Value::as_str).collect();
        if claimed != found.diff_ids() {
            self.faults.push(format!("diff_ids of {} are not those of its layers", found.id()));
        }
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A key of a Go JSON document, which may be written in any case.
fn field<'a>(value: &'a Value, key: &str) -> &'a Value {
    let found = value.as_object().and_then(|map| map.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)));
    found.map_or(&Value::Null, |(_, value)| value)
}

/// Parses a document of a layout; keys in another case get the case that the specification gives them.
fn parse(text: &[u8]) -> serde_json::Result<Value> {
    const KEYS: [&str; 10] =
        ["manifests", "layers", "config", "mediaType", "digest", "size", "annotations", "platform", "os", "data"];
    fn respell(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (mut key, mut value) in std::mem::take(map) {
                    if let Some(known) = KEYS.iter().find(|known| known.eq_ignore_ascii_case(&key)) {
                        key = (*known).to_owned();
                    }
                    respell(&mut value);
                    map.insert(key, value);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(respell),
            _ => {}
        }
    }
    let mut document = serde_json::from_slice(text)?;
    respell(&mut document);
    Ok(document)
}

fn platform(config: &[u8]) -> String {
    let config: Value = serde_json::from_slice(config).unwrap_or(Value::Null);
    ["os", "architecture", "variant"]
        .iter()
        .filter_map(|key| config[key].as_str().filter(|text| !text.is_empty()))
        .collect::<Vec<_>>()
        .join("/")
}

/// What `manifest.json` says, checked; `None` without one.
pub(crate) fn docker_view(tree: &Tree) -> Option<View> {
    let text = tree.get("manifest.json")?;
    let mut view = View::default();
    let manifest: Value = match serde_json::from_slice(text) {
        Ok(manifest) => manifest,
        Err(error) => {
            view.faults.push(format!("manifest.json: {error}"));
            return Some(view);
        }
    };
    for item in array(&manifest) {
        view.roots.push(Default::default());
        let config_path = field(item, "Config").as_str().unwrap_or_default();
        let Some(config) = tree.get(config_path) else {
            view.missing.insert(config_path.to_owned());
            continue;
        };
        let mut found = Found {
            names: array(field(item, "RepoTags")).iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            config: config.to_vec(),
            platform: platform(config),
            manifest_digest: None,
            layers: Vec::new(),
        };
        for path in array(field(item, "Layers")).iter().filter_map(Value::as_str) {
            match tree.get(path) {
                Some(stored) => found.layers.push(view.measure(path, stored, "")),
                None => drop(view.missing.insert(path.to_owned())),
            }
        }
        if found.layers.len() == array(field(item, "Layers")).len() {
            view.compare_diff_ids(&found);
            view.push(found);
        }
    }
    Some(view)
}

/// What `index.json` says, checked; `None` without one.
pub(crate) fn oci_view(tree: &Tree) -> Option<View> {
    let text = tree.get("index.json")?;
    let mut view = View::default();
    match parse(text) {
        Ok(index) => {
            for descriptor in array(&index["manifests"]) {
                let names = names_of(descriptor);
                view.roots.push((Vec::new(), names.first().cloned()));
                view.visit(tree, descriptor, &names, 0);
            }
        }
        Err(error) => view.faults.push(format!("index.json: {error}")),
    }
    Some(view)
}

/// The name of a root: the full one when there is one.
fn names_of(descriptor: &Value) -> Vec<String> {
    let annotations = &descriptor["annotations"];
    let name = annotations[IMAGE_NAME].as_str().or_else(|| annotations[REF_NAME].as_str());
    name.map(str::to_owned).into_iter().collect()
}

impl View {
    /// The bytes that a descriptor names or holds, after a check of digest and size.
    fn blob<'a>(&mut self, tree: &'a Tree, descriptor: &Value) -> Option<Cow<'a, [u8]>> {
        let digest = descriptor["digest"].as_str().unwrap_or_default();
        let inline = || descriptor["data"].as_str().map(|text| Cow::Owned(base64_decode(text)));
        let Some(bytes) = tree.get(&blob_path(digest)).map(Cow::Borrowed).or_else(inline) else {
            self.missing.insert(digest.to_owned());
            return None;
        };
        if digest_like(digest, &bytes) != digest {
            self.faults.push(format!("{digest} has other bytes"));
        }
        if descriptor["size"].as_u64() != Some(bytes.len() as u64) {
            self.faults.push(format!("{digest} has another size"));
        }
        Some(bytes)
    }

    fn visit(&mut self, tree: &Tree, descriptor: &Value, names: &[String], depth: usize) {
        assert!(depth < 20, "indexes nest too deeply for a test");
        let digest = descriptor["digest"].as_str().unwrap_or_default().to_owned();
        let Some(bytes) = self.blob(tree, descriptor) else { return };
        let Ok(document) = parse(&bytes) else {
            self.faults.push(format!("{digest} is not JSON"));
            return;
        };
        if document["manifests"].is_array() {
            for child in array(&document["manifests"]) {
                self.visit(tree, child, names, depth + 1);
            }
        } else if is_image(descriptor, &document) {
            self.visit_image(tree, &digest, &document, names);
        } else {
            self.artifacts.push(digest);
            for part in array(&document["layers"]).iter().chain([&document["config"]]) {
                self.blob(tree, part);
            }
        }
    }

    fn visit_image(&mut self, tree: &Tree, digest: &str, manifest: &Value, names: &[String]) {
        let config = self.blob(tree, &manifest["config"]);
        let descriptors = array(&manifest["layers"]);
        let mut layers = Vec::new();
        for descriptor in descriptors {
            if let Some(stored) = self.blob(tree, descriptor) {
                let path = blob_path(descriptor["digest"].as_str().unwrap_or_default());
                let media_type = descriptor["mediaType"].as_str().unwrap_or_default();
                layers.push(self.measure(&path, &stored, media_type));
            }
        }
        let Some(config) = config.filter(|_| layers.len() == descriptors.len()) else { return };
        let found = Found {
            names: names.to_vec(),
            config: config.to_vec(),
            platform: platform(&config),
            manifest_digest: Some(digest.to_owned()),
            layers,
        };
        self.compare_diff_ids(&found);
        self.push(found);
    }
}

/// Whether a manifest is an image's, and not that of a signature, an attestation or a model.
fn is_image(descriptor: &Value, manifest: &Value) -> bool {
    let config = manifest["config"]["mediaType"].as_str().unwrap_or_default();
    let unknown = |value: &Value| value["platform"]["os"] == "unknown";
    let attests = descriptor["annotations"]["vnd.docker.reference.type"].is_string() || unknown(descriptor);
    let types = ["vnd.oci.image.config.v1+json", "vnd.docker.container.image.v1+json"];
    let layer = |value: &Value| {
        let media_type = value["mediaType"].as_str().unwrap_or_default();
        media_type.starts_with("application/vnd.oci.image.layer.")
            || media_type.starts_with("application/vnd.docker.image.rootfs.")
    };
    let layers = array(&manifest["layers"]);
    !attests && types.iter().any(|kind| config.ends_with(kind)) && (layers.is_empty() || layers.iter().any(layer))
}

/// Reads what the program wrote. Whatever is not as the formats and the promises demand fails the test.
#[track_caller]
pub(crate) fn output(path: &Path, format: &str) -> View {
    let tree = Tree::read(path);
    if format.ends_with("archive") {
        assert_plain_headers(&tree);
    }
    let docker = docker_view(&tree).inspect(|view| assert_docker_promises(&tree, view));
    let oci = oci_view(&tree).inspect(|_| assert_oci_promises(&tree));
    let view = match format {
        "docker-archive" | "docker-dir" => {
            assert!(oci.is_none(), "a {format} with an index.json");
            docker.expect("manifest.json")
        }
        "oci-archive" | "oci-dir" => {
            assert!(docker.is_none(), "an {format} with a manifest.json");
            oci.expect("index.json")
        }
        _ => {
            let (docker, oci) = (docker.expect("manifest.json"), oci.expect("index.json"));
            assert_eq!(docker.faults, Vec::<String>::new(), "{}", path.display());
            let docker_ids: BTreeSet<String> = docker.ids().into_iter().collect();
            assert!(docker_ids.is_subset(&oci.ids().into_iter().collect()), "manifest.json names strangers");
            assert!(!tree.members.iter().any(|member| matches!(member.kind, Kind::Symlink(_) | Kind::Hardlink(_))));
            oci
        }
    };
    assert_eq!(view.faults, Vec::<String>::new(), "{}", path.display());
    view
}

fn assert_plain_headers(tree: &Tree) {
    for member in &tree.members {
        assert_eq!(member.mtime, 0, "time of {}", member.name);
        assert_eq!(member.owner, (0, 0), "owner of {}", member.name);
        assert_eq!(member.owner_names, (String::new(), String::new()), "owner of {}", member.name);
    }
    let names: BTreeSet<&str> = tree.names().into_iter().collect();
    assert_eq!(names.len(), tree.members.len(), "a member is there twice: {:?}", tree.names());
}

fn assert_docker_promises(tree: &Tree, view: &View) {
    assert!(view.missing.is_empty(), "manifest.json names what is not there: {:?}", view.missing);
    for item in array(&tree.json("manifest.json")) {
        assert!(item["RepoTags"].is_array() || item["RepoTags"].is_null(), "RepoTags of {item}");
        for layer in array(&item["Layers"]) {
            let at = tree.position(layer.as_str().expect("a path")).expect("a member");
            assert!(matches!(tree.members[at].kind, Kind::File(_)), "{layer} is a link");
        }
    }
}

fn assert_oci_promises(tree: &Tree) {
    let layout = tree.json("oci-layout");
    assert_eq!(layout["imageLayoutVersion"], "1.0.0");
    for member in tree.members.iter().filter(|member| member.name.starts_with("blobs/")) {
        if let Kind::File(bytes) = &member.kind {
            let digest = member.name["blobs/".len()..].replacen('/', ":", 1);
            assert_eq!(digest, digest_like(&digest, bytes), "the bytes of {}", member.name);
        }
    }
}
