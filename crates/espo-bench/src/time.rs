//! Wall-clock times as strings, and durations as integers.

use std::time::{Duration, SystemTime};

/// Returns the duration in whole microseconds.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Formats a time as RFC 3339 in UTC, such as `2026-01-31T08:15:00.123Z`.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(|_| String::new(), |t| format!("{t:.3}"))
}

/// Parses a time such as `2026-01-31T08:15:00Z`.
///
/// # Errors
///
/// Returns a message with the expected format.
pub fn parse_rfc3339(text: &str) -> Result<SystemTime, String> {
    let time: jiff::Timestamp = text.parse().map_err(|e: jiff::Error| {
        let why = match e.to_string().contains("offset") {
            true => " (the offset from UTC is missing; end it with Z or, for example, +01:00)",
            false => "",
        };
        format!("invalid time '{text}': expected a value such as 2026-01-31T08:15:00Z{why}")
    })?;
    SystemTime::try_from(time).map_err(|e| e.to_string())
}
