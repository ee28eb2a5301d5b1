//! Builds a report from the recorded data.

use hdrhistogram::Histogram;

use super::{
    Connections, Distribution, ErrorReport, FORMAT_VERSION, Generator, Model, OperationReport,
    Outcome, OutcomeReport, Report, RunInfo, TargetInfo, Totals, Verdict, encode_histogram,
};
use crate::record::{Collected, OperationData, histogram};
use crate::workload::Operation;

/// A thread that is busier than this cannot absorb bursts, and its queue affects the percentiles.
const BUSY: f64 = 0.85;
/// A wake-up delay of this size at the 99th percentile affects the percentiles of fast requests.
const LAG_MICROS: u64 = 5_000;
/// If responses take long, a larger delay does not affect their percentiles: this fraction of the median is tolerated.
const TOLERATED_LAG: f64 = 0.1;

/// Data of the driver in addition to the samples.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) run: RunInfo,
    pub(crate) target: TargetInfo,
    pub(crate) collected: Collected,
    /// Scheduled and started iterations of the open model during the measurement.
    pub(crate) scheduled: Option<(u64, u64)>,
    pub(crate) unsent: u64,
    pub(crate) in_flight_at_end: u64,
    /// CPU seconds of each generator thread during the measurement.
    pub(crate) thread_cpu: Vec<f64>,
    /// Seconds in which the threads used this time.
    pub(crate) cpu_window: f64,
    pub(crate) peak_memory: u64,
    pub(crate) memory_by_minute: Vec<(u32, u64)>,
}

pub(crate) fn build(operations: &[Operation], finished: Finished) -> Report {
    let Finished {
        run,
        target,
        collected,
        scheduled,
        unsent,
        in_flight_at_end,
        thread_cpu,
        cpu_window,
        peak_memory,
        memory_by_minute,
    } = finished;
    let seconds = run.seconds.max(1e-6);
    // The threads report their time every 10 ms, so the share of a shorter window would be meaningless.
    let window = seconds.max(cpu_window).max(0.1);
    let reports: Vec<OperationReport> = operations
        .iter()
        .zip(&collected.operations)
        .map(|(operation, data)| operation_report(operation, data, seconds))
        .collect();
    let mut errors: Vec<ErrorReport> = collected
        .failures
        .into_iter()
        .filter_map(|((operation, outcome, status), (count, sample))| {
            let operation = operations.get(usize::from(operation))?.name.clone();
            Some(ErrorReport {
                operation,
                outcome,
                status: (status > 0).then_some(status),
                count,
                sample,
            })
        })
        .collect();
    errors.sort_by_key(|e| std::cmp::Reverse(e.count));
    let cpu_seconds = thread_cpu.iter().sum::<f64>();
    let lateness =
        matches!(run.model, Model::Open { .. }).then(|| Distribution::of(&collected.lateness));
    let mut report = Report {
        format: "espo-bench-report".into(),
        version: FORMAT_VERSION,
        tool: env!("CARGO_PKG_VERSION").into(),
        target,
        totals: Totals {
            offered_rate: scheduled.map(|(due, _)| due as f64 / seconds),
            achieved_rate: scheduled.map(|(_, begun)| begun as f64 / seconds),
            unsent,
            held_back: collected.held_back,
            in_flight_at_end,
            ..Totals::default()
        },
        all: Distribution::default(),
        operations: reports,
        errors,
        generator: Generator {
            threads: u32::try_from(thread_cpu.len()).unwrap_or(u32::MAX),
            busiest_thread: (thread_cpu.iter().fold(0.0, |a: f64, b| a.max(*b)) / window).min(1.0),
            cpu_seconds,
            cpu_per_10k: 0.0,
            send_lateness: lateness,
            scheduling_lag: Distribution::of(&collected.lag),
            peak_memory,
            memory_by_minute,
            verdict: Verdict::Trustworthy,
            reasons: Vec::new(),
        },
        connections: Some(Connections {
            opened: collected.connects.micros.len(),
            during_measurement: collected.connects.measured,
            failed: collected.connects.failed,
            micros: Distribution::of(&collected.connects.micros),
        }),
        writes: None,
        problems: Vec::new(),
        nothing_to_read: Vec::new(),
        decoded_untyped: Vec::new(),
        slos: Vec::new(),
        step_seconds: collected.step_seconds,
        series: collected.seconds,
        block_seconds: collected.block_seconds,
        capacity: Vec::new(),
        capacity_result: None,
        run,
    };
    recompute(&mut report);
    report
}

/// Computes totals, the overall distribution and the verdict from the operations and the generator's figures.
pub(crate) fn recompute(report: &mut Report) {
    let seconds = report.run.seconds.max(1e-6);
    let mut all = histogram();
    let totals = &mut report.totals;
    (
        totals.requests,
        totals.failed,
        totals.bytes_in,
        totals.bytes_out,
        totals.generator_errors,
    ) = (0, 0, 0, 0, 0);
    for operation in report.operations.iter().filter(|o| !o.is_apart()) {
        totals.requests += operation.count();
        totals.failed += operation.failed();
        let own = operation.outcome(Outcome::Generator);
        totals.generator_errors += own.map_or(0, |o| o.count);
        for outcome in &operation.outcomes {
            totals.bytes_in += outcome.bytes_in;
            totals.bytes_out += outcome.bytes_out;
        }
        if let Some(Ok(ok)) = operation
            .outcome(Outcome::Ok)
            .map(|o| o.response.to_histogram())
        {
            // `all` resizes itself, so adding cannot fail.
            let added = all.add(ok);
            debug_assert!(added.is_ok());
        }
    }
    totals.rate = totals.requests as f64 / seconds;
    report.all = Distribution::of(&all);
    report.generator.cpu_per_10k = match report.totals.requests {
        0 => 0.0,
        n => report.generator.cpu_seconds * 10_000.0 / n as f64,
    };
    (report.generator.verdict, report.generator.reasons) = verdict(report);
}

fn verdict(report: &Report) -> (Verdict, Vec<String>) {
    let generator = &report.generator;
    let mut reasons = Vec::new();
    if generator.busiest_thread > BUSY {
        reasons.push(format!(
            "a sending thread used {:.0} % of a core",
            generator.busiest_thread * 100.0
        ));
    }
    let tolerated = (report.all.p50 as f64 * TOLERATED_LAG).max(LAG_MICROS as f64);
    if generator.scheduling_lag.p99 as f64 > tolerated {
        let lag = generator.scheduling_lag.p99 as f64 / 1e3;
        reasons.push(format!(
            "scheduling lag of {lag:.1} ms at the 99th percentile"
        ));
    }
    if report.totals.generator_errors > 0 {
        let own = (report.errors.iter()).find(|e| e.outcome == Outcome::Generator);
        reasons.push(format!(
            "{} requests failed in the load generator{}",
            report.totals.generator_errors,
            own.map_or(String::new(), |e| format!(": {}", e.sample))
        ));
    }
    if !reasons.is_empty() {
        return (Verdict::GeneratorSaturated, reasons);
    }
    let totals = &report.totals;
    if let (Some(offered), Some(achieved), Some(false)) = (
        totals.offered_rate,
        totals.achieved_rate,
        totals.is_rate_sustained(),
    ) {
        let reason = format!(
            "{achieved:.1} of {offered:.1} iterations/s started on time; {} were dropped",
            totals.unsent
        );
        return (Verdict::RateNotHeld, vec![reason]);
    }
    (Verdict::Trustworthy, reasons)
}

fn operation_report(operation: &Operation, data: &OperationData, seconds: f64) -> OperationReport {
    let outcomes = data.outcomes.iter().map(|(outcome, d)| OutcomeReport {
        outcome: *outcome,
        count: d.response.len(),
        rate: d.response.len() as f64 / seconds,
        service: Distribution::of(&d.service),
        response: Distribution::of(&d.response),
        decode_nanos: (!d.decode.is_empty()).then(|| Distribution::of_nanos(&d.decode)),
        bytes_in: d.bytes_in,
        bytes_out: d.bytes_out,
    });
    let deflate = |h: Histogram<u64>| (!h.is_empty()).then(|| encode_histogram(&h));
    OperationReport {
        name: operation.name.clone(),
        kind: operation.report_kind().into(),
        entity: operation.entity.clone(),
        outcomes: outcomes.collect(),
        blocks: data.blocks.iter().map(|b| deflate(b.histogram())).collect(),
    }
}
