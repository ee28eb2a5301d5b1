//! One self-contained page: no script, no network, light, dark and print.

use std::fmt::Write as _;

use super::charts::{Chart, Scale, Series, svg};
use super::summary::{Tone, sentences, unit};
use super::table::{connecting, connections};
use super::{headline, warning};
use crate::report::{Distribution, Model, OperationReport, Outcome, Report, Verdict};
use crate::units::{show_bytes, show_count, show_micros, trim};

const STYLE: &str = include_str!("report.css");
/// Lines of the percentile chart: more could not be told apart.
const MAX_LINES: usize = 6;

/// The report as an HTML page.
#[must_use]
pub fn html(report: &Report) -> String {
    let mut page = Page(String::new());
    let title = escape(&format!("espo-bench: {}", report.run.workload));
    page.line(format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main>"
    ));
    page.header(report);
    page.summary(report);
    page.cards(report);
    page.slos(report);
    page.charts(report);
    page.operations(report);
    page.errors(report);
    page.details(report);
    page.line("</main></body></html>");
    page.0
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

struct Page(String);

impl Page {
    fn line(&mut self, text: impl AsRef<str>) {
        self.0.push_str(text.as_ref());
        self.0.push('\n');
    }

    fn header(&mut self, report: &Report) {
        let (class, verdict) = match report.generator.verdict {
            Verdict::Trustworthy => ("good", "figures can be trusted"),
            Verdict::GeneratorSaturated => ("bad", "not trustworthy: generator saturated"),
            Verdict::RateNotHeld => ("bad", "rate not held"),
        };
        self.line(format!(
            "<header><h1>{}</h1><p>{} <span class=\"badge {class}\">{verdict}</span></p></header>",
            escape(&report.run.workload),
            escape(&headline(report))
        ));
        for note in warning(report).into_iter().chain(
            report
                .run
                .stopped
                .iter()
                .map(|s| format!("Stopped early: {s}.")),
        ) {
            self.line(format!("<p class=\"warning\">{}</p>", escape(&note)));
        }
    }

    fn summary(&mut self, report: &Report) {
        self.line("<section class=\"summary\"><h2>In short</h2><ul>");
        for (tone, sentence) in sentences(report) {
            let class = match tone {
                Tone::Good => "yes",
                Tone::Bad => "no",
                Tone::Plain => "so",
            };
            self.line(format!("<li class=\"{class}\">{}</li>", escape(&sentence)));
        }
        self.line("</ul></section>");
    }

    fn cards(&mut self, report: &Report) {
        let (totals, all) = (&report.totals, &report.all);
        let share = totals.failed as f64 * 100.0 / (totals.requests.max(1) as f64);
        let mut cards = vec![
            ("requests", show_count(totals.requests)),
            ("per second", format!("{:.1}", totals.rate)),
            (
                "failed",
                format!("{} ({share:.2} %)", show_count(totals.failed)),
            ),
            ("p50", show_micros(all.p50 as f64)),
            ("p99", show_micros(all.p99 as f64)),
            ("p99.9", show_micros(all.p999 as f64)),
        ];
        if let (Some(offered), Some(achieved)) = (totals.offered_rate, totals.achieved_rate) {
            cards.push((
                "begun of offered",
                format!("{achieved:.0} of {offered:.0}/s"),
            ));
        }
        self.line("<section class=\"cards\">");
        for (name, value) in cards {
            self.line(format!(
                "<div><b>{}</b><span>{name}</span></div>",
                escape(&value)
            ));
        }
        self.line("</section>");
    }

    fn slos(&mut self, report: &Report) {
        if report.slos.is_empty() {
            return;
        }
        self.line("<section><h2>Limits</h2><div class=\"scroll\"><table><thead><tr><th>limit</th><th class=\"n\">measured</th><th></th></tr></thead><tbody>");
        for slo in &report.slos {
            let (class, word) = if slo.held {
                ("good", "held")
            } else {
                ("bad", "broken")
            };
            let measured = slo.measured.as_deref().unwrap_or("nothing");
            self.line(format!("<tr><td><code>{}</code></td><td class=\"n\">{}</td><td><span class=\"badge {class}\">{word}</span></td></tr>", escape(&slo.expression), escape(measured)));
        }
        self.line("</tbody></table></div></section>");
    }

    fn figure(&mut self, title: &str, note: &str, chart: &Chart) {
        let drawn = svg(chart);
        if drawn.is_empty() {
            return;
        }
        let mut legend = String::new();
        for (slot, series) in chart.series.iter().enumerate() {
            let _ = write!(
                legend,
                "<span><i class=\"swatch line{slot}-b c{}\"></i>{}</span>",
                series.colour,
                escape(&series.name)
            );
        }
        // Each chart maps its own lines to the page's colours.
        let map = chart
            .series
            .iter()
            .enumerate()
            .map(|(slot, s)| format!("--line{slot}:var(--c{})", s.colour));
        let map = map.collect::<Vec<_>>().join(";");
        self.line(format!("<figure style=\"{map}\"><figcaption><h2>{title}</h2><p>{note}</p><p class=\"legend\">{legend}</p></figcaption><div class=\"scroll\">{drawn}</div></figure>"));
    }

    fn charts(&mut self, report: &Report) {
        let step = report.step_seconds.max(1) as f64;
        let is_full = |s: &crate::report::Second| s.at + step <= report.run.seconds + 0.01;
        let full = || report.series.iter().filter(|s| is_full(s));
        // The few answers after the end make a point of their own, which is shown only if they were the slowest: as a
        // rule their percentiles are those of a handful.
        let slowest = full().map(|s| s.max).max();
        let of = |f: &dyn Fn(&crate::report::Second) -> f64| -> Vec<(f64, f64)> {
            let answered = report
                .series
                .iter()
                .filter(|s| s.ok > 0 && (is_full(s) || Some(s.max) > slowest));
            answered.map(|s| (s.at, f(s))).collect()
        };
        let line = |name: &str, colour, points| Series {
            name: name.into(),
            colour,
            points,
            filled: false,
        };
        let seconds = |v: f64| format!("{} s", trim(v));
        let latency = Chart {
            series: vec![
                line("p50", 0, of(&|s| s.p50 as f64)),
                line("p99", 1, of(&|s| s.p99 as f64)),
                line("max", 2, of(&|s| s.max as f64)),
            ],
            x: Scale::Linear,
            x_label: "seconds from the start of the measurement",
            y: Scale::Log,
            show_x: seconds,
            show_y: show_micros,
        };
        self.figure("Latency over time", "Response times of all successful requests, by the second in which the answer came; logarithmic.", &latency);
        let curve = Chart {
            series: percentile_lines(report),
            x: Scale::Percentile,
            x_label: "percentile, logarithmic towards 100 %",
            y: Scale::Log,
            show_x: |q| format!("{} %", trim(q * 100.0)),
            show_y: show_micros,
        };
        self.figure(
            "Percentiles",
            "Response time that the given share of requests stayed below; both axes logarithmic.",
            &curve,
        );
        // Answers after the end are in no full second: their rate would mean nothing.
        let every = |f: &dyn Fn(&crate::report::Second) -> f64| -> Vec<(f64, f64)> {
            full().map(|s| (s.at, f(s))).collect()
        };
        let mut rates = vec![Series {
            name: "answered".into(),
            colour: 0,
            points: every(&|s| (s.ok + s.failed) as f64 / step),
            filled: true,
        }];
        if matches!(report.run.model, Model::Open { .. }) {
            let target = report
                .series
                .iter()
                .filter_map(|s| s.target_rate.map(|t| (s.at, t)))
                .collect();
            rates.push(line("target (iterations)", 3, target));
        }
        let show_rate = |v: f64| {
            if v >= 10.0 || v == 0.0 {
                format!("{}/s", show_count(v.round() as u64))
            } else {
                format!("{v:.1}/s")
            }
        };
        let rate = Chart {
            series: rates,
            x: Scale::Linear,
            x_label: latency.x_label,
            y: Scale::Linear,
            show_x: seconds,
            show_y: show_rate,
        };
        self.figure("Rate", "Requests answered in each second, against the rate that was asked for in the open model.", &rate);
        let failed = Chart {
            series: vec![Series {
                name: "failed".into(),
                colour: 2,
                points: every(&|s| s.failed as f64 / step),
                filled: true,
            }],
            x: Scale::Linear,
            x_label: latency.x_label,
            y: Scale::Linear,
            show_x: seconds,
            show_y: show_rate,
        };
        if report.totals.failed > 0 {
            self.figure("Errors", "Requests that failed in each second.", &failed);
        } else {
            self.line("<section><h2>Errors</h2><p>No request failed.</p></section>");
        }
        if !report.capacity.is_empty() {
            let loads = report.capacity_loads();
            let probes = |f: &dyn Fn(&crate::report::CapacityLoad) -> f64| {
                loads.iter().map(|p| (p.load, f(p))).collect()
            };
            let capacity = Chart {
                series: vec![
                    line("p50", 0, probes(&|p| p.p50 as f64)),
                    line("p99", 1, probes(&|p| p.p99 as f64)),
                ],
                x: Scale::Linear,
                x_label: unit(report),
                y: Scale::Log,
                show_x: |v| trim(v),
                show_y: show_micros,
            };
            self.figure("Capacity", "Response times by load; the highest load at which all limits held is the capacity.", &capacity);
        }
    }

    fn operations(&mut self, report: &Report) {
        self.line(
            "<section><h2>Operations</h2><p>Response times run from the intended start of a request to its last byte, service times from its send; \
             both of successful requests. Decoding is the client's own and in neither. A percentile in italics has too few requests behind it: it is the slowest of them.</p><div class=\"scroll\"><table><thead><tr>\
             <th>operation</th><th class=\"n\">count</th><th class=\"n\">rate/s</th><th class=\"n\">errors</th><th class=\"n\">p50</th><th class=\"n\">p90</th>\
             <th class=\"n\">p95</th><th class=\"n\">p99</th><th class=\"n\">p99.9</th><th class=\"n\">max</th><th class=\"n\">service p50</th><th class=\"n\">service p99</th>\
             <th class=\"n\">decode p50</th><th class=\"n\">bytes in</th></tr></thead><tbody>",
        );
        for operation in &report.operations {
            let row = row(operation);
            self.line(row);
        }
        let (totals, all) = (&report.totals, &report.all);
        let times: String = times(all).concat();
        self.line(format!(
            "</tbody><tfoot><tr><td>all requests</td><td class=\"n\">{}</td><td class=\"n\">{:.1}</td><td class=\"n\">{}</td>{times}<td></td><td></td><td></td><td class=\"n\">{}</td></tr></tfoot></table></div></section>",
            show_count(totals.requests),
            totals.rate,
            show_count(totals.failed),
            show_bytes(totals.bytes_in)
        ));
    }

    fn errors(&mut self, report: &Report) {
        if report.errors.is_empty() {
            return;
        }
        self.line("<section><h2>Errors by kind</h2><div class=\"scroll\"><table><thead><tr><th class=\"n\">count</th><th>operation</th><th>kind</th><th>first reason</th></tr></thead><tbody>");
        for error in &report.errors {
            let status = error.status.map_or(String::new(), |s| format!(" {s}"));
            self.line(format!(
                "<tr><td class=\"n\">{}</td><td>{}</td><td>{}{status}</td><td>{}</td></tr>",
                show_count(error.count),
                escape(&error.operation),
                error.outcome.as_str(),
                escape(&error.sample)
            ));
        }
        self.line("</tbody></table></div></section>");
    }

    fn details(&mut self, report: &Report) {
        let (run, target, generator, totals) = (
            &report.run,
            &report.target,
            &report.generator,
            &report.totals,
        );
        let mut facts: Vec<(&str, String)> = vec![
            (
                "target",
                format!(
                    "{}, EspoCRM {}",
                    target.url,
                    target.version.as_deref().unwrap_or("of unknown version")
                ),
            ),
            ("started", run.started.clone()),
            ("run", run.id.clone()),
            ("seed", run.seed.to_string()),
            ("command", run.command.clone()),
            (
                "workload",
                format!("{} (SHA-256 {})", run.workload, run.workload_sha256),
            ),
        ];
        let records: Vec<String> = target
            .records
            .iter()
            .map(|(e, n)| format!("{e} {}", show_count(*n)))
            .collect();
        if !records.is_empty() {
            facts.push(("records at the start", records.join(", ")));
        }
        facts.push((
            "in flight at the end",
            format!("{}, waited for and counted", totals.in_flight_at_end),
        ));
        if totals.offered_rate.is_some() {
            facts.push(("never sent", show_count(totals.unsent)));
            facts.push((
                "held back by the limit in flight",
                show_count(totals.held_back),
            ));
        }
        if let Some(late) = &generator.send_lateness {
            facts.push((
                "lateness of sends",
                format!(
                    "p50 {}, p99 {}, max {}",
                    show_micros(late.p50 as f64),
                    show_micros(late.p99 as f64),
                    show_micros(late.max as f64)
                ),
            ));
        }
        if let Some(took) = connecting(target) {
            facts.push(("opening a connection before the load", took));
        }
        if let Some(connection) = &report.target.connection {
            facts.push(("way to the target", connection.sentence()));
        }
        if let Some(opened) = connections(report) {
            facts.push(("connections", opened));
        }
        facts.push((
            "generator",
            format!(
                "{} sending thread(s), the busiest used {:.0} % of a core; {:.3} CPU seconds per 10,000 requests; scheduling lag p99 {}; memory {}",
                generator.threads,
                generator.busiest_thread * 100.0,
                generator.cpu_per_10k,
                show_micros(generator.scheduling_lag.p99 as f64),
                show_bytes(generator.peak_memory)
            ),
        ));
        if let Some(writes) = &report.writes {
            facts.push(("records of the run", writes.sentence()));
        }
        facts.extend(report.nothing_to_read.iter().map(|o| {
            let text = format!("{} (no records of {})", o.operation, o.entity);
            ("nothing to read", text)
        }));
        facts.extend(report.problems.iter().map(|p| ("problem", p.clone())));
        self.line("<section><h2>Run</h2><dl>");
        for (name, value) in facts.iter().filter(|(_, v)| !v.is_empty()) {
            self.line(format!("<dt>{name}</dt><dd>{}</dd>", escape(value)));
        }
        self.line("</dl>");
        self.line(format!(
            "<details><summary>Workload file</summary><pre>{}</pre></details></section>",
            escape(&run.workload_source)
        ));
    }
}

/// Cells of percentiles. One that fewer requests stand behind than it takes is the slowest request, and is shown as such.
fn times(d: &Distribution) -> [String; 6] {
    let needed = [2, 10, 20, 100, 1_000, 1];
    let values = [d.p50, d.p90, d.p95, d.p99, d.p999, d.max];
    std::array::from_fn(|i| match (d.count, d.count < needed[i]) {
        (0, _) => "<td class=\"n\">–</td>".to_owned(),
        (_, few) => format!(
            "<td class=\"n{}\">{}</td>",
            if few { " few" } else { "" },
            show_micros(values[i] as f64)
        ),
    })
}

fn row(operation: &OperationReport) -> String {
    let none = Distribution::default();
    let ok = operation.outcome(Outcome::Ok);
    let rate = operation.rate();
    let plain = |text: String| format!("<td class=\"n\">{text}</td>");
    let failed = operation.failed();
    let mut cells = plain(show_count(operation.count()));
    cells.push_str(&plain(format!("{rate:.1}")));
    cells.push_str(&match failed {
        0 => plain("0".into()),
        n => format!("<td class=\"n wrong\">{}</td>", show_count(n)),
    });
    cells.push_str(&times(ok.map_or(&none, |o| &o.response)).concat());
    let service =
        |f: fn(&Distribution) -> u64| ok.map_or("–".into(), |o| show_micros(f(&o.service) as f64));
    cells.push_str(&plain(service(|d| d.p50)));
    cells.push_str(&plain(service(|d| d.p99)));
    cells.push_str(&plain(
        ok.and_then(|o| o.decode_nanos.as_ref())
            .map_or("–".into(), |d| show_micros(d.p50 as f64 / 1e3)),
    ));
    cells.push_str(&plain(show_bytes(
        operation.outcomes.iter().map(|o| o.bytes_in).sum(),
    )));
    let class = if operation.is_chain() {
        " class=\"chain\""
    } else {
        ""
    };
    let note = if operation.is_chain() {
        " <small>(chain)</small>"
    } else {
        ""
    };
    format!(
        "<tr{class}><td>{}{note}</td>{cells}</tr>",
        escape(&operation.name)
    )
}

/// The curves of the operations with the most requests, and of all together.
fn percentile_lines(report: &Report) -> Vec<Series> {
    let mut busiest: Vec<&OperationReport> = report
        .operations
        .iter()
        .filter(|o| !o.is_apart() && o.outcome(Outcome::Ok).is_some())
        .collect();
    busiest.sort_by_key(|o| std::cmp::Reverse(o.count()));
    busiest.truncate(MAX_LINES - 1);
    let mut lines = vec![Series {
        name: "all".into(),
        colour: 5,
        points: curve(&report.all),
        filled: false,
    }];
    for (colour, operation) in busiest.into_iter().enumerate() {
        if let Some(ok) = operation.outcome(Outcome::Ok) {
            lines.push(Series {
                name: operation.name.clone(),
                colour,
                points: curve(&ok.response),
                filled: false,
            });
        }
    }
    lines
}

/// Points of a percentile curve, as far as there are samples to tell.
fn curve(distribution: &Distribution) -> Vec<(f64, f64)> {
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
