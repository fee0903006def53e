//! `--files` and `--largest`: files of layers, and of the tree that they make.

use serde_json::Value;

use super::{full, two_images};
use crate::support::tar::seal;
use crate::support::{Codec, Kind, Layer, Layout, Sandbox, Style, Tree, docker, file, image};

fn lines(sandbox: &Sandbox, args: &[&str]) -> Vec<Value> {
    let run = sandbox.command(["inspect", "in.tar", "--json"]).args(args).ok();
    let text = String::from_utf8(run.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is an object")).collect()
}

fn paths(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["path"].as_str().expect("a path")).collect()
}

/// A layer, one that overwrites, removes and hides parts of it, and one with links.
fn put(sandbox: &Sandbox) {
    let first = Tree::default()
        .with("etc/", Kind::Dir)
        .with_file("etc/a", "aaaa")
        .with_file("etc/gone", "gone")
        .with_file("opaque/old", "old")
        .with_file("z", "zz");
    let second = Tree::default()
        .with_file("etc/a", "longer than it was")
        .with_file("etc/.wh.gone", "")
        .with_file("opaque/.wh..wh..opq", "")
        .with_file("opaque/new", "new");
    let third = Tree::default()
        .with("link", Kind::Symlink("etc/a".into()))
        .with("hard", Kind::Hardlink("z".into()))
        .with_file("z", "zzz");
    let layer = |tree: &Tree, codec| Layer::from_tar(tree.tar()).codec(codec);
    let image =
        image().layer(layer(&first, Codec::Gzip)).layer(layer(&second, Codec::Zstd)).layer(layer(&third, Codec::Plain));
    sandbox.put_tree("in.tar", &Layout::new().named(&image, "a:1").tree());
}

#[test]
fn the_tree_is_what_the_layers_leave_of_one_another() {
    let sandbox = Sandbox::new();
    put(&sandbox);
    let all = lines(&sandbox, &["--files"]);
    assert_eq!(paths(&all), ["etc", "etc/a", "hard", "link", "opaque", "opaque/new", "z"]);
    let of = |path: &str| all.iter().find(|line| line["path"] == path).expect("a line");
    assert_eq!((&of("etc/a")["size"], &of("etc/a")["layer"]), (&18.into(), &2.into()));
    assert_eq!((&of("link")["kind"], &of("link")["link"]), (&"symlink".into(), &"etc/a".into()));
    assert!(all.iter().all(|line| line["schema"] == 1));
    let run = sandbox.command(["inspect", "--files", "in.tar"]).ok();
    let text = String::from_utf8(run.stdout).expect("text");
    assert!(text.contains("-rw-r--r-- 0/0              18 1970-01-01 00:00 etc/a\n"), "{text}");
    assert!(text.contains(" link -> etc/a\n"), "{text}");
    assert!(text.starts_with("drwxr-xr-x 0/0               0 1970-01-01 00:00 etc/\n"), "{text}");
    // Its other name was overwritten: what it linked to is its own now.
    assert_eq!((&of("hard")["kind"], &of("hard")["size"], &of("z")["size"]), (&"file".into(), &2.into(), &3.into()));
}

/// As in a tar: the first name is the file, the others are links to it, and the bytes count once.
#[test]
fn of_several_names_the_first_is_the_file() {
    let sandbox = Sandbox::new();
    let links = Tree::default()
        .with_file("m", "four")
        .with("z", Kind::Hardlink("m".into()))
        .with("a", Kind::Hardlink("m".into()));
    sandbox.put_tree("in.tar", &docker(&[image().layer(Layer::from_tar(links.tar())).tag("a:1")], Style::Skopeo));
    let all = lines(&sandbox, &["--files"]);
    let told: Vec<_> =
        all.iter().map(|line| (line["path"].as_str(), line["size"].as_u64(), line["link"].as_str())).collect();
    let want = [(Some("a"), Some(4), None), (Some("m"), Some(0), Some("a")), (Some("z"), Some(0), Some("a"))];
    assert_eq!(told, want);
    assert_eq!(paths(&lines(&sandbox, &["--largest", "9"])), ["a"]);
}

/// Engines give a file the mode, owner and time of each link that they make to it.
#[test]
fn a_hard_link_changes_the_file_that_it_is_made_to() {
    let sandbox = Sandbox::new();
    let mut link = Tree::default().with("b", Kind::Hardlink("a".into())).tar();
    link[100..124].copy_from_slice(b"0004600\x000000007\x000000011\0");
    link[136..148].copy_from_slice(b"00000000100\0");
    seal(&mut link[..512]);
    let image = image().layer(file("a", "text")).layer(Layer::from_tar(link)).tag("a:1");
    sandbox.put_tree("in.tar", &docker(&[image], Style::Skopeo));
    let all = lines(&sandbox, &["--files"]);
    assert_eq!(paths(&all), ["a", "b"]);
    for line in &all {
        let attributes = ["mode", "uid", "gid", "mtime"].map(|key| line[key].as_u64().expect("a number"));
        assert_eq!(attributes, [0o4600, 7, 9, 64], "{line}");
    }
}

#[test]
fn a_layer_is_listed_as_it_stands_in_its_tar() {
    let sandbox = Sandbox::new();
    put(&sandbox);
    let second = lines(&sandbox, &["--files", "--layer", "2"]);
    assert_eq!(paths(&second), ["etc/a", "etc/.wh.gone", "opaque/.wh..wh..opq", "opaque/new"]);
    let two = lines(&sandbox, &["--files", "--layer", "3", "--layer", "1"]);
    assert_eq!(two.iter().map(|line| line["layer"].clone()).collect::<Vec<_>>(), [3, 3, 3, 1, 1, 1, 1, 1]);
    for layer in ["0", "4"] {
        let message = sandbox.command(["inspect", "--files", "--layer", layer, "in.tar"]).fails(4);
        assert!(message.contains(&format!("no layer {layer}")), "{message}");
    }
}

#[test]
fn the_largest_files_come_first() {
    let sandbox = Sandbox::new();
    put(&sandbox);
    assert_eq!(paths(&lines(&sandbox, &["--largest", "2"])), ["etc/a", "opaque/new"]);
    assert_eq!(paths(&lines(&sandbox, &["--largest", "1", "--layer", "1"])), ["etc/a"]);
    assert_eq!(lines(&sandbox, &["--largest", "100"]).len(), 4, "files only, and each once");
    assert_eq!(lines(&sandbox, &["--largest", "0"]).len(), 0);
    let run = sandbox.command(["inspect", "--largest", "1", "in.tar"]).ok();
    let text = String::from_utf8(run.stdout).expect("text");
    assert_eq!(text.lines().last().map(str::trim), Some("18 B  2      etc/a"), "{text}");
}

#[test]
fn threads_do_not_change_the_list() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("in.tar", &docker(&[full().tag("a:1")], Style::Classic));
    let list = |threads: &str| sandbox.command(["inspect", "--files", "--threads", threads, "in.tar"]).ok().stdout;
    assert!(!list("1").is_empty());
    assert_eq!(list("1"), list("8"));
}

#[test]
fn files_are_those_of_one_image_whose_layers_are_tars() {
    let sandbox = Sandbox::new();
    sandbox.put("in.tar", &two_images());
    let message = sandbox.command(["inspect", "--files", "in.tar"]).fails(4);
    assert!(message.contains("2 images"), "{message}");
    assert!(paths(&lines(&sandbox, &["--files", "--image", "demo/child:1"])).contains(&"srv/c"));
    let noise = Layer::from_tar(vec![7; 3000]);
    sandbox.put_tree("in.tar", &docker(&[image().layer(file("a", "x")).layer(noise).tag("a:1")], Style::Skopeo));
    for args in [&["--files"][..], &["--files", "--layer", "2"], &["--largest", "1"]] {
        let message = sandbox.command(["inspect", "in.tar"]).args(args).fails(3);
        assert!(message.contains("tar"), "{message}");
    }
    assert_eq!(paths(&lines(&sandbox, &["--files", "--layer", "1"])), ["a"], "layers that are whole can be listed");
}

/// A tar that is damaged further on is listed as far as it goes, and that is said.
#[test]
fn what_is_wrong_in_a_tar_is_told_beside_the_list() {
    let sandbox = Sandbox::new();
    let mut tar = Tree::default().with_file("a", "x").with_file("b", "y").tar();
    // The second header's checksum.
    tar[1024 + 148] ^= 1;
    sandbox.put_tree("in.tar", &docker(&[image().layer(Layer::from_tar(tar)).tag("a:1")], Style::Skopeo));
    let run = sandbox.command(["inspect", "--files", "in.tar"]).ok();
    assert!(run.stderr.starts_with("warning: layer 1: "), "{run}");
    assert_eq!(String::from_utf8_lossy(&run.stdout).lines().count(), 1);
}
