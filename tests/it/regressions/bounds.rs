//! Small archives that ask for much are refused soon, in little memory, with the limit that would let them pass.

use std::time::Duration;

use serde_json::{Value, json};

use super::{LIE, layer, name, refused};
use crate::support::layout::INDEX;
use crate::support::tar::{Dialect, pack, seal};
use crate::support::{Image, Layout, Run, Sandbox, Style, Tree, docker, file, image};

/// Far more than is needed, also on a machine that is busy, and far less than what was asked for takes.
const SOON: Duration = Duration::from_secs(30);

#[track_caller]
fn assert_bounded(run: &Run, limit: &str) {
    assert!(run.stderr.contains(&format!("--limit {limit}")), "no hint at {limit}: {run}");
    assert!(run.took < SOON, "{:?}: {run}", run.took);
    assert!(run.peak_kib < 128 << 10, "{} KiB: {run}", run.peak_kib);
}

/// A member in GNU's old sparse format: `stored` bytes at the start, then nothing up to `real`.
fn sparse(name: &str, real: u64, stored: usize) -> Vec<u8> {
    let mut block = vec![0; 512];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644\x000000000\x000000000\0");
    put(124, format!("{stored:011o}\0{:011o}\0", 0).as_bytes());
    put(156, b"S");
    put(257, b"ustar  \0");
    put(386, format!("{:011o}\0{stored:011o}\0", 0).as_bytes());
    put(483, &[0x80]);
    put(487, &real.to_be_bytes());
    seal(&mut block);
    block.resize(512 + stored.next_multiple_of(512), 0);
    block
}

#[test]
fn a_sparse_member_cannot_be_much_larger_than_its_archive() {
    let app = image().raw_config(
        json!({"os": "linux", "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": [LIE]}})
        .to_string(),
    );
    let tree = docker(&[app.layer(file("a", "")).tag("a:1")], Style::Plain).remove("0-0.tar");
    let start = pack(&tree, &Dialect { end_blocks: 0, ..Dialect::default() });
    let member = |stored| sparse("0-0.tar", 1 << 50, stored);
    for (what, members) in [("a hole", member(0)), ("a block", member(512)), ("twice", [member(0), member(0)].concat())]
    {
        let sandbox = Sandbox::new();
        let input = sandbox.put("in.tar", &[&start[..], &members, &[0; 1024]].concat());
        for to in ["oci-archive", "docker-archive", "hybrid-archive"] {
            let run = sandbox.convert(to, &input, sandbox.path("out")).run();
            assert_eq!(run.code, 3, "{what}: {run}");
            assert_bounded(&run, "sparse-ratio");
            sandbox.assert_holds(&["in.tar"]);
        }
    }
}

#[test]
fn a_config_that_many_images_name_is_not_held_for_each() {
    let app = image().config(json!({"x": "y".repeat(1_000_000)})).tag("a:1");
    let tree = docker(&[app], Style::Plain);
    let manifest = Value::from(vec![json!({"Config": "config0.json"}); 20_000]).to_string();
    let tree = tree.replace("manifest.json", manifest);
    for to in ["docker-archive", "oci-archive"] {
        assert_bounded(&refused(&tree, to, &[], 3), "all-document-bytes");
    }
}

/// Each index is harmless when its child was read before it, were it not for those below.
#[test]
fn indexes_listed_from_the_bottom_up_have_a_depth() {
    let mut layout = Layout::new();
    let mut descriptor = layout.image(&image().layer(layer("a")));
    layout.root(descriptor.clone(), Value::Null);
    for _ in 0..10_000 {
        let index = json!({"manifests": [descriptor]});
        descriptor = layout.put(INDEX, index.to_string());
        layout.root(descriptor.clone(), Value::Null);
    }
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &layout.tree());
    for args in [&[][..], &["--image", "@10000"]] {
        let run = sandbox.convert("oci-archive", &input, sandbox.path("out")).args(args).run();
        assert_eq!(run.code, 3, "{run}");
        assert_bounded(&run, "index-depth");
    }
    sandbox.assert_holds(&["in.tar"]);
}

/// 40 to the power of 7 ways lead to two images.
#[test]
fn an_index_that_is_named_often_is_read_once() {
    let mut layout = Layout::new();
    let [amd64, arm64] =
        ["linux/amd64", "linux/arm64"].map(|platform| image().platform(platform).layer(layer(platform)));
    let mut descriptor = layout.platforms(&[amd64.clone(), arm64]);
    for _ in 0..6 {
        descriptor = layout.index(&vec![descriptor; 40]);
    }
    layout.root(descriptor, name("docker.io/d/app:1"));
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &layout.tree());
    for (to, args) in [
        ("oci-archive", &[][..]),
        ("oci-archive", &["--platform", "linux/amd64"]),
        ("oci-archive", &["--platform", "linux/amd64", "--platform", "linux/arm64"]),
        ("oci-archive", &["--compression", "zstd"]),
        ("oci-archive", &["--image", &amd64.id()]),
        ("docker-archive", &["--platform", "linux/amd64"]),
        ("hybrid-archive", &["--platform", "linux/amd64"]),
    ] {
        let run = sandbox.convert(to, &input, sandbox.path("out")).args(args).args(["--force"]).ok();
        assert!(run.took < SOON, "{:?}: {run}", run.took);
    }
}

#[test]
fn documents_have_a_bounded_number_of_values() {
    let many = || json!(vec![0; 100_001]);
    let app = || image().layer(layer("a")).tag("a:1");
    let plain = |app: Image| docker(&[app], Style::Plain);
    let oci = |app: &Image| Layout::new().named(app, "docker.io/d/app:1").tree();
    let mut layout = Layout::new();
    let mut manifest = layout.manifest_of(&app());
    manifest["x"] = many();
    let root = layout.manifest(&manifest);
    layout.root(root, name("docker.io/d/app:1"));
    for (what, tree) in [
        ("docker's config", plain(app().config(json!({"x": many()})))),
        ("manifest.json", plain(app()).edit_json("manifest.json", |manifest| manifest[0]["x"] = many())),
        ("an OCI config", oci(&app().config(json!({"x": many()})))),
        ("index.json", oci(&app()).edit_json("index.json", |index| index["x"] = many())),
        ("a manifest", layout.tree()),
    ] {
        for to in ["docker-archive", "oci-archive"] {
            let run = refused(&tree, to, &[], 3);
            assert!(run.stderr.contains("--limit json-values"), "{what}: {run}");
        }
        super::converted(&tree, "oci-archive", &["--limit", "json-values=200000"]);
    }
}

/// What is counted are documents, not members: a large tree beside an image is nobody's document.
#[test]
fn what_no_image_names_is_not_counted() {
    let app = image().layer(layer("a")).tag("a:1");
    let extra = format!("[{}0]", "0,".repeat(200_000));
    let tree: Tree = docker(&[app], Style::Plain).with_file("notes.json", extra);
    super::converted(&tree, "oci-archive", &[]);
}
