//! Every byte matters: an archive with one byte changed, or cut short, is refused, or still gives the right image.
//! Calls the library, because a process for each byte would take minutes.

use std::fs;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use transload::{Context, ConvertOptions, ErrorKind, Format, Input, Output, Receipt, convert};

use crate::support::found;
use crate::support::{Codec, Image, Layer, Layout, Sandbox, Style, docker, file, image};

/// An archive of a few KiB, and what is right to make of it.
pub(crate) struct Victim {
    pub(crate) what: &'static str,
    pub(crate) bytes: Vec<u8>,
    image: Image,
    to: Format,
}

pub(crate) fn victims() -> Vec<Victim> {
    // One header is a layer: an empty file, and no end blocks.
    let layer = || Layer::from_tar(&file("a", "").tar[..512]);
    let small = || image().layer(layer()).tag("d/a:1");
    let stored = |codec| small().codec(codec);
    let oci = |image: &Image| Layout::new().named(image, "docker.io/d/a:1").tree().without_dirs();
    vec![
        Victim {
            what: "docker",
            bytes: docker(&[small()], Style::Plain).tar(),
            image: small(),
            to: Format::OciArchive,
        },
        Victim { what: "oci, plain", bytes: oci(&small()).tar(), image: small(), to: Format::DockerArchive },
        Victim { what: "oci, gzip", bytes: oci(&stored(Codec::Gzip)).tar(), image: small(), to: Format::OciArchive },
        Victim { what: "oci, zstd", bytes: oci(&stored(Codec::Zstd)).tar(), image: small(), to: Format::DockerArchive },
        Victim {
            what: "docker in gzip",
            bytes: Codec::Gzip.pack(&docker(&[small()], Style::Plain).tar()),
            image: small(),
            to: Format::OciArchive,
        },
    ]
}

/// Runs `check` for every number, on all cores, each with a sandbox of its own.
pub(crate) fn on_all_cores(count: usize, check: impl Fn(&Sandbox, usize) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from).min(8) {
            scope.spawn(|| {
                let sandbox = Sandbox::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    check(&sandbox, number);
                }
            });
        }
    });
}

fn attempt(sandbox: &Sandbox, input: Input, to: Format) -> transload::Result<Receipt> {
    let mut cx = Context::default();
    cx.threads = NonZeroUsize::MIN;
    cx.temp_dir = Some(sandbox.tmp());
    convert(input, Output::Path(sandbox.path("out")), &ConvertOptions::new(to), &cx)
}

/// Converts damaged bytes. Tells whether they were refused; when not, the image must be the right one.
fn is_refused(sandbox: &Sandbox, victim: &Victim, damaged: &[u8], how: &str) -> bool {
    let input = sandbox.put("in.tar", damaged);
    match attempt(sandbox, Input::Path(input), victim.to) {
        Ok(_) => {
            let out = sandbox.path("out");
            let name = if victim.to == Format::OciArchive { "oci-archive" } else { "docker-archive" };
            let view = found::output(&out, name);
            let found: Vec<_> = view.images.iter().map(|image| (image.id(), image.diff_ids())).collect();
            let right = [(victim.image.id(), victim.image.diff_ids())];
            assert_eq!(found, right, "{}, {how}: a wrong image", victim.what);
            fs::remove_file(out).expect("an output can be removed");
            false
        }
        Err(error) => {
            let blamed = matches!(error.kind(), ErrorKind::Damaged | ErrorKind::Unsupported);
            assert!(blamed, "{}, {how}: {error}", victim.what);
            sandbox.assert_holds(&["in.tar"]);
            true
        }
    }
}

/// The bytes of the members' bodies, by name.
pub(crate) fn bodies(tar: &[u8]) -> Vec<(String, Range<usize>)> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().expect("a tar");
    entries
        .map(|entry| {
            let entry = entry.expect("a member");
            let start = usize::try_from(entry.raw_file_position()).expect("a small tar");
            let end = start + usize::try_from(entry.size()).expect("a small tar");
            (entry.path().expect("a name").display().to_string(), start..end)
        })
        .collect()
}

/// Whether a digest or a checksum covers a byte: blobs, layers and the headers before the end. Names in JSON, the
/// padding of tars and the end blocks are covered by nothing, and a checksum has blanks and zeros that can be exchanged.
pub(crate) fn is_covered(bodies: &[(String, Range<usize>)], at: usize, end: usize) -> bool {
    let documents = ["manifest.json", "index.json", "oci-layout", "config0.json"];
    match bodies.iter().find(|(_, range)| range.contains(&at)) {
        // The config of a docker-archive has no digest beside it that could be compared.
        Some((name, _)) => !documents.contains(&name.as_str()),
        None => {
            let padding =
                |(_, range): &(String, Range<usize>)| (range.end..range.end.next_multiple_of(512)).contains(&at);
            at < end && !bodies.iter().any(padding) && !(148..156).contains(&(at % 512))
        }
    }
}

#[test]
fn no_changed_byte_gives_a_wrong_image() {
    for victim in victims() {
        let plain = victim.what != "docker in gzip";
        let bodies = if plain { bodies(&victim.bytes) } else { Vec::new() };
        let end = bodies.last().map_or(0, |(_, range)| range.end.next_multiple_of(512));
        on_all_cores(victim.bytes.len(), |sandbox, at| {
            let mut damaged = victim.bytes.clone();
            damaged[at] ^= 0x01 << (at % 8);
            let config = bodies.iter().any(|(name, range)| name == "config0.json" && range.contains(&at));
            if config {
                return; // Another config is another image, and nothing in a docker-archive says which one was meant.
            }
            let refused = is_refused(sandbox, &victim, &damaged, &format!("byte {at} changed"));
            if plain && is_covered(&bodies, at, end) {
                assert!(refused, "{}: byte {at} changed, and nobody noticed", victim.what);
            }
        });
    }
}

/// A config of a docker-archive is named by its digest by every tool that writes one; a reader that takes the
/// name for a claim would refuse jib's and bazel's archives, so only diff_ids are compared.
#[test]
fn changed_diff_ids_in_a_docker_config_are_noticed() {
    let victim = victims().swap_remove(0);
    let tree = docker(std::slice::from_ref(&victim.image), Style::Plain);
    let config = String::from_utf8(tree.file("config0.json").to_vec()).expect("JSON is text");
    let diff_id = victim.image.diff_ids()[0].clone();
    on_all_cores(64, |sandbox, digit| {
        let at = config.find(&diff_id).expect("the diff_id is in the config") + "sha256:".len() + digit;
        let mut changed = config.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        let damaged = tree.clone().replace("config0.json", changed).tar();
        assert!(is_refused(sandbox, &victim, &damaged, "a digit of a diff_id changed"));
    });
}

#[test]
fn archives_that_are_cut_short_are_refused() {
    for victim in victims() {
        let plain = victim.what != "docker in gzip";
        let needed = if plain { bodies(&victim.bytes).last().expect("members").1.end } else { victim.bytes.len() };
        let step = if plain { 512 } else { 37 };
        let cuts: Vec<usize> = (0..needed).step_by(step).chain([needed - 1, needed - 4]).collect();
        on_all_cores(cuts.len(), |sandbox, number| {
            let cut = cuts[number];
            let mut damaged = victim.bytes.clone();
            damaged.truncate(cut);
            // A cut at the end of a member is no cut at all when what follows is not needed.
            let refused = is_refused(sandbox, &victim, &damaged, &format!("cut at {cut}"));
            let last_needed =
                cut >= needed || (plain && victim.what.starts_with("oci") && only_layout_lost(&victim, cut));
            assert!(refused || last_needed, "{}: cut at {cut}, and nobody noticed", victim.what);
        });
    }
}

/// `oci-layout` is the last member, and a layout without it is read.
fn only_layout_lost(victim: &Victim, cut: usize) -> bool {
    let bodies = bodies(&victim.bytes);
    let (_, index) = bodies.iter().find(|(name, _)| name == "index.json").expect("an index");
    cut == index.end.next_multiple_of(512)
}

/// The same over stdin, where the length of the input is not known beforehand.
#[test]
fn cut_pipes_are_refused() {
    let victim = victims().swap_remove(0);
    let needed = bodies(&victim.bytes).last().expect("members").1.end;
    let cuts: Vec<usize> = (0..needed).step_by(512).collect();
    on_all_cores(cuts.len(), |sandbox, number| {
        let bytes = std::io::Cursor::new(victim.bytes[..cuts[number]].to_vec());
        let result = attempt(sandbox, Input::Stream(Box::new(bytes), "a pipe".into()), victim.to);
        let kind = result.err().map(|error| error.kind());
        assert_eq!(kind, Some(ErrorKind::Damaged), "cut at {}", cuts[number]);
        sandbox.assert_holds(&[]);
    });
}

/// A file that is there already survives a failed conversion.
#[test]
fn a_failure_leaves_an_older_output_alone() {
    let victim = victims().swap_remove(0);
    let sandbox = Sandbox::new();
    let input = sandbox.put("in.tar", &victim.bytes[..2000]);
    let out = sandbox.put("out", b"precious");
    sandbox.convert("oci-archive", input, &out).args(["--force"]).fails(3);
    assert_eq!(fs::read(&out).expect("the old output"), b"precious");
    sandbox.assert_holds(&["in.tar", "out"]);
}
