//! How large layers are uncompressed.

use std::collections::HashMap;

use crate::codec::Compression;
use crate::content::{Flow, pump};
use crate::context::{Context, Event};
use crate::digest::Algorithm;
use crate::error::Result;
use crate::graph::{BlobId, Graph, Image};
use crate::pool;

/// Returns the uncompressed sizes that are known: of plain layers, and of all when they are to be read.
pub(super) fn of_layers<'g>(
    graph: &'g Graph,
    images: impl Iterator<Item = &'g Image>,
    read: bool,
    cx: &Context<'_>,
) -> Result<HashMap<BlobId, u64>> {
    let mut sizes = HashMap::new();
    let mut packed: Vec<BlobId> = Vec::new();
    for blob in images.flat_map(|image| &image.layers).filter_map(|layer| layer.blob) {
        match graph.blob(blob).compression {
            Some(Compression::None) => drop(sizes.insert(blob, graph.blob(blob).content.size())),
            Some(_) if read => packed.push(blob),
            Some(_) | None => {}
        }
    }
    packed.sort_unstable();
    packed.dedup();
    let bytes = packed.iter().map(|&blob| graph.blob(blob).content.size()).sum();
    cx.observer.on(&Event::Planned { bytes });
    let counted = pool::run(&packed, &cx.hands(), |&blob| measure(graph, blob, cx))?;
    sizes.extend(packed.into_iter().zip(counted));
    Ok(sizes)
}

fn measure(graph: &Graph, blob: BlobId, cx: &Context<'_>) -> Result<u64> {
    let blob = graph.blob(blob);
    let algorithm = blob.claim.map_or(Algorithm::Sha256, |(digest, _)| digest.algorithm());
    let mut size = 0;
    let mut count = |bytes: &[u8]| {
        size += bytes.len() as u64;
        Ok(())
    };
    let flow = Flow { plain: Some(&mut count), ..Flow::default() };
    pump(&blob.content, blob.layer_compression(), algorithm, flow, cx)?;
    Ok(size)
}
