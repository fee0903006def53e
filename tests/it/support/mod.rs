//! What the tests share: a builder that can emit any image in any format with any damage, a reader of
//! archives that owes nothing to the code under test, and a hermetic way to run the program.

pub(crate) mod codec;
pub(crate) mod docker;
pub(crate) mod engines;
pub(crate) mod found;
pub(crate) mod golden;
pub(crate) mod image;
pub(crate) mod layout;
pub(crate) mod makes;
pub(crate) mod mount;
pub(crate) mod names;
pub(crate) mod page;
pub(crate) mod predicting;
pub(crate) mod run;
pub(crate) mod shared;
pub(crate) mod tally;
pub(crate) mod tar;
pub(crate) mod terminal;
pub(crate) mod trace;
pub(crate) mod tree;

pub(crate) use codec::{Codec, sha256};
pub(crate) use docker::{Style, docker};
pub(crate) use image::{Image, Layer, file, files, image};
pub(crate) use layout::Layout;
pub(crate) use run::{Run, Sandbox};
pub(crate) use tree::{Kind, Member, Tree};
