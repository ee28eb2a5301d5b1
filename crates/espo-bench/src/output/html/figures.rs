//! Charts of a report.

use maud::{Markup, html};

use super::super::charts::{Chart, Scale, Series, svg};
use super::super::summary::unit;
use crate::report::{CapacityLoad, Model, OperationReport, Outcome, Report, Second};
use crate::units::{show_count, show_micros, trim};

/// Maximum number of lines in the percentile chart; more could not be distinguished.
const MAX_LINES: usize = 6;
const SINCE_START: &str = "seconds from the start of the measurement";

/// Renders a chart with its title, explanation and legend; empty if there is nothing to draw.
pub(super) fn figure(title: &str, note: &str, chart: &Chart) -> Markup {
    let Some(drawn) = svg(chart) else {
        return html! {};
    };
    // Each chart maps its lines to the page's colours.
    let lines = chart
        .series
        .iter()
        .enumerate()
        .map(|(slot, s)| format!("--line{slot}:var(--c{})", s.colour));
    let lines = lines.collect::<Vec<_>>().join(";");
    html! {
        figure style=(lines) {
            figcaption {
                h2 { (title) }
                p { (note) }
                p.legend {
                    @for series in &chart.series {
                        span { i class={ "swatch c" (series.colour) } {} (series.name) }
                    }
                }
            }
            div.scroll { (drawn) }
        }
    }
}

/// Renders all charts of the report.
pub(super) fn all(report: &Report) -> Markup {
    let steps = Steps::of(report);
    html! {
        (latency(&steps))
        (percentiles(report))
        (rate(report, &steps))
        @if report.totals.failed > 0 {
            (errors(&steps))
        } @else {
            section { h2 { "Errors" } p { "No request failed." } }
        }
        @if !report.capacity.is_empty() { (capacity(report)) }
    }
}

/// The intervals of the time series.
struct Steps<'a> {
    all: &'a [Second],
    /// Length of a step in seconds.
    length: f64,
    /// Length of the measurement in seconds.
    measured: f64,
}

impl<'a> Steps<'a> {
    fn of(report: &'a Report) -> Self {
        Self {
            all: &report.series,
            length: report.step_seconds.max(1) as f64,
            measured: report.run.seconds,
        }
    }

    fn is_full(&self, step: &Second) -> bool {
        step.at + self.length <= self.measured + 0.01
    }

    /// Returns the steps that are entirely within the measurement, or all of them if it is shorter than a step.
    fn full(&self) -> impl Iterator<Item = &'a Second> {
        let none_is_full = !self.all.iter().any(|s| self.is_full(s));
        self.all
            .iter()
            .filter(move |s| none_is_full || self.is_full(s))
    }

    /// Returns the values of the full steps.
    fn every(&self, value: impl Fn(&Second) -> f64) -> Vec<(f64, f64)> {
        self.full().map(|s| (s.at, value(s))).collect()
    }

    /// Returns the times of the steps with successful requests. The few responses after the end form a separate step;
    /// it is shown only if it has the slowest response, because its percentiles are based on very few requests.
    fn times(&self, value: impl Fn(&Second) -> f64) -> Vec<(f64, f64)> {
        let slowest = self.full().map(|s| s.max).max();
        let shown = |s: &&Second| s.ok > 0 && (self.is_full(s) || Some(s.max) > slowest);
        let mut points: Vec<_> = self.all.iter().filter(shown).collect();
        if points.is_empty() {
            points = self.full().filter(|s| s.ok > 0).collect();
        }
        points.into_iter().map(|s| (s.at, value(s))).collect()
    }
}

fn line(name: &str, colour: usize, points: Vec<(f64, f64)>) -> Series {
    Series {
        name: name.into(),
        colour,
        points,
        filled: false,
    }
}

fn area(name: &str, colour: usize, points: Vec<(f64, f64)>) -> Series {
    Series {
        filled: true,
        ..line(name, colour, points)
    }
}

fn seconds(value: f64) -> String {
    format!("{} s", trim(value))
}

pub(super) fn per_second(value: f64) -> String {
    if value >= 10.0 || value == 0.0 {
        format!("{}/s", show_count(value.round() as u64))
    } else {
        format!("{value:.1}/s")
    }
}

/// Returns a chart over the time of the run.
fn over_time(series: Vec<Series>, y: Scale, show_y: fn(f64) -> String) -> Chart {
    Chart {
        series,
        x: Scale::Linear,
        x_label: SINCE_START,
        y,
        show_x: Box::new(seconds),
        show_y: Box::new(show_y),
        marks: Vec::new(),
    }
}

fn latency(steps: &Steps<'_>) -> Markup {
    let series = vec![
        line("p50", 0, steps.times(|s| s.p50 as f64)),
        line("p99", 1, steps.times(|s| s.p99 as f64)),
        line("max", 2, steps.times(|s| s.max as f64)),
    ];
    figure(
        "Response times over time",
        "All successful requests, by the second in which the response arrived; logarithmic.",
        &over_time(series, Scale::Log, show_micros),
    )
}

fn percentiles(report: &Report) -> Markup {
    let chart = Chart {
        series: percentile_lines(report),
        x: Scale::Percentile,
        x_label: "percentile, logarithmic towards 100 %",
        y: Scale::Log,
        show_x: Box::new(|q| format!("{} %", trim(q * 100.0))),
        show_y: Box::new(show_micros),
        marks: Vec::new(),
    };
    figure(
        "Percentiles",
        "The response time within which this percentage of requests completed; both axes are logarithmic.",
        &chart,
    )
}

fn rate(report: &Report, steps: &Steps<'_>) -> Markup {
    let length = steps.length.min(report.run.seconds.max(0.001));
    let mut series = vec![area(
        "responses",
        0,
        steps.every(|s| (s.ok + s.failed) as f64 / length),
    )];
    if matches!(report.run.model, Model::Open { .. }) {
        let target = report
            .series
            .iter()
            .filter_map(|s| s.target_rate.map(|t| (s.at, t)));
        series.push(line("target (iterations)", 3, target.collect()));
    }
    figure(
        "Rate",
        "Responses per second; in the open model also the target rate.",
        &over_time(series, Scale::Linear, per_second),
    )
}

fn errors(steps: &Steps<'_>) -> Markup {
    let series = vec![area(
        "failed",
        2,
        steps.every(|s| s.failed as f64 / steps.length),
    )];
    figure(
        "Errors",
        "Failed requests per second.",
        &over_time(series, Scale::Linear, per_second),
    )
}

fn capacity(report: &Report) -> Markup {
    let loads = report.capacity_loads();
    let probes = |f: fn(&CapacityLoad) -> f64| loads.iter().map(|p| (p.load, f(p))).collect();
    let chart = Chart {
        series: vec![
            line("p50", 0, probes(|p| p.p50 as f64)),
            line("p99", 1, probes(|p| p.p99 as f64)),
        ],
        x: Scale::Linear,
        x_label: unit(report),
        y: Scale::Log,
        show_x: Box::new(trim),
        show_y: Box::new(show_micros),
        marks: Vec::new(),
    };
    figure(
        "Capacity",
        "Response times by load; the capacity is the highest load at which all SLOs are met.",
        &chart,
    )
}

/// Returns the curves of the operations with the most requests, and the curve of all requests.
fn percentile_lines(report: &Report) -> Vec<Series> {
    let mut busiest: Vec<&OperationReport> = report
        .operations
        .iter()
        .filter(|o| !o.is_apart() && o.outcome(Outcome::Ok).is_some())
        .collect();
    busiest.sort_by_key(|o| std::cmp::Reverse(o.count()));
    busiest.truncate(MAX_LINES - 1);
    let mut lines = vec![line("all", 5, curve(&report.all))];
    for (colour, operation) in busiest.into_iter().enumerate() {
        if let Some(ok) = operation.outcome(Outcome::Ok) {
            lines.push(line(&operation.name, colour, curve(&ok.response)));
        }
    }
    lines
}

/// Returns the points of a percentile curve, as far as the number of requests supports them.
fn curve(distribution: &crate::report::Distribution) -> Vec<(f64, f64)> {
    let Ok(histogram) = distribution.to_histogram() else {
        return Vec::new();
    };
    if histogram.is_empty() {
        return Vec::new();
    }
    let last = 1.0 - 1.0 / (histogram.len() as f64);
    let steps = (0..=60).map(|i| 1.0 - 10_f64.powf(-f64::from(i) / 10.0));
    let mut points: Vec<(f64, f64)> = steps
        .take_while(|q| *q < last)
        .map(|q| (q, histogram.value_at_quantile(q) as f64))
        .collect();
    points.push((last.max(0.0), histogram.max() as f64));
    points
}
