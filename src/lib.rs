//! Carries container images between docker-archive (what `docker save` and `podman save` write) and OCI image layouts,
//! either way, without changing them: the image ID in is the image ID out.
//!
//! Every digest, size and diff_id that a source claims is checked while its bytes pass. The output is whole or absent,
//! and the same bytes for the same input, options and version. Nothing is unpacked, and memory is bounded.
//!
//! ```
//! use transload::{Context, ConvertOptions, Format, Input, Output, convert};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let input = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/docker-20.10-save.tar");
//! # let output = folder.path().join("hello.oci.tar");
//! let options = ConvertOptions::new(Format::OciArchive);
//! let receipt = convert(Input::Path(input), Output::Path(output), &options, &Context::default())?;
//! for image in &receipt.images {
//!     println!("{:?}: {:?}", image.names, image.image_id);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Archive::open`] reads a source's documents without converting anything. What a [`Context`] holds is injected: limits
//! on untrusted input, a [`Cancel`] switch, an [`Observer`] that hears of progress:
//!
//! ```
//! use transload::{Archive, Context, ConvertOptions, Event, Format, Input, Observer, Output};
//!
//! struct Meter(std::sync::atomic::AtomicU64);
//!
//! impl Observer for Meter {
//!     fn on(&self, event: &Event) {
//!         if let Event::Read { bytes, .. } = event {
//!             self.0.fetch_add(*bytes, std::sync::atomic::Ordering::Relaxed);
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let input = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/docker-20.10-save.tar");
//! # let output = folder.path().join("hello.oci");
//! let meter = Meter(0.into());
//! let mut cx = Context::default();
//! cx.observer = &meter;
//! let archive = Archive::open(Input::Path(input), None, &cx)?;
//! let stop = cx.cancel.clone(); // `stop.trigger()` from any thread ends the conversion and removes its output
//! let receipt = archive.convert(Output::Path(output), &ConvertOptions::new(Format::OciDir), &cx)?;
//! assert_eq!(receipt.images[0].image_id, archive.images()[0].id());
//! # drop(stop);
//! # Ok(())
//! # }
//! ```
//!
//! Archives are untrusted input. Names in them never become paths on disk; text from them is escaped in errors, and is
//! to be escaped with [`escape`] where a [`Receipt`] holds it. A source that changes while it is read is found out by its
//! digests, not prevented.

mod archive;
pub mod batch;
mod cache;
mod code;
mod codec;
mod content;
mod context;
mod convert;
mod descriptor;
mod diff;
mod digest;
mod document;
mod error;
mod execute;
mod faults;
mod formats;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod go_json;
mod graph;
mod hands;
mod inspect;
mod json;
mod layer;
mod limits;
mod loadability;
mod media_type;
mod output;
mod plan;
mod platform;
mod pool;
mod receipt;
mod reference;
mod suggest;
mod tar_header;
mod top;
mod tree;
mod usage;
mod verify;

pub use archive::{Archive, ArchiveImage, ArchiveLayer};
pub use code::{Code, Severity};
pub use codec::{Compression, CompressionChoice, CompressionLevel};
pub use context::{Cancel, Context, Event, Observer, Silent};
pub use convert::{ConvertOptions, convert};
pub use diff::{
    Attribute, AttributeChange, ComparedImage, ComparedLayer, DiffOptions, Difference, FieldChange, FileChange,
    FileChanges, FileStatus, Ignore, ImageDifference, LayerChange, Sides, diff,
};
pub use digest::{Algorithm, DiffId, Digest, ImageId};
pub use error::{Error, ErrorKind, Result, escape, escape_json};
pub use formats::{Format, FormatAbout};
pub use inspect::{
    Companion, CompanionKind, CompanionPart, FileSink, FilesOptions, FilesSummary, HistoryLine, InspectOptions,
    InspectedImage, InspectedLayer, Inspection, LayerChanges, ListedFile, RawDocument, Settings, SharedLayer,
};
pub use layer::{Fate, FileKind};
pub use limits::Limits;
pub use loadability::{Engine, Fix, Note, Prediction, Refusal, Requirement, Verdict};
pub use output::{ByteSink, Output, write_whole};
pub use plan::Reason;
pub use platform::Platform;
pub use receipt::{ConvertedImage, ConvertedLayer, Receipt};
pub use reference::Reference;
pub use tree::Input;
pub use usage::{
    DuplicateGroup, Duplicates, FilePlace, FilesUsage, HiddenBytes, HiddenFile, ImageUsage, LayerEffect, LayerUsage,
    NodeKind, UsageNode, UsageOptions, UsageSink,
};
pub use verify::{Finding, Verification, VerifyOptions, verify};
