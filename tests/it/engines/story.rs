//! An image built without docker reaches docker, and what docker saves comes back.

use crate::support::engines::{Containers, Docker, Listing, assert_same_bytes, line, list_tar, output, pipe, require};
use crate::support::found::{Found, docker_view, oci_view};
use crate::support::image::noise;
use crate::support::{Kind, Member, Sandbox, Tree};
use rustix::fs::{XattrFlags, setxattr};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const APP: &str = "docker.io/demo/app:1";

/// Revision 2, effective, CAP_NET_BIND_SERVICE permitted: the one attribute that docker exports.
const CAPABILITY: &[u8] = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

#[test]
fn an_image_travels_from_podman_to_docker_and_back() {
    if !require(&[&Docker::TOOLS[..], &["podman", "buildah", "skopeo"]].concat()) {
        return;
    }
    let sandbox = Sandbox::new();
    let podman = Containers::new();
    build(&podman, &sandbox);
    let docker = Docker::start();

    loads_what_podman_saved_as_oci(&podman, &docker, &sandbox);
    loads_from_a_pipe(&podman, &docker, &sandbox);
    keeps_docker_only_settings(&podman, &docker, &sandbox);
    has_the_same_files(&podman, &docker);
    comes_back(&podman, &docker, &sandbox);
    leaves_nothing_behind(docker);
}

/// Builds two layers with everything that a conversion could get wrong.
fn build(podman: &Containers, sandbox: &Sandbox) {
    let rootfs = sandbox.put("rootfs.tar", &first_layer().tar()).display().to_string();
    let base = podman.buildah(&["from", "--format", "docker", "scratch"]);
    podman.buildah(&["add", "--quiet", &base, &rootfs, "/"]);
    let root = podman.buildah(&["mount", &base]);
    let tool = Path::new(&root).join("etc/tool");
    for (name, value) in [("user.colour", &b"blue"[..]), ("security.capability", CAPABILITY)] {
        setxattr(&tool, name, value, XattrFlags::empty()).expect("the file system has extended attributes");
    }
    podman.buildah(&["umount", &base]);
    podman.buildah(&["commit", "--quiet", "--format", "docker", &base, "localhost/base:1"]);

    let app = podman.buildah(&["from", "--format", "docker", "--pull-never", "localhost/base:1"]);
    let root = podman.buildah(&["mount", &app]);
    change(Path::new(&root)).expect("the root is ours");
    podman.buildah(&["umount", &app]);
    let plain = ["config", "--env", "A=<b>&c d", "--label", "x=y z", "--cmd", "[\"/etc/tool\"]"];
    let check = ["--healthcheck", "CMD /etc/tool", "--healthcheck-interval", "7s"];
    let docker_only = ["--shell", "/bin/ash -c", "--onbuild", "RUN x"];
    podman.buildah(&[&plain[..], &check, &docker_only, &[&app]].concat());
    podman.buildah(&["commit", "--quiet", "--format", "docker", &app, APP]);
}

/// Makes the second layer: a file is gone, a folder has turned into a file, a file is new.
fn change(root: &Path) -> std::io::Result<()> {
    fs::remove_file(root.join("etc/gone"))?;
    fs::remove_dir_all(root.join("turns"))?;
    fs::write(root.join("turns"), "a file now")?;
    fs::write(root.join("etc/two"), "two")
}

fn first_layer() -> Tree {
    let long = format!("{}/{}", "d".repeat(120), "e".repeat(200));
    let mut tree = Tree::default()
        .with("etc", Kind::Dir)
        .with_file("etc/tool", "#!/bin/true\n")
        .with("etc/hard", Kind::Hardlink("etc/tool".into()))
        .with("etc/soft", Kind::Symlink("../etc/tool".into()))
        .with("etc/pipe", Kind::Fifo)
        .with_file("etc/gone", "not in layer two")
        .with("tmp", Kind::Dir)
        .with("turns", Kind::Dir)
        .with_file("turns/inside", "not in layer two either")
        .with("d".repeat(120), Kind::Dir)
        .with(long.clone(), Kind::Dir)
        .with_file(format!("{}/f", "d".repeat(120)), "a name of 122 bytes")
        .with_file(format!("{long}/f"), "a name of 323 bytes")
        .with_file("naïve ☃ file", "");
    tree.members.extend(Tree::from_tar(&noise(1, 2 << 20).tar).members);
    for member in &mut tree.members {
        let kind = member.kind.clone();
        *member = match member.name.as_str() {
            "etc/tool" | "etc/hard" => Member { mode: 0o4755, owner: (12, 34), ..Member::new(&member.name, kind) },
            "tmp" => Member { mode: 0o1777, ..Member::new("tmp", kind) },
            "noise" => Member { mode: 0o400, mtime: 1_600_000_000, ..Member::new("noise", kind) },
            _ => continue,
        };
    }
    tree
}

fn loads_what_podman_saved_as_oci(podman: &Containers, docker: &Docker, sandbox: &Sandbox) {
    let [saved, converted] = ["podman.oci", "podman.docker"].map(|name| sandbox.path(name));
    podman.save(&saved, &["--format", "oci-archive", APP]);
    sandbox.convert("docker-archive", &saved, &converted).ok();

    assert_eq!(docker.load(&converted), ["demo/app:1"]);
    let found = read_oci(&saved);
    assert_settings(docker, &found);
    // The health check was lost before: podman does not write it into an oci-archive.
    assert_eq!(settings(&found)["Healthcheck"], Value::Null);
    assert_ne!(found.id(), podman.id(APP));
}

fn loads_from_a_pipe(podman: &Containers, docker: &Docker, sandbox: &Sandbox) {
    docker.clear();
    let printed = pipe(&mut [
        podman.command("podman", ["save", "--quiet", "--format", "oci-archive", APP]),
        sandbox.convert("docker-archive", "-", "-").prepared(),
        docker.command(&["load"]),
    ]);
    assert!(printed.contains("Loaded image: demo/app:1"), "{printed}");
    assert_eq!(docker.inspect(APP)["Id"], read_oci(&sandbox.path("podman.oci")).id());
}

fn keeps_docker_only_settings(podman: &Containers, docker: &Docker, sandbox: &Sandbox) {
    let [saved, oci, back] = ["full.docker", "full.oci", "back.docker"].map(|name| sandbox.path(name));
    podman.save(&saved, &[APP]);
    sandbox.convert("oci-archive", &saved, &oci).ok();
    sandbox.convert("docker-archive", &oci, &back).ok();

    assert_same_bytes(&saved, &back);
    assert_eq!(docker.load(&back), ["demo/app:1"]);
    let found = docker_view(&Tree::read(&saved)).expect("a docker-archive").images.remove(0);
    assert_eq!(found.id(), podman.id(APP));
    assert_settings(docker, &found);
    let loaded = &docker.inspect(APP)["Config"];
    assert_eq!(loaded["Healthcheck"]["Interval"], json!(7_000_000_000_u64));
    assert_eq!(loaded["Shell"], json!(["/bin/ash", "-c"]));
    assert_eq!(loaded["OnBuild"], json!(["RUN x"]));

    // What makes this worth a tool: the usual way changes the image and drops all three.
    let lossy = sandbox.path("skopeo.oci");
    podman.skopeo_copy([format!("docker-archive:{}", saved.display()), format!("oci-archive:{}", lossy.display())]);
    let lossy = read_oci(&lossy);
    assert_ne!(lossy.id(), podman.id(APP));
    for key in ["Healthcheck", "Shell", "OnBuild"] {
        assert_ne!(settings(&found)[key], Value::Null, "{key}");
        assert_eq!(settings(&lossy)[key], Value::Null, "{key}");
    }
}

/// Compares the files of a container in docker with the ones that podman has.
fn has_the_same_files(podman: &Containers, docker: &Docker) {
    let mut expected = podman.files(APP);
    assert!(expected["etc/tool"].contains("user.colour"), "{expected:#?}");
    assert!(expected["etc/hard"].contains("linked as"), "{expected:#?}");
    assert!(expected["turns"].starts_with("Regular"), "{expected:#?}");
    assert!(!expected.contains_key("etc/gone"), "{expected:#?}");
    assert_eq!(expected.keys().map(String::len).max(), Some(323));

    let container = docker.run(&["create", APP]);
    let exported = output(&mut docker.command(&["export", &container]));
    for line in expected.values_mut() {
        // Docker's containers and exports keep capabilities and drop the attributes of users.
        *line = line.replace(" user.colour=blue", "");
    }
    assert_eq!(without_dockers_own(list_tar(&exported)), expected);
    docker.run(&["rm", &container]);
}

/// Removes the files that docker puts into each container.
fn without_dockers_own(mut files: Listing) -> Listing {
    let etc = ["etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf"];
    files.retain(|name, _| {
        let top = name.split('/').next().unwrap_or_default();
        !etc.contains(&name.as_str()) && ![".dockerenv", "dev", "proc", "sys"].contains(&top)
    });
    files
}

fn comes_back(podman: &Containers, docker: &Docker, sandbox: &Sandbox) {
    let [saved, oci, again] = ["docker.docker", "docker.oci", "again.docker"].map(|name| sandbox.path(name));
    line(docker.command(&["save", APP, "--output"]).arg(&saved));
    sandbox.convert("oci-archive", &saved, &oci).ok();

    let other = Containers::new();
    assert_eq!(other.load(&oci), [APP]);
    assert_eq!(other.id(APP), podman.id(APP));
    assert_eq!(other.files(APP), podman.files(APP));
    // Through docker and back, podman saves the very archive that it saved first.
    other.save(&again, &[APP]);
    assert_same_bytes(&sandbox.path("full.docker"), &again);

    let piped = Containers::new();
    let printed = pipe(&mut [
        docker.command(&["save", APP]),
        sandbox.convert("oci-archive", "-", "-").prepared(),
        piped.command("podman", ["load", "--quiet"]),
    ]);
    assert_eq!(printed, format!("Loaded image: {APP}"));
    assert_eq!(piped.id(APP), podman.id(APP));
}

#[track_caller]
fn read_oci(archive: &Path) -> Found {
    oci_view(&Tree::read(archive)).expect("an OCI archive").images.remove(0)
}

fn settings(found: &Found) -> Value {
    let config: Value = serde_json::from_slice(&found.config).expect("a config is JSON");
    config["config"].clone()
}

/// Asserts that docker has this image under its name, and reads its config the same way.
#[track_caller]
fn assert_settings(docker: &Docker, found: &Found) {
    let loaded = docker.inspect(APP);
    assert_eq!(loaded["Id"], found.id());
    assert_eq!(loaded["RepoTags"], json!(["demo/app:1"]));
    for key in ["Env", "Cmd", "Labels", "Healthcheck", "Shell", "OnBuild"] {
        assert_eq!(loaded["Config"][key], settings(found)[key], "{key}");
    }
}

/// Asserts that stopping the daemon ends its processes and removes its files and mounts.
fn leaves_nothing_behind(docker: Docker) {
    let folder = docker.folder().to_owned();
    drop(docker);
    assert!(!folder.exists());
    let folder = folder.display().to_string();
    let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts can be read");
    assert!(!mounts.contains(&folder), "{mounts}");
    let processes = fs::read_dir("/proc").expect("processes can be listed");
    for process in processes.filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok()) {
        let process = String::from_utf8_lossy(&process).replace('\0', " ");
        assert!(!process.contains(&folder), "{process}");
    }
}
