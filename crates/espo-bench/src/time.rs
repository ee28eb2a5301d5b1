//! Wall-clock times as text.

use std::time::SystemTime;

/// RFC 3339 in UTC, as `2026-01-31T08:15:00.123Z`.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(|_| String::new(), |t| format!("{t:.3}"))
}

/// Parses a moment as `2026-01-31T08:15:00Z`.
///
/// # Errors
///
/// A text that says what is expected.
pub fn parse_rfc3339(text: &str) -> Result<SystemTime, String> {
    let time: jiff::Timestamp = text
        .parse()
        .map_err(|e| format!("'{text}' is no time such as 2026-01-31T08:15:00Z: {e}"))?;
    SystemTime::try_from(time).map_err(|e| e.to_string())
}
