//! docker-archives: their eras, the links in them, and manifest.json as Go reads it.

use std::slice::from_ref;

use serde_json::{Value, json};

use super::{check_reads, classic, folder, item, layer_path, one, tar, two};
use crate::support::tally::tally;
use crate::support::{Codec, Kind, Sandbox, Style, Tree, docker, file, found, image};

#[test]
fn docker_archives_of_every_era() {
    let twice = image().layer(file("a", "x")).layer(file("b", "y")).layer(file("a", "x")).tag("twice:1");
    let rows = [
        tar("docker 1.10 to 24", classic(), &[one()]),
        tar(
            "docker 1.10 to 24, the same layer twice, a symlink",
            docker(from_ref(&twice), Style::Classic),
            from_ref(&twice),
        ),
        tar(
            "docker 1.10 to 24, two images that share a layer",
            docker(&[one(), two()], Style::Classic),
            &[one(), two()],
        ),
        tar("skopeo and podman", docker(&[one(), two()], Style::Skopeo), &[one(), two()]),
        tar("skopeo, the same layer twice, one file", docker(from_ref(&twice), Style::Skopeo), from_ref(&twice)),
        tar("docker 25, blobs beside an OCI layout", docker(&[one(), two()], Style::Hybrid), &[one(), two()]),
        tar(
            "docker 25, an untagged image that index.json forgot",
            docker(&[one(), two()], Style::Hybrid).edit_json("index.json", |index| {
                index["manifests"].as_array_mut().expect("a list").pop();
            }),
            &[one(), two()],
        ),
        tar("crane", docker(&[one().codec(Codec::Gzip)], Style::Crane), &[one()]),
        folder(
            "docker 1.10 to 24, unpacked, with its symlinks",
            docker(from_ref(&twice), Style::Classic),
            from_ref(&twice),
        ),
        folder("skopeo, unpacked", docker(&[one(), two()], Style::Skopeo), &[one(), two()]),
        folder("docker 25, unpacked", docker(&[one(), two()], Style::Hybrid), &[one(), two()]),
        tar("by hand, no digest in any name", docker(&[one()], Style::Plain), &[one()]),
    ];
    tally("eras", &rows, check_reads);
}

/// Before 1.10 the archive holds no config, so there is no ID to compare; layers and names there are.
#[test]
fn legacy_archives_are_read_along_the_chain_of_parents() {
    for (what, codec, reversed) in
        [("plain", Codec::Plain, false), ("gzip layers", Codec::Gzip, false), ("top layer first", Codec::Plain, true)]
    {
        let sandbox = Sandbox::new();
        let tree = docker(&[one().codec(codec), two().codec(codec)], Style::Legacy);
        let input = sandbox.put_tree("in.tar", &if reversed { tree.reversed() } else { tree });
        for to in ["docker-archive", "oci-archive"] {
            let out = sandbox.path(to);
            sandbox.convert(to, &input, &out).ok();
            let mut found: Vec<_> =
                found::output(&out, to).images.iter().map(|image| (image.names.clone(), image.diff_ids())).collect();
            found.sort();
            let name = |tag: &str| vec![format!("docker.io/library/demo:{tag}")];
            assert_eq!(found, [(name("1"), one().diff_ids()), (name("2"), two().diff_ids())], "{what} to {to}");
        }
    }
}

#[test]
fn links_between_members() {
    let equal = image().layer(file("a", "x")).layer(file("a", "x")).tag("demo:1");
    let same = || docker(std::slice::from_ref(&equal), Style::Classic);
    let linked = |kind| same().relink(&layer_path(&same(), 1), kind);
    let hop = |tree: Tree, index: usize| {
        let bytes = tree.file(&layer_path(&tree, index)).to_vec();
        let name = layer_path(&tree, index);
        tree.relink(&name, Kind::Symlink("../x/first".into()))
            .with("x/first", Kind::Symlink("second".into()))
            .with("x/second", Kind::Symlink("../y/./../y/blob.tar".into()))
            .with_file("y/blob.tar", bytes)
    };
    let rows = [
        tar("a chain of symlinks, target last", hop(classic(), 0), &[one()]),
        tar("a chain of symlinks, target first", hop(classic(), 1).reversed(), &[one()]),
        tar("a hard link named from the root", linked(Kind::Hardlink(layer_path(&same(), 0))), from_ref(&equal)),
        tar(
            "a hard link before its target",
            linked(Kind::Hardlink(layer_path(&same(), 0))).reversed(),
            from_ref(&equal),
        ),
        tar("a symlink to an equal layer", linked(Kind::Symlink(format!("../{}", layer_path(&same(), 0)))), &[equal]),
        tar(
            "the config is a symlink",
            {
                let config = format!("{}.json", &one().id()["sha256:".len()..]);
                classic()
                    .relink(&config, Kind::Symlink("real/config".into()))
                    .with_file("real/config", one().config_bytes())
            },
            &[one()],
        ),
        tar(
            "manifest.json is a symlink",
            {
                let text = classic().file("manifest.json").to_vec();
                classic().relink("manifest.json", Kind::Symlink("m".into())).with_file("m", text)
            },
            &[one()],
        ),
        tar("a dangling symlink that nobody needs", classic().with("x", Kind::Symlink("nowhere".into())), &[one()]),
        tar("a fifo that nobody needs", classic().with("x", Kind::Fifo), &[one()]),
    ];
    tally("links", &rows, check_reads);
}

#[test]
fn manifest_json_as_go_reads_it() {
    let lower = |tree: Tree| {
        item(tree, |item| {
            let map = item.as_object_mut().expect("an object");
            *map = map.iter().map(|(key, value)| (key.to_lowercase(), value.clone())).collect();
        })
    };
    let without =
        |key: &'static str| item(classic(), |item| drop(item.as_object_mut().expect("an object").remove(key)));
    let empty = image().tag("empty:1");
    let text = String::from_utf8(classic().file("manifest.json").to_vec()).expect("JSON is text");
    let rows = [
        tar("keys in lower case", lower(classic()), &[one()]),
        tar("RepoTags null", item(classic(), |item| item["RepoTags"] = Value::Null), &[one()]),
        tar("RepoTags absent", without("RepoTags"), &[one()]),
        tar("RepoTags empty", item(classic(), |item| item["RepoTags"] = json!([])), &[one()]),
        tar("the same tag twice", item(classic(), |item| item["RepoTags"] = json!(["demo:1", "demo:1"])), &[one()]),
        tar(
            "no layers, null",
            item(docker(from_ref(&empty), Style::Plain), |item| item["Layers"] = Value::Null),
            from_ref(&empty),
        ),
        tar("no layers, empty", docker(from_ref(&empty), Style::Plain), &[empty]),
        tar("an unknown Parent", item(classic(), |item| item["Parent"] = "sha256:00".into()), &[one()]),
        tar("unknown keys", item(classic(), |item| item["X"] = json!({"a": [1.5, null]})), &[one()]),
        tar("white space everywhere", classic().replace("manifest.json", text.replace(',', " ,\r\n\t ")), &[one()]),
        tar("no repositories file", classic().remove("repositories"), &[one()]),
    ];
    tally("manifest.json", &rows, check_reads);
}
