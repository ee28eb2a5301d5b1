//! Data over time: one entry per second, blocks of histograms for comparisons, and the interval log.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2Serializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::histogram;

/// One second (or longer step) of a run, over all operations. Times are response times of successful requests in
/// microseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Second {
    /// Start of the step in seconds from the start of the measurement.
    #[schemars(extend("unit" = "s"))]
    pub at: f64,
    /// Number of successful requests.
    pub ok: u64,
    /// Number of failed requests.
    pub failed: u64,
    /// Median.
    #[schemars(extend("unit" = "us"))]
    pub p50: u64,
    /// 95th percentile; absent in reports of older versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(extend("unit" = "us"))]
    pub p95: Option<u64>,
    /// 99th percentile.
    #[schemars(extend("unit" = "us"))]
    pub p99: u64,
    /// Maximum.
    #[schemars(extend("unit" = "us"))]
    pub max: u64,
    /// Scheduled requests or iterations per second at the middle of the step (open model).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(extend("unit" = "1/s"))]
    pub target_rate: Option<f64>,
}

/// The successful requests of one operation in one block of time.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// A V2 histogram of response times, not deflated; `None` if there were no requests.
    bytes: Option<Vec<u8>>,
}

impl Block {
    fn of(histogram: &Histogram<u64>) -> Self {
        let mut bytes = Vec::new();
        if !histogram.is_empty() {
            // Writing a histogram with these bounds to memory cannot fail.
            let written = V2Serializer::new().serialize(histogram, &mut bytes);
            debug_assert!(written.is_ok());
        }
        Self {
            bytes: (!bytes.is_empty()).then_some(bytes),
        }
    }

    pub(crate) fn histogram(&self) -> Histogram<u64> {
        let empty = histogram;
        match &self.bytes {
            None => empty(),
            Some(bytes) => hdrhistogram::serialization::Deserializer::new()
                .deserialize(&mut bytes.as_slice())
                .unwrap_or_else(|_| empty()),
        }
    }
}

/// Receives the histograms of each second, for example to write the interval log.
pub(crate) trait IntervalSink: Send {
    /// Receives a histogram. `start` and `length` are in seconds from the start of the run; `tag` is an operation, with
    /// `.failed` for its failed requests.
    fn interval(&mut self, start: f64, length: f64, tag: &str, histogram: &Histogram<u64>);
}

/// Blocks of one operation; their length doubles when there would be too many.
#[derive(Debug)]
pub(crate) struct Blocks {
    current: Histogram<u64>,
    done: Vec<Block>,
}

/// Maximum number of blocks: enough for a bootstrap, and small enough for a report.
pub(crate) const MAX_BLOCKS: usize = 120;

impl Blocks {
    pub(crate) fn new() -> Self {
        Self {
            current: histogram(),
            done: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, interval: &Histogram<u64>) {
        // `current` resizes itself, so adding cannot fail.
        let added = self.current.add(interval);
        debug_assert!(added.is_ok());
    }

    pub(crate) fn close(&mut self) {
        self.done.push(Block::of(&self.current));
        self.current.reset();
    }

    /// Joins pairs of blocks, which halves their number and doubles their length.
    pub(crate) fn halve(&mut self) {
        let joined = self.done.chunks(2).map(|pair| {
            let mut sum = pair[0].histogram();
            sum.auto(true);
            if let Some(second) = pair.get(1) {
                let added = sum.add(second.histogram());
                debug_assert!(added.is_ok());
            }
            Block::of(&sum)
        });
        self.done = joined.collect();
    }

    pub(crate) fn len(&self) -> usize {
        self.done.len()
    }

    pub(crate) fn into_done(self) -> Vec<Block> {
        self.done
    }
}
