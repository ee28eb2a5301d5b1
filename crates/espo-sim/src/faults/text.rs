//! The text format of fault rules, for command lines and tests.

use std::str::FromStr;
use std::time::Duration;

use super::{FaultKind, FaultRule, Latency, Operation, When};

impl FromStr for FaultRule {
    type Err = String;

    /// `[OPERATION:][SHARE%|#N,N|first N:]KIND`, for example `list:10%:latency 200ms`, `create:#3:reset`,
    /// `read:status 503 retry-after 2`, `slow-body 64 5ms`, `latency lognormal 50ms 0.8`, `latency tail 5ms 2s 1%`,
    /// `latency spread 5ms 15ms 1000`.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = s.split(':').map(str::trim).collect();
        let Some((kind, before)) = parts.split_last() else {
            return Err(format!("`{s}` is empty"));
        };
        let (mut operation, mut when) = (None, None);
        for part in before {
            let twice =
                || format!("unexpected `{part}` in `{s}`: expected `[OPERATION:][WHEN:]KIND`");
            if let Some(op) = parse_operation(part) {
                if operation.replace(op).is_some() {
                    return Err(twice());
                }
            } else if let Some(parsed) = parse_when(part) {
                if when.replace(parsed?).is_some() {
                    return Err(twice());
                }
            } else {
                return Err(format!(
                    "invalid fault rule part `{part}`: expected an operation, a share (`10%`) or a sequence (`#1,4`, `first 3`)"
                ));
            }
        }
        Ok(FaultRule {
            operation: operation.unwrap_or(Operation::Any),
            when: when.unwrap_or(When::Share(1.0)),
            kind: parse_kind(kind)?,
        })
    }
}

/// The requests that a part selects; `None` if it is about something else.
fn parse_when(part: &str) -> Option<Result<When, String>> {
    if part.ends_with('%') {
        let share = parse_share(part).map(When::Share);
        return Some(share.ok_or_else(|| format!("invalid share `{part}`: expected 0% to 100%")));
    }
    if let Some(numbers) = part.strip_prefix('#') {
        let numbers: Option<Vec<u64>> = numbers.split(',').map(from_one).collect();
        let expected =
            || format!("invalid sequence `{part}`: expected numbers from 1, such as `#1,4`");
        return Some(numbers.map(When::Sequence).ok_or_else(expected));
    }
    let n = part.strip_prefix("first ")?;
    let expected = || format!("invalid sequence `{part}`: expected `first N` with N from 1");
    Some(from_one(n).map(When::First).ok_or_else(expected))
}

fn from_one(n: &str) -> Option<u64> {
    n.trim().parse().ok().filter(|n| *n > 0)
}

/// The form of a kind whose values are missing or too many.
fn form(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "latency" => {
            "`latency 200ms`, `latency lognormal MEDIAN SIGMA`, `latency tail USUAL TAIL SHARE%` or `latency spread FROM TO STEPS`"
        }
        "slow-body" => "`slow-body BYTES PAUSE`, such as `slow-body 64 5ms`",
        "status" => "`status CODE`, such as `status 503`",
        "stall" | "reset" | "maintenance" | "no-total" => "no value",
        _ => return None,
    })
}

fn parse_operation(s: &str) -> Option<Operation> {
    Some(match s {
        "any" => Operation::Any,
        "list" => Operation::List,
        "read" => Operation::Read,
        "create" => Operation::Create,
        "update" => Operation::Update,
        "delete" => Operation::Delete,
        "related" => Operation::Related,
        "link" => Operation::Link,
        "unlink" => Operation::Unlink,
        _ => return None,
    })
}

fn parse_share(s: &str) -> Option<f64> {
    let percent: f64 = s.strip_suffix('%')?.trim().parse().ok()?;
    (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
}

/// The grammar of the load tester's durations: `500ms`, `1m30s`, `2h`.
fn parse_duration(s: &str) -> Result<Duration, String> {
    let expected =
        || format!("invalid duration `{s}`: expected `500ms`, `2s`, `1m30s`, `2h` or `1d`");
    let span: jiff::Span = s.parse().map_err(|_| expected())?;
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let signed = span.to_duration(days).map_err(|_| expected())?;
    Duration::try_from(signed).map_err(|_| expected())
}

fn parse_kind(s: &str) -> Result<FaultKind, String> {
    let words: Vec<&str> = s.split_whitespace().collect();
    let number = |s: &str| {
        s.parse::<f64>()
            .map_err(|_| format!("invalid number `{s}`"))
    };
    let share = |s: Option<&&str>| match s {
        None => Ok(0.5),
        Some(s) => parse_share(s)
            .ok_or_else(|| format!("invalid share `{s}`: expected a value such as `50%`")),
    };
    Ok(match words.as_slice() {
        ["latency", "lognormal", median, sigma] => FaultKind::Latency(Latency::LogNormal {
            median: parse_duration(median)?,
            sigma: number(sigma)?,
        }),
        ["latency", "tail", usual, tail, part] => FaultKind::Latency(Latency::LongTail {
            usual: parse_duration(usual)?,
            tail: parse_duration(tail)?,
            share: share(Some(part))?,
        }),
        ["latency", "spread", from, to, steps] => FaultKind::Latency(Latency::Spread {
            from: parse_duration(from)?,
            to: parse_duration(to)?,
            steps: steps
                .parse()
                .map_err(|_| format!("invalid number of steps `{steps}`"))?,
        }),
        ["latency", d] => FaultKind::Latency(Latency::Constant(parse_duration(d)?)),
        ["latency", n, unit] if number(n).is_ok() => {
            FaultKind::Latency(Latency::Constant(parse_duration(&format!("{n}{unit}"))?))
        }
        ["stall"] => FaultKind::Stall,
        ["reset"] => FaultKind::Reset,
        ["reset-in-body", rest @ ..] => FaultKind::ResetInBody(share(rest.first())?),
        ["truncate", rest @ ..] => FaultKind::Truncate(share(rest.first())?),
        ["slow-body", chunk, pause] => FaultKind::SlowBody(
            chunk
                .parse()
                .map_err(|_| format!("invalid number of bytes `{chunk}`"))?,
            parse_duration(pause)?,
        ),
        ["maintenance"] => FaultKind::Maintenance,
        ["no-total"] => FaultKind::NoTotal,
        ["status", code, rest @ ..] => {
            let status: u16 = code
                .parse()
                .map_err(|_| format!("invalid status `{code}`"))?;
            if !(200..=599).contains(&status) {
                return Err(format!("invalid status `{code}`: expected 200 to 599"));
            }
            let (mut body, mut retry_after) = (None, None);
            match rest {
                [] => {}
                ["retry-after", n] => {
                    retry_after = Some(
                        n.parse()
                            .map_err(|_| format!("invalid number of seconds `{n}`"))?,
                    )
                }
                ["body", words @ ..] => body = Some(words.join(" ")),
                _ => {
                    return Err(format!(
                        "unexpected `{}` after the status: expected `retry-after N` or `body TEXT`",
                        rest.join(" ")
                    ));
                }
            }
            FaultKind::Status {
                status,
                body,
                retry_after,
            }
        }
        [first, .., kind] if parse_when(first).is_some() => {
            return Err(format!(
                "missing `:` after `{first}`: expected `{first}:{kind}`"
            ));
        }
        [kind, ..] if form(kind).is_some() => {
            let form = form(kind).unwrap_or_default();
            return Err(format!("invalid fault `{s}`: `{kind}` takes {form}"));
        }
        _ => {
            return Err(format!(
                "unknown fault `{s}`: expected latency, stall, status, reset, reset-in-body, truncate, slow-body, maintenance or no-total"
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_from_text() {
        for (text, rule) in [
            (
                "list:10%:latency 200ms",
                FaultRule {
                    operation: Operation::List,
                    when: When::Share(0.1),
                    kind: FaultKind::Latency(Latency::Constant(Duration::from_millis(200))),
                },
            ),
            (
                "create:#1,3:reset",
                FaultRule {
                    operation: Operation::Create,
                    when: When::Sequence(vec![1, 3]),
                    kind: FaultKind::Reset,
                },
            ),
            (
                "status 503 retry-after 2",
                FaultRule::always(
                    Operation::Any,
                    FaultKind::Status {
                        status: 503,
                        body: None,
                        retry_after: Some(2),
                    },
                ),
            ),
        ] {
            assert_eq!(text.parse::<FaultRule>(), Ok(rule), "{text}");
        }
        for (bad, reason) in [
            ("", "unknown fault"),
            (
                "nonsense",
                "unknown fault `nonsense`: expected latency, stall",
            ),
            ("list:maybe:reset", "invalid fault rule part `maybe`"),
            ("status 99", "expected 200 to 599"),
            ("latency soon", "invalid duration `soon`"),
            (
                "latency spread 5ms 9ms many",
                "invalid number of steps `many`",
            ),
            ("truncate 200%", "invalid share `200%`"),
            (
                "list:10% reset",
                "missing `:` after `10%`: expected `10%:reset`",
            ),
            ("#1,3 reset", "missing `:` after `#1,3`"),
            ("latency", "`latency` takes `latency 200ms`"),
            ("slow-body 5", "`slow-body` takes `slow-body BYTES PAUSE`"),
            ("#0:reset", "expected numbers from 1"),
            ("first 0:reset", "with N from 1"),
            ("110%:reset", "expected 0% to 100%"),
            ("-1%:reset", "expected 0% to 100%"),
            ("list:read:reset", "unexpected `read`"),
            ("1%:#2:reset", "unexpected `#2`"),
        ] {
            let error = bad.parse::<FaultRule>().expect_err(bad);
            assert!(error.contains(reason), "{bad}: {error}");
        }
        let spaced: FaultRule = "latency 5 s".parse().expect("a rule");
        assert_eq!(
            spaced.kind,
            FaultKind::Latency(Latency::Constant(Duration::from_secs(5)))
        );
    }
}
