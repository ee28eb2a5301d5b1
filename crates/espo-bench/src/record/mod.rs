//! From samples to histograms.
//!
//! Generator threads append plain [`Sample`]s to a buffer each; the collector drains the buffers ten
//! times a second into one set of histograms by operation and outcome. Histograms on every worker would
//! say the same and cost 190 KB for each worker, operation and outcome; the buffers stay small, the merge
//! is exact, and a sample falls into the second in which its answer came, not in which it was merged.

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

/// The longest time that can be recorded: one hour, in microseconds.
pub(crate) const MAX_MICROS: u64 = 3_600_000_000;
/// Significant digits of every histogram.
pub(crate) const DIGITS: u8 = 3;

/// A histogram of microseconds from 1 µs to 1 h with three significant digits; it starts small and grows with
/// the values.
pub(crate) fn histogram() -> Histogram<u64> {
    // The bounds are constants within the crate's limits: this cannot fail.
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
    /// No connection, a broken one, a body cut short.
    Transport,
    /// No answer within the time limit.
    Timeout,
    /// An answer that is not what was asked for: no JSON, a record that does not fit.
    Decode,
    /// Failed inside the load generator: no file descriptors, local ports or memory, or a name that cannot be resolved.
    /// The target has not seen the request; it is not counted as one.
    Generator,
    /// Still in flight when the run ended; the time is how long it had taken by then.
    Unfinished,
}

impl Outcome {
    /// As in reports and histogram tags.
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

/// One finished request (or iteration of a chain) that was meant to start in the measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Index of the operation.
    pub(crate) operation: u16,
    pub(crate) outcome: Outcome,
    /// When the answer was there, in microseconds from the start of the run.
    pub(crate) ended: u64,
    /// Microseconds from the send to the last byte.
    pub(crate) service: u64,
    /// Microseconds from the intended start to the last byte.
    pub(crate) response: u64,
    /// Nanoseconds of decoding; `u32::MAX` when nothing was decoded.
    pub(crate) decode_nanos: u32,
    pub(crate) bytes_in: u32,
    pub(crate) bytes_out: u32,
}

impl Sample {
    pub(crate) const NOT_DECODED: u32 = u32::MAX;
}

/// Failures of one kind: operation, outcome and status (0 without an answer).
pub(crate) type FailureKey = (u16, Outcome, u16);

/// What a generator thread hands over.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    pub(crate) samples: Vec<Sample>,
    /// How often, and the reason of the first.
    pub(crate) failures: HashMap<FailureKey, (u64, String)>,
    /// Microseconds by which sends of the open model were late against their schedule.
    pub(crate) lateness: Vec<u32>,
    /// Microseconds by which the scheduler woke a sleeping task too late.
    pub(crate) lag: Vec<u32>,
    /// Sends that had to wait for a free place in flight.
    pub(crate) held_back: u64,
    /// Microseconds that opening each connection took.
    pub(crate) connects: Vec<u32>,
    /// Connections that could not be opened.
    pub(crate) unconnected: u64,
}

/// A buffer shared between one generator thread and the collector.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Buffer>>);

impl Recorder {
    pub(crate) fn sample(&self, sample: Sample) {
        self.0.lock().samples.push(sample);
    }

    /// Counts a failure; `reason` is only made for the first of its kind since the last drain.
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

    /// Takes what has been recorded; `spare` gives its memory to the buffer, so that draining allocates
    /// nothing once the rate is steady.
    pub(crate) fn drain(&self, spare: &mut Buffer) {
        std::mem::swap(&mut *self.0.lock(), spare);
    }
}

#[cfg(test)]
mod tests;
