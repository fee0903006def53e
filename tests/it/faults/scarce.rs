//! Few descriptors, and folders for temporary files that are missing, closed or no folders.

use std::fs;
use std::path::Path;

use super::{ARCHIVES, FORMATS, after, app, assert_whole, docker_tree, end, oci_tree};
use crate::support::{Codec, Image, Sandbox, file, found, image};

/// As many layers as overlayfs mounts.
const LAYERS: usize = 127;

fn tall() -> Image {
    (0..LAYERS).fold(image().tag("app:1"), |image, n| image.layer(file(&format!("f{n}"), &format!("text {n}"))))
}

#[test]
fn many_layers_need_few_descriptors() {
    let sandbox = Sandbox::new();
    let image = tall();
    let inputs = [
        sandbox.put_tree("docker.tar", &docker_tree(&image)),
        sandbox.put_tree("docker", &docker_tree(&image)),
        sandbox.put_tree("oci.tar", &oci_tree(&image.clone().codec(Codec::Gzip))),
        sandbox.put_tree("oci", &oci_tree(&image.clone().codec(Codec::Gzip))),
    ];
    for input in &inputs {
        for to in FORMATS {
            let out = sandbox.path("out");
            let call = sandbox.convert(to, input, &out).args(["--threads", "8", "--force"]);
            let ended = end(&mut after("ulimit -n 32", &call));
            assert_eq!(ended.code, Some(0), "{} to {to}: {}", input.display(), ended.stderr);
            assert_eq!(found::output(&out, to).images[0].layers.len(), LAYERS);
            if out.is_dir() { fs::remove_dir_all(&out) } else { fs::remove_file(&out) }.expect("it can be removed");
        }
    }
    sandbox.assert_holds(&["docker", "docker.tar", "oci", "oci.tar"]);
}

#[test]
fn too_few_descriptors_are_a_failure_that_leaves_nothing() {
    let sandbox = Sandbox::new();
    let inputs = [
        sandbox.put_tree("docker.tar", &docker_tree(&app(100_000))),
        sandbox.put_tree("oci", &oci_tree(&app(100_000).codec(Codec::Gzip))),
    ];
    for input in &inputs {
        for to in FORMATS {
            // From too few to open anything to just enough.
            for descriptors in 3..12 {
                let call = sandbox.convert(to, input, sandbox.path("out")).args(["--threads", "4"]);
                let ended = end(&mut after(&format!("ulimit -n {descriptors}"), &call));
                match ended.code {
                    Some(0) => {
                        let out = sandbox.path("out");
                        assert_whole(&out, to, &app(100_000));
                        if out.is_dir() { fs::remove_dir_all(&out) } else { fs::remove_file(&out) }
                            .expect("it can be removed");
                    }
                    // Without descriptors the loader cannot even load the program's libraries.
                    Some(127) => assert!(descriptors < 5, "{}", ended.stderr),
                    _ => ended.assert_failed(75, &["Too many open files".as_ref()]),
                }
                // To empty a folder takes descriptors as well.
                let staging = |name: &String| name.starts_with(".transload.") && descriptors < 8;
                if let Some(left) = sandbox.names().into_iter().find(staging).filter(|_| to.ends_with("dir")) {
                    fs::remove_dir_all(sandbox.path(&left)).expect("it can be removed");
                }
                sandbox.assert_holds(&["docker.tar", "oci"]);
            }
        }
    }
}

#[test]
fn a_folder_for_temporary_files_that_is_none_is_named() {
    let sandbox = Sandbox::new();
    let tree = docker_tree(&app(1000));
    let input = sandbox.put_tree("in.tar", &tree);
    let packed = sandbox.put("packed", &Codec::Gzip.pack(&tree.tar()));
    for (tmp, cause) in [("missing", "No such file"), ("in.tar", "Not a directory"), ("/proc", "")] {
        let tmp = sandbox.path(tmp);
        let assert_named = |error: String| {
            assert!(error.contains(tmp.to_str().expect("a path is text")), "{error}");
            assert!(error.contains(cause), "{error}");
            sandbox.assert_holds(&["in.tar", "packed"]);
        };
        for to in ARCHIVES {
            let out = sandbox.path("out");
            assert_named(sandbox.convert(to, "-", &out).stdin(tree.tar()).env("TMPDIR", &tmp).fails(75));
            assert_named(sandbox.convert(to, "-", &out).stdin(tree.tar()).arg("--tmpdir").arg(&tmp).fails(75));
            assert_named(sandbox.convert(to, &input, "-").env("TMPDIR", &tmp).fails(75));
            assert_named(sandbox.convert(to, &input, "-").arg("--tmpdir").arg(&tmp).fails(75));
            assert_named(sandbox.convert(to, &packed, &out).arg("--tmpdir").arg(&tmp).fails(75));
        }
    }
}

/// Only what needs a temporary file can miss the folder for it.
#[test]
fn a_folder_for_temporary_files_that_is_not_needed_is_not_missed() {
    let sandbox = Sandbox::new();
    let tree = docker_tree(&app(1000));
    let input = sandbox.put_tree("in.tar", &tree);
    let packed = sandbox.put("packed", &Codec::Gzip.pack(&tree.tar()));
    for to in FORMATS {
        for (number, input) in [&input, &packed].into_iter().enumerate() {
            let out = sandbox.path(&format!("{to}{number}"));
            sandbox.convert(to, input, &out).env("TMPDIR", Path::new("/nowhere")).ok();
            assert_whole(&out, to, &app(1000));
        }
    }
}
