//! What engines keep of an image, and what they make of its layers, as `transload diff` sees it.

use std::path::Path;

use serde_json::Value;

use crate::diff::entry::{Entry, folder, hard_link, layer, symlink, text};
use crate::support::engines::{Containers, Docker, line, require};
use crate::support::{Image, Layout, Run, Sandbox, image};

const NAME: &str = "docker.io/demo/app:1";

/// Layers with all that can go wrong in merging them.
fn app() -> Image {
    let layers: [&[Entry]; 4] = [
        &[
            folder("etc"),
            text("etc/a", "one").owner(1000, 50),
            text("etc/b", "two").mode(0o4755),
            hard_link("etc/c", "etc/b"),
            folder("gone"),
            text("gone/x", "x"),
            text("gone/y", "y"),
            folder("opaque").mode(0o700),
            text("opaque/old", "old"),
            text("turns", "from a file into a folder"),
            symlink("lib", "usr/lib"),
        ],
        &[folder("etc"), text("etc/a", "three"), text(".wh.gone", ""), folder("turns"), text("turns/into", "")],
        &[folder("opaque").mode(0o750), text("opaque/.wh..wh..opq", ""), text("opaque/new", "new")],
        &[folder("gone"), text("gone/z", "z"), folder("etc"), text("etc/.wh.b", "")],
    ];
    layers.into_iter().fold(image(), |image, entries| image.layer(layer(entries)))
}

/// Compares two archives.
fn diff(sandbox: &Sandbox, a: &Path, b: &Path, args: &[&str]) -> Run {
    sandbox.command(["diff"]).args([a, b]).args(args).run()
}

#[test]
fn what_docker_saves_and_what_podman_saves_is_the_same_but_for_what_podman_drops() {
    if !require(&[&Docker::TOOLS[..], &["podman"]].concat()) {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.put_tree("layout", &Layout::new().named(&app(), NAME).tree());
    let [archive, docker_saved, podman_docker, podman_oci] =
        ["archive.tar", "docker.tar", "podman.tar", "podman-oci.tar"].map(|name| sandbox.path(name));
    sandbox.convert("docker-archive", "layout", &archive).ok();
    let docker = Docker::start();
    docker.load(&archive);
    line(docker.command(&["save", "--output"]).arg(&docker_saved).arg(NAME));
    let podman = Containers::new();
    podman.load(&archive);
    podman.save(&podman_docker, &[NAME]);
    podman.save(&podman_oci, &["--format", "oci-archive", NAME]);

    for saved in [&docker_saved, &podman_docker] {
        let run = diff(&sandbox, &archive, saved, &[]);
        assert_eq!(run.code, 0, "{run} {}", String::from_utf8_lossy(&run.stdout));
    }
    // An OCI config has no place for a health check.
    let run = diff(&sandbox, &docker_saved, &podman_oci, &["--json"]);
    assert_eq!(run.code, 1, "{run}");
    let found = &run.json()["images"][0];
    let paths: Vec<&Value> = found["config"].as_array().expect("a list").iter().map(|change| &change["path"]).collect();
    assert_eq!(paths, ["config.Healthcheck"]);
    for same in ["names", "platforms", "layers", "files", "annotations"] {
        assert!(found.get(same).is_none(), "{same}: {found}");
    }
    assert_eq!(diff(&sandbox, &docker_saved, &podman_oci, &["--ignore", "config"]).code, 0);
}

#[test]
fn layers_that_an_engine_squashed_hold_the_files_that_the_layers_made() {
    if !require(&["podman", "buildah"]) {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.put_tree("layout", &Layout::new().named(&app(), NAME).tree());
    let [archive, squashed] = ["archive.tar", "squashed.tar"].map(|name| sandbox.path(name));
    sandbox.convert("docker-archive", "layout", &archive).ok();
    let store = Containers::new();
    store.load(&archive);
    let container = store.buildah(&["from", "--pull-never", NAME]);
    store.buildah(&["commit", "--quiet", "--squash", &container, "docker.io/demo/squashed:1"]);
    store.save(&squashed, &["--format", "oci-archive", "docker.io/demo/squashed:1"]);

    let ignored = "names,config,annotations,layers,timestamps";
    let run = diff(&sandbox, &archive, &squashed, &["--ignore", ignored, "--json"]);
    let found = &run.json()["images"][0];
    assert_eq!((run.code, found["files"]["list"].as_array().map(Vec::len)), (0, Some(0)), "{found}");
    // It is not so because nothing was looked at.
    let run = diff(&sandbox, &archive, &squashed, &["--ignore", "names,config,annotations"]);
    assert_eq!(run.code, 1, "{run}");
}
