//! What takes the space, as plain data: reports are made from it.

use serde::Serialize;

use crate::digest::Digest;
use crate::layer::Fate;

/// What takes the space in one image. Texts may hold any character, see [`escape`](crate::escape); bytes of names that are
/// not UTF-8 stand there as `\xNN`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ImageUsage {
    /// The number that [`Archive::inspect`](crate::Archive::inspect) gives the image when the same images are chosen.
    pub number: usize,
    /// The layers that could be read, bottom first.
    pub layers: Vec<LayerUsage>,
    /// The files that the layers make together; `None` when that cannot be told, and `problems` says why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<FilesUsage>,
    /// What is wrong with layers, and what could not be told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

impl ImageUsage {
    /// Returns the bytes of files that the image has and nobody sees in it, by what became of them.
    pub fn hidden(&self) -> HiddenBytes {
        let mut all = HiddenBytes::default();
        for hidden in self.layers.iter().filter_map(|layer| layer.effect.as_ref()).map(|effect| effect.hidden) {
            all.add(Fate::Overwritten, hidden.overwritten);
            all.add(Fate::Removed, hidden.removed);
            all.add(Fate::Repeated, hidden.repeated);
        }
        all
    }

    /// Returns the bytes of all regular files of all layers, each as often as it is there.
    pub fn bytes(&self) -> u64 {
        self.layers
            .iter()
            .filter_map(|layer| layer.effect.as_ref())
            .fold(0, |sum, effect| sum.saturating_add(effect.bytes))
    }
}

/// What a layer is, as it was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LayerUsage {
    /// Its number, from 1 at the bottom.
    pub number: usize,
    /// Bytes as it is stored.
    pub size: u64,
    /// Bytes of its tar.
    pub uncompressed_size: u64,
    /// What it does to the layers below it, and they to it; `None` where the files cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<LayerEffect>,
}

/// What a layer does to the tree of those below it, and what becomes of its own files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LayerEffect {
    /// Paths that were not there before.
    pub added: usize,
    /// Paths that it replaces, or whose mode or owner it changes.
    pub changed: usize,
    /// Paths that it takes away, with all that was below them.
    pub removed: usize,
    /// Bytes of its regular files.
    pub bytes: u64,
    /// Of these, bytes that nobody sees in the image.
    pub hidden: HiddenBytes,
}

/// Bytes of files that nobody sees in an image: what would be saved without them. Of a file that several layers have, the
/// copy that is seen does not count: of N copies these are N−1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HiddenBytes {
    /// A later entry has other contents for the path, or is no regular file.
    pub overwritten: u64,
    /// A later layer takes the path away.
    pub removed: u64,
    /// A later entry has the same contents for the path: its mode, owner or time may differ.
    pub repeated: u64,
}

impl HiddenBytes {
    /// Returns the sum.
    pub fn total(&self) -> u64 {
        self.overwritten.saturating_add(self.removed).saturating_add(self.repeated)
    }

    pub(super) fn add(&mut self, fate: Fate, bytes: u64) {
        let of_it = match fate {
            Fate::Overwritten => &mut self.overwritten,
            Fate::Removed => &mut self.removed,
            Fate::Repeated => &mut self.repeated,
        };
        *of_it = of_it.saturating_add(bytes);
    }
}

/// The files that layers make together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FilesUsage {
    /// Bytes of all regular files, each once whatever its names.
    pub bytes: u64,
    /// Regular files, each once.
    pub files: usize,
    /// Directories, without the root.
    pub directories: usize,
    /// All else: symbolic links, devices, further names of files.
    pub others: usize,
    /// What the bytes are spread over; the root is `/`.
    pub tree: UsageNode,
    /// The largest files, largest first.
    pub largest: Vec<FilePlace>,
    /// The largest files that nobody sees, largest first.
    pub hidden: Vec<HiddenFile>,
    /// How many such files there are.
    pub hidden_files: usize,
    /// Files of the same contents.
    pub duplicates: Duplicates,
}

/// A part of the file tree and the bytes in it. The parts of a directory sum up to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UsageNode {
    /// Its name in the directory above it; several parts where each directory but the last holds nothing else.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// Bytes of regular files.
    pub bytes: u64,
    /// Regular files.
    pub files: usize,
    /// The number of the layer that most of the bytes are from.
    pub layer: usize,
    /// Its parts, largest first; what is too small for one of its own is the last, as [`NodeKind::Rest`]. Empty for files
    /// and for directories that are not taken apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<UsageNode>,
}

/// What a [`UsageNode`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum NodeKind {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// What else is in the directory.
    Rest,
}

/// A file, and the layer that it is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FilePlace {
    /// Its path, without a slash before it.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// The number of its layer.
    pub layer: usize,
}

/// A file that a layer has and nobody sees in the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HiddenFile {
    /// Where it is.
    #[serde(flatten)]
    pub place: FilePlace,
    /// What became of it.
    pub fate: Fate,
    /// The number of the layer that did it.
    pub by: usize,
}

/// Files of the same contents under paths of their own; hard links are one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Duplicates {
    /// How many contents there are more than once.
    pub groups: usize,
    /// Copies beside the first of each.
    pub copies: usize,
    /// Bytes of these copies: of N copies, N−1.
    pub bytes: u64,
    /// Those that take the most, most first.
    pub largest: Vec<DuplicateGroup>,
}

/// Contents that several files have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DuplicateGroup {
    /// SHA-256 of the contents.
    pub digest: Digest,
    /// Bytes of one copy.
    pub size: u64,
    /// How many files have them.
    pub copies: usize,
    /// The first of the files, by path.
    pub places: Vec<FilePlace>,
}

impl DuplicateGroup {
    /// Returns the bytes of all copies but one.
    pub fn wasted(&self) -> u64 {
        self.size.saturating_mul(self.copies as u64 - 1)
    }
}
