//! A descriptor: what one document says about a blob that it names (image-spec, descriptor.md).

use serde_json::Value;

use crate::digest::Digest;
use crate::error::Result;
use crate::json::Cursor;
use crate::platform::Platform;

/// docker and containerd keep an image's full name here.
pub(crate) const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// The name that image-spec knows (annotations.md); podman and skopeo keep the full name or only a tag here.
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Marks buildkit's attestations in an index.
const ATTESTATION: &str = "vnd.docker.reference.type";
/// Names the manifest that an attestation is about.
pub(crate) const ATTESTED: &str = "vnd.docker.reference.digest";
/// Marks descriptors that docker 29 adds for what refers to an image.
pub(crate) const REFERRER: &str = "io.containerd.manifest.subject";

/// A descriptor as it was written, with the fields that we act on.
#[derive(Clone, Debug)]
pub(crate) struct Descriptor {
    pub(crate) value: Value,
    pub(crate) media_type: Option<String>,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) platform: Option<Platform>,
    /// Content embedded in the descriptor, in base64.
    pub(crate) data: Option<String>,
}

impl Descriptor {
    pub(crate) fn read(cursor: &Cursor<'_>) -> Result<Self> {
        if let Some(annotations) = cursor.get("annotations")? {
            for (_, annotation) in annotations.members()? {
                annotation.text()?;
            }
        }
        Ok(Self {
            value: cursor.value().clone(),
            media_type: cursor.text_of("mediaType")?.map(str::to_owned),
            digest: cursor.need("digest")?.parse()?,
            size: cursor.need("size")?.size()?,
            platform: cursor.get("platform")?.map_or(Ok(None), |platform| Platform::read(&platform))?,
            data: cursor.text_of("data")?.map(str::to_owned),
        })
    }

    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.value.get("annotations")?.get(key)?.as_str()
    }

    /// Tells whether this points at something about an image rather than at an image.
    pub(crate) fn is_companion(&self) -> bool {
        self.annotation(ATTESTATION).is_some()
            || self.annotation(REFERRER).is_some()
            || self.platform.as_ref().is_some_and(Platform::is_unknown)
    }

    /// Tells whether the blob may be fetched from elsewhere (foreign layers).
    pub(crate) fn urls(&self) -> Vec<&str> {
        let urls = self.value.get("urls").and_then(Value::as_array);
        urls.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

/// Counts the annotations of a document or descriptor, apart from names: those are carried over by themselves.
pub(crate) fn count_annotations(of: &Value) -> usize {
    let keys = of.get("annotations").and_then(Value::as_object).into_iter().flat_map(|map| map.keys());
    keys.filter(|key| ![CONTAINERD_NAME, REF_NAME].contains(&key.as_str())).count()
}

/// Says how many annotations are lost, and of what; nothing for none.
pub(crate) fn lost_annotations(count: usize, of: &str) -> Option<String> {
    (count > 0).then(|| format!("{count} annotation{} of the {of}: dropped", if count == 1 { "" } else { "s" }))
}
