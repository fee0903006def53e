//! The rules: which quirk keeps which engine from loading a source, why, and what mends it. One row each, with the
//! public source that it is from.
//!
//! Rows stand in the order in which an engine would stumble. What an engine makes of names, of several images and of
//! platforms needs more than a row: that is in `names` and `attempt`.

use super::engine::Engine::{self, *};
use super::profile::Quirk::{self, *};
use super::profile::Quirks;

/// Which half of a source an engine reads when a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    /// `manifest.json`, or what it was before docker 1.10.
    Docker,
    /// `index.json`.
    Oci,
}

/// What a conversion does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cure {
    /// Pack the same images as the engine reads them.
    Pack,
    /// Make an OCI layout of it.
    Layout,
    /// Compress layers with gzip.
    Gzip,
    /// Take the platform of this machine, or the only one that is whole.
    Platform,
    /// Take one image.
    One,
    /// Give the image a name.
    Name,
    /// Make all documents anew, by way of a docker-archive.
    Rebuild,
    /// Nothing that can be done here.
    Nothing,
}

/// One rule.
pub(super) struct Rule {
    pub(super) quirk: Quirk,
    /// Only when the engine reads this half; `None`: whichever it reads.
    pub(super) half: Option<Half>,
    pub(super) engines: &'static [&'static [Engine]],
    pub(super) reason: &'static str,
    pub(super) cure: Cure,
    /// Where it is from: a project's file, or a measurement.
    pub(super) source: &'static str,
}

/// docker's graph driver store.
pub(super) const CLASSIC: &[Engine] = &[Docker20, Docker25];
/// What is built on containerd's importer.
pub(super) const IMPORTERS: &[Engine] = &[Docker29, Containerd1, Containerd2, Kind, Nerdctl];
/// containerd's own client.
pub(super) const CTR: &[Engine] = &[Containerd1, Containerd2];
/// Importers that are told which platform to take, and take no other.
pub(super) const FILTERING: &[Engine] = &[Containerd1, Containerd2, Nerdctl];
/// containers/image, reading `manifest.json`.
const CI_DOCKER: &[Engine] = &[Podman4, Podman5, SkopeoDocker19, SkopeoDocker122, BuildahDocker128, BuildahDocker145];
/// The same, one image at a time.
pub(super) const COPY_DOCKER: &[Engine] = &[SkopeoDocker19, SkopeoDocker122, BuildahDocker128, BuildahDocker145];
/// containers/image, reading `index.json`.
pub(super) const CI_OCI: &[Engine] = &[Podman4, Podman5, SkopeoOci19, SkopeoOci122, BuildahOci128, BuildahOci145];
/// containers/image as Debian 12 has it.
const CI_OLD: &[Engine] = &[Podman4, SkopeoDocker19, BuildahDocker128];
/// Those that unpack into containers/storage.
pub(super) const STORAGE: &[Engine] =
    &[Podman4, Podman5, BuildahDocker128, BuildahDocker145, BuildahOci128, BuildahOci145];
pub(super) const PODMAN: &[Engine] = &[Podman4, Podman5];
pub(super) const BUILDAH: &[Engine] = &[BuildahDocker128, BuildahDocker145, BuildahOci128, BuildahOci145];
pub(super) const SKOPEO: &[Engine] = &[SkopeoDocker19, SkopeoDocker122, SkopeoOci19, SkopeoOci122];
pub(super) const UMOCI: &[Engine] = &[Umoci04, Umoci06];
/// Those that read a layout's folder only.
pub(super) const LAYOUT_FOLDERS: &[Engine] = &[CraneLayout, Umoci04, Umoci06];
/// Those that read a file only.
const FILES: &[Engine] = &[SkopeoDocker19, SkopeoDocker122, BuildahDocker128, BuildahDocker145, CraneTarball, Regctl];
const TARBALL: &[Engine] = &[CraneTarball];
const ALL_OCI: &[&[Engine]] = &[IMPORTERS, CI_OCI, &[CraneLayout, Regctl], UMOCI];

const MEASURED: &str = "measured with these engines";
const IMPORTER: &str = "containerd, core/images/archive/importer.go";
const TARFILE: &str = "containers/image, docker/internal/tarfile";
const OCI_SRC: &str = "containers/image, oci/layout/oci_src.go";
const GGCR: &str = "go-containerregistry, pkg/v1/tarball/image.go";
const UNPACK: &str = "measured: containerd takes the media type at its word when it unpacks";
const UMOCI_TYPES: &str = "umoci, oci/layer/unpack.go and oci/casext";

/// Every rule.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // The source as a whole.
    rule(Folder, None, &[CLASSIC, IMPORTERS, FILES],
        "it reads a file, not a folder",
        Cure::Pack, "measured; docker, containerd and regctl read a stream"),
    rule(Folder, Some(Half::Docker), &[PODMAN],
        "it takes a folder only when that is an OCI layout",
        Cure::Pack, "containers/common, libimage/load.go"),
    rule(Wrapped, None, &[CLASSIC, IMPORTERS, CI_DOCKER, CI_OCI, LAYOUT_FOLDERS, &[CraneTarball, Regctl]],
        "everything lies inside one more folder, where it does not look",
        Cure::Pack, MEASURED),
    rule(AbsoluteName, None, &[IMPORTERS, CI_DOCKER, CI_OCI, &[CraneTarball, Regctl]],
        "names in the tar begin with a slash",
        Cure::Pack, "measured; only docker's graph driver store unpacks names into paths"),
    rule(OuterGzip, None, &[&[Containerd1, CraneTarball]],
        "it reads no compressed archive",
        Cure::Pack, MEASURED),
    rule(OuterGzip, Some(Half::Docker), &[CI_OLD],
        "Debian 12's build cannot read a docker-archive that is gzipped as a whole",
        Cure::Pack, "measured with Debian 12's builds"),
    rule(OuterZstd, None, &[&[Docker20, Containerd1, CraneTarball]],
        "it cannot read an archive that is compressed with zstd as a whole",
        Cure::Pack, "measured with docker 20.10.24"),
    rule(OuterOther, None, &[&[Containerd1, Containerd2, Kind, Nerdctl, CraneTarball]],
        "it cannot read an archive that is compressed with bzip2 or xz as a whole",
        Cure::Pack, "containerd, pkg/archive/compression"),

    // What manifest.json leads to.
    rule(ManifestLink, Some(Half::Docker), &[IMPORTERS],
        "manifest.json is a link",
        Cure::Pack, IMPORTER),
    rule(DocumentHardLink, Some(Half::Docker), &[IMPORTERS, CI_DOCKER],
        "manifest.json or a config is a hard link, which it reads as an empty file",
        Cure::Pack, TARFILE),
    rule(LargeManifest, Some(Half::Docker), &[CI_DOCKER],
        "manifest.json is larger than 1 MiB",
        Cure::Pack, TARFILE),
    rule(FarLink, Some(Half::Docker), &[IMPORTERS],
        "a symbolic link in it does not lead to a file at once",
        Cure::Pack, IMPORTER),
    rule(PathDots, Some(Half::Docker), &[IMPORTERS],
        "paths in manifest.json are not spelled as the names in the tar (./x)",
        Cure::Pack, IMPORTER),
    rule(PathSlash, Some(Half::Docker), &[IMPORTERS, CI_DOCKER, &[CraneTarball, Regctl]],
        "paths in manifest.json begin with a slash",
        Cure::Pack, TARFILE),
    rule(UncleanLink, Some(Half::Docker), &[IMPORTERS],
        "files are links, and links have names like ./x",
        Cure::Pack, IMPORTER),
    rule(DistantFile, Some(Half::Docker), &[CI_DOCKER],
        "files are links to links, or links that count from the root",
        Cure::Pack, TARFILE),
    rule(RootedFile, Some(Half::Docker), &[TARBALL],
        "files are links that count from the root",
        Cure::Pack, GGCR),
    rule(LayerLink, Some(Half::Docker), &[CI_DOCKER],
        "layers are symbolic links, whose size it takes for the layer's",
        Cure::Pack, TARFILE),
    rule(KnownLayerLink, Some(Half::Docker), &[COPY_DOCKER],
        "layers are symbolic links, whose size it takes for the layer's",
        Cure::Pack, TARFILE),
    rule(LayerHardLink, Some(Half::Docker), &[IMPORTERS, CI_DOCKER],
        "layers are hard links, which it reads as empty files",
        Cure::Pack, TARFILE),
    rule(LayerHardLinkAway, Some(Half::Docker), &[TARBALL],
        "layers are hard links, which it follows from the wrong folder",
        Cure::Pack, GGCR),
    rule(FileMissing, Some(Half::Docker), &[CLASSIC, IMPORTERS, CI_DOCKER, &[CraneTarball, Regctl]],
        "manifest.json names files that are not there",
        Cure::Pack, TARFILE),
    rule(ZstdLayer, Some(Half::Docker), &[&[Docker20, CraneTarball]],
        "it cannot read layers that are compressed with zstd",
        Cure::Pack, "measured with docker 20.10.24 and crane 0.21.10"),
    rule(OtherLayer, Some(Half::Docker), &[IMPORTERS, TARBALL],
        "it cannot unpack layers that are compressed with bzip2 or xz",
        Cure::Pack, IMPORTER),
    rule(MixedLayers, Some(Half::Docker), &[TARBALL],
        "it takes all layers to be compressed like the first one",
        Cure::Pack, GGCR),
    rule(NoRootfsType, Some(Half::Docker), &[TARBALL],
        "the config's rootfs has no type",
        Cure::Nothing, MEASURED),

    // What index.json leads to.
    rule(IndexLink, Some(Half::Oci), &[IMPORTERS],
        "index.json or oci-layout is a link",
        Cure::Pack, IMPORTER),
    rule(Untyped, Some(Half::Oci), &[IMPORTERS, &[CraneLayout], UMOCI],
        "index.json does not say what it names (no mediaType)",
        Cure::Rebuild, MEASURED),
    rule(OtherHash, Some(Half::Oci), &[IMPORTERS, CI_OCI, &[CraneLayout], UMOCI],
        "blobs are named by another hash than sha256",
        Cure::Rebuild, MEASURED),
    rule(BlobMissing, Some(Half::Oci), ALL_OCI,
        "config or layers are not there",
        Cure::Nothing, MEASURED),
    rule(Embedded, Some(Half::Oci), &[IMPORTERS, CI_OCI, &[CraneLayout, Regctl, Umoci04]],
        "a blob is in its descriptor only (data), where it does not look",
        Cure::Rebuild, OCI_SRC),
    rule(ForeignMissing, Some(Half::Oci), &[IMPORTERS, UMOCI, &[Regctl]],
        "a layer is not there, but to be fetched from elsewhere",
        Cure::Nothing, MEASURED),
    rule(ForeignLayer, Some(Half::Oci), &[CI_OCI],
        "it fetches a foreign layer from its URL, even when the layer is there",
        Cure::Rebuild, OCI_SRC),
    rule(EncryptedLayer, Some(Half::Oci), &[IMPORTERS, STORAGE, UMOCI],
        "layers are encrypted",
        Cure::Nothing, "measured; the copying tools keep them as they are"),
    rule(DockerConfig, Some(Half::Oci), &[STORAGE, UMOCI],
        "an OCI manifest has a config of docker's type",
        Cure::Rebuild, "containers/image, internal/image/oci.go"),
    rule(DockerUnknownLayer, Some(Half::Oci), &[CI_OCI],
        "a manifest of docker's has layers of unknown media types",
        Cure::Nothing, "containers/image, manifest/docker_schema2.go"),
    rule(DockerTypes, Some(Half::Oci), &[UMOCI],
        "it does not know docker's media types",
        Cure::Rebuild, UMOCI_TYPES),
    rule(UnknownLayer, Some(Half::Oci), &[IMPORTERS, UMOCI],
        "a layer has a media type that it does not know",
        Cure::Nothing, UNPACK),
    rule(NoRootfs, Some(Half::Oci), &[IMPORTERS, UMOCI],
        "the config says nothing of the layers (no rootfs)",
        Cure::Nothing, MEASURED),
    rule(NoPlatform, Some(Half::Oci), &[UMOCI],
        "the config names no platform",
        Cure::Nothing, MEASURED),
    rule(ZstdLayer, Some(Half::Oci), &[&[Umoci04]],
        "it cannot read layers that are compressed with zstd",
        Cure::Gzip, "measured with umoci 0.4.7"),
    rule(OtherLayer, Some(Half::Oci), &[IMPORTERS, UMOCI],
        "it cannot unpack layers that are compressed with bzip2 or xz",
        Cure::Gzip, UNPACK),
    rule(NotPlain, Some(Half::Oci), &[IMPORTERS, UMOCI],
        "layers are compressed, and their media type says that they are not",
        Cure::Rebuild, UNPACK),
    rule(NotGzip, Some(Half::Oci), &[UMOCI],
        "layers are not compressed with gzip, and their media type says that they are",
        Cure::Rebuild, UMOCI_TYPES),
    rule(NotZstd, Some(Half::Oci), &[UMOCI],
        "layers are not compressed with zstd, and their media type says that they are",
        Cure::Rebuild, UMOCI_TYPES),
];

const fn rule(
    quirk: Quirk,
    half: Option<Half>,
    engines: &'static [&'static [Engine]],
    reason: &'static str,
    cure: Cure,
    source: &'static str,
) -> Rule {
    Rule { quirk, half, engines, reason, cure, source }
}

/// Returns the rules that these quirks break for an engine that reads this half.
pub(super) fn broken(engine: Engine, half: Half, quirks: Quirks) -> impl Iterator<Item = &'static Rule> {
    RULES.iter().filter(move |rule| {
        quirks.contains(rule.quirk)
            && rule.half.is_none_or(|own| own == half)
            && rule.engines.iter().any(|engines| engines.contains(&engine))
    })
}

/// Returns the rules about the source as a whole that it breaks for an engine, whatever half it would read.
pub(super) fn of_the_whole(engine: Engine, quirks: Quirks) -> impl Iterator<Item = &'static Rule> {
    // Which half is of no matter to these.
    broken(engine, Half::Oci, quirks).filter(|rule| rule.half.is_none())
}
