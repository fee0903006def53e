//! The reader of docker archives, on members without a tar around them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use transload::Format;
use transload_fuzz::{context, promises, recipe};

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    let (cx, recompute) = (context(), how & 1 != 0);
    if let Some(archive) = promises::open(recipe::cook(bytes), Some(Format::DockerArchive), recompute, &cx) {
        promises::check_archive(&archive, recompute, &cx);
    }
});
