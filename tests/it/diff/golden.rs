//! What people and programs are shown, pinned. `UPDATE_GOLDEN=1` writes the files anew.

use std::fs;
use std::path::Path;

use super::diff;
use crate::support::Sandbox;
use crate::support::shared::testdata;

#[test]
fn answers_are_pinned() {
    for (name, a, b, args) in [
        ("same", "docker-20.10-save.tar", "docker-20.10-save.tar", &[][..]),
        ("one-image-more", "docker-20.10-save.tar", "docker-20.10-two-images.tar", &[]),
        ("config-lost", "podman-4.3-docker-archive.tar", "podman-4.3-oci-archive.tar", &[]),
        ("built-twice", "docker-20.10-save.tar", "buildah-1.28-oci-zstd.tar", &[]),
        ("built-twice-all", "docker-20.10-save.tar", "buildah-1.28-oci-zstd.tar", &["--all"]),
        (
            "built-twice-ignoring",
            "docker-20.10-save.tar",
            "buildah-1.28-oci-zstd.tar",
            &["--ignore", "config,timestamps"],
        ),
        ("no-relation", "buildah-1.28-oci-two-platforms.tar", "umoci-0.4-oci-two-tags.tar", &[]),
    ] {
        for (ending, json) in [("txt", &[][..]), ("json", &["--json"])] {
            let sandbox = Sandbox::new();
            for (from, to) in [(a, "a.tar"), (b, "b.tar")] {
                fs::copy(testdata(from), sandbox.path(to)).expect("an archive can be copied");
            }
            let answer = diff(&sandbox, "a.tar", "b.tar", &[args, json].concat()).stdout;
            check(&testdata(&format!("golden/diff/{name}.{ending}")), &String::from_utf8(answer).expect("UTF-8"));
        }
    }
}

#[track_caller]
fn check(golden: &Path, answer: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(golden.parent().expect("a folder")).expect("a folder can be made");
        fs::write(golden, answer).expect("the golden file can be written");
    }
    let expected = fs::read_to_string(golden).expect("the golden file; UPDATE_GOLDEN=1 makes it");
    assert_eq!(answer, expected, "{} changed, if on purpose run with UPDATE_GOLDEN=1", golden.display());
}
