//! Tables of SLOs, operations and errors.

use maud::{Markup, html};

use super::page::badge;
use crate::report::{Distribution, OperationReport, Outcome, Report};
use crate::units::{show_bytes, show_count, show_micros};

/// Renders the SLOs and whether they were met; empty if there are none.
pub(super) fn slos(report: &Report) -> Markup {
    html! {
        @if !report.slos.is_empty() {
            section {
                h2 { "SLOs" }
                div.scroll { table {
                    thead { tr { th { "SLO" } th.n { "measured" } th { "result" } } }
                    tbody {
                        @for slo in &report.slos {
                            tr {
                                td { code { (slo.expression) } }
                                td.n { (slo.shown()) }
                                td { (badge(slo.held, if slo.held { "met" } else { "missed" })) }
                            }
                        }
                    }
                } }
            }
        }
    }
}

const OPERATION_COLUMNS: [&str; 13] = [
    "count",
    "rate/s",
    "errors",
    "p50",
    "p90",
    "p95",
    "p99",
    "p99.9",
    "max",
    "service p50",
    "service p99",
    "decode p50",
    "bytes in",
];

/// Renders one row per operation, and one for all requests.
pub(super) fn operations(report: &Report) -> Markup {
    let (totals, all) = (&report.totals, &report.all);
    html! {
        section {
            h2 { "Operations" }
            p {
                "Response times of successful requests are measured from the intended start of a request to its last byte, service times from \
                the actual send. Neither includes decoding, which happens in the client. A percentile in italics is based on too few \
                requests and equals the slowest one."
            }
            div.scroll { table {
                thead { tr {
                    th { "operation" }
                    @for name in OPERATION_COLUMNS { th.n { (name) } }
                } }
                tbody {
                    @for operation in &report.operations { (row(operation)) }
                }
                tfoot { tr {
                    td { "all requests" }
                    td.n { (show_count(totals.requests)) }
                    td.n { (format!("{:.1}", totals.rate)) }
                    td.n { (show_count(totals.failed)) }
                    (times(all))
                    td {} td {} td {}
                    td.n { (show_bytes(totals.bytes_in)) }
                } }
            } }
        }
    }
}

fn row(operation: &OperationReport) -> Markup {
    let none = Distribution::default();
    let ok = operation.outcome(Outcome::Ok);
    let failed = operation.failed();
    let service =
        |f: fn(&Distribution) -> u64| ok.map_or("–".into(), |o| show_micros(f(&o.service) as f64));
    let decode = ok
        .and_then(|o| o.decode_nanos.as_ref())
        .map_or("–".into(), |d| show_micros(d.p50 as f64 / 1e3));
    let bytes = operation.outcomes.iter().map(|o| o.bytes_in).sum();
    html! {
        tr.chain[operation.is_chain()] {
            td { (operation.name) @if operation.is_chain() { " " small { "(chain)" } } }
            td.n { (show_count(operation.count())) }
            td.n { (format!("{:.1}", operation.rate())) }
            td.n.wrong[failed > 0] { (show_count(failed)) }
            (times(ok.map_or(&none, |o| &o.response)))
            td.n { (service(|d| d.p50)) }
            td.n { (service(|d| d.p99)) }
            td.n { (decode) }
            td.n { (show_bytes(bytes)) }
        }
    }
}

/// Renders the cells of percentiles. A percentile with too few requests equals the slowest one and is marked.
fn times(d: &Distribution) -> Markup {
    let cells = [
        (2, d.p50),
        (10, d.p90),
        (20, d.p95),
        (100, d.p99),
        (1_000, d.p999),
        (1, d.max),
    ];
    html! {
        @for (needed, value) in cells {
            td.n.few[d.count > 0 && d.count < needed] {
                @if d.count == 0 { "–" } @else { (show_micros(value as f64)) }
            }
        }
    }
}

/// Renders the failures by operation and kind; empty if there are none.
pub(super) fn errors(report: &Report) -> Markup {
    html! {
        @if !report.errors.is_empty() {
            section {
                h2 { "Errors by kind" }
                div.scroll { table {
                    thead { tr { th.n { "count" } th { "operation" } th { "kind" } th { "first reason" } } }
                    tbody {
                        @for error in &report.errors {
                            tr {
                                td.n { (show_count(error.count)) }
                                td { (error.operation) }
                                td { (error.outcome.as_str()) @if let Some(status) = error.status { " " (status) } }
                                td { (error.sample) }
                            }
                        }
                    }
                } }
            }
        }
    }
}
