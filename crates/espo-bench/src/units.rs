//! Durations and byte sizes on the command line and in workloads.

use std::time::Duration;

/// Parses a duration: `250us`, `500ms`, `30s`, `1.5s`, `1m30s`, `2h`, `1d`; the "friendly" format of the jiff crate.
/// Days have 24 hours. Every duration that the load tester prints can be parsed.
///
/// # Errors
///
/// Returns a message with the expected format.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let expected = |why: String| {
        format!("invalid duration '{text}': expected 250us, 500ms, 30s, 1m30s, 2h or 1d{why}")
    };
    // A comma separates decimals in one language and thousands in another: `1,500ms` could be 1.5 ms or 1.5 s.
    if text.contains(',') {
        return Err(expected(" (write decimals with a point)".into()));
    }
    let span = text.trim().parse::<jiff::Span>().map_err(|error| {
        let number = text.trim().parse::<f64>().is_ok();
        match () {
            () if error.to_string().contains("required range") => {
                expected(" (it is too long)".into())
            }
            () if number => expected(" (the unit is missing)".into()),
            () => expected(String::new()),
        }
    })?;
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let signed = span
        .to_duration(days)
        .map_err(|_| expected(" (years and months have no fixed length)".into()))?;
    Duration::try_from(signed).map_err(|_| expected(" (it is negative)".into()))
}

/// Parses a duration above zero.
///
/// # Errors
///
/// Same errors as [`parse_duration`].
pub fn parse_positive_duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err(format!("invalid duration '{text}': it must be above 0")),
        duration => Ok(duration),
    }
}

/// Parses a byte size such as `512`, `16KiB` or `2MiB`.
///
/// # Errors
///
/// Returns a message with the expected format.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let trimmed = text.trim();
    let split = trimmed
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let expected = || format!("invalid size '{text}': expected a value such as 512, 16KiB or 2MiB");
    let number: u64 = number.parse().map_err(|_| expected())?;
    let factor = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return Err(expected()),
    };
    number.checked_mul(factor).ok_or_else(expected)
}

/// Describes a CSV file that cannot be read.
pub(crate) fn csv_problem(error: &csv::Error) -> String {
    let place = match error.position().map_or(0, csv::Position::record) {
        0 => "the first line".to_owned(),
        row => format!("row {row}"),
    };
    match error.kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        csv::ErrorKind::Utf8 { .. } => format!("{place} is not UTF-8; save the file as UTF-8"),
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!(
            "{place} has {}, the first line {}; put values that contain a comma or a quotation mark in quotation marks",
            counted(*len, "column"),
            counted(*expected_len, "column")
        ),
        _ => error.to_string(),
    }
}

/// Formats a duration for display: `850 µs`, `12.3 ms`, `1.20 s`, `2m05s`, `1h30m`. [`parse_duration`] accepts it.
#[must_use]
pub(crate) fn show_micros(micros: f64) -> String {
    match micros {
        m if m < 1_000.0 => format!("{m:.0} µs"),
        m if m < 10_000.0 => format!("{:.2} ms", m / 1e3),
        m if m < 100_000.0 => format!("{:.1} ms", m / 1e3),
        m if m < 1_000_000.0 => format!("{:.0} ms", m / 1e3),
        m if m < 120_000_000.0 => format!("{:.2} s", m / 1e6),
        m if m < 3_600_000_000.0 => {
            format!("{}m{:02}s", (m / 6e7) as u64, (m / 1e6) as u64 % 60)
        }
        m => format!("{}h{:02}m", (m / 3.6e9) as u64, (m / 6e7) as u64 % 60),
    }
}

/// Formats a duration for display, or a dash if none was measured.
pub(crate) fn show_some_micros(micros: u64) -> String {
    match micros {
        0 => "–".into(),
        micros => show_micros(micros as f64),
    }
}

/// Formats a byte count for display: `900 B`, `13.6 KiB`, `4.2 MiB`.
#[must_use]
pub(crate) fn show_bytes(bytes: u64) -> String {
    let b = bytes as f64;
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", b / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", b / 1_048_576.0),
        _ => format!("{:.2} GiB", b / 1_073_741_824.0),
    }
}

/// Formats a count with thousands separators, such as `12 345`.
#[must_use]
pub(crate) fn show_count(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Formats a count with its noun, which takes an `s` unless the count is 1.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", show_count(count))
}

/// Formats a load, in iterations per second or workers: with one decimal, below 1 with three significant digits.
pub(crate) fn show_load(load: f64) -> String {
    let decimals = match load {
        l if l >= 1.0 || l <= 0.0 => 1,
        l => (2.0 - l.log10().floor()).min(12.0) as usize,
    };
    format!("{load:.decimals$}")
}

/// Formats a number of people.
pub(crate) fn show_people(count: u32) -> String {
    match count {
        1 => "1 person".into(),
        n => format!("{n} people"),
    }
}

/// Formats a range of durations in seconds; both ends may be equal.
pub(crate) fn show_range((min, max): (f64, f64)) -> String {
    let (min, max) = (show_micros(min * 1e6), show_micros(max * 1e6));
    match min == max {
        true => min,
        false => format!("{min} to {max}"),
    }
}

/// Formats a number without trailing zeros.
pub(crate) fn trim(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_parsed() {
        for (text, micros) in [
            ("250us", 250),
            ("250µs", 250),
            ("500ms", 500_000),
            ("30s", 30_000_000),
            ("1.5s", 1_500_000),
            ("5m", 300_000_000),
            ("1m30s", 90_000_000),
            ("2m05s", 125_000_000),
            ("2h", 7_200_000_000),
            ("1h 30m", 5_400_000_000),
            ("1d", 86_400_000_000),
            ("1d12h", 129_600_000_000),
            ("0s", 0),
            ("12.3 ms", 12_300),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_micros(micros)),
                "{text}"
            );
        }
        for text in [
            "",
            "5",
            "s",
            "-1s",
            "1s ago",
            "1e3s",
            "1 fortnight",
            "1mo",
            "1y",
            "99999999999d",
            "9999999999999999999999s",
        ] {
            let error = parse_duration(text).unwrap_err();
            assert!(error.contains("expected 250us, 500ms"), "{text}: {error}");
            assert!(error.len() < 230, "{error}");
        }
    }

    #[test]
    fn printed_durations_can_be_parsed() {
        let mut micros = 1.0;
        while micros < 4e11 {
            let text = show_micros(micros);
            let back = parse_duration(&text).unwrap().as_secs_f64() * 1e6;
            // Durations are printed with three digits; two minutes or more in whole seconds, one hour or more in whole
            // minutes.
            assert!(
                (back - micros).abs() <= (micros / 50.0).max(0.5),
                "{micros}: {text}"
            );
            micros *= 1.37;
        }
    }

    #[test]
    fn sizes_are_parsed_with_their_unit() {
        assert_eq!(parse_bytes("512"), Ok(512));
        assert_eq!(parse_bytes("16KiB"), Ok(16_384));
        assert_eq!(parse_bytes("2MiB"), Ok(2_097_152));
        assert!(parse_bytes("2GB").is_err());
        assert!(parse_bytes("99999999999999999999").is_err());
    }

    #[test]
    fn values_are_shown_with_three_significant_digits() {
        assert_eq!(show_micros(850.0), "850 µs");
        assert_eq!(show_micros(1_234.0), "1.23 ms");
        assert_eq!(show_micros(12_340.0), "12.3 ms");
        assert_eq!(show_micros(1_200_000.0), "1.20 s");
        assert_eq!(show_micros(125_000_000.0), "2m05s");
        assert_eq!(show_micros(5_400_000_000.0), "1h30m");
        assert_eq!(show_count(1_234_567), "1,234,567");
        assert_eq!(show_count(12), "12");
        assert_eq!(show_bytes(13_926), "13.6 KiB");
        assert_eq!(show_load(45.0), "45.0");
        assert_eq!(show_load(0.25), "0.250");
        assert_eq!(show_load(0.001_234), "0.00123");
    }
}
