//! The output is a pure function of the input, the options and the version: not of threads, time or place.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::support::image::noise;
use crate::support::shared::testdata;
use crate::support::{Codec, Layer, Sandbox, Style, Tree, docker, file, image, sha256};

/// Enough layers to keep many threads busy, some too large for one block of a compressor.
fn input(sandbox: &Sandbox) -> PathBuf {
    let large = noise(9, 3_000_000);
    let text = file("text", &"the same words again and again ".repeat(60_000));
    let base = (0..6).fold(image().layer(large).layer(text), |image, n| image.layer(noise(n, 40_000)));
    let child = base.clone().layer(file("x", "y")).tag("demo/child:1");
    sandbox.put_tree("in.tar", &docker(&[base.tag("demo/app:1").tag("demo/app:2"), child], Style::Classic))
}

/// One digest for a file; for a folder one of all its names and contents.
fn digest(path: &Path) -> String {
    if !path.is_dir() {
        return sha256(&fs::read(path).expect("an output"));
    }
    let listing: Vec<u8> = Tree::read(path)
        .members
        .iter()
        .flat_map(|member| format!("{} {:?} {:o}\n", member.name, member.kind, member.mode).into_bytes())
        .collect();
    sha256(&listing)
}

#[test]
fn threads_do_not_change_a_byte() {
    let sandbox = Sandbox::new();
    let input = input(&sandbox);
    for (to, compression) in [
        ("docker-archive", "keep"),
        ("docker-dir", "keep"),
        ("oci-archive", "keep"),
        ("oci-archive", "gzip"),
        ("oci-archive", "zstd"),
        ("oci-dir", "gzip"),
        ("hybrid-archive", "gzip"),
    ] {
        let digests = ["1", "2", "3", "8"].map(|threads| {
            let out = sandbox.path(&format!("{to}-{compression}-{threads}"));
            sandbox.convert(to, &input, &out).args(["--threads", threads, "--compression", compression]).ok();
            digest(&out)
        });
        assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{to} {compression}: {digests:?}");
    }
}

/// What this program compressed is inflated by many threads, as far as they can tell the members apart; that shows in
/// nothing.
#[test]
fn threads_do_not_change_what_is_made_of_members() {
    let sandbox = Sandbox::new();
    let text = |n: usize| file(&format!("text{n}"), &format!("the same {n} words again and again ").repeat(150_000));
    // A file that begins like a member, behind what could be the size of one, in a member that only holds bytes.
    let mut tar = noise(5, 1_500_000).tar;
    tar[600_000..600_014].copy_from_slice(b"\x00\x00\x10\x00\x1f\x8b\x08\0\0\0\0\0\0\xff");
    let looks_like_one = Layer::from_tar(tar);
    let image = image().layer(text(1)).layer(noise(1, 3_000_000)).layer(looks_like_one).layer(text(2)).tag("d/a:1");
    let input = sandbox.put_tree("in.tar", &docker(&[image], Style::Classic));
    for level in ["2", "fast"] {
        let gzip = sandbox.path(&format!("{level}.oci.tar"));
        sandbox.convert("oci-archive", &input, &gzip).args(["--compression-level", level]).ok();
        let good = fs::read(&gzip).expect("an archive");
        for damage in [None, Some(good.len() / 3), Some(good.len() * 4 / 5)] {
            let mut bytes = good.clone();
            if let Some(at) = damage {
                bytes[at] ^= 0x10;
            }
            let input = sandbox.put(&format!("{level}.tar"), &bytes);
            for to in ["docker-archive", "oci-dir"] {
                let answers = ["1", "2", "3", "8"].map(|threads| {
                    let out = sandbox.path(&format!("{level}-{to}-{threads}-{damage:?}"));
                    let run = sandbox.convert(to, &input, &out).args(["--threads", threads]).run();
                    let said = run.stderr.replace(&*out.to_string_lossy(), "OUT");
                    assert_eq!(
                        run.code,
                        if damage.is_some() { 3 } else { 0 },
                        "{level} {to} {threads} {damage:?}: {said}"
                    );
                    if damage.is_none() { digest(&out) } else { said }
                });
                assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{level} {to} {damage:?}: {answers:#?}");
            }
        }
    }
}

#[test]
fn time_place_and_way_in_do_not_change_a_byte() {
    let sandbox = Sandbox::new();
    let input = input(&sandbox);
    let bytes = fs::read(&input).expect("an input");
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(&input).and_then(|file| file.set_modified(old)).expect("a time can be set");
    for to in ["docker-archive", "oci-archive", "hybrid-archive"] {
        let out = |name: &str| sandbox.path(&format!("{to}-{name}"));
        sandbox.convert(to, &input, out("first")).ok();
        sandbox.convert(to, &input, out("again")).ok();
        let elsewhere = tempfile::tempdir().expect("another folder");
        sandbox
            .convert(to, &input, out("elsewhere"))
            .cwd(Path::new("/"))
            .env("TMPDIR", elsewhere.path())
            .env("TZ", "Pacific/Kiritimati")
            .env("LC_ALL", "tr_TR.UTF-8")
            .env("SOURCE_DATE_EPOCH", "1")
            .ok();
        sandbox.convert(to, "in.tar", out("relative")).ok();
        sandbox.convert(to, "-", out("stdin")).stdin(bytes.clone()).ok();
        sandbox.convert(to, sandbox.put("in.tar.gz", &Codec::Gzip.pack(&bytes)), out("gzip")).ok();
        let piped = sandbox.convert(to, &input, "-").ok().stdout;
        let expected = digest(&out("first"));
        for name in ["again", "elsewhere", "relative", "stdin", "gzip"] {
            assert_eq!(digest(&out(name)), expected, "{to} {name}");
        }
        assert_eq!(sha256(&piped), expected, "{to} to stdout");
    }
}

/// The bytes that this version writes. A change is allowed, but not by accident: `UPDATE_GOLDEN=1` writes the file
/// anew, and the changelog says so.
#[test]
fn outputs_are_pinned() {
    let golden = testdata("golden/digests.tsv");
    let mut found = BTreeMap::new();
    for name in [
        "docker-20.10-save.tar",
        "docker-20.10-two-images.tar",
        "podman-4.3-docker-archive.tar",
        "podman-4.3-oci-archive.tar",
        "skopeo-1.9-oci-bare-tag.tar",
        "buildah-1.28-oci-zstd.tar",
        "buildah-1.28-oci-two-platforms.tar",
        "umoci-0.4-oci-two-tags.tar",
        "legacy-repositories.tar",
    ] {
        for to in ["docker-archive", "oci-archive", "hybrid-archive"] {
            for compression in ["default", "none", "gzip", "zstd"] {
                let sandbox = Sandbox::new();
                let out = sandbox.path("out");
                let mut call = sandbox.convert(to, testdata(name), &out).args(["--platform", "linux/amd64"]);
                if compression != "default" {
                    call = call.args(["--compression", compression]);
                }
                call.ok();
                found.insert(format!("{name}\t{to}\t{compression}"), digest(&out));
            }
        }
    }
    let text: String = found.iter().map(|(key, digest)| format!("{key}\t{digest}\n")).collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(golden.parent().expect("a folder")).expect("a folder can be made");
        fs::write(&golden, &text).expect("the golden file can be written");
    }
    let expected = fs::read_to_string(&golden).expect("the golden file; UPDATE_GOLDEN=1 makes it");
    let changed: Vec<&str> = text.lines().filter(|line| !expected.lines().any(|old| old == *line)).collect();
    assert!(changed.is_empty(), "outputs changed, if on purpose run with UPDATE_GOLDEN=1:\n{}", changed.join("\n"));
    assert_eq!(text.lines().count(), expected.lines().count(), "the golden file lists more than there is");
}
