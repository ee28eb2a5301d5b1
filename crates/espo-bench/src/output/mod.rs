//! Output formats of a report.

mod capacity;
pub(crate) mod charts;
mod compare;
mod csv;
mod hlog;
mod html;
mod junit;
mod markdown;
mod progress;
mod prometheus;
mod summary;
mod table;
mod trend;

use crate::report::{Report, Verdict};
use crate::units::{counted, show_people, show_range};

pub use self::csv::csv;
pub use capacity::capacity_line;
pub use compare::{comparison_failures, comparison_markdown, comparison_table};
pub(crate) use hlog::HlogSink;
pub use html::{comparison_html, html, trend_html};
pub(crate) use html::{dashboard_page, report_body};
pub use junit::{comparison_junit, junit};
pub use markdown::markdown;
pub(crate) use progress::Progress;
pub use prometheus::prometheus;
pub use table::table;
pub use trend::{trend_csv, trend_text};

/// Returns the warning that is shown next to the figures if the load generator affected them.
pub(crate) fn warning(report: &Report) -> Option<String> {
    let reasons = report.generator.reasons.join("; ");
    match report.generator.verdict {
        Verdict::Trustworthy => None,
        Verdict::GeneratorSaturated => {
            // A generator that used little CPU had to wait for other programs.
            let advice = match report.generator.busiest_thread < 0.5 {
                true => {
                    "The load generator itself used little CPU, so other programs kept the machine busy: stop them, or use another machine."
                }
                false => "Use another machine, --threads or --decode skip.",
            };
            Some(format!(
                "The load generator was saturated, so rates and percentiles do not reflect the target ({reasons}). {advice}"
            ))
        }
        Verdict::RateNotHeld => Some(format!("The target rate was not sustained ({reasons}).")),
    }
}

/// Returns the warnings that a reader of the exit code alone must know: the figures do not reflect the target, or an SLO
/// was met on too little data.
#[must_use]
pub fn warnings(report: &Report) -> Vec<String> {
    let caveats = report.slos.iter().filter(|s| s.held && s.caveat.is_some());
    let caveats = caveats.map(|s| format!("SLO {} ({})", s.expression, s.sentence()));
    warning(report).into_iter().chain(caveats).collect()
}

/// Returns a one-line description of the run.
pub(crate) fn headline(report: &Report) -> String {
    use crate::report::Model;
    let stages = report.run.phases.iter().filter(|p| p.measured).count();
    let stages = match stages {
        0 | 1 => String::new(),
        n => format!(" at the peak of {n} stages"),
    };
    let load = match &report.run.model {
        Model::Closed { concurrency } => match report.run.think_seconds {
            None => counted(u64::from(*concurrency), "worker") + &stages,
            Some(think) => format!(
                "{}{stages} with think times of {}",
                show_people(*concurrency),
                show_range(think)
            ),
        },
        Model::Open {
            rate,
            arrivals,
            max_in_flight,
        } => {
            let arrivals = format!("{arrivals:?}").to_lowercase();
            format!("{rate} iterations/s{stages} ({arrivals}), at most {max_in_flight} in flight")
        }
    };
    let target = if report.target.embedded {
        "the embedded server".to_owned()
    } else {
        report.target.url.clone()
    };
    let seconds = crate::units::show_micros(report.run.seconds * 1e6);
    format!(
        "{} on {target}: {load}, {seconds}, seed {}",
        report.run.workload, report.run.seed
    )
}

#[cfg(test)]
pub(crate) mod tests;
