//! A histogram with its key figures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The unit of a distribution's figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TimeUnit {
    /// Microseconds.
    #[default]
    #[serde(rename = "us")]
    Micros,
    /// Nanoseconds.
    #[serde(rename = "ns")]
    Nanos,
}

/// A distribution of times: key figures, and the histogram that they are computed from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Distribution {
    /// Unit of all figures and of the histogram.
    #[serde(default)]
    pub unit: TimeUnit,
    /// Number of values.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Smallest.
    pub min: u64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 95th percentile.
    pub p95: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Largest.
    pub max: u64,
    /// Base64 of the HdrHistogram in V2 encoding with deflate; empty if there are no values.
    pub histogram: String,
}

impl Distribution {
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        Self {
            unit: TimeUnit::Micros,
            count: histogram.len(),
            mean: (histogram.mean() * 100.0).round() / 100.0,
            min: histogram.min(),
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p95: histogram.value_at_quantile(0.95),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
            histogram: encode_histogram(histogram),
        }
    }

    /// Creates a distribution of nanoseconds.
    pub(crate) fn of_nanos(histogram: &Histogram<u64>) -> Self {
        Self {
            unit: TimeUnit::Nanos,
            ..Self::of(histogram)
        }
    }

    /// Decodes the histogram, to merge it or to compute other quantiles.
    ///
    /// # Errors
    ///
    /// Returns a message if the string is not a histogram because the report was modified or truncated.
    pub fn to_histogram(&self) -> Result<Histogram<u64>, String> {
        decode_histogram(&self.histogram)
    }
}

pub(crate) fn encode_histogram(histogram: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    // Writing a histogram with these bounds to memory cannot fail.
    let written = V2DeflateSerializer::new().serialize(histogram, &mut bytes);
    debug_assert!(written.is_ok());
    BASE64.encode(bytes)
}

pub(crate) fn decode_histogram(text: &str) -> Result<Histogram<u64>, String> {
    if text.is_empty() {
        return Ok(crate::record::histogram());
    }
    let bytes = BASE64
        .decode(text)
        .map_err(|e| format!("invalid histogram: not base64: {e}"))?;
    let mut histogram: Histogram<u64> = Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|e| format!("invalid histogram: {e}"))?;
    histogram.auto(true);
    Ok(histogram)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_round_trip_exactly() {
        let mut histogram = crate::record::histogram();
        for i in 1..5_000_u64 {
            histogram.record(i * i).unwrap();
        }
        let back = Distribution::of(&histogram).to_histogram().unwrap();
        assert_eq!(back, histogram);
        assert_eq!(Distribution::default().to_histogram().unwrap().len(), 0);
        assert!(decode_histogram("AAAA").is_err());
        assert!(decode_histogram("not base64!").is_err());
    }
}
