//! Archives of very many images: what they cost grows with their number, not with its square.

use std::time::Duration;

use serde_json::json;

use crate::support::layout::REF_NAME;
use crate::support::{Image, Layout, Sandbox, Style, Tree, docker, file, image};

fn images(count: usize) -> Vec<Image> {
    let base = image().layer(file("a", "shared"));
    let one = |n| base.clone().config(json!({"n": n})).tag(&format!("docker.io/many/app:{n}"));
    (0..count).map(one).collect()
}

fn docker_tree(count: usize) -> Tree {
    docker(&images(count), Style::Crane)
}

/// One image a descriptor, each with annotations that only an OCI layout holds.
fn flat(count: usize) -> Tree {
    let mut layout = Layout::new();
    for image in images(count) {
        let descriptor = layout.image(&image);
        layout.root(descriptor, json!({REF_NAME: image.names[0], "org.example.number": image.names[0]}));
    }
    layout.tree()
}

/// One index a name, and bare tags, for which there is a loss each.
fn nested(count: usize) -> Tree {
    let mut layout = Layout::new();
    for (n, image) in images(count).iter().enumerate() {
        let index = layout.platforms(std::slice::from_ref(image));
        layout.root(index, json!({REF_NAME: format!("v{n}")}));
    }
    layout.tree()
}

/// The processor's time does not depend on what else the machine does, and neither does a proportion of two on how fast
/// it is.
#[test]
fn four_times_the_images_take_four_times_the_time() {
    for (what, tree, to) in [
        ("docker", docker_tree as fn(usize) -> Tree, "docker-archive"),
        ("flat", flat, "docker-archive"),
        ("nested", nested, "docker-archive"),
    ] {
        let cpu = |count| {
            let sandbox = Sandbox::new();
            let input = sandbox.put_tree("in.tar", &tree(count));
            sandbox.convert(to, input, sandbox.path("out")).args(["-q", "--threads", "1"]).ok().cpu
        };
        let (few, many) = (cpu(500), cpu(2000));
        assert!(many < few * 8 + Duration::from_millis(500), "{what}: {few:?} for 500 images, {many:?} for 2000");
    }
}
