//! Draws the profile of an opened archive from its graph and its shape.

use std::collections::{HashMap, HashSet};

use super::profile::{
    Child, ChildKind, DockerHalf, DockerImage, Kind, OciHalf, OciImage, Profile, Quirk, Quirks, Root,
};
use crate::archive::Archive;
use crate::codec::Compression;
use crate::descriptor::{CONTAINERD_NAME, Descriptor, REF_NAME};
use crate::digest::{Algorithm, Digest};
use crate::document::Document;
use crate::formats::{ItemShape, Shape};
use crate::graph::{Config, Graph, Image, Layer, Node, NodeId};
use crate::json::Cursor;
use crate::media_type::{self, LayerType};
use crate::platform::Platform;
use crate::tree::{Container, Link, Spelling, Way};

/// As many descriptors and images of one source are looked at; what comes after them is not judged. No real archive
/// comes near, and one that was made to keep us busy is stopped here.
const LOOKED_AT: usize = 4096;
/// containers/image reads no `manifest.json` that is larger (docker/internal/tarfile).
const MANIFEST_LIMIT: u64 = 1 << 20;

/// Draws the profile.
pub(super) fn survey(archive: &Archive) -> Profile {
    let Archive { graph, shape, .. } = archive;
    Profile {
        container: shape.container,
        quirks: whole(shape),
        has_index: shape.index,
        legacy: shape.legacy.then(|| legacy(graph)),
        docker: (!graph.entries.is_empty()).then(|| docker_half(graph, shape)),
        oci: graph.layout_index.as_ref().map(|index| Surveyor::new(graph, shape).half(index)),
    }
}

/// Quirks of the source as a file or folder.
fn whole(shape: &Shape) -> Quirks {
    let mut quirks = Quirks::default();
    quirks.insert_if(shape.container == Container::Folder, Quirk::Folder);
    quirks.insert_if(shape.wrapped, Quirk::Wrapped);
    quirks.insert_if(shape.absolute_name, Quirk::AbsoluteName);
    match shape.outer {
        Compression::None => {}
        Compression::Gzip => quirks.insert(Quirk::OuterGzip),
        Compression::Zstd => quirks.insert(Quirk::OuterZstd),
        Compression::Bzip2 | Compression::Xz => quirks.insert(Quirk::OuterOther),
    }
    match shape.layout.as_deref() {
        Some("1.0.0") => {}
        Some(_) => quirks.insert(Quirk::OtherLayoutVersion),
        None => quirks.insert(Quirk::NoLayoutFile),
    }
    quirks
}

/// Archives from before docker 1.10 have names, and nothing else that matters.
fn legacy(graph: &Graph) -> DockerImage {
    let names = graph.roots.iter().take(LOOKED_AT).filter_map(|root| root.name.text()).collect();
    let images = || graph.roots.iter().take(LOOKED_AT).filter_map(|root| graph.image(root.node));
    let compressions = images().flat_map(|image| image.layers.iter().filter_map(|layer| stored(graph, layer)));
    let platform = images().find_map(|image| image.platform.clone());
    DockerImage { names, platform, quirks: layer_quirks(compressions) }
}

fn stored(graph: &Graph, layer: &Layer) -> Option<Compression> {
    graph.blob(layer.blob?).compression
}

fn layer_quirks(compressions: impl Iterator<Item = Compression>) -> Quirks {
    let mut quirks = Quirks::default();
    for compression in compressions {
        match compression {
            Compression::None | Compression::Gzip => {}
            Compression::Zstd => quirks.insert(Quirk::ZstdLayer),
            Compression::Bzip2 | Compression::Xz => quirks.insert(Quirk::OtherLayer),
        }
    }
    quirks
}

fn docker_half(graph: &Graph, shape: &Shape) -> DockerHalf {
    let mut quirks = Quirks::default();
    if let Some((way, size)) = shape.manifest {
        quirks.insert_if(!matches!(way.link, Link::None | Link::Hard { .. }), Quirk::ManifestLink);
        quirks.insert_if(matches!(way.link, Link::Hard { .. }), Quirk::DocumentHardLink);
        quirks.insert_if(matches!(way.link, Link::Absolute | Link::Chain), Quirk::DistantFile);
        quirks.insert_if(size > MANIFEST_LIMIT, Quirk::LargeManifest);
    }
    quirks.insert_if(shape.far_link, Quirk::FarLink);
    let entries = graph.entries.iter().zip(&shape.items).take(LOOKED_AT);
    let mut earlier = HashSet::new();
    let images = entries.map(|(entry, item)| {
        let config = entry.config.as_ref().map(Document::value).unwrap_or_default();
        let config = Cursor::new(&config);
        let rootfs = config.get("rootfs").ok().flatten();
        let diff_ids: Vec<&str> = rootfs
            .iter()
            .flat_map(|rootfs| rootfs.list("diff_ids").unwrap_or_default())
            .filter_map(|id| id.value().as_str())
            .collect();
        let mut quirks = item_quirks(item, &diff_ids, &mut earlier, shape);
        let typed = rootfs.is_some_and(|rootfs| rootfs.text_of("type").is_ok_and(|text| text == Some("layers")));
        quirks.insert_if(!typed, Quirk::NoRootfsType);
        DockerImage { names: entry.tags.clone(), platform: Platform::read(&config).unwrap_or_default(), quirks }
    });
    DockerHalf { quirks, images: images.collect() }
}

/// `earlier` are the layers that earlier items hold as files.
fn item_quirks(item: &ItemShape, diff_ids: &[&str], earlier: &mut HashSet<String>, shape: &Shape) -> Quirks {
    let mut quirks = layer_quirks(item.layers.iter().filter_map(|layer| layer.compression));
    way_quirks(&mut quirks, item.config, shape);
    quirks.insert_if(matches!(item.config.link, Link::Hard { .. }), Quirk::DocumentHardLink);
    let mut seen = HashSet::new();
    for (i, layer) in item.layers.iter().enumerate() {
        way_quirks(&mut quirks, layer.way, shape);
        let diff_id = diff_ids.get(i).copied().unwrap_or_default();
        let symlink = !matches!(layer.way.link, Link::None | Link::Hard { .. });
        // Of several paths to one layer, containers/image takes the first.
        if symlink && seen.insert(diff_id) {
            let known = earlier.contains(diff_id);
            quirks.insert(if known { Quirk::KnownLayerLink } else { Quirk::LayerLink });
        }
        seen.insert(diff_id);
        if !symlink {
            earlier.insert(diff_id.to_owned());
        }
        if let Link::Hard { from_folder } = layer.way.link {
            quirks.insert(Quirk::LayerHardLink);
            quirks.insert_if(!from_folder, Quirk::LayerHardLinkAway);
        }
    }
    // go-containerregistry looks at the first layer only.
    let gzip = |compression: Option<Compression>| compression == Some(Compression::Gzip);
    let mut layers = item.layers.iter().map(|layer| gzip(layer.compression));
    let first = layers.next();
    quirks.insert_if(layers.any(|other| Some(other) != first), Quirk::MixedLayers);
    quirks
}

/// Notes what is unusual on the way to a file.
fn way_quirks(quirks: &mut Quirks, way: Way, shape: &Shape) {
    quirks.insert_if(!way.found, Quirk::FileMissing);
    quirks.insert_if(way.spelling == Spelling::Dots, Quirk::PathDots);
    quirks.insert_if(way.spelling == Spelling::Absolute, Quirk::PathSlash);
    let symlink = matches!(way.link, Link::Near | Link::Absolute | Link::Chain);
    quirks.insert_if(symlink && shape.unclean_link, Quirk::UncleanLink);
    quirks.insert_if(matches!(way.link, Link::Absolute | Link::Chain), Quirk::DistantFile);
    quirks.insert_if(way.link == Link::Absolute, Quirk::RootedFile);
}

/// Reads the OCI half, each image once, to a limit.
struct Surveyor<'a> {
    graph: &'a Graph,
    shape: &'a Shape,
    images: Vec<OciImage>,
    known: HashMap<NodeId, usize>,
    left: usize,
}

impl<'a> Surveyor<'a> {
    fn new(graph: &'a Graph, shape: &'a Shape) -> Self {
        Self { graph, shape, images: Vec::new(), known: HashMap::new(), left: LOOKED_AT }
    }

    fn half(mut self, index: &Document) -> OciHalf {
        let value = index.value();
        let list = Cursor::new(&value).list("manifests").unwrap_or_default();
        let descriptors: Vec<Descriptor> =
            list.iter().take(LOOKED_AT).filter_map(|item| Descriptor::read(item).ok()).collect();
        let mut roots = Vec::new();
        for descriptor in descriptors {
            roots.extend(self.root(&descriptor));
        }
        let mut quirks = Quirks::default();
        quirks.insert_if(self.shape.linked_index && self.shape.container == Container::Tar, Quirk::IndexLink);
        OciHalf { quirks, roots, images: self.images }
    }

    fn root(&mut self, descriptor: &Descriptor) -> Option<Root> {
        self.left = self.left.checked_sub(1)?;
        let node = *self.graph.by_claim.get(&descriptor.digest)?;
        let mut quirks = Quirks::default();
        quirks.insert_if(descriptor.media_type.is_none(), Quirk::Untyped);
        quirks.insert_if(is_other_hash(&descriptor.digest), Quirk::OtherHash);
        let kind = match self.graph.node(node) {
            Node::Image(image) => Kind::Image(self.image(node, image, descriptor)),
            Node::Artifact(_) => {
                // No artifact has such a manifest: it is an image with layers that nobody knows.
                let docker =
                    descriptor.media_type.as_deref().is_some_and(|text| text.starts_with(media_type::DOCKER_PREFIX));
                quirks.insert_if(docker, Quirk::DockerUnknownLayer);
                Kind::Other
            }
            Node::Absent(_) => Kind::Absent,
            Node::Index(index) => {
                let children = index.children.iter().take(self.left);
                let children: Vec<Child> = children
                    .map(|child| Child {
                        platform: child.descriptor.platform.clone(),
                        kind: match self.graph.node(child.node) {
                            Node::Image(image) => ChildKind::Image(self.image(child.node, image, &child.descriptor)),
                            Node::Index(_) => ChildKind::Index,
                            Node::Artifact(_) => ChildKind::Other,
                            Node::Absent(_) => ChildKind::Absent,
                        },
                    })
                    .collect();
                self.left -= children.len();
                Kind::Index(children)
            }
        };
        let (mut leaves, mut manifests, mut absent) = (Vec::new(), 0, false);
        let mut below = Vec::new();
        let graph = self.graph;
        graph.walk(node, &mut |id| below.push(id));
        for id in below.into_iter().take(self.left) {
            self.left -= 1;
            match graph.node(id) {
                Node::Image(image) => leaves.push(self.image(id, image, descriptor)),
                Node::Absent(_) => absent = true,
                Node::Artifact(artifact) => absent |= !artifact.missing.is_empty(),
                Node::Index(_) => continue,
            }
            manifests += 1;
        }
        let text = |key| descriptor.annotation(key).filter(|text| !text.is_empty()).map(str::to_owned);
        Some(Root {
            containerd_name: text(CONTAINERD_NAME),
            ref_name: text(REF_NAME),
            platform: descriptor.platform.clone(),
            digest: descriptor.digest.to_string(),
            quirks,
            kind,
            companion: descriptor.is_companion(),
            leaves,
            manifests,
            absent,
        })
    }

    /// Returns where the image is in the list, after adding it when it is new. `named_by` is what leads to it.
    fn image(&mut self, node: NodeId, image: &Image, named_by: &Descriptor) -> usize {
        let Self { graph, images, known, .. } = self;
        *known.entry(node).or_insert_with(|| {
            images.push(OciImage { platform: image.platform.clone(), quirks: image_quirks(graph, image, named_by) });
            images.len() - 1
        })
    }
}

fn is_other_hash(digest: &Digest) -> bool {
    digest.algorithm() != Algorithm::Sha256
}

fn image_quirks(graph: &Graph, image: &Image, named_by: &Descriptor) -> Quirks {
    let mut quirks = Quirks::default();
    for layer in &image.layers {
        quirks = quirks.and(oci_layer_quirks(graph, layer));
    }
    match &image.config {
        Config::Missing => quirks.insert(Quirk::BlobMissing),
        Config::Document(document) => config_quirks(&mut quirks, document),
        Config::Legacy(_) => {}
    }
    let Some(manifest) = &image.manifest else { return quirks };
    let value = manifest.value();
    let fields = Cursor::new(&value);
    let config = fields.get("config").ok().flatten().and_then(|config| Descriptor::read(&config).ok());
    let Some(config) = config else { return quirks };
    quirks.insert_if(is_other_hash(&manifest.digest()) || is_other_hash(&config.digest), Quirk::OtherHash);
    let is_docker = |text: &str| text.starts_with(media_type::DOCKER_PREFIX);
    // Readers go by the descriptor.
    let media_type = named_by.media_type.as_deref().or(fields.text_of("mediaType").ok().flatten());
    let docker_config = config.media_type.as_deref().is_some_and(is_docker);
    let docker_manifest = media_type.map_or(docker_config, is_docker);
    quirks.insert_if(docker_manifest, Quirk::DockerTypes);
    quirks.insert_if(docker_manifest && quirks.contains(Quirk::UnknownLayer), Quirk::DockerUnknownLayer);
    quirks.insert_if(docker_config && !docker_manifest, Quirk::DockerConfig);
    quirks.insert_if(graph.embedded.contains(&config.digest), Quirk::Embedded);
    quirks
}

fn config_quirks(quirks: &mut Quirks, config: &Document) {
    let value = config.value();
    let fields = Cursor::new(&value);
    quirks.insert_if(!fields.get("rootfs").is_ok_and(|rootfs| rootfs.is_some()), Quirk::NoRootfs);
    quirks.insert_if(!Platform::read(&fields).is_ok_and(|platform| platform.is_some()), Quirk::NoPlatform);
}

fn oci_layer_quirks(graph: &Graph, layer: &Layer) -> Quirks {
    let compression = stored(graph, layer);
    let mut quirks = layer_quirks(compression.into_iter());
    let Some(descriptor) = &layer.descriptor else { return quirks };
    quirks.insert_if(is_other_hash(&descriptor.digest), Quirk::OtherHash);
    quirks.insert_if(graph.embedded.contains(&descriptor.digest), Quirk::Embedded);
    let foreign = !descriptor.urls().is_empty();
    quirks.insert_if(foreign, Quirk::ForeignLayer);
    if layer.blob.is_none() {
        quirks.insert(if foreign { Quirk::ForeignMissing } else { Quirk::BlobMissing });
    }
    match layer.kind {
        LayerType::Tar => {}
        LayerType::Encrypted => quirks.insert(Quirk::EncryptedLayer),
        LayerType::Other => quirks.insert(Quirk::UnknownLayer),
    }
    let media_type = descriptor.media_type.as_deref().unwrap_or_default();
    quirks.insert_if(media_type.starts_with(media_type::DOCKER_PREFIX), Quirk::DockerTypes);
    let (Some(label), Some(compression)) = (media_type::labelled(media_type), compression) else { return quirks };
    quirks.insert_if(label == Compression::Gzip && compression != label, Quirk::NotGzip);
    quirks.insert_if(label == Compression::Zstd && compression != label, Quirk::NotZstd);
    quirks.insert_if(label == Compression::None && compression != label, Quirk::NotPlain);
    quirks
}
