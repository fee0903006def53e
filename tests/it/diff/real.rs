//! Archives of many producers, held to what an independent reader found in them: which configs they have, and hashes of
//! the unpacked root filesystems (names, types, modes, owners, links, contents).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use transload::{Archive, Context, DiffOptions, Difference, Ignore, Input, diff};

use crate::support::shared::shared;

struct Known {
    path: PathBuf,
    id: String,
    rootfs: String,
}

/// Not what they claim to be, or not to be read without a key; `engine_archives` has the reasons.
const REFUSED: [&str; 5] = [
    "shape-docker-badlayer.tar",
    "shape-oci-badsize.tar",
    "shape-docker-dupentry.tar",
    "shape-oci-emptyidx.tar",
    "name-docker-emptystr.tar",
];

/// The archives with an image for linux/amd64 that the reader could unpack.
fn known(folder: &Path) -> Vec<Known> {
    let table = fs::read_to_string(folder.join("results.tsv")).expect("a table of results");
    let rows = table.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let rows =
        rows.filter(|row| row.len() > 6 && row[1] == "reference" && !row[6].is_empty() && !REFUSED.contains(&row[0]));
    rows.map(|row| Known { path: folder.join(row[0]), id: row[4].to_owned(), rootfs: row[6].to_owned() }).collect()
}

fn compare(a: &Path, b: &Path, ignore: &[Ignore]) -> Option<Difference> {
    let cx = Context::default();
    let open = |path: &Path| Archive::open(Input::Path(path.to_owned()), None, &cx).expect("engines read it");
    let mut options = DiffOptions::default();
    options.ignore = ignore.iter().copied().collect();
    let (a, b) = (open(a), open(b));
    // Those that were exported for one platform have no other.
    let amd = |archive: &Archive| {
        archive.images().iter().position(|image| image.platform().is_none_or(|it| it.architecture == "amd64"))
    };
    amd(&a)?;
    amd(&b)?;
    options.platforms = vec!["linux/amd64".parse().expect("a platform")];
    Some(diff(&a, &b, &options, &cx).unwrap_or_else(|error| panic!("{error:?}")))
}

#[test]
fn the_same_files_are_found_that_an_independent_reader_found() {
    let Some(folder) = shared("engines") else { return };
    let known = known(&folder);
    // One archive of each image against one of each other, and all archives of an image against the first of them.
    let mut first: BTreeMap<&str, &Known> = BTreeMap::new();
    for archive in &known {
        first.entry(&archive.id).or_insert(archive);
    }
    let images: Vec<&Known> = first.values().copied().collect();
    let mut pairs: Vec<(&Known, &Known)> = known.iter().map(|archive| (first[archive.id.as_str()], archive)).collect();
    pairs.extend(images.iter().enumerate().flat_map(|(i, a)| images[i + 1..].iter().map(move |b| (*a, *b))));
    // What the reader's hashes leave out.
    let ignore =
        [Ignore::Names, Ignore::Annotations, Ignore::Config, Ignore::Platform, Ignore::Timestamps, Ignore::Xattrs];
    let (mut same, mut different) = (0, 0);
    for (a, b) in pairs {
        let Some(found) = compare(&a.path, &b.path, &ignore) else { continue };
        let expected = a.rootfs == b.rootfs;
        assert_eq!(found.same, expected, "{} {}: {found:?}", a.path.display(), b.path.display());
        *(if expected { &mut same } else { &mut different }) += 1;
    }
    assert!(same > 40 && different > 50, "{same} pairs are the same, {different} are not");
}

#[test]
fn archives_with_the_same_config_hold_the_same_image() {
    let Some(folder) = shared("engines") else { return };
    let mut first: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut compared = 0;
    for archive in known(&folder) {
        let other = first.entry(archive.id).or_insert_with(|| archive.path.clone());
        let Some(found) = compare(other, &archive.path, &[Ignore::Names, Ignore::Annotations, Ignore::Platform]) else {
            continue;
        };
        assert!(found.same, "{} {}: {found:?}", other.display(), archive.path.display());
        compared += 1;
    }
    assert!(compared > 50, "only {compared} archives were compared");
}
