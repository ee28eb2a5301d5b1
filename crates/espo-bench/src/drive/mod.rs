//! The driver: from options to a report.

mod access;
mod act;
mod call;
mod connect;
mod create;
mod decode;
mod descriptors;
mod embedded;
mod fault;
mod interrupt;
mod options;
mod patience;
mod prepare;
mod send;
mod settle;
mod target;
mod thread;
mod typed;
mod usage;
mod world;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

pub use access::Access;
pub use options::{Credentials, Limit, Load, RunOptions, Shard, Target};
pub(crate) use target::{Dialer, is_loopback, probe};

use self::act::Stop;
use self::prepare::Prepared;
use self::thread::{Gauges, Job};
use crate::error::{Error, Result};
use crate::output::{HlogSink, Progress};
use crate::record::{Collected, Collector, IntervalSink, Recorder};
use crate::report::{
    Finished, INTERRUPTED, Report, RunInfo, ShardInfo, StopCause, TargetInfo, Writes, build,
};

/// Runs a load test and gives its report.
///
/// Blocks the calling thread; the load is sent from threads of its own. Limits that did not hold are in the
/// report ([`Report::exit_code`]), not an error.
///
/// # Errors
///
/// [`Error::Usage`] for a workload that does not fit the target, a write to a host that was not allowed, a limit
/// on an operation that the workload lacks; [`Error::Target`] when the target is not there or refuses the
/// credentials, before or during the load; [`Error::Io`] when the ledger or the interval log cannot be written.
pub fn run(options: RunOptions) -> Result<Report> {
    let prepared = prepare::prepare(options)?;
    let outcome = measure(&prepared);
    let (writes, problems) = prepared.clean_up();
    match outcome {
        Ok(mut report) => {
            report.writes = writes;
            report.problems.extend(problems);
            report.check(&prepared.options.slos);
            Ok(report)
        }
        Err(error) => Err(match writes.filter(Writes::is_incomplete) {
            None => error,
            Some(writes) => error.and(&writes.sentence()),
        }),
    }
}

/// The requests that a run would send first, as text, without sending one of them. The target's metadata and
/// lists are read.
///
/// # Errors
///
/// As [`run`].
pub fn dry_run(options: RunOptions, iterations: u64) -> Result<Vec<String>> {
    prepare::dry_run(options, iterations)
}

struct Running {
    threads: Vec<std::thread::JoinHandle<Result<()>>>,
    recorders: Vec<Recorder>,
    gauges: Vec<Arc<Gauges>>,
    start: Instant,
    started: SystemTime,
}

fn launch(prepared: &Prepared) -> Result<Running> {
    let options = &prepared.options;
    let threads = options.threads.max(1);
    let lead = Duration::from_millis(300);
    let (start, started) = match options.start_at {
        None => (Instant::now() + lead, SystemTime::now() + lead),
        Some(at) => {
            let wait = at.duration_since(SystemTime::now()).map_err(|_| {
                Error::usage("--start-at has passed: give a later time to all shards")
            })?;
            (Instant::now() + wait, at)
        }
    };
    let shard = options.shard.map_or((0, 1), |s| (s.index, s.count));
    let (mut handles, mut recorders, mut gauges) = (Vec::new(), Vec::new(), Vec::new());
    for thread in 0..threads {
        let job = Job {
            shared: Arc::clone(&prepared.shared),
            workload: options.workload.clone(),
            settled: prepared.settled.clone(),
            dialer: prepared.dialer.clone(),
            recorder: Recorder::default(),
            gauges: Arc::default(),
            thread: (thread, threads),
            shard,
            drain: options.drain,
            start,
        };
        recorders.push(job.recorder.clone());
        gauges.push(Arc::clone(&job.gauges));
        let shared = Arc::clone(&prepared.shared);
        let handle = std::thread::Builder::new()
            .name(format!("load-{thread}"))
            .spawn(move || {
                let result = job.run();
                if let Err(error) = &result {
                    // The others would send a part of the load for the whole time.
                    shared.halt(StopCause::Generator, error.to_string());
                }
                result
            });
        handles.push(handle.map_err(|e| Error::usage(format!("no thread for sending: {e}")))?);
    }
    Ok(Running {
        threads: handles,
        recorders,
        gauges,
        start,
        started,
    })
}

fn measure(prepared: &Prepared) -> Result<Report> {
    let (options, settled, shared) = (&prepared.options, &prepared.settled, &prepared.shared);
    let mut load = launch(prepared)?;
    let (sink, log_error) = match &options.hdr {
        None => (None, None),
        Some(path) => {
            let (sink, error) = HlogSink::create(path, load.started, &prepared.about())?;
            (Some(Box::new(sink) as Box<dyn IntervalSink>), Some(error))
        }
    };
    let tags = shared.plan.operations.iter().map(|r| {
        (
            r.operation.name.clone(),
            r.operation.kind == crate::workload::Kind::Chain,
        )
    });
    let from = settled.profile.measured_from();
    let planned = settled.measured_seconds();
    let from_micros = u64::try_from(from.as_micros()).unwrap_or(u64::MAX);
    let mut collector = Collector::new(
        tags.collect(),
        std::mem::take(&mut load.recorders),
        from_micros,
        planned,
        sink,
    );
    let progress = Progress::new(
        options.progress,
        planned.map(|p| from + Duration::from_secs_f64(p)),
    );
    let watch = Watch {
        prepared,
        load: &load,
        progress: &progress,
    };
    let mut seen = watch.until_end(&mut collector);
    let ended = load.start.elapsed();
    let mut failed = None;
    for handle in load.threads.drain(..) {
        match handle.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => failed = Some(error),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    progress.finish();
    let done = Instant::now().saturating_duration_since(load.start);
    let collected = collector.finish(u64::try_from(done.as_micros()).unwrap_or(u64::MAX));
    if let Some(error) = failed.filter(|_| collected.is_empty()) {
        return Err(error);
    }
    // A thread can stop the load after the last look at it.
    if let Some(stop) = shared.halted.lock().clone() {
        seen.stopped = Some(stop);
    }
    let end = if seen.stopped.is_some() || planned.is_none() {
        ended
    } else {
        settled.profile.total()
    };
    let seconds = end.saturating_sub(from).as_secs_f64();
    let mut report = report(prepared, &load, collected, seen, seconds);
    if let Some(error) = log_error.and_then(|e| e.lock().take()) {
        let problem = format!("the interval log cannot be written: {error}");
        report.problems.push(problem);
    }
    Ok(report)
}

fn report(
    prepared: &Prepared,
    load: &Running,
    mut collected: Collected,
    seen: Seen,
    seconds: f64,
) -> Report {
    let (options, settled) = (&prepared.options, &prepared.settled);
    if settled.is_open() {
        let from = settled.profile.measured_from().as_secs_f64();
        let total = settled.profile.total().as_secs_f64();
        let (_, shards) = options.shard.map_or((0, 1), |s| (s.index, s.count));
        for second in &mut collected.seconds {
            let middle = from + second.at + collected.step_seconds as f64 / 2.0;
            second.target_rate =
                (middle < total).then(|| settled.profile.load_at(middle) / f64::from(shards));
        }
    }
    let sum = |f: fn(&Gauges) -> u64| load.gauges.iter().map(|g| f(g)).sum::<u64>();
    let scheduled = sum(|g| g.scheduled.load(Ordering::Relaxed));
    let finished = Finished {
        run: RunInfo {
            id: prepared.shared.run_id.clone(),
            started: crate::time::rfc3339(load.started),
            seconds,
            stopped_by: seen.stopped.as_ref().map(|s| s.cause),
            stopped: seen.stopped.map(|s| s.reason),
            seed: settled.seed,
            model: settled.model.clone(),
            phases: settled.profile.phases().to_vec(),
            workload: options.workload.name.clone(),
            workload_source: options.workload.source.to_string(),
            workload_sha256: prepared.workload_hash(),
            decode: options.decode,
            command: options.command.clone(),
            shard: options.shard.map(|s| ShardInfo {
                index: s.index,
                count: s.count,
                start_at: options.start_at.map(crate::time::rfc3339),
            }),
        },
        target: TargetInfo {
            url: prepared.dialer.url.clone(),
            embedded: prepared.embedded.is_some(),
            version: prepared.version.clone(),
            records: prepared.records.clone(),
            connect_micros: prepared.connects.tcp.clone(),
            tls_micros: prepared.connects.tls.clone(),
            connection: Some(prepared.connection.clone()),
        },
        collected,
        scheduled: settled
            .is_open()
            .then(|| (scheduled, sum(|g| g.begun.load(Ordering::Relaxed)))),
        unsent: sum(|g| g.unsent.load(Ordering::Relaxed)),
        in_flight_at_end: seen.in_flight_at_end,
        thread_cpu: seen.cpu,
        peak_memory: seen.peak_memory,
        memory_by_minute: seen.memory_by_minute,
    };
    let operations: Vec<_> = prepared
        .shared
        .plan
        .operations
        .iter()
        .map(|r| r.operation.clone())
        .collect();
    let mut report = build(&operations, finished);
    report.nothing_to_read.clone_from(&prepared.nothing_to_read);
    // Creates that other operations needed are a line of their own, if there were any.
    let own = options.workload.operations.len();
    let mut index = 0;
    report.operations.retain(|o| {
        index += 1;
        index <= own || o.count() > 0
    });
    report
}

/// What the main thread saw while the load ran.
#[derive(Debug, Default)]
struct Seen {
    stopped: Option<Stop>,
    in_flight_at_end: u64,
    /// CPU seconds by thread.
    cpu: Vec<f64>,
    peak_memory: u64,
    memory_by_minute: Vec<(u32, u64)>,
}

struct Watch<'a> {
    prepared: &'a Prepared,
    load: &'a Running,
    progress: &'a Progress,
}

impl Watch<'_> {
    /// Drains the recorders ten times a second until the load is over or has to stop.
    fn until_end(&self, collector: &mut Collector) -> Seen {
        let settled = &self.prepared.settled;
        let (from, total) = (settled.profile.measured_from(), settled.profile.total());
        let mut seen = Seen::default();
        let mut cpu_from: Option<Vec<f64>> = None;
        let mut next_memory = Duration::ZERO;
        loop {
            std::thread::sleep(
                Duration::from_millis(100)
                    .min(self.left(total))
                    .max(Duration::from_millis(1)),
            );
            let now = Instant::now().saturating_duration_since(self.load.start);
            let micros = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
            if cpu_from.is_none() && now >= from {
                cpu_from = Some(self.cpu());
                collector.start_measuring(micros);
            } else {
                collector.drain(micros);
            }
            if now >= next_memory {
                next_memory = now + Duration::from_secs(1);
                let memory = usage::resident_bytes();
                seen.peak_memory = seen.peak_memory.max(memory);
                let minute = u32::try_from(now.as_secs() / 60).unwrap_or(u32::MAX);
                if minute >= 1
                    && seen
                        .memory_by_minute
                        .last()
                        .is_none_or(|(m, _)| *m < minute)
                {
                    seen.memory_by_minute.push((minute, memory));
                }
            }
            self.progress.update(now, now < from, collector.snapshot());
            let finished = self
                .load
                .threads
                .iter()
                .all(std::thread::JoinHandle::is_finished);
            seen.stopped = self.reason_to_stop(collector);
            if seen.stopped.is_some() || finished || now >= total {
                break;
            }
        }
        seen.in_flight_at_end = self
            .load
            .gauges
            .iter()
            .map(|g| u64::from(g.in_flight.load(Ordering::Relaxed)))
            .sum();
        // Without a measurement there is nothing that the warm-up's time could be a share of.
        let before = cpu_from.unwrap_or_else(|| self.cpu());
        seen.cpu = self
            .cpu()
            .iter()
            .zip(before)
            .map(|(after, before)| (after - before).max(0.0))
            .collect();
        if seen.stopped.is_some() {
            self.prepared.shared.stop.store(true, Ordering::Relaxed);
        }
        seen
    }

    fn left(&self, total: Duration) -> Duration {
        (self.load.start + total).saturating_duration_since(Instant::now())
    }

    fn cpu(&self) -> Vec<f64> {
        self.load
            .gauges
            .iter()
            .map(|g| g.cpu_nanos.load(Ordering::Relaxed) as f64 / 1e9)
            .collect()
    }

    fn reason_to_stop(&self, collector: &Collector) -> Option<Stop> {
        let options = &self.prepared.options;
        let shared = &self.prepared.shared;
        let stop = |cause, reason: String| Some(Stop { cause, reason });
        if self.prepared.interrupted() {
            return stop(StopCause::Interrupted, INTERRUPTED.into());
        }
        if let Some(stop) = shared.halted.lock().clone() {
            return Some(stop);
        }
        if let Some(ledger) = shared.ledger.as_ref().filter(|l| !l.is_in_place()) {
            let path = ledger.path().display();
            return stop(StopCause::Ledger, format!("the ledger {path} was removed"));
        }
        let now = collector.snapshot();
        let all = now.ok + now.failed;
        let attempts = all + now.generator;
        if attempts >= 50 && now.generator as f64 > options.max_error_share * attempts as f64 {
            let reason = format!(
                "{} of {attempts} requests failed inside the load generator",
                now.generator
            );
            return stop(StopCause::Generator, reason);
        }
        if all >= 50 && now.failed as f64 > options.max_error_share * all as f64 {
            let reason = format!(
                "{} of {all} requests failed, more than the allowed {:.0} %",
                now.failed,
                options.max_error_share * 100.0
            );
            return stop(StopCause::Errors, reason);
        }
        let hopeless = options
            .abort_when_hopeless
            .then(|| self.hopeless(collector));
        stop(StopCause::Slo, hopeless.flatten()?)
    }

    /// The limit that cannot hold any more, if there is one.
    fn hopeless(&self, collector: &Collector) -> Option<String> {
        /// Before so much of the run nothing is known of the rest.
        const EARLY: f64 = 0.05;
        let prepared = self.prepared;
        let (options, plan) = (&prepared.options, &prepared.shared.plan);
        let operations = plan.operations.iter().map(|r| &r.operation);
        let elapsed = Instant::now().saturating_duration_since(self.load.start);
        let mut iterations = vec![false; plan.operations.len()];
        for item in &options.workload.mix {
            iterations[item.chain.unwrap_or(item.steps[0])] = true;
        }
        let ended = collector.so_far(&iterations, f64::INFINITY);
        let ended = (ended.ok + ended.failed).max(1) as f64;
        let (done, due) = match (prepared.settled.requests, prepared.settled.due(elapsed)) {
            (Some(all), _) => (ended / all as f64, None),
            (None, (done, due)) => (done, due),
        };
        if !(EARLY..1.0).contains(&done) {
            return None;
        }
        // The rest of a closed run may be faster than what was seen; that of an open one is known but for the mix, and
        // what is due but not answered is still to come.
        let more = if prepared.settled.is_open() { 0.2 } else { 1.0 };
        let late = due.map_or(1.0, |due| (due / ended).max(1.0));
        let seconds = prepared.settled.measured_seconds();
        options.slos.iter().find_map(|slo| {
            let named = operations
                .clone()
                .map(|o| (o.name.as_str(), o.kind.as_str()));
            let now = collector.so_far(&slo.chosen(named), slo.micros());
            let seen = (now.ok + now.failed) as f64;
            if seen < 20.0 {
                return None;
            }
            let left = seen * late / done * (1.0 + more * (1.0 - done)) - seen;
            slo.hopeless(now, left, seconds.unwrap_or(0.0))
        })
    }
}

/// A report of these options in which nothing happened, for tests of what is made from reports.
#[cfg(test)]
pub(crate) fn empty_report(options: &RunOptions) -> Report {
    let collected = Collector::new(Vec::new(), vec![Recorder::default()], 0, None, None).finish(0);
    let settled = settle::settle(options).expect("options that settle");
    let finished = Finished {
        run: RunInfo {
            id: "0a1b2c3d".into(),
            started: "2026-01-31T08:15:00.000Z".into(),
            seconds: 1.0,
            stopped: None,
            stopped_by: None,
            seed: settled.seed,
            model: settled.model.clone(),
            phases: settled.profile.phases().to_vec(),
            workload: options.workload.name.clone(),
            workload_source: options.workload.source.to_string(),
            workload_sha256: prepare::hash(&options.workload.source),
            decode: options.decode,
            command: "espo-bench run".into(),
            shard: None,
        },
        target: TargetInfo {
            url: "http://127.0.0.1".into(),
            embedded: false,
            version: None,
            records: std::collections::BTreeMap::new(),
            connect_micros: vec![50],
            tls_micros: Vec::new(),
            connection: None,
        },
        collected,
        scheduled: None,
        unsent: 0,
        in_flight_at_end: 0,
        thread_cpu: vec![0.1],
        peak_memory: 1 << 24,
        memory_by_minute: Vec::new(),
    };
    build(&[], finished)
}
