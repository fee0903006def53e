//! What matters about a source to whoever is to load it, as plain data: quirks, names, platforms. Nothing of it comes
//! from a layer's contents.

use crate::platform::Platform;
use crate::tree::Container;

/// Something about a source that some engine does not take. `rules` says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Quirk {
    /// A folder, not a file.
    Folder,
    /// Everything lies in one folder inside.
    Wrapped,
    /// A member's name begins with a slash.
    AbsoluteName,
    OuterGzip,
    OuterZstd,
    /// The whole is compressed with bzip2 or xz.
    OuterOther,

    // Of the docker half.
    /// `manifest.json` is a symbolic link.
    ManifestLink,
    /// `manifest.json` or a config is a hard link.
    DocumentHardLink,
    /// `manifest.json` is larger than 1 MiB.
    LargeManifest,
    /// A symbolic link, needed or not, does not lead to a file at once.
    FarLink,
    /// A path in `manifest.json` has parts that lead nowhere.
    PathDots,
    /// A path in `manifest.json` begins with a slash.
    PathSlash,
    /// A file that `manifest.json` names is a symbolic link, and links have names like `./x`.
    UncleanLink,
    /// A layer is a symbolic link, and no file of the same layer stands before it.
    LayerLink,
    /// A layer is a symbolic link, and an earlier image has a file of the same layer.
    KnownLayerLink,
    /// A file that `manifest.json` names is a symbolic link to a link, or counts from the root.
    DistantFile,
    /// The same, and counts from the root.
    RootedFile,
    /// A layer is a hard link.
    LayerHardLink,
    /// The same, and its target is not found from its folder.
    LayerHardLinkAway,
    /// A file that `manifest.json` names is not there.
    FileMissing,
    /// Layers are compressed in different ways.
    MixedLayers,
    /// The config's `rootfs` has no type.
    NoRootfsType,

    // Of either half.
    ZstdLayer,
    /// A layer is compressed with bzip2 or xz.
    OtherLayer,

    // Of the OCI half.
    /// No file `oci-layout`.
    NoLayoutFile,
    /// `oci-layout` has a version other than 1.0.0.
    OtherLayoutVersion,
    /// `index.json` or `oci-layout` is a link.
    IndexLink,
    /// A descriptor in `index.json` has no media type.
    Untyped,
    /// Something is named by another hash than sha256.
    OtherHash,
    /// A config or layer is in its descriptor only.
    Embedded,
    /// Config or layer is not there.
    BlobMissing,
    /// A layer may be fetched from elsewhere.
    ForeignLayer,
    /// The same, and it is not there.
    ForeignMissing,
    EncryptedLayer,
    /// A layer's media type is unknown.
    UnknownLayer,
    /// A manifest of docker's, or layers of docker's types in an OCI manifest.
    DockerTypes,
    /// A manifest of docker's with a layer whose media type is unknown.
    DockerUnknownLayer,
    /// A config of docker's type in an OCI manifest.
    DockerConfig,
    /// A layer is not compressed with gzip, but says so.
    NotGzip,
    /// A layer is not compressed with zstd, but says so.
    NotZstd,
    /// A layer is compressed, but says that it is not.
    NotPlain,
    /// The config has no `rootfs`.
    NoRootfs,
    /// The config names no platform.
    NoPlatform,
}

/// A set of quirks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Quirks(u64);

impl Quirks {
    pub(super) fn insert(&mut self, quirk: Quirk) {
        self.0 |= 1 << quirk as u8;
    }

    pub(super) fn insert_if(&mut self, condition: bool, quirk: Quirk) {
        if condition {
            self.insert(quirk);
        }
    }

    pub(super) fn contains(self, quirk: Quirk) -> bool {
        self.0 & (1 << quirk as u8) != 0
    }

    #[must_use]
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Quirk> for Quirks {
    fn from_iter<I: IntoIterator<Item = Quirk>>(quirks: I) -> Self {
        let mut set = Self::default();
        quirks.into_iter().for_each(|quirk| set.insert(quirk));
        set
    }
}

/// Everything about a source that decides who loads it.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) container: Container,
    pub(super) quirks: Quirks,
    /// There is an `index.json`, whether or not it was read.
    pub(super) has_index: bool,
    /// `repositories` without `manifest.json`: from before docker 1.10. Its names, its layers' quirks.
    pub(super) legacy: Option<DockerImage>,
    pub(super) docker: Option<DockerHalf>,
    pub(super) oci: Option<OciHalf>,
}

/// What `manifest.json` leads to.
#[derive(Clone, Debug, Default)]
pub(super) struct DockerHalf {
    pub(super) quirks: Quirks,
    pub(super) images: Vec<DockerImage>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct DockerImage {
    /// `RepoTags` as they are written.
    pub(super) names: Vec<String>,
    pub(super) platform: Option<Platform>,
    pub(super) quirks: Quirks,
}

/// What `index.json` leads to.
#[derive(Clone, Debug, Default)]
pub(super) struct OciHalf {
    pub(super) quirks: Quirks,
    pub(super) roots: Vec<Root>,
    /// Every image below the roots, once.
    pub(super) images: Vec<OciImage>,
}

/// A descriptor in `index.json`.
#[derive(Clone, Debug)]
pub(super) struct Root {
    /// `io.containerd.image.name`, as it is written.
    pub(super) containerd_name: Option<String>,
    /// `org.opencontainers.image.ref.name`, as it is written.
    pub(super) ref_name: Option<String>,
    /// As the descriptor says it.
    pub(super) platform: Option<Platform>,
    pub(super) digest: String,
    pub(super) quirks: Quirks,
    pub(super) kind: Kind,
    /// Something about an image rather than an image: docker lists referrers so.
    pub(super) companion: bool,
    /// Indexes in `images` of all images below, each once.
    pub(super) leaves: Vec<usize>,
    /// How many manifests are below, images or not, there or not.
    pub(super) manifests: usize,
    /// Something below is not there.
    pub(super) absent: bool,
}

/// What a descriptor stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Index in `images`.
    Image(usize),
    Index(Vec<Child>),
    /// Not an image.
    Other,
    Absent,
}

/// A descriptor in an index that `index.json` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Child {
    /// As the descriptor says it.
    pub(super) platform: Option<Platform>,
    pub(super) kind: ChildKind,
}

/// What a descriptor in such an index stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChildKind {
    /// Index in `images`.
    Image(usize),
    Index,
    /// Not an image.
    Other,
    Absent,
}

#[derive(Clone, Debug, Default)]
pub(super) struct OciImage {
    pub(super) platform: Option<Platform>,
    pub(super) quirks: Quirks,
}

impl OciHalf {
    /// Returns the quirks of all images below a root.
    pub(super) fn below(&self, root: &Root) -> Quirks {
        root.leaves.iter().fold(root.quirks, |quirks, &leaf| quirks.and(self.images[leaf].quirks))
    }
}
