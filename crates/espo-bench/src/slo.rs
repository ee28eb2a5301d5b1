//! SLOs: limits on the result, such as `list.p99 < 250ms`, `errors < 0.1%` or `read.rate > 100`.
//!
//! The left side is `METRIC` for the whole run or `OPERATION.METRIC`, where OPERATION is the name of an operation or a
//! kind (`list`), which covers all operations of that kind. Metrics: `p50`, `p90`, `p95`, `p99`, `p99.9` (any
//! percentile), `mean`, `max`, `rate`, `errors`. Times are response times of successful requests.

use std::fmt;
use std::str::FromStr;

use hdrhistogram::Histogram;

use crate::record::{Outcome, SoFar, histogram};
use crate::report::{OperationReport, Report, SloResult};
use crate::units::{counted, parse_duration, show_count, show_micros};
use crate::workload::Workload;

/// An SLO that a run is checked against.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    text: String,
    operation: Option<String>,
    metric: Metric,
    below: bool,
    or_equal: bool,
    /// Microseconds, requests per second, or a fraction.
    bound: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Metric {
    Quantile(f64),
    Mean,
    Max,
    Rate,
    Errors,
}

const FORM: &str =
    "expected a condition such as 'list.p99 < 250ms', 'errors < 0.1%' or 'read.rate > 100'";

impl FromStr for Slo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("invalid SLO '{text}': {what}; {FORM}");
        let at = text
            .find(['<', '>'])
            .ok_or_else(|| wrong("it has no '<' or '>'"))?;
        let (left, right) = (text[..at].trim(), &text[at + 1..]);
        let below = text[at..].starts_with('<');
        let (or_equal, right) = match right.strip_prefix('=') {
            Some(rest) => (true, rest.trim()),
            None => (false, right.trim()),
        };
        let (operation, metric) = split_metric(left).ok_or_else(|| {
            wrong(&format!(
                "'{left}' does not end with a metric (p50, p99, p99.9, mean, max, rate, errors)"
            ))
        })?;
        if let Metric::Quantile(q) = metric
            && q < 0.01
        {
            let meant = (q * 1e9).round() / 1e5;
            return Err(wrong(&format!(
                "'{left}' is below the first percentile; percentiles are written as p{meant}"
            )));
        }
        let bound = match metric {
            Metric::Rate => right
                .trim_end_matches("/s")
                .trim()
                .parse()
                .ok()
                .filter(|r: &f64| r.is_finite() && *r >= 0.0),
            Metric::Errors => match right.strip_suffix('%') {
                Some(percent) => percent.trim().parse::<f64>().ok().map(|p| p / 100.0),
                // `errors < 1` could mean 1 % or all requests.
                None => right
                    .parse()
                    .ok()
                    .filter(|share: &f64| *share < 1.0 && (*share == 0.0 || right.contains('.'))),
            }
            .filter(|share| (0.0..=1.0).contains(share)),
            Metric::Quantile(_) | Metric::Mean | Metric::Max => {
                parse_duration(right).ok().map(|d| d.as_secs_f64() * 1e6)
            }
        };
        let expected = match metric {
            Metric::Rate => "a rate such as 100",
            Metric::Errors => "a share with its unit such as 0.1% (1 could mean 1% or 100%)",
            Metric::Quantile(_) | Metric::Mean | Metric::Max => "a duration such as 250ms",
        };
        let bound = bound.ok_or_else(|| wrong(&format!("'{right}' is not {expected}")))?;
        let most = match metric {
            Metric::Errors => 1.0,
            _ => f64::INFINITY,
        };
        if let Some(fixed) = fixed(bound, most, below, or_equal) {
            return Err(wrong(fixed));
        }
        Ok(Self {
            text: text.trim().to_owned(),
            operation,
            metric,
            below,
            or_equal,
            bound,
        })
    }
}

/// Returns how a condition is decided before anything is measured, if it is: all values are from 0 to `most`.
fn fixed(bound: f64, most: f64, below: bool, or_equal: bool) -> Option<&'static str> {
    let (is_never, is_always) = match (below, or_equal) {
        (true, false) => (bound <= 0.0, bound > most),
        (true, true) => (bound < 0.0, bound >= most),
        (false, false) => (bound >= most, bound < 0.0),
        (false, true) => (bound > most, bound <= 0.0),
    };
    match (is_never, is_always) {
        (true, _) => Some("it can never be met"),
        (_, true) => Some("it is always met"),
        _ => None,
    }
}

/// Splits `list.p99.9` into `list` and p99.9; `errors` applies to the whole run.
fn split_metric(left: &str) -> Option<(Option<String>, Metric)> {
    let parse = |m: &str| match m {
        "mean" => Some(Metric::Mean),
        "max" => Some(Metric::Max),
        "rate" => Some(Metric::Rate),
        "errors" => Some(Metric::Errors),
        _ => {
            let percent: f64 = m.strip_prefix('p')?.parse().ok()?;
            // Rounded, because 99.9 / 100 is slightly more than 0.999 and would select the next value.
            (percent > 0.0 && percent < 100.0)
                .then(|| Metric::Quantile((percent * 1e7).round() / 1e9))
        }
    };
    if let Some(metric) = parse(left) {
        return Some((None, metric));
    }
    // The metric may itself contain a dot (p99.9), so the shortest name is tried first.
    left.match_indices('.').find_map(|(at, _)| {
        let metric = parse(&left[at + 1..])?;
        let operation = &left[..at];
        (!operation.is_empty())
            .then(|| ((operation != "all").then(|| operation.to_owned()), metric))
    })
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Report {
    /// Checks SLOs against the report and stores the results in it.
    pub fn check(&mut self, slos: &[Slo]) {
        self.slos = slos.iter().map(|s| s.evaluate(self)).collect();
    }
}

impl Slo {
    /// Returns whether the SLO limits a rate, which differs between a shard and the whole run.
    pub(crate) fn is_rate(&self) -> bool {
        self.metric == Metric::Rate
    }

    /// Checks that the workload has the operation or kind that the SLO refers to.
    ///
    /// # Errors
    ///
    /// Returns a message with similar names.
    pub fn check_against(&self, workload: &Workload) -> Result<(), String> {
        let Some(wanted) = &self.operation else {
            return Ok(());
        };
        let operations = workload.operations.iter();
        let names = operations.flat_map(|o| [o.name.as_str(), o.kind.as_str()]);
        self.check_names(wanted, names.collect(), &workload.name)
    }

    /// Checks that the report has the operation or kind that the SLO refers to.
    ///
    /// # Errors
    ///
    /// Returns a message with similar names.
    pub fn check_report(&self, report: &Report) -> Result<(), String> {
        let Some(wanted) = &self.operation else {
            return Ok(());
        };
        let operations = report.operations.iter();
        let names = operations.flat_map(|o| [o.name.as_str(), o.kind.as_str()]);
        self.check_names(wanted, names.collect(), &report.run.workload)
    }

    fn check_names(&self, wanted: &str, names: Vec<&str>, workload: &str) -> Result<(), String> {
        if names.contains(&wanted) {
            return Ok(());
        }
        let near = crate::workload::near(wanted, names.iter().copied());
        Err(format!(
            "'{}': the workload '{workload}' has no operation '{wanted}'{near}",
            self.text
        ))
    }

    /// Returns which of the operations (name and kind, in order) the SLO applies to.
    pub(crate) fn chosen<'a>(
        &self,
        operations: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> Vec<bool> {
        let named = |(name, _): (&str, &str)| self.operation.as_deref() == Some(name);
        let by_name = operations.clone().any(named);
        let is_chosen = |(name, kind): (&str, &str)| match self.operation.as_deref() {
            None => kind != "chain" && kind != crate::workload::PREPARATION,
            Some(wanted) if by_name => name == wanted,
            Some(wanted) => kind == wanted,
        };
        operations.map(is_chosen).collect()
    }

    /// Returns the bound in microseconds, for an SLO on times.
    pub(crate) fn micros(&self) -> f64 {
        match self.metric {
            Metric::Quantile(_) | Metric::Mean | Metric::Max => self.bound,
            Metric::Rate | Metric::Errors => f64::INFINITY,
        }
    }

    /// Returns why the SLO can no longer be met, even if every remaining request is fast and successful.
    ///
    /// `left` is the maximum number of remaining requests, `seconds` the duration of the whole measurement.
    pub(crate) fn hopeless(&self, now: SoFar, left: f64, seconds: f64) -> Option<String> {
        let (ok, failed) = (now.ok as f64, now.failed as f64);
        let why = match (self.metric, self.below) {
            (Metric::Errors, true) => (failed > self.bound * (ok + failed + left))
                .then(|| format!("{} requests failed", now.failed)),
            (Metric::Max, true) => (now.max as f64 > self.bound)
                .then(|| format!("a request took {}", show_micros(now.max as f64))),
            (Metric::Mean, true) => (now.micros > self.bound * (ok + left))
                .then(|| format!("the mean is {}", show_micros(now.micros / ok.max(1.0)))),
            // A histogram value may represent a slightly shorter time, so one more request is required.
            (Metric::Quantile(q), true) => (now.longer as f64 > (1.0 - q) * (ok + left) + 1.0)
                .then(|| format!("{} of {} requests took longer", now.longer, now.ok)),
            (Metric::Rate, false) => (ok + left < self.bound * seconds)
                .then(|| format!("{} requests have succeeded so far", now.ok)),
            _ => None,
        };
        why.map(|why| format!("SLO '{}' can no longer be met: {why}", self.text))
    }

    pub(crate) fn evaluate(&self, report: &Report) -> SloResult {
        let operations: Vec<&OperationReport> = match &self.operation {
            None => report.operations.iter().filter(|o| !o.is_apart()).collect(),
            Some(name) => match report.operation(name) {
                Some(one) => vec![one],
                None => report
                    .operations
                    .iter()
                    .filter(|o| o.kind == *name)
                    .collect(),
            },
        };
        let times = || -> Option<Histogram<u64>> {
            let mut sum = histogram();
            for outcome in operations.iter().filter_map(|o| o.outcome(Outcome::Ok)) {
                sum.add(outcome.response.to_histogram().ok()?).ok()?;
            }
            Some(sum)
        };
        let count = operations.iter().map(|o| o.count()).sum();
        let failed = operations.iter().map(|o| o.failed()).sum();
        let value = self.value(count, failed, times, report.run.seconds);
        self.result(value, count, failed)
    }

    /// Evaluates the SLO as if the run ended now, from the requests of the operations that it applies to.
    pub(crate) fn evaluate_so_far(
        &self,
        count: u64,
        failed: u64,
        times: &Histogram<u64>,
        seconds: f64,
    ) -> SloResult {
        let value = self.value(count, failed, || Some(times.clone()), seconds);
        self.result(value, count, failed)
    }

    /// Returns what restricts a measured time: fewer requests than the percentile needs, or enough failures, which
    /// have no response time, to change it.
    fn caveat(&self, count: u64, failed: u64) -> Option<String> {
        let (tail, percent) = match self.metric {
            Metric::Quantile(q) => (1.0 - q, (q * 1e9).round() / 1e7),
            Metric::Mean | Metric::Max => (0.0, 0.0),
            Metric::Rate | Metric::Errors => return None,
        };
        let succeeded = count - failed;
        // Rounded, because 1 / (1 - 0.99) is slightly more than 100.
        let needed = (1.0 / tail * 1e3).round() / 1e3;
        let few = (tail > 0.0 && (succeeded as f64) < needed).then(|| {
            format!(
                "the slowest of {}, because p{percent} needs {}",
                counted(succeeded, "request"),
                show_count(needed.ceil() as u64)
            )
        });
        let incomplete = (failed as f64 > tail * count as f64).then(|| {
            format!(
                "excluding {} of {}, which failed",
                show_count(failed),
                counted(count, "request")
            )
        });
        let parts: Vec<String> = few.into_iter().chain(incomplete).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    fn result(&self, value: Option<f64>, count: u64, failed: u64) -> SloResult {
        let held = value.is_some_and(|v| {
            let strictly = if self.below {
                v < self.bound
            } else {
                v > self.bound
            };
            strictly || (self.or_equal && v == self.bound)
        });
        SloResult {
            expression: self.text.clone(),
            measured: value.map(|v| self.show(v)),
            held,
            caveat: value.and_then(|_| self.caveat(count, failed)),
        }
    }

    fn value(
        &self,
        count: u64,
        failed: u64,
        times: impl FnOnce() -> Option<Histogram<u64>>,
        seconds: f64,
    ) -> Option<f64> {
        if count == 0 {
            return None;
        }
        let times = || times().filter(|times| !times.is_empty());
        Some(match self.metric {
            Metric::Rate => (count - failed) as f64 / seconds.max(1e-6),
            Metric::Errors => failed as f64 / count as f64,
            Metric::Quantile(q) => times()?.value_at_quantile(q) as f64,
            Metric::Mean => times()?.mean(),
            Metric::Max => times()?.max() as f64,
        })
    }

    fn show(&self, value: f64) -> String {
        match self.metric {
            Metric::Rate => format!("{value:.1}/s"),
            Metric::Errors => format!("{:.3}%", value * 100.0),
            Metric::Quantile(_) | Metric::Mean | Metric::Max => show_micros(value),
        }
    }
}

#[cfg(test)]
mod tests;
