//! The first of many things by some order, in memory for so many.

use std::collections::BinaryHeap;

/// Keeps the values with the smallest keys. Keys are all different.
#[derive(Debug)]
pub(crate) struct Top<K, V> {
    keep: usize,
    heap: BinaryHeap<Ranked<K, V>>,
}

/// Ordered so that the one to be dropped is the greatest.
#[derive(Debug)]
struct Ranked<K, V> {
    key: K,
    value: V,
}

impl<K: Ord, V> Ord for Ranked<K, V> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl<K: Ord, V> PartialOrd for Ranked<K, V> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Ord, V> PartialEq for Ranked<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<K: Ord, V> Eq for Ranked<K, V> {}

impl<K: Ord, V> Top<K, V> {
    pub(crate) fn new(keep: usize) -> Self {
        Self { keep, heap: BinaryHeap::new() }
    }

    /// Adds a value, and returns the one that is not kept for it, which can be the same.
    pub(crate) fn add(&mut self, key: K, value: V) -> Option<V> {
        self.heap.push(Ranked { key, value });
        if self.heap.len() > self.keep { self.heap.pop().map(|ranked| ranked.value) } else { None }
    }

    pub(crate) fn sorted(self) -> impl Iterator<Item = V> {
        self.heap.into_sorted_vec().into_iter().map(|ranked| ranked.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_keys_stay_in_order() {
        for keep in 0..6 {
            let mut top = Top::new(keep);
            for key in [5, 1, 4, 2, 3] {
                top.add(key, key * 10);
            }
            assert_eq!(top.sorted().collect::<Vec<_>>(), [10, 20, 30, 40, 50][..keep.min(5)]);
        }
    }
}
