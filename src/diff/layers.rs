//! Which layers of two images are not the same.

use super::model::{ComparedLayer, LayerChange};
use crate::digest::Digest;

/// A layer and what identifies it: two that are identified alike are the same.
#[derive(Clone, Debug)]
pub(super) struct Identified {
    pub(super) layer: ComparedLayer,
    /// `None`: it is not known what is in it.
    pub(super) identity: Option<Digest>,
}

impl Identified {
    fn same_as(&self, other: &Self) -> bool {
        self.identity.is_some() && self.identity == other.identity
    }
}

/// Pairs what is left when the layers that are the same at the bottom and at the top are put aside.
pub(super) fn compare(a: &[Identified], b: &[Identified]) -> Vec<LayerChange> {
    let shorter = a.len().min(b.len());
    let bottom = a.iter().zip(b).take_while(|(a, b)| a.same_as(b)).count();
    let top = a.iter().rev().zip(b.iter().rev()).take(shorter - bottom).take_while(|(a, b)| a.same_as(b)).count();
    let (a, b) = (&a[bottom..a.len() - top], &b[bottom..b.len() - top]);
    let layer = |of: &[Identified], i: usize| of.get(i).map(|identified| identified.layer.clone());
    (0..a.len().max(b.len()))
        .filter(|&i| !a.get(i).zip(b.get(i)).is_some_and(|(a, b)| a.same_as(b)))
        .map(|i| LayerChange { a: layer(a, i), b: layer(b, i) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A layer for each letter; `?` is one that is not known.
    fn layers(text: &str) -> Vec<Identified> {
        let identity = |c: char| (c != '?').then(|| Digest::of(c.to_string().as_bytes()));
        let layer = |i| ComparedLayer { number: i + 1, diff_id: None, digest: None, size: None };
        text.chars().enumerate().map(|(i, c)| Identified { layer: layer(i), identity: identity(c) }).collect()
    }

    #[test]
    fn layers_at_the_bottom_and_at_the_top_are_aligned() {
        for (a, b, want) in [
            ("abc", "abc", &[][..]),
            ("abc", "axc", &[(2, 2)][..]),
            ("abc", "abcd", &[(0, 4)]),
            ("bc", "abc", &[(0, 1)]),
            ("abcd", "ad", &[(2, 0), (3, 0)]),
            ("axbyc", "awbzc", &[(2, 2), (4, 4)]),
            ("aa", "aaa", &[(0, 3)]),
            ("", "a", &[(0, 1)]),
            ("a?", "a?", &[(2, 2)]),
        ] {
            let number = |layer: Option<ComparedLayer>| layer.map_or(0, |layer| layer.number);
            let got: Vec<_> = compare(&layers(a), &layers(b))
                .into_iter()
                .map(|change| (number(change.a), number(change.b)))
                .collect();
            assert_eq!(got, want, "{a} {b}");
        }
    }
}
