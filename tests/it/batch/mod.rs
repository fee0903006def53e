//! Many archives as one job.

mod carried;
mod chosen;
mod crosswise;
mod fleet;
mod killed;
pub(crate) mod merge;
mod mixed;
mod panicked;
mod recipes;
pub(crate) mod render;
mod resumed;
mod same;
mod scarce;
mod shared;
mod stopped;
mod together;
mod watched;
