//! Random numbers derived from a seed.
//!
//! Every iteration has its own generator, derived from the run's seed and the iteration's coordinates. The requests of
//! an iteration therefore do not depend on the scheduling of others, and a shard sends exactly its part of the whole
//! run's requests.

use rand::SeedableRng as _;
use rand_pcg::Pcg64Mcg;

/// Returns the generator for the position `path` in a run with the seed `seed`.
pub(crate) fn rng(seed: u64, path: &[u64]) -> Pcg64Mcg {
    let mut state = mix(seed ^ 0x9E37_79B9_7F4A_7C15);
    for part in path {
        state = mix(state ^ part.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }
    Pcg64Mcg::seed_from_u64(state)
}

/// The finaliser of SplitMix64: a bijection in which every input bit changes about half of the output bits.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;

    #[test]
    fn generators_differ_by_path_and_are_stable() {
        let draw = |seed, path: &[u64]| rng(seed, path).random::<u64>();
        assert_eq!(draw(1, &[2, 3]), draw(1, &[2, 3]));
        assert_ne!(draw(1, &[2, 3]), draw(1, &[3, 2]));
        assert_ne!(draw(1, &[2]), draw(2, &[2]));
        assert_ne!(draw(0, &[]), draw(0, &[0]));
    }
}
