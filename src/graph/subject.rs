//! What artifacts are about: signatures, attestations and SBOMs name an image, an index or one another.

use super::{Graph, Node, NodeId};
use crate::descriptor::{ATTESTED, Descriptor, REFERRER};
use crate::digest::Digest;

impl Graph {
    /// Returns the digest of what an artifact is about, as its manifest says (image-spec, manifest.md, `subject`), or the
    /// descriptor that points at it.
    pub(crate) fn subject(&self, artifact: NodeId, descriptor: Option<&Descriptor>) -> Option<Digest> {
        let Node::Artifact(artifact) = self.node(artifact) else { return None };
        let manifest = artifact.manifest.as_ref().map(|manifest| manifest.value());
        let own = manifest.and_then(|manifest| manifest.get("subject")?.get("digest")?.as_str()?.parse().ok());
        let annotated = |key| descriptor?.annotation(key)?.parse().ok();
        own.or_else(|| annotated(ATTESTED)).or_else(|| annotated(REFERRER))
    }
}
