//! What is there already is not touched, unless that is asked for, and then it is replaced whole.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{docker_tree, oci_tree, one};
use crate::support::{Sandbox, Style, Tree, docker, file, found, image};

#[test]
fn an_output_that_exists_is_refused() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    let file = sandbox.put("file", b"precious");
    let folder = sandbox.path("folder");
    fs::create_dir(&folder).expect("a folder can be made");
    fs::write(folder.join("x"), b"precious").expect("a file can be written");
    for to in ["docker-archive", "oci-archive", "hybrid-archive", "oci-dir", "docker-dir"] {
        for output in [&file, &folder] {
            let message = sandbox.convert(to, &input, output).fails(5);
            assert!(message.contains("file") || message.contains("folder"), "{message}");
        }
    }
    assert_eq!(fs::read(&file).expect("still there"), b"precious");
    assert_eq!(fs::read(folder.join("x")).expect("still there"), b"precious");
    sandbox.assert_holds(&["file", "folder", "in.tar"]);
}

#[test]
fn force_replaces_a_file_whole() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    let out = sandbox.put("out", &[7; 200_000]);
    sandbox.convert("oci-archive", &input, &out).args(["--force"]).ok();
    assert_eq!(found::output(&out, "oci-archive").ids(), [one().id()]);
    sandbox.assert_holds(&["in.tar", "out"]);
}

/// Forcing replaces what this program writes. Any other folder may be somebody's home.
#[test]
fn force_replaces_a_layout_and_no_other_folder() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    let other = image().layer(file("other", "image")).tag("other:1");
    for to in ["oci-dir", "docker-dir"] {
        let old = sandbox.put_tree("old.tar", &docker(std::slice::from_ref(&other), Style::Classic));
        let out = sandbox.path(to);
        sandbox.convert(to, &old, &out).ok();
        fs::remove_file(old).expect("an input can be removed");
        sandbox.convert(to, &input, &out).args(["--force"]).ok();
        assert_eq!(found::output(&out, to).ids(), [one().id()]);
        let output = Tree::read(&out);
        let left = other.diff_ids()[0]["sha256:".len()..].to_owned();
        assert!(!output.names().iter().any(|name| name.contains(&left)), "the old image is still there");
    }
    let home = sandbox.path("home");
    fs::create_dir(&home).expect("a folder can be made");
    fs::write(home.join("letter"), b"precious").expect("a file can be written");
    let run = sandbox.convert("oci-dir", &input, &home).args(["--force"]).run();
    assert_eq!(run.code, 5, "{run}");
    let run = sandbox.convert("oci-archive", &input, &home).args(["--force"]).run();
    assert!(matches!(run.code, 5 | 75), "{run}");
    assert_eq!(fs::read(home.join("letter")).expect("still there"), b"precious");
    sandbox.assert_holds(&["docker-dir", "home", "in.tar", "oci-dir"]);
}

#[test]
fn an_empty_folder_is_as_good_as_none() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    let out = sandbox.path("out");
    fs::create_dir(&out).expect("a folder can be made");
    sandbox.convert("oci-dir", &input, &out).ok();
    assert_eq!(found::output(&out, "oci-dir").ids(), [one().id()]);
}

#[test]
fn input_and_output_may_be_one_file_when_forced() {
    for name in ["in.tar", "./in.tar", "link.tar"] {
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &docker_tree());
        symlink("in.tar", sandbox.path("link.tar")).expect("a link can be made");
        let before = fs::read(&input).expect("an input");
        sandbox.convert("oci-archive", &input, name).fails(5);
        assert!(fs::read(&input).expect("an input") == before, "the input changed");
        sandbox.convert("oci-archive", &input, name).args(["--force"]).ok();
        assert_eq!(found::output(&sandbox.path(name), "oci-archive").ids(), [one().id()], "{name}");
    }
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in", &oci_tree());
    sandbox.convert("oci-dir", &input, &input).fails(5);
    let run = sandbox.convert("oci-dir", &input, &input).args(["--force"]).run();
    assert!(matches!(run.code, 0 | 2 | 5), "{run}");
    assert_eq!(found::oci_view(&Tree::read(&input)).expect("a layout").ids(), [one().id()]);
}

#[test]
fn outputs_have_the_modes_that_the_umask_gives() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    sandbox.convert("oci-archive", &input, sandbox.path("archive")).ok();
    sandbox.convert("oci-dir", &input, sandbox.path("dir")).ok();
    let plain = sandbox.put("plain", b"");
    let mode = |path: &std::path::Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&sandbox.path("archive")), mode(&plain));
    assert_eq!(mode(&sandbox.path("dir/index.json")), mode(&plain));
    fs::create_dir(sandbox.path("folder")).expect("a folder can be made");
    assert_eq!(mode(&sandbox.path("dir")), mode(&sandbox.path("folder")));
}

#[test]
fn a_dry_run_writes_nothing_and_refuses_what_a_real_one_would() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    let precious = sandbox.put("precious", b"old");
    for to in ["docker-archive", "oci-archive", "oci-dir", "hybrid-archive"] {
        let run = sandbox.convert(to, &input, sandbox.path("out")).args(["--dry-run", "--json"]).ok();
        let report = run.json();
        assert_eq!(report["images"][0]["image_id"], one().id(), "{to}");
        assert_eq!(report["images"][0]["layers"].as_array().map(Vec::len), Some(2), "{to}");
        sandbox.convert(to, &input, sandbox.path("out")).args(["--dry-run"]).ok();
        sandbox.assert_holds(&["in.tar", "precious"]);
    }
    sandbox.convert("oci-archive", &input, &precious).args(["--dry-run", "--force"]).ok();
    assert_eq!(fs::read(&precious).expect("still there"), b"old");
    let run = sandbox.convert("oci-archive", &input, "-").args(["--dry-run"]).ok();
    assert!(!run.stdout.starts_with(b"blobs") && run.stdout.len() < 5000, "a dry run writes no archive");
    sandbox.convert("oci-archive", &input, sandbox.path("out")).args(["--dry-run", "--image", "nope:1"]).fails(4);
    let bad = sandbox.put("bad.tar", &docker_tree().tar()[..3000]);
    sandbox.convert("oci-archive", &bad, sandbox.path("out")).args(["--dry-run"]).fails(3);
    sandbox.assert_holds(&["bad.tar", "in.tar", "precious"]);
}
