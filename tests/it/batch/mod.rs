//! Many archives as one job.

mod carried;
mod chosen;
mod fleet;
mod killed;
mod merge;
mod mixed;
mod resumed;
mod same;
mod scarce;
mod shared;
mod stopped;
mod together;
mod watched;
