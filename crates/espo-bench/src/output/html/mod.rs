//! Self-contained HTML pages: no script and no network access; for light mode, dark mode and print.

mod compare;
mod dashboard;
mod facts;
mod figures;
mod page;
mod tables;
mod trend;

use maud::{Markup, html as markup};

pub use self::compare::comparison_html;
pub(crate) use self::dashboard::{dashboard_page, report_body};
use self::page::page;
pub use self::trend::trend_html;
use super::summary::{Tone, sentences};
use super::{headline, warning};
use crate::report::{Report, Verdict};
use crate::units::{show_count, show_micros};

/// Returns the report as an HTML page.
#[must_use]
pub fn html(report: &Report) -> String {
    let title = format!("espo-bench: {}", report.run.workload);
    page(&title, &body(report)).into_string()
}

/// Returns the content of the page, which the dashboard shows when the run has ended.
fn body(report: &Report) -> Markup {
    markup! {
        (header(report))
        (summary(report))
        (cards(report))
        (tables::slos(report))
        (figures::all(report))
        (tables::operations(report))
        (tables::errors(report))
        (facts::run(report))
    }
}

fn header(report: &Report) -> Markup {
    let (class, verdict) = match report.generator.verdict {
        Verdict::Trustworthy => ("good", "load generator not saturated"),
        Verdict::GeneratorSaturated => ("bad", "load generator saturated"),
        Verdict::RateNotHeld => ("bad", "target rate not sustained"),
    };
    let notes = warning(report).into_iter().chain(
        report
            .run
            .stopped
            .iter()
            .map(|reason| format!("Stopped early: {reason}.")),
    );
    markup! {
        header {
            h1 { (report.run.workload) }
            p { (headline(report)) " " span class={ "badge " (class) } { (verdict) } }
        }
        @for note in notes {
            p.warning { (note) }
        }
    }
}

fn summary(report: &Report) -> Markup {
    let class = |tone| match tone {
        Tone::Good => "yes",
        Tone::Bad => "no",
        Tone::Plain => "so",
    };
    markup! {
        section.summary {
            h2 { "Summary" }
            ul {
                @for (tone, sentence) in sentences(report) {
                    li class=(class(tone)) { (sentence) }
                }
            }
        }
    }
}

fn cards(report: &Report) -> Markup {
    let (totals, all) = (&report.totals, &report.all);
    let share = totals.failed as f64 * 100.0 / (totals.requests.max(1) as f64);
    let mut cards = vec![
        ("requests", show_count(totals.requests)),
        ("requests per second", format!("{:.1}", totals.rate)),
        (
            "failed requests",
            format!("{} ({share:.2} %)", show_count(totals.failed)),
        ),
        ("p50", show_micros(all.p50 as f64)),
        ("p99", show_micros(all.p99 as f64)),
        ("p99.9", show_micros(all.p999 as f64)),
    ];
    if let (Some(target), Some(achieved)) = (totals.offered_rate, totals.achieved_rate) {
        cards.push((
            "achieved / target rate",
            format!("{achieved:.0} / {target:.0} per s"),
        ));
    }
    page::cards(&cards)
}
