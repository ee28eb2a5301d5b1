//! Two runs, or several on each side, against each other: what differs, how sure that is, and a verdict.
//!
//! The runs of a side are pooled. For each operation, and for all requests together, the median and the 99th percentile of both sides are compared as a ratio. How far the
//! ratio could be off is estimated in two ways. Within a run by a circular block bootstrap over the interval
//! histograms: whole stretches are drawn again, so that slow phases, which make neighbouring seconds alike,
//! widen the interval as they should. Between runs, when a side has several, by how much they differ from each
//! other: a machine that is a little slower for the whole of a run cannot be seen from within it. The larger
//! of both counts.
//!
//! What differs from run to run cannot be known from one run a side: then nothing is decided.
//!
//! A difference gets a verdict only when the interval leaves out "equal", at a level corrected for the number
//! of comparisons, and when it is larger than the threshold: two runs on one machine always differ by a little
//! that is no one's doing. What the generator's own scheduling lag explains is deducted before.

mod bootstrap;
mod judge;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::judge::{Judge, Side};
use crate::report::{Model, Report, Verdict as Generator};

/// What a comparison is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CompareOptions {
    /// Smallest relative difference of a median that gets a verdict: 0.05 is 5 %. A 99th percentile needs twice
    /// as much.
    pub threshold: f64,
    /// Chance of a verdict somewhere when nothing differs.
    pub error: f64,
    /// Compare runs that are not comparable.
    pub force: bool,
}

impl Default for CompareOptions {
    fn default() -> Self {
        Self {
            threshold: 0.05,
            error: 0.01,
            force: false,
        }
    }
}

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// All requests together.
    pub all: OperationComparison,
    /// By operation, in the order of the first run.
    pub operations: Vec<OperationComparison>,
    /// How many runs there are on each side. Only with two or more on each does the interval hold what differs
    /// from run to run.
    pub runs: (usize, usize),
    /// By how much the generator's own scheduling lag grew from the first side to the second, microseconds, at
    /// the median and at the 99th percentile; twice as much is deducted from a difference before it gets a verdict.
    pub lag_change: (f64, f64),
    /// Why the runs are not really comparable; only with `--force`.
    pub objections: Vec<String>,
    /// Smallest relative difference that gets a verdict.
    pub threshold: f64,
}

/// One operation in two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationComparison {
    /// The operation's name; `all requests` for all together.
    pub name: String,
    /// Requests of the first and the second side, failed ones included.
    pub requests: (u64, u64),
    /// Median response times.
    pub p50: Option<Difference>,
    /// 99th percentiles of response times.
    pub p99: Option<Difference>,
    /// Share of failed requests in the first and the second run.
    pub errors: (f64, f64),
    /// What follows.
    pub verdict: Verdict,
    /// What a decision needs, if there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub needed: Option<Needed>,
}

/// What a side needs for a decision, estimated from the runs so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Needed {
    /// Successful requests of the operation, all runs of the side together.
    pub requests: u64,
    /// Seconds of measurement for that many, all runs together; absent if there was no request to estimate it from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seconds: Option<f64>,
    /// Runs.
    pub runs: u64,
}

/// A figure in two runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// In the first run, microseconds.
    pub before: f64,
    /// In the second run, microseconds.
    pub after: f64,
    /// `after / before − 1`.
    pub change: f64,
    /// Lower end of the interval of `change`.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What a comparison says of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Faster, or fewer errors.
    Better,
    /// Slower, or more errors.
    Worse,
    /// No difference was shown; there may be a small one.
    NoDifference,
    /// Too few requests or runs to exclude a relevant difference.
    #[serde(alias = "too_few")]
    Undecided,
}

impl Comparison {
    /// 1 if something got worse; 4 if all requests together are undecided; else 0.
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
/// The reasons why they are not comparable, unless forced.
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
/// As [`compare`]; also when a side has no run.
pub fn compare_sides(
    before: &[&Report],
    after: &[&Report],
    options: CompareOptions,
) -> Result<Comparison, String> {
    let (Some(first), false) = (before.first(), after.is_empty()) else {
        return Err("there must be a run on each side".into());
    };
    let objections = objections(first, &before[1..], after);
    if !objections.is_empty() && !options.force {
        return Err(format!(
            "these runs are not comparable (--force compares them nevertheless):\n  {}",
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
    // Half of the chance of an error is for all requests together, with two figures; the rest is for the operations.
    let half = options.error / 2.0;
    let level = half / (2.0 * names.len().max(1) as f64);
    let sides = [Side::of(before), Side::of(after)];
    let judge = Judge::new(&sides, options.threshold);
    let operations = (names.into_iter()).map(|name| judge.operation(Some(name), level));
    Ok(Comparison {
        all: judge.operation(None, half / 2.0)?,
        operations: operations.collect::<Result<_, _>>()?,
        runs: (before.len(), after.len()),
        lag_change: judge.lag_change(),
        objections,
        threshold: options.threshold,
    })
}

/// What speaks against holding runs against each other; `first` is the run that the others are held against.
fn objections(first: &Report, more_before: &[&Report], after: &[&Report]) -> Vec<String> {
    let mut out = Vec::new();
    let load = |m: &Model| match m {
        Model::Closed { concurrency } => format!("{concurrency} workers"),
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
                    "different size of the target: {count} and {there} records of {entity}"
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
                    "the generator of {name} was the bottleneck: {}",
                    run.generator.reasons.join("; ")
                ));
            }
            if run.run.stopped.is_some() {
                out.push(format!("{name} was stopped early"));
            }
        }
    }
    // Three runs of another workload are one objection.
    let mut seen = std::collections::BTreeSet::new();
    out.retain(|objection| seen.insert(objection.clone()));
    out
}

#[cfg(test)]
mod tests;
