//! Huffman codes of limited length (RFC 1951 section 3.2.2).

/// As many symbols as the largest alphabet has.
const SYMBOLS: usize = 288;

/// Returns the lengths of a complete code for what occurs `counts` times. What does not occur has none, except that a
/// code always has two symbols: not every inflater takes one that is incomplete.
pub(super) fn lengths<const N: usize>(counts: &[u32; N], limit: usize) -> [u8; N] {
    let mut lengths = [0; N];
    let mut sorted = [0u32; SYMBOLS];
    let mut used = 0;
    let present = counts.iter().filter(|&&count| count > 0).count();
    let mut missing = 2usize.saturating_sub(present);
    for (symbol, &count) in counts.iter().enumerate() {
        if count > 0 || missing > 0 {
            missing -= usize::from(count == 0);
            // A count is below 2^18 and a symbol below 2^9: one number sorts by both.
            sorted[used] = count << 9 | symbol as u32;
            used += 1;
        }
    }
    let sorted = &mut sorted[..used];
    sorted.sort_unstable();

    // Two queues in order of weight: the leaves, and the nodes made of two of the lightest.
    let mut weights = [0u32; SYMBOLS];
    let mut parents = [0u16; SYMBOLS];
    let (mut leaf, mut node) = (0, 0);
    for made in 0..used - 1 {
        for _ in 0..2 {
            if leaf < used && (node == made || sorted[leaf] >> 9 <= weights[node]) {
                weights[made] += sorted[leaf] >> 9;
                leaf += 1;
            } else {
                weights[made] += weights[node];
                parents[node] = made as u16;
                node += 1;
            }
        }
    }

    // From the root down, each node makes one code into two that are longer by a bit. Where that were too long, the
    // longest that can still grow does it instead. The code is complete at each step.
    let mut depths = [0u8; SYMBOLS];
    let mut having = [0usize; 16];
    having[1] = 2;
    for node in (0..used - 2).rev() {
        depths[node] = depths[usize::from(parents[node])] + 1;
        let mut length = usize::from(depths[node]).min(limit - 1);
        while having[length] == 0 {
            length -= 1;
        }
        having[length] -= 1;
        having[length + 1] += 2;
    }

    let mut symbols = sorted.iter();
    for length in (1..=limit).rev() {
        for entry in symbols.by_ref().take(having[length]) {
            lengths[(entry & 511) as usize] = length as u8;
        }
    }
    lengths
}

/// Returns the codes that lengths stand for, with their first bit lowest, as they are written.
pub(super) fn codes<const N: usize>(lengths: &[u8; N]) -> [u16; N] {
    let mut having = [0u16; 16];
    for &length in lengths {
        having[usize::from(length)] += 1;
    }
    having[0] = 0;
    let mut next = [0u16; 16];
    for length in 1..16 {
        next[length] = (next[length - 1] + having[length - 1]) << 1;
    }
    let mut codes = [0; N];
    for (code, &length) in codes.iter_mut().zip(lengths).filter(|(_, length)| **length > 0) {
        let next = &mut next[usize::from(length)];
        *code = next.reverse_bits() >> (16 - length);
        *next += 1;
    }
    codes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_are_those_of_the_specification() {
        // The example of section 3.2.2, with its bits reversed.
        let reversed = [0b010, 0b110, 0b001, 0b101, 0b011, 0b00, 0b0111, 0b1111];
        assert_eq!(codes(&[3, 3, 3, 3, 3, 2, 4, 4]), reversed);
    }

    #[test]
    fn counts_like_fibonacci_reach_the_limit() {
        let mut counts = [1u32; 24];
        for i in 2..24 {
            counts[i] = counts[i - 1] + counts[i - 2];
        }
        assert_eq!(lengths(&counts, 15)[..3], [15, 15, 15]);
        assert_eq!(lengths(&counts, 15)[23], 1);
        let few: [u32; 19] = std::array::from_fn(|i| 1 << i.min(17));
        assert!(lengths(&few, 7).iter().all(|&length| (1..=7).contains(&length)));
    }

    proptest! {
        #[test]
        fn codes_are_complete_and_rarer_is_never_shorter(
            counts in prop::array::uniform32(prop_oneof![Just(0u32), 0..4u32, 0..98_000u32]),
            limit in 6usize..=15,
        ) {
            let lengths = lengths(&counts, limit);
            let sum: usize = lengths.iter().filter(|&&length| length > 0).map(|&length| 1 << (15 - length)).sum();
            prop_assert_eq!(sum, 1 << 15);
            for (a, b) in (0..32).flat_map(|a| (0..32).map(move |b| (a, b))) {
                prop_assert!(counts[a] == 0 || lengths[a] > 0);
                prop_assert!(counts[a] <= counts[b] || lengths[b] == 0 || lengths[a] <= lengths[b]);
            }
        }
    }
}
