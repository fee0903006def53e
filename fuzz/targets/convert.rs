//! Whole conversions of arbitrary archives: what is accepted comes back unchanged, what is refused leaves nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use transload::{CompressionChoice, ConvertOptions, Format};
use transload_fuzz::promises::Bench;
use transload_fuzz::{recipe, tarball};

fuzz_target!(|bytes: &[u8]| {
    let [how, to, rest @ ..] = bytes else { return };
    let mut tar = if how & 1 != 0 {
        let mut tar = rest.to_vec();
        tarball::mend(&mut tar);
        tar
    } else {
        tarball::pack(&recipe::cook(rest))
    };
    if how & 2 != 0 {
        tar = recipe::gzip(&tar);
    }
    let bench = Bench::new();
    bench.put("in", &tar);
    let to = usize::from(*to);
    let mut options = ConvertOptions::new(Format::ALL[to % 5]);
    options.recompute = how & 4 != 0;
    options.compression = match to / 5 % 5 {
        0 => Some(CompressionChoice::Keep),
        1 => Some(CompressionChoice::None),
        2 => Some(CompressionChoice::Gzip),
        3 => Some(CompressionChoice::Zstd),
        _ => None,
    };
    if let Some(receipt) = bench.convert("in", "out", &options) {
        bench.check("out", options.to, &receipt);
    }
});
