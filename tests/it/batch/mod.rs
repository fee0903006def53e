//! Many archives as one job.

pub(crate) mod merge;
mod recipes;
pub(crate) mod render;
