//! OCI image layouts (image-spec, image-layout.md): `index.json` over blobs that are named by their digests.

mod compose;
mod layout;
mod merge;
mod read;

pub(crate) use compose::{ComposeOptions, Composed, Composer, Described};
pub(crate) use layout::{FILE_MODE, LAYOUT, blob_name, blobs, entries as lay_out, folders, prologue};
pub(crate) use merge::merge;
pub(crate) use read::read;
