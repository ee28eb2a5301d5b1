//! The verdicts on the operations.

use hdrhistogram::Histogram;
use jiff::Timestamp;

use super::between::Between;
use super::bootstrap::Blocks;
use super::significance::{Test, levels, p_of_z, z};
use super::{Difference, Needed, OperationComparison, Verdict};
use crate::record::histogram;
use crate::report::{OperationReport, Outcome, Report};

/// Minimum number of successful requests on a side, over all of its runs, for a reliable median and 99th percentile.
const MIN_REQUESTS: [u64; 2] = [50, 200];
/// A run with fewer requests has no separate figure and contributes only to the pooled figure.
const MIN_IN_RUN: u64 = 10;
const MIN_BLOCKS: usize = 6;
const FIGURES: [f64; 2] = [0.5, 0.99];
/// A high percentile varies more between runs than the bootstrap within a run can detect, so it needs a larger change.
const FACTORS: [f64; 2] = [1.0, 2.0];
/// A request waits for the load generator's core at least twice, to be sent and to be received.
const WAITS: f64 = 2.0;
/// Runs that cannot exclude a change of this many thresholds are undecided.
const UNSURE: f64 = 2.0;
/// SLOs on errors are rarely stricter than 0.1 %.
const MIN_ERRORS: f64 = 0.001;

/// The runs of one side.
pub(super) struct Side<'a> {
    /// In the order of their starts.
    runs: Vec<&'a Report>,
    starts: Vec<Timestamp>,
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
        let mut runs = runs.to_vec();
        runs.sort_by_key(|run| start(run));
        Self {
            starts: runs.iter().filter_map(|run| start(run)).collect(),
            lag: FIGURES.map(|q| all.value_at_quantile(q) as f64),
            seconds: runs.iter().map(|r| r.run.seconds).sum(),
            runs,
        }
    }

    /// Returns whether the runs of both sides alternate, so that each run has a partner of about the same time.
    fn alternates_with(&self, other: &Side<'_>) -> bool {
        let pairs: Vec<_> = self.starts.iter().zip(&other.starts).collect();
        let are_complete =
            pairs.len() == self.runs.len() && pairs.len() == other.runs.len() && pairs.len() > 1;
        are_complete
            && pairs
                .windows(2)
                .all(|w| w[0].0.max(w[0].1) < w[1].0.min(w[1].1))
    }

    /// Returns the samples of an operation, or of all operations except chains if there is no name.
    fn samples(&self, name: Option<&str>) -> Result<Samples, String> {
        let mut out = Samples::default();
        for run in &self.runs {
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

fn start(run: &Report) -> Option<Timestamp> {
    run.run.started.parse().ok()
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
        [0, 1].map(|figure| {
            let runs = self.runs.iter().filter(|(ok, _)| *ok >= MIN_IN_RUN);
            let logs = runs.map(|(_, b)| log(Blocks::quantile(&[b], FIGURES[figure])));
            let pooled = log(Blocks::quantile(&blocks, FIGURES[figure]));
            Estimate::of(pooled, within[figure], logs.collect())
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
    /// Logarithms of the runs that have a separate figure.
    runs: Vec<f64>,
}

impl Estimate {
    fn of(log: f64, within: f64, runs: Vec<f64>) -> Self {
        Self { log, within, runs }
    }
}

/// A figure on both sides.
#[derive(Clone, Copy)]
struct Contrast {
    /// Logarithms of the figure.
    logs: (f64, f64),
    /// Standard error of the difference, estimated within the runs.
    within: f64,
    /// Absent if no side has several runs.
    between: Option<Between>,
}

impl Contrast {
    fn of(a: &Estimate, b: &Estimate, alternate: bool) -> Self {
        Self {
            logs: (a.log, b.log),
            within: a.within.hypot(b.within),
            between: Between::of(&a.runs, &b.runs, alternate),
        }
    }

    fn change(&self) -> f64 {
        self.logs.1 - self.logs.0
    }

    /// Returns the p-value: the larger one of both estimates of the uncertainty.
    fn p(&self) -> f64 {
        // The variation between runs can be 0, too: the same reports on both sides.
        if self.change() == 0.0 {
            return 1.0;
        }
        let within = p_of_z(self.change() / self.within);
        let between = self.between.map_or(0.0, |b| b.p(self.change()));
        within.max(between)
    }

    /// Returns half the width of the confidence interval of the change's logarithm.
    fn half_width(&self, level: f64) -> f64 {
        let between = self.between.map_or(0.0, |b| b.half_width(level));
        (self.within * z(level)).max(between)
    }

    fn difference(&self, level: f64) -> Difference {
        let (log, error) = (self.change(), self.half_width(level));
        Difference {
            before: self.logs.0.exp(),
            after: self.logs.1.exp(),
            change: log.exp_m1(),
            low: (log - error).exp_m1(),
            high: (log + error).exp_m1(),
        }
    }
}

/// The requests of one side in a row.
#[derive(Clone, Copy)]
struct Counts {
    requests: u64,
    ok: u64,
    error_share: f64,
}

/// An operation on both sides, or all requests together, before the verdict.
pub(super) struct Row {
    name: String,
    counts: (Counts, Counts),
    /// Median and 99th percentile, if there are enough requests.
    figures: [Option<Contrast>; 2],
}

impl Row {
    fn error_shares(&self) -> (f64, f64) {
        (self.counts.0.error_share, self.counts.1.error_share)
    }

    /// Returns the p-value of the difference in errors, by the normal approximation.
    fn p_of_errors(&self) -> f64 {
        let (n, m) = (self.counts.0.requests as f64, self.counts.1.requests as f64);
        let (p, q) = self.error_shares();
        if n < 1.0 || m < 1.0 || p == q {
            return 1.0;
        }
        let pooled = (p * n + q * m) / (n + m);
        let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
        p_of_z((q - p) / error)
    }
}

/// Compares the operations of two sides.
pub(super) struct Judge {
    /// Increase of the scheduling lag in microseconds at each figure's quantile.
    lag: [f64; 2],
    /// Seconds of measurement of the shorter side.
    seconds: f64,
    /// Number of runs of the smaller side.
    runs: usize,
    threshold: f64,
}

impl Judge {
    pub(super) fn new(sides: &[Side<'_>; 2], threshold: f64) -> Self {
        let [before, after] = sides;
        Self {
            lag: [0, 1].map(|figure| after.lag[figure] - before.lag[figure]),
            seconds: before.seconds.min(after.seconds),
            runs: before.runs.len().min(after.runs.len()),
            threshold,
        }
    }

    pub(super) fn lag_change(&self) -> (f64, f64) {
        (self.lag[0], self.lag[1])
    }

    /// Returns the rows of all requests and of the operations, in this order, with verdicts. `error` is the probability
    /// of any verdict if nothing differs; half of it is for all requests together.
    pub(super) fn verdicts(&self, rows: &[Row], error: f64) -> Vec<OperationComparison> {
        // The variation between runs is unknown if there is only one.
        let is_tested = |figure: &Option<Contrast>| figure.is_some() && self.runs >= 2;
        let counts: Vec<usize> = (rows.iter())
            .map(|row| 1 + row.figures.iter().filter(|f| is_tested(f)).count())
            .collect();
        let all: usize = counts.iter().sum();
        let of_first = counts.first().copied().unwrap_or(0);
        let weight = |index: usize| match (index, all - of_first) {
            (_, 0) => 1.0,
            (0, _) => all as f64 / 2.0 / of_first as f64,
            (_, rest) => all as f64 / 2.0 / rest as f64,
        };
        let mut tests = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let weight = weight(index);
            let figures = row.figures.iter().filter(|f| is_tested(f)).flatten();
            let ps = figures.map(Contrast::p).chain([row.p_of_errors()]);
            tests.extend(ps.map(|p| Test { p, weight }));
        }
        let mut levels = levels(&tests, error).into_iter();
        let mut out = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let alone = (error / all as f64 * weight(index)).min(error);
            let mut next = |is_tested: bool| match is_tested {
                true => levels.next().unwrap_or(alone),
                false => alone,
            };
            let of_figures = [0, 1].map(|figure| next(is_tested(&row.figures[figure])));
            let of_errors = next(true);
            out.push(self.verdict(row, of_figures, of_errors));
        }
        out
    }

    fn verdict(&self, row: &Row, levels: [f64; 2], of_errors: f64) -> OperationComparison {
        let (p, q) = row.error_shares();
        let by_errors = row.p_of_errors() <= of_errors && (q - p).abs() > MIN_ERRORS;
        let differences =
            [0, 1].map(|figure| Some(row.figures[figure]?.difference(levels[figure])));
        let changed: Vec<f64> = [0, 1]
            .into_iter()
            .filter_map(|figure| {
                let difference = differences[figure].as_ref()?;
                self.is_shown(difference, figure)
                    .then_some(difference.change)
            })
            .collect();
        // Excluding a change is a statement about this row alone, so it needs no correction for other rows.
        let is_unsure = |median: &Contrast| median.half_width(0.05) > self.excluded();
        let verdict = match &row.figures[0] {
            _ if by_errors && q > p => Verdict::Worse,
            _ if by_errors => Verdict::Better,
            None => Verdict::Undecided,
            Some(_) if self.runs < 2 => Verdict::Undecided,
            Some(median) if changed.is_empty() && is_unsure(median) => Verdict::Undecided,
            Some(_) if changed.is_empty() => Verdict::NoDifference,
            Some(_) if changed.iter().any(|change| *change > 0.0) => Verdict::Worse,
            Some(_) => Verdict::Better,
        };
        let needed = match &row.figures[0] {
            _ if verdict != Verdict::Undecided => None,
            None => Some(self.more_requests(row)),
            Some(median) => Some(self.longer(row, median)),
        };
        let [p50, p99] = differences;
        OperationComparison {
            name: row.name.clone(),
            requests: (row.counts.0.requests, row.counts.1.requests),
            p50,
            p99,
            errors: (p, q),
            verdict,
            needed,
        }
    }

    /// Returns the logarithm of the change that a verdict of "no difference" excludes.
    fn excluded(&self) -> f64 {
        (UNSURE * self.threshold).ln_1p()
    }

    /// Returns the data that a side needs to have a figure at all.
    fn more_requests(&self, row: &Row) -> Needed {
        let requests = MIN_REQUESTS[1];
        let has = row.counts.0.ok.min(row.counts.1.ok);
        Needed {
            requests,
            seconds: (has > 0).then(|| self.seconds * requests as f64 / has as f64),
            runs: self.runs.max(3) as u64,
        }
    }

    /// Returns the data that a side needs to exclude relevant changes: the error within runs decreases with the number
    /// of requests, the error between runs with the number of runs.
    fn longer(&self, row: &Row, median: &Contrast) -> Needed {
        const LEVEL: f64 = 0.05;
        let width = self.excluded();
        let has = row.counts.0.ok.min(row.counts.1.ok);
        let factor = (median.within * z(LEVEL) / width).powi(2).max(1.0);
        let requests = ((has as f64 * factor) as u64).max(MIN_REQUESTS[1]);
        let runs = median.between.map_or(3, |between| {
            between.runs_for(width, LEVEL).max(self.runs as u64)
        });
        // Assumes that further runs are as long as the existing ones.
        let requests = requests.max(has * runs / self.runs.max(1) as u64);
        Needed {
            requests,
            seconds: Some(self.seconds * requests as f64 / has.max(1) as f64),
            runs,
        }
    }

    /// Returns whether a difference is significant, large enough, and larger than the load generator's own lag explains.
    fn is_shown(&self, d: &Difference, figure: usize) -> bool {
        let least = FACTORS[figure] * self.threshold;
        let lag = WAITS * self.lag[figure] / d.before;
        let (rise, fall) = (d.change - lag.max(0.0), d.change - lag.min(0.0));
        let worse = d.low - lag.max(0.0) > 0.0 && rise >= least;
        let better = d.high - lag.min(0.0) < 0.0 && -fall >= least;
        self.runs >= 2 && (worse || better)
    }
}

/// Returns the rows of all requests and of these operations.
pub(super) fn rows(sides: &[Side<'_>; 2], names: &[&str]) -> Result<Vec<Row>, String> {
    let names = std::iter::once(None).chain(names.iter().copied().map(Some));
    let mut rows = names
        .map(|name| row(sides, name))
        .collect::<Result<Vec<Row>, String>>()?;
    // An operation with too few requests per run has no variation between runs; that of all requests is the best guess.
    let between = rows[0].figures.map(|figure| figure.and_then(|f| f.between));
    for row in &mut rows {
        for (figure, between) in row.figures.iter_mut().zip(between) {
            if let Some(figure) = figure {
                figure.between = figure.between.or(between);
            }
        }
    }
    Ok(rows)
}

fn row(sides: &[Side<'_>; 2], name: Option<&str>) -> Result<Row, String> {
    let (a, b) = (sides[0].samples(name)?, sides[1].samples(name)?);
    let alternate = sides[0].alternates_with(&sides[1]);
    let counts = |samples: &Samples| Counts {
        requests: samples.requests,
        ok: samples.ok,
        error_share: samples.error_share(),
    };
    let is_enough = |figure: usize| a.has_enough(figure) && b.has_enough(figure);
    let mut figures = [None, None];
    if is_enough(0) {
        let (before, after) = (a.estimates(1), b.estimates(2));
        figures = [0, 1].map(|figure| {
            let contrast = || Contrast::of(&before[figure], &after[figure], alternate);
            is_enough(figure).then(contrast)
        });
    }
    Ok(Row {
        name: name.unwrap_or("all requests").to_owned(),
        counts: (counts(&a), counts(&b)),
        figures,
    })
}

#[cfg(test)]
mod tests;
