//! Archives from before docker 1.10: they are read, get a config, and the config stays.
#![no_main]

use libfuzzer_sys::fuzz_target;
use transload::{ConvertOptions, Format};
use transload_fuzz::promises::{self, Bench};
use transload_fuzz::{context, recipe, tarball};

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    let (cx, recompute) = (context(), how & 1 != 0);
    let mut members = recipe::cook(bytes);
    members.retain(|member| member.name != "manifest.json" && member.name != "index.json");
    let tar = tarball::pack(&members);
    let Some(archive) = promises::open(members, Some(Format::DockerArchive), recompute, &cx) else { return };
    promises::check_archive(&archive, recompute, &cx);
    let bench = Bench::new();
    bench.put("in", &tar);
    let to = if how & 2 != 0 { Format::OciArchive } else { Format::DockerArchive };
    if let Some(receipt) = bench.convert("in", "out", &ConvertOptions::new(to)) {
        bench.check("out", to, &receipt);
    }
});
