//! Capacity search results as text.

use crate::report::{CapacityLoad, CapacityResult, Report};
use crate::units::{counted, show_load, show_some_micros};

fn shown(load: f64, workers: bool) -> String {
    if workers {
        counted(load.round() as u64, "worker")
    } else {
        format!("{} iterations/s", show_load(load))
    }
}

/// Returns the result of a search in one to three lines.
#[must_use]
pub fn capacity_line(result: &CapacityResult, workers: bool) -> String {
    let mut text = match result.load {
        Some(load) => format!("capacity: {}; {}\n", shown(load, workers), result.ended),
        None => format!("capacity: none; {}\n", result.ended),
    };
    text.extend(saturation(result, workers).map(|s| s + "\n"));
    if let (Some(recommended), Some(load)) = (result.recommended, result.load)
        && recommended < load
    {
        text.push_str(&format!("recommended: {}\n", shown(recommended, workers)));
    }
    text
}

/// Describes in one sentence where throughput stops growing.
pub(super) fn saturation(result: &CapacityResult, workers: bool) -> Option<String> {
    let (load, rate) = (result.saturated_from?, result.saturated_rate?);
    Some(format!(
        "throughput stops growing at {} ({rate:.0} requests/s): more load only adds waiting time",
        shown(load, workers)
    ))
}

/// Lists in one sentence the loads whose probes disagree.
pub(super) fn disagreement(loads: &[CapacityLoad]) -> Option<String> {
    let disputed = loads.iter().filter(|l| l.is_disputed());
    let each: Vec<String> = disputed
        .map(|l| {
            format!(
                "{} ({} of {} met the SLOs)",
                show_load(l.load),
                l.met,
                l.tries
            )
        })
        .collect();
    (!each.is_empty()).then(|| format!("probes at the same load disagree at {}", each.join(", ")))
}

/// Returns one row per probe.
pub(super) fn rows(report: &Report) -> Vec<String> {
    let row = |try_: &crate::report::Probe| {
        let judged = try_
            .judged
            .iter()
            .map(|slo| format!("  {} ({})", slo.expression, slo.shown()));
        format!(
            "  {:>9}  {:>9.1}/s  p50 {:>8}  p99 {:>8}  errors {:.2} %  {}{}",
            show_load(try_.load),
            try_.rate,
            show_some_micros(try_.p50),
            show_some_micros(try_.p99),
            try_.errors * 100.0,
            if try_.held { "met   " } else { "MISSED" },
            judged.collect::<String>(),
        )
    };
    report.capacity.iter().map(row).collect()
}
