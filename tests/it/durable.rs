//! A result is on the disk before it has its name, unless that is not wanted: then nothing waits for the disk, nor makes it
//! busy.

use std::fs;
use std::path::Path;

use crate::support::image::noise;
use crate::support::{Sandbox, Style, Tree, docker, file, image, trace};

/// What has to do with a disk, and how a result gets its name.
const KINDS: &str = "fsync,fdatasync,syncfs,sync_file_range,fadvise64,linkat,renameat2,renameat,rename";
const SYNCS: [&str; 5] = ["fsync(", "fdatasync(", "syncfs(", "sync_file_range(", "fadvise64("];
const NAMINGS: [&str; 4] = ["linkat(", "renameat2(", "renameat(", "rename("];
/// More than what is sent to the disk at a time.
const LARGE: usize = 10_000_000;

fn is_any(call: &str, of: &[&str]) -> bool {
    of.iter().any(|word| call.contains(word))
}

/// Everything that is in a file or folder.
fn content(path: &Path) -> Vec<u8> {
    if path.is_dir() { Tree::read(path).tar() } else { fs::read(path).expect("it can be read") }
}

#[test]
fn a_result_is_synced_before_it_has_its_name_unless_that_is_not_wanted() {
    if !trace::is_possible() {
        return;
    }
    let sandbox = Sandbox::new();
    let app = image().layer(noise(1, LARGE)).layer(file("etc/a", "one")).tag("app:1");
    let input = sandbox.put_tree("in.tar", &docker(&[app], Style::Plain));
    let log = sandbox.tmp().join("log");
    for to in ["oci-archive", "oci-dir", "hybrid-archive"] {
        let made = [false, true].map(|sync| {
            let out = sandbox.path("out");
            let call = sandbox.convert(to, &input, &out).args(["--compression", "none"]);
            let call = if sync { call } else { call.arg("--no-sync") };
            let (code, calls) = trace::calls(&call, KINDS, &log);
            assert_eq!(code, Some(0), "{to}");
            let calls: Vec<&str> = calls.lines().collect();
            let named = calls.iter().rposition(|call| is_any(call, &NAMINGS)).expect("it got its name");
            let count = |calls: &[&str]| calls.iter().filter(|call| is_any(call, &SYNCS)).count();
            let (before, after) = (count(&calls[..named]), count(&calls[named..]));
            if sync {
                assert!(calls[..named].iter().any(|call| call.contains("fsync(")), "{to}: not synced before its name");
                assert!(before > 2, "{to}: nothing was sent early");
                assert_eq!(after, 1, "{to}: the name has to be synced, too");
            } else {
                assert_eq!((before, after), (0, 0), "{to}: {calls:#?}");
            }
            let content = content(&out);
            if out.is_dir() { fs::remove_dir_all(&out) } else { fs::remove_file(&out) }.expect("it can be removed");
            content
        });
        assert!(made[0] == made[1], "{to}: other bytes");
    }
}

/// What goes to a stream is only on its way through a file.
#[test]
fn what_is_sent_to_a_stream_keeps_no_disk_busy() {
    if !trace::is_possible() {
        return;
    }
    let sandbox = Sandbox::new();
    let app = image().layer(noise(1, LARGE)).tag("app:1");
    let input = sandbox.put_tree("in.tar", &docker(&[app], Style::Plain));
    let call = sandbox.convert("oci-archive", &input, "-");
    let (code, calls) = trace::calls(&call, KINDS, &sandbox.tmp().join("log"));
    assert_eq!(code, Some(0));
    assert!(!calls.lines().any(|call| is_any(call, &SYNCS)), "{calls}");
}
