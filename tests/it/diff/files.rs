//! When layers differ, the files that differ are told: of the trees that the layers make together.

use serde_json::Value;

use super::entry::{Entry, device, folder, hard_link, layer, symlink, text};
use super::{changes, compare, lines};
use crate::support::{Codec, Image, Layer, Layout, Sandbox, image};

fn of(layers: &[&[Entry]]) -> Image {
    layers.iter().fold(image().tag("app:1"), |image, entries| image.layer(layer(entries)))
}

/// A row: the layers of both images, and what differs.
struct Row {
    a: Vec<Vec<Entry>>,
    b: Vec<Vec<Entry>>,
    want: &'static [&'static str],
}

fn row(a: &[&[Entry]], b: &[&[Entry]], want: &'static [&'static str]) -> Row {
    let own = |layers: &[&[Entry]]| layers.iter().map(|entries| entries.to_vec()).collect();
    Row { a: own(a), b: own(b), want }
}

fn build(layers: &[Vec<Entry>]) -> Image {
    of(&layers.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

#[track_caller]
fn check(rows: &[Row]) {
    for Row { a, b, want } in rows {
        let (a, b) = (build(a), build(b));
        let run = compare(&a, &b, &["--json"]);
        assert_eq!(changes(&run), *want, "{}", run.json());
        let files = &run.json()["images"][0]["files"];
        let count = |letter: &str| want.iter().filter(|line| line.starts_with(letter)).count();
        for (name, letter) in [("added", "A"), ("removed", "D"), ("changed", "M")] {
            assert_eq!(files[name], count(letter), "{files}");
        }
        // The other way round it is the mirror image.
        let mirrored = compare(&b, &a, &["--json"]);
        let mirror = |line: &str| match line.split_at(1) {
            ("A", rest) => format!("D{rest}"),
            ("D", rest) => format!("A{rest}"),
            _ => line.to_owned(),
        };
        let names =
            |lines: Vec<String>| lines.iter().map(|line| line.split(' ').take(2).collect()).collect::<Vec<String>>();
        assert_eq!(names(changes(&mirrored)), names(want.iter().map(|line| mirror(line)).collect()));
    }
}

#[test]
fn every_attribute_is_compared() {
    let base = || text("f", "one");
    let cap = |value: &[u8]| base().record("SCHILY.xattr.security.capability", value);
    check(&[
        row(&[&[base()]], &[&[text("f", "two")]], &["M /f content"]),
        row(&[&[base()]], &[&[text("f", "")]], &["M /f content"]),
        row(&[&[base()]], &[&[text("g", "one")]], &["D /f", "A /g"]),
        row(&[&[base()]], &[&[base().mode(0o4755)]], &["M /f mode 644 4755"]),
        row(&[&[base()]], &[&[base().owner(1000, 50)]], &["M /f owner 0:0 1000:50"]),
        row(&[&[base()]], &[&[base().mtime(1001)]], &["M /f mtime"]),
        row(&[&[base()]], &[&[base().record("mtime", b"1000.000000001")]], &["M /f mtime"]),
        row(&[&[cap(b"\x01\xff")]], &[&[base()]], &["M /f xattrs security.capability=0x01ff "]),
        row(
            &[&[cap(b"a").record("SCHILY.xattr.user.x", b"x")]],
            &[&[cap(b"b").record("SCHILY.xattr.user.x", b"x")]],
            &["M /f xattrs security.capability=0x61 security.capability=0x62"],
        ),
        row(&[&[symlink("l", "f")]], &[&[symlink("l", "g")]], &["M /l target f g"]),
        // Linux gives every symbolic link the same mode.
        row(&[&[symlink("l", "f"), base()]], &[&[symlink("l", "f").mode(0o777), base()]], &[]),
        row(&[&[device("d", (1, 3))]], &[&[device("d", (1, 5))]], &["M /d device 1:3 1:5"]),
        row(&[&[base()]], &[&[symlink("f", "g")]], &["M /f kind file symlink"]),
        row(&[&[base()]], &[&[folder("f").mode(0o644), text("f/g", "")]], &["M /f kind file directory", "A /f/g"]),
        row(&[&[folder("f")]], &[&[folder("f").mode(0o700)]], &["M /f mode 755 700"]),
        row(&[&[folder("./").mode(0o700)]], &[&[folder("./")]], &["M / mode 700 755"]),
        // Nothing is known of a directory that no entry made.
        row(&[&[folder("d").mode(0o700), text("d/f", "")]], &[&[text("d/f", "")]], &[]),
    ]);
}

#[test]
fn hard_links_are_compared_by_what_they_lead_to() {
    let f = || text("f", "one");
    check(&[
        // Which of the names has the contents does not matter.
        row(&[&[f(), hard_link("g", "f")]], &[&[text("g", "one"), hard_link("f", "g")]], &[]),
        row(&[&[f(), hard_link("g", "f")]], &[&[f(), text("g", "one")]], &["M /g links /f "]),
        row(
            &[&[f(), hard_link("g", "f")]],
            &[&[text("f", "two"), hard_link("g", "f")]],
            &["M /f content", "M /g content"],
        ),
        // A name less changes nothing for the others.
        row(
            &[&[f(), hard_link("g", "f"), hard_link("h", "f")]],
            &[&[text("g", "one"), hard_link("h", "g")]],
            &["D /f"],
        ),
        // Engines give the file what they read of each link to it.
        row(&[&[f().mode(0o600), hard_link("g", "f")]], &[&[f(), hard_link("g", "f")]], &[]),
        row(
            &[&[f(), hard_link("g", "f").owner(1, 2)]],
            &[&[f(), hard_link("g", "f")]],
            &["M /f owner 1:2 0:0", "M /g owner 1:2 0:0"],
        ),
        // To a file of a layer below.
        row(&[&[f()], &[hard_link("g", "f")]], &[&[f(), hard_link("g", "f")]], &[]),
    ]);
}

#[test]
fn the_trees_are_compared_and_not_the_layers() {
    let base: &[Entry] =
        &[folder("d"), text("d/a", "1"), text("d/b", "2"), folder("d/e"), text("d/e/f", "3"), text("x", "")];
    let all: &[Entry] = &[folder("d"), text("d/a", "9"), text("d/c", "3"), text("x", "")];
    check(&[
        // Squashed.
        row(&[base, &[text("d/.wh.b", ""), text("d/.wh.e", ""), text("d/a", "9"), text("d/c", "3")]], &[all], &[]),
        row(&[base, &[text(".wh.x", "")]], &[base], &["A /x"]),
        row(&[base, &[text("d/.wh..wh..opq", "")]], &[base], &["A /d/a", "A /d/b", "A /d/e", "A /d/e/f"]),
        row(
            &[base, &[text("d/.wh..wh..opq", ""), folder("d"), text("d/a", "1")]],
            &[base, &[text("d/.wh.b", ""), text("d/.wh.e", "")]],
            &[],
        ),
        row(
            &[base, &[text("d", "now a file")]],
            &[base],
            &["M /d kind file directory mode 644 755", "A /d/a", "A /d/b", "A /d/e", "A /d/e/f"],
        ),
        // A layer that both have, in the middle, on top of different ones, or hidden.
        row(
            &[&[text("x", "1")], base, &[text("y", "1")]],
            &[&[text("x", "2"), text("z", "")], base, &[text("y", "2")]],
            &["M /y content", "A /z"],
        ),
        row(&[base, &[text("x", "1")], &[text("x", "2")]], &[base, &[text("x", "2")]], &[]),
        // The same layer twice.
        row(&[base, &[text("x", "1")], base], &[base], &[]),
    ]);
}

#[test]
fn layers_are_listed_from_the_first_that_differs_to_the_last() {
    let part = |name: &str| vec![text(name, name)];
    let (a, b, c, d) = (part("a"), part("b"), part("c"), part("d"));
    let run = compare(&of(&[&a, &b, &c]), &of(&[&a, &d, &c, &b]), &[]);
    assert_eq!(run.code, 1);
    let told: Vec<String> = lines(&run).into_iter().filter(|line| line.starts_with("layer")).collect();
    let digits = |entries: &[Entry]| layer(entries).diff_id()["sha256:".len()..][..12].to_owned();
    let (b, d) = (digits(&b), digits(&d));
    let size = "(2.05 kB)";
    assert_eq!(told, [format!("layer 2: {b} {size} → {d} {size}"), format!("layer 4: only in B: {b} {size}")]);
    let told = lines(&compare(&of(&[&part("a"), &part("b")]), &of(&[&part("b")]), &[]));
    let a = digits(&part("a"));
    assert!(told.contains(&format!("layer 1: only in A: {a} {size}")), "{told:?}");
}

#[test]
fn names_that_harm_a_terminal_are_escaped_and_all_is_told_exactly_in_json() {
    let odd = "e\u{1b}]0;x\u{7}\u{202e}vil";
    let run = compare(&of(&[&[text("f", "")]]), &of(&[&[text(odd, "")]]), &[]);
    assert!(super::text(&run).contains("A e\\u{1b}]0;x\\u{7}\\u{202e}vil (0 B)"), "{}", super::text(&run));
    let run = compare(&of(&[&[text("f", "")]]), &of(&[&[text(odd, "")]]), &["--json"]);
    assert_eq!(changes(&run), [format!("A /{odd}"), "D /f".to_owned()]);
    assert!(super::text(&run).is_ascii() && !super::text(&run).contains('\u{1b}'));
}

#[test]
fn long_lists_are_cut_and_directories_stand_for_what_is_in_them() {
    let many: Vec<Entry> = (0..150).map(|n| text(&format!("f{n:03}"), "")).collect();
    let tree: Vec<Entry> =
        std::iter::once(folder("d")).chain((0..5).map(|n| text(&format!("d/{n}"), ""))).chain([folder("e")]).collect();
    let base: &[Entry] = &[text("base", "").mtime(1)];
    let touched: &[Entry] = &[text("base", "").mtime(2)];
    let run = compare(&of(&[base]), &of(&[touched, &many, &tree]), &[]);
    let told = lines(&run);
    assert!(told.contains(&"files: 157 added, 0 removed, 1 changed".to_owned()), "{told:?}");
    assert!(told.contains(&"A d/ (and 5 in it)".to_owned()) && told.contains(&"A e/".to_owned()), "{told:?}");
    assert!(told.contains(&"and 52 more (--all lists them)".to_owned()), "{told:?}");
    assert!(told.contains(&"1 differs in nothing but the time (--all lists them)".to_owned()), "{told:?}");
    let all = lines(&compare(&of(&[base]), &of(&[touched, &many, &tree]), &["--all"]));
    assert_eq!(all.iter().filter(|line| line.starts_with("A ")).count(), 157);
    assert!(all.iter().any(|line| line.starts_with("M base (mtime 1970-01-01T00:00:01Z → 1970-01-01T00:00:02Z)")));
    assert!(!all.iter().any(|line| line.contains("more")), "{all:?}");
    let json = compare(&of(&[base]), &of(&[touched, &many, &tree]), &["--json"]).json();
    assert_eq!(json["images"][0]["files"]["list"].as_array().map(Vec::len), Some(158));
}

#[test]
fn files_are_found_in_layers_however_they_are_stored() {
    let (a, b) = (of(&[&[text("f", "1")], &[text("g", "1")]]), of(&[&[text("f", "1")], &[text("g", "2")]]));
    for codec in [Codec::Plain, Codec::Gzip, Codec::Zstd, Codec::Bzip2, Codec::Xz] {
        let sandbox = Sandbox::new();
        sandbox.put_tree("a", &Layout::new().named(&a, "app:1").tree());
        sandbox.put_tree("b.tar", &Layout::new().named(&b.clone().codec(codec), "app:1").tree());
        let run = super::diff(&sandbox, "a", "b.tar", &["--json"]);
        assert_eq!(changes(&run), ["M /g content"], "{codec:?}");
        let layers = &run.json()["images"][0]["layers"];
        assert_eq!((layers.as_array().map(Vec::len), &layers[0]["a"]["number"]), (Some(1), &Value::from(2)));
    }
}

#[test]
fn a_layer_that_is_no_tar_is_compared_by_its_digest() {
    let noise = |byte: u8| Layer::from_tar(vec![byte; 2000]);
    let with = |byte| of(&[&[text("f", "1")]]).layer(noise(byte));
    let run = compare(&with(1), &with(2), &[]);
    assert_eq!(run.code, 1);
    let told = lines(&run);
    assert!(told.iter().any(|line| line.starts_with("layer 2: ")), "{told:?}");
    assert!(told.contains(&"note: layer 2 of A is not a tar: files are not compared".to_owned()), "{told:?}");
    assert_eq!(compare(&with(1), &with(1), &[]).code, 0);
    // What can be read of a tar that is cut is compared.
    let whole = layer(&[text("f", "1"), text("g", &"2".repeat(600))]);
    let cut = Layer::from_tar(whole.tar[..1600].to_vec());
    let image = |layer: &Layer| image().tag("app:1").layer(layer.clone());
    let run = compare(&image(&whole), &image(&cut), &["--json"]);
    assert_eq!(changes(&run), ["M /g content"]);
    let note = run.json()["images"][0]["notes"][0].to_string();
    assert!(
        note.contains("layer 1 of B cannot be read to its end: byte 1600: ") && note.contains("ends early"),
        "{note}"
    );
}
