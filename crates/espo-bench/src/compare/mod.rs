//! Two runs against each other: what differs, how sure that is, and a verdict.
//!
//! For each operation the median and the 99th percentile of both runs are compared as a ratio. How far the
//! ratio could be off is estimated by a circular block bootstrap over the interval histograms: whole
//! stretches of a run are drawn again, so that slow phases, which make neighbouring seconds alike, widen
//! the interval as they should. A difference gets a verdict only when the interval leaves out "equal", at a
//! level corrected for the number of comparisons, and when it is larger than the threshold: two runs on one
//! machine always differ by a little that is no one's doing.

mod bootstrap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::bootstrap::Blocks;
use crate::report::{Model, OperationReport, Outcome, Report, Verdict as Generator};

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
    /// By operation, in the order of the first run.
    pub operations: Vec<OperationComparison>,
    /// Why the runs are not really comparable; only with `--force`.
    pub objections: Vec<String>,
    /// Smallest relative difference that gets a verdict.
    pub threshold: f64,
}

/// One operation in two runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationComparison {
    /// The operation's name.
    pub name: String,
    /// Median response times.
    pub p50: Option<Difference>,
    /// 99th percentiles of response times.
    pub p99: Option<Difference>,
    /// Share of failed requests in the first and the second run.
    pub errors: (f64, f64),
    /// What follows.
    pub verdict: Verdict,
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
    /// Too few requests to say anything.
    TooFew,
}

impl Comparison {
    /// 1 when something got worse, else 0.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        u8::from(self.operations.iter().any(|o| o.verdict == Verdict::Worse))
    }
}

/// Fewer successful requests than this say nothing about a 99th percentile.
const MIN_REQUESTS: u64 = 200;
const MIN_BLOCKS: usize = 6;

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
    let objections = objections(before, after);
    if !objections.is_empty() && !options.force {
        return Err(format!(
            "these runs are not comparable (--force compares them nevertheless):\n  {}",
            objections.join("\n  ")
        ));
    }
    let pairs: Vec<(&OperationReport, &OperationReport)> = before
        .operations
        .iter()
        .filter_map(|a| Some((a, after.operation(&a.name)?)))
        .collect();
    // Two figures for each operation.
    let z = bootstrap::z_score(options.error / (2.0 * pairs.len().max(1) as f64));
    let operations = pairs
        .into_iter()
        .map(|(a, b)| one(a, b, options.threshold, z));
    Ok(Comparison {
        operations: operations.collect::<Result<_, _>>()?,
        objections,
        threshold: options.threshold,
    })
}

fn objections(a: &Report, b: &Report) -> Vec<String> {
    let mut out = Vec::new();
    if a.run.workload_sha256 != b.run.workload_sha256 {
        out.push(format!(
            "different workloads: {} and {}",
            a.run.workload, b.run.workload
        ));
    }
    let load = |m: &Model| match m {
        Model::Closed { concurrency } => format!("{concurrency} workers"),
        Model::Open { rate, .. } => format!("{rate} iterations/s"),
    };
    if load(&a.run.model) != load(&b.run.model) {
        out.push(format!(
            "different load: {} and {}",
            load(&a.run.model),
            load(&b.run.model)
        ));
    }
    if a.run.decode != b.run.decode {
        out.push("different decoding".into());
    }
    for (entity, count) in &a.target.records {
        let other = b.target.records.get(entity).copied().unwrap_or(0);
        let (small, large) = (*count.min(&other) as f64, *count.max(&other) as f64);
        if large > small * 1.1 + 10.0 {
            out.push(format!(
                "different size of the target: {count} and {other} records of {entity}"
            ));
        }
    }
    for (name, report) in [("first", a), ("second", b)] {
        if report.generator.verdict == Generator::GeneratorSaturated {
            out.push(format!(
                "the generator of the {name} run was the bottleneck: {}",
                report.generator.reasons.join("; ")
            ));
        }
        if report.run.stopped.is_some() {
            out.push(format!("the {name} run was stopped early"));
        }
    }
    out
}

fn one(
    a: &OperationReport,
    b: &OperationReport,
    threshold: f64,
    z: f64,
) -> Result<OperationComparison, String> {
    let share = |o: &OperationReport| o.failed() as f64 / o.count().max(1) as f64;
    let errors = (share(a), share(b));
    let mut out = OperationComparison {
        name: a.name.clone(),
        p50: None,
        p99: None,
        errors,
        verdict: Verdict::TooFew,
    };
    if let Some(verdict) = errors_verdict(a, b, z) {
        out.verdict = verdict;
    }
    let enough = |o: &OperationReport| {
        o.outcome(Outcome::Ok)
            .is_some_and(|ok| ok.count >= MIN_REQUESTS)
            && o.blocks.iter().flatten().count() >= MIN_BLOCKS
    };
    if !enough(a) || !enough(b) {
        return Ok(out);
    }
    let (blocks_a, blocks_b) = (Blocks::read(&a.blocks)?, Blocks::read(&b.blocks)?);
    const FIGURES: [f64; 2] = [0.5, 0.99];
    let (errors_a, errors_b) = (
        blocks_a.log_errors(FIGURES, 1),
        blocks_b.log_errors(FIGURES, 2),
    );
    let difference = |figure: usize| {
        let q = FIGURES[figure];
        let (before, after) = (blocks_a.quantile(q), blocks_b.quantile(q));
        let log = (after / before).ln();
        let error = errors_a[figure].hypot(errors_b[figure]);
        Difference {
            before,
            after,
            change: log.exp_m1(),
            low: (log - z * error).exp_m1(),
            high: (log + z * error).exp_m1(),
        }
    };
    let (p50, p99) = (difference(0), difference(1));
    out.p50 = Some(p50);
    out.p99 = Some(p99);
    let sure =
        |d: &Difference, least: f64| (d.low > 0.0 || d.high < 0.0) && d.change.abs() >= least;
    // A tail wanders more from run to run than the bootstrap within a run can see.
    let changed: Vec<&Difference> = [(&p50, threshold), (&p99, 2.0 * threshold)]
        .into_iter()
        .filter(|(d, least)| sure(d, *least))
        .map(|(d, _)| d)
        .collect();
    if out.verdict == Verdict::TooFew {
        out.verdict = match changed.as_slice() {
            [] => Verdict::NoDifference,
            some if some.iter().any(|d| d.change > 0.0) => Verdict::Worse,
            _ => Verdict::Better,
        };
    }
    Ok(out)
}

/// Two shares of errors by the normal approximation; none when they do not clearly differ.
fn errors_verdict(a: &OperationReport, b: &OperationReport, z: f64) -> Option<Verdict> {
    let (n, m) = (a.count() as f64, b.count() as f64);
    if n < 1.0 || m < 1.0 {
        return None;
    }
    let (p, q) = (a.failed() as f64 / n, b.failed() as f64 / m);
    let pooled = (p * n + q * m) / (n + m);
    let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    // A tenth of a percent is the smallest share that anyone sets a limit on.
    let clear = (q - p).abs() > z * error && (q - p).abs() > 0.001;
    clear.then_some(if q > p {
        Verdict::Worse
    } else {
        Verdict::Better
    })
}

#[cfg(test)]
mod tests;
