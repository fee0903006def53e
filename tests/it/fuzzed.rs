//! What fuzzing found, each as the behaviour that was wrong. The fuzz targets are in `fuzz/`.

use std::time::Duration;

use serde_json::json;
use transload::Reference;

use crate::support::tar::seal;
use crate::support::{Kind, Sandbox, Style, Tree, docker, file, image};

/// A docker archive whose only layer is an old GNU sparse member: its size, and the parts that are said to be stored.
/// Of these, one block is there.
fn sparse(size: u64, parts: &[(u64, u64)]) -> Vec<u8> {
    let layer = file("a", "");
    let tree = docker(&[image().layer(layer).tag("d/a:1")], Style::Plain);
    let at = tree.members.iter().position(|member| !member.name.ends_with(".json")).expect("a layer");
    let before = Tree { members: tree.members[..at].to_vec() };
    let (name, rest) = (tree.members[at].name.clone(), Tree { members: tree.members[at + 1..].to_vec() });
    let mut member = Tree::default().with(name, Kind::File(vec![1; 512])).tar();
    member.truncate(1024);
    let number = |n: u64| [&[0x80, 0, 0, 0][..], &n.to_be_bytes()].concat();
    member[156] = b'S';
    member[257..265].copy_from_slice(b"ustar  \0");
    member[345..].first_chunk_mut::<167>().expect("the end of a header").fill(0);
    for (i, &(offset, len)) in parts.iter().enumerate() {
        let at = 386 + 24 * i;
        member[at..at + 24].copy_from_slice(&[number(offset), number(len)].concat());
    }
    member[483..495].copy_from_slice(&number(size));
    seal(&mut member[..512]);
    let mut tar = before.tar();
    tar.truncate(tar.len() - 1024);
    [tar, member, rest.tar()].concat()
}

#[test]
fn a_map_of_a_sparse_member_that_overflows_is_refused() {
    let sandbox = Sandbox::new();
    let tar = sparse(u64::MAX, &[(0, u64::MAX - 100), (u64::MAX - 100, 50)]);
    let input = sandbox.put("in.tar", &tar);
    let error = sandbox.convert("oci-archive", &input, "out.tar").fails(3);
    assert!(error.contains("sparse") || error.contains("too large"), "{error}");
}

/// A hole is a compression, and the best there is.
#[test]
fn a_sparse_layer_has_the_ceiling_of_an_inflated_one() {
    let sandbox = Sandbox::new();
    let input = sandbox.put("in.tar", &sparse(1 << 60, &[(0, 512)]));
    for to in ["docker-archive", "oci-archive"] {
        let error = sandbox.convert(to, &input, "out.tar").fails(3);
        assert!(error.contains("too large"), "{to}: {error}");
        sandbox.assert_holds(&["in.tar"]);
    }
}

#[test]
fn a_name_is_written_so_that_it_can_be_read() {
    for len in 225..260 {
        let Ok(reference) = "r".repeat(len).parse::<Reference>() else { continue };
        let again = reference.to_string().parse::<Reference>().ok();
        assert_eq!(again, Some(reference), "a repository of {len} characters");
    }
}

/// The longest names there are, on their way through every format.
#[test]
fn the_longest_name_is_carried_over() {
    let name = format!("docker.io/library/{}:{}", "r".repeat(255 - "docker.io/library/".len()), "t".repeat(128));
    let sandbox = Sandbox::new();
    sandbox.put_tree("in.tar", &docker(&[image().layer(file("a", "")).tag(&name)], Style::Plain));
    for (from, to, format) in
        [("in.tar", "1.tar", "oci-archive"), ("1.tar", "2.tar", "hybrid-archive"), ("2.tar", "3.tar", "docker-archive")]
    {
        let run = sandbox.convert(format, from, to).arg("--json").ok();
        assert_eq!(run.json()["images"][0]["names"], json!([name]), "{format}");
    }
}

/// Thousands of items fit into one `manifest.json`.
#[test]
fn a_config_that_many_items_name_is_held_once() {
    let config = json!({"os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "x": "y".repeat(3 << 20)});
    let items = vec![json!({"Config": "c", "Layers": []}); 200];
    let tree = Tree::default().with_file("c", config.to_string()).with_file("manifest.json", json!(items).to_string());
    let sandbox = Sandbox::new();
    sandbox.put_tree("in.tar", &tree);
    let run = sandbox.convert("oci-archive", "in.tar", "out.tar").run();
    assert!(run.peak_kib < 128 << 10, "{} KiB for 200 times the same", run.peak_kib);
}

/// They lead to the folder they are in, or to the root.
#[test]
fn links_to_nowhere_are_no_files() {
    for target in ["", ".", "/", "./"] {
        for link in [Kind::Symlink(target.into()), Kind::Hardlink(target.into())] {
            let sandbox = Sandbox::new();
            sandbox.put_tree("in.tar", &Tree::default().with("manifest.json", link));
            let error = sandbox.convert("oci-archive", "in.tar", "out.tar").fails(3);
            assert!(error.contains("manifest.json"), "{target:?}: {error}");
        }
    }
}

/// Each part of an algorithm's name starts with a letter (distribution/reference).
#[test]
fn a_digest_in_a_name_has_the_name_of_an_algorithm() {
    for (algorithm, right) in [
        ("sha256", true),
        ("a+b.c-d_e1", true),
        ("sha2+6", false),
        ("sha.56", false),
        ("a..b", false),
        ("a-", false),
        ("6a", false),
    ] {
        let text = format!("a@{algorithm}:{}", "0".repeat(64));
        assert_eq!(text.parse::<Reference>().is_ok(), right, "{text}");
    }
}

/// What a few megabytes can name, many times over: whether refused or not, the answer comes at once.
#[test]
fn work_does_not_grow_with_the_square_of_the_input() {
    let config = r#"{"os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;
    let of_docker =
        |items: serde_json::Value| Tree::default().with_file("c", config).with_file("manifest.json", items.to_string());
    let many = |n: usize, name: &dyn Fn(usize) -> String| (0..n).map(name).collect::<Vec<_>>();
    let tags = many(200_000, &|i| format!("a:{i}"));
    let ids: serde_json::Map<_, _> =
        many(150_000, &|i| i.to_string()).into_iter().map(|id| (id.clone(), id.into())).collect();
    let empty = crate::support::sha256(b"");
    let layers = json!({"os": "linux", "rootfs": {"type": "layers", "diff_ids": vec![empty; 1000]}}).to_string();
    let alike = (0..20_000).fold(Tree::default(), |tree, _| tree.with_file("l", ""));
    for (what, tree) in [
        ("names of one image", of_docker(json!([{"Config": "c", "RepoTags": tags, "Layers": []}]))),
        ("images", of_docker(json!(vec![json!({"Config": "c"}); 100_000]))),
        ("parts of a path", of_docker(json!([{"Config": "a/".repeat(1_000_000) + "c", "Layers": []}]))),
        ("tops of layers", Tree::default().with_file("repositories", json!({"a": ids}).to_string())),
        ("shared layers", chains(400, 1500)),
        (
            "members alike",
            alike
                .with_file("c", layers)
                .with_file("manifest.json", json!([{"Config": "c", "Layers": vec!["l"; 1000]}]).to_string()),
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.put_tree("in.tar", &tree);
        let run = sandbox.convert("oci-archive", "in.tar", "out.tar").arg("--quiet").run();
        assert!(matches!(run.code, 0 | 3), "{what}: {run}");
        assert!(run.took < Duration::from_secs(20), "{what}: {:?}", run.took);
    }
}

/// An archive from before docker 1.10: `tops` images over the same `length` layers.
fn chains(length: usize, tops: usize) -> Tree {
    let mut tree = Tree::default();
    let mut layer = |id: String, parent: Option<String>| {
        tree.push(format!("{id}/json"), Kind::File(json!({"id": id, "parent": parent}).to_string().into_bytes()));
        tree.push(format!("{id}/layer.tar"), Kind::File(vec![0; 1024]));
    };
    for i in 0..length {
        layer(format!("{i}"), i.checked_sub(1).map(|parent| parent.to_string()));
    }
    let mut names = json!({});
    for i in 0..tops {
        layer(format!("t{i}"), Some((length - 1).to_string()));
        names["a"][i.to_string()] = format!("t{i}").into();
    }
    tree.with_file("repositories", names.to_string())
}
