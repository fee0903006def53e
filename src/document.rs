//! A manifest, index or config: its exact bytes, their digest, and what they say. Never one without the others.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::digest::{DiffId, Digest};
use crate::error::{Error, Result};
use crate::go_json;
use crate::json::{self, Cursor};

/// A JSON document whose bytes are kept as they were read.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    bytes: Arc<[u8]>,
    /// Its name in the source, if that is not its sha256.
    name: Option<Digest>,
    sha256: Digest,
    value: Arc<Value>,
}

impl Document {
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self> {
        let value = json::parse(&bytes)?;
        Ok(Self { name: None, sha256: Digest::of(&bytes), bytes: bytes.into(), value: Arc::new(value) })
    }

    /// Makes a document of a value that we composed.
    pub(crate) fn compose(value: Value) -> Self {
        let bytes = go_json::to_string(&value).into_bytes();
        Self { name: None, sha256: Digest::of(&bytes), bytes: bytes.into(), value: Arc::new(value) }
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
        let own = self.cursor().get("rootfs")?.map_or(Ok(Vec::new()), |rootfs| rootfs.list("diff_ids"))?;
        if own.len() == texts.len() && own.iter().zip(&texts).all(|(a, b)| a.value() == b.as_str()) {
            return Ok(self.clone());
        }
        let mut value = self.value().clone();
        *json::field(&mut value, "rootfs") = json!({"type": "layers", "diff_ids": texts});
        Ok(Self::compose(value))
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
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    pub(crate) fn cursor(&self) -> Cursor<'_> {
        Cursor::new(&self.value)
    }
}

/// Words the error for a config that says nothing of its layers: no docker loads such an image.
pub(crate) fn no_rootfs() -> Error {
    Error::damaged("no rootfs: the config names no diff_ids for its layers")
        .hint("--recompute adds what is missing; the image ID changes with it")
}

/// Words the error for a config that does not fit its layers.
pub(crate) fn count_mismatch(layers: usize, diff_ids: usize) -> Error {
    Error::damaged(format!("rootfs: diff_ids for {diff_ids} layers, but the image has {layers}"))
        .hint("--recompute takes the layers for right; the image ID changes with the config")
}
