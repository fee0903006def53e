//! Limits on untrusted input: each can be hit, the error names the flag, and the flag helps.

use serde_json::json;

use super::docker_tree;
use crate::support::layout::REF_NAME;
use crate::support::{Codec, Layout, Sandbox, Style, Tree, docker, file, image};

struct Hit {
    limit: &'static str,
    too_low: &'static str,
    enough: &'static str,
    bytes: Vec<u8>,
}

fn nested(depth: usize) -> Tree {
    let mut layout = Layout::new();
    let mut descriptor = layout.image(&image().layer(file("a", "x")));
    for _ in 0..depth {
        descriptor = layout.index(&[descriptor]);
    }
    layout.root(descriptor, json!({REF_NAME: "docker.io/a/b:c"}));
    layout.tree()
}

fn linked(hops: usize) -> Tree {
    let tree = docker(&[image().layer(file("a", "x")).tag("a:1")], Style::Plain);
    let layer = tree.file("0-0.tar").to_vec();
    (0..hops)
        .fold(tree.remove("0-0.tar"), |tree, hop| {
            let name = if hop == 0 { "0-0.tar".to_owned() } else { format!("hop{hop}") };
            tree.with(name, crate::support::Kind::Symlink(format!("hop{}", hop + 1)))
        })
        .with_file(format!("hop{hops}"), layer)
}

fn hits() -> Vec<Hit> {
    let hit = |limit, too_low, enough, bytes| Hit { limit, too_low, enough, bytes };
    let seven = (0..7).fold(image().tag("a:1"), |image, number| image.layer(file("n", &number.to_string())));
    let packed = image().layer(file("zeros", &"0".repeat(200_000)).codec(Codec::Gzip)).tag("a:1");
    let long = docker_tree().with_file(format!("{}/x", "long/".repeat(60)), "");
    vec![
        hit("document-bytes", "100", "10000", docker_tree().tar()),
        hit("members", "3", "100", docker_tree().tar()),
        hit("layers", "6", "7", docker(&[seven], Style::Plain).tar()),
        hit("header-bytes", "100", "1000", long.tar()),
        hit("index-depth", "3", "20", nested(10).tar()),
        hit("link-hops", "3", "100", linked(60).tar()),
        hit("inflated-bytes", "100000", "1000000", docker(&[packed], Style::Plain).tar()),
    ]
}

#[test]
fn a_limit_that_is_hit_is_named_and_can_be_raised() {
    for hit in hits() {
        let sandbox = Sandbox::new();
        let input = sandbox.put("in.tar", &hit.bytes);
        let set = |value: &str| format!("{}={value}", hit.limit);
        let call = || sandbox.convert("docker-archive", &input, sandbox.path("out"));
        let run = call().args(["--limit", &set(hit.too_low)]).run();
        assert_eq!(run.code, 3, "{}: {run}", hit.limit);
        run.error();
        assert!(run.stderr.contains(&format!("--limit {}", hit.limit)), "the flag is not named: {run}");
        sandbox.assert_holds(&["in.tar"]);
        call().args(["--limit", &set(hit.enough)]).ok();
    }
}

#[test]
fn limits_that_do_not_exist_are_usage_errors() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    for limit in
        ["members", "members=", "members=x", "members=-1", "members=99999999999999999999", "nothing=1", "=1", ""]
    {
        let run = sandbox.convert("oci-archive", &input, sandbox.path("out")).args(["--limit", limit]).run();
        assert_eq!(run.code, 2, "{limit}: {run}");
    }
}
