//! Writes images and other content as OCI layouts: nested and flat indexes, attestations, referrers, lies.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::codec::{Codec, sha256, sha512};
use super::image::{Image, Layer};
use super::tree::{Kind, Tree};

pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
pub(crate) const IMAGE_NAME: &str = "io.containerd.image.name";

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";

/// A layout under construction. Blobs go in first; [`Layout::root`] lists what `index.json` shall name.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    blobs: BTreeMap<String, Vec<u8>>,
    roots: Vec<Value>,
    sha512: bool,
    docker_types: bool,
}

impl Layout {
    pub(crate) fn new() -> Layout {
        Layout { blobs: BTreeMap::new(), roots: Vec::new(), sha512: false, docker_types: false }
    }

    /// Names every blob by its sha512.
    pub(crate) fn with_sha512(mut self) -> Layout {
        self.sha512 = true;
        self
    }

    /// Writes Docker schema 2 manifests and lists.
    pub(crate) fn with_docker_types(mut self) -> Layout {
        self.docker_types = true;
        self
    }

    /// Stores bytes and returns a descriptor of them.
    pub(crate) fn put(&mut self, media_type: &str, bytes: impl Into<Vec<u8>>) -> Value {
        let bytes = bytes.into();
        let digest = if self.sha512 { sha512(&bytes) } else { sha256(&bytes) };
        let descriptor = json!({"mediaType": media_type, "digest": digest, "size": bytes.len()});
        self.blobs.insert(digest, bytes);
        descriptor
    }

    /// Stores an image and returns the descriptor of its manifest, without a platform.
    pub(crate) fn image(&mut self, image: &Image) -> Value {
        let manifest = self.manifest_of(image);
        self.manifest(&manifest)
    }

    /// Stores config and layers, and returns the manifest for a test to change before it goes to [`Layout::manifest`].
    pub(crate) fn manifest_of(&mut self, image: &Image) -> Value {
        let config = self.put(if self.docker_types { DOCKER_CONFIG } else { CONFIG }, image.config_bytes());
        let layers: Vec<Value> = image.layers.iter().map(|layer| self.layer(layer)).collect();
        json!({"schemaVersion": 2, "mediaType": self.manifest_type(), "config": config, "layers": layers})
    }

    pub(crate) fn manifest(&mut self, manifest: &Value) -> Value {
        self.put(self.manifest_type(), manifest.to_string())
    }

    fn manifest_type(&self) -> &'static str {
        if self.docker_types { DOCKER_MANIFEST } else { MANIFEST }
    }

    pub(crate) fn layer(&mut self, layer: &Layer) -> Value {
        let base = if self.docker_types { DOCKER_LAYER } else { LAYER };
        let honest = match (layer.codec, self.docker_types) {
            (Codec::Plain, _) => base.to_owned(),
            (codec, true) => format!("{base}.{}", codec.name()),
            (codec, false) => format!("{base}+{}", codec.name()),
        };
        let mut descriptor = self.put(layer.media_type.as_deref().unwrap_or(&honest), layer.blob());
        if let Some(annotations) = &layer.annotations {
            descriptor["annotations"] = annotations.clone();
        }
        descriptor
    }

    /// Stores an index over `children` and returns its descriptor.
    pub(crate) fn index(&mut self, children: &[Value]) -> Value {
        let media_type = if self.docker_types { DOCKER_LIST } else { INDEX };
        let index = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": children});
        self.put(media_type, index.to_string())
    }

    /// Stores images as one multi-platform index, each descriptor with its platform.
    pub(crate) fn platforms(&mut self, images: &[Image]) -> Value {
        let children: Vec<Value> =
            images.iter().map(|image| with(self.image(image), "platform", image.platform_value())).collect();
        self.index(&children)
    }

    /// An attestation of `subject`, as buildkit adds it beside an image in an index.
    pub(crate) fn attestation(&mut self, subject: &Value) -> Value {
        let config = self.put(
            CONFIG,
            r#"{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":[]}}"#,
        );
        let statement = self.put("application/vnd.in-toto+json", r#"{"_type":"https://in-toto.io/Statement/v0.1"}"#);
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [statement]});
        let descriptor = self.put(MANIFEST, manifest.to_string());
        let descriptor = with(descriptor, "platform", json!({"os": "unknown", "architecture": "unknown"}));
        let annotations = json!({
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": subject["digest"],
        });
        with(descriptor, "annotations", annotations)
    }

    /// An artifact that refers to `subject`, as signatures and SBOMs do.
    pub(crate) fn referrer(&mut self, subject: &Value) -> Value {
        let empty = self.put("application/vnd.oci.empty.v1+json", "{}");
        let signature = self.put("application/vnd.example.signature", "signed");
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.example.signature",
            "config": empty, "layers": [signature], "subject": subject,
        });
        with(self.put(MANIFEST, manifest.to_string()), "artifactType", "application/vnd.example.signature".into())
    }

    /// Lists a descriptor in `index.json`, with annotations unless they are null.
    pub(crate) fn root(&mut self, descriptor: Value, annotations: Value) {
        let has = !annotations.is_null();
        self.roots.push(if has { with(descriptor, "annotations", annotations) } else { descriptor });
    }

    /// Lists an image under `ref.name`.
    pub(crate) fn named(mut self, image: &Image, name: &str) -> Layout {
        let descriptor = self.image(image);
        self.root(descriptor, json!({REF_NAME: name}));
        self
    }

    /// Lists an image without a name.
    pub(crate) fn unnamed(mut self, image: &Image) -> Layout {
        let descriptor = self.image(image);
        self.root(descriptor, Value::Null);
        self
    }

    /// Forgets a blob; whatever names it stays.
    pub(crate) fn forget(&mut self, descriptor: &Value) -> Vec<u8> {
        let digest = descriptor["digest"].as_str().expect("a descriptor has a digest");
        self.blobs.remove(digest).unwrap_or_else(|| panic!("no blob {digest}"))
    }

    pub(crate) fn tree(&self) -> Tree {
        let mut tree = Tree::default()
            .with("blobs/", Kind::Dir)
            .with(if self.sha512 { "blobs/sha512/" } else { "blobs/sha256/" }, Kind::Dir);
        for (digest, bytes) in &self.blobs {
            tree.push(blob_path(digest), Kind::File(bytes.clone()));
        }
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": self.roots});
        tree.with_file("index.json", index.to_string()).with_file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#)
    }
}

pub(crate) fn blob_path(digest: &str) -> String {
    format!("blobs/{}", digest.replace(':', "/"))
}

/// The descriptor with one more key.
pub(crate) fn with(mut descriptor: Value, key: &str, value: Value) -> Value {
    descriptor[key] = value;
    descriptor
}
