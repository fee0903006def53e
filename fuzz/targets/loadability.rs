//! Predictions: one for each engine, each agreeing with itself, and what is advised helps.
#![no_main]

use libfuzzer_sys::fuzz_target;
use transload::{Engine, Format, Platform};
use transload_fuzz::promises::{self, check_prediction};
use transload_fuzz::{context, recipe};

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    let from = [None, Some(Format::DockerArchive), Some(Format::OciArchive)][usize::from(how % 3)];
    let Some(archive) = promises::open(recipe::cook(bytes), from, false, &context()) else { return };
    for host in ["linux/amd64", "linux/arm/v7", "windows/amd64"] {
        let host: Platform = host.parse().expect("a platform");
        let predictions = archive.loadability(&host);
        assert!(predictions.iter().map(|prediction| prediction.engine).eq(Engine::all()));
        predictions.iter().for_each(check_prediction);
    }
});
