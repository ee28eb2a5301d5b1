//! Dates and times in the server's form, and fields that contain either.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A field that contains a point in time or, for the whole day, a date (`datetimeOptional`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DateOrTime {
    /// A whole day, without a time zone. A write sends midnight UTC as its time; on an instance with another time zone,
    /// [`DateOrTime::day_in`] returns the day with its start time.
    Date(Date),
    /// A whole day and the time at which it begins; see [`DateOrTime::day_in`].
    DateFrom(Date, Timestamp),
    /// A point in time.
    Time(Timestamp),
}

impl DateOrTime {
    /// Returns a whole day that begins at midnight in the instance's time zone, as the web client writes it: filters
    /// and orders use that time. Needed for custom fields only; the server computes the time for those of meetings and
    /// tasks.
    pub fn day_in(day: Date, zone: &TimeZone) -> Self {
        Self::DateFrom(day, midnight(day, zone))
    }

    /// Creates the value from its two attributes; the date takes precedence.
    #[doc(hidden)]
    pub fn from_parts(time: Option<Timestamp>, date: Option<Date>) -> Option<Self> {
        date.map(Self::Date).or(time.map(Self::Time))
    }
}

/// The time at which a day begins; if a clock change skips midnight, the first time of that day.
pub(crate) fn midnight(day: Date, zone: &TimeZone) -> Timestamp {
    // In some time zones, only the first and last day of jiff's range have no such time.
    zone.to_timestamp(day.at(0, 0, 0, 0))
        .unwrap_or(Timestamp::MAX)
}

impl From<Date> for DateOrTime {
    fn from(date: Date) -> Self {
        Self::Date(date)
    }
}

impl From<Timestamp> for DateOrTime {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}

/// Reads `YYYY-MM-DD`.
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = digits(&bytes[..4])?;
    Date::new(
        year,
        digits(&bytes[5..7])? as i8,
        digits(&bytes[8..10])? as i8,
    )
    .ok()
}

/// Reads `YYYY-MM-DD HH:MM:SS` (the server's form), the same without seconds, or RFC 3339. UTC unless an offset is
/// given. Fractions of a second may have any number of digits.
pub(crate) fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let seconds = match bytes.len() {
        19 if bytes[16] == b':' => digits(&bytes[17..19])?,
        16 => 0,
        _ => return parse_long(text),
    };
    if !matches!(bytes[10], b' ' | b'T') || bytes[13] != b':' {
        return text.parse().ok();
    }
    let date = parse_date(text.get(..10)?)?;
    let (hour, minute) = (digits(&bytes[11..13])?, digits(&bytes[14..16])?);
    if hour > 23 || minute > 59 || seconds > 59 {
        return None;
    }
    let time = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(seconds);
    // The last day of the year 9999 exceeds the range of a `Timestamp`, and is often used to mean "for ever".
    let second = days_since_epoch(date) * 86_400 + time;
    Some(Timestamp::from_second(second).unwrap_or(Timestamp::MAX))
}

/// Reads RFC 3339, or the server's form with a fraction.
fn parse_long(text: &str) -> Option<Timestamp> {
    let with_offset = text.parse().ok();
    with_offset.or_else(|| {
        let has_fraction = text.as_bytes().get(19) == Some(&b'.');
        let time: DateTime = text.parse().ok().filter(|_| has_fraction)?;
        TimeZone::UTC.to_timestamp(time).ok()
    })
}

/// Days since 1970-01-01 in the Gregorian calendar, negative before it. Implemented here because every record contains
/// several times, and a time zone library takes five times as long.
fn days_since_epoch(date: Date) -> i64 {
    /// Makes years positive: divisions of small unsigned numbers are the fastest.
    const ERAS: u32 = 25;
    let year = (i32::from(date.year()) + 400 * ERAS as i32) as u32;
    let (month, day) = (date.month() as u32, date.day() as u32);
    // In years that begin in March, the leap day is the last day.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days =
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    i64::from(days) - i64::from(719_468 + ERAS * 146_097)
}

/// The server's form of a time: `YYYY-MM-DD HH:MM:SS`, UTC, whole seconds.
pub(crate) fn format_timestamp(time: Timestamp) -> String {
    if time == Timestamp::MAX {
        return "9999-12-31 23:59:59".to_owned();
    }
    let time = TimeZone::UTC.to_datetime(time);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

fn digits(bytes: &[u8]) -> Option<i16> {
    bytes.iter().try_fold(0i16, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number.checked_mul(10)?.checked_add(i16::from(byte - b'0')))
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};
    use jiff::tz::TimeZone;

    use super::{days_since_epoch, format_timestamp, parse_date, parse_timestamp};

    #[test]
    fn days_match_the_calendar() {
        let epoch = date(1970, 1, 1);
        let mut day = Date::MIN;
        while let Ok(next) = day.checked_add(jiff::Span::new().days(397)) {
            let expected = i64::from(epoch.until(day).expect("days").get_days());
            assert_eq!(days_since_epoch(day), expected, "{day}");
            day = next;
        }
    }

    #[test]
    fn server_times_are_utc_and_round_trip() {
        for text in [
            "2026-01-31 08:15:00",
            "1969-12-31 23:59:59",
            "2024-02-29 00:00:00",
            "0001-01-01 00:00:00",
        ] {
            let time = parse_timestamp(text).unwrap_or_else(|| panic!("{text} is a time"));
            assert_eq!(format_timestamp(time), text);
            assert_eq!(
                TimeZone::UTC
                    .to_datetime(time)
                    .to_string()
                    .replace('T', " "),
                text
            );
        }
        assert_eq!(
            parse_timestamp("2026-01-31 08:15"),
            parse_timestamp("2026-01-31T08:15:00Z")
        );
        assert_eq!(
            parse_timestamp("2026-01-31T10:15:00+02:00"),
            parse_timestamp("2026-01-31 08:15:00")
        );
    }

    #[test]
    fn invalid_dates_are_rejected() {
        for text in [
            "2026-02-30",
            "2026-13-01",
            "26-01-01",
            "2026-1-1",
            "",
            "2026-01-01x",
            "0000-00-00",
            "20260-1-01",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
            assert_eq!(parse_timestamp(&format!("{text} 00:00:00")), None, "{text}");
        }
        for text in [
            "2026-01-01 24:00:00",
            "2026-01-01 00:60:00",
            "2026-01-01 00:00:60",
            "2026-01-01 aa:00:00",
            "日本日本日本日",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }
}
