//! Numbers on the command line.

/// Parses a rate: `20`, `0.5`, or `20/s`, as reports show it.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    let text = text.trim();
    parse(
        text.strip_suffix("/s").unwrap_or(text),
        "a number such as 20 or 0.5",
    )
}

/// Parses a percentage: `5`, or `5%`.
pub(crate) fn percent(text: &str) -> Result<f64, String> {
    let text = text.trim();
    parse(
        text.strip_suffix('%').unwrap_or(text),
        "a percentage such as 5 or 2.5",
    )
}

fn parse(number: &str, expected: &str) -> Result<f64, String> {
    let parsed = number.trim().parse();
    parsed.map_err(|_| format!("expected {expected}"))
}

/// Parses an integer with a minimum: `10000` or `10_000`.
pub(crate) fn integer<T: TryFrom<u64>, const MIN: u64>(text: &str) -> Result<T, String> {
    between::<T, MIN, { u64::MAX }>(text)
}

/// Parses an integer with a minimum and a maximum.
pub(crate) fn between<T: TryFrom<u64>, const MIN: u64, const MAX: u64>(
    text: &str,
) -> Result<T, String> {
    let digits = text.trim().replace('_', "");
    let number = digits.parse().ok().filter(|n| (MIN..=MAX).contains(n));
    number
        .and_then(|n| T::try_from(n).ok())
        .ok_or_else(|| match MAX {
            u64::MAX => format!("expected an integer, {MIN} or more"),
            _ => format!("expected an integer from {MIN} to {MAX}"),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_parsed_as_reports_show_them() {
        assert_eq!(rate("20"), Ok(20.0));
        assert_eq!(rate(" 0.5/s"), Ok(0.5));
        assert_eq!(percent("2.5 %"), Ok(2.5));
        assert_eq!(integer::<u32, 1>("10_000"), Ok(10_000));
        assert_eq!(between::<u32, 1, 1_024>("1024"), Ok(1_024));
    }

    #[test]
    fn messages_state_the_expected_number() {
        for text in ["", "1k", "100 rps", "1,000", "1/m"] {
            let error = rate(text).unwrap_err();
            assert!(error.contains("a number such as 20"), "{text}: {error}");
        }
        for text in ["", "0", "-1", "1e4", "10k", "1.5", "1,000", "4294967296"] {
            let error = integer::<u32, 1>(text).unwrap_err();
            assert_eq!(error, "expected an integer, 1 or more", "{text}");
        }
        let error = between::<u32, 1, 1_024>("1025").unwrap_err();
        assert_eq!(error, "expected an integer from 1 to 1024");
    }
}
