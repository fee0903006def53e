//! Telling what is in a source: its documents, and the first bytes of its layers.

mod companions;
mod files;
mod history;
mod image;
mod largest;
mod model;
mod producer;
mod readable;
mod settings;
mod sizes;

pub use files::{FileSink, FilesOptions, FilesSummary, LayerChanges, ListedFile};
pub use history::HistoryLine;
pub(crate) use image::{all, reached};
pub use model::{Companion, CompanionKind, CompanionPart, InspectedImage, InspectedLayer, Inspection, SharedLayer};
pub(crate) use readable::{Readable, problem};
pub use settings::Settings;

use std::collections::{HashMap, HashSet};

use crate::archive::Archive;
use crate::context::Context;
use crate::digest::Digest;
use crate::document::Document;
use crate::error::{Error, Result, Within};
use crate::graph::{Config, Graph, Image, Node, NodeId, Pick};
use crate::platform::Platform;

/// What is looked at.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct InspectOptions {
    /// Images to tell of, as `NAME`, `@N` (from 0) or a digest (whole, or at least twelve digits); empty: all.
    pub images: Vec<String>,
    /// Platforms to tell of; empty: all.
    pub platforms: Vec<Platform>,
    /// Read compressed layers to find out how large they are uncompressed. Every byte of them is read.
    pub sizes: bool,
}

/// A document whose exact bytes can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RawDocument {
    /// The image's config.
    Config,
    /// The image's manifest; of a docker-archive its `manifest.json`, which is that of all its images.
    Manifest,
    /// The index that the image's name stands for; without images to choose from, `index.json`.
    Index,
}

impl Archive {
    /// Tells what is in the source. Reads nothing more than was read to open it, unless sizes are asked for.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) when an image or platform that is asked for is not there,
    /// [`Usage`](crate::ErrorKind::Usage) when it is asked for in no way that is known; with `sizes` those of reading,
    /// [`Damaged`](crate::ErrorKind::Damaged) among them.
    pub fn inspect(&self, options: &InspectOptions, cx: &Context<'_>) -> Result<Inspection> {
        let graph = &self.graph;
        // What is chosen is a set of nodes: documents and digests are told of as the source has them.
        let chosen = image::reached(&self.selected(&options.images, &options.platforms).within(&self.name)?);
        let roots = image::roots(graph, cx.limits.names).within(&self.name)?;
        let all = image::all(graph);
        let found: Vec<(NodeId, &Image)> = all
            .iter()
            .filter(|node| chosen.contains(node))
            .filter_map(|&node| graph.image(node).map(|image| (node, image)))
            .collect();
        let mut images = Vec::new();
        for (node, image) in &found {
            let of_it = roots.get(node).map(Vec::as_slice).unwrap_or_default();
            images.push(image::tell(graph, image, of_it, images.len() + 1).within(&self.name)?);
        }
        let sizes = sizes::of_layers(graph, found.iter().map(|(_, image)| *image), options.sizes, cx)?;
        for (told, (_, image)) in images.iter_mut().zip(&found) {
            for (layer, known) in told.layers.iter_mut().zip(&image.layers) {
                layer.uncompressed_size = known.blob.and_then(|blob| sizes.get(&blob).copied());
            }
            told.uncompressed_size = told.layers.iter().map(|layer| layer.uncompressed_size).sum();
        }
        let others = give_out(companions::find(graph), &mut images, graph, &chosen);
        let rule = producer::rule(&self.traits);
        Ok(Inspection {
            format: self.format,
            era: rule.map(|rule| rule.era),
            producer: rule.and_then(|rule| rule.producer),
            shared_layers: image::shared(&images),
            images,
            others,
            missing: absent(graph, &chosen),
            warnings: graph.warnings.clone(),
        })
    }

    /// Returns the exact bytes of a document.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) when the source has no such document, or several images have one
    /// each and none is chosen.
    pub fn raw(&self, document: RawDocument, options: &InspectOptions) -> Result<Vec<u8>> {
        let found = || {
            let chosen = image::reached(&self.selected(&options.images, &options.platforms)?);
            raw(&self.graph, document, &picks(&options.images)?, &chosen, options)
        };
        found().within(&self.name)
    }

    /// Returns what is left of the graph when some images or platforms are chosen. Indexes can be made anew in it.
    pub(crate) fn selected(&self, images: &[String], platforms: &[Platform]) -> Result<Graph> {
        let mut graph = self.graph.clone();
        graph.pick(&picks(images)?)?;
        if !platforms.is_empty() {
            graph.narrow(platforms)?;
        }
        Ok(graph)
    }
}

/// Gives companions to the images that they are about: by the digest of a manifest, or of an index with one image in it.
/// Returns the others that are chosen.
fn give_out(
    companions: Vec<(NodeId, Companion)>,
    images: &mut [InspectedImage],
    graph: &Graph,
    chosen: &HashSet<NodeId>,
) -> Vec<Companion> {
    let manifests = images.iter().enumerate().filter_map(|(at, image)| Some((image.manifest_digest?, at)));
    let mut by_digest: HashMap<Digest, usize> = manifests.collect();
    for root in &graph.roots {
        if let Node::Index(index) = graph.node(root.node)
            && let [alone] = graph.images_below(root.node).as_slice()
        {
            let manifest = graph.image(*alone).and_then(|image| image.manifest.as_ref());
            let at = manifest.and_then(|manifest| by_digest.get(&manifest.digest()).copied());
            by_digest.extend(at.map(|at| (index.document.digest(), at)));
        }
    }
    let mut others = Vec::new();
    for (node, companion) in companions {
        match companion.subject.and_then(|subject| by_digest.get(&subject)) {
            Some(&at) => images[at].companions.push(companion),
            None if chosen.contains(&node) => others.push(companion),
            None => {}
        }
    }
    others
}

/// Lists what is named and not there, other than parts of images and artifacts.
fn absent(graph: &Graph, chosen: &HashSet<NodeId>) -> Vec<String> {
    let mut absent: Vec<(NodeId, String)> = Vec::new();
    for &node in chosen {
        // Nodes that selecting made are not in this graph, and stand for something that is.
        if let Some(Node::Absent(what)) = graph.known_node(node) {
            absent.push((node, what.clone()));
        }
    }
    absent.sort_unstable();
    absent.into_iter().map(|(_, what)| what).collect()
}

fn picks(images: &[String]) -> Result<Vec<Pick>> {
    images.iter().map(|text| Pick::parse(text)).collect()
}

fn raw(
    graph: &Graph,
    document: RawDocument,
    picks: &[Pick],
    chosen: &HashSet<NodeId>,
    options: &InspectOptions,
) -> Result<Vec<u8>> {
    let images: Vec<NodeId> = image::all(graph).into_iter().filter(|node| chosen.contains(node)).collect();
    let of_images = || images.iter().filter_map(|&node| graph.image(node));
    let mut found: Vec<&[u8]> = match document {
        RawDocument::Config => of_images()
            .filter_map(|image| match &image.config {
                Config::Document(config) => Some(config.bytes()),
                Config::Legacy(_) | Config::Missing => None,
            })
            .collect(),
        RawDocument::Manifest => of_images().filter_map(|image| Some(image.manifest.as_ref()?.bytes())).collect(),
        RawDocument::Index if picks.is_empty() && options.platforms.is_empty() => {
            graph.layout_index.iter().map(Document::bytes).collect()
        }
        RawDocument::Index => graph
            .roots
            .iter()
            .filter(|root| picks.is_empty() || picks.iter().any(|pick| !pick.find(graph, root).is_empty()))
            .filter_map(|root| match graph.node(root.node) {
                Node::Index(index) => Some(index.document.bytes()),
                _ => None,
            })
            .collect(),
    };
    if document == RawDocument::Manifest && found.is_empty() {
        found.extend(picks.iter().flat_map(|pick| artifacts(graph, pick)).map(Document::bytes));
        found.extend(graph.docker_list.as_ref().map(Document::bytes).filter(|_| found.is_empty()));
    }
    found.sort_unstable();
    found.dedup();
    let what = match document {
        RawDocument::Config => "config",
        RawDocument::Manifest => "manifest",
        RawDocument::Index => "index",
    };
    match found.as_slice() {
        [one] => Ok(one.to_vec()),
        [] => Err(Error::unsupported(format!("there is no {what}"))),
        several => Err(Error::unsupported(format!("{} images have a {what} each", several.len()))
            .hint("choose one with --image or --platform")),
    }
}

/// Returns the manifests of what is chosen and no image.
fn artifacts<'g>(graph: &'g Graph, pick: &Pick) -> Vec<&'g Document> {
    let nodes = graph.roots.iter().flat_map(|root| pick.find(graph, root));
    let manifest = |node| match graph.node(node) {
        Node::Artifact(artifact) => artifact.manifest.as_ref(),
        _ => None,
    };
    nodes.filter_map(manifest).collect()
}
