//! The driver, which runs a load and produces its report.

mod act;
mod actor;
mod call;
mod cleanup;
mod create;
mod decode;
mod descriptors;
mod embedded;
mod fault;
mod interrupt;
mod job;
mod live;
mod lookup;
mod open;
mod options;
mod patience;
mod prepare;
mod prepared;
mod send;
mod settle;
mod setup;
mod thread;
mod typed;
mod unused;
mod usage;
mod watch;
mod worker;
mod world;

use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime};

pub use options::{Limit, Load, RunOptions, Shard, Target};

use self::job::{Gauges, Job};
use self::prepared::Prepared;
use self::watch::{Seen, Watch};
use espo_core::auth::Redactor;

use crate::dashboard::{Dashboard, Hub, State};
use crate::error::{Error, Result};
use crate::output::{HlogSink, Progress};
use crate::record::{Collected, Collector, IntervalSink, Recorder};
use crate::report::{
    Finished, INTERRUPTED, Report, RunInfo, ShardInfo, StopCause, TargetInfo, Writes, build,
};
use crate::time::micros;

/// Runs a load test and returns its report.
///
/// Blocks the calling thread; the load is sent from separate threads. Missed SLOs are not an error but part of the
/// report ([`Report::exit_code`]).
///
/// # Errors
///
/// Returns [`Error::Usage`] for a workload that does not match the target, a write to a host that is not allowed, or an
/// SLO on an unknown operation; [`Error::Target`] if the target cannot be reached or rejects the credentials, before or
/// during the load; [`Error::Io`] if the ledger or the interval log cannot be written.
pub fn run(options: RunOptions) -> Result<Report> {
    let redactor = options.redactor();
    let run = run_load(options, &redactor);
    run.map_err(|error| error.redacted(&redactor))
}

fn run_load(options: RunOptions, redactor: &Redactor) -> Result<Report> {
    let dashboard = dashboard(&options)?;
    let hub = dashboard.as_ref().map(Dashboard::hub);
    let prepared = prepare::prepare(options)?;
    let publish = |state| hub.into_iter().for_each(|hub| hub.state(state));
    publish(State::Running);
    let outcome = measure(&prepared, hub);
    publish(State::CleaningUp);
    let (writes, problems) = prepared.clean_up();
    match outcome {
        Ok(mut report) => {
            report.writes = writes;
            report.problems.extend(problems);
            let (all, failed) = (report.totals.requests, report.totals.failed);
            let most = prepared.options.max_error_share;
            if report.run.stopped.is_none() && failed as f64 > most * all as f64 {
                report.problems.push(format!(
                    "{failed} of {all} requests failed, more than the allowed {:.0} %",
                    most * 100.0
                ));
            }
            hide(&mut report, redactor);
            report.check(&prepared.options.slos);
            if let Some(dashboard) = dashboard {
                dashboard.finish(&report);
            }
            Ok(report)
        }
        Err(error) => Err(match writes.filter(Writes::is_incomplete) {
            None => error,
            Some(writes) => error.and(&writes.sentence()),
        }),
    }
}

/// Starts serving the live page, if it was requested.
fn dashboard(options: &RunOptions) -> Result<Option<Dashboard>> {
    let Some(addr) = options.dashboard else {
        return Ok(None);
    };
    let dashboard = Dashboard::start(addr, &options.workload.name)?;
    espo_stdio::note!("espo-bench: dashboard at {}", dashboard.url());
    Ok(Some(dashboard))
}

/// Returns the first requests of a run as text, without sending them. Only the target's metadata and lists are read.
///
/// # Errors
///
/// Same errors as [`run`].
pub fn dry_run(options: RunOptions, iterations: u64) -> Result<Vec<String>> {
    let redactor = options.redactor();
    let lines = prepare::dry_run(options, iterations);
    lines.map_err(|error| error.redacted(&redactor))
}

/// Hides secrets in strings of the report that quote the server, and shows control characters as escapes.
fn hide(report: &mut Report, redactor: &Redactor) {
    const LONGEST: usize = 1_000;
    let hide = |text: &mut String| {
        let hidden = redactor.redact(text);
        *text = espo_stdio::one_line(&hidden)
            .chars()
            .take(LONGEST)
            .collect();
    };
    report.errors.iter_mut().for_each(|e| hide(&mut e.sample));
    report.run.stopped.iter_mut().for_each(hide);
    report.target.version.iter_mut().for_each(hide);
    report.problems.iter_mut().for_each(hide);
    let reasons = report.writes.iter_mut().flat_map(|w| &mut w.reasons);
    reasons.for_each(hide);
}

struct Running {
    /// They return the time of their last response.
    threads: Vec<std::thread::JoinHandle<Result<Instant>>>,
    recorders: Vec<Recorder>,
    gauges: Vec<Arc<Gauges>>,
    start: Instant,
    started: SystemTime,
}

/// A wait for `--start-at` after which a mistake in the time is likely.
const LONG_WAIT: Duration = Duration::from_secs(15 * 60);

/// Starts the sending threads, waits until they have logged in, and sets the start of the load.
fn launch(prepared: &Prepared) -> Result<Running> {
    let options = &prepared.options;
    let threads = options.threads.max(1);
    if options.start_at.is_some_and(|at| at < SystemTime::now()) {
        return Err(Error::usage(
            "--start-at has passed; pass a later time to all shards",
        ));
    }
    if let Some(at) = options.start_at
        && let Ok(wait) = at.duration_since(SystemTime::now())
        && wait > LONG_WAIT
    {
        let (at, minutes) = (crate::time::rfc3339(at), wait.as_secs() / 60);
        (options.warn)(&format!(
            "the load starts at {at}, in {} minutes (--start-at)",
            crate::units::show_count(minutes)
        ));
    }
    let shard = options.shard.map_or((0, 1), |s| (s.index, s.count));
    let (mut handles, mut recorders, mut gauges) = (Vec::new(), Vec::new(), Vec::new());
    let (ready, logged_in) = mpsc::channel();
    let (begin, begins) = tokio::sync::watch::channel(None);
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
            ready: ready.clone(),
            begin: begins.clone(),
            start: Instant::now(),
        };
        recorders.push(job.recorder.clone());
        gauges.push(Arc::clone(&job.gauges));
        let shared = Arc::clone(&prepared.shared);
        let handle = std::thread::Builder::new()
            .name(format!("load-{thread}"))
            .spawn(move || {
                let result = job.run();
                if let Err(error) = &result {
                    // Otherwise the remaining threads would send a part of the load for the whole time.
                    shared.halt(StopCause::Generator, error.to_string());
                }
                result
            });
        handles
            .push(handle.map_err(|e| Error::usage(format!("cannot start a sending thread: {e}")))?);
    }
    drop(ready);
    wait_for_logins(prepared, &logged_in, threads);
    let (start, started) = beginning(options)?;
    begin.send_replace(Some(start));
    Ok(Running {
        threads: handles,
        recorders,
        gauges,
        start,
        started,
    })
}

/// Returns when all threads have logged in, or one failed, or the run was interrupted.
fn wait_for_logins(prepared: &Prepared, logged_in: &mpsc::Receiver<()>, threads: u32) {
    const TICK: Duration = Duration::from_millis(100);
    let mut missing = threads;
    while missing > 0 && !prepared.shared.stop.load(Ordering::Relaxed) {
        match logged_in.recv_timeout(TICK) {
            Ok(()) => missing -= 1,
            Err(mpsc::RecvTimeoutError::Timeout) if prepared.interrupted() => {
                prepared.shared.halt(StopCause::Interrupted, INTERRUPTED);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            // A thread that failed has stopped the load.
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Returns the start of the load.
fn beginning(options: &RunOptions) -> Result<(Instant, SystemTime)> {
    const LEAD: Duration = Duration::from_millis(300);
    let Some(at) = options.start_at else {
        return Ok((Instant::now() + LEAD, SystemTime::now() + LEAD));
    };
    let wait = at.duration_since(SystemTime::now()).map_err(|_| {
        Error::usage(
            "--start-at passed before all users had logged in; pass a later time to all shards",
        )
    })?;
    Ok((Instant::now() + wait, at))
}

fn measure(prepared: &Prepared, hub: Option<&Arc<Hub>>) -> Result<Report> {
    let (options, settled, shared) = (&prepared.options, &prepared.settled, &prepared.shared);
    let mut load = launch(prepared)?;
    let (sink, log_error) = match &options.hdr {
        None => (None, None),
        Some(path) => {
            let (sink, error) = HlogSink::create(path, load.started, &prepared.about())?;
            (Some(Box::new(sink) as Box<dyn IntervalSink>), Some(error))
        }
    };
    let tags = shared
        .plan
        .operations
        .iter()
        .map(|r| (r.operation.name.clone(), r.operation.is_apart()));
    let from = settled.profile.measured_from();
    let planned = settled.measured_seconds();
    let from_micros = micros(from);
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
    let feed = hub.map(|hub| live::Feed::new(Arc::clone(hub), prepared, &load.gauges));
    let mut seen = watch.until_end(&mut collector, feed);
    let stopped = load.start.elapsed();
    let (mut failed, mut last) = (None, load.start);
    for handle in load.threads.drain(..) {
        match handle.join() {
            Ok(Ok(ended)) => last = last.max(ended),
            Ok(Err(error)) => failed = Some(error),
            // The panic has been printed. The results so far are kept, and the records are deleted.
            Err(_) => {
                let message = "a sending thread ended with a panic; please report this error";
                shared.halt(StopCause::Generator, message.to_owned());
                failed = Some(Error::usage(message));
            }
        }
    }
    progress.finish();
    let done = Instant::now().saturating_duration_since(load.start);
    let collected = collector.finish(micros(done));
    if let Some(error) = failed.filter(|_| collected.is_empty()) {
        return Err(error);
    }
    // A thread can stop the load after the last check.
    if let Some(stop) = shared.halted.lock().clone() {
        seen.stopped = Some(stop);
    }
    let end = match (&seen.stopped, planned) {
        (Some(_), _) => stopped,
        (None, Some(_)) => settled.profile.total(),
        // A run with a number of requests ends with the last one, not when this thread detects it.
        (None, None) => last.saturating_duration_since(load.start),
    };
    let seconds = end.saturating_sub(from).as_secs_f64();
    let mut report = report(prepared, &load, collected, seen, seconds);
    if let Some(error) = log_error.and_then(|e| e.lock().take()) {
        let problem = format!("cannot write the interval log: {error}");
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
            think_seconds: (!settled.is_open())
                .then_some(options.workload.think)
                .flatten()
                .map(|(min, max)| (min.as_secs_f64(), max.as_secs_f64())),
            users: u32::try_from(prepared.dialer.credentials.len()).unwrap_or(u32::MAX),
            phases: settled.profile.phases().to_vec(),
            workload: options.workload.name.clone(),
            workload_source: options.workload.source.to_string(),
            workload_sha256: prepared.workload_hash(),
            decode: options.decode,
            command: options.command.clone(),
            label: options.label.clone(),
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
        cpu_window: seen.cpu_window,
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
    let plan = &prepared.shared.plan.operations;
    report.decoded_untyped = prepared.shared.decoder.untyped(plan);
    report.nothing_to_read.clone_from(&prepared.nothing_to_read);
    // Creates of records that other operations needed get a separate row.
    let own = options.workload.operations.len();
    let mut index = 0;
    report.operations.retain(|o| {
        index += 1;
        index <= own || o.count() > 0
    });
    report
}

/// Returns a report of these options without requests, for tests of outputs.
#[cfg(test)]
pub(crate) fn empty_report(options: &RunOptions) -> Report {
    let collected = Collector::new(Vec::new(), vec![Recorder::default()], 0, None, None).finish(0);
    let settled = settle::settle(options).expect("valid options");
    let finished = Finished {
        run: RunInfo {
            id: "0a1b2c3d".into(),
            started: "2026-01-31T08:15:00.000Z".into(),
            seconds: 1.0,
            stopped: None,
            stopped_by: None,
            seed: settled.seed,
            model: settled.model.clone(),
            think_seconds: None,
            users: 1,
            phases: settled.profile.phases().to_vec(),
            workload: options.workload.name.clone(),
            workload_source: options.workload.source.to_string(),
            workload_sha256: crate::digest::sha256_hex(&options.workload.source),
            decode: options.decode,
            command: "espo-bench run".into(),
            label: None,
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
        cpu_window: 0.0,
        peak_memory: 1 << 24,
        memory_by_minute: Vec::new(),
    };
    build(&[], finished)
}
