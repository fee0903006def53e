//! A docker-archive is byte for byte what skopeo and podman write for the same image.

use crate::support::codec::Codec;
use crate::support::engines::{Containers, assert_same_bytes, require};
use crate::support::image::noise;
use crate::support::{Image, Layer, Layout, Sandbox, file, image};
use serde_json::json;
use std::path::Path;

const NAME: &str = "docker.io/demo/app:1";

fn layers(numbers: impl IntoIterator<Item = usize>) -> Image {
    numbers.into_iter().fold(image(), |image, number| image.layer(file(&format!("etc/{number}"), "text")))
}

fn store(sandbox: &Sandbox, name: &str, images: &[(&Image, &str)]) {
    let layout = images.iter().fold(Layout::new(), |layout, (image, name)| layout.named(image, name));
    sandbox.put_tree(name, &layout.tree());
}

#[test]
fn one_image_is_what_skopeo_writes() {
    if !require(&["skopeo"]) {
        return;
    }
    check_skopeo(&layers([1]), NAME);
    check_skopeo(&layers([1, 2]), "localhost:5000/a_b/c--d:V.1");
    check_skopeo(&layers(0..30), "localhost/many:latest");
    // Layers that appear twice.
    check_skopeo(&layers([1, 2, 1, 1, 3]), NAME);
    // An empty tar, nothing at all, and bytes after the end of the tar.
    let after_the_end = [file("a", "b").tar, b"after".to_vec()].concat();
    let odd = [vec![0; 1024], Vec::new(), after_the_end].map(Layer::from_tar);
    check_skopeo(&odd.into_iter().fold(image(), Image::layer), NAME);
    check_skopeo(&image().layer(noise(1, 5 << 20)), NAME);
    check_skopeo(&layers([]), NAME);
}

#[test]
fn any_config_is_written_as_skopeo_writes_it() {
    if !require(&["skopeo"]) {
        return;
    }
    let diff_ids = json!(layers([1, 2]).diff_ids());
    let rootfs = format!("\"rootfs\":{{\"type\":\"layers\",\"diff_ids\":{diff_ids}}}");
    let odd = [
        // Escapes, spaces, numbers in other forms, unknown keys, an odd order.
        r#" "os" : "linux", "x":[1.0,1e2,-0], "config":{"Labels":{"z":"<a> & \u00e9 \u003c \/ é"}, "Env": [ ] , "Cmd":null},"#,
        // Characters that Go escapes, and some that it leaves.
        "\"config\":{\"a\":\"\u{2028}\u{2029}\u{7f}\u{85}\u{1f600}\\ud83d\\ude00\\u0000\"},\n\t",
        r#""architecture":"arm64","variant":"v8","os":"linux","author":"a","created":"0001-01-01T00:00:00Z","#,
        r#""container":"c","container_config":{"b":{ "d":1, "c":[ {} ] },"a":2},"docker_version":"20.10","#,
        r#""created":"2023-01-02T03:04:05.100+02:00","id":"x","parent":"y","layer_id":"z","Size":7,"#,
        // Keys count as they read when decoded, and in this case of letters only.
        r#""\u006fs":"linux","Architecture":"amd64","CREATED":null,"config ":1,"#,
    ];
    for part in odd {
        check_skopeo(&layers([1, 2]).raw_config(format!("{{{part}{rootfs}}}")), NAME);
    }
}

/// Compares archives made from plain, gzip and zstd layers.
#[track_caller]
fn check_skopeo(image: &Image, name: &str) {
    let tools = Containers::new();
    let sandbox = Sandbox::new();
    let [theirs, ours] = ["theirs.tar", "ours.tar"].map(|name| sandbox.path(name));
    store(&sandbox, "layout", &[(image, name)]);
    let layout = sandbox.path("layout");
    tools.skopeo_copy([
        format!("oci:{}:{name}", layout.display()),
        format!("docker-archive:{}:{name}", theirs.display()),
    ]);
    for codec in [Codec::Plain, Codec::Gzip, Codec::Zstd] {
        let packed = format!("{codec:?}");
        store(&sandbox, &packed, &[(&image.clone().codec(codec), name)]);
        sandbox.convert("docker-archive", sandbox.path(&packed), &ours).arg("--force").ok();
        assert_same_bytes(&theirs, &ours);
    }
}

#[test]
fn names_are_written_as_skopeo_writes_them() {
    if !require(&["skopeo"]) {
        return;
    }
    let tools = Containers::new();
    let sandbox = Sandbox::new();
    let image = layers([1, 2]);
    let names = ["docker.io/demo/app:2", "localhost/x:y", "docker.io/demo/app:1", "docker.io/library/z:latest"];
    store(&sandbox, "layout", &names.map(|name| (&image, name)));
    let [theirs, ours] = ["theirs.tar", "ours.tar"].map(|name| sandbox.path(name));
    let source = format!("oci:{}:{}", sandbox.path("layout").display(), names[0]);
    let target = format!("docker-archive:{}:{}", theirs.display(), names[0]);
    let added = names[1..].iter().flat_map(|name| ["--additional-tag", name]);
    tools.skopeo_copy(added.chain([source.as_str(), target.as_str()]));
    sandbox.convert("docker-archive", "layout", &ours).ok();
    assert_same_bytes(&theirs, &ours);

    let short = ["demo/app:2", "localhost/x:y", "demo/app:1", "z"];
    let tags = short.iter().flat_map(|name| ["--tag", name]);
    sandbox.convert("docker-archive", "layout", &ours).arg("--force").args(tags).ok();
    assert_same_bytes(&theirs, &ours);

    sandbox.put_tree("unnamed", &Layout::new().unnamed(&image).tree());
    let theirs = sandbox.path("theirs-unnamed.tar");
    let source = format!("oci:{}", sandbox.path("unnamed").display());
    tools.skopeo_copy([source, format!("docker-archive:{}", theirs.display())]);
    sandbox.convert("docker-archive", "unnamed", &ours).arg("--force").ok();
    assert_same_bytes(&theirs, &ours);
}

#[test]
fn several_images_are_what_podman_saves() {
    if !require(&["podman", "skopeo"]) {
        return;
    }
    let podman = Containers::new();
    let sandbox = Sandbox::new();
    let images = [layers([1]), layers([1, 2]), layers([3, 2, 2]), layers(10..40)];
    let names =
        ["docker.io/demo/one:1", "localhost/two:2", "docker.io/library/three:latest", "docker.io/demo/one:many"];
    let list: Vec<(&Image, &str)> = images.iter().zip(names).collect();
    store(&sandbox, "layout", &list);
    let layout = sandbox.path("layout");
    for (image, name) in list {
        podman.skopeo_copy([format!("oci:{}:{name}", layout.display()), format!("containers-storage:{name}")]);
        assert_eq!(podman.id(name), image.id());
        let [theirs, ours] = ["theirs", "ours"].map(|side| sandbox.path(&format!("{side}-{}.tar", &image.id()[7..])));
        podman.save(&theirs, &[name]);
        sandbox.convert("docker-archive", &layout, &ours).args(["--image", name]).ok();
        assert_same_bytes(&theirs, &ours);
    }

    let all = sandbox.path("all.tar");
    let ours = sandbox.path("all-ours.tar");
    podman.save(&all, &[&["--multi-image-archive"], &names[..]].concat());
    sandbox.convert("docker-archive", &layout, &ours).ok();
    assert_same_bytes(&all, &ours);
    check_there_and_back(&all, &sandbox);

    // The order of names is podman's own; transload keeps the one it finds.
    for name in ["localhost/two:v1", "localhost/foo:bar", "docker.io/library/two:v2"] {
        podman.podman(&["tag", names[1], name]);
    }
    let tags = sandbox.path("tags.tar");
    podman.save(&tags, &[names[1], "localhost/two:v1", "localhost/foo:bar", "docker.io/library/two:v2"]);
    check_there_and_back(&tags, &sandbox);
}

/// Asserts that an archive comes back unchanged from each format that holds OCI images.
#[track_caller]
fn check_there_and_back(archive: &Path, sandbox: &Sandbox) {
    let stem = archive.file_stem().expect("an archive has a name").display();
    for format in ["oci-archive", "oci-dir", "hybrid-archive"] {
        let [there, back] = ["there", "back"].map(|way| sandbox.path(&format!("{stem}-{format}-{way}")));
        sandbox.convert(format, archive, &there).ok();
        sandbox.convert("docker-archive", &there, &back).ok();
        assert_same_bytes(archive, &back);
    }
}
