//! The members of an OCI image layout.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compose::Composed;
use crate::digest::{Algorithm, Digest};
use crate::output::{Body, Entry};

/// `imageLayoutVersion` stays 1.0.0 for image-spec 1.1; containerd and umoci take no other.
pub(crate) const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
const DIR_MODE: u32 = 0o755;

/// Returns the path of a blob.
pub(crate) fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().name(), digest.hex())
}

/// Permissions of files, so that what is unpacked can be read by all and written by its owner.
pub(crate) const FILE_MODE: u32 = 0o644;

/// Returns the members before the first blob.
pub(crate) fn prologue() -> Vec<Entry> {
    let layout = Entry { name: "oci-layout".to_owned(), mode: FILE_MODE, body: Body::text(LAYOUT) };
    std::iter::once(layout).chain(folders(Algorithm::Sha256)).collect()
}

/// Returns the members in order: blobs by digest, whether document or job; the index last.
pub(crate) fn entries(composed: &Composed) -> Vec<Entry> {
    let file = |name: &str, body| Entry { name: name.to_owned(), mode: FILE_MODE, body };
    let mut entries = prologue();
    entries.extend(blobs(composed, FILE_MODE));
    entries.push(file("index.json", Body::Bytes(Arc::clone(&composed.index))));
    entries
}

/// Returns the folders of blobs of this algorithm.
pub(crate) fn folders(algorithm: Algorithm) -> Vec<Entry> {
    let folder = |name: String| Entry { name, mode: DIR_MODE, body: Body::Directory };
    vec![folder("blobs".to_owned()), folder(format!("blobs/{}", algorithm.name()))]
}

/// Returns folders and blobs, sorted by name.
pub(crate) fn blobs(composed: &Composed, mode: u32) -> Vec<Entry> {
    let mut bodies: BTreeMap<Digest, Body> = BTreeMap::new();
    bodies.extend(composed.documents.iter().map(|(digest, bytes)| (*digest, Body::Bytes(Arc::clone(bytes)))));
    bodies.extend(composed.jobs.iter().map(|(digest, job)| (*digest, Body::Job(*job))));
    // Digests sort by algorithm, then by bytes: as their names do.
    let algorithms: BTreeSet<Algorithm> = bodies.keys().map(Digest::algorithm).collect();
    let mut entries = Vec::new();
    for algorithm in algorithms {
        entries.extend(folders(algorithm));
        let of_it = bodies.iter().filter(|(digest, _)| digest.algorithm() == algorithm);
        entries.extend(of_it.map(|(digest, body)| Entry { name: blob_name(digest), mode, body: body.clone() }));
    }
    entries
}
