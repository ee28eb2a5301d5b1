//! How the report was produced: target, load, generator, records.

use maud::{Markup, html};

use super::super::table::{connecting, connections};
use crate::report::Report;
use crate::units::{counted, show_bytes, show_count, show_micros};

pub(super) fn run(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Run" }
            dl {
                @for (name, value) in facts(report).iter().filter(|(_, v)| !v.is_empty()) {
                    dt { (name) } dd { (value) }
                }
            }
            details {
                summary { "Workload file" }
                pre { (report.run.workload_source) }
            }
        }
    }
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let (run, target, totals) = (&report.run, &report.target, &report.totals);
    let version = target.version.as_deref().unwrap_or("of unknown version");
    let mut facts = vec![
        ("target", format!("{}, EspoCRM {version}", target.url)),
        ("started", run.started.clone()),
        ("run ID", run.id.clone()),
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
        .map(|(entity, n)| format!("{entity} {}", show_count(*n)))
        .collect();
    facts.push(("records at the start", records.join(", ")));
    facts.push((
        "in flight at the end",
        format!("{}, completed and counted", totals.in_flight_at_end),
    ));
    if totals.offered_rate.is_some() {
        facts.push(("dropped iterations", show_count(totals.unsent)));
        facts.push((
            "delayed by the in-flight limit",
            show_count(totals.held_back),
        ));
    }
    if let Some(delay) = &report.generator.send_lateness {
        facts.push((
            "send delay",
            format!(
                "p50 {}, p99 {}, max {}",
                show_micros(delay.p50 as f64),
                show_micros(delay.p99 as f64),
                show_micros(delay.max as f64)
            ),
        ));
    }
    if let Some(took) = connecting(target) {
        facts.push(("opening a connection before the load", took));
    }
    if let Some(connection) = &target.connection {
        facts.push(("connection", connection.sentence()));
    }
    if let Some(opened) = connections(report) {
        facts.push(("connections", opened));
    }
    facts.push(("load generator", generator(report)));
    if let Some(writes) = &report.writes {
        facts.push(("records of the run", writes.sentence()));
    }
    facts.extend(report.nothing_to_read.iter().map(|o| {
        let text = format!("{} (no records of {})", o.operation, o.entity);
        ("nothing to read", text)
    }));
    facts.push(("decoded untyped", report.decoded_untyped.join(", ")));
    facts.extend(report.problems.iter().map(|p| ("problem", p.clone())));
    facts
}

fn generator(report: &Report) -> String {
    let generator = &report.generator;
    format!(
        "{}, the busiest used {:.0} % of a core; {:.3} CPU seconds per 10,000 requests; scheduling lag p99 {}; memory {}",
        counted(u64::from(generator.threads), "sending thread"),
        generator.busiest_thread * 100.0,
        generator.cpu_per_10k,
        show_micros(generator.scheduling_lag.p99 as f64),
        show_bytes(generator.peak_memory)
    )
}
