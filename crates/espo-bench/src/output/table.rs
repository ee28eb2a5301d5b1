//! The result table for the terminal, also used if the output is piped.

use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::{capacity, capacity_line, headline, warning};
use crate::report::{Distribution, Model, OperationReport, Outcome, Report, TargetInfo};
use crate::units::{counted, show_bytes, show_count, show_micros};

/// With fewer requests, the 99th percentile is the slowest one.
const FEW_REQUESTS: u64 = 100;

const COLUMNS: [&str; 11] = [
    "operation",
    "count",
    "rate/s",
    "errors",
    "service p50",
    "p50",
    "p90",
    "p95",
    "p99",
    "p99.9",
    "max",
];

/// Returns the report as plain ASCII text without colours, so that it looks the same in a file.
#[must_use]
pub fn table(report: &Report) -> String {
    let mut out = format!("{}\n\n", headline(report));
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(COLUMNS.iter().map(Cell::new));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let (preparation, load): (Vec<_>, Vec<_>) =
        (report.operations.iter()).partition(|o| o.is_preparation());
    for operation in load {
        table.add_row(row(operation));
    }
    let totals = &report.totals;
    table.add_row(figures(
        "all requests",
        totals.requests,
        totals.rate,
        totals.failed,
        None,
        &report.all,
    ));
    for operation in preparation {
        table.add_row(row(operation));
    }
    for line in table.to_string().lines() {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.push_str("\npercentiles are response times of successful requests, measured from the intended start; service p50 is measured from the actual send\n");
    let few =
        |o: &OperationReport| (1..1_000).contains(&o.outcome(Outcome::Ok).map_or(0, |ok| ok.count));
    if report.operations.iter().any(few) {
        out.push_str("with fewer than 1,000 requests, p99.9 is the time of the slowest one; with fewer than 100, p99 is, too\n");
    }
    details(report, &mut out);
    out
}

fn row(operation: &OperationReport) -> Vec<Cell> {
    let ok = operation.outcome(Outcome::Ok);
    let none = Distribution::default();
    let rate = operation.rate();
    let name = if operation.is_chain() {
        format!("{} (chain)", operation.name)
    } else if operation.is_preparation() {
        format!("{} (not in all requests)", operation.name)
    } else {
        operation.name.clone()
    };
    let response = ok.map_or(&none, |o| &o.response);
    figures(
        &name,
        operation.count(),
        rate,
        operation.failed(),
        ok.map(|o| &o.service),
        response,
    )
}

fn figures(
    name: &str,
    count: u64,
    rate: f64,
    failed: u64,
    service: Option<&Distribution>,
    d: &Distribution,
) -> Vec<Cell> {
    let time = |micros: u64| {
        if d.count == 0 {
            "–".to_owned()
        } else {
            show_micros(micros as f64)
        }
    };
    let mut row = vec![
        name.to_owned(),
        show_count(count),
        format!("{rate:.1}"),
        show_count(failed),
    ];
    row.push(service.map_or_else(String::new, |s| show_micros(s.p50 as f64)));
    row.extend([d.p50, d.p90, d.p95, d.p99, d.p999, d.max].map(time));
    row.into_iter().map(Cell::new).collect()
}

fn details(report: &Report, out: &mut String) {
    let totals = &report.totals;
    // Writing to a String cannot fail.
    let mut line = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    line(format!(
        "received {} in bodies, sent {}; waited for {} in-flight requests at the end",
        show_bytes(totals.bytes_in),
        show_bytes(totals.bytes_out),
        totals.in_flight_at_end
    ));
    if let (Some(offered), Some(achieved)) = (totals.offered_rate, totals.achieved_rate) {
        let lateness = report.generator.send_lateness.as_ref();
        let late = lateness.map_or(String::new(), |l| {
            format!(
                "; send delay p50 {}, p99 {}",
                show_micros(l.p50 as f64),
                show_micros(l.p99 as f64)
            )
        });
        line(format!(
            "target {}, achieved {achieved:.1}/s, dropped iterations {}, delayed by the in-flight limit {}{late}",
            target(report, offered),
            totals.unsent,
            totals.held_back
        ));
    }
    if let Some(connection) = &report.target.connection {
        line(format!("connection: {}", connection.sentence()));
    }
    if let Some(took) = connecting(&report.target) {
        line(format!("opening a connection before the load took {took}"));
    }
    if let Some(opened) = connections(report) {
        line(opened);
    }
    let generator = &report.generator;
    line(format!(
        "generator: {}, busiest {:.0} % of a core, {:.3} CPU s per 10,000 requests, scheduling lag p99 {}, memory {}",
        counted(u64::from(generator.threads), "thread"),
        generator.busiest_thread * 100.0,
        generator.cpu_per_10k,
        show_micros(generator.scheduling_lag.p99 as f64),
        show_bytes(generator.peak_memory)
    ));
    if let Some(writes) = &report.writes {
        line(writes.sentence());
        for reason in &writes.reasons {
            line(format!("  {reason}"));
        }
    }
    if let (Some(rate), Some(_)) = (report.rate_per_worker(), report.run.think_seconds) {
        line(format!("{rate:.3} requests/s per person"));
    }
    warnings(report, out);
    lists(report, out);
}

/// Returns the rate that was asked for, and the rate of the scheduled iterations if it differs: the number of
/// iterations is an integer, and random arrivals vary.
fn target(report: &Report, scheduled: f64) -> String {
    let is_constant = report.run.phases.iter().filter(|p| p.measured).count() == 1;
    let shards = report.run.shard.as_ref().map_or(1, |s| s.count);
    match report.run.model {
        Model::Open { rate, .. }
            if is_constant && (rate / f64::from(shards) - scheduled).abs() >= 0.05 =>
        {
            format!(
                "{:.1} iterations/s, scheduled {scheduled:.1}/s",
                rate / f64::from(shards)
            )
        }
        _ => format!("{scheduled:.1} iterations/s"),
    }
}

/// Adds everything that limits how far the figures can be used.
fn warnings(report: &Report, out: &mut String) {
    // Writing to a String cannot fail.
    let mut line = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    for warning in report.data_warnings() {
        line(format!("SMALL DATA: {warning}"));
    }
    if let Some(warning) = report.one_user_warning() {
        line(format!("ONE USER: {warning}"));
    }
    if (1..FEW_REQUESTS).contains(&report.all.count) {
        line(format!(
            "FEW REQUESTS: only {} succeeded, so high percentiles are based on single requests; run the test for longer",
            counted(report.all.count, "request")
        ));
    }
    if !report.decoded_untyped.is_empty() {
        line(format!(
            "decoded untyped, because the typed SDK lacks the entity type: {}",
            report.decoded_untyped.join(", ")
        ));
    }
    for left_out in &report.nothing_to_read {
        line(format!(
            "nothing to read: {} (the target has no records of {})",
            left_out.operation, left_out.entity
        ));
    }
    let own = report.totals.generator_errors;
    if own > 0 {
        line(format!(
            "{} requests failed in the load generator and are not counted",
            show_count(own)
        ));
    }
    for problem in &report.problems {
        line(format!("PROBLEM: {problem}"));
    }
    if let Some(stopped) = &report.run.stopped {
        line(format!("STOPPED EARLY: {stopped}"));
    }
    if let Some(warning) = warning(report) {
        line(format!("WARNING: {warning}"));
    }
}

/// Adds the errors, the SLOs and the probes of a capacity search.
fn lists(report: &Report, out: &mut String) {
    // Writing to a String cannot fail.
    let mut line = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    if !report.errors.is_empty() {
        line("\nerrors".into());
        for error in report.errors.iter().take(12) {
            let status = error.status.map_or(String::new(), |s| format!(" {s}"));
            line(format!(
                "  {:>8}  {} {}{status}: {}",
                error.count,
                error.operation,
                error.outcome.as_str(),
                error.sample
            ));
        }
        if report.errors.len() > 12 {
            line(format!("  and {} more kinds", report.errors.len() - 12));
        }
    }
    if !report.slos.is_empty() {
        line("\nSLOs".into());
        for slo in &report.slos {
            let verdict = if slo.held { "met   " } else { "MISSED" };
            line(format!(
                "  {verdict}  {}  ({})",
                slo.expression,
                slo.sentence()
            ));
        }
    }
    if !report.capacity.is_empty() || report.capacity_result.is_some() {
        let workers = matches!(report.run.model, Model::Closed { .. });
        let unit = super::summary::unit(report);
        line(match report.capacity.is_empty() {
            true => String::new(),
            false => format!("\ncapacity: probes ({unit}, then requests/s)"),
        });
        capacity::rows(report).into_iter().for_each(&mut line);
        let found = report.capacity_result.as_ref();
        let found = found.map(|result| capacity_line(result, workers));
        let found = found
            .iter()
            .flat_map(|text| text.lines())
            .map(str::to_owned);
        capacity::disagreement(&report.capacity_loads())
            .into_iter()
            .chain(found)
            .for_each(line);
    }
}

/// Returns an upper bound of the number of requests in flight.
fn in_flight(report: &Report) -> u64 {
    match &report.run.model {
        Model::Closed { concurrency } => u64::from(*concurrency),
        Model::Open {
            rate,
            max_in_flight,
            ..
        } => {
            let waiting = rate * report.all.max as f64 / 1e6;
            (waiting.ceil() as u64 + 1).min(u64::from(*max_in_flight))
        }
    }
}

/// Describes how many connections the load opened and how long that took.
pub(super) fn connections(report: &Report) -> Option<String> {
    let opened = report
        .connections
        .as_ref()
        .filter(|c| c.opened + c.failed > 0)?;
    let failed = match opened.failed {
        0 => String::new(),
        n => format!("; {} could not be opened", show_count(n)),
    };
    // Requests in flight at the same time need a connection each, and users do not share them. With many more, the
    // server closes reusable connections, and requests pay for new ones.
    let often = opened.during_measurement
        > 2 * in_flight(report) + u64::from(report.run.users) + report.totals.requests / 10;
    let advice = if often {
        "; the server often closes connections, so response times include connection setup"
    } else {
        ""
    };
    Some(format!(
        "the load opened {} connections, {} of them during the measurement: p50 {}, p99 {}, max {}{failed}{advice}",
        show_count(opened.opened),
        show_count(opened.during_measurement),
        show_micros(opened.micros.p50 as f64),
        show_micros(opened.micros.p99 as f64),
        show_micros(opened.micros.max as f64),
    ))
}

/// Describes how long it took to open a connection, at the median, with the TLS handshake listed separately.
pub(super) fn connecting(target: &TargetInfo) -> Option<String> {
    let middle = |times: &[u64]| {
        let mut times = times.to_vec();
        times.sort_unstable();
        times.get(times.len() / 2).map(|t| show_micros(*t as f64))
    };
    let tls = middle(&target.tls_micros).map_or_else(String::new, |tls| {
        format!(" plus {tls} for the TLS handshake")
    });
    middle(&target.connect_micros).map(|tcp| tcp + &tls)
}
