//! The page of a trend: charts over many runs, with marks at lasting changes.

use maud::{Markup, html};

use super::super::charts::{Chart, Scale, Series};
use super::super::trend::{self, can_detect, heading, notes};
use super::figures::{figure, per_second};
use super::page::{badge, page, sentence};

use crate::trend::{Change, Trend, TrendGroup, TrendPoint, TrendSeries};
use crate::units::{show_count, show_micros, trim};

/// Number of operations whose charts are initially expanded.
const OPEN: usize = 6;

/// Returns the trend over many runs as an HTML page.
#[must_use]
pub fn trend_html(trend: &Trend) -> String {
    let body = html! {
        header {
            h1 { "Trend" }
            p { "Load tests over time. A mark shows a lasting change, with the medians before and after it." }
        }
        @if trend.groups.is_empty() { p.warning { "There are no reports." } }
        @for group in &trend.groups { (one(group)) }
    };
    page("espo-bench: trend", &body).into_string()
}

fn one(group: &TrendGroup) -> Markup {
    html! {
        section {
            h2 { (heading(group)) }
            @for note in notes(group) { p { (sentence(&note)) } }
            (changes(group))
        }
        @for (index, series) in group.series.iter().enumerate() {
            @if index < OPEN {
                (charts(group, series))
            } @else {
                details {
                    summary {
                        (series.operation)
                        @if !series.changes.is_empty() { " (" (series.changes.len()) " changes)" }
                    }
                    (charts(group, series))
                }
            }
        }
        (runs(group))
    }
}

fn changes(group: &TrendGroup) -> Markup {
    let all = trend::changes(group);
    let worse = all.iter().filter(|(_, change)| change.is_worse()).count();
    let number = |class: &str, count: usize, word: &str| {
        let noun = if count == 1 { "change" } else { "changes" };
        html! {
            @if count > 0 { li class=(class) { (count) " lasting " (noun) " for the " (word) "." } }
        }
    };
    html! {
        div.summary {
            ul {
                @if all.is_empty() && can_detect(group) { li.yes { "No lasting change." } }
                @if all.is_empty() && !can_detect(group) { li.so { "Not enough runs to detect a lasting change." } }
                (number("no", worse, "worse"))
                (number("yes", all.len() - worse, "better"))
            }
            @if !all.is_empty() {
                div.scroll { table {
                    thead { tr {
                        th { "since" } th { "operation" } th { "metric" } th { "before and after" } th { "EspoCRM" } th { "label" } th { "report" }
                    } }
                    tbody { @for (operation, change) in &all { (row(group, operation, change)) } }
                } }
            }
        }
    }
}

fn row(group: &TrendGroup, operation: &str, change: &Change) -> Markup {
    let run = &group.runs[change.run];
    html! {
        tr {
            td { (run.started.get(..10).unwrap_or(&run.started)) }
            td { (operation) }
            td { (trend::metric(change.metric)) }
            td class=(if change.is_worse() { "wrong" } else { "right" }) { (trend::figures_of(change)) }
            td { (run.version.as_deref().unwrap_or("–")) }
            td { (run.label.as_deref().unwrap_or("–")) }
            td { (run.file) }
        }
    }
}

fn charts(group: &TrendGroup, series: &TrendSeries) -> Markup {
    let of = |value: fn(&TrendPoint) -> Option<f64>| -> Vec<(f64, f64)> {
        let known = series.points.iter().enumerate();
        known
            .filter_map(|(index, point)| Some((index as f64, value(point.as_ref()?)?)))
            .collect()
    };
    let line = |name: &str, colour, points| Series {
        name: name.into(),
        colour,
        points,
        filled: false,
    };
    let marks: Vec<f64> = series.changes.iter().map(|c| c.run as f64 - 0.5).collect();
    let chart = |lines, y, show_y: fn(f64) -> String| Chart {
        series: lines,
        x: Scale::Linear,
        x_label: "runs by date",
        y,
        show_x: show_run(group),
        show_y: Box::new(show_y),
        marks: marks.clone(),
    };
    let times = vec![
        line("p50", 0, of(|p| p.p50.map(|v| v as f64))),
        line("p95", 4, of(|p| p.p95.map(|v| v as f64))),
        line("p99", 1, of(|p| p.p99.map(|v| v as f64))),
    ];
    let rate = vec![line("requests per second", 5, of(|p| Some(p.rate)))];
    let errors = of(|p| Some(p.errors * 100.0));
    let has_errors = errors.iter().any(|(_, share)| *share > 0.0);
    html! {
        (figure(&format!("{}: response times", series.operation), "Percentiles per run; logarithmic.", &chart(times, Scale::Log, show_micros)))
        (figure(&format!("{}: rate", series.operation), "Requests per second per run.", &chart(rate, Scale::Linear, per_second)))
        @if has_errors {
            (figure(&format!("{}: errors", series.operation), "Share of failed requests per run.",
                &chart(vec![line("failed", 2, errors)], Scale::Linear, |v| format!("{} %", trim(v)))))
        }
    }
}

/// Formats the date of a run, with version and label if there is room (in the hover text).
fn show_run(group: &TrendGroup) -> Box<dyn Fn(f64) -> String> {
    let dates: Vec<String> = group
        .runs
        .iter()
        .map(|run| run.started.get(..10).unwrap_or(&run.started).to_owned())
        .collect();
    Box::new(move |x| {
        let index = x.round().max(0.0);
        let is_whole = (x - index).abs() < 1e-6;
        let date = is_whole.then(|| dates.get(index as usize)).flatten();
        date.cloned().unwrap_or_default()
    })
}

fn runs(group: &TrendGroup) -> Markup {
    html! {
        section {
            h2 { "Runs" }
            div.scroll { table {
                thead { tr {
                    th { "started" } th { "report" } th { "EspoCRM" } th { "label" }
                    th.n { "requests" } th.n { "rate/s" } th.n { "errors" } th.n { "p50" } th.n { "p95" } th.n { "p99" } th { "load generator" }
                } }
                tbody {
                    @for (run, point) in group.runs.iter().zip(&group.series[0].points).rev() {
                        tr {
                            td { (run.started) }
                            td { (run.file) }
                            td { (run.version.as_deref().unwrap_or("–")) }
                            td { (run.label.as_deref().unwrap_or("–")) }
                            @if let Some(p) = point {
                                td.n { (show_count(p.requests)) }
                                td.n { (format!("{:.1}", p.rate)) }
                                td.n { (format!("{:.2} %", p.errors * 100.0)) }
                                @for time in [p.p50, p.p95, p.p99] {
                                    td.n { (time.map_or("–".into(), |t| show_micros(t as f64))) }
                                }
                            }
                            td { (badge(run.is_trustworthy, if run.is_trustworthy { "not saturated" } else { "saturated" })) }
                        }
                    }
                }
            } }
        }
    }
}
