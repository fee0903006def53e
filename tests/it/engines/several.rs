//! Archives of several images that share layers, where engines disagree most.

use crate::support::engines::{Containerd, Containers, Docker, line, require};
use crate::support::{Image, Layout, Sandbox, file, image};
use std::path::Path;

/// The full name and the one that docker shows. The last two are one image.
const NAMES: [(&str, &str); 3] = [
    ("docker.io/demo/parent:1", "demo/parent:1"),
    ("docker.io/library/child:latest", "child:latest"),
    ("localhost/child:other", "localhost/child:other"),
];

#[test]
fn images_that_share_layers_load_with_all_their_names() {
    if !require(&[&Docker::TOOLS[..], &Containerd::TOOLS, &["podman", "skopeo"]].concat()) {
        return;
    }
    let parent = image().layer(file("etc/one", "1"));
    let child = parent.clone().layer(file("etc/two", "2"));
    let images = [&parent, &child, &child];
    let layout = NAMES.iter().zip(images).fold(Layout::new(), |layout, ((name, _), image)| layout.named(image, name));
    let sandbox = Sandbox::new();
    sandbox.put_tree("layout", &layout.tree());
    let docker = Docker::start();
    let containerd = Containerd::start();

    for format in ["docker-archive", "hybrid-archive", "oci-archive"] {
        let archive = sandbox.path(format);
        sandbox.convert(format, "layout", &archive).ok();
        containerd.import(&archive);
        for ((name, _), image) in NAMES.iter().zip(images) {
            assert_eq!(containerd.id(name), image.id(), "{format}");
        }
        // Docker knows no OCI archives, and podman takes those with one name only.
        if format != "oci-archive" {
            check_docker(&docker, &archive, images);
            check_podman(&archive, images);
        }
    }

    // Docker writes the layer that two images share once as a file and once as a link, which skopeo reads as empty.
    let saved = sandbox.path("saved.tar");
    line(docker.command(&["save", "--output"]).arg(&saved).args(NAMES.map(|(_, short)| short)));
    assert!(!skopeo_reads(&saved), "skopeo reads what docker saves: this test has lost its point");
    for format in ["docker-archive", "hybrid-archive"] {
        let converted = sandbox.path(&format!("saved-{format}"));
        sandbox.convert(format, &saved, &converted).ok();
        assert!(skopeo_reads(&converted), "{format}");
        check_podman(&converted, images);
    }
}

/// Tells whether skopeo can copy each of the images.
fn skopeo_reads(archive: &Path) -> bool {
    let store = Containers::new();
    NAMES.iter().enumerate().all(|(number, (name, _))| {
        let from = format!("docker-archive:{}:{name}", archive.display());
        let to = format!("dir:{}-{number}", archive.display());
        let output = store.command("skopeo", ["copy", &from, &to]).output().expect("skopeo can be run");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() || error.contains("expected 0, got"), "{error}");
        output.status.success()
    })
}

#[track_caller]
fn check_docker(docker: &Docker, archive: &Path, images: [&Image; 3]) {
    let mut loaded = docker.load(archive);
    loaded.sort();
    assert_eq!(loaded, ["child:latest", "demo/parent:1", "localhost/child:other"]);
    for ((_, name), image) in NAMES.iter().zip(images) {
        assert_eq!(docker.inspect(name)["Id"], image.id());
    }
}

#[track_caller]
fn check_podman(archive: &Path, images: [&Image; 3]) {
    let podman = Containers::new();
    podman.load(archive);
    for ((name, _), image) in NAMES.iter().zip(images) {
        assert_eq!(podman.id(name), image.id());
    }
}
