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
        let (mut operation, mut when) = (Operation::Any, When::Share(1.0));
        for part in before {
            if let Some(op) = parse_operation(part) {
                operation = op;
            } else if let Some(share) = parse_share(part) {
                when = When::Share(share);
            } else if let Some(numbers) = part.strip_prefix('#') {
                let numbers: Result<Vec<u64>, _> =
                    numbers.split(',').map(|n| n.trim().parse()).collect();
                when = When::Sequence(
                    numbers.map_err(|_| format!("invalid sequence `{part}`: expected `#1,4`"))?,
                );
            } else if let Some(n) = part.strip_prefix("first ") {
                when = When::First(
                    n.trim()
                        .parse()
                        .map_err(|_| format!("invalid sequence `{part}`: expected `first N`"))?,
                );
            } else {
                return Err(format!(
                    "invalid fault rule part `{part}`: expected an operation, a share (`10%`) or a sequence (`#1,4`, `first 3`)"
                ));
            }
        }
        Ok(FaultRule {
            operation,
            when,
            kind: parse_kind(kind)?,
        })
    }
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
    let expected = || format!("invalid duration `{s}`: expected `500ms`, `2s`, `1m30s` or `2h`");
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
        for bad in [
            "",
            "nonsense",
            "list:maybe:reset",
            "status 99",
            "latency soon",
            "latency spread 5ms 9ms many",
            "truncate 200%",
        ] {
            assert!(bad.parse::<FaultRule>().is_err(), "{bad}");
        }
    }
}
