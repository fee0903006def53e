//! Files of the same contents in one tree.

use std::cmp::Reverse;

use super::model::{DuplicateGroup, Duplicates, FilePlace};
use super::place;
use super::sums::Sums;
use crate::digest::Digest;
use crate::error::Result;
use crate::layer::PathId;
use crate::top::Top;

/// So many files of a group are named.
const PLACES: usize = 3;

/// A file and the first bytes of its digest, which are nearly always enough to tell it from others.
type Key = (u64, u32);

/// Finds contents that several files have; the `list` groups that take the most are named. Fails with the limit
/// `file-list-bytes`.
pub(super) fn find(sums: &mut Sums<'_>, list: usize) -> Result<Duplicates> {
    sums.charge.take(sums.files().count() * size_of::<Key>())?;
    let sums = &*sums;
    let digest = |number: u32| digest_of(sums, sums.order[number as usize]);
    let key = |(number, path): (usize, PathId)| {
        let first = digest_of(sums, path)?.first_chunk::<8>().expect("a digest is longer");
        Some((u64::from_be_bytes(*first), u32::try_from(number).expect("paths are counted in 32 bits")))
    };
    let mut keys: Vec<Key> = sums.files().filter_map(key).collect();
    keys.sort_unstable();
    let mut found = Duplicates::default();
    let mut largest = Top::new(list);
    for similar in keys.chunk_by_mut(|a, b| a.0 == b.0).filter(|similar| similar.len() > 1) {
        similar.sort_by_key(|&(_, number)| (digest(number), number));
        for same in similar.chunk_by(|a, b| digest(a.1) == digest(b.1)).filter(|same| same.len() > 1) {
            let first = sums.order[same[0].1 as usize];
            let hash = digest_of(sums, first).expect("only files with one are here");
            let size = sums.of(first).bytes;
            let group =
                Group { first: same[0].1, files: same.iter().take(PLACES).map(|&(_, number)| number).collect() };
            let copies = same.len() - 1;
            let bytes = size.saturating_mul(copies as u64);
            found.groups += 1;
            found.copies += copies;
            found.bytes = found.bytes.saturating_add(bytes);
            largest.add((Reverse(bytes), group.first), (Digest::of_sha256(hash), size, same.len(), group));
        }
    }
    let named = |(digest, size, copies, group): (Digest, u64, usize, Group)| {
        let places = group.files.iter().map(|&number| place_of(sums, number)).collect();
        DuplicateGroup { digest, size, copies, places }
    };
    found.largest = largest.sorted().map(named).collect();
    Ok(found)
}

struct Group {
    /// The number of the first file.
    first: u32,
    files: Vec<u32>,
}

fn digest_of<'m>(sums: &Sums<'m>, path: PathId) -> Option<&'m [u8; 32]> {
    sums.merged.get(path)?.digest()
}

fn place_of(sums: &Sums<'_>, number: u32) -> FilePlace {
    place(sums, sums.order[number as usize])
}
