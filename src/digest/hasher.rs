//! Running hashes.

use sha2::Digest as _;
use sha2::block_api::compress256;

use super::pair::compress_pair;
use super::{Algorithm, Digest};

/// A running hash.
#[derive(Clone)]
pub(crate) enum Hasher {
    Sha256(Sha256),
    Sha512(sha2::Sha512),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(sha2::Sha512::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Digest {
        let mut bytes = [0; 64];
        let algorithm = match self {
            Self::Sha256(hasher) => {
                bytes[..32].copy_from_slice(&hasher.finish());
                Algorithm::Sha256
            }
            Self::Sha512(hasher) => {
                bytes.copy_from_slice(&hasher.finalize());
                Algorithm::Sha512
            }
        };
        Digest { algorithm, bytes }
    }
}

/// Does what two calls of [`Hasher::update`] do, in about the time of the longer one where the CPU has instructions for
/// SHA-256: those wait for one another most of the time.
pub(crate) fn update_both(one: &mut Hasher, bytes: &[u8], other: &mut Hasher, others: &[u8]) {
    let (Hasher::Sha256(a), Hasher::Sha256(b)) = (&mut *one, &mut *other) else {
        one.update(bytes);
        other.update(others);
        return;
    };
    let (bytes, others) = (a.complete(bytes), b.complete(others));
    let blocks = bytes.len().min(others.len()) / BLOCK;
    let (now, later) = bytes.split_at(blocks * BLOCK);
    let (others_now, others_later) = others.split_at(blocks * BLOCK);
    compress_pair(&mut a.state, now.as_chunks().0, &mut b.state, others_now.as_chunks().0);
    for (hasher, later) in [(a, later), (b, others_later)] {
        hasher.len += now.len() as u64;
        hasher.update(later);
    }
}

/// Bytes that are hashed at a time.
const BLOCK: usize = 64;

/// SHA-256 (FIPS 180-4) whose state can be reached, so that two streams can be hashed at a time.
#[derive(Clone)]
pub(crate) struct Sha256 {
    state: [u32; 8],
    /// What is no block yet: the first `len % BLOCK` bytes.
    begun: [u8; BLOCK],
    len: u64,
}

impl Sha256 {
    fn new() -> Self {
        let state =
            [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
        Self { state, begun: [0; BLOCK], len: 0 }
    }

    fn begun_len(&self) -> usize {
        (self.len % BLOCK as u64) as usize
    }

    fn update(&mut self, bytes: &[u8]) {
        let bytes = self.complete(bytes);
        let (blocks, rest) = bytes.as_chunks();
        compress256(&mut self.state, blocks);
        self.begun[..rest.len()].copy_from_slice(rest);
        self.len += bytes.len() as u64;
    }

    /// Takes bytes until no block is begun; returns the others, none if it is begun still.
    fn complete<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let begun = self.begun_len();
        if begun == 0 {
            return bytes;
        }
        let (now, later) = bytes.split_at(bytes.len().min(BLOCK - begun));
        self.begun[begun..][..now.len()].copy_from_slice(now);
        self.len += now.len() as u64;
        if self.begun_len() == 0 {
            compress256(&mut self.state, &[self.begun]);
        }
        later
    }

    fn finish(mut self) -> [u8; 32] {
        /// After a one comes the length in bits, at the end of a block.
        const LEN: usize = 8;
        let bits = (self.len * 8).to_be_bytes();
        let zeros = (2 * BLOCK - LEN - 1 - self.begun_len()) % BLOCK;
        self.update(&[0x80]);
        self.update(&[0; BLOCK][..zeros]);
        self.update(&bits);
        let mut hash = [0; 32];
        for (bytes, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(self.state) {
            *bytes = word.to_be_bytes();
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![prop::collection::vec(any::<u8>(), 0..300), (0..3000usize).prop_map(|len| vec![7; len])]
    }

    proptest! {
        /// However a stream is cut, and whatever it is hashed beside, its hash is what sha2 makes of it.
        #[test]
        fn hashes_are_those_of_sha2(
            pieces in prop::collection::vec((bytes(), bytes(), any::<bool>()), 0..8),
            algorithms in prop::array::uniform2(prop_oneof![4 => Just(Algorithm::Sha256), 1 => Just(Algorithm::Sha512)]),
        ) {
            let [mut one, mut other] = algorithms.map(Hasher::new);
            let mut whole = [Vec::new(), Vec::new()];
            for (a, b, together) in &pieces {
                if *together {
                    update_both(&mut one, a, &mut other, b);
                } else {
                    one.update(a);
                    other.update(b);
                }
                whole[0].extend(a);
                whole[1].extend(b);
            }
            for ((hasher, whole), algorithm) in [one, other].into_iter().zip(whole).zip(algorithms) {
                let want = match algorithm {
                    Algorithm::Sha256 => sha2::Sha256::digest(&whole).to_vec(),
                    Algorithm::Sha512 => sha2::Sha512::digest(&whole).to_vec(),
                };
                prop_assert_eq!(&hasher.finish().bytes[..want.len()], want);
            }
        }
    }
}
