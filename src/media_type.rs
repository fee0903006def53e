//! Media types of the OCI image-spec (media-types.md) and of docker's image manifest v2 schema 2.

use crate::codec::Compression;

pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const OCI_ARTIFACT: &str = "application/vnd.oci.artifact.manifest.v1+json";
/// What some tools write into descriptors: it says nothing of what they point at.
const OCI_DESCRIPTOR: &str = "application/vnd.oci.descriptor.v1+json";
const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const OCI_FOREIGN_LAYER: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
const DOCKER_FOREIGN_LAYER: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar";
/// What all of docker's media types begin with.
pub(crate) const DOCKER_PREFIX: &str = "application/vnd.docker.";
/// Docker schema 1, which only registries still know.
const SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1+";

/// What a document's media type says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Index,
    Manifest,
    /// The artifact manifest that image-spec 1.1 withdrew.
    ArtifactManifest,
    /// Docker schema 1.
    Schema1,
    /// To be seen from the content.
    Untold,
    Other,
}

/// Returns what a descriptor or document of this media type is.
pub(crate) fn class(media_type: &str) -> Class {
    match media_type {
        OCI_INDEX | DOCKER_LIST => Class::Index,
        OCI_MANIFEST | DOCKER_MANIFEST => Class::Manifest,
        OCI_ARTIFACT => Class::ArtifactManifest,
        OCI_DESCRIPTOR => Class::Untold,
        other if other.starts_with(SCHEMA_1) => Class::Schema1,
        _ => Class::Other,
    }
}

/// Tells whether a manifest's config of this type makes it a container image.
pub(crate) fn is_image_config(media_type: &str) -> bool {
    matches!(media_type, OCI_CONFIG | DOCKER_CONFIG)
}

/// What a layer's media type says, apart from its compression: that is sniffed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LayerType {
    /// A tar of a file system's changes.
    Tar,
    /// The same, encrypted (ocicrypt's `+encrypted`).
    Encrypted,
    /// Something else: not a layer of a file system.
    Other,
}

/// Returns what kind of layer this media type names.
pub(crate) fn layer_type(media_type: &str) -> LayerType {
    if media_type.ends_with("+encrypted") {
        return LayerType::Encrypted;
    }
    let known = [OCI_LAYER, OCI_FOREIGN_LAYER, DOCKER_LAYER, DOCKER_FOREIGN_LAYER];
    let rest = known.iter().find_map(|base| media_type.strip_prefix(base));
    match rest {
        Some("" | "+gzip" | ".gzip" | "+zstd" | ".zstd" | "+bzip2" | "+xz") => LayerType::Tar,
        _ => LayerType::Other,
    }
}

/// Returns the compression that a layer's media type names, true or not; `None` when it names none that is known.
pub(crate) fn labelled(media_type: &str) -> Option<Compression> {
    let known = [OCI_LAYER, OCI_FOREIGN_LAYER, DOCKER_LAYER, DOCKER_FOREIGN_LAYER];
    match known.iter().find_map(|base| media_type.strip_prefix(base))? {
        "" => Some(Compression::None),
        "+gzip" | ".gzip" => Some(Compression::Gzip),
        "+zstd" | ".zstd" => Some(Compression::Zstd),
        "+bzip2" => Some(Compression::Bzip2),
        "+xz" => Some(Compression::Xz),
        _ => None,
    }
}

/// Returns the OCI media type of a layer in this compression, `None` when image-spec has no name for it.
pub(crate) fn oci_layer(compression: Compression) -> Option<String> {
    let suffix = match compression {
        Compression::None => "",
        Compression::Gzip => "+gzip",
        Compression::Zstd => "+zstd",
        Compression::Bzip2 | Compression::Xz => return None,
    };
    Some(format!("{OCI_LAYER}{suffix}"))
}

/// Returns the media type of a layer of `old` type that now has this compression: docker's stay docker's and foreign
/// ones foreign, where there is a name for it.
pub(crate) fn relabelled(old: &str, compression: Compression) -> Option<String> {
    let docker = [DOCKER_LAYER, DOCKER_FOREIGN_LAYER].into_iter().find(|base| old.starts_with(base));
    let ending = match compression {
        Compression::None => "",
        Compression::Gzip => "gzip",
        Compression::Zstd => "zstd",
        Compression::Bzip2 | Compression::Xz => return None,
    };
    let (base, separator) = match docker {
        Some(base) => (base, "."),
        None if old.starts_with(OCI_FOREIGN_LAYER) => (OCI_FOREIGN_LAYER, "+"),
        None => (OCI_LAYER, "+"),
    };
    Some(if ending.is_empty() { base.to_owned() } else { format!("{base}{separator}{ending}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_stay_of_their_kind_with_another_compression() {
        for (old, compression, want) in [
            (
                "application/vnd.oci.image.layer.v1.tar+gzip",
                Compression::None,
                "application/vnd.oci.image.layer.v1.tar",
            ),
            (
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
                Compression::Zstd,
                "application/vnd.docker.image.rootfs.diff.tar.zstd",
            ),
            (
                "application/vnd.oci.image.layer.nondistributable.v1.tar",
                Compression::Gzip,
                "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            ),
        ] {
            assert_eq!(relabelled(old, compression).as_deref(), Some(want));
        }
    }

    #[test]
    fn layers_are_known_by_their_media_type() {
        for (text, want) in [
            ("application/vnd.oci.image.layer.v1.tar", LayerType::Tar),
            ("application/vnd.oci.image.layer.v1.tar+gzip", LayerType::Tar),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", LayerType::Tar),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", LayerType::Tar),
            ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", LayerType::Tar),
            ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", LayerType::Encrypted),
            ("application/vnd.oci.image.layer.v1.tarball", LayerType::Other),
            ("application/vnd.in-toto+json", LayerType::Other),
        ] {
            assert_eq!(layer_type(text), want, "{text}");
        }
    }

    #[test]
    fn labels_say_how_a_layer_is_compressed() {
        for (text, want) in [
            ("application/vnd.oci.image.layer.v1.tar", Some(Compression::None)),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", Some(Compression::Gzip)),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", Some(Compression::Zstd)),
            ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", None),
            ("application/vnd.example", None),
        ] {
            assert_eq!(labelled(text), want, "{text}");
        }
    }
}
