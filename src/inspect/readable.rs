//! Layers whose files can be listed.

use crate::codec::Compression;
use crate::content::Content;
use crate::context::Context;
use crate::digest::Algorithm;
use crate::error::{Error, Result};
use crate::graph::{BlobId, Graph, Layer};
use crate::layer::{Catalog, Contents, Listing};
use crate::media_type::LayerType;

/// A layer that can be looked into.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Readable {
    /// From 1, bottom first.
    pub(crate) number: usize,
    pub(crate) blob: BlobId,
    pub(super) compression: Compression,
    /// Of its digest, and of its diff_id.
    pub(super) algorithms: (Algorithm, Algorithm),
}

impl Readable {
    /// Fails when the layer is not there, or is no layer of files.
    pub(crate) fn check(graph: &Graph, layer: &Layer, number: usize) -> Result<Self> {
        let blob = layer.blob.ok_or_else(|| Error::damaged("not in the archive"))?;
        let compression = match (layer.kind, graph.blob(blob).compression) {
            (LayerType::Tar, Some(compression)) => compression,
            (LayerType::Encrypted, _) => return Err(Error::unsupported("encrypted: its files cannot be listed")),
            _ => return Err(Error::unsupported("not a layer of files")),
        };
        let stored = graph.blob(blob).claim.map_or(Algorithm::Sha256, |(digest, _)| digest.algorithm());
        let plain = layer.diff_id.map_or(Algorithm::Sha256, |diff_id| diff_id.as_plain_digest().algorithm());
        Ok(Self { number, blob, compression, algorithms: (stored, plain) })
    }

    pub(super) fn content<'g>(&self, graph: &'g Graph) -> &'g Content {
        &graph.blob(self.blob).content
    }

    /// Reads the layer and lists its files; fails when it is no tar at all.
    pub(crate) fn list(
        &self,
        graph: &Graph,
        catalog: &Catalog,
        contents: Contents,
        cx: &Context<'_>,
    ) -> Result<Listing> {
        let content = self.content(graph);
        let listing = catalog.list(content, self.compression, self.algorithms, contents, cx)?;
        match listing.problems.first() {
            Some(first) if listing.is_no_tar() => Err(content.locate(Error::damaged(first.to_string()))),
            _ => Ok(listing),
        }
    }
}

/// Words what is wrong in a layer's tar.
pub(crate) fn problem(number: usize, first: impl std::fmt::Display, count: usize) -> Option<String> {
    let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
    (count > 0).then(|| format!("layer {number}: {first}{more}"))
}
