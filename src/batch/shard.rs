//! Which items are whose: a pure function of the items, so that processes that never talk agree.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use crate::digest::Digest;
use crate::error::{Error, quoted};

/// One of several processes that share a batch, written `K/N`: number K, counted from 0, of N.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: NonZeroU32,
}

impl Shard {
    /// Makes shard number `index`, counted from 0, of `count`; `None` when there is no such one.
    pub fn new(index: u32, count: u32) -> Option<Self> {
        let count = NonZeroU32::new(count)?;
        (index < count.get()).then_some(Self { index, count })
    }

    /// Returns the number, counted from 0.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Returns how many shards there are.
    pub fn count(&self) -> NonZeroU32 {
        self.count
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let error = |why: &str| Err(Error::usage(format!("shard {}: {why}", quoted(text))));
        let Some((index, count)) = text.split_once('/') else { return error("not K/N") };
        match (number(index), number(count)) {
            (Some(index), Some(count)) => match Self::new(index, count) {
                Some(shard) => Ok(shard),
                None => error("shards of N are numbered from 0 to N-1"),
            },
            _ => error("not K/N with two whole numbers"),
        }
    }
}

/// Reads digits only: `parse` would take a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Returns the shard that an item belongs to by its key: SHA-256 of the key, its first 8 bytes as a big-endian number,
/// modulo `count`. It stays where it is when other items come, go or change places.
pub fn by_hash(key: &str, count: NonZeroU32) -> u32 {
    let hash = Digest::of(key.as_bytes()).first_bytes();
    let first = u64::from_be_bytes(hash[..8].try_into().expect("a hash has 32 bytes"));
    let rest = first % u64::from(count.get());
    u32::try_from(rest).expect("a remainder is below its divisor")
}

/// Returns the shard of each item, given as key and size in bytes, so that all shards have about the same to do: the
/// largest first, each to the shard that has least so far, in bytes and then in items, and of equals to the lowest. The
/// order in which the items are given makes no difference.
pub fn by_size(items: &[(&str, u64)], count: NonZeroU32) -> Vec<u32> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_unstable_by_key(|&at| (Reverse(items[at].1), items[at].0));
    // Shards behind the number of items get nothing and need no place.
    let used = count.get().min(u32::try_from(items.len()).unwrap_or(u32::MAX));
    let mut least: BinaryHeap<_> = (0..used).map(|shard| Reverse((0_u64, 0_usize, shard))).collect();
    let mut shards = vec![0; items.len()];
    for at in order {
        let Some(Reverse((bytes, number, shard))) = least.pop() else { break };
        shards[at] = shard;
        least.push(Reverse((bytes.saturating_add(items[at].1), number + 1, shard)));
    }
    shards
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(count: u32) -> NonZeroU32 {
        NonZeroU32::new(count).unwrap()
    }

    #[test]
    fn shards_are_numbered_from_0() {
        for text in ["0/1", "0/64", "63/64", "4294967294/4294967295"] {
            assert_eq!(text.parse::<Shard>().unwrap().to_string(), text);
        }
        for text in
            ["", "1", "1/1", "64/64", "0/0", "-1/2", "+1/2", "1/+2", "1/", "/2", "a/b", "1/2/3", " 1/2", "0/4294967296"]
        {
            let error = text.parse::<Shard>().unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Usage, "{text}");
        }
    }

    /// Half a migration may have been done with these: they must not change. Python's hashlib gave them.
    #[test]
    fn hashes_stay_what_they_are() {
        let found = ["app.tar", "a/b/c.oci.tar", "größe.tar", ""].map(|key| by_hash(key, of(1000)));
        assert_eq!(found, [725, 513, 645, 652]);
    }

    #[test]
    fn large_items_come_first_and_equals_go_to_the_lowest() {
        let items = [("a", 5), ("b", 9), ("c", 5), ("d", 1), ("e", 4)];
        assert_eq!(by_size(&items, of(2)), [1, 0, 1, 1, 0]);
        assert_eq!(by_size(&items, of(u32::MAX)), [1, 0, 2, 4, 3]);
        assert_eq!(by_size(&[], of(3)), [0; 0]);
    }

    /// Sizes that nobody knows are 0, and must be spread all the same.
    #[test]
    fn items_without_a_size_are_dealt_out() {
        let items = ["a", "b", "c", "d", "e"].map(|key| (key, 0));
        assert_eq!(by_size(&items, of(2)), [0, 1, 0, 1, 0]);
    }

    fn items() -> impl Strategy<Value = Vec<(String, u64)>> {
        let sizes = prop_oneof![Just(0), 0..100_u64, any::<u64>()];
        prop::collection::btree_map("[a-e/]{0,6}", sizes, 0..40).prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        /// Every item has one shard, and both ways give it the same one whatever the order of the list is.
        #[test]
        fn order_makes_no_difference(items in items(), count in 1..70_u32, turn in any::<prop::sample::Index>()) {
            let given: Vec<_> = items.iter().map(|(key, size)| (key.as_str(), *size)).collect();
            let mut turned = given.clone();
            if !turned.is_empty() {
                turned.rotate_left(turn.index(given.len()));
                turned.swap(0, given.len() - 1);
            }
            let shards = |items: &[(&str, u64)]| -> std::collections::BTreeMap<String, u32> {
                items.iter().zip(by_size(items, of(count))).map(|((key, _), shard)| ((*key).to_owned(), shard)).collect()
            };
            let (there, again) = (shards(&given), shards(&turned));
            prop_assert!(there.values().all(|shard| *shard < count));
            prop_assert_eq!(there, again);
            prop_assert!(given.iter().all(|(key, _)| by_hash(key, of(count)) < count));
        }

        /// No shard has more than the best possible one and a third more (Graham's bound for this order).
        #[test]
        fn sizes_are_levelled(sizes in prop::collection::vec(1..1000_u64, 1..60), count in 1..9_u32) {
            let keys: Vec<String> = (0..sizes.len()).map(|n| n.to_string()).collect();
            let items: Vec<_> = keys.iter().map(String::as_str).zip(sizes.iter().copied()).collect();
            let mut loads = vec![0; count as usize];
            for (shard, (_, size)) in by_size(&items, of(count)).into_iter().zip(&items) {
                loads[shard as usize] += size;
            }
            let (total, largest) = (sizes.iter().sum::<u64>(), sizes.iter().max().copied().unwrap_or(0));
            let mut sorted = sizes.clone();
            sorted.sort_unstable_by_key(|size| Reverse(*size));
            // Of count + 1 items two must share a shard.
            let two = sorted.get(count as usize).map_or(0, |least| 2 * least);
            let best = total.div_ceil(u64::from(count)).max(largest).max(two);
            prop_assert!(loads.iter().max().copied().unwrap_or(0) * 3 <= best * 4 + 3, "{loads:?} {best}");
        }
    }
}
