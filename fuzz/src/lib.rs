//! What the fuzz targets share: an encoding of archives that fuzzers can change without breaking every digest in it, and
//! the promises that must hold whatever the input is.

#[cfg(fuzzing)]
pub mod promises;
pub mod recipe;
#[cfg(fuzzing)]
pub mod stream;
pub mod tarball;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use transload::Context;

/// Small limits: memory stays small, and the limits themselves are reached.
pub fn context() -> Context<'static> {
    let mut cx = Context::default();
    cx.limits.document_bytes = 64 << 10;
    cx.limits.members = 200;
    cx.limits.layers = 40;
    cx.limits.header_bytes = 8 << 10;
    cx.limits.index_depth = 4;
    cx.limits.zstd_window_log = 20;
    cx.limits.xz_memory = 8 << 20;
    cx.limits.inflated_bytes = 1 << 20;
    cx.threads = NonZeroUsize::MIN;
    cx.temp_dir = Some(scratch());
    cx
}

/// A folder that no disk has to confirm, where there is one.
pub fn scratch() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}
