//! Large archives are told of as fast as small ones: only headers and documents are read.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde_json::json;
use transload::{Archive, Context, Input, InspectOptions};

use crate::support::{Sandbox, sha256};

const LAYERS: u64 = 5;
/// The largest that a ustar header can say.
const LAYER: u64 = 2 << 30;

/// Writes a docker-archive of five layers of 2 GiB that take no room on the disk.
fn sparse(path: &Path) {
    let file = File::create(path).expect("a sparse file can be made");
    let mut at = 0;
    let mut member = |name: &str, size: u64, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_path(name).expect("a short name");
        header.set_size(size);
        header.set_mode(0o444);
        header.set_cksum();
        file.write_all_at(header.as_bytes(), at).expect("a header can be written");
        file.write_all_at(bytes, at + 512).expect("a body can be written");
        at += 512 + size.div_ceil(512) * 512;
    };
    let names: Vec<String> = (0..LAYERS).map(|n| format!("{n}.tar")).collect();
    for name in &names {
        member(name, LAYER, b"");
    }
    let diff_ids: Vec<String> = names.iter().map(|name| sha256(name.as_bytes())).collect();
    let config = json!({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}});
    let config = config.to_string();
    member("config.json", config.len() as u64, config.as_bytes());
    let manifest = json!([{"Config": "config.json", "RepoTags": ["large:1"], "Layers": names}]).to_string();
    member("manifest.json", manifest.len() as u64, manifest.as_bytes());
    file.set_len(at + 1024).expect("a sparse file can be made");
}

/// What this thread has read so far, whether from a disk or from memory.
fn bytes_read() -> u64 {
    let io = fs::read_to_string("/proc/thread-self/io").expect("Linux counts what is read");
    let line = io.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("a line for it");
    line.parse().expect("a number")
}

#[test]
fn ten_gigabytes_are_told_of_by_reading_some_kilobytes() {
    let sandbox = Sandbox::on_disk();
    let path = sandbox.path("large.tar");
    sparse(&path);
    assert!(fs::metadata(&path).expect("a file").len() > 10_000_000_000);
    let cx = Context::default();
    let before = bytes_read();
    let archive = Archive::open(Input::Path(path.clone()), None, &cx).expect("it opens");
    let found = archive.inspect(&InspectOptions::default(), &cx).expect("it can be told of");
    let read = bytes_read() - before;
    assert_eq!(found.images[0].size, LAYERS * LAYER);
    assert_eq!(found.images[0].uncompressed_size, Some(LAYERS * LAYER), "plain layers are as large as they are");
    assert!(read < 64 << 10, "{read} bytes were read");
    let run = sandbox.command(["inspect", "large.tar"]).ok();
    assert!(String::from_utf8_lossy(&run.stdout).contains("10.7 GB"), "{run}");
}
