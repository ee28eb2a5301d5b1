//! The verdict on one operation.

use hdrhistogram::Histogram;
use statrs::distribution::{ContinuousCDF as _, Normal, StudentsT};

use super::bootstrap::Blocks;
use super::{Difference, Needed, OperationComparison, Verdict};
use crate::record::histogram;
use crate::report::{OperationReport, Outcome, Report};

/// Minimum number of successful requests on a side, over all of its runs, for a reliable median and 99th percentile.
const MIN_REQUESTS: [u64; 2] = [50, 200];
/// A run with fewer requests has no separate figure and only counts in the pool.
const MIN_IN_RUN: u64 = 10;
const MIN_BLOCKS: usize = 6;
const FIGURES: [f64; 2] = [0.5, 0.99];
/// A request waits for the load generator's core at least twice, to be sent and to be received.
const WAITS: f64 = 2.0;
/// An interval that extends this many thresholds to either side of the change cannot exclude a relevant change.
const UNSURE: f64 = 4.0;

/// The runs of one side.
pub(super) struct Side<'a> {
    runs: &'a [&'a Report],
    /// Scheduling lag in microseconds at each figure's quantile.
    lag: [f64; 2],
    /// Seconds of measurement over all runs.
    seconds: f64,
}

impl<'a> Side<'a> {
    pub(super) fn of(runs: &'a [&'a Report]) -> Self {
        let mut all: Histogram<u64> = histogram();
        for run in runs {
            if let Ok(lag) = run.generator.scheduling_lag.to_histogram() {
                // `all` resizes itself, so adding cannot fail.
                let added = all.add(lag);
                debug_assert!(added.is_ok());
            }
        }
        Self {
            runs,
            lag: FIGURES.map(|q| all.value_at_quantile(q) as f64),
            seconds: runs.iter().map(|r| r.run.seconds).sum(),
        }
    }

    /// Returns the samples of an operation, or of all operations except chains if there is no name.
    fn samples(&self, name: Option<&str>) -> Result<Samples, String> {
        let mut out = Samples::default();
        for run in self.runs {
            let chosen: Vec<&OperationReport> = match name {
                Some(name) => run.operation(name).into_iter().collect(),
                None => run.operations.iter().filter(|o| !o.is_apart()).collect(),
            };
            out.requests += chosen.iter().map(|o| o.count()).sum::<u64>();
            out.failed += chosen.iter().map(|o| o.failed()).sum::<u64>();
            let ok = chosen.iter().filter_map(|o| o.outcome(Outcome::Ok));
            let ok: u64 = ok.map(|o| o.count).sum();
            out.ok += ok;
            let blocks: Vec<_> = chosen.iter().map(|o| o.blocks.as_slice()).collect();
            out.runs.push((ok, Blocks::read(&blocks)?));
        }
        Ok(out)
    }
}

/// The requests of one operation on one side.
#[derive(Default)]
struct Samples {
    requests: u64,
    failed: u64,
    ok: u64,
    /// Number and times of the successful requests of each run.
    runs: Vec<(u64, Blocks)>,
}

impl Samples {
    fn error_share(&self) -> f64 {
        self.failed as f64 / self.requests.max(1) as f64
    }

    fn has_enough(&self, figure: usize) -> bool {
        let blocks: usize = self.runs.iter().map(|(_, b)| b.filled()).sum();
        self.ok >= MIN_REQUESTS[figure] && blocks >= MIN_BLOCKS
    }

    /// Returns both figures, from the pooled requests and from the single runs.
    fn estimates(&self, stream: u64) -> [Estimate; 2] {
        let blocks: Vec<&Blocks> = self.runs.iter().map(|(_, b)| b).collect();
        let within = Blocks::log_errors(&blocks, FIGURES, stream);
        let alone = |figure: usize| {
            let runs = self.runs.iter().filter(|(ok, _)| *ok >= MIN_IN_RUN);
            let logs = runs.map(move |(_, b)| log(Blocks::quantile(&[b], FIGURES[figure])));
            logs.collect::<Vec<f64>>()
        };
        [0, 1].map(|figure| {
            let logs = alone(figure);
            let mean = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
            Estimate {
                log: log(Blocks::quantile(&blocks, FIGURES[figure])),
                within: within[figure],
                spread: logs.iter().map(|l| (l - mean).powi(2)).sum(),
                runs: logs.len() as f64,
            }
        })
    }
}

fn log(micros: f64) -> f64 {
    micros.max(1e-3).ln()
}

/// A figure on one side: its logarithm and its uncertainty.
struct Estimate {
    log: f64,
    /// Standard error of the pooled figure, estimated within the runs.
    within: f64,
    /// Sum of the squared deviations of the runs from their mean.
    spread: f64,
    /// Number of runs with a separate figure.
    runs: f64,
}

/// Compares the operations of two sides.
pub(super) struct Judge<'a> {
    sides: &'a [Side<'a>; 2],
    threshold: f64,
    /// Number of runs of the smaller side.
    runs: usize,
}

impl<'a> Judge<'a> {
    pub(super) fn new(sides: &'a [Side<'a>; 2], threshold: f64) -> Self {
        Self {
            sides,
            threshold,
            runs: sides[0].runs.len().min(sides[1].runs.len()),
        }
    }

    pub(super) fn lag_change(&self) -> (f64, f64) {
        let change = |figure: usize| self.sides[1].lag[figure] - self.sides[0].lag[figure];
        (change(0), change(1))
    }

    /// Returns the verdict on an operation, or on all requests together without a name. `level` is the probability of a
    /// wrong verdict on one figure.
    pub(super) fn operation(
        &self,
        name: Option<&str>,
        level: f64,
    ) -> Result<OperationComparison, String> {
        let (a, b) = (self.sides[0].samples(name)?, self.sides[1].samples(name)?);
        let mut out = OperationComparison {
            name: name.unwrap_or("all requests").to_owned(),
            requests: (a.requests, b.requests),
            p50: None,
            p99: None,
            errors: (a.error_share(), b.error_share()),
            verdict: Verdict::Undecided,
            needed: None,
        };
        let by_errors = errors_verdict(&a, &b, level);
        let enough = |figure: usize| a.has_enough(figure) && b.has_enough(figure);
        if !enough(0) {
            out.verdict = by_errors.unwrap_or(Verdict::Undecided);
            if out.verdict == Verdict::Undecided {
                out.needed = self.more_requests(&a, &b);
            }
            return Ok(out);
        }
        let (before, after) = (a.estimates(1), b.estimates(2));
        let difference = |figure: usize| difference(&before[figure], &after[figure], level);
        let p50 = difference(0);
        let p99 = enough(1).then(|| difference(1));
        // A high percentile varies more between runs than the bootstrap within a run can detect.
        let changed: Vec<f64> = [(Some(&p50), 0, 1.0), (p99.as_ref(), 1, 2.0)]
            .into_iter()
            .filter_map(|(d, figure, factor)| {
                let d = d.filter(|d| self.shown(d, figure, factor * self.threshold))?;
                Some(d.change)
            })
            .collect();
        let is_unsure = (p50.high - p50.low) / 2.0 > UNSURE * self.threshold;
        let by_times = match changed.as_slice() {
            // The variation between runs is unknown.
            _ if self.runs < 2 => Verdict::Undecided,
            [] if is_unsure => Verdict::Undecided,
            [] => Verdict::NoDifference,
            some if some.iter().any(|change| *change > 0.0) => Verdict::Worse,
            _ => Verdict::Better,
        };
        out.verdict = by_errors.unwrap_or(by_times);
        if out.verdict == Verdict::Undecided {
            out.needed = Some(self.longer(&a, &b, &p50, (&before[0], &after[0]), level));
        }
        (out.p50, out.p99) = (Some(p50), p99);
        Ok(out)
    }

    /// Returns the data that a side needs to have a figure at all.
    fn more_requests(&self, a: &Samples, b: &Samples) -> Option<Needed> {
        let requests = MIN_REQUESTS[1];
        let has = a.ok.min(b.ok);
        Some(Needed {
            requests,
            seconds: (has > 0).then(|| self.seconds() * requests as f64 / has as f64),
            runs: self.runs.max(2) as u64,
        })
    }

    /// Returns the data that a side needs for an interval that excludes relevant changes: the error within runs
    /// decreases with the number of requests, the error between runs with the number of runs.
    fn longer(
        &self,
        a: &Samples,
        b: &Samples,
        p50: &Difference,
        (before, after): (&Estimate, &Estimate),
        level: f64,
    ) -> Needed {
        let width = (UNSURE * self.threshold).ln_1p();
        let within = (before.within.powi(2) + after.within.powi(2)).sqrt() * z(level);
        let has = a.ok.min(b.ok);
        let factor = (within / width).powi(2).max(1.0);
        let requests = ((has as f64 * factor) as u64).max(MIN_REQUESTS[1]);
        let freedom = before.runs + after.runs - 2.0;
        let runs = if freedom > 0.0 {
            let variance = (before.spread + after.spread) / freedom;
            let error = |n: f64| (variance * 2.0 / n).sqrt() * t(level, 2.0 * n - 2.0);
            let enough = (2..=50_u64).find(|n| error(*n as f64) <= width);
            enough.unwrap_or(50).max(self.runs as u64)
        } else {
            3
        };
        debug_assert!(p50.high >= p50.low);
        // More runs are as long as the runs so far.
        let requests = requests.max(has * runs / self.runs.max(1) as u64);
        Needed {
            requests,
            seconds: Some(self.seconds() * requests as f64 / has.max(1) as f64),
            runs,
        }
    }

    /// Returns the seconds of measurement of the shorter side.
    fn seconds(&self) -> f64 {
        self.sides[0].seconds.min(self.sides[1].seconds)
    }

    /// Returns whether a difference is significant, at least as large as `least`, and larger than the load generator's
    /// own lag explains.
    fn shown(&self, d: &Difference, figure: usize, least: f64) -> bool {
        let lag = WAITS * (self.sides[1].lag[figure] - self.sides[0].lag[figure]) / d.before;
        let (rise, fall) = (d.change - lag.max(0.0), d.change - lag.min(0.0));
        let worse = d.low - lag.max(0.0) > 0.0 && rise >= least;
        let better = d.high - lag.min(0.0) < 0.0 && -fall >= least;
        worse || better
    }
}

fn difference(a: &Estimate, b: &Estimate, level: f64) -> Difference {
    let log = b.log - a.log;
    let freedom = a.runs + b.runs - 2.0;
    let within = (a.within.powi(2) + b.within.powi(2)).sqrt() * z(level);
    let between = if freedom > 0.0 && a.runs > 0.0 && b.runs > 0.0 {
        let variance = (a.spread + b.spread) / freedom;
        (variance * (1.0 / a.runs + 1.0 / b.runs)).sqrt() * t(level, freedom)
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

/// Returns the two-sided critical value of the normal distribution at this level.
fn z(level: f64) -> f64 {
    Normal::standard().inverse_cdf(1.0 - level / 2.0)
}

/// Returns the two-sided critical value of Student's distribution at this level.
fn t(level: f64, freedom: f64) -> f64 {
    // Fails only for zero or fewer degrees of freedom, which the callers exclude.
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |t| t.inverse_cdf(1.0 - level / 2.0))
}

/// Compares two error rates by the normal approximation; `None` if they do not differ significantly.
fn errors_verdict(a: &Samples, b: &Samples, level: f64) -> Option<Verdict> {
    let (n, m) = (a.requests as f64, b.requests as f64);
    if n < 1.0 || m < 1.0 {
        return None;
    }
    let (p, q) = (a.error_share(), b.error_share());
    let pooled = (p * n + q * m) / (n + m);
    let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    // SLOs on errors are rarely stricter than 0.1 %.
    let clear = (q - p).abs() > z(level) * error && (q - p).abs() > 0.001;
    clear.then_some(if q > p {
        Verdict::Worse
    } else {
        Verdict::Better
    })
}
