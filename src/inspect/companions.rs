//! Attestations, signatures and other artifacts, and which image each is about.

use std::collections::HashMap;

use serde_json::Value;

use super::model::{Companion, CompanionKind, CompanionPart};
use crate::descriptor::{ATTESTED, Descriptor, REFERRER};
use crate::digest::Digest;
use crate::graph::{Artifact, Graph, Name, Node, NodeId};
use crate::json::Cursor;

/// Media types, or the beginnings of them, by what they are. The first that fits any part of an artifact counts.
const KINDS: [(&str, CompanionKind); 12] = [
    // cosign, specs/SIGNATURE_SPEC.md; sigstore, bundle specification; notation, signature-specification.md.
    ("application/vnd.dev.cosign.simplesigning", CompanionKind::Signature),
    ("application/vnd.dev.cosign.artifact.sig", CompanionKind::Signature),
    ("application/vnd.dev.sigstore.bundle", CompanionKind::Signature),
    ("application/vnd.cncf.notary.signature", CompanionKind::Signature),
    // buildkit, docs/attestations/attestation-storage.md; in-toto, spec/v1/envelope.md.
    ("application/vnd.docker.attestation.manifest", CompanionKind::Attestation),
    ("application/vnd.in-toto", CompanionKind::Attestation),
    ("application/vnd.dsse.envelope", CompanionKind::Attestation),
    // SPDX and CycloneDX as IANA lists them; cosign and syft write the rest.
    ("application/spdx", CompanionKind::Sbom),
    ("text/spdx", CompanionKind::Sbom),
    ("application/vnd.cyclonedx", CompanionKind::Sbom),
    ("application/vnd.syft", CompanionKind::Sbom),
    ("application/vnd.dev.cosign.artifact.sbom", CompanionKind::Sbom),
];

/// Tags by which cosign and the referrers tag schema (distribution-spec) tell what an artifact is about:
/// `sha256-<hex>.sig`.
const TAG_KINDS: [(&str, CompanionKind); 3] =
    [(".sig", CompanionKind::Signature), (".att", CompanionKind::Attestation), (".sbom", CompanionKind::Sbom)];

/// Lists the artifacts of a graph in the source's order, each once.
pub(super) fn find(graph: &Graph) -> Vec<(NodeId, Companion)> {
    let mut found: Vec<(NodeId, Companion)> = Vec::new();
    let mut seen: HashMap<NodeId, Option<usize>> = HashMap::new();
    for root in &graph.roots {
        let mut todo = vec![(root.node, root.descriptor.as_ref())];
        while let Some((id, descriptor)) = todo.pop() {
            let named = id == root.node;
            if let Some(&known) = seen.get(&id) {
                if let (Some(at), true, Some(name)) = (known, named, root.name.text()) {
                    found[at].1.names.push(name);
                }
                continue;
            }
            let mut at = None;
            match graph.node(id) {
                Node::Index(index) => {
                    todo.extend(index.children.iter().rev().map(|child| (child.node, Some(&child.descriptor))));
                }
                Node::Artifact(artifact) => {
                    let name = if named { root.name.clone() } else { Name::None };
                    at = Some(found.len());
                    found.push((id, companion(graph, artifact, descriptor, &name)));
                }
                Node::Image(_) | Node::Absent(_) => {}
            }
            seen.insert(id, at);
        }
    }
    found
}

fn companion(graph: &Graph, artifact: &Artifact, descriptor: Option<&Descriptor>, name: &Name) -> Companion {
    let manifest = artifact.manifest.as_ref().map_or(Value::Null, |manifest| manifest.value());
    let fields = Cursor::new(&manifest);
    let key = if fields.list("layers").is_ok_and(|layers| !layers.is_empty()) { "layers" } else { "blobs" };
    let parts: Vec<CompanionPart> = fields.list(key).unwrap_or_default().iter().filter_map(part).collect();
    let text = |key| fields.text_of(key).ok().flatten().filter(|text| !text.is_empty()).map(str::to_owned);
    let artifact_type = text("artifactType").unwrap_or_else(|| artifact.kind.clone());
    let name_text = name.text();
    // Whatever stands before it, and whether or not that is a repository in docker's sense.
    let tag = name_text.as_deref().map(|text| text.rsplit(':').next().unwrap_or(text));
    let (tagged, tag_kind) = tag.map_or((None, None), from_tag);
    let types = parts.iter().filter_map(|part| part.media_type.as_deref());
    let known = || {
        let all: Vec<&str> = std::iter::once(artifact_type.as_str()).chain(types).collect();
        KINDS.iter().find(|(start, _)| all.iter().any(|text| text.starts_with(start))).map(|(_, kind)| *kind)
    };
    let attests = descriptor.is_some_and(|descriptor| descriptor.annotation(ATTESTED).is_some());
    let kind = if attests { Some(CompanionKind::Attestation) } else { tag_kind.or_else(known) };
    let annotated = |key| descriptor.and_then(|descriptor| descriptor.annotation(key)?.parse::<Digest>().ok());
    let own = fields.get("subject").ok().flatten().and_then(|subject| subject.need("digest").ok()?.parse().ok());
    Companion {
        kind: kind.unwrap_or(CompanionKind::Artifact),
        artifact_type,
        names: name_text.into_iter().collect(),
        digest: artifact.manifest.as_ref().map(|manifest| manifest.digest()),
        subject: own.or_else(|| annotated(ATTESTED)).or_else(|| annotated(REFERRER)).or(tagged),
        size: artifact.blobs.iter().map(|&blob| graph.blob(blob).content.size()).sum(),
        parts,
        missing: artifact.missing.clone(),
    }
}

fn part(descriptor: &Cursor<'_>) -> Option<CompanionPart> {
    let descriptor = Descriptor::read(descriptor).ok()?;
    Some(CompanionPart {
        predicate_type: ["in-toto.io/predicate-type", "predicateType"]
            .iter()
            .find_map(|key| descriptor.annotation(key))
            .map(str::to_owned),
        title: descriptor.annotation("org.opencontainers.image.title").map(str::to_owned),
        media_type: descriptor.media_type,
        size: descriptor.size,
    })
}

/// Reads `sha256-<hex>[.sig|.att|.sbom]`.
fn from_tag(tag: &str) -> (Option<Digest>, Option<CompanionKind>) {
    let ending = TAG_KINDS.iter().find_map(|(ending, kind)| Some((tag.strip_suffix(ending)?, *kind)));
    let (stem, kind) = ending.map_or((tag, None), |(stem, kind)| (stem, Some(kind)));
    match stem.replacen('-', ":", 1).parse() {
        Ok(digest) => (Some(digest), kind),
        Err(_) => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_tell_what_cosign_put_there() {
        let digest = Digest::of(b"x");
        for (ending, want) in [
            ("", None),
            (".sig", Some(CompanionKind::Signature)),
            (".att", Some(CompanionKind::Attestation)),
            (".sbom", Some(CompanionKind::Sbom)),
        ] {
            assert_eq!(from_tag(&format!("sha256-{}{ending}", digest.hex())), (Some(digest), want), "{ending}");
        }
        assert_eq!(from_tag("v1.sig"), (None, None));
    }
}
