//! Trends over many runs of one workload, ordered by date: rate, percentiles, errors and their changes.
//!
//! The design limits false alarms. A change is marked only if it lasts for at least five runs, exceeds a threshold, and
//! is significant at a level corrected for the number of series that are examined, so that with a probability of 95 % a
//! page of equal runs has no mark.

mod changes;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::changes::{runs_needed, splits};
use crate::report::{Decode, Distribution, Model, Outcome, Report, Verdict};
use crate::units::{counted, show_range};

/// Probability of at least one mark on a page of equal runs.
const FALSE_ALARMS: f64 = 0.05;
/// Metrics that are examined for changes: median, 99th percentile and errors.
const EXAMINED: [Metric; 3] = [Metric::P50, Metric::P99, Metric::Errors];
/// Smallest change of the error share that is marked.
const MIN_ERROR_CHANGE: f64 = 0.005;
/// Name of the series over all requests.
pub const ALL_REQUESTS: &str = "all requests";

/// Options of [`trend`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrendOptions {
    /// Smallest relative change of a median that is marked: 0.05 is 5 %. A 99th percentile needs twice as much.
    pub threshold: f64,
}

impl Default for TrendOptions {
    fn default() -> Self {
        Self { threshold: 0.05 }
    }
}

/// The trends of all groups of comparable runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trend {
    /// Groups of comparable runs, the largest first.
    pub groups: Vec<TrendGroup>,
}

/// Runs of the same workload with the same load against the same target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrendGroup {
    /// Name of the workload.
    pub workload: String,
    /// The load, such as `16 workers` or `20 iterations/s`.
    pub load: String,
    /// Address of the target.
    pub target: String,
    /// The runs by date, oldest first.
    pub runs: Vec<TrendRun>,
    /// All requests first, then the operations.
    pub series: Vec<TrendSeries>,
    /// Runs that a group needs before a change can be significant.
    pub runs_needed: usize,
}

/// A run in a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrendRun {
    /// Name of the report, as passed by the caller.
    pub file: String,
    /// Start, RFC 3339.
    pub started: String,
    /// EspoCRM's version.
    pub version: Option<String>,
    /// Label of the run (`--label`).
    pub label: Option<String>,
    /// Whether the run takes part in the search for changes: runs with a saturated load generator do not.
    pub is_trustworthy: bool,
}

/// The figures of one operation in all runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrendSeries {
    /// The operation's name, or [`ALL_REQUESTS`].
    pub operation: String,
    /// Figures by run; null where the run does not have the operation.
    pub points: Vec<Option<TrendPoint>>,
    /// Lasting changes, in the order of the runs.
    pub changes: Vec<Change>,
}

/// Figures of one operation in one run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrendPoint {
    /// Number of requests, including failed ones.
    pub requests: u64,
    /// Requests per second.
    #[schemars(extend("unit" = "1/s"))]
    pub rate: f64,
    /// Fraction of failed requests, 0 to 1.
    pub errors: f64,
    /// Median response time in microseconds; null if no request succeeded, as for the other times.
    #[schemars(extend("unit" = "us"))]
    pub p50: Option<u64>,
    /// 90th percentile, microseconds.
    #[schemars(extend("unit" = "us"))]
    pub p90: Option<u64>,
    /// 95th percentile, microseconds.
    #[schemars(extend("unit" = "us"))]
    pub p95: Option<u64>,
    /// 99th percentile, microseconds.
    #[schemars(extend("unit" = "us"))]
    pub p99: Option<u64>,
    /// Longest response time, microseconds.
    #[schemars(extend("unit" = "us"))]
    pub max: Option<u64>,
}

/// A metric that is examined for changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Median response time.
    P50,
    /// 99th percentile of response times.
    P99,
    /// Fraction of failed requests.
    Errors,
}

/// A lasting change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The metric that changed.
    pub metric: Metric,
    /// Index of the first run after the change.
    pub run: usize,
    /// Median of the runs before, in microseconds or as a fraction.
    pub before: f64,
    /// Median of the runs after, in microseconds or as a fraction.
    pub after: f64,
}

impl Change {
    /// Returns whether the figures are worse after the change.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.after > self.before
    }

    /// Returns the relative change: 0.1 is 10 % more. Infinite if the value before was zero.
    #[must_use]
    pub fn relative(&self) -> f64 {
        self.after / self.before - 1.0
    }
}

impl Trend {
    /// Returns whether the newest change of any series is a regression.
    #[must_use]
    pub fn ends_worse(&self) -> bool {
        let series = self.groups.iter().flat_map(|g| &g.series);
        series.into_iter().any(|s| {
            EXAMINED.iter().any(|metric| {
                let newest = s.changes.iter().rfind(|c| c.metric == *metric);
                newest.is_some_and(Change::is_worse)
            })
        })
    }
}

/// Sorts reports by date and marks lasting changes. `reports` are pairs of a name, usually the file, and a report.
#[must_use]
pub fn trend(reports: &[(String, Report)], options: TrendOptions) -> Trend {
    let mut groups: BTreeMap<String, Vec<&(String, Report)>> = BTreeMap::new();
    for report in reports {
        groups.entry(key(&report.1)).or_default().push(report);
    }
    let firsts: Vec<&Report> = groups.values().map(|reports| &reports[0].1).collect();
    let mut groups: Vec<TrendGroup> = groups
        .values()
        .map(|reports| {
            let mut reports = reports.clone();
            reports.sort_by_key(|(file, r)| (instant(r), file.clone()));
            group(&reports, options)
        })
        .collect();
    distinguish(&mut groups, &firsts);
    groups.sort_by_key(|g| std::cmp::Reverse(g.runs.len()));
    Trend { groups }
}

/// Returns the properties that runs must share to be comparable.
fn key(report: &Report) -> String {
    let run = &report.run;
    // The embedded server has another port in each run.
    let url = match report.target.embedded {
        true => "embedded",
        false => report.target.url.trim_end_matches('/'),
    };
    format!(
        "{} {:?} {:?} {:?} {url}",
        run.workload_sha256, run.model, run.think_seconds, run.decode
    )
}

/// Adds to the load of groups that look equal how they differ.
fn distinguish(groups: &mut [TrendGroup], reports: &[&Report]) {
    let shown = |group: &TrendGroup| {
        let TrendGroup {
            workload,
            load,
            target,
            ..
        } = group;
        (workload.clone(), load.clone(), target.clone())
    };
    let all: Vec<_> = groups.iter().map(shown).collect();
    for (group, report) in groups.iter_mut().zip(reports) {
        if all.iter().filter(|other| **other == shown(group)).count() < 2 {
            continue;
        }
        let run = &report.run;
        let mut details = vec![format!(
            "workload file {}",
            &run.workload_sha256[..8.min(run.workload_sha256.len())]
        )];
        if let Model::Open {
            arrivals,
            max_in_flight,
            ..
        } = &run.model
        {
            let arrivals = format!("{arrivals:?}").to_lowercase();
            details.push(format!(
                "{arrivals} arrivals, at most {max_in_flight} in flight"
            ));
        }
        if let Some((min, max)) = run.think_seconds {
            details.push(format!("think times of {}", show_range((min, max))));
        }
        details.push(match run.decode {
            Decode::Typed => "typed decoding".into(),
            Decode::Skip => "no decoding".into(),
        });
        group.load = format!("{} ({})", group.load, details.join(", "));
    }
}

/// Returns the start of a run as an instant, so that dates in different time zones sort correctly.
fn instant(report: &Report) -> Option<jiff::Timestamp> {
    report.run.started.parse().ok()
}

fn group(reports: &[&(String, Report)], options: TrendOptions) -> TrendGroup {
    let first = &reports[0].1;
    let runs: Vec<TrendRun> = reports.iter().map(|(file, r)| run(file, r)).collect();
    let mut names: Vec<&str> = Vec::new();
    for operation in reports.iter().flat_map(|(_, r)| &r.operations) {
        if !names.contains(&operation.name.as_str()) {
            names.push(&operation.name);
        }
    }
    let mut series = vec![TrendSeries {
        operation: ALL_REQUESTS.into(),
        points: reports.iter().map(|(_, r)| Some(all_requests(r))).collect(),
        changes: Vec::new(),
    }];
    series.extend(names.iter().map(|name| TrendSeries {
        operation: (*name).to_owned(),
        points: reports.iter().map(|(_, r)| operation(r, name)).collect(),
        changes: Vec::new(),
    }));
    let level = FALSE_ALARMS / (series.len() * EXAMINED.len()) as f64;
    // A fixed seed for the reorderings, so that equal reports give equal marks.
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    for one in &mut series {
        one.changes = changes_of(one, &runs, level, options, &mut rng);
    }
    TrendGroup {
        workload: first.run.workload.clone(),
        load: load(&first.run.model),
        target: if first.target.embedded {
            "the embedded server".into()
        } else {
            first.target.url.clone()
        },
        runs,
        series,
        runs_needed: runs_needed(level),
    }
}

fn load(model: &Model) -> String {
    match model {
        Model::Closed { concurrency } => counted(u64::from(*concurrency), "worker"),
        Model::Open { rate, .. } => format!("{rate} iterations/s"),
    }
}

fn run(file: &str, report: &Report) -> TrendRun {
    TrendRun {
        file: file.to_owned(),
        started: report.run.started.clone(),
        version: report.target.version.clone(),
        label: report.run.label.clone(),
        is_trustworthy: report.generator.verdict != Verdict::GeneratorSaturated,
    }
}

fn all_requests(report: &Report) -> TrendPoint {
    point(
        report.totals.requests,
        report.totals.failed,
        report.totals.rate,
        Some(&report.all),
    )
}

fn operation(report: &Report, name: &str) -> Option<TrendPoint> {
    let operation = report.operation(name)?;
    let times = operation.outcome(Outcome::Ok).map(|o| &o.response);
    Some(point(
        operation.count(),
        operation.failed(),
        operation.rate(),
        times,
    ))
}

fn point(requests: u64, failed: u64, rate: f64, times: Option<&Distribution>) -> TrendPoint {
    let times = times.filter(|t| t.count > 0);
    TrendPoint {
        requests,
        rate,
        errors: failed as f64 / requests.max(1) as f64,
        p50: times.map(|t| t.p50),
        p90: times.map(|t| t.p90),
        p95: times.map(|t| t.p95),
        p99: times.map(|t| t.p99),
        max: times.map(|t| t.max),
    }
}

impl TrendPoint {
    /// Returns the value of an examined metric.
    fn value(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::P50 => self.p50.map(|v| v as f64),
            Metric::P99 => self.p99.map(|v| v as f64),
            Metric::Errors => (self.requests > 0).then_some(self.errors),
        }
    }
}

fn changes_of(
    series: &TrendSeries,
    runs: &[TrendRun],
    level: f64,
    options: TrendOptions,
    rng: &mut Pcg64Mcg,
) -> Vec<Change> {
    let mut all = Vec::new();
    for metric in EXAMINED {
        let known = series.points.iter().zip(runs).enumerate();
        let known = known.filter_map(|(index, (point, run))| {
            let value = point.as_ref()?.value(metric)?;
            run.is_trustworthy.then_some((index, value))
        });
        let (places, values): (Vec<usize>, Vec<f64>) = known.unzip();
        let differs = |before: f64, after: f64| match metric {
            Metric::P50 => (after / before - 1.0).abs() >= options.threshold,
            Metric::P99 => (after / before - 1.0).abs() >= 2.0 * options.threshold,
            Metric::Errors => (after - before).abs() >= MIN_ERROR_CHANGE,
        };
        all.extend(
            splits(&values, level, differs, rng)
                .into_iter()
                .map(|split| Change {
                    metric,
                    run: places[split.at],
                    before: split.before,
                    after: split.after,
                }),
        );
    }
    all.sort_by_key(|c| c.run);
    all
}
