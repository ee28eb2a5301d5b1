//! Comparisons as text and as Markdown.

use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::compare::{Comparison, Difference, Needed, OperationComparison, Verdict};
use crate::units::{show_count, show_micros};

pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "BETTER",
        Verdict::Worse => "WORSE",
        Verdict::NoDifference => "no significant difference",
        Verdict::Undecided => "undecided",
    }
}

/// With fewer runs per side, an interval is so wide that it only confuses.
const RUNS_FOR_INTERVAL: usize = 3;

fn has_intervals(comparison: &Comparison) -> bool {
    comparison.runs.0.min(comparison.runs.1) >= RUNS_FOR_INTERVAL
}

fn times(d: Option<&Difference>, with_interval: bool) -> [String; 2] {
    match d {
        None => ["–".into(), "–".into()],
        Some(d) if !with_interval => [
            format!("{} → {}", show_micros(d.before), show_micros(d.after)),
            format!("{:+.1} %", d.change * 100.0),
        ],
        Some(d) => [
            format!("{} → {}", show_micros(d.before), show_micros(d.after)),
            format!(
                "{:+.1} % [{:+.1}, {:+.1}]",
                d.change * 100.0,
                d.low * 100.0,
                d.high * 100.0
            ),
        ],
    }
}

fn rows(comparison: &Comparison) -> impl Iterator<Item = [String; 7]> {
    let all = std::iter::once(&comparison.all);
    let with_interval = has_intervals(comparison);
    all.chain(&comparison.operations).map(move |o| {
        let [p50, p50_change] = times(o.p50.as_ref(), with_interval);
        let [p99, p99_change] = times(o.p99.as_ref(), with_interval);
        let errors = format!("{:.2} → {:.2} %", o.errors.0 * 100.0, o.errors.1 * 100.0);
        [
            o.name.clone(),
            p50,
            p50_change,
            p99,
            p99_change,
            errors,
            verdict(o),
        ]
    })
}

/// Returns the reasons for an exit code other than 0.
#[must_use]
pub fn comparison_failures(comparison: &Comparison) -> Vec<String> {
    let all = std::iter::once(&comparison.all);
    let rows: Vec<_> = all.chain(&comparison.operations).collect();
    let worse = rows.iter().filter(|row| row.verdict == Verdict::Worse);
    let undecided = rows.iter().take(1).filter(|_| comparison.exit_code() == 4);
    worse
        .chain(undecided)
        .map(|row| {
            format!(
                "{}: {}; {}",
                row.name,
                verdict(row),
                changes(comparison, row)
            )
        })
        .collect()
}

/// Describes the changes of the times and of the errors.
pub(super) fn changes(comparison: &Comparison, row: &OperationComparison) -> String {
    let with_interval = has_intervals(comparison);
    let [p50, p50_change] = times(row.p50.as_ref(), with_interval);
    let [p99, p99_change] = times(row.p99.as_ref(), with_interval);
    format!(
        "p50 {p50} ({p50_change}), p99 {p99} ({p99_change}), errors {:.2} → {:.2} %",
        row.errors.0 * 100.0,
        row.errors.1 * 100.0
    )
}

/// Returns the verdict, with the data that it needs if it is undecided.
pub(super) fn verdict(row: &OperationComparison) -> String {
    let needed = row.needed.as_ref();
    needed.map_or(word(row.verdict).to_owned(), |needed| {
        verdict_with(row.verdict, needed)
    })
}

/// Formats the verdict; if it is undecided, adds the number of requests and runs that a verdict needs.
fn verdict_with(verdict: Verdict, data: &Needed) -> String {
    format!("{} (needs {})", word(verdict), needed(data))
}

/// Formats the data that a verdict needs.
pub(super) fn needed(data: &Needed) -> String {
    let seconds = data.seconds.map_or(String::new(), |s| {
        format!(" and {} of measurement", show_micros(s.ceil() * 1e6))
    });
    format!(
        "{} runs per side, in total about {} requests{seconds} per side",
        data.runs,
        show_count(data.requests)
    )
}

/// Returns notes on how far the verdicts can be trusted.
pub(super) fn notes(comparison: &Comparison) -> Vec<String> {
    let mut out = Vec::new();
    let (a, b) = comparison.runs;
    if a < 2 || b < 2 {
        out.push(
            "a verdict needs several runs per side, because even identical runs differ. Alternate between the sides \
             and compare all runs: espo-bench compare A1 A2 A3 -- B1 B2 B3"
                .to_owned(),
        );
    }
    let all = &comparison.all;
    if comparison.exit_code() == 4 {
        let mut note =
            "UNDECIDED (exit code 4): the runs cannot exclude a relevant difference".to_owned();
        if let Some(data) = &all.needed {
            let _ = write!(note, "; a verdict on all requests needs {}", needed(data));
        }
        out.push(note);
    }
    if let (Verdict::NoDifference, Some(d)) = (all.verdict, &all.p50) {
        let half = (d.high.ln_1p() - d.low.ln_1p()) / 2.0;
        out.push(format!(
            "changes of the median of all requests by less than about {:.0} % would not be detected; more runs detect smaller ones",
            (half.exp_m1().max(comparison.threshold) * 100.0).ceil()
        ));
    }
    let (p50, p99) = comparison.lag_change;
    // A lag of less than 0.1 ms does not affect requests that go over a network.
    if p50.abs().max(p99.abs()) >= 100.0 {
        out.push(format!(
            "the scheduling lag of the load generator changed by {:+.2} ms at the median and {:+.2} ms at the 99th \
            percentile; twice this amount was deducted from the differences before the verdicts",
            p50 / 1e3,
            p99 / 1e3
        ));
    }
    out
}

const HEADER: [&str; 7] = [
    "operation",
    "p50",
    "change",
    "p99",
    "change",
    "errors",
    "verdict",
];

/// Returns the comparison as a table.
#[must_use]
pub fn comparison_table(comparison: &Comparison) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(HEADER.iter().map(Cell::new));
    for column in table.column_iter_mut().skip(1).take(5) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for row in rows(comparison) {
        table.add_row(row.map(Cell::new));
    }
    let mut out = String::new();
    for objection in &comparison.objections {
        let _ = writeln!(out, "NOT COMPARABLE: {objection}");
    }
    for line in table.to_string().lines() {
        let _ = writeln!(out, "{}", line.trim_end());
    }
    for note in notes(comparison) {
        let _ = writeln!(out, "\n{note}");
    }
    let brackets = match has_intervals(comparison) {
        true => {
            "in brackets: confidence interval of the change, corrected for multiple comparisons"
        }
        false => "confidence intervals need at least three runs per side",
    };
    let _ = writeln!(
        out,
        "\n{brackets}; a verdict requires an interval that excludes 0 and a change of at least {:.0} % (p50) or twice that (p99); \"no significant difference\" excludes a change of {:.0} % (p50)",
        comparison.threshold * 100.0,
        comparison.threshold * 200.0
    );
    out
}

/// Returns the comparison as Markdown.
#[must_use]
pub fn comparison_markdown(comparison: &Comparison) -> String {
    let mut out = format!(
        "| {} |\n| --- | ---: | ---: | ---: | ---: | ---: | --- |\n",
        HEADER.join(" | ")
    );
    for row in rows(comparison) {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    for note in notes(comparison) {
        let _ = writeln!(out, "\n{note}");
    }
    for objection in &comparison.objections {
        let _ = writeln!(
            out,
            "\n> **Not comparable: {}**",
            objection.replace('<', "&lt;")
        );
    }
    out
}
