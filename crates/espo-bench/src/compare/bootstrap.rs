//! The uncertainty of a run's quantiles, estimated from its blocks.

use rand::RngExt as _;

use crate::report::decode_histogram;
use crate::seed;

const RESAMPLES: usize = 200;
/// Bins per factor of e: each is 1 % wide. Quantiles are interpolated between bins.
const BINS: f64 = 100.0;

/// The blocks of one run: of one operation, or of several together.
#[derive(Debug)]
pub(super) struct Blocks {
    /// Counts by block and bin (a logarithm).
    counts: Vec<Vec<(i64, u64)>>,
}

/// Runs with common bins.
struct Common {
    /// Middle of each bin, in ascending order.
    values: Vec<f64>,
    /// Bins with their counts, by run and block. Most blocks have values in few of the bins.
    runs: Vec<Vec<Vec<(usize, u64)>>>,
}

impl Common {
    fn of(runs: &[&Blocks]) -> Self {
        let pairs = runs.iter().flat_map(|r| r.counts.iter().flatten());
        let mut bins: Vec<i64> = pairs.map(|(v, _)| *v).collect();
        bins.sort_unstable();
        bins.dedup();
        let row = |block: &Vec<(i64, u64)>| {
            let filled = block
                .iter()
                .filter_map(|(value, count)| Some((bins.binary_search(value).ok()?, *count)));
            filled.collect()
        };
        let runs = runs.iter().map(|r| r.counts.iter().map(row).collect());
        Self {
            runs: runs.collect(),
            values: bins.iter().map(|v| (*v as f64 / BINS).exp()).collect(),
        }
    }

    /// Interpolates between bins, so that small shifts are visible and resamples are not all equal.
    fn quantile(&self, sums: &[u64], q: f64) -> f64 {
        let total: u64 = sums.iter().sum();
        let wanted = total as f64 * q;
        let (mut seen, mut previous) = (0.0, self.values.first().copied().unwrap_or(1.0));
        for (value, count) in self.values.iter().zip(sums) {
            let count = *count as f64;
            if count > 0.0 && seen + count >= wanted {
                return previous + (value - previous) * ((wanted - seen) / count).clamp(0.0, 1.0);
            }
            if count > 0.0 {
                previous = *value;
            }
            seen += count;
        }
        previous
    }
}

impl Blocks {
    /// Reads the blocks; blocks at the same position of several operations are added up.
    pub(super) fn read(operations: &[&[Option<String>]]) -> Result<Self, String> {
        let length = operations.iter().map(|o| o.len()).max().unwrap_or(0);
        let mut counts = vec![Vec::new(); length];
        for operation in operations {
            for (block, text) in counts.iter_mut().zip(*operation) {
                if let Some(text) = text {
                    block.extend(pairs(text)?);
                }
            }
        }
        Ok(Self { counts })
    }

    /// Returns the number of blocks with requests.
    pub(super) fn filled(&self) -> usize {
        self.counts.iter().filter(|b| !b.is_empty()).count()
    }

    /// Returns the quantile of all requests of some runs.
    pub(super) fn quantile(runs: &[&Self], q: f64) -> f64 {
        let common = Common::of(runs);
        let mut sums = vec![0_u64; common.values.len()];
        for block in common.runs.iter().flatten() {
            add(&mut sums, block);
        }
        common.quantile(&sums, q)
    }

    /// Returns the standard errors of the logarithms of quantiles over some runs, by a circular block bootstrap within
    /// each.
    pub(super) fn log_errors<const N: usize>(
        runs: &[&Self],
        quantiles: [f64; N],
        stream: u64,
    ) -> [f64; N] {
        let common = Common::of(runs);
        let mut rng = seed::rng(0x0b00_57a9, &[stream]);
        let mut logs = quantiles.map(|_| Vec::with_capacity(RESAMPLES));
        for _ in 0..RESAMPLES {
            let mut sums = vec![0_u64; common.values.len()];
            for blocks in &common.runs {
                let n = blocks.len();
                // The stretches are long enough to preserve the correlation between neighbouring blocks.
                let stretch = (n as f64).cbrt().ceil() as usize;
                let mut drawn = 0;
                while drawn < n {
                    let start = rng.random_range(0..n);
                    for offset in 0..stretch.min(n - drawn) {
                        add(&mut sums, &blocks[(start + offset) % n]);
                        drawn += 1;
                    }
                }
            }
            for (logs, q) in logs.iter_mut().zip(quantiles) {
                logs.push(common.quantile(&sums, q).max(1e-3).ln());
            }
        }
        logs.map(|logs| {
            let mean = logs.iter().sum::<f64>() / logs.len() as f64;
            let variance =
                logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (logs.len() - 1) as f64;
            // The histogram itself rounds to three digits.
            variance.sqrt().max(0.0005)
        })
    }
}

fn add(sums: &mut [u64], block: &[(usize, u64)]) {
    for (index, count) in block {
        sums[*index] += count;
    }
}

/// Returns the bins (logarithms) and counts of a histogram.
fn pairs(text: &str) -> Result<Vec<(i64, u64)>, String> {
    let histogram = decode_histogram(text)?;
    let bin = |value: u64| {
        ((histogram.median_equivalent(value).max(1) as f64).ln() * BINS).round() as i64
    };
    Ok(histogram
        .iter_recorded()
        .map(|v| (bin(v.value_iterated_to()), v.count_since_last_iteration()))
        .collect())
}
