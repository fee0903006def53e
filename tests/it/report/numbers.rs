//! Images of known contents: what is reclaimable, what is there twice, where the bytes are.

use transload::{Context, Fate, ImageUsage, NodeKind, UsageNode, UsageOptions};

use super::{page, usage};
use crate::support::{Codec, Image, Kind, Layer, Sandbox, Style, Tree, docker, image};

/// So many bytes that only this letter has.
fn bytes(letter: char, len: usize) -> Vec<u8> {
    vec![u8::try_from(letter).expect("a letter"); len]
}

fn layer(tree: &Tree) -> Layer {
    Layer::from_tar(tree.tar()).codec(Codec::Plain)
}

/// Four layers; each later one takes something away from those below.
fn wasteful() -> Image {
    let base = Tree::default()
        .with_file("etc/same", bytes('s', 1000))
        .with_file("etc/other", bytes('o', 2000))
        .with_file("etc/gone", bytes('g', 3000))
        .with_file("cache/a", bytes('a', 4000))
        .with_file("cache/deep/b", bytes('b', 5000))
        .with_file("keep", bytes('k', 6000))
        .with_file("linked", bytes('l', 700))
        .with("link", Kind::Hardlink("linked".into()));
    // The same bytes with another mode, other bytes, a whiteout, an opaque directory; one name of a linked file.
    let mut second = Tree::default()
        .with_file("etc/same", bytes('s', 1000))
        .with_file("etc/other", bytes('x', 2500))
        .with_file("etc/.wh.gone", "")
        .with_file("cache/.wh..wh..opq", "")
        .with_file("cache/new", bytes('n', 100))
        .with_file(".wh.linked", "");
    second.members[0].mode = 0o755;
    // Once more: of three copies two count.
    let third = Tree::default().with_file("etc/same", bytes('s', 1000)).with_file("copy/k", bytes('k', 6000));
    // The last name of the linked file, and a directory that gives way to a file.
    let fourth =
        Tree::default().with_file(".wh.link", "").with_file("copy/k2", bytes('k', 6000)).with_file("cache", "x");
    image().layer(layer(&base)).layer(layer(&second)).layer(layer(&third)).layer(layer(&fourth)).tag("a:1")
}

fn told(image: Image, options: &UsageOptions) -> ImageUsage {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker(&[image], Style::Plain));
    let [usage] = usage(&input, options, &Context::default()).try_into().expect("one image");
    usage
}

#[test]
fn what_later_layers_hide_is_counted_to_the_byte() {
    let usage = told(wasteful(), &UsageOptions::default());
    assert_eq!(usage.problems, Vec::<String>::new());
    let hidden = usage.hidden();
    // Two of three copies; the other contents; the whiteout, the opaque directory, what was in the directory that became a
    // file, and the file with two names when the second was gone.
    let want = (2 * 1000, 2000, 3000 + 4000 + 5000 + 100 + 700);
    assert_eq!((hidden.repeated, hidden.overwritten, hidden.removed), want);
    let by_layer: Vec<_> = usage
        .layers
        .iter()
        .map(|layer| layer.effect.expect("all is known"))
        .map(|it| (it.bytes, it.hidden.total()))
        .collect();
    assert_eq!(by_layer, [(21_700, 15_700), (3600, 1100), (7000, 0), (6001, 0)]);
    assert_eq!(usage.bytes(), 38_301);
    let files = usage.files.as_ref().expect("all is known");
    assert_eq!(files.bytes + hidden.total(), usage.bytes(), "every byte is seen or hidden");
    assert_eq!((files.hidden_files, files.hidden.len()), (8, 8));
    let of = |path: &str| {
        let found: Vec<_> = files.hidden.iter().filter(|file| file.place.path == path).collect();
        found.iter().map(|file| (file.place.layer, file.place.size, file.fate, file.by)).collect::<Vec<_>>()
    };
    assert_eq!(of("etc/same"), [(1, 1000, Fate::Repeated, 2), (2, 1000, Fate::Repeated, 3)]);
    assert_eq!(of("etc/other"), [(1, 2000, Fate::Overwritten, 2)]);
    assert_eq!(of("etc/gone"), [(1, 3000, Fate::Removed, 2)]);
    assert_eq!(of("cache/deep/b"), [(1, 5000, Fate::Removed, 2)]);
    assert_eq!(of("cache/new"), [(2, 100, Fate::Removed, 4)]);
    assert_eq!(of("linked"), [(1, 700, Fate::Removed, 4)], "the last name was gone in layer 4");
}

#[test]
fn of_n_copies_n_minus_one_are_wasted() {
    let usage = told(wasteful(), &UsageOptions::default());
    let duplicates = usage.files.expect("all is known").duplicates;
    assert_eq!((duplicates.groups, duplicates.copies, duplicates.bytes), (1, 2, 12_000));
    let [group] = duplicates.largest.as_slice() else { panic!("{duplicates:?}") };
    assert_eq!((group.copies, group.size, group.wasted()), (3, 6000, 12_000));
    let places: Vec<_> = group.places.iter().map(|place| (place.path.as_str(), place.layer)).collect();
    assert_eq!(places, [("copy/k", 3), ("copy/k2", 4), ("keep", 1)]);
    assert_eq!(group.digest.to_string(), crate::support::sha256(&bytes('k', 6000)));
}

/// Hard links are one file, empty files are nothing, and files of one size are not the same by that.
#[test]
fn only_equal_contents_are_duplicates() {
    let tree = Tree::default()
        .with_file("a", bytes('a', 50))
        .with("b", Kind::Hardlink("a".into()))
        .with_file("c", bytes('c', 50))
        .with_file("empty1", "")
        .with_file("empty2", "");
    let files = told(image().layer(layer(&tree)).tag("a:1"), &UsageOptions::default()).files.expect("all is known");
    assert_eq!(files.duplicates, Default::default());
    assert_eq!((files.bytes, files.files, files.others, files.directories), (100, 4, 1, 0));
}

/// Adds up a tree and checks that every directory is the sum of its parts.
fn check(node: &UsageNode) -> usize {
    if !node.children.is_empty() {
        let bytes: u64 = node.children.iter().map(|child| child.bytes).sum();
        assert_eq!(bytes, node.bytes, "{}", node.name);
        let files: usize = node.children.iter().map(|child| child.files).sum();
        assert!(files <= node.files, "{}: files of no bytes are in no part", node.name);
    }
    1 + node.children.iter().map(check).sum::<usize>()
}

#[test]
fn the_tree_is_cut_down_and_still_sums_up() {
    let mut tree = Tree::default();
    for i in 0..2000 {
        tree.push(format!("d{}/e{}/f{i}", i % 7, i % 60), Kind::File(bytes('f', 10 + i)));
    }
    let tree = tree.with_file("a/b/c/only", bytes('o', 900_000));
    for most in [1, 5, 50, 300] {
        let mut options = UsageOptions::default();
        options.nodes = most;
        let root = told(image().layer(layer(&tree)).tag("a:1"), &options).files.expect("all is known").tree;
        let nodes = check(&root);
        assert!(nodes <= most + 42, "{nodes} nodes for {most}");
        assert_eq!((root.name.as_str(), root.files, root.layer), ("/", 2001, 1));
        if most > 1 {
            let first = &root.children[0];
            assert_eq!((first.name.as_str(), first.kind, first.bytes), ("a/b/c", NodeKind::Directory, 900_000));
            let sorted = root.children.iter().filter(|child| child.kind != NodeKind::Rest);
            assert!(sorted.map(|child| child.bytes).is_sorted_by(|a, b| a >= b));
        }
    }
}

#[test]
fn a_part_is_of_the_layer_that_has_most_of_it() {
    let first = Tree::default().with_file("d/a", bytes('a', 10)).with_file("d/b", bytes('b', 30));
    let second = Tree::default().with_file("d/c", bytes('c', 45)).with_file("e", bytes('e', 1));
    let mut options = UsageOptions::default();
    options.nodes = 2;
    let tree = told(image().layer(layer(&first)).layer(layer(&second)).tag("a:1"), &options).files.expect("known").tree;
    let parts: Vec<_> = tree.children.iter().map(|part| (part.name.as_str(), part.bytes, part.layer)).collect();
    assert_eq!((tree.layer, parts), (2, vec![("d", 85, 2), ("e", 1, 2)]));
}

#[test]
fn the_page_says_these_numbers() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("in.tar", &docker(&[wasteful()], Style::Plain));
    let (page, html, _) = page(&sandbox, "in.tar", &[]);
    for text in ["16.8 kB", "2.00 kB", "12.8 kB", "12.0 kB", "2 further copies"] {
        assert!(page.says(text), "{text} is not there:\n{html}");
    }
    assert!(page.texts.iter().any(|text| text.starts_with("16.8 kB (44 %)")), "{html}");
}
