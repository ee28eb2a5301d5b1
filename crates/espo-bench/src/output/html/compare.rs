//! The page of a comparison.

use maud::{Markup, html};

use super::super::compare::{needed, notes, word};
use super::page::{page, sentence};
use crate::compare::{Comparison, Difference, OperationComparison, Verdict};
use crate::units::{show_count, show_micros};

/// Width and height of the drawing of an interval.
const WIDTH: f64 = 180.0;
const HEIGHT: f64 = 18.0;
/// The drawing's scale is logarithmic and ends at this factor in both directions.
const LARGEST: f64 = 8.0;

/// Returns the comparison as an HTML page.
#[must_use]
pub fn comparison_html(comparison: &Comparison) -> String {
    let (before, after) = comparison.runs;
    let runs = |n: usize| {
        if n == 1 {
            "1 run".into()
        } else {
            format!("{n} runs")
        }
    };
    let body = html! {
        header {
            h1 { "Comparison" }
            p { (runs(before)) " before and " (runs(after)) " after the change " (badge(&comparison.all)) }
        }
        @for objection in &comparison.objections { p.warning { "Not comparable: " (objection) "." } }
        (summary(comparison))
        (table(comparison))
    };
    page("espo-bench: comparison", &body).into_string()
}

fn badge(row: &OperationComparison) -> Markup {
    let class = match row.verdict {
        Verdict::Worse => "badge bad",
        Verdict::Better => "badge good",
        Verdict::NoDifference | Verdict::Undecided => "badge",
    };
    html! { span class=(class) { (word(row.verdict)) } }
}

fn summary(comparison: &Comparison) -> Markup {
    let all = &comparison.all;
    let of = |wanted: Verdict| -> Vec<&str> {
        let rows = comparison.operations.iter();
        rows.filter(|o| o.verdict == wanted)
            .map(|o| o.name.as_str())
            .collect()
    };
    let (worse, better) = (of(Verdict::Worse), of(Verdict::Better));
    let (class, first) = match all.verdict {
        Verdict::Worse => ("no", "All requests together are slower or fail more often."),
        Verdict::Better => (
            "yes",
            "All requests together are faster or fail less often.",
        ),
        Verdict::NoDifference => ("yes", "All requests together do not differ significantly."),
        Verdict::Undecided => (
            "so",
            "The runs cannot exclude a relevant difference of all requests together.",
        ),
    };
    html! {
        section.summary {
            h2 { "Summary" }
            ul {
                li class=(class) { (first) }
                @if !worse.is_empty() { li.no { "Worse: " (worse.join(", ")) "." } }
                @if !better.is_empty() { li.yes { "Better: " (better.join(", ")) "." } }
                @for note in notes(comparison) { li.so { (sentence(&note)) } }
            }
        }
    }
}

fn table(comparison: &Comparison) -> Markup {
    let rows = std::iter::once(&comparison.all).chain(&comparison.operations);
    html! {
        section {
            h2 { "Operations" }
            p {
                "Response times before and after. The chart shows the change of the median with its confidence \
                 interval, corrected for the number of comparisons, on a logarithmic scale from one eighth to eight \
                 times. A verdict requires an interval that excludes 0 and a change of at least "
                (format!("{:.0} %", comparison.threshold * 100.0)) " of the median, or twice that of the 99th percentile. “No significant difference” excludes a change of the median by "
                (format!("{:.0} %.", comparison.threshold * 200.0))
            }
            div.scroll { table {
                thead { tr {
                    th { "operation" } th { "verdict" } th.n { "p50" } th.n { "change" } th { "interval" }
                    th.n { "p99" } th.n { "change" } th.n { "errors" } th.n { "requests" } th { "needed for a verdict" }
                } }
                tbody { @for row in rows { (line(row)) } }
            } }
        }
    }
}

fn line(row: &OperationComparison) -> Markup {
    let (before, after) = row.requests;
    html! {
        tr {
            td { (row.name) }
            td { (badge(row)) }
            (times(row.p50.as_ref()))
            td { @if let Some(d) = &row.p50 { (interval(d)) } }
            (times(row.p99.as_ref()))
            td.n { (format!("{:.2} → {:.2} %", row.errors.0 * 100.0, row.errors.1 * 100.0)) }
            td.n { (show_count(before)) " → " (show_count(after)) }
            td { (row.needed.as_ref().map_or_else(String::new, needed)) }
        }
    }
}

fn times(difference: Option<&Difference>) -> Markup {
    html! {
        @match difference {
            None => { td.n { "–" } td.n { "–" } }
            Some(d) => {
                td.n { (show_micros(d.before)) " → " (show_micros(d.after)) }
                td.n { (format!("{:+.1} % [{:+.1}, {:+.1}]", d.change * 100.0, d.low * 100.0, d.high * 100.0)) }
            }
        }
    }
}

/// Draws the confidence interval of a change as a line, and the change as a dot.
fn interval(d: &Difference) -> Markup {
    let end = LARGEST.ln();
    let x = |change: f64| {
        let place = change.max(-0.999).ln_1p().clamp(-end, end) / end;
        (place + 1.0) / 2.0 * (WIDTH - 8.0) + 4.0
    };
    let at = |value: f64| format!("{value:.1}");
    let (middle, zero) = (at(HEIGHT / 2.0), at(x(0.0)));
    html! {
        svg.interval width=(WIDTH) height=(HEIGHT) role="img"
            aria-label=(format!("change of {:+.1} %, interval from {:+.1} % to {:+.1} %", d.change * 100.0, d.low * 100.0, d.high * 100.0)) {
            line.zero x1=(zero) x2=(zero) y1="0" y2=(HEIGHT) {}
            line.range x1=(at(x(d.low))) x2=(at(x(d.high))) y1=(middle) y2=(middle) {}
            circle cx=(at(x(d.change))) cy=(middle) r="4" {}
        }
    }
}
