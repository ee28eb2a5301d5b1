//! The collector, which drains the buffers, keeps the histograms and closes the seconds.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::interval::{Block, Blocks, IntervalSink, MAX_BLOCKS, Second};
use super::{Buffer, FailureKey, MAX_MICROS, Outcome, Recorder, Sample, histogram};

const SECOND: u64 = 1_000_000;

/// Records a value. `saturating_record` would not let the histogram grow, but cut every value at the current size.
fn record(histogram: &mut Histogram<u64>, value: u64) {
    let recorded = histogram.record(value);
    debug_assert!(recorded.is_ok(), "a resizing histogram accepts every value");
}

/// Data recorded for one operation and outcome.
#[derive(Debug)]
pub(crate) struct OutcomeData {
    pub(crate) service: Histogram<u64>,
    pub(crate) response: Histogram<u64>,
    /// Decoding times in nanoseconds; empty if nothing was decoded.
    pub(crate) decode: Histogram<u64>,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

impl OutcomeData {
    fn new() -> Self {
        Self {
            service: histogram(),
            response: histogram(),
            decode: histogram(),
            bytes_in: 0,
            bytes_out: 0,
        }
    }
}

/// Data recorded for one operation.
#[derive(Debug)]
pub(crate) struct OperationData {
    pub(crate) outcomes: BTreeMap<Outcome, OutcomeData>,
    pub(crate) blocks: Vec<Block>,
}

#[derive(Debug)]
pub(super) struct Operation {
    pub(super) tag: String,
    /// Whether the operation is a chain. Its iterations are not requests and not part of the totals.
    pub(super) is_chain: bool,
    pub(super) outcomes: BTreeMap<Outcome, OutcomeData>,
    interval_ok: Histogram<u64>,
    interval_failed: Histogram<u64>,
    blocks: Blocks,
}

/// Connections opened by the load.
#[derive(Debug, Clone)]
pub(crate) struct Connects {
    /// Times in microseconds over the whole run, because the warm-up does not affect them.
    pub(crate) micros: Histogram<u64>,
    /// Number of connections opened during the measurement.
    pub(crate) measured: u64,
    /// Number of connections that could not be opened during the measurement.
    pub(crate) failed: u64,
}

impl Connects {
    fn new() -> Self {
        Self {
            micros: histogram(),
            measured: 0,
            failed: 0,
        }
    }
}

/// The recorded data of a run.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) operations: Vec<OperationData>,
    pub(crate) failures: BTreeMap<FailureKey, (u64, String)>,
    pub(crate) seconds: Vec<Second>,
    pub(crate) step_seconds: u64,
    pub(crate) block_seconds: u64,
    pub(crate) lateness: Histogram<u64>,
    pub(crate) lag: Histogram<u64>,
    pub(crate) held_back: u64,
    pub(crate) connects: Connects,
}

impl Collected {
    /// Returns whether no request was measured.
    pub(crate) fn is_empty(&self) -> bool {
        self.operations.iter().all(|o| o.outcomes.is_empty())
    }
}

/// Running totals for the progress display.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    pub(crate) ok: u64,
    pub(crate) failed: u64,
    /// Requests that failed in the load generator.
    pub(crate) generator: u64,
    pub(crate) last: Option<Second>,
}

/// Results of some operations so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct SoFar {
    pub(crate) ok: u64,
    pub(crate) failed: u64,
    /// Sum of the response times of successful requests.
    pub(crate) micros: f64,
    pub(crate) max: u64,
    /// Number of successful requests that took longer than a bound.
    pub(crate) longer: u64,
}

pub(crate) struct Collector {
    recorders: Vec<Recorder>,
    spare: Buffer,
    pub(super) operations: Vec<Operation>,
    pub(super) failures: BTreeMap<FailureKey, (u64, String)>,
    lateness: Histogram<u64>,
    lag: Histogram<u64>,
    held_back: u64,
    connects: Connects,
    /// End of the measurement. Later responses are counted, but do not create further blocks.
    until: Option<u64>,
    /// End of the current interval, in microseconds from the start of the run.
    boundary: u64,
    /// Samples of later intervals.
    early: Vec<Sample>,
    pub(super) step_seconds: u64,
    in_step: u64,
    step: Histogram<u64>,
    step_failed: u64,
    pub(super) seconds: Vec<Second>,
    block_seconds: u64,
    in_block: u64,
    sink: Option<Box<dyn IntervalSink>>,
    snapshot: Snapshot,
}

impl Collector {
    /// Creates a collector. `tags` contains the names of the operations, with true for chains. `from` is the start of
    /// the measurement and `length` its planned duration in seconds, if it has one.
    pub(crate) fn new(
        tags: Vec<(String, bool)>,
        recorders: Vec<Recorder>,
        from: u64,
        length: Option<f64>,
        sink: Option<Box<dyn IntervalSink>>,
    ) -> Self {
        let operation = |(tag, is_chain)| Operation {
            tag,
            is_chain,
            outcomes: BTreeMap::new(),
            interval_ok: histogram(),
            interval_failed: histogram(),
            blocks: Blocks::new(),
        };
        Self {
            recorders,
            spare: Buffer::default(),
            operations: tags.into_iter().map(operation).collect(),
            failures: BTreeMap::new(),
            lateness: histogram(),
            lag: histogram(),
            held_back: 0,
            connects: Connects::new(),
            until: length.map(|l| from + (l * SECOND as f64) as u64),
            boundary: from + SECOND,
            early: Vec::new(),
            // A chart has at most about 600 points, regardless of the duration of the run.
            step_seconds: length.map_or(1, |l| (l / 600.0).ceil().max(1.0) as u64),
            in_step: 0,
            step: histogram(),
            step_failed: 0,
            seconds: Vec::new(),
            block_seconds: 1,
            in_block: 0,
            sink,
            snapshot: Snapshot::default(),
        }
    }

    /// Returns the results of the chosen operations so far; `chosen` has an entry for each operation, in order.
    pub(crate) fn so_far(&self, chosen: &[bool], bound: f64) -> SoFar {
        let mut out = SoFar::default();
        let operations = self.operations.iter().zip(chosen);
        for operation in operations.filter_map(|(o, chosen)| chosen.then_some(o)) {
            for (outcome, data) in &operation.outcomes {
                let times = &data.response;
                if *outcome == Outcome::Generator {
                    continue;
                }
                if *outcome != Outcome::Ok {
                    out.failed += times.len();
                    continue;
                }
                out.ok += times.len();
                out.micros += times.mean() * times.len() as f64;
                out.max = out.max.max(times.max());
                out.longer += times
                    .iter_recorded()
                    .filter(|v| v.value_iterated_to() as f64 > bound)
                    .map(|v| v.count_at_value())
                    .sum::<u64>();
            }
        }
        out
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Processes everything recorded until `now` (microseconds from the start of the run).
    pub(crate) fn drain(&mut self, now: u64) {
        let mut buffer = std::mem::take(&mut self.spare);
        for index in 0..self.recorders.len() {
            self.recorders[index].drain(&mut buffer);
            for sample in buffer.samples.drain(..) {
                self.take(sample);
            }
            for (key, (count, reason)) in buffer.failures.drain() {
                self.failures.entry(key).or_insert((0, reason)).0 += count;
            }
            for micros in buffer.lateness.drain(..) {
                record(&mut self.lateness, micros.into());
            }
            for micros in buffer.lag.drain(..) {
                record(&mut self.lag, micros.into());
            }
            self.held_back += std::mem::take(&mut buffer.held_back);
            self.connects.measured += buffer.connects.len() as u64;
            for micros in buffer.connects.drain(..) {
                record(&mut self.connects.micros, u64::from(micros).max(1));
            }
            self.connects.failed += std::mem::take(&mut buffer.unconnected);
        }
        self.spare = buffer;
        while now >= self.boundary {
            self.close_interval(SECOND);
        }
    }

    /// Discards delays and connections of the warm-up. Called once, when the measurement starts. Samples and failures
    /// are only recorded for requests that belong to the measurement.
    pub(crate) fn start_measuring(&mut self, now: u64) {
        self.drain(now);
        self.lateness.reset();
        self.lag.reset();
        self.held_back = 0;
        (self.connects.measured, self.connects.failed) = (0, 0);
    }

    fn take(&mut self, sample: Sample) {
        if sample.ended >= self.boundary {
            self.early.push(sample);
        } else {
            self.count(&sample);
        }
    }

    fn count(&mut self, sample: &Sample) {
        let Some(operation) = self.operations.get_mut(usize::from(sample.operation)) else {
            return;
        };
        let data = operation
            .outcomes
            .entry(sample.outcome)
            .or_insert_with(OutcomeData::new);
        let response = sample.response.clamp(1, MAX_MICROS);
        record(&mut data.service, sample.service.clamp(1, MAX_MICROS));
        record(&mut data.response, response);
        if sample.decode_nanos != Sample::NOT_DECODED {
            record(&mut data.decode, u64::from(sample.decode_nanos).max(1));
        }
        data.bytes_in += u64::from(sample.bytes_in);
        data.bytes_out += u64::from(sample.bytes_out);
        if sample.outcome == Outcome::Generator {
            self.snapshot.generator += u64::from(!operation.is_chain);
            return;
        }
        if sample.outcome == Outcome::Ok {
            record(&mut operation.interval_ok, response);
        } else {
            record(&mut operation.interval_failed, response);
        }
        if operation.is_chain {
            return;
        }
        if sample.outcome == Outcome::Ok {
            record(&mut self.step, response);
            self.snapshot.ok += 1;
        } else {
            self.step_failed += 1;
            self.snapshot.failed += 1;
        }
    }

    fn close_interval(&mut self, length: u64) {
        let start = (self.boundary - SECOND) as f64 / SECOND as f64;
        let length = length as f64 / SECOND as f64;
        let in_time = self.until.is_none_or(|until| self.boundary <= until);
        for operation in &mut self.operations {
            for (histogram, suffix) in [
                (&mut operation.interval_ok, ""),
                (&mut operation.interval_failed, ".failed"),
            ] {
                if histogram.is_empty() {
                    continue;
                }
                if let Some(sink) = &mut self.sink {
                    sink.interval(
                        start,
                        length,
                        &format!("{}{suffix}", operation.tag),
                        histogram,
                    );
                }
                if suffix.is_empty() && in_time {
                    operation.blocks.add(histogram);
                }
                histogram.reset();
            }
        }
        if in_time {
            self.in_block += 1;
            if self.in_block == self.block_seconds {
                self.close_block();
            }
        }
        self.in_step += 1;
        if self.in_step == self.step_seconds {
            self.close_step();
        }
        self.boundary += SECOND;
        for sample in std::mem::take(&mut self.early) {
            self.take(sample);
        }
    }

    fn close_block(&mut self) {
        self.in_block = 0;
        for operation in &mut self.operations {
            operation.blocks.close();
        }
        if self
            .operations
            .first()
            .is_some_and(|o| o.blocks.len() >= MAX_BLOCKS)
        {
            self.block_seconds *= 2;
            for operation in &mut self.operations {
                operation.blocks.halve();
            }
        }
    }

    fn close_step(&mut self) {
        let second = Second {
            at: (self.seconds.len() as u64 * self.step_seconds) as f64,
            ok: self.step.len(),
            failed: self.step_failed,
            p50: self.step.value_at_quantile(0.5),
            p95: Some(self.step.value_at_quantile(0.95)),
            p99: self.step.value_at_quantile(0.99),
            max: self.step.max(),
            target_rate: None,
        };
        self.in_step = 0;
        self.step.reset();
        self.step_failed = 0;
        self.snapshot.last = Some(second.clone());
        self.seconds.push(second);
    }

    /// Drains the remaining samples and closes the last interval. `end` is in microseconds from the start of the run.
    /// The last block and step are dropped from the time series if they are shorter than half of the others.
    pub(crate) fn finish(mut self, end: u64) -> Collected {
        self.drain(end);
        let rest = end.saturating_sub(self.boundary - SECOND);
        if !self.early.is_empty() || rest > 0 {
            self.boundary = self.boundary.max(end);
            for sample in std::mem::take(&mut self.early) {
                self.count(&sample);
            }
            self.close_interval(rest.max(1));
        }
        if self.in_block * 2 > self.block_seconds {
            self.close_block();
        }
        if self.in_step > 0 {
            self.close_step();
        }
        let operations = self.operations.into_iter();
        let operations = operations.map(|o| OperationData {
            outcomes: o.outcomes,
            blocks: o.blocks.into_done(),
        });
        Collected {
            operations: operations.collect(),
            failures: self.failures,
            seconds: self.seconds,
            step_seconds: self.step_seconds,
            block_seconds: self.block_seconds,
            lateness: self.lateness,
            lag: self.lag,
            held_back: self.held_back,
            connects: self.connects,
        }
    }
}
