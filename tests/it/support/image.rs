//! Images as values: layers, a config, names. `docker` and `layout` say how they are written down.

use serde_json::{Value, json};

use super::codec::{Codec, diff_id, sha256};
use super::tree::{Kind, Tree};

#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// The plain stream.
    pub(crate) tar: Vec<u8>,
    pub(crate) codec: Codec,
    /// What a descriptor says it is, when that is not what it is.
    pub(crate) media_type: Option<String>,
    pub(crate) annotations: Option<Value>,
}

impl Layer {
    pub(crate) fn from_tar(tar: impl Into<Vec<u8>>) -> Layer {
        Layer { tar: tar.into(), codec: Codec::Plain, media_type: None, annotations: None }
    }

    pub(crate) fn codec(mut self, codec: Codec) -> Layer {
        self.codec = codec;
        self
    }

    pub(crate) fn media_type(mut self, media_type: &str) -> Layer {
        self.media_type = Some(media_type.to_owned());
        self
    }

    pub(crate) fn annotations(mut self, annotations: Value) -> Layer {
        self.annotations = Some(annotations);
        self
    }

    pub(crate) fn diff_id(&self) -> String {
        sha256(&self.tar)
    }

    /// The bytes as they are stored.
    pub(crate) fn blob(&self) -> Vec<u8> {
        let blob = self.codec.pack(&self.tar);
        debug_assert_eq!(diff_id(&blob).ok(), Some(self.diff_id()));
        blob
    }
}

/// A layer of text files.
pub(crate) fn files(files: &[(&str, &str)]) -> Layer {
    let tree = files.iter().fold(Tree::default(), |tree, (name, text)| tree.with_file(*name, *text));
    Layer::from_tar(tree.tar())
}

/// A layer of one text file.
pub(crate) fn file(name: &str, text: &str) -> Layer {
    files(&[(name, text)])
}

/// A layer of `len` bytes that hardly compress, the same for the same seed.
pub(crate) fn noise(seed: u64, len: usize) -> Layer {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        // xorshift*: fast enough for a test build, and no compressor gains anything.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(len);
    Layer::from_tar(Tree::default().with("noise", Kind::File(bytes)).tar())
}

#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) layers: Vec<Layer>,
    pub(crate) names: Vec<String>,
    pub(crate) platform: String,
    extra: Value,
    raw: Option<Vec<u8>>,
}

/// An image without layers or names, for linux/amd64.
pub(crate) fn image() -> Image {
    Image {
        layers: Vec::new(),
        names: Vec::new(),
        platform: "linux/amd64".into(),
        extra: json!({"config": {"Cmd": ["/x"], "Env": ["A=<b>&c"], "Healthcheck": {"Test": ["CMD", "/x"]}}}),
        raw: None,
    }
}

impl Image {
    pub(crate) fn layer(mut self, layer: Layer) -> Image {
        self.layers.push(layer);
        self
    }

    pub(crate) fn tag(mut self, name: &str) -> Image {
        self.names.push(name.to_owned());
        self
    }

    /// Sets `os/architecture[/variant]`.
    pub(crate) fn platform(mut self, platform: &str) -> Image {
        self.platform = platform.to_owned();
        self
    }

    /// Stores every layer as `codec` does.
    pub(crate) fn codec(mut self, codec: Codec) -> Image {
        for layer in &mut self.layers {
            layer.codec = codec;
        }
        self
    }

    /// Adds keys to the config, before `rootfs`.
    pub(crate) fn config(mut self, extra: Value) -> Image {
        self.extra = extra;
        self
    }

    /// Takes these bytes for the config, whatever the layers are.
    pub(crate) fn raw_config(mut self, bytes: impl Into<Vec<u8>>) -> Image {
        self.raw = Some(bytes.into());
        self
    }

    pub(crate) fn diff_ids(&self) -> Vec<String> {
        self.layers.iter().map(Layer::diff_id).collect()
    }

    /// The config's bytes. They hold spaces and an order of keys that no serialiser would choose.
    pub(crate) fn config_bytes(&self) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let mut value = json!({"created": "2023-01-02T03:04:05.100Z"});
        let object = value.as_object_mut().expect("an object was just made");
        object.extend(self.platform_value().as_object().expect("a platform is an object").clone());
        object.extend(self.extra.as_object().expect("extra keys are an object").clone());
        object.insert("rootfs".into(), json!({"type": "layers", "diff_ids": self.diff_ids()}));
        object.insert("history".into(), self.layers.iter().map(|_| json!({"created_by": "test"})).collect());
        let mut text = value.to_string().replacen(',', ", ", 3);
        text.push('\n');
        text.into_bytes()
    }

    pub(crate) fn platform_value(&self) -> Value {
        let mut parts = self.platform.split('/');
        let mut value = json!({"os": parts.next(), "architecture": parts.next()});
        if let Some(variant) = parts.next() {
            value["variant"] = variant.into();
        }
        value
    }

    pub(crate) fn id(&self) -> String {
        sha256(&self.config_bytes())
    }
}
