//! Comparison of two runs, or of several runs per side: differences, their confidence intervals, and a verdict.
//!
//! The runs of a side are pooled. For each operation, and for all requests together, the medians and the 99th
//! percentiles of both sides are compared as a ratio. The uncertainty of the ratio is estimated in two ways. Within a
//! run, a circular block bootstrap resamples whole stretches of the interval histograms, so that slow phases, which
//! make neighbouring seconds similar, widen the interval as they should. Between runs, if a side has several, it uses
//! the differences between the runs: a machine that is slightly slower for a whole run cannot be detected within that
//! run. The larger of both estimates counts. If the sides alternate in time and have at least four runs each, the
//! differences of neighbouring runs are tested as well (see `between`): they do not contain slow phases of the machine
//! that last for several runs.
//!
//! The variation between runs cannot be estimated from one run per side, so there is no verdict then.
//!
//! A difference gets a verdict only if its interval excludes "equal" and if it exceeds the threshold, because two runs
//! on one machine always differ slightly. The level of the intervals is corrected for the number of comparisons: if
//! nothing differs, the probability of any verdict is at most 5 %; if many operations differ, each needs less evidence
//! (see `significance`). The difference that the load generator's own scheduling lag explains is deducted first.
//!
//! Without such a difference, the verdict is "no difference" only if the runs exclude a change of twice the threshold.
//! Otherwise they are undecided.

mod between;
mod bootstrap;
mod judge;
mod significance;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::judge::{Judge, Side, rows};
use crate::report::{Model, Report, Verdict as Generator};
use crate::units::counted;

/// Options of [`compare`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CompareOptions {
    /// Smallest relative difference of a median that gets a verdict: 0.05 is 5 %. A 99th percentile needs twice as
    /// much.
    pub threshold: f64,
    /// Probability of any verdict if nothing differs.
    pub error: f64,
    /// Compare runs even if they are not comparable.
    pub force: bool,
}

impl Default for CompareOptions {
    fn default() -> Self {
        Self {
            threshold: 0.05,
            error: 0.05,
            force: false,
        }
    }
}

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// All requests together.
    pub all: OperationComparison,
    /// Comparisons by operation, in the order of the first run.
    pub operations: Vec<OperationComparison>,
    /// Number of runs on each side. The interval includes the variation between runs only if both sides have at least
    /// two.
    pub runs: (usize, usize),
    /// Increase of the load generator's own scheduling lag from the first side to the second, in microseconds, at the
    /// median and at the 99th percentile. Twice this amount is deducted from a difference before the verdict.
    #[schemars(extend("unit" = "us"))]
    pub lag_change: (f64, f64),
    /// Reasons why the runs are not comparable; only with `--force`.
    pub objections: Vec<String>,
    /// Smallest relative difference that gets a verdict.
    pub threshold: f64,
}

/// Comparison of one operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationComparison {
    /// Name of the operation; `all requests` for all together.
    pub name: String,
    /// Number of requests on the first and the second side, including failed ones.
    pub requests: (u64, u64),
    /// Median response times.
    pub p50: Option<Difference>,
    /// 99th percentiles of response times.
    pub p99: Option<Difference>,
    /// Fraction of failed requests on the first and the second side.
    pub errors: (f64, f64),
    /// The verdict.
    pub verdict: Verdict,
    /// The data that a verdict needs, if there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub needed: Option<Needed>,
}

/// The data that a side needs for a verdict, estimated from the runs so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Needed {
    /// Successful requests of the operation, over all runs of the side.
    pub requests: u64,
    /// Seconds of measurement for this number of requests, over all runs; absent if there was no request to estimate it
    /// from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seconds: Option<f64>,
    /// Number of runs.
    pub runs: u64,
}

/// A figure on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Value on the first side, in microseconds.
    #[schemars(extend("unit" = "us"))]
    pub before: f64,
    /// Value on the second side, in microseconds.
    #[schemars(extend("unit" = "us"))]
    pub after: f64,
    /// `after / before − 1`.
    pub change: f64,
    /// Lower end of the confidence interval of `change`.
    pub low: f64,
    /// Upper end of the confidence interval.
    pub high: f64,
}

/// The verdict on an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Faster, or fewer errors.
    Better,
    /// Slower, or more errors.
    Worse,
    /// No significant difference: a change of the median by twice the threshold is excluded. There may be a smaller one.
    NoDifference,
    /// Too few requests or runs to exclude a change of the median by twice the threshold.
    #[serde(alias = "too_few")]
    Undecided,
}

impl Comparison {
    /// Returns 1 for a regression, 4 if all requests together are undecided, else 0.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let mut rows = self.operations.iter().chain([&self.all]);
        if rows.any(|o| o.verdict == Verdict::Worse) {
            1
        } else if self.all.verdict == Verdict::Undecided {
            4
        } else {
            0
        }
    }
}

/// Compares two runs.
///
/// # Errors
///
/// Returns the reasons why the runs are not comparable, unless `force` is set.
pub fn compare(
    before: &Report,
    after: &Report,
    options: CompareOptions,
) -> Result<Comparison, String> {
    compare_sides(&[before], &[after], options)
}

/// Compares several runs with several others.
///
/// # Errors
///
/// Same errors as [`compare`]. Also fails if a side has no run.
pub fn compare_sides(
    before: &[&Report],
    after: &[&Report],
    options: CompareOptions,
) -> Result<Comparison, String> {
    let (Some(first), false) = (before.first(), after.is_empty()) else {
        return Err("each side needs at least one run".into());
    };
    let objections = objections(first, &before[1..], after);
    if !objections.is_empty() && !options.force {
        return Err(format!(
            "the runs are not comparable; pass --force to compare them anyway:\n  {}",
            objections.join("\n  ")
        ));
    }
    let names: Vec<&str> = first
        .operations
        .iter()
        .filter(|o| !o.is_preparation())
        .map(|o| o.name.as_str())
        .filter(|name| {
            let all = before.iter().chain(after);
            all.clone().all(|run| run.operation(name).is_some())
        })
        .collect();
    let sides = [Side::of(before), Side::of(after)];
    let judge = Judge::new(&sides, options.threshold);
    let mut rows = judge.verdicts(&rows(&sides, &names)?, options.error);
    Ok(Comparison {
        all: rows.remove(0),
        operations: rows,
        runs: (before.len(), after.len()),
        lag_change: judge.lag_change(),
        objections,
        threshold: options.threshold,
    })
}

/// Returns reasons why the runs are not comparable; the other runs are compared with `first`.
fn objections(first: &Report, more_before: &[&Report], after: &[&Report]) -> Vec<String> {
    let mut out = Vec::new();
    let load = |m: &Model| match m {
        Model::Closed { concurrency } => counted(u64::from(*concurrency), "worker"),
        Model::Open { rate, .. } => format!("{rate} iterations/s"),
    };
    for other in more_before.iter().chain(after) {
        if first.run.workload_sha256 != other.run.workload_sha256 {
            out.push(format!(
                "different workloads: {} and {}",
                first.run.workload, other.run.workload
            ));
        }
        let (a, b) = (load(&first.run.model), load(&other.run.model));
        if a != b {
            out.push(format!("different load: {a} and {b}"));
        }
        if first.run.decode != other.run.decode {
            out.push("different decoding".into());
        }
        for (entity, count) in &first.target.records {
            let there = other.target.records.get(entity).copied().unwrap_or(0);
            let (small, large) = (*count.min(&there) as f64, *count.max(&there) as f64);
            if large > small * 1.1 + 10.0 {
                out.push(format!(
                    "different data: {count} and {there} {entity} records"
                ));
            }
        }
    }
    let several = !more_before.is_empty() || after.len() > 1;
    let before = std::iter::once(&first).chain(more_before);
    let sides = [
        ("first", before.copied().collect()),
        ("second", after.to_vec()),
    ];
    for (side, runs) in sides {
        for (number, run) in runs.iter().enumerate() {
            let name = match several {
                false => format!("the {side} run"),
                true => format!("run {} of the {side} side", number + 1),
            };
            if run.generator.verdict == Generator::GeneratorSaturated {
                out.push(format!(
                    "the load generator of {name} was saturated: {}",
                    run.generator.reasons.join("; ")
                ));
            }
            if run.run.stopped.is_some() {
                out.push(format!("{name} was stopped early"));
            }
        }
    }
    let mut known = std::collections::BTreeSet::new();
    for report in std::iter::once(first)
        .chain(more_before.iter().copied())
        .chain(after.iter().copied())
    {
        let run = &report.run;
        if !known.insert((&run.id, &run.started, run.shard.as_ref().map(|s| s.index))) {
            out.push(format!(
                "the run {} of {} is given several times, so it counts more than once",
                run.id, run.started
            ));
        }
    }
    // Several runs of another workload count as one objection.
    let mut seen = std::collections::BTreeSet::new();
    out.retain(|objection| seen.insert(objection.clone()));
    out
}

#[cfg(test)]
mod tests;
