//! The uncertainty of a difference that follows from the variation between runs.

use super::significance::{p_of_t, t};

/// With fewer pairs, the variation of their differences is too uncertain to be of use.
const MIN_PAIRS: f64 = 4.0;

/// The variation between runs, estimated in up to two ways.
///
/// The runs of a side vary around their mean. If the sides alternate, slow phases of the machine affect both runs of a
/// pair, and the differences of the pairs vary less. The smaller p-value of both estimates counts, doubled because there
/// were two attempts.
#[derive(Clone, Copy)]
pub(super) struct Between {
    sides: Variation,
    /// Absent unless the sides alternate.
    pairs: Option<Variation>,
}

/// The variation of one quantity: runs around the mean of their side, or differences of pairs around their mean.
#[derive(Clone, Copy)]
struct Variation {
    variance: f64,
    freedom: f64,
    /// Standard error of the difference between the sides.
    error: f64,
}

impl Between {
    /// Estimates the variation from the logarithms of a figure in each run, in the order of time. `None` if no side has
    /// several runs.
    pub(super) fn of(before: &[f64], after: &[f64], alternate: bool) -> Option<Self> {
        let (n, m) = (before.len() as f64, after.len() as f64);
        let freedom = n + m - 2.0;
        if freedom <= 0.0 || n == 0.0 || m == 0.0 {
            return None;
        }
        let variance = (spread(before) + spread(after)) / freedom;
        let sides = Variation {
            variance,
            freedom,
            error: (variance * (1.0 / n + 1.0 / m)).sqrt(),
        };
        let pairs = (alternate && n == m).then(|| {
            let differences: Vec<f64> = before.iter().zip(after).map(|(a, b)| b - a).collect();
            let variance = spread(&differences) / (n - 1.0);
            Variation {
                variance,
                freedom: n - 1.0,
                error: (variance / n).sqrt(),
            }
        });
        Some(Self { sides, pairs })
    }

    /// Returns the estimate from pairs if there are enough of them.
    fn tested_pairs(&self) -> Option<&Variation> {
        let is_enough = |pairs: &&Variation| pairs.freedom + 1.0 >= MIN_PAIRS;
        self.pairs.as_ref().filter(is_enough)
    }

    /// Returns the p-value of a difference between the sides.
    pub(super) fn p(&self, change: f64) -> f64 {
        let p = |v: &Variation| p_of_t(change / v.error, v.freedom);
        match self.tested_pairs() {
            None => p(&self.sides),
            Some(pairs) => (2.0 * p(&self.sides).min(p(pairs))).min(1.0),
        }
    }

    /// Returns half the width of the confidence interval of a difference.
    pub(super) fn half_width(&self, level: f64) -> f64 {
        let width = |v: &Variation, level: f64| v.error * t(level, v.freedom);
        match self.tested_pairs() {
            None => width(&self.sides, level),
            Some(pairs) => width(&self.sides, level / 2.0).min(width(pairs, level / 2.0)),
        }
    }

    /// Returns the number of runs per side for which half the width of the interval is at most `width`.
    pub(super) fn runs_for(&self, width: f64, level: f64) -> u64 {
        const MOST: u64 = 1_000;
        let is_enough = |n: &u64| {
            let n = *n as f64;
            let sides = (self.sides.variance * 2.0 / n).sqrt();
            match self.pairs {
                Some(pairs) if n >= MIN_PAIRS => {
                    let of_sides = sides * t(level / 2.0, 2.0 * n - 2.0);
                    let of_pairs = (pairs.variance / n).sqrt() * t(level / 2.0, n - 1.0);
                    of_sides.min(of_pairs) <= width
                }
                _ => sides * t(level, 2.0 * n - 2.0) <= width,
            }
        };
        (2..MOST).find(is_enough).unwrap_or(MOST)
    }
}

/// Returns the sum of the squared deviations from the mean.
fn spread(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum()
}
