//! An opened source: what a program sees of its images before, or instead of, converting them.

use std::io::Read;
use std::path::Path;

use crate::codec::Compression;
use crate::context::Context;
use crate::digest::{DiffId, Digest, ImageId};
use crate::error::{Error, Result, Within};
use crate::faults::Faults;
use crate::formats::{self, Format, Reading, Shape, Traits};
use crate::graph::{Config, Graph, Image, Layer, NodeId};
use crate::platform::Platform;
use crate::tree::{self, Container, Input};

/// An archive or folder of images, read as far as its documents. Layers have not been looked into: what is said of them
/// is the source's claim until [`convert`](crate::convert) has held it against their bytes.
///
/// ```
/// use transload::{Archive, Context, Input};
///
/// # fn main() -> transload::Result<()> {
/// # let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/docker-20.10-save.tar");
/// let archive = Archive::open(Input::Path(path), None, &Context::default())?;
/// for image in archive.images() {
///     println!("{:?} {:?}: {} layers", image.names(), image.id(), image.layers().len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Archive {
    pub(crate) graph: Graph,
    pub(crate) format: Format,
    pub(crate) shape: Shape,
    /// What to call it in messages.
    pub(crate) name: String,
    /// What its shape shows of whoever wrote it.
    pub(crate) traits: Traits,
}

impl Archive {
    /// Opens a source, in the format it is said to have or the one it is recognised by.
    ///
    /// # Errors
    ///
    /// [`Damaged`](crate::ErrorKind::Damaged) when it is no image archive or its documents contradict one another,
    /// [`Environment`](crate::ErrorKind::Environment) when it cannot be read.
    pub fn open(input: Input, from: Option<Format>, cx: &Context<'_>) -> Result<Self> {
        Self::open_with(input, from, Reading { cx, recompute: false, faults: Faults::FATAL }, None)
    }

    /// `beside` is the folder for a spool when the context names none.
    pub(crate) fn open_with(
        input: Input,
        from: Option<Format>,
        reading: Reading<'_>,
        beside: Option<&Path>,
    ) -> Result<Self> {
        let name = input.name();
        if let (Input::Stream(..), Some(Container::Folder)) = (&input, from.map(Format::container)) {
            return Err(Error::usage("a folder cannot be read from a stream").within(name));
        }
        let read = || {
            let (mut members, container) = tree::open(input, beside, reading.cx)?;
            let (graph, format) = formats::read(&mut members, container, from, reading)?;
            let shape = Shape::of(&members, container, &graph.entries);
            let traits = formats::traits(&members, &graph);
            Ok((graph, format, shape, traits))
        };
        let (graph, format, shape, traits) = read().within(&name)?;
        Ok(Self { graph, format, shape, name, traits })
    }

    /// Returns the format that it was read as.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns the images, each once, in the source's order; those of an index one by one. Attestations and other
    /// artifacts are none.
    pub fn images(&self) -> Vec<ArchiveImage<'_>> {
        let mut nodes = Vec::new();
        for root in &self.graph.roots {
            nodes.extend(
                self.graph.images_below(root.node).into_iter().filter(|node| !nodes.contains(node)).collect::<Vec<_>>(),
            );
        }
        let image = |node| self.graph.image(node).map(|image| ArchiveImage { archive: self, node, image });
        nodes.into_iter().filter_map(image).collect()
    }

    /// Returns what a user should know of the source; may hold any character, see [`escape`](crate::escape).
    pub fn warnings(&self) -> &[String] {
        &self.graph.warnings
    }
}

/// An image in an [`Archive`].
#[derive(Clone, Copy, Debug)]
pub struct ArchiveImage<'a> {
    archive: &'a Archive,
    node: NodeId,
    image: &'a Image,
}

impl<'a> ArchiveImage<'a> {
    /// Returns the image's names: in full where there is a repository, else the tag alone. May hold any character.
    pub fn names(&self) -> Vec<String> {
        let graph = &self.archive.graph;
        let mut names: Vec<String> = Vec::new();
        for root in graph.roots.iter().filter(|root| graph.images_below(root.node).contains(&self.node)) {
            names.extend(root.name.text().filter(|name| !names.contains(name)));
        }
        names
    }

    /// Returns what it runs on, as its index or its config says.
    pub fn platform(&self) -> Option<&'a Platform> {
        self.image.platform.as_ref()
    }

    /// Returns the hash of the config; `None` when the source has no config (docker before 1.10), or lacks it.
    pub fn id(&self) -> Option<ImageId> {
        self.image.id()
    }

    /// Returns the exact bytes of the config.
    pub fn config(&self) -> Option<&'a [u8]> {
        match &self.image.config {
            Config::Document(document) => Some(document.bytes()),
            Config::Legacy(_) | Config::Missing => None,
        }
    }

    /// Returns digest and exact bytes of the manifest, in formats that have one.
    pub fn manifest(&self) -> Option<(Digest, &'a [u8])> {
        self.image.manifest.as_ref().map(|manifest| (manifest.digest(), manifest.bytes()))
    }

    /// Returns the layers, bottom first.
    pub fn layers(&self) -> Vec<ArchiveLayer<'a>> {
        self.image.layers.iter().map(|layer| ArchiveLayer { graph: &self.archive.graph, layer }).collect()
    }

    /// Returns what the image needs and the source does not hold.
    pub fn missing(&self) -> &'a [String] {
        &self.image.missing
    }
}

/// A layer of an [`ArchiveImage`].
#[derive(Clone, Copy, Debug)]
pub struct ArchiveLayer<'a> {
    graph: &'a Graph,
    layer: &'a Layer,
}

impl<'a> ArchiveLayer<'a> {
    /// Returns the digest of the stored bytes that the source claims; docker-archives claim none.
    pub fn digest(&self) -> Option<Digest> {
        self.layer.descriptor.as_ref().map(|descriptor| descriptor.digest)
    }

    /// Returns the digest of the uncompressed tar that the config claims.
    pub fn diff_id(&self) -> Option<DiffId> {
        self.layer.diff_id
    }

    /// Returns the number of stored bytes; `None` when the source does not hold the layer.
    pub fn size(&self) -> Option<u64> {
        self.layer.blob.map(|blob| self.graph.blob(blob).content.size())
    }

    /// Returns how the layer is compressed, by its first bytes.
    pub fn compression(&self) -> Option<Compression> {
        self.graph.blob(self.layer.blob?).compression
    }

    /// Opens the stored bytes, unchecked.
    ///
    /// # Errors
    ///
    /// [`Damaged`](crate::ErrorKind::Damaged) when the source does not hold the layer,
    /// [`Environment`](crate::ErrorKind::Environment) when it cannot be opened.
    pub fn open(&self) -> Result<impl Read + 'a> {
        let blob = self.layer.blob.ok_or_else(|| Error::damaged("the layer is not in the source"))?;
        let graph: &'a Graph = self.graph;
        graph.blob(blob).content.open()
    }
}
