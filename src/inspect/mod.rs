//! Telling what is in a source: its documents, and the first bytes of its layers.

mod companions;
mod files;
mod history;
mod image;
mod model;
mod producer;
mod settings;
mod sizes;

pub use files::{FileSink, FilesOptions, ListedFile};
pub use history::HistoryLine;
pub use model::{Companion, CompanionKind, CompanionPart, InspectedImage, InspectedLayer, Inspection, SharedLayer};
pub use settings::Settings;

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
        let graph = self.selected(&options.images, &options.platforms).within(&self.name)?;
        let nodes = image::all(&graph);
        let found: Vec<(NodeId, &Image)> =
            nodes.iter().filter_map(|&node| graph.image(node).map(|image| (node, image))).collect();
        let roots = image::roots(&graph, cx.limits.names).within(&self.name)?;
        let mut images = Vec::new();
        for (node, image) in &found {
            let of_it = roots.get(node).map(Vec::as_slice).unwrap_or_default();
            images.push(image::tell(&graph, image, of_it, images.len() + 1).within(&self.name)?);
        }
        let sizes = sizes::of_layers(&graph, found.iter().map(|(_, image)| *image), options.sizes, cx)?;
        for (told, (_, image)) in images.iter_mut().zip(&found) {
            for (layer, known) in told.layers.iter_mut().zip(&image.layers) {
                layer.uncompressed_size = known.blob.and_then(|blob| sizes.get(&blob).copied());
            }
            told.uncompressed_size = told.layers.iter().map(|layer| layer.uncompressed_size).sum();
        }
        let mut others = Vec::new();
        for companion in companions::find(&graph) {
            match companion.subject.and_then(|subject| about(&mut images, subject)) {
                Some(image) => image.companions.push(companion),
                None => others.push(companion),
            }
        }
        let rule = producer::rule(&self.traits);
        Ok(Inspection {
            format: self.format,
            era: rule.map(|rule| rule.era),
            producer: rule.and_then(|rule| rule.producer),
            shared_layers: image::shared(&images),
            images,
            others,
            missing: absent(&graph),
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
        let graph = self.selected(&options.images, &options.platforms).within(&self.name)?;
        raw(&graph, document, options).within(&self.name)
    }

    /// Returns what is left of the graph when some images or platforms are chosen.
    pub(crate) fn selected(&self, images: &[String], platforms: &[Platform]) -> Result<Graph> {
        let mut graph = self.graph.clone();
        graph.pick(&images.iter().map(|text| Pick::parse(text)).collect::<Result<Vec<_>>>()?)?;
        if !platforms.is_empty() {
            graph.narrow(platforms)?;
        }
        Ok(graph)
    }
}

/// Returns the one image that has this digest as its manifest's, or as that of the index it is alone in.
fn about(images: &mut [InspectedImage], subject: Digest) -> Option<&mut InspectedImage> {
    let in_index = |image: &InspectedImage| image.index_digest == Some(subject);
    let alone = images.iter().filter(|image| in_index(image)).count() == 1;
    images.iter_mut().find(|image| image.manifest_digest == Some(subject) || (alone && in_index(image)))
}

/// Lists what is named and not there, other than parts of images and artifacts.
fn absent(graph: &Graph) -> Vec<String> {
    let mut absent: Vec<String> = Vec::new();
    for root in &graph.roots {
        graph.walk(root.node, &mut |id| {
            if let Node::Absent(what) = graph.node(id)
                && !absent.contains(what)
            {
                absent.push(what.clone());
            }
        });
    }
    absent
}

fn raw(graph: &Graph, document: RawDocument, options: &InspectOptions) -> Result<Vec<u8>> {
    let nodes = image::all(graph);
    let images = nodes.iter().filter_map(|&node| graph.image(node));
    let chosen = !options.images.is_empty() || !options.platforms.is_empty();
    let mut found: Vec<&[u8]> = match document {
        RawDocument::Config => images
            .filter_map(|image| match &image.config {
                Config::Document(config) => Some(config.bytes()),
                Config::Legacy(_) | Config::Missing => None,
            })
            .collect(),
        RawDocument::Manifest => images.filter_map(|image| Some(image.manifest.as_ref()?.bytes())).collect(),
        RawDocument::Index if !chosen => graph.layout_index.iter().map(|index| index.bytes()).collect(),
        RawDocument::Index => graph
            .roots
            .iter()
            .filter_map(|root| match graph.node(root.node) {
                Node::Index(index) => Some(index.document.bytes()),
                _ => None,
            })
            .collect(),
    };
    if document == RawDocument::Manifest && found.is_empty() {
        found.extend(artifacts(graph).map(|document| document.bytes()).filter(|_| chosen));
        found.extend(graph.docker_list.as_ref().map(|list| list.bytes()).filter(|_| found.is_empty()));
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

/// Returns the manifests of what is no image.
fn artifacts(graph: &Graph) -> impl Iterator<Item = &Document> {
    graph.roots.iter().filter_map(|root| match graph.node(root.node) {
        Node::Artifact(artifact) => artifact.manifest.as_ref(),
        _ => None,
    })
}
