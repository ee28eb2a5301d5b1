//! A snapshot of the figures.

use serde::Serialize;

use crate::report::SloResult;

/// The figures so far.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Now {
    /// The stage of the load, such as `warm-up`.
    pub(crate) stage: String,
    /// Seconds since the load began.
    pub(crate) elapsed: f64,
    /// Planned duration of the load in seconds, if known.
    pub(crate) total: Option<f64>,
    pub(crate) requests: u64,
    pub(crate) failed: u64,
    pub(crate) in_flight: u64,
    /// Response times of all successful requests so far.
    pub(crate) times: Option<Times>,
    /// The operations with the most requests.
    pub(crate) operations: Vec<OperationRow>,
    /// Number of operations.
    pub(crate) operation_count: usize,
    pub(crate) errors: Vec<ErrorRow>,
    pub(crate) slos: Vec<SloResult>,
}

/// Percentiles in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Times {
    pub(crate) p50: u64,
    pub(crate) p95: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
}

impl Times {
    /// Returns `None` for an empty histogram.
    pub(crate) fn of(histogram: &hdrhistogram::Histogram<u64>) -> Option<Self> {
        (!histogram.is_empty()).then(|| Self {
            p50: histogram.value_at_quantile(0.5),
            p95: histogram.value_at_quantile(0.95),
            p99: histogram.value_at_quantile(0.99),
            max: histogram.max(),
        })
    }
}

/// A row for one operation.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OperationRow {
    pub(crate) name: String,
    pub(crate) is_chain: bool,
    pub(crate) count: u64,
    pub(crate) failed: u64,
    pub(crate) times: Option<Times>,
}

/// Failures of one kind.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ErrorRow {
    pub(crate) operation: String,
    pub(crate) kind: String,
    pub(crate) count: u64,
    pub(crate) sample: String,
}
