//! A histogram with its key figures.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::read::ZlibDecoder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::DIGITS;

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
    let plain = inflate(&bytes)?;
    let mut histogram: Histogram<u64> = Deserializer::new()
        .deserialize(&mut plain.as_slice())
        .map_err(|e| format!("invalid histogram: {e}"))?;
    histogram.auto(true);
    Ok(histogram)
}

/// Decompresses a histogram. A damaged or foreign one could claim a size of gigabytes, which the deserializer would
/// allocate before it reads the counts.
fn inflate(bytes: &[u8]) -> Result<Vec<u8>, String> {
    /// Bytes before the counts: cookie, length of the counts, normalising offset, digits, bounds and ratio.
    const HEADER: usize = 40;
    /// More than all counts of a histogram with [`DIGITS`] digits, at most nine bytes each.
    const LARGEST: u64 = 1 << 20;
    let too_short = || "invalid histogram: too short".to_owned();
    let compressed = bytes.get(8..).ok_or_else(too_short)?;
    let mut plain = Vec::new();
    ZlibDecoder::new(compressed)
        .take(LARGEST)
        .read_to_end(&mut plain)
        .map_err(|e| format!("invalid histogram: {e}"))?;
    let number = |at: usize| {
        let bytes = plain.get(at..at + 4)?.first_chunk()?;
        Some(u32::from_be_bytes(*bytes))
    };
    let (length, digits) = (number(4), number(12));
    let (Some(length), Some(digits)) = (length, digits) else {
        return Err(too_short());
    };
    if plain.len() < HEADER || length as usize != plain.len() - HEADER {
        return Err("invalid histogram: its length is wrong".to_owned());
    }
    if digits > u32::from(DIGITS) {
        return Err(format!(
            "invalid histogram: it has {digits} significant digits instead of {DIGITS}"
        ));
    }
    Ok(plain)
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

    #[test]
    fn histograms_that_claim_to_be_huge_are_rejected() {
        use std::io::Write as _;
        let packed = |plain: &[u8]| {
            let mut encoder =
                flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(plain).unwrap();
            let compressed = encoder.finish().unwrap();
            let length = u32::try_from(compressed.len()).unwrap();
            let head = [0x1c84_9314_u32.to_be_bytes(), length.to_be_bytes()].concat();
            BASE64.encode([head, compressed].concat())
        };
        let plain = |length: u32, digits: u32, counts: &[u8]| {
            let mut plain = Vec::new();
            for number in [0x1c84_9313, length, 0, digits] {
                plain.extend_from_slice(&u32::to_be_bytes(number));
            }
            plain.extend_from_slice(&1_u64.to_be_bytes());
            plain.extend_from_slice(&3_600_000_000_u64.to_be_bytes());
            plain.extend_from_slice(&1_f64.to_be_bytes());
            plain.extend_from_slice(counts);
            packed(&plain)
        };
        assert_eq!(decode_histogram(&plain(1, 3, &[2])).unwrap().len(), 1);
        for text in [
            plain(u32::MAX, 3, &[2]),
            plain(1, 5, &[2]),
            plain(16 << 20, 3, &vec![0; 16 << 20]),
            packed(b""),
        ] {
            assert!(decode_histogram(&text).is_err());
        }
    }
}
