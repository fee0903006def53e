//! What a conversion did: the value that text and JSON are made from.

use std::collections::HashMap;

use crate::codec::Compression;
use crate::convert::ConvertOptions;
use crate::digest::{DiffId, Digest, ImageId};
use crate::error::Result;
use crate::formats::{Described, Format};
use crate::graph::{Graph, Image, Layer, NodeId};
use crate::plan::{Jobs, Outcomes, Plan, PlannedImage, Reason};

/// What a conversion did, or would do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Receipt {
    /// The format that the input was read as.
    pub from: Format,
    /// The images in the output.
    pub images: Vec<ConvertedImage>,
    /// What the output cannot hold, one line each; may hold any character, see [`escape`](crate::escape).
    pub losses: Vec<String>,
    /// What a user should know; may hold any character.
    pub warnings: Vec<String>,
    /// Claims that were put right; may hold any character.
    pub changes: Vec<String>,
    /// Digest of the document from which everything else in the output is named: `index.json`, or the `manifest.json` of a
    /// docker-archive; `None` in a dry run.
    pub root_digest: Option<Digest>,
    /// Bytes of blobs, as the input has them.
    pub bytes_read: u64,
    /// Bytes of the output.
    pub bytes_written: u64,
}

/// An image in the output.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConvertedImage {
    /// Its names, in full where they have a repository.
    pub names: Vec<String>,
    /// Its platform, as `os/architecture[/variant]`.
    pub platform: Option<String>,
    /// Hash of its config; `None` in a dry run of an image that has no config yet.
    pub image_id: Option<ImageId>,
    /// Digest of its manifest, in formats that have one.
    pub manifest: Option<Digest>,
    /// Bottom first.
    pub layers: Vec<ConvertedLayer>,
}

/// A layer in the output. What is not known in a dry run is `None`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConvertedLayer {
    /// Digest as it is stored in the input, if that claims one.
    pub source_digest: Option<Digest>,
    /// Digest as it is stored.
    pub digest: Option<Digest>,
    /// Digest of the uncompressed tar; `None` also for layers that are not looked into.
    pub diff_id: Option<DiffId>,
    /// Bytes as it is stored.
    pub size: Option<u64>,
    /// How it is stored.
    pub compression: Option<Compression>,
    /// What was done: `copy`, `decompress`, `compress`, `recompress`; `absent` for a layer that is kept elsewhere.
    pub action: &'static str,
    /// Why; `None` for a layer that is absent.
    pub reason: Option<Reason>,
}

/// Puts a receipt together from the plan and from what is known of its results.
pub(crate) fn compile(
    graph: Graph,
    from: Format,
    plan: Plan,
    options: &ConvertOptions,
    outcomes: &Outcomes,
    manifests: &HashMap<NodeId, Described>,
) -> Result<Receipt> {
    let (mut images, mut changes) = (Vec::new(), graph.changes.clone());
    for (node, names) in images_of(&graph, &plan, options) {
        let image = graph.image(node).expect("only images are listed");
        let diff_ids = outcomes.diff_ids(&plan.jobs, image);
        let known = diff_ids.is_some() || image.id().is_some();
        let config = if known { image.config.settle(diff_ids.as_deref(), options.recompute)? } else { None };
        let (before, after) = (image.id(), config.map(|config| ImageId::of_config(config.sha256())));
        if let (Some(before), Some(after)) = (before, after)
            && before != after
        {
            changes.push(format!("the config's diff_ids were put right: image ID {before} became {after}"));
        }
        images.push(ConvertedImage {
            names,
            platform: image.platform.as_ref().map(ToString::to_string),
            image_id: after,
            manifest: manifests.get(&node).map(|described| described.digest),
            layers: image.layers.iter().map(|layer| converted(&graph, &plan.jobs, outcomes, layer, options)).collect(),
        });
    }
    Ok(Receipt {
        from,
        images,
        losses: plan.losses,
        warnings: graph.warnings,
        changes,
        root_digest: None,
        bytes_read: 0,
        bytes_written: 0,
    })
}

/// Lists the images in the output with their names, in the source's order.
fn images_of(graph: &Graph, plan: &Plan, options: &ConvertOptions) -> Vec<(NodeId, Vec<String>)> {
    if !options.to.abilities().whole_graph {
        let tags = |planned: &PlannedImage| planned.tags.iter().map(ToString::to_string).collect();
        return plan.docker_images.iter().map(|planned| (planned.node, tags(planned))).collect();
    }
    let mut images: Vec<(NodeId, Vec<String>)> = Vec::new();
    for root in &graph.roots {
        let name = root.name.text();
        for node in graph.images_below(root.node) {
            if !graph.image(node).is_some_and(Image::is_complete) {
                continue;
            }
            let at = images.iter().position(|(known, _)| *known == node).unwrap_or_else(|| {
                images.push((node, Vec::new()));
                images.len() - 1
            });
            let names = &mut images[at].1;
            names.extend(name.clone().filter(|name| !names.contains(name)));
        }
    }
    images
}

fn converted(
    graph: &Graph,
    jobs: &Jobs,
    outcomes: &Outcomes,
    layer: &Layer,
    options: &ConvertOptions,
) -> ConvertedLayer {
    let claim = layer.descriptor.as_ref();
    let Some(job) = layer.blob.and_then(|blob| jobs.of(blob)) else {
        return ConvertedLayer {
            source_digest: claim.map(|descriptor| descriptor.digest),
            digest: claim.map(|descriptor| descriptor.digest),
            diff_id: layer.diff_id,
            size: claim.map(|descriptor| descriptor.size),
            compression: None,
            action: "absent",
            reason: None,
        };
    };
    let outcome = outcomes.get(job);
    let opaque = graph.blob(jobs.get(job).blob).compression.is_none();
    ConvertedLayer {
        source_digest: jobs.get(job).stored_claim(graph),
        digest: outcome.map(|outcome| outcome.digest),
        diff_id: outcome.and_then(|outcome| outcome.diff_id).or(layer.diff_id),
        size: outcome.and_then(|outcome| outcome.size),
        compression: outcome.map(|outcome| outcome.compression).filter(|_| !opaque),
        action: jobs.get(job).action.name(),
        reason: Some(jobs.get(job).reason(graph, options.to.abilities(), options.compression)),
    }
}
