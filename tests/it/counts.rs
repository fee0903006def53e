//! What a job costs, in counts that are the same on a slow machine and a fast one: memory, bytes read, bytes written.
//!
//! The kernel counts every byte that is handed to it, so a second pass over the input, a spool, or a file that is written
//! twice shows, however fast the machine is. Times are for `scripts/bench`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::support::image::noise;
use crate::support::run::peak_kib;
use crate::support::shared::say;
use crate::support::{Codec, Image, Kind, Layer, Layout, Sandbox, Style, Tree, docker, image};

/// 32 MB, of which the program alone takes 4 to 8: code pages, stacks, the allocator.
const PEAK_KIB: u64 = 32_000_000 / 1024;
/// Headers and documents are read apart from layers; some are looked at twice.
const READ: f64 = 1.05;
/// Tar headers are written again once a size is known.
const WRITTEN: f64 = 1.01;
/// What the loader reads, and what is too little to be worth a proportion.
const SLACK: u64 = 256 * 1024;

/// So many bytes of lines that compress well, and start with `start`.
fn text(start: &str, len: usize) -> Layer {
    let line = |n: usize| format!("{start} {n:08} the quick brown fox jumps over the lazy dog, again and again\n");
    let block: String = (0..8192).map(line).collect();
    let body = block.as_bytes().repeat(len.div_ceil(block.len()));
    Layer::from_tar(Tree::default().with(start, Kind::File(body)).tar())
}

/// About 200 MB: a large layer, one that does not compress, and many small ones.
fn ordinary() -> Image {
    let large = image().layer(text("large", 100_000_000)).layer(noise(1, 40_000_000));
    (0..60).fold(large, |image, n| image.layer(text(&format!("small{n}"), 1_000_000))).tag("demo/app:1")
}

/// Fifty images of 16 MB that share all but 200 kB.
fn fifty() -> Vec<Image> {
    let base = image().layer(text("base", 12_000_000)).layer(noise(2, 4_000_000));
    (0..50).map(|n| base.clone().layer(noise(100 + n, 200_000)).tag(&format!("demo/app:{n}"))).collect()
}

#[derive(Debug)]
struct Counts {
    peak_kib: u64,
    read: u64,
    written: u64,
}

/// Waits for a program, and asks the kernel for its counts before it is gone.
fn count(mut child: Child) -> Counts {
    let pid = Pid::from_child(&child);
    let mut peak = 0;
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    while waitid(WaitId::Pid(pid), ended).expect("a child can be waited for").is_none() {
        peak = peak_kib(child.id()).unwrap_or(0).max(peak);
        thread::sleep(Duration::from_millis(1));
    }
    // Its memory is gone by now, its counts are not.
    let io = fs::read_to_string(format!("/proc/{}/io", child.id())).expect("what the kernel counted");
    let field = |name: &str| -> u64 {
        let line = io.lines().find_map(|line| line.strip_prefix(name)).expect("a count");
        line.trim().parse().expect("a number")
    };
    let counts = Counts { peak_kib: peak, read: field("rchar:"), written: field("wchar:") };
    let status = child.wait().expect("a child can be waited for");
    assert!(status.success(), "{status}");
    counts
}

fn size(path: &Path) -> u64 {
    let meta = fs::symlink_metadata(path).expect("a file");
    if meta.is_dir() {
        return fs::read_dir(path).expect("a folder").flatten().map(|file| size(&file.path())).sum();
    }
    meta.len()
}

#[track_caller]
fn check(input: &Path, to: &str, args: &[&str]) {
    let sandbox = Sandbox::new();
    let out = sandbox.path("out");
    let mut command = sandbox.convert(to, input, &out).args(["--threads", "2"]).args(args).prepared();
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program can be started");
    let counts = count(child);
    let name = input.file_name().expect("a name").display();
    let (from, into) = (size(input), size(&out));
    say(&format!("counts: {name} to {to} {args:?}: {counts:?}, input {from}, output {into}"));
    let most = |share: f64, bytes: u64| (share * bytes as f64) as u64 + SLACK;
    assert!(counts.peak_kib <= PEAK_KIB, "a peak of {} KiB: {name} to {to} {args:?}", counts.peak_kib);
    assert!(counts.read <= most(READ, from), "{} bytes read of {from}: {name} to {to} {args:?}", counts.read);
    assert!(
        counts.written <= most(WRITTEN, into),
        "{} bytes written for {into}: {name} to {to} {args:?}",
        counts.written
    );
    // Counts that are too small were not taken. What pads a member of a tar is skipped, not written.
    assert!(counts.peak_kib > 1000 && counts.read >= from / 2 && counts.written >= into / 2, "{counts:?}");
    sandbox.assert_holds(&["out"]);
}

struct Inputs {
    sandbox: Sandbox,
}

impl Inputs {
    fn new() -> Inputs {
        Inputs { sandbox: Sandbox::new() }
    }

    fn docker(&self, name: &str, images: &[Image], style: Style) -> PathBuf {
        self.sandbox.put(name, &docker(images, style).tar())
    }

    fn oci(&self, name: &str, image: &Image) -> PathBuf {
        self.sandbox.put(name, &Layout::new().named(image, "demo/app:1").tree().tar())
    }
}

#[test]
fn an_image_is_read_once_and_written_once_in_little_memory() {
    let inputs = Inputs::new();
    let ordinary = ordinary();
    let plain = inputs.docker("docker", std::slice::from_ref(&ordinary), Style::Plain);
    check(&plain, "oci-archive", &[]);
    check(&plain, "oci-archive", &["--compression", "none"]);
    check(&plain, "oci-archive", &["--compression", "zstd"]);
    check(&plain, "oci-archive", &["--compression-level", "fast"]);
    check(&plain, "oci-dir", &[]);
    check(&plain, "hybrid-archive", &[]);
    check(&plain, "docker-archive", &[]);
    drop(plain);
    let gzip = inputs.oci("gzip", &ordinary.clone().codec(Codec::Gzip));
    check(&gzip, "docker-archive", &[]);
    check(&gzip, "oci-archive", &[]);
    check(&gzip, "oci-archive", &["--compression", "zstd"]);
    check(&gzip, "hybrid-archive", &[]);
    let zstd = inputs.oci("zstd", &ordinary.codec(Codec::Zstd));
    check(&zstd, "docker-archive", &[]);
}

#[test]
fn what_images_share_is_read_once_and_written_once() {
    let inputs = Inputs::new();
    let fifty = inputs.docker("fifty", &fifty(), Style::Crane);
    check(&fifty, "oci-archive", &[]);
    check(&fifty, "oci-archive", &["--compression", "none"]);
    check(&fifty, "docker-archive", &[]);
}
