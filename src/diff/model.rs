//! What a comparison found, as plain data: text and JSON are made from the same value.

use serde::Serialize;
use serde_json::Value;

use crate::digest::{DiffId, Digest, ImageId};
use crate::formats::Format;
use crate::layer::FileKind;

/// What two sources differ in. Texts may hold any character, see [`escape`](crate::escape).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// Nothing that counts is different.
    pub same: bool,
    /// The formats that the sources were read as.
    pub formats: Sides<Format>,
    /// Images that were held against each other.
    pub images: Vec<ImageDifference>,
    /// Images that only the first source has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only_a: Vec<ComparedImage>,
    /// Images that only the second source has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only_b: Vec<ComparedImage>,
    /// What a user should know; counts for nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The same of both sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sides<T> {
    /// Of the first.
    pub a: T,
    /// Of the second.
    pub b: T,
}

/// An image as a comparison names it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ComparedImage {
    /// Its place in the source, as in `@N`.
    pub position: usize,
    /// Its names, in full where they have a repository.
    pub names: Vec<String>,
    /// As `os/architecture[/variant]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Hash of the config.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_id: Option<ImageId>,
    /// Hash of the manifest, in formats that have one. It differs with the compression of the layers, and counts for
    /// nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest_digest: Option<Digest>,
}

/// What two images differ in.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ImageDifference {
    /// Nothing that counts is different.
    pub same: bool,
    /// The one image.
    pub a: ComparedImage,
    /// The other.
    pub b: ComparedImage,
    /// Names that only one of them has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Sides<Vec<String>>>,
    /// Platforms that their indexes or configs tell, if they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platforms: Option<Sides<Option<String>>>,
    /// Fields of the configs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub config: Vec<FieldChange>,
    /// Annotations of manifests, of what names them, and of indexes around them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<FieldChange>,
    /// Layers that are not the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<LayerChange>,
    /// Files of the whole images; `None` when they were not compared: the layers are the same, or it was not wanted, or
    /// could not be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<FileChanges>,
    /// What a user should know; counts for nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A field with two values.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FieldChange {
    /// Where it is, as in `config.Labels["version"]` or `history[2].created_by`.
    pub path: String,
    /// Its value in the first; `None` where it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<Value>,
    /// Its value in the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<Value>,
}

/// Layers that are not the same, or only one of the images has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LayerChange {
    /// Of the first image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<ComparedLayer>,
    /// Of the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<ComparedLayer>,
}

/// A layer as a comparison names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ComparedLayer {
    /// Counted from 1, bottom first.
    pub number: usize,
    /// Digest of its tar: measured, or claimed where the layer was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff_id: Option<DiffId>,
    /// Digest of the bytes as they are stored, where they are no compressed tar, or were not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Bytes of the tar, if it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// Files that differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileChanges {
    /// How many only the second image has.
    pub added: usize,
    /// How many only the first image has.
    pub removed: usize,
    /// How many both have, and not the same.
    pub changed: usize,
    /// Each directory before what is in it, sorted by name.
    pub list: Vec<FileChange>,
    /// How many differ in nothing but their time; they are not listed. Only in a brief comparison.
    #[serde(skip_serializing_if = "is_zero")]
    pub only_mtime: usize,
    /// How many more would be listed. Only in a brief comparison.
    #[serde(skip_serializing_if = "is_zero")]
    pub unlisted: usize,
}

impl FileChanges {
    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.added + self.removed + self.changed == 0
    }
}

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileChange {
    /// From the root of the image, with a slash before it.
    pub path: String,
    /// Which of the images have it.
    pub status: FileStatus,
    /// What it is in the second image, or in the first if only that has it.
    #[serde(serialize_with = "kind")]
    pub kind: FileKind,
    /// Bytes of a regular file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// How many files are in it that are not listed: all that is in a directory which only one image has. Only in a brief
    /// comparison.
    #[serde(skip_serializing_if = "is_zero")]
    pub inside: usize,
    /// What is different, of files that both have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<AttributeChange>,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

fn kind<S: serde::Serializer>(kind: &FileKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(kind)
}

/// Which images have a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileStatus {
    /// Only the second.
    Added,
    /// Only the first.
    Removed,
    /// Both, and not the same.
    Changed,
}

/// An attribute with two values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AttributeChange {
    /// Which.
    pub what: Attribute,
    /// Its value in the first image, for people; empty where it has none.
    pub a: String,
    /// Its value in the second.
    pub b: String,
}

/// What two files of one name can differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Attribute {
    /// File, directory, symlink and so on.
    Kind,
    /// What is in a file, by its SHA-256.
    Content,
    /// What a symbolic link leads to.
    Target,
    /// Device numbers.
    Device,
    /// Permission bits, setuid, setgid and sticky.
    Mode,
    /// User and group, by number.
    Owner,
    /// Extended attributes, file capabilities among them.
    Xattrs,
    /// Modification time.
    Mtime,
    /// Which other names the file has (hard links).
    Links,
}

impl Attribute {
    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Content => "content",
            Self::Target => "target",
            Self::Device => "device",
            Self::Mode => "mode",
            Self::Owner => "owner",
            Self::Xattrs => "xattrs",
            Self::Mtime => "mtime",
            Self::Links => "links",
        }
    }
}
