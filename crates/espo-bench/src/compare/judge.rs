//! The verdict on one operation.

use hdrhistogram::Histogram;
use statrs::distribution::{ContinuousCDF as _, Normal, StudentsT};

use super::bootstrap::Blocks;
use super::{Difference, OperationComparison, Verdict};
use crate::record::histogram;
use crate::report::{OperationReport, Outcome, Report};

/// Fewer successful requests than this say nothing about a 99th percentile.
const MIN_REQUESTS: u64 = 200;
const MIN_BLOCKS: usize = 6;
const FIGURES: [f64; 2] = [0.5, 0.99];
/// A request waits for the generator's core at least twice, to be sent and to be received.
const WAITS: f64 = 2.0;

/// The runs of one side.
pub(super) struct Side<'a> {
    runs: &'a [&'a Report],
    /// Scheduling lag in microseconds at each figure's quantile.
    lag: [f64; 2],
}

impl<'a> Side<'a> {
    pub(super) fn of(runs: &'a [&'a Report]) -> Self {
        let mut all: Histogram<u64> = histogram();
        for run in runs {
            if let Ok(lag) = run.generator.scheduling_lag.to_histogram() {
                // `all` resizes itself: adding cannot fail.
                let added = all.add(lag);
                debug_assert!(added.is_ok());
            }
        }
        Self {
            runs,
            lag: FIGURES.map(|q| all.value_at_quantile(q) as f64),
        }
    }

    fn operation(&self, name: &str) -> Vec<&'a OperationReport> {
        self.runs.iter().filter_map(|r| r.operation(name)).collect()
    }
}

/// A figure on one side: the mean of its logarithms over the runs, and how far it could be off.
struct Estimate {
    log: f64,
    /// Sum of squares of the runs' distances from their mean.
    spread: f64,
    /// Mean square error of a run, seen from within it.
    within: f64,
    runs: f64,
}

impl Estimate {
    fn of(logs: &[f64], errors: &[f64]) -> Self {
        let runs = logs.len() as f64;
        let log = logs.iter().sum::<f64>() / runs;
        Self {
            log,
            spread: logs.iter().map(|l| (l - log).powi(2)).sum(),
            within: errors.iter().map(|e| e * e).sum::<f64>() / runs,
            runs,
        }
    }
}

/// Judges operations of two sides.
pub(super) struct Judge<'a> {
    sides: &'a [Side<'a>; 2],
    threshold: f64,
    /// Chance of a wrong verdict on one figure.
    level: f64,
}

impl<'a> Judge<'a> {
    pub(super) fn new(sides: &'a [Side<'a>; 2], threshold: f64, level: f64) -> Self {
        Self {
            sides,
            threshold,
            level,
        }
    }

    pub(super) fn lag_change(&self) -> (f64, f64) {
        let change = |figure: usize| self.sides[1].lag[figure] - self.sides[0].lag[figure];
        (change(0), change(1))
    }

    pub(super) fn operation(&self, name: &str) -> Result<OperationComparison, String> {
        let (a, b) = (self.sides[0].operation(name), self.sides[1].operation(name));
        let share = |runs: &[&OperationReport]| {
            let failed: u64 = runs.iter().map(|o| o.failed()).sum();
            let all: u64 = runs.iter().map(|o| o.count()).sum();
            (failed as f64 / all.max(1) as f64, all as f64)
        };
        let (failed_a, failed_b) = (share(&a), share(&b));
        let mut out = OperationComparison {
            name: name.to_owned(),
            p50: None,
            p99: None,
            errors: (failed_a.0, failed_b.0),
            verdict: Verdict::TooFew,
        };
        let by_errors = self.errors_verdict(failed_a, failed_b);
        if let Some(verdict) = by_errors {
            out.verdict = verdict;
        }
        let enough = |o: &&OperationReport| {
            o.outcome(Outcome::Ok)
                .is_some_and(|ok| ok.count >= MIN_REQUESTS)
                && o.blocks.iter().flatten().count() >= MIN_BLOCKS
        };
        if !a.iter().chain(&b).all(enough) {
            return Ok(out);
        }
        let [before, after] = [estimates(&a, 1)?, estimates(&b, 2)?];
        let [p50, p99] = [0, 1].map(|figure| self.difference(&before[figure], &after[figure]));
        // A tail wanders more from run to run than the bootstrap within a run can see.
        let changed: Vec<&Difference> = [(&p50, 0, 1.0), (&p99, 1, 2.0)]
            .into_iter()
            .filter(|(d, figure, factor)| self.shown(d, *figure, factor * self.threshold))
            .map(|(d, ..)| d)
            .collect();
        if by_errors.is_none() {
            out.verdict = match changed.as_slice() {
                [] => Verdict::NoDifference,
                some if some.iter().any(|d| d.change > 0.0) => Verdict::Worse,
                _ => Verdict::Better,
            };
        }
        (out.p50, out.p99) = (Some(p50), Some(p99));
        Ok(out)
    }

    fn difference(&self, a: &Estimate, b: &Estimate) -> Difference {
        let log = b.log - a.log;
        let freedom = a.runs + b.runs - 2.0;
        let within = (a.within / a.runs + b.within / b.runs).sqrt() * self.z();
        let between = if freedom > 0.0 {
            let variance = (a.spread + b.spread) / freedom;
            (variance * (1.0 / a.runs + 1.0 / b.runs)).sqrt() * self.t(freedom)
        } else {
            0.0
        };
        let error = within.max(between);
        Difference {
            before: a.log.exp(),
            after: b.log.exp(),
            change: log.exp_m1(),
            low: (log - error).exp_m1(),
            high: (log + error).exp_m1(),
        }
    }

    /// Whether a difference is sure, at least as large as `least`, and larger than what the generator's own lag
    /// explains.
    fn shown(&self, d: &Difference, figure: usize, least: f64) -> bool {
        let lag = WAITS * (self.sides[1].lag[figure] - self.sides[0].lag[figure]) / d.before;
        let (rise, fall) = (d.change - lag.max(0.0), d.change - lag.min(0.0));
        let worse = d.low - lag.max(0.0) > 0.0 && rise >= least;
        let better = d.high - lag.min(0.0) < 0.0 && -fall >= least;
        worse || better
    }

    /// The `z` beyond which a normal variable lies with the level's probability, both sides together.
    fn z(&self) -> f64 {
        Normal::standard().inverse_cdf(1.0 - self.level / 2.0)
    }

    /// The same of Student's distribution.
    fn t(&self, freedom: f64) -> f64 {
        // Fails for a freedom of zero or less, which the caller excludes.
        StudentsT::new(0.0, 1.0, freedom)
            .map_or(f64::INFINITY, |t| t.inverse_cdf(1.0 - self.level / 2.0))
    }

    /// Two shares of errors by the normal approximation; none when they do not clearly differ.
    fn errors_verdict(&self, (p, n): (f64, f64), (q, m): (f64, f64)) -> Option<Verdict> {
        if n < 1.0 || m < 1.0 {
            return None;
        }
        let pooled = (p * n + q * m) / (n + m);
        let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
        // A tenth of a percent is the smallest share that anyone sets a limit on.
        let clear = (q - p).abs() > self.z() * error && (q - p).abs() > 0.001;
        clear.then_some(if q > p {
            Verdict::Worse
        } else {
            Verdict::Better
        })
    }
}

/// Both figures of one operation on one side.
fn estimates(runs: &[&OperationReport], stream: u64) -> Result<[Estimate; 2], String> {
    let mut logs = [Vec::new(), Vec::new()];
    let mut errors = [Vec::new(), Vec::new()];
    for (number, run) in runs.iter().enumerate() {
        let blocks = Blocks::read(&run.blocks)?;
        let off = blocks.log_errors(FIGURES, stream + 2 * number as u64);
        for (figure, q) in FIGURES.into_iter().enumerate() {
            logs[figure].push(blocks.quantile(q).max(1e-3).ln());
            errors[figure].push(off[figure]);
        }
    }
    Ok([0, 1].map(|figure| Estimate::of(&logs[figure], &errors[figure])))
}
