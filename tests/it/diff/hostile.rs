//! Archives made to keep us busy: the work grows with their size, not with its square.

use std::time::Duration;

use serde_json::json;

use crate::support::{Image, Layout, Sandbox, Tree, image};

const ENOUGH: Duration = Duration::from_secs(20);

fn check(what: &str, a: &Tree, b: &Tree, code: i32) {
    let sandbox = Sandbox::new();
    sandbox.put_tree("a.tar", a);
    sandbox.put_tree("b.tar", b);
    let run = sandbox.command(["diff", "--quiet", "a.tar", "b.tar"]).run();
    assert_eq!(run.code, code, "{what}: {run}");
    assert!(run.took < ENOUGH, "{what}: {:?}", run.took);
}

#[test]
fn work_does_not_grow_with_the_square_of_the_images() {
    let named = |side: &str| {
        let config = |n: usize| json!({"os": "linux", "author": format!("{side}{n}"), "rootfs": {"type": "layers"}});
        let tree = (0..6000).fold(Tree::default(), |tree, n| tree.with_file(n.to_string(), config(n).to_string()));
        let items = (0..6000).map(|n| json!({"Config": n.to_string(), "RepoTags": [format!("{side}/x:{n}")]}));
        tree.with_file("manifest.json", json!(items.collect::<Vec<_>>()).to_string())
    };
    let [a, b] = ["a", "b"].map(named);
    check("images of other names", &a, &b, 1);
    let platforms: Vec<Image> = (0..1000).map(|n| image().platform(&format!("linux/a{n}"))).collect();
    let mut layout = Layout::new();
    let index = layout.platforms(&platforms);
    layout.root(index, json!({}));
    let tree = layout.tree();
    check("platforms of one index", &tree, &tree, 0);
}
