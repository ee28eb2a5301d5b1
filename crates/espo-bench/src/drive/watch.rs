//! The main thread during the load: collects results, shows the progress and decides when to stop.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::actor::Stop;
use super::live::Feed;
use super::prepared::Prepared;
use super::{Running, usage};
use crate::output::Progress;
use crate::record::Collector;
use crate::report::{INTERRUPTED, StopCause};
use crate::time::micros;

/// Observations of the main thread during the load.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) stopped: Option<Stop>,
    pub(super) in_flight_at_end: u64,
    /// CPU seconds by thread.
    pub(super) cpu: Vec<f64>,
    /// Seconds in which this time was used; longer than a very short measurement.
    pub(super) cpu_window: f64,
    pub(super) peak_memory: u64,
    pub(super) memory_by_minute: Vec<(u32, u64)>,
}

/// Everything that is needed to watch a load.
pub(super) struct Watch<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) load: &'a Running,
    pub(super) progress: &'a Progress,
}

impl Watch<'_> {
    /// Drains the recorders ten times per second until the load has ended or must stop.
    pub(super) fn until_end(&self, collector: &mut Collector, mut feed: Option<Feed<'_>>) -> Seen {
        let settled = &self.prepared.settled;
        let (from, total) = (settled.profile.measured_from(), settled.profile.total());
        let mut seen = Seen::default();
        let mut cpu_from: Option<(Vec<f64>, Instant)> = None;
        let mut next_memory = Duration::ZERO;
        loop {
            std::thread::sleep(
                Duration::from_millis(100)
                    .min(self.left(total))
                    .min(match cpu_from {
                        None => self.left(from),
                        Some(_) => Duration::MAX,
                    })
                    .max(Duration::from_millis(1)),
            );
            let now = Instant::now().saturating_duration_since(self.load.start);
            let micros = micros(now);
            if cpu_from.is_none() && now >= from {
                cpu_from = Some((self.cpu(), Instant::now()));
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
            if let Some(feed) = &mut feed {
                feed.update(now, collector);
            }
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
        // During the warm-up there is no elapsed fraction of the measurement yet.
        let (before, since) = cpu_from.unwrap_or_else(|| (self.cpu(), Instant::now()));
        seen.cpu_window = since.elapsed().as_secs_f64();
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
                "{} of {attempts} requests failed in the load generator",
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

    /// Returns the SLO that can no longer be met, if there is one.
    fn hopeless(&self, collector: &Collector) -> Option<String> {
        /// Fraction of the run before which the rest cannot be predicted.
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
        // The rest of a closed run may be faster than the part so far. The number of remaining requests of an open run
        // is known except for the mix; requests that are due but not completed are also still to come.
        let more = if prepared.settled.is_open() { 0.2 } else { 1.0 };
        let late = due.map_or(1.0, |due| (due / ended).max(1.0));
        let seconds = prepared.settled.measured_seconds();
        options.slos.iter().find_map(|slo| {
            let named = operations
                .clone()
                .map(|o| (o.name.as_str(), o.report_kind()));
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
