//! Trends over many runs as text and as CSV.

use std::fmt::Write as _;

use crate::trend::{Change, Metric, Trend, TrendGroup, TrendPoint};
use crate::units::{show_count, show_micros};

/// Returns the changes and the newest figures of each group as text.
#[must_use]
pub fn trend_text(trend: &Trend) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    for group in &trend.groups {
        let _ = writeln!(out, "{}", heading(group));
        for note in notes(group) {
            let _ = writeln!(out, "  note: {note}");
        }
        let changes = changes(group);
        if changes.is_empty() && can_detect(group) {
            let _ = writeln!(out, "  no lasting change");
        }
        for (operation, change) in changes {
            let _ = writeln!(out, "  {}", sentence(group, operation, change));
        }
        out.push('\n');
    }
    out
}

/// Returns the workload, the load and the target of a group.
pub(crate) fn heading(group: &TrendGroup) -> String {
    let runs = match group.runs.len() {
        1 => "1 run".to_owned(),
        n => format!("{} runs", show_count(n as u64)),
    };
    format!(
        "{} on {}, {}: {runs}",
        group.workload, group.target, group.load
    )
}

fn trusted(group: &TrendGroup) -> usize {
    group.runs.iter().filter(|r| r.is_trustworthy).count()
}

/// Returns whether the group has enough runs to find a change.
pub(crate) fn can_detect(group: &TrendGroup) -> bool {
    trusted(group) >= group.runs_needed
}

/// Returns the limitations of the search for changes.
pub(crate) fn notes(group: &TrendGroup) -> Vec<String> {
    let trusted = trusted(group);
    let mut out = Vec::new();
    if trusted < group.runs.len() {
        out.push(format!(
            "{} of {} runs are shown but not examined, because the load generator was saturated",
            group.runs.len() - trusted,
            group.runs.len()
        ));
    }
    if !can_detect(group) {
        out.push(format!(
            "changes cannot be detected yet: {} runs without a saturated load generator are needed, {trusted} given",
            group.runs_needed
        ));
    }
    out
}

/// Returns the changes of a group with their operations, oldest first.
pub(crate) fn changes(group: &TrendGroup) -> Vec<(&str, &Change)> {
    let mut all = Vec::new();
    for series in &group.series {
        let changes = series.changes.iter();
        all.extend(changes.map(|change| (series.operation.as_str(), change)));
    }
    all.sort_by_key(|(_, change)| change.run);
    all
}

fn sentence(group: &TrendGroup, operation: &str, change: &Change) -> String {
    let run = &group.runs[change.run];
    let word = if change.is_worse() { "WORSE" } else { "BETTER" };
    let mut since = run.started.clone();
    if let Some(version) = &run.version {
        let _ = write!(since, ", EspoCRM {version}");
    }
    if let Some(label) = &run.label {
        let _ = write!(since, ", {label}");
    }
    format!(
        "{word} {operation} {}: {} since {since} ({})",
        metric(change.metric),
        figures_of(change),
        run.file
    )
}

/// Returns the medians before and after a change.
pub(crate) fn figures_of(change: &Change) -> String {
    match change.metric {
        Metric::P50 | Metric::P99 => format!(
            "{} → {} ({:+.1} %)",
            show_micros(change.before),
            show_micros(change.after),
            change.relative() * 100.0
        ),
        Metric::Errors => format!(
            "{:.2} % → {:.2} %",
            change.before * 100.0,
            change.after * 100.0
        ),
    }
}

/// Returns the display name of a metric.
pub(crate) fn metric(metric: Metric) -> &'static str {
    match metric {
        Metric::P50 => "p50",
        Metric::P99 => "p99",
        Metric::Errors => "errors",
    }
}

const COLUMNS: [&str; 16] = [
    "started",
    "file",
    "version",
    "label",
    "workload",
    "load",
    "target",
    "trustworthy",
    "operation",
    "requests",
    "requests_per_second",
    "error_share",
    "p50_us",
    "p90_us",
    "p95_us",
    "p99_us",
];

/// Returns one row per run and operation, for other tools that track time series. Times are in microseconds.
#[must_use]
pub fn trend_csv(trend: &Trend) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(COLUMNS.iter().chain(&["max_us", "change"]));
    for group in &trend.groups {
        for (index, run) in group.runs.iter().enumerate() {
            for series in &group.series {
                let Some(point) = &series.points[index] else {
                    continue;
                };
                let changes = series.changes.iter().filter(|c| c.run == index);
                let changes: Vec<&str> = changes.map(|c| metric(c.metric)).collect();
                let mut row = vec![
                    run.started.clone(),
                    run.file.clone(),
                    run.version.clone().unwrap_or_default(),
                    run.label.clone().unwrap_or_default(),
                    group.workload.clone(),
                    group.load.clone(),
                    group.target.clone(),
                    run.is_trustworthy.to_string(),
                    series.operation.clone(),
                ];
                row.extend(figures(point));
                row.push(changes.join(" "));
                let _ = writer.write_record(&row);
            }
        }
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn figures(point: &TrendPoint) -> [String; 8] {
    let time = |t: Option<u64>| t.map_or_else(String::new, |t| t.to_string());
    [
        point.requests.to_string(),
        format!("{:.3}", point.rate),
        format!("{:.6}", point.errors),
        time(point.p50),
        time(point.p90),
        time(point.p95),
        time(point.p99),
        time(point.max),
    ]
}
