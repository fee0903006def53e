//! Layers' tars: told the same however they are sliced, and several make a tree that holds together.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use transload::FileKind;
use transload::fuzzing::{Tree, merge_layers, scan_layer};
use transload_fuzz::context;
use transload_fuzz::promises::check_error;
use transload_fuzz::tarball::{self, BLOCK};

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    let cx = context();
    let mut tar = bytes.to_vec();
    tarball::mend(&mut tar);
    let told = scan_layer(&[&tar], &cx);
    for step in [1, 1 + usize::from(how), BLOCK] {
        assert_eq!(scan_layer(&tar.chunks(step).collect::<Vec<_>>(), &cx), told, "in pieces of {step}");
    }
    let layers: Vec<Vec<u8>> = bytes.chunks((1 + usize::from(how & 7)) * BLOCK).map(<[u8]>::to_vec).collect();
    let mended = layers.into_iter().take(16).map(|mut layer| {
        tarball::mend(&mut layer);
        layer
    });
    match merge_layers(mended.collect(), &cx) {
        Ok(tree) => check(&tree),
        Err(error) => check_error(&error),
    }
});

/// Every file is in a directory that comes before it, each path is there once, and the layers' counts add up.
fn check(Tree { files, counts }: &Tree) {
    let mut seen: BTreeMap<&[u8], FileKind> = BTreeMap::new();
    for (path, kind, layer) in files {
        let folder = path.iter().rposition(|&b| b == b'/').map(|at| &path[..at]);
        let inside = folder.is_none_or(|folder| seen.get(folder) == Some(&FileKind::Directory));
        assert!(inside, "{:?} is in no directory", String::from_utf8_lossy(path));
        assert!(*layer < counts.len());
        assert!(seen.insert(path, *kind).is_none(), "{:?} twice", String::from_utf8_lossy(path));
    }
    let (added, removed) = counts.iter().fold((0, 0), |sum, (added, removed)| (sum.0 + added, sum.1 + removed));
    assert_eq!(added - removed, files.len(), "what was added and not removed is there");
}
