//! Records samples in histograms.
//!
//! Each generator thread appends plain [`Sample`]s to its buffer. Ten times per second, the collector drains the
//! buffers into one set of histograms by operation and outcome. Histograms per worker would give the same results, but
//! need 190 KB per worker, operation and outcome. The buffers stay small, merging is exact, and a sample counts in the
//! second of its response, not of the merge.

mod collect;
mod interval;
mod live;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use collect::{Collected, Collector, OperationData, Snapshot, SoFar};
pub(crate) use interval::IntervalSink;
pub use interval::Second;

/// Maximum time that can be recorded: one hour, in microseconds.
pub(crate) const MAX_MICROS: u64 = 3_600_000_000;
/// Significant digits of every histogram.
pub(crate) const DIGITS: u8 = 3;

/// Returns a histogram of microseconds from 1 µs to 1 h with three significant digits; it starts small and grows with
/// the values.
pub(crate) fn histogram() -> Histogram<u64> {
    // The bounds are constants within the crate's limits, so this cannot fail.
    let mut histogram = Histogram::new_with_bounds(1, 2_048, DIGITS).expect("constant bounds");
    histogram.auto(true);
    histogram
}

/// How a request ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// Status 2xx, and the body was decoded if the run decodes.
    Ok,
    /// Status 3xx or 4xx.
    Client,
    /// Status 5xx.
    Server,
    /// No connection, a broken connection or a truncated body.
    Transport,
    /// No response within the timeout.
    Timeout,
    /// An unexpected response: not JSON, or a record that cannot be decoded.
    Decode,
    /// Failed in the load generator: no file descriptors, local ports or memory, or a host name that cannot be
    /// resolved. The request never reached the target and is not counted as one.
    Generator,
    /// Still in flight when the run ended; the time is the duration until then.
    Unfinished,
}

impl Outcome {
    /// Returns the name in reports and histogram tags.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Client => "client",
            Self::Server => "server",
            Self::Transport => "transport",
            Self::Timeout => "timeout",
            Self::Decode => "decode",
            Self::Generator => "generator",
            Self::Unfinished => "unfinished",
        }
    }
}

/// One finished request (or iteration of a chain) whose intended start is within the measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Index of the operation.
    pub(crate) operation: u16,
    pub(crate) outcome: Outcome,
    /// Time of the response in microseconds from the start of the run.
    pub(crate) ended: u64,
    /// Service time: microseconds from the actual send to the last byte.
    pub(crate) service: u64,
    /// Response time: microseconds from the intended start to the last byte.
    pub(crate) response: u64,
    /// Nanoseconds of decoding; `u32::MAX` if nothing was decoded.
    pub(crate) decode_nanos: u32,
    pub(crate) bytes_in: u32,
    pub(crate) bytes_out: u32,
}

impl Sample {
    pub(crate) const NOT_DECODED: u32 = u32::MAX;
}

/// Failures of one kind: operation, outcome and status (0 without a response).
pub(crate) type FailureKey = (u16, Outcome, u16);

/// The data that a generator thread passes to the collector.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    pub(crate) samples: Vec<Sample>,
    /// Number of failures by kind, with the first reason.
    pub(crate) failures: HashMap<FailureKey, (u64, String)>,
    /// Microseconds by which sends of the open model were delayed.
    pub(crate) lateness: Vec<u32>,
    /// Microseconds by which the scheduler woke a sleeping task late.
    pub(crate) lag: Vec<u32>,
    /// Number of sends that had to wait for a free slot in flight.
    pub(crate) held_back: u64,
    /// Microseconds to open each connection.
    pub(crate) connects: Vec<u32>,
    /// Number of connections that could not be opened.
    pub(crate) unconnected: u64,
}

/// A buffer shared between one generator thread and the collector.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Buffer>>);

impl Recorder {
    pub(crate) fn sample(&self, sample: Sample) {
        self.0.lock().samples.push(sample);
    }

    /// Counts a failure; `reason` is only called for the first of its kind since the last drain.
    pub(crate) fn failure(&self, key: FailureKey, reason: impl FnOnce() -> String) {
        let mut buffer = self.0.lock();
        buffer
            .failures
            .entry(key)
            .or_insert_with(|| (0, reason()))
            .0 += 1;
    }

    pub(crate) fn lateness(&self, micros: u64, held_back: bool) {
        let mut buffer = self.0.lock();
        if held_back {
            buffer.held_back += 1;
        } else {
            buffer
                .lateness
                .push(u32::try_from(micros).unwrap_or(u32::MAX));
        }
    }

    pub(crate) fn lag(&self, micros: u64) {
        self.0
            .lock()
            .lag
            .push(u32::try_from(micros).unwrap_or(u32::MAX));
    }

    pub(crate) fn connection(&self, opened: bool, took: Duration) {
        let mut buffer = self.0.lock();
        if opened {
            buffer
                .connects
                .push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        } else {
            buffer.unconnected += 1;
        }
    }

    /// Takes the recorded data. The buffer reuses the memory of `spare`, so that draining allocates nothing at a steady
    /// rate.
    pub(crate) fn drain(&self, spare: &mut Buffer) {
        std::mem::swap(&mut *self.0.lock(), spare);
    }
}

#[cfg(test)]
mod tests;
