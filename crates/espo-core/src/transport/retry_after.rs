use std::time::Duration;

use http::HeaderMap;

/// `Retry-After` as seconds or as an HTTP date.
pub(crate) fn parse(headers: &HeaderMap) -> Option<Duration> {
    parse_at(headers, jiff::Timestamp::now())
}

fn parse_at(headers: &HeaderMap, now: jiff::Timestamp) -> Option<Duration> {
    let text = headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let then = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_parsed() {
        let now: jiff::Timestamp = "2026-01-31T08:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("120", Some(120)),
            ("Sat, 31 Jan 2026 08:01:30 GMT", Some(90)),
            ("Sat, 31 Jan 2026 07:00:00 GMT", Some(0)),
            ("soon", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", text.parse().unwrap());
            assert_eq!(
                parse_at(&headers, now),
                expected.map(Duration::from_secs),
                "{text}"
            );
        }
    }
}
