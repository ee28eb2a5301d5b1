//! What is kept by time: a line a second, blocks of histograms for comparisons, and the interval log.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2Serializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::histogram;

/// One second (or longer step) of a run, over all operations. Times are response times of successful
/// requests, in microseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Second {
    /// Start of the step in seconds from the start of the measurement.
    pub at: f64,
    /// Requests that succeeded.
    pub ok: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Median.
    #[schemars(extend("unit" = "us"))]
    pub p50: u64,
    /// 95th percentile; absent in reports of older versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub p95: Option<u64>,
    /// 99th percentile.
    #[schemars(extend("unit" = "us"))]
    pub p99: u64,
    /// Longest.
    #[schemars(extend("unit" = "us"))]
    pub max: u64,
    /// Intended requests or iterations a second at the middle of the step (open model).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target_rate: Option<f64>,
}

/// The successful requests of one operation in one block of time.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// A V2 histogram of response times, not deflated; none when there were no requests.
    bytes: Option<Vec<u8>>,
}

impl Block {
    fn of(histogram: &Histogram<u64>) -> Self {
        let mut bytes = Vec::new();
        if !histogram.is_empty() {
            // Writing to memory fails for no histogram of these bounds.
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

/// Receives the histograms of each second: the interval log writes them to its file.
pub(crate) trait IntervalSink: Send {
    /// `start` and `length` in seconds from the start of the run; `tag` is an operation, with `.failed`
    /// for those of its requests that did not succeed.
    fn interval(&mut self, start: f64, length: f64, tag: &str, histogram: &Histogram<u64>);
}

/// Blocks of one operation, of a length that doubles when there would be too many.
#[derive(Debug)]
pub(crate) struct Blocks {
    current: Histogram<u64>,
    done: Vec<Block>,
}

/// Enough for a bootstrap, few enough for a report.
pub(crate) const MAX_BLOCKS: usize = 120;

impl Blocks {
    pub(crate) fn new() -> Self {
        Self {
            current: histogram(),
            done: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, interval: &Histogram<u64>) {
        // `current` resizes itself: adding cannot fail.
        let added = self.current.add(interval);
        debug_assert!(added.is_ok());
    }

    pub(crate) fn close(&mut self) {
        self.done.push(Block::of(&self.current));
        self.current.reset();
    }

    /// Joins pairs of blocks: half as many, twice as long.
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
