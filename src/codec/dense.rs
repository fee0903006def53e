//! Recognising bytes that DEFLATE cannot shrink: archives, pictures, keys, noise. libdeflate spends twice the time on them
//! that it does on text, for nothing. The answer depends on the bytes alone, because it is part of the output's bytes.

/// Less is not worth a look.
const LEAST: usize = 1 << 10;

/// Tells whether compressing a block would gain less than about one percent, as far as samples tell.
pub(super) fn is_dense(block: &[u8]) -> bool {
    // What is compressible mostly shows at the first glance. DEFLATE finds repetitions within 32 KiB.
    block.len() >= LEAST && samples::<32>(block, 2 << 10).all(is_uniform) && !samples::<4>(block, 32 << 10).any(repeats)
}

/// Returns evenly spaced pieces of a block.
fn samples<const PLACES: usize>(block: &[u8], len: usize) -> impl Iterator<Item = &[u8]> {
    let len = block.len().min(len);
    let last = block.len() - len;
    (0..PLACES).map(move |i| &block[last * i / (PLACES - 1)..][..len])
}

/// Tells whether all bytes are about as frequent. A sum of squares as large as this means 0.06 bits in 8 that an entropy
/// coder could save.
fn is_uniform(bytes: &[u8]) -> bool {
    let mut counts = [0u64; 256];
    for &byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    let n = bytes.len() as u64;
    let squares: u64 = counts.iter().map(|count| count * count).sum();
    squares * 256 <= n * (n + n / 12 + 255)
}

/// Tells whether one in a hundred sequences of four bytes was there before.
fn repeats(bytes: &[u8]) -> bool {
    const BITS: u32 = 13;
    let mut seen = [0u32; 1 << BITS];
    let mut found = 0;
    for four in bytes.windows(4) {
        let value = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        let slot = &mut seen[(value.wrapping_mul(0x9e37_79b1) >> (u32::BITS - BITS)) as usize];
        // A zero that was never there costs nothing: such bytes are not uniform.
        found += usize::from(*slot == value);
        *slot = value;
    }
    found > bytes.len() / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes without any pattern (xorshift).
    fn noise(len: usize) -> Vec<u8> {
        let mut x = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            (x >> 32) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn noise_is_dense_and_what_has_a_pattern_is_not() {
        for len in [1 << 10, 1500, 32 << 10, 100_000, 1 << 20] {
            assert!(is_dense(&noise(len)), "{len}");
            assert!(!is_dense(&vec![0; len]), "{len}");
            let text: Vec<u8> = noise(len).iter().map(|byte| b'a' + byte % 26).collect();
            assert!(!is_dense(&text), "{len}");
        }
        assert!(!is_dense(&[]));
        assert!(!is_dense(&noise(500)));
        // Noise twice within DEFLATE's reach.
        assert!(!is_dense(&noise(10_000).repeat(100)));
        // A twentieth of text, wherever it is.
        for at in 0..20 {
            let mut mixed = noise(1 << 20);
            mixed[at * 52_000..][..52_000].fill(b' ');
            assert!(!is_dense(&mixed), "{at}");
        }
    }

    #[test]
    fn what_counts_as_dense_would_hardly_shrink() {
        let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
        let base = noise(1 << 18);
        // From all values to ever fewer.
        for values in (150..=256u32).step_by(2) {
            let block: Vec<u8> = base.iter().map(|&byte| (u32::from(byte) * values / 256) as u8).collect();
            let mut room = vec![0; compressor.deflate_compress_bound(block.len())];
            let len = compressor.deflate_compress(&block, &mut room).unwrap();
            let gain = 1.0 - len as f64 / block.len() as f64;
            assert!(!is_dense(&block) || gain < 0.012, "{values} values: {gain}");
        }
    }
}
