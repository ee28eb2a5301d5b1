//! The findings of a report as sentences, for readers who are not statisticians.

use crate::record::histogram;
use crate::report::{
    ALL_MET, CapacityLoad, Distribution, MISSED_AT_ONCE, Model, NEXT_MISSED, OperationReport,
    Outcome, Report, Verdict,
};
use crate::units::{counted, show_count, show_load, show_micros, show_people, show_range};

/// Whether a sentence is good, bad or neutral news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Plain,
}

/// Returns the summary of the report, with the most important finding first.
pub(crate) fn sentences(report: &Report) -> Vec<(Tone, String)> {
    let mut out = Vec::new();
    out.extend(limits(report));
    out.extend(capacity(report));
    let failed = report.totals.failed > 0;
    out.extend(failed.then(|| errors(report)));
    if report.all.count == 0 {
        out.push((
            Tone::Bad,
            "No request succeeded: there are no response times.".into(),
        ));
    } else {
        out.extend(times(report));
    }
    out.extend((!failed).then(|| errors(report)));
    out.extend(model(report));
    out.extend(people(report));
    let data = report.data_warnings();
    if !data.is_empty() {
        let text = format!(
            "The target has less data than a typical instance, so a real instance is likely to be slower: {}.",
            data.join("; ")
        );
        out.push((Tone::Plain, text));
    }
    if let Some(warning) = report.one_user_warning() {
        let text = format!("{}{}.", warning[..1].to_uppercase(), &warning[1..]);
        out.push((Tone::Plain, text));
    }
    out.extend(generator(report));
    out
}

fn limits(report: &Report) -> Option<(Tone, String)> {
    let broken: Vec<String> = (report.slos.iter())
        .filter(|s| !s.held)
        .map(|s| format!("{} ({})", s.expression, s.sentence()))
        .collect();
    let caveats: Vec<String> = (report.slos.iter())
        .filter(|s| s.held && s.caveat.is_some())
        .map(|s| format!("{} ({})", s.expression, s.sentence()))
        .collect();
    let but = match caveats.is_empty() {
        true => String::new(),
        false => format!(" With restrictions: {}.", caveats.join(", ")),
    };
    let tone = match caveats.is_empty() {
        true => Tone::Good,
        false => Tone::Plain,
    };
    match (report.slos.len(), broken.len()) {
        (0, _) => None,
        (1, 0) => Some((tone, format!("The SLO was met.{but}"))),
        (2, 0) => Some((tone, format!("Both SLOs were met.{but}"))),
        (all, 0) => Some((tone, format!("All {all} SLOs were met.{but}"))),
        (all, some) => Some((
            Tone::Bad,
            format!("{some} of {all} SLOs were missed: {}.", broken.join(", ")),
        )),
    }
}

fn capacity(report: &Report) -> Vec<(Tone, String)> {
    let loads = report.capacity_loads();
    if loads.is_empty() {
        return Vec::new();
    }
    let result = report.capacity_result.as_ref();
    let found = result.and_then(|r| r.load);
    let within = |l: &&CapacityLoad| result.is_none() || found.is_some_and(|f| l.load <= f);
    let met = loads.iter().filter(within).rfind(|l| l.is_met());
    let missed = loads.iter().find(|l| met.is_none_or(|m| l.load > m.load));
    let load = |load: f64| match show_load(load) {
        text if text.contains('.') => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        text => text,
    };
    let amount = |value: f64| match (unit(report), load(value).as_str()) {
        ("workers", "1") => "1 worker".to_owned(),
        (unit, value) => format!("{value} {unit}"),
    };
    let mut out = vec![match (met, missed) {
        (Some(met), Some(missed)) => (
            Tone::Good,
            format!(
                "The SLOs were met up to {}; {}, the next higher load tested, missed them.",
                amount(met.load),
                load(missed.load)
            ),
        ),
        (Some(met), None) => (
            Tone::Good,
            format!(
                "The SLOs were met up to {}, the highest load tested.",
                amount(met.load)
            ),
        ),
        (None, _) => (Tone::Bad, "None of the tested loads met the SLOs.".into()),
    }];
    let workers = matches!(report.run.model, Model::Closed { .. });
    if let Some(result) = result {
        let sentence = |text: String| format!("{}{}.", text[..1].to_uppercase(), &text[1..]);
        let is_usual = [NEXT_MISSED, ALL_MET, MISSED_AT_ONCE].contains(&result.ended.as_str());
        out.extend((!is_usual).then(|| (Tone::Plain, sentence(result.ended.clone()))));
        let stops = super::capacity::saturation(result, workers).map(sentence);
        out.extend(stops.map(|s| (Tone::Plain, s)));
        if let (Some(recommended), Some(found)) = (result.recommended, result.load)
            && recommended < found
        {
            let text = format!("Recommended: {}.", amount(recommended));
            out.push((Tone::Plain, text));
        }
        let disputed = super::capacity::disagreement(&loads).map(sentence);
        out.extend(disputed.map(|s| (Tone::Plain, s)));
    }
    out
}

/// Returns the unit of loads.
pub(crate) fn unit(report: &Report) -> &'static str {
    match report.run.model {
        Model::Closed { .. } => "workers",
        Model::Open { .. } => "iterations/s",
    }
}

fn times(report: &Report) -> Vec<(Tone, String)> {
    let all = &report.all;
    let time = |micros: u64| show_micros(micros as f64);
    let mut out = vec![(
        Tone::Plain,
        format!(
            "Half of the requests completed within {}, 99 % within {}; the slowest took {}.",
            time(all.p50),
            time(all.p99),
            time(all.max)
        ),
    )];
    out.extend(slowest(report).map(|text| (Tone::Plain, text)));
    if all.count < 1_000 {
        out.push((
            Tone::Plain,
            format!(
                "Only {} succeeded, so high percentiles are based on single requests; run the test for longer.",
                counted(all.count, "request")
            ),
        ));
    }
    out
}

/// Names the slowest operation of the table. If one with too few requests appears slower, it is named as well.
fn slowest(report: &Report) -> Option<String> {
    let times = |o: &OperationReport| Some(o.outcome(Outcome::Ok)?.response.clone());
    let rows = report.operations.iter().filter(|o| !o.is_apart());
    let rows: Vec<_> = rows.filter_map(|o| Some((o, times(o)?))).collect();
    let (first, first_times) = rows.iter().max_by_key(|(_, t)| t.p99)?;
    if rows.len() < 2 {
        return None;
    }
    let reliable = rows.iter().filter(|(_, t)| t.count >= RELIABLE);
    let Some((operation, times)) = reliable.max_by_key(|(_, t)| t.p99) else {
        return Some(format!(
            "The slowest operation is {} with a maximum of {}; no operation has the {RELIABLE} requests that a 99th percentile needs.",
            first.name,
            show_micros(first_times.max as f64)
        ));
    };
    let mut text = format!(
        "The slowest operation is {}: 99 % of its requests completed within {}.",
        operation.name,
        show_micros(times.p99 as f64)
    );
    if first.name != operation.name {
        text.push_str(&format!(
            " {} shows a larger 99th percentile ({}), but has only {} requests, so this is the time of its slowest request.",
            first.name,
            show_micros(first_times.p99 as f64),
            first_times.count
        ));
    }
    Some(text)
}

/// Minimum number of requests for a 99th percentile; with fewer, it is the slowest request.
const RELIABLE: u64 = 100;

fn errors(report: &Report) -> (Tone, String) {
    let totals = &report.totals;
    if totals.failed == 0 {
        return (Tone::Good, "No request failed.".into());
    }
    let share = totals.failed as f64 * 100.0 / totals.requests.max(1) as f64;
    let mut text = format!(
        "{} of {} requests failed ({share:.2} %)",
        show_count(totals.failed),
        show_count(totals.requests)
    );
    if let Some(first) = report.errors.first() {
        let kind = first.status.map_or_else(
            || format!("as {}", first.outcome.as_str()),
            |status| format!("with status {status}"),
        );
        text.push_str(&format!(
            ", most often {} {kind}: {}",
            first.operation, first.sample
        ));
    }
    (Tone::Bad, format!("{}.", text.trim_end_matches('.')))
}

fn model(report: &Report) -> Option<(Tone, String)> {
    let totals = &report.totals;
    match (&report.run.model, totals.offered_rate, totals.achieved_rate) {
        (Model::Closed { .. }, ..) => Some((
            Tone::Plain,
            "Each worker waits for a response before it sends its next request, so a slow server receives fewer requests. \
            The figures show what this number of concurrent users experiences; use --rate to measure a fixed load."
                .into(),
        )),
        (Model::Open { .. }, Some(offered), Some(achieved)) => {
            let service = service(report);
            let held = totals.is_rate_sustained() == Some(true);
            let begun = if held {
                format!("The target rate was sustained: {achieved:.1} of {offered:.1} iterations/s started on time.")
            } else {
                format!(
                    "The target rate was not sustained: {achieved:.1} of {offered:.1} iterations/s started on time; {} were dropped.",
                    show_count(totals.unsent)
                )
            };
            let tone = if held { Tone::Good } else { Tone::Bad };
            Some((
                tone,
                format!(
                    "{begun} Response times are measured from the intended start, so server stalls are included (no coordinated \
                    omission). Measured from the actual send, 99 % took {} or less.",
                    show_micros(service.p99 as f64)
                ),
            ))
        }
        _ => None,
    }
}

/// Describes the load that each person caused.
fn people(report: &Report) -> Option<(Tone, String)> {
    let Model::Closed { concurrency } = report.run.model else {
        return None;
    };
    let users = match report.run.users {
        0 => String::new(),
        1 => ", as one user".into(),
        n => format!(", as {n} users"),
    };
    Some((
        Tone::Plain,
        format!(
            "{} with think times of {}{users} sent {:.2} requests/s, {:.3} per person.",
            show_people(concurrency),
            show_range(report.run.think_seconds?),
            report.totals.rate,
            report.rate_per_worker()?
        ),
    ))
}

/// Returns the service times of the successful requests of all operations.
fn service(report: &Report) -> Distribution {
    let mut all = histogram();
    for operation in report.operations.iter().filter(|o| !o.is_apart()) {
        if let Some(Ok(times)) = operation
            .outcome(Outcome::Ok)
            .map(|o| o.service.to_histogram())
        {
            // `all` resizes itself, so adding cannot fail.
            let added = all.add(times);
            debug_assert!(added.is_ok());
        }
    }
    Distribution::of(&all)
}

fn generator(report: &Report) -> Vec<(Tone, String)> {
    let generator = &report.generator;
    let mut out = Vec::new();
    // If it was saturated, a warning above everything else reports it.
    if generator.verdict != Verdict::GeneratorSaturated && report.totals.requests > 0 {
        out.push((
            Tone::Good,
            format!(
                "The load generator used {:.0} % of a core and was not saturated, so the times reflect the target.",
                generator.busiest_thread * 100.0
            ),
        ));
    }
    if report.target.embedded {
        out.push((
            Tone::Plain,
            "The target was the embedded server on the load generator's own machine. This run tests the workload; it does \
            not measure a real instance."
                .into(),
        ));
    }
    out
}
