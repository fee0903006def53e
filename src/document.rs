//! A manifest, index or config: its exact bytes, their digest, and what they say. Never one without the others.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::code::Code;
use crate::digest::{DiffId, Digest};
use crate::error::{Error, Result};
use crate::go_json;
use crate::json::{self, Cursor};

/// A JSON document whose bytes are kept as they were read. What it says is parsed anew whenever it is asked for: values
/// take many times the memory of their text.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    bytes: Arc<[u8]>,
    /// Its name in the source, if that is not its sha256.
    name: Option<Digest>,
    sha256: Digest,
}

impl Document {
    /// Takes bytes that are JSON which every tool reads alike, with at most `values` values in it.
    pub(crate) fn parse(bytes: Vec<u8>, values: usize) -> Result<Self> {
        json::check(&bytes, values)?;
        Ok(Self { name: None, sha256: Digest::of(&bytes), bytes: bytes.into() })
    }

    /// Makes a document of a value that we composed.
    pub(crate) fn compose(value: &Value) -> Self {
        Self::compose_text(go_json::to_string(value))
    }

    /// Makes a document of text that we composed.
    pub(crate) fn compose_text(text: String) -> Self {
        Self { name: None, sha256: Digest::of(text.as_bytes()), bytes: text.into_bytes().into() }
    }

    /// Names the document by another digest of the same bytes: layouts may use sha512.
    pub(crate) fn named(mut self, digest: Digest) -> Self {
        self.name = Some(digest);
        self
    }

    /// Returns the config with these diff_ids for its layers: itself when it says so already, else one that does and is
    /// otherwise the same.
    pub(crate) fn with_diff_ids(&self, diff_ids: &[DiffId]) -> Result<Self> {
        let texts: Vec<String> = diff_ids.iter().map(ToString::to_string).collect();
        let mut value = self.value();
        let rootfs = Cursor::new(&value).get("rootfs")?;
        let own = rootfs.map_or(Ok(Vec::new()), |rootfs| rootfs.list("diff_ids"))?;
        if own.len() == texts.len() && own.iter().zip(&texts).all(|(a, b)| a.value() == b.as_str()) {
            return Ok(self.clone());
        }
        *json::field(&mut value, "rootfs") = json!({"type": "layers", "diff_ids": texts});
        Ok(Self::compose(&value))
    }

    /// Returns the exact bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn shared_bytes(&self) -> Arc<[u8]> {
        Arc::clone(&self.bytes)
    }

    /// Returns the digest by which the source names the document, else its sha256.
    pub(crate) fn digest(&self) -> Digest {
        self.name.unwrap_or(self.sha256)
    }

    /// Returns the sha256, whatever the source names it by: what an image ID is.
    pub(crate) fn sha256(&self) -> Digest {
        self.sha256
    }

    /// Returns what the document says.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("it was checked when it was read")
    }
}

/// Reads a config's `rootfs.diff_ids`.
pub(crate) fn diff_ids(rootfs: &Cursor<'_>) -> Result<Vec<DiffId>> {
    rootfs.list("diff_ids")?.iter().map(Cursor::parse).collect()
}

/// Words the error for a config that says nothing of its layers: no docker loads such an image.
pub(crate) fn no_rootfs() -> Error {
    Error::damaged("no rootfs: the config names no diff_ids for its layers")
        .coded(Code::NoDiffIds)
        .hint("--recompute adds what is missing; the image ID changes with it")
}

/// Words the error for a config that does not fit its layers.
pub(crate) fn count_mismatch(layers: usize, diff_ids: usize) -> Error {
    Error::damaged(format!("rootfs: diff_ids for {diff_ids} layers, but the image has {layers}"))
        .coded(Code::LayerCount)
        .claims(diff_ids, layers)
        .hint("--recompute takes the layers for right; the image ID changes with the config")
}
