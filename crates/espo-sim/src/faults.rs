//! Fault injection: faults, the requests that they affect, and their frequency.

mod text;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use parking_lot::{Mutex, RwLock};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::http::Request;

/// The kind of a fault.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// The response is delayed.
    Latency(Latency),
    /// The server never responds; the connection stays open. The request is not processed.
    Stall,
    /// The server returns this status instead of processing the request, with an optional body and `Retry-After` in seconds.
    Status {
        /// HTTP status.
        status: u16,
        /// Body, sent as JSON.
        body: Option<String>,
        /// `Retry-After`.
        retry_after: Option<u64>,
    },
    /// The connection is closed without a response. The request is not processed; for a request that is processed and
    /// whose response is lost, use [`ResetInBody(0.0)`](Self::ResetInBody).
    Reset,
    /// The request is processed, and the connection is closed after this fraction of the body (0 to 1). A short response
    /// may be lost completely.
    ResetInBody(f64),
    /// The request is processed; the body ends after this fraction, and the response looks complete.
    Truncate(f64),
    /// The body is sent in pieces of this number of bytes, with a pause after each.
    SlowBody(usize, Duration),
    /// The server returns 503 as in maintenance mode, and does not process the request.
    Maintenance,
    /// Lists return a total of -1 or -2 instead of the count.
    NoTotal,
}

/// The distribution of a response's delay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Latency {
    /// A constant delay.
    Constant(Duration),
    /// Log-normal with this median; sigma is the standard deviation of the logarithm.
    LogNormal {
        /// Median.
        median: Duration,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
    /// `usual`, and `tail` for a fraction `share` of the responses.
    LongTail {
        /// The delay of most responses.
        usual: Duration,
        /// The delay of the other responses.
        tail: Duration,
        /// Fraction of the other responses (0 to 1).
        share: f64,
    },
    /// Cycles through `steps` equally spaced delays from `from` to `to`, so that the percentiles are exact after every
    /// `steps` requests. If `steps` is below 2, the delay is always `from`.
    Spread {
        /// The shortest delay.
        from: Duration,
        /// The longest delay.
        to: Duration,
        /// The number of different delays.
        steps: u32,
    },
}

/// The requests that a fault affects.
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

/// How often a fault occurs.
#[derive(Debug, Clone, PartialEq)]
pub enum When {
    /// A random fraction of the requests (0 to 1).
    Share(f64),
    /// The requests with these numbers, counted from 1 among the requests of the operation.
    Sequence(Vec<u64>),
    /// This number of requests from the start.
    First(u64),
}

/// A rule: a fault, the requests that it affects, and how often it occurs.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// The operation whose requests are affected.
    pub operation: Operation,
    /// How often the fault occurs.
    pub when: When,
    /// The kind of the fault.
    pub kind: FaultKind,
}

impl FaultRule {
    /// Returns a fault that affects every request of an operation.
    #[must_use]
    pub fn always(operation: Operation, kind: FaultKind) -> FaultRule {
        FaultRule {
            operation,
            when: When::Share(1.0),
            kind,
        }
    }
}

/// The combined faults of one request.
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

/// The fraction after which a body is cut, and whether the connection is reset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cut {
    pub(crate) share: f64,
    pub(crate) reset: bool,
}

/// The active rules.
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

    /// The faults of this request; all matching rules are combined.
    pub(crate) fn next(
        &self,
        request: &Request,
        is_entity_type: impl Fn(&str) -> bool,
    ) -> Option<Fault> {
        let rules = self.rules.read();
        if rules.is_empty() {
            return None;
        }
        let operation = operation(request, is_entity_type);
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

/// Returns the operation on records; `None` for logins and documents such as the metadata.
fn operation(request: &Request, is_entity_type: impl Fn(&str) -> bool) -> Option<Operation> {
    let s = &request.segments;
    let is_other = |s: &String| s == "action" || s == "layout";
    if !is_entity_type(s.first()?) || s.iter().skip(1).any(is_other) {
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
    fn spreads_return_every_step_once_per_cycle() {
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
