//! Many archives as one job.

pub(crate) mod merge;
pub(crate) mod render;
