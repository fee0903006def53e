//! Archives from before docker 1.10 hold no config. docker makes one on loading them; so does transload, and the image
//! gets the same ID both ways.

use crate::support::Sandbox;
use crate::support::engines::{Docker, require};
use crate::support::shared::{shared, testdata};
use std::path::PathBuf;

#[test]
fn archives_from_before_docker_1_10_get_the_id_that_docker_gives_them() {
    if !require(&Docker::TOOLS) {
        return;
    }
    let docker = Docker::start();
    let mut archives = vec![testdata("legacy-repositories.tar")];
    let real = ["moby__moby/emptyLayer.tar", "aboutcode-org__container-inspector/busybox@e34dae5.tgz"];
    archives.extend(shared("fixtures").into_iter().flat_map(|folder| real.map(|name| folder.join(name))));
    for archive in archives {
        check(&docker, archive);
    }
}

#[track_caller]
fn check(docker: &Docker, archive: PathBuf) {
    let sandbox = Sandbox::new();
    let converted = sandbox.path("converted.tar");
    let run = sandbox.convert("docker-archive", &archive, &converted).args(["--json"]).ok();
    let image = run.json()["images"][0].clone();
    let name = image["names"][0].as_str().expect("a name").to_owned();

    docker.load(&archive);
    assert_eq!(docker.inspect(&name)["Id"], image["image_id"], "{}", archive.display());
    docker.clear();
    docker.load(&converted);
    assert_eq!(docker.inspect(&name)["Id"], image["image_id"], "{}", archive.display());
    docker.clear();
}
