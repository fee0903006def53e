//! What `docker save` and `podman save` write: `manifest.json` over configs and layers, since docker 1.10; before that,
//! `repositories` over chains of v1 layers.

mod layout;
mod legacy;
mod read;
mod v1;
mod v1_config;

pub(crate) use layout::{DockerImage, DockerLayer, FILE_MODE, entries as lay_out, manifest_entry, repositories};
pub(crate) use legacy::LegacyConfig;
pub(crate) use read::{Entry, add_image, entries, read};
