//! The Prometheus text format, for a node exporter's textfile directory or a push gateway.

use std::fmt::Write as _;

use crate::report::Report;

/// Returns the report as metrics: gauges of one finished run. Times are in seconds, as is usual in Prometheus.
#[must_use]
pub fn prometheus(report: &Report) -> String {
    let mut out = String::new();
    let base = format!("workload=\"{}\"", escape(&report.run.workload));
    let mut metric = |name: &str, help: &str, lines: &[(String, f64)]| {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "# HELP espo_bench_{name} {help}\n# TYPE espo_bench_{name} gauge"
        );
        for (labels, value) in lines {
            let separator = if labels.is_empty() { "" } else { "," };
            let _ = writeln!(
                out,
                "espo_bench_{name}{{{base}{separator}{labels}}} {value}"
            );
        }
    };
    let Series {
        counts,
        rates,
        times,
        services,
    } = series(report);
    metric(
        "requests",
        "Requests of the run, by operation and outcome.",
        &counts,
    );
    metric(
        "requests_per_second",
        "Requests per second during the measurement.",
        &rates,
    );
    metric(
        "response_seconds",
        "Time from the intended start to the last byte.",
        &times,
    );
    metric(
        "service_seconds",
        "Time from the actual send to the last byte.",
        &services,
    );
    metric(
        "duration_seconds",
        "Length of the measurement.",
        &[(String::new(), report.run.seconds)],
    );
    metric(
        "generator_busiest_thread",
        "Fraction of a core used by the busiest sending thread.",
        &[(String::new(), report.generator.busiest_thread)],
    );
    let trusted = f64::from(u8::from(
        report.generator.verdict == crate::report::Verdict::Trustworthy,
    ));
    metric(
        "trustworthy",
        "1 if the figures reflect the target, 0 if the load generator was saturated.",
        &[(String::new(), trusted)],
    );
    let totals = &report.totals;
    if let (Some(offered), Some(achieved)) = (totals.offered_rate, totals.achieved_rate) {
        let value = |v: f64| [(String::new(), v)];
        metric(
            "offered_rate",
            "Target rate in iterations per second.",
            &value(offered),
        );
        metric(
            "achieved_rate",
            "Iterations per second started on time.",
            &value(achieved),
        );
    }
    if let Some(connections) = &report.connections {
        metric(
            "connections_opened",
            "Connections opened by the load.",
            &[(String::new(), connections.opened as f64)],
        );
    }
    if !report.slos.is_empty() {
        let slos = report.slos.iter().map(|s| {
            (
                format!("expression=\"{}\"", escape(&s.expression)),
                f64::from(u8::from(s.held)),
            )
        });
        metric(
            "slo_held",
            "1 if the SLO was met.",
            &slos.collect::<Vec<_>>(),
        );
    }
    out
}

/// Labels and values by operation and outcome.
#[derive(Default)]
struct Series {
    counts: Vec<(String, f64)>,
    rates: Vec<(String, f64)>,
    times: Vec<(String, f64)>,
    services: Vec<(String, f64)>,
}

fn series(report: &Report) -> Series {
    let mut out = Series::default();
    for operation in &report.operations {
        for o in &operation.outcomes {
            let labels = format!(
                "operation=\"{}\",outcome=\"{}\"",
                escape(&operation.name),
                o.outcome.as_str()
            );
            out.counts.push((labels.clone(), o.count as f64));
            out.rates.push((labels.clone(), o.rate));
            for (d, list) in [
                (&o.response, &mut out.times),
                (&o.service, &mut out.services),
            ] {
                let quantiles = [
                    ("0.5", d.p50),
                    ("0.9", d.p90),
                    ("0.95", d.p95),
                    ("0.99", d.p99),
                    ("0.999", d.p999),
                    ("1", d.max),
                ];
                list.extend(
                    quantiles.map(|(q, v)| (format!("{labels},quantile=\"{q}\""), v as f64 / 1e6)),
                );
            }
        }
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
