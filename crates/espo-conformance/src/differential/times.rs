//! The times of the compared requests.

/// The times of the requests to both servers, in seconds since 1970.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Times {
    /// Both now: times of the last hours may differ by a few seconds.
    #[default]
    Now,
    /// One of them earlier: all times of its run count as one.
    Recorded { from: i64, to: i64 },
}

impl Times {
    pub(super) fn are_close(self, a: &str, b: &str) -> bool {
        let parse = |s: &str| -> Option<i64> {
            let time: jiff::civil::DateTime = s.parse().ok()?;
            let zoned = time.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?;
            Some(zoned.timestamp().as_second())
        };
        let (Some(a), Some(b)) = (parse(a), parse(b)) else {
            return false;
        };
        match self {
            Times::Now => {
                let now = jiff::Timestamp::now().as_second();
                (a - b).abs() <= 15 && (now - a).abs() < 4 * 3600
            }
            Times::Recorded { from, to } => {
                let run = from - 5..=to + 5;
                run.contains(&a) && run.contains(&b)
            }
        }
    }
}
