//! Faults on demand: what goes wrong, for which requests, and how often.

mod text;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use parking_lot::{Mutex, RwLock};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::http::Request;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// The answer waits.
    Latency(Latency),
    /// No answer ever comes; the connection stays open.
    Stall,
    /// This status instead of the real answer, with an optional body and `Retry-After` in seconds.
    Status {
        /// HTTP status.
        status: u16,
        /// Body, sent as JSON.
        body: Option<String>,
        /// `Retry-After`.
        retry_after: Option<u64>,
    },
    /// The connection is closed without an answer.
    Reset,
    /// The connection is closed after this share of the body (0 to 1).
    ResetInBody(f64),
    /// The body ends after this share, as if it were whole.
    Truncate(f64),
    /// The body comes in pieces of so many bytes, with a pause after each.
    SlowBody(usize, Duration),
    /// 503 as in maintenance mode.
    Maintenance,
    /// Lists answer with total -1 or -2 in place of the count.
    NoTotal,
}

/// How long an answer waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Latency {
    /// Always the same.
    Constant(Duration),
    /// Log-normal with this median; sigma is the standard deviation of the logarithm.
    LogNormal {
        /// Median.
        median: Duration,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
    /// `usual`, and in `share` of the cases `tail`.
    LongTail {
        /// Most answers.
        usual: Duration,
        /// The others.
        tail: Duration,
        /// Share of the others (0 to 1).
        share: f64,
    },
    /// In turn `steps` times from `from` up to `to`, equally far apart: the distribution is known beforehand, and after
    /// every `steps` requests the percentiles are exact. A `steps` below 2 is `from` alone.
    Spread {
        /// The shortest.
        from: Duration,
        /// The longest.
        to: Duration,
        /// How many different ones.
        steps: u32,
    },
}

/// Which requests a fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Operation {
    /// Every request.
    #[default]
    Any,
    /// `GET {Entity}`
    List,
    /// `GET {Entity}/{id}`
    Read,
    /// `POST {Entity}`
    Create,
    /// `PUT` or `PATCH {Entity}/{id}`
    Update,
    /// `DELETE {Entity}/{id}`
    Delete,
    /// `GET {Entity}/{id}/{link}`
    Related,
    /// `POST {Entity}/{id}/{link}`
    Link,
    /// `DELETE {Entity}/{id}/{link}`
    Unlink,
}

/// How often.
#[derive(Debug, Clone, PartialEq)]
pub enum When {
    /// This share of the requests, at random (0 to 1).
    Share(f64),
    /// The requests of these numbers among those that the operation matches, counted from 1.
    Sequence(Vec<u64>),
    /// The first so many.
    First(u64),
}

/// A rule: a fault, the requests it hits, and how often.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// Which requests.
    pub operation: Operation,
    /// How often.
    pub when: When,
    /// What goes wrong.
    pub kind: FaultKind,
}

impl FaultRule {
    /// A fault that hits every request of an operation.
    #[must_use]
    pub fn always(operation: Operation, kind: FaultKind) -> FaultRule {
        FaultRule {
            operation,
            when: When::Share(1.0),
            kind,
        }
    }
}

/// What happens to one request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fault {
    pub(crate) delay: Option<Duration>,
    pub(crate) stall: bool,
    pub(crate) reset: bool,
    pub(crate) status: Option<(u16, Option<String>, Option<u64>)>,
    pub(crate) maintenance: bool,
    pub(crate) cut: Option<Cut>,
    pub(crate) slow_body: Option<(usize, Duration)>,
    pub(crate) no_total: bool,
}

/// Where a body ends too early.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cut {
    pub(crate) share: f64,
    pub(crate) reset: bool,
}

/// The rules in force.
#[derive(Debug)]
pub(crate) struct Faults {
    rules: RwLock<Vec<(FaultRule, AtomicU64)>>,
    random: Mutex<Pcg64Mcg>,
}

impl Faults {
    pub(crate) fn new(rules: Vec<FaultRule>, seed: u64) -> Faults {
        Faults {
            rules: RwLock::new(rules.into_iter().map(|r| (r, AtomicU64::new(0))).collect()),
            random: Mutex::new(Pcg64Mcg::seed_from_u64(seed)),
        }
    }

    pub(crate) fn set(&self, rules: Vec<FaultRule>) {
        *self.rules.write() = rules.into_iter().map(|r| (r, AtomicU64::new(0))).collect();
    }

    /// What the rules say about this request; all that hit are taken together.
    pub(crate) fn next(&self, request: &Request) -> Option<Fault> {
        let rules = self.rules.read();
        if rules.is_empty() {
            return None;
        }
        let operation = operation(request);
        let mut fault = None;
        for (rule, count) in rules.iter() {
            if rule.operation != Operation::Any && Some(rule.operation) != operation {
                continue;
            }
            let n = count.fetch_add(1, Ordering::Relaxed) + 1;
            let hit = match &rule.when {
                When::Share(share) => *share >= 1.0 || self.random.lock().random::<f64>() < *share,
                When::Sequence(numbers) => numbers.contains(&n),
                When::First(count) => n <= *count,
            };
            if hit {
                self.apply(&rule.kind, n, fault.get_or_insert_with(Fault::default));
            }
        }
        fault
    }

    fn apply(&self, kind: &FaultKind, n: u64, fault: &mut Fault) {
        match kind {
            FaultKind::Latency(latency) => {
                fault.delay = Some(fault.delay.unwrap_or_default() + self.draw(*latency, n))
            }
            FaultKind::Stall => fault.stall = true,
            FaultKind::Status {
                status,
                body,
                retry_after,
            } => fault.status = Some((*status, body.clone(), *retry_after)),
            FaultKind::Reset => fault.reset = true,
            FaultKind::ResetInBody(share) => {
                fault.cut = Some(Cut {
                    share: *share,
                    reset: true,
                })
            }
            FaultKind::Truncate(share) => {
                fault.cut = Some(Cut {
                    share: *share,
                    reset: false,
                })
            }
            FaultKind::SlowBody(chunk, pause) => fault.slow_body = Some((*chunk, *pause)),
            FaultKind::Maintenance => fault.maintenance = true,
            FaultKind::NoTotal => fault.no_total = true,
        }
    }

    fn draw(&self, latency: Latency, n: u64) -> Duration {
        match latency {
            Latency::Constant(d) => d,
            Latency::LogNormal { median, sigma } => {
                let mut random = self.random.lock();
                // Box and Muller's transform: one normal number from two uniform ones.
                let (a, b): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
                let normal = (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos();
                Duration::try_from_secs_f64(median.as_secs_f64() * (sigma * normal).exp())
                    .unwrap_or(median)
            }
            Latency::LongTail { usual, tail, share } => {
                if self.random.lock().random::<f64>() < share {
                    tail
                } else {
                    usual
                }
            }
            Latency::Spread { from, to, steps } => {
                let last = u64::from(steps.saturating_sub(1)).max(1);
                let step = (n - 1) % u64::from(steps.max(1));
                from + to.saturating_sub(from).mul_f64(step as f64 / last as f64)
            }
        }
    }
}

fn operation(request: &Request) -> Option<Operation> {
    let s = &request.segments;
    if s.iter().skip(1).any(|s| s == "action" || s == "layout") {
        return None;
    }
    match (&request.method, s.len()) {
        (&Method::GET, 1) => Some(Operation::List),
        (&Method::POST, 1) => Some(Operation::Create),
        (&Method::GET, 2) => Some(Operation::Read),
        (&Method::PUT | &Method::PATCH, 2) => Some(Operation::Update),
        (&Method::DELETE, 2) => Some(Operation::Delete),
        (&Method::GET, 3) => Some(Operation::Related),
        (&Method::POST, 3) => Some(Operation::Link),
        (&Method::DELETE, 3) => Some(Operation::Unlink),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_gives_every_step_once_in_turn() {
        let faults = Faults::new(Vec::new(), 1);
        let spread = |text: &str| {
            let FaultKind::Latency(latency) = text.parse::<FaultRule>().unwrap().kind else {
                panic!("{text}");
            };
            let micros = |n| faults.draw(latency, n).as_micros();
            (1..=6).map(micros).collect::<Vec<_>>()
        };
        assert_eq!(
            spread("latency spread 5ms 9ms 5"),
            [5_000, 6_000, 7_000, 8_000, 9_000, 5_000]
        );
        for alone in ["latency spread 5ms 9ms 1", "latency spread 5ms 9ms 0"] {
            assert_eq!(spread(alone), [5_000; 6], "{alone}");
        }
    }
}
