//! Publishes the state of a run to the dashboard.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::job::Gauges;
use super::prepared::Prepared;
use crate::dashboard::{ErrorRow, Hub, Now, OperationRow, Step, Times};
use crate::record::Collector;

/// Interval between updates.
const EVERY: Duration = Duration::from_millis(500);
/// Maximum number of operations to show during the run.
const MAX_OPERATIONS: usize = 100;
/// Maximum number of error kinds to show during the run.
const MAX_ERRORS: usize = 50;

/// Publishes the collector's figures.
pub(super) struct Feed<'a> {
    hub: Arc<Hub>,
    prepared: &'a Prepared,
    gauges: Vec<Arc<Gauges>>,
    next: Duration,
    is_first: bool,
}

impl<'a> Feed<'a> {
    pub(super) fn new(hub: Arc<Hub>, prepared: &'a Prepared, gauges: &[Arc<Gauges>]) -> Self {
        Self {
            hub,
            prepared,
            gauges: gauges.to_vec(),
            next: Duration::ZERO,
            is_first: true,
        }
    }

    /// Publishes the figures if an update is due; `elapsed` is the time since the load started.
    pub(super) fn update(&mut self, elapsed: Duration, collector: &Collector) {
        if elapsed < self.next && !self.is_first {
            return;
        }
        self.next = elapsed + EVERY;
        let steps = self.steps(collector);
        // Percentiles of a thousand operations take CPU time from the load, so they are only computed while a page is
        // open.
        let is_needed = self.is_first || self.hub.is_watched();
        self.is_first = false;
        let now = is_needed.then(|| self.now(elapsed, collector));
        if now.is_some() || !steps.is_empty() {
            self.hub.publish(steps, now);
        }
    }

    fn in_flight(&self) -> u64 {
        let each = self.gauges.iter();
        each.map(|g| u64::from(g.in_flight.load(Ordering::Relaxed)))
            .sum()
    }

    fn steps(&self, collector: &Collector) -> Vec<Step> {
        let (seconds, length) = collector.steps();
        let length = length as f64;
        let settled = &self.prepared.settled;
        let from = settled.profile.measured_from().as_secs_f64();
        let shards = self.prepared.options.shard.map_or(1, |s| s.count);
        let new = seconds.iter().skip(self.hub.step_count());
        new.map(|s| {
            let middle = from + s.at + length / 2.0;
            let time = |t: u64| (s.ok > 0).then_some(t);
            Step {
                at: s.at,
                rate: (s.ok + s.failed) as f64 / length,
                failed: s.failed as f64 / length,
                target: settled
                    .is_open()
                    .then(|| settled.profile.load_at(middle) / f64::from(shards)),
                in_flight: self.in_flight(),
                p50: time(s.p50),
                p95: s.p95.and_then(time),
                p99: time(s.p99),
            }
        })
        .collect()
    }

    fn now(&self, elapsed: Duration, collector: &Collector) -> Now {
        let (prepared, settled) = (self.prepared, &self.prepared.settled);
        let names: Vec<(&str, &str)> = prepared
            .shared
            .plan
            .operations
            .iter()
            .map(|r| (r.operation.name.as_str(), r.operation.kind.as_str()))
            .collect();
        let seen = collector.snapshot();
        let from = settled.profile.measured_from();
        let measured = elapsed.saturating_sub(from).as_secs_f64();
        let (operations, operation_count) = operations(collector);
        let slos = prepared.options.slos.iter().map(|slo| {
            let (count, failed, times) = collector.times(&slo.chosen(names.iter().copied()));
            slo.evaluate_so_far(count, failed, &times, measured)
        });
        let all: Vec<bool> = names.iter().map(|(_, kind)| *kind != "chain").collect();
        Now {
            stage: stage(prepared, elapsed),
            elapsed: elapsed.as_secs_f64(),
            total: settled
                .measured_seconds()
                .map(|seconds| from.as_secs_f64() + seconds),
            requests: seen.ok + seen.failed,
            failed: seen.failed,
            in_flight: self.in_flight(),
            times: Times::of(&collector.times(&all).2),
            operations,
            operation_count,
            errors: errors(collector),
            slos: slos.collect(),
        }
    }
}

/// Returns the name of the current stage.
fn stage(prepared: &Prepared, elapsed: Duration) -> String {
    let mut end = 0.0;
    let phases = prepared.settled.profile.phases();
    for phase in phases {
        end += phase.seconds;
        if elapsed.as_secs_f64() < end {
            return phase.name.clone();
        }
    }
    phases.last().map_or_else(String::new, |p| p.name.clone())
}

fn operations(collector: &Collector) -> (Vec<OperationRow>, usize) {
    let mut all: Vec<_> = collector.operations().filter(|o| o.count > 0).collect();
    let count = all.len();
    all.sort_by_key(|o| std::cmp::Reverse(o.count));
    all.truncate(MAX_OPERATIONS);
    let rows = all.into_iter().map(|o| OperationRow {
        name: o.name.to_owned(),
        is_chain: o.is_chain,
        count: o.count,
        failed: o.failed,
        times: o.times.and_then(Times::of),
    });
    (rows.collect(), count)
}

fn errors(collector: &Collector) -> Vec<ErrorRow> {
    let mut all: Vec<ErrorRow> = collector
        .failures()
        .map(|f| ErrorRow {
            operation: f.operation.to_owned(),
            kind: match f.status {
                0 => f.outcome.as_str().to_owned(),
                status => format!("{} {status}", f.outcome.as_str()),
            },
            count: f.count,
            sample: f.reason.to_owned(),
        })
        .collect();
    all.sort_by_key(|e| std::cmp::Reverse(e.count));
    all.truncate(MAX_ERRORS);
    all
}
