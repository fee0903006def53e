use std::collections::BTreeMap;
use std::io::Read;

use proptest::prelude::*;
use tar::{Builder, EntryType, Header};

use super::super::{Catalog, Contents, shown};
use super::*;
use crate::codec::Compression;
use crate::content::Content;
use crate::context::Context;
use crate::digest::Algorithm;

/// An entry of a test: `d/` is a directory, `a=3` a file of three bytes, `a->b` a symlink, `a=>b` a hard link.
fn tar(entries: &[&str]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for entry in entries {
        let (kind, name, size, link) = if let Some(name) = entry.strip_suffix('/') {
            (EntryType::Directory, name, 0, None)
        } else if let Some((name, target)) = entry.split_once("->") {
            (EntryType::Symlink, name, 0, Some(target))
        } else if let Some((name, target)) = entry.split_once("=>") {
            (EntryType::Link, name, 0, Some(target))
        } else {
            let (name, size) = entry.split_once('=').unwrap_or((entry, "0"));
            (EntryType::Regular, name, size.parse().unwrap(), None)
        };
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(size);
        // The builder's own setters refuse the names that matter here.
        let fields = header.as_old_mut();
        fields.name[..name.len()].copy_from_slice(name.as_bytes());
        let link = link.unwrap_or_default();
        fields.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        tar.append(&header, std::io::repeat(b'x').take(size)).unwrap();
    }
    tar.into_inner().unwrap()
}

fn merge(layers: &[&[&str]]) -> (Merged, Paths) {
    let cx = Context::default();
    let catalog = Catalog::new(&cx.limits);
    let lists = layers.iter().enumerate().map(|(i, entries)| {
        let content = Content::bytes("test".into(), format!("{i}"), tar(entries));
        let algorithms = (Algorithm::Sha256, Algorithm::Sha256);
        Arc::new(catalog.list(&content, Compression::None, algorithms, Contents::Hashed, &cx).unwrap())
    });
    let merged = catalog.merge(lists.collect()).unwrap();
    (merged, catalog.into_paths())
}

/// The tree as text: path, layer and size of each file.
fn tree(layers: &[&[&str]]) -> Vec<String> {
    let (merged, paths) = merge(layers);
    let line = |file: Visible<'_>| {
        let end = match file.kind() {
            FileKind::Directory => "/".to_owned(),
            FileKind::Symlink => format!("->{}", shown(file.target())),
            FileKind::File => format!("={}", file.file().unwrap().size()),
            other => format!(" {other}"),
        };
        let slot = merged.slots[file.path.index()];
        let link = if slot.file < IMPLIED && slot.file != slot.inode { " linked" } else { "" };
        let implied = if file.file().is_none() { " implied" } else { "" };
        format!("{}: {}{end}{link}{implied}", file.layer, shown(&paths.path(file.path)))
    };
    merged.files(&paths).map(line).collect()
}

fn tally(added: usize, changed: usize, removed: usize, bytes: u64, hidden: u64) -> Tally {
    Tally { added, changed, removed, bytes, hidden }
}

#[test]
fn whiteouts_and_later_files_hide_earlier_ones() {
    let base: &[&str] = &["d/", "d/a=10", "d/b=20", "d/e/", "d/e/f=5", "x=1"];
    for (upper, want) in [
        (&["d/.wh.a"][..], &["0: d/", "0: d/b=20", "0: d/e/", "0: d/e/f=5", "0: x=1"][..]),
        (&["d/.wh.e", ".wh.x"], &["0: d/", "0: d/a=10", "0: d/b=20"]),
        (&[".wh.d"], &["0: x=1"]),
        (&["d/.wh..wh..opq"], &["0: d/", "0: x=1"]),
        (&[".wh..wh..opq", "y=1"], &["1: y=1"]),
        // Wherever they stand in the tar, they do not concern their own layer.
        (&["d/", "d/c=3", "d/.wh..wh..opq"], &["1: d/", "1: d/c=3", "0: x=1"]),
        (&["d/.wh..wh..opq", "d/", "d/c=3"], &["1: d/", "1: d/c=3", "0: x=1"]),
        (&["x=9", ".wh.x", ".wh.d"], &["1: x=9"]),
        (&["d=7"], &["1: d=7", "0: x=1"]),
        (&["x/", "x/y=2"], &["0: d/", "0: d/a=10", "0: d/b=20", "0: d/e/", "0: d/e/f=5", "1: x/", "1: x/y=2"]),
        (&[".wh.d", "x/y/z=2"], &["1: x/ implied", "1: x/y/ implied", "1: x/y/z=2"]),
        (&["d->x"], &["1: d->x", "0: x=1"]),
        // Nothing to remove, aufs's own, and names that stay inside.
        (&[".wh.nothing", ".wh..wh.plnk/z=4", ".wh.d"], &["0: x=1"]),
        (&[".wh.d", "../../x=4", "/y=5"], &["1: x=4", "1: y=5"]),
    ] {
        assert_eq!(tree(&[base, upper]), want, "{upper:?}");
    }
}

#[test]
fn hard_links_keep_the_file_that_they_were_made_to() {
    let base: &[&str] = &["a=10", "b=>a", "c=>b"];
    for (upper, want) in [
        (&[][..], &["0: a=10", "0: b=10 linked", "0: c=10 linked"][..]),
        (&["a=3"], &["1: a=3", "0: b=10 linked", "0: c=10 linked"]),
        (&[".wh.a", "d=>b"], &["0: b=10 linked", "0: c=10 linked", "1: d=10 linked"]),
        (&[".wh.a", ".wh.b", ".wh.c", "d=>e"], &["1: d hard link"]),
    ] {
        assert_eq!(tree(&[base, upper]), want, "{upper:?}");
    }
    let (merged, paths) = merge(&[base, &["a=3", "e=>nowhere", "d/", "f=>d"]]);
    assert_eq!(merged.dangling(), 2);
    let inodes: BTreeMap<_, _> =
        merged.files(&paths).map(|file| (shown(&paths.path(file.path)), file.inode())).collect();
    assert!(inodes["b"] == inodes["c"] && inodes["a"] != inodes["b"]);
}

#[test]
fn what_each_layer_did_is_counted_and_n_copies_waste_n_minus_one() {
    let base: &[&str] = &["d/", "d/a=100", "d/b=20"];
    for (upper, want) in [
        (
            &[&["d/", "d/a=101"][..], &["d/a=102"]][..],
            &[tally(3, 0, 0, 120, 100), tally(0, 1, 0, 101, 101), tally(0, 1, 0, 102, 0)][..],
        ),
        (&[&["d/.wh.a"]], &[tally(3, 0, 0, 120, 100), tally(0, 0, 1, 0, 0)]),
        (&[&[".wh.d"], &["d/", "d/a=5"]], &[tally(3, 0, 0, 120, 120), tally(0, 0, 3, 0, 0), tally(2, 0, 0, 5, 0)]),
        // Removed and put there again is changed, in either order.
        (&[&["d/.wh.a", "d/a=7"]], &[tally(3, 0, 0, 120, 100), tally(0, 1, 0, 7, 0)]),
        (&[&["d/a=7", "d/.wh..wh..opq"]], &[tally(3, 0, 0, 120, 120), tally(0, 1, 1, 7, 0)]),
        (&[&[".wh.d", "d/", "d/a=7"]], &[tally(3, 0, 0, 120, 120), tally(0, 2, 1, 7, 0)]),
        (&[&["d=1"]], &[tally(3, 0, 0, 120, 120), tally(0, 1, 2, 1, 0)]),
        // Still seen by another name.
        (&[&["d/c=>d/a"], &["d/.wh.a"]], &[tally(3, 0, 0, 120, 0), tally(1, 0, 0, 0, 0), tally(0, 0, 1, 0, 0)]),
        (
            &[&["d/c=>d/a"], &["d/a=1", "d/c=2"]],
            &[tally(3, 0, 0, 120, 100), tally(1, 0, 0, 0, 0), tally(0, 2, 0, 3, 0)],
        ),
    ] {
        let layers: Vec<&[&str]> = std::iter::once(base).chain(upper.iter().copied()).collect();
        let (merged, _) = merge(&layers);
        assert_eq!(merged.tallies(), want, "{upper:?}");
    }
}

#[test]
fn what_became_of_hidden_files_is_told() {
    let base: &[&str] = &["d/", "d/a=100", "d/b=20", "l=5", "m=>l"];
    for (upper, want) in [
        // By the same size it is the same file here: all are of one letter.
        (&[&["d/a=100"][..]][..], &["0 100 Repeated by 1"][..]),
        (&[&["d/a=99"]], &["0 100 Overwritten by 1"]),
        (&[&["d/.wh.a"]], &["0 100 Removed by 1"]),
        (&[&["d/.wh.a", "d/a=100"]], &["0 100 Repeated by 1"]),
        (&[&["d/.wh..wh..opq", "d/b=3"]], &["0 100 Removed by 1", "0 20 Overwritten by 1"]),
        (&[&["d=1"]], &["0 100 Removed by 1", "0 20 Removed by 1"]),
        (&[&["d/a/"], &[".wh.d"]], &["0 100 Overwritten by 1", "0 20 Removed by 2"]),
        // The last name counts.
        (&[&["l=5"], &[".wh.m"]], &["0 5 Removed by 2"]),
        (&[&[".wh.m", "l=5"]], &["0 5 Repeated by 1"]),
        (&[&["l=6"]], &[]),
        (&[&["d/b=20", "d/b=21"]], &["0 20 Overwritten by 1", "1 20 Overwritten by 1"]),
    ] {
        let layers: Vec<&[&str]> = std::iter::once(base).chain(upper.iter().copied()).collect();
        let (merged, _) = merge(&layers);
        let line = |it: Hidden<'_>| format!("{} {} {:?} by {}", it.layer, it.file.size(), it.fate, it.by);
        let mut told: Vec<String> = merged.hidden().map(line).collect();
        told.sort();
        assert_eq!(told, want, "{upper:?}");
    }
}

#[test]
fn a_name_twice_in_one_layer_counts_once() {
    let (merged, _) = merge(&[&["a=10", "a=11", "d/", "d/"]]);
    assert_eq!((merged.duplicates(), merged.tallies()[0].hidden), (1, 10));
}

#[test]
fn contents_are_told_apart_and_a_limit_bounds_what_is_held() {
    let cx = Context::default();
    let catalog = Catalog::new(&cx.limits);
    let content = Content::bytes("test".into(), "0".to_owned(), tar(&["a=5", "b=5", "c=6", "e", "l->a"]));
    let algorithms = (Algorithm::Sha256, Algorithm::Sha512);
    let list = |contents| catalog.list(&content, Compression::None, algorithms, contents, &cx).unwrap();
    let hashed = list(Contents::Hashed);
    let digests: Vec<_> = hashed.files().iter().map(|file| hashed.digest(file)).collect();
    assert!(digests[0].is_some() && digests[0] == digests[1] && digests[0] != digests[2]);
    assert_eq!((digests[3], digests[4]), (None, None));
    assert_eq!(hashed.found.diff_id.as_plain_digest().algorithm(), Algorithm::Sha512);
    assert!(list(Contents::Skipped).files().iter().all(|file| hashed.digest(file).is_none() || file.size() > 0));

    // Five files, three digests, five paths; then five places in the tree and the root's.
    assert_eq!(5 * size_of::<File>() + 3 * 32 + 1 + 5 * 19, 392);
    assert_eq!(6 * size_of::<Slot>(), 96);
    let mut cx = Context::default();
    for (limit, listed, fine) in [(391, false, false), (487, true, false), (488, true, true)] {
        cx.limits.file_list_bytes = limit;
        let catalog = Catalog::new(&cx.limits);
        let list = catalog.list(&content, Compression::None, algorithms, Contents::Hashed, &cx);
        assert_eq!(list.is_ok(), listed, "{limit}");
        let merged = list.and_then(|list| catalog.merge(vec![Arc::new(list)]));
        assert_eq!(merged.is_ok(), fine, "{limit}");
        let says = merged.err().map(|error| error.advice().unwrap());
        assert!(says.is_none_or(|advice| advice.contains("--limit file-list-bytes=")));
    }
}

/// The rules once more, over paths as text and with no thought for speed.
#[derive(Default)]
struct Model(BTreeMap<String, (usize, bool)>);

impl Model {
    fn remove_below(&mut self, path: &str, number: usize) {
        let inside =
            |other: &str| path.is_empty() || other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
        self.0.retain(|other, (layer, _)| !inside(other) || *layer >= number);
    }

    fn apply(&mut self, number: usize, entries: &[String]) {
        for entry in entries {
            let (folder, name) = entry.rsplit_once('/').unwrap_or(("", entry));
            if name == ".wh..wh..opq" {
                self.remove_below(folder, number);
            } else if let Some(name) = name.strip_prefix(".wh.") {
                let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                self.remove_below(&path, number);
                self.0.remove(&path);
            }
        }
        for entry in entries {
            let path = entry.trim_end_matches('/').split('=').next().unwrap();
            if path.contains(".wh.") {
                continue;
            }
            let above = path.match_indices('/').map(|(at, _)| path[..at].to_owned());
            for folder in above {
                if self.0.get(&folder).is_none_or(|&(_, directory)| !directory) {
                    self.0.insert(folder, (number, true));
                }
            }
            let directory = entry.ends_with('/');
            if !directory {
                self.remove_below(path, usize::MAX);
            }
            self.0.insert(path.to_owned(), (number, directory));
        }
    }
}

fn entries() -> impl Strategy<Value = Vec<String>> {
    let path = prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4);
    let entry = (path, 0..6).prop_map(|(mut parts, what)| {
        let last = parts.pop().unwrap();
        let name = match what {
            0 => format!(".wh.{last}"),
            1 => ".wh..wh..opq".to_owned(),
            2 | 3 => format!("{last}/"),
            _ => format!("{last}=1"),
        };
        parts.iter().map(|part| format!("{part}/")).collect::<String>() + &name
    });
    prop::collection::vec(entry, 0..8)
}

#[test]
fn a_file_that_becomes_a_directory_nobody_wrote_is_overwritten() {
    let (merged, _) = merge(&[&["a=1"], &[], &[], &["a/b=1"]]);
    let fates: Vec<Fate> = merged.hidden().map(|hidden| hidden.fate).collect();
    assert_eq!(fates, [Fate::Overwritten]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_layers_make_the_tree_that_the_rules_make(layers in prop::collection::vec(entries(), 1..5)) {
        let mut model = Model::default();
        for (number, layer) in layers.iter().enumerate() {
            model.apply(number, layer);
        }
        let texts: Vec<Vec<&str>> = layers.iter().map(|layer| layer.iter().map(String::as_str).collect()).collect();
        let slices: Vec<&[&str]> = texts.iter().map(Vec::as_slice).collect();
        let (merged, paths) = merge(&slices);
        let got: BTreeMap<String, (usize, bool)> = merged
            .files(&paths)
            .map(|file| (shown(&paths.path(file.path)), (file.layer, file.kind() == FileKind::Directory)))
            .collect();
        prop_assert_eq!(&got, &model.0);
        // Every byte is seen or hidden, and each layer's counts add up to what there is.
        let seen: u64 = merged.files(&paths).filter_map(|file| file.file()).map(File::size).sum();
        let all: u64 = merged.tallies().iter().map(|tally| tally.bytes).sum();
        let hidden: u64 = merged.tallies().iter().map(|tally| tally.hidden).sum();
        prop_assert_eq!(seen + hidden, all);
        let added: usize = merged.tallies().iter().map(|tally| tally.added).sum();
        let removed: usize = merged.tallies().iter().map(|tally| tally.removed).sum();
        prop_assert_eq!(added - removed, got.len());
    }
}
