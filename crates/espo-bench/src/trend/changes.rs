//! Lasting changes in a series of runs.
//!
//! The series is split where the ranks before and after differ most (the largest standardised Mann-Whitney statistic
//! over all positions), and both parts are examined again. A split counts only if random reorderings of the same values
//! rarely show one as large. This assumes no distribution of the noise, and a single outlier, which moves one rank, is
//! not a change.

use std::ops::Range;

use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

/// Minimum number of runs before and after a change.
pub(super) const MIN_RUNS: usize = 5;
/// Maximum number of reorderings; a higher number is too slow for a thousand operations.
const MAX_REORDERINGS: u32 = 50_000;
/// Expected number of reorderings as extreme as the observed series at the significance level.
const EXTREME_REORDERINGS: f64 = 20.0;

/// A position from which the values differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split {
    /// Index of the first value after the change.
    pub(super) at: usize,
    /// Median of the values between the previous change and this one.
    pub(super) before: f64,
    /// Median of the values between this change and the next one.
    pub(super) after: f64,
}

/// Returns the splits of a series that are significant at `level` and whose medians differ enough.
pub(super) fn splits(
    values: &[f64],
    level: f64,
    differs: impl Fn(f64, f64) -> bool,
    rng: &mut Pcg64Mcg,
) -> Vec<Split> {
    let mut places = Vec::new();
    find(values, 0..values.len(), level, rng, &mut places);
    places.sort_unstable();
    // Removing a split that is too small joins its neighbours, which changes their medians.
    loop {
        let all = describe(values, &places);
        match all.iter().position(|s| !differs(s.before, s.after)) {
            None => return all,
            Some(index) => drop(places.remove(index)),
        }
    }
}

/// Returns the smallest number of runs in which a change can be significant at `level`.
pub(super) fn runs_needed(level: f64) -> usize {
    (2 * MIN_RUNS..)
        .find(|n| 2.0 / orderings(*n) <= level)
        .unwrap_or(usize::MAX)
}

/// Returns the number of ways to choose half of `n` values.
fn orderings(n: usize) -> f64 {
    let half = n / 2;
    (1..=half).fold(1.0, |product, i| product * (n - half + i) as f64 / i as f64)
}

fn describe(values: &[f64], places: &[usize]) -> Vec<Split> {
    let bounds: Vec<usize> = std::iter::once(0)
        .chain(places.iter().copied())
        .chain([values.len()])
        .collect();
    let part = |i: usize| median(&values[bounds[i]..bounds[i + 1]]);
    let described = places.iter().enumerate().map(|(i, at)| Split {
        at: *at,
        before: part(i),
        after: part(i + 1),
    });
    described.collect()
}

fn find(
    values: &[f64],
    part: Range<usize>,
    level: f64,
    rng: &mut Pcg64Mcg,
    places: &mut Vec<usize>,
) {
    if part.len() < 2 * MIN_RUNS {
        return;
    }
    let ranks = ranks(&values[part.clone()]);
    let (at, statistic) = largest(&ranks);
    if statistic <= 0.0 || !is_significant(ranks, statistic, level, rng) {
        return;
    }
    let middle = part.start + at;
    places.push(middle);
    find(values, part.start..middle, level, rng, places);
    find(values, middle..part.end, level, rng, places);
}

/// Returns whether at most a fraction of `level` of the reordered series have a split at least this large.
fn is_significant(mut ranks: Vec<f64>, observed: f64, level: f64, rng: &mut Pcg64Mcg) -> bool {
    let wanted = (EXTREME_REORDERINGS / level).ceil();
    let reorderings = (wanted.min(f64::from(MAX_REORDERINGS))) as u32;
    let allowed = (level * f64::from(reorderings + 1)).floor().max(1.0) as u32 - 1;
    let mut extreme = 0;
    for _ in 0..reorderings {
        ranks.shuffle(rng);
        // Equal sums of ranks may differ in their last bit.
        if largest(&ranks).1 >= observed * (1.0 - 1e-9) {
            extreme += 1;
            if extreme > allowed {
                return false;
            }
        }
    }
    true
}

/// Returns the split with the largest standardised difference of ranks, and that difference.
fn largest(ranks: &[f64]) -> (usize, f64) {
    let n = ranks.len() as f64;
    let mut best = (0, 0.0);
    let mut sum = 0.0;
    for (index, rank) in ranks.iter().enumerate() {
        let k = index + 1;
        sum += rank;
        if k < MIN_RUNS || k > ranks.len() - MIN_RUNS {
            continue;
        }
        let k_ = k as f64;
        let spread = (k_ * (n - k_) * (n + 1.0) / 12.0).sqrt();
        let statistic = (sum - k_ * (n + 1.0) / 2.0).abs() / spread;
        if statistic > best.1 {
            best = (k, statistic);
        }
    }
    best
}

/// Returns ranks from 1; equal values share their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let equal = order[from..]
            .iter()
            .take_while(|i| values[**i] == values[order[from]])
            .count();
        let rank = from as f64 + (equal as f64 + 1.0) / 2.0;
        for i in &order[from..from + equal] {
            ranks[*i] = rank;
        }
        from += equal;
    }
    ranks
}

/// Returns the median; 0 for no values.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}
