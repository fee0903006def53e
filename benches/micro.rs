//! The parts of a conversion one by one, through the public API: `make bench-micro`.
//!
//! Images are built in memory and lie in a file system of memory where there is one, so that no disk is measured. One
//! thread, so that a number is the cost on one core. `sha256` and `crc32` are floors: no job can be faster than its own.

use std::fs;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{
    BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use transload::{
    Archive, CompressionChoice, CompressionLevel, Context, ConvertOptions, Format, Input, Output, convert,
};

const LAYER: usize = 32 << 20;

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A folder in memory, or an ordinary one where the system has none.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder can be made")
}

/// Numbers that look random and are always the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Text of words that are used as unevenly as those of a language: it becomes about a third of its size.
fn text(size: usize) -> Vec<u8> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let word = |dice: &mut Dice| -> Vec<u8> {
        (0..2 + dice.roll(9)).map(|_| b'a' + u8::try_from(dice.roll(26)).expect("a letter")).collect()
    };
    let words: Vec<Vec<u8>> = (0..20_000).map(|_| word(&mut dice)).collect();
    let mut text = Vec::with_capacity(size + 16);
    while text.len() < size {
        let rare = dice.roll(words.len() as u64) + 1;
        text.extend_from_slice(&words[usize::try_from(dice.roll(rare)).expect("an index")]);
        text.push(if dice.roll(12) == 0 { b'\n' } else { b' ' });
    }
    text.truncate(size);
    text
}

fn noise(size: usize) -> Vec<u8> {
    let mut dice = Dice(42);
    (0..size / 8).flat_map(|_| dice.roll(u64::MAX).to_le_bytes()).collect()
}

fn add(tar: &mut tar::Builder<Vec<u8>>, name: &str, body: &[u8]) {
    let mut header = tar::Header::new_ustar();
    header.set_size(body.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, body).expect("a tar in memory");
}

/// A docker-archive with one layer and a number of members that nothing refers to.
fn docker(layer: &[u8], strangers: usize) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["sha256:{}"]}}}}"#,
        hex(layer)
    );
    let manifest = format!(
        r#"[{{"Config":"{0}.json","RepoTags":["bench/micro:1"],"Layers":["layer.tar"]}}]"#,
        hex(config.as_bytes())
    );
    for number in 0..strangers {
        add(&mut tar, &format!("strangers/{number:06}"), b"a few bytes");
    }
    add(&mut tar, "layer.tar", layer);
    add(&mut tar, &format!("{}.json", hex(config.as_bytes())), config.as_bytes());
    add(&mut tar, "manifest.json", manifest.as_bytes());
    tar.into_inner().expect("a tar in memory")
}

fn context() -> Context<'static> {
    let mut cx = Context::default();
    cx.threads = NonZeroUsize::MIN;
    cx
}

fn run(from: &Path, out: &Path, to: Format, compression: Option<CompressionChoice>, level: Option<CompressionLevel>) {
    let mut options = ConvertOptions::new(to);
    options.compression = compression;
    options.level = level;
    options.replace = true;
    convert(Input::Path(from.into()), Output::Path(out.into()), &options, &context()).expect("a conversion");
}

/// A folder with an image in each form that is read.
struct Images {
    folder: TempDir,
}

impl Images {
    fn new() -> Self {
        let images = Self { folder: folder() };
        fs::write(images.path("text"), docker(&text(LAYER), 0)).expect("an image can be written");
        fs::write(images.path("noise"), docker(&noise(LAYER), 0)).expect("an image can be written");
        for (name, codec) in [("gzip", CompressionChoice::Gzip), ("zstd", CompressionChoice::Zstd)] {
            run(&images.path("text"), &images.path(name), Format::OciArchive, Some(codec), None);
        }
        images
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn group<'a>(criterion: &'a mut Criterion, name: &str, throughput: Throughput) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(throughput).sample_size(10);
    group
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    group
}

/// The tar scan: headers are listed, bodies are stepped over.
fn scan(criterion: &mut Criterion) {
    let folder = folder();
    let mut group = group(criterion, "scan", Throughput::Elements(50_003));
    let many = folder.path().join("many");
    fs::write(&many, docker(b"x", 50_000)).expect("an image can be written");
    group.bench_function("50003 members", |bencher| {
        bencher.iter(|| Archive::open(Input::Path(many.clone()), None, &context()).expect("an archive"));
    });
    group.finish();
}

/// Whole conversions of one layer, each dominated by one part.
fn layers(criterion: &mut Criterion) {
    use CompressionChoice as Choice;
    use CompressionLevel as Level;
    let images = Images::new();
    let out = images.path("out");
    let mut group = group(criterion, "layer", Throughput::Bytes(LAYER as u64));
    let rows = [
        // The pump and the hash, nothing else.
        ("copy", "text", Format::OciArchive, Some(Choice::None), None),
        ("gzip", "text", Format::OciArchive, Some(Choice::Gzip), None),
        ("gzip, fast", "text", Format::OciArchive, Some(Choice::Gzip), Some(Level::Fast)),
        ("gzip, libdeflate's 2", "text", Format::OciArchive, Some(Choice::Gzip), Some(Level::Number(2))),
        ("gzip, noise", "noise", Format::OciArchive, Some(Choice::Gzip), None),
        ("zstd", "text", Format::OciArchive, Some(Choice::Zstd), None),
        ("zstd, noise", "noise", Format::OciArchive, Some(Choice::Zstd), None),
        ("gunzip", "gzip", Format::DockerArchive, None, None),
        ("unzstd", "zstd", Format::DockerArchive, None, None),
    ];
    for (name, from, to, choice, level) in rows {
        let from = images.path(from);
        group.bench_function(name, |bencher| bencher.iter(|| run(&from, &out, to, choice, level)));
    }
    group.finish();
}

/// What the crates do alone.
fn floors(criterion: &mut Criterion) {
    let bytes = text(LAYER);
    let mut group = group(criterion, "floor", Throughput::Bytes(LAYER as u64));
    group.bench_function("sha256", |bencher| bencher.iter(|| Sha256::digest(black_box(&bytes))));
    group.bench_function("crc32", |bencher| {
        bencher.iter(|| {
            let mut crc = flate2::Crc::new();
            crc.update(black_box(&bytes));
            crc.sum()
        });
    });
    let member = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        std::io::Write::write_all(&mut encoder, &bytes).expect("gzip in memory");
        encoder.finish().expect("gzip in memory")
    };
    group.bench_function("gunzip, one member", |bencher| {
        let mut buffer = vec![0; 64 * 1024];
        bencher.iter(|| {
            let mut decoder = flate2::read::GzDecoder::new(black_box(&member[..]));
            while std::io::Read::read(&mut decoder, &mut buffer).expect("gzip in memory") > 0 {}
        });
    });
    group.finish();
}

criterion_group!(benches, scan, layers, floors);
criterion_main!(benches);
