//! When a request is sent again: a pure decision, so that it can be tested as one.

use std::time::Duration;

/// How often and how long to try again.
///
/// A request is repeated when nothing of it was sent (no connection), and, if it
/// only reads, when its answer was lost or the server said to come back later
/// (429, 502, 503, 504). A POST, PUT or DELETE that may have reached the server
/// is never repeated by the client.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Tries in all, the first included. 1 switches repetition off.
    pub max_attempts: u32,
    /// The first wait is up to this; each further one up to twice the last.
    pub base_delay: Duration,
    /// No wait is longer, unless the server asks for it with `Retry-After`.
    pub max_delay: Duration,
    /// No attempt starts later than this after the call.
    pub max_elapsed: Duration,
}

impl Default for RetryPolicy {
    /// Four tries, waits of up to 0.2, 0.4 and 0.8 s, 60 s in all.
    fn default() -> Self {
        Self {
            max_attempts: 4,
            base_delay: Duration::from_millis(200),
            max_delay: Duration::from_secs(10),
            max_elapsed: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// Never repeats anything; what a load test wants.
    pub fn none() -> Self {
        Self {
            max_attempts: 1,
            ..Self::default()
        }
    }

    /// Sets [`RetryPolicy::max_attempts`].
    #[must_use]
    pub fn attempts(mut self, max: u32) -> Self {
        self.max_attempts = max;
        self
    }

    /// Sets [`RetryPolicy::base_delay`] and [`RetryPolicy::max_delay`].
    #[must_use]
    pub fn delays(mut self, base: Duration, max: Duration) -> Self {
        self.base_delay = base;
        self.max_delay = max;
        self
    }

    /// Sets [`RetryPolicy::max_elapsed`].
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.max_elapsed = limit;
        self
    }
}

/// How an attempt failed, as far as repeating is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// No connection: the server saw nothing.
    NotSent,
    /// Sent, and the answer did not come whole.
    Lost,
    /// The server answered with this status.
    Status(u16),
    /// Nothing that another try could mend.
    Final,
}

/// One attempt that failed.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// Time since the call was made.
    pub elapsed: Duration,
    /// Whether the request may be repeated although the server may have acted.
    pub idempotent: bool,
    /// How it failed.
    pub failure: Failure,
    /// What the server asked for with `Retry-After`.
    pub retry_after: Option<Duration>,
}

/// How long to wait before the next attempt; `None` to give up. `jitter` is
/// uniform in `0.0..1.0`: the wait is anywhere between nothing and the full
/// back-off, so that many clients do not come back at once.
pub fn decide(policy: &RetryPolicy, attempt: &Attempt, jitter: f64) -> Option<Duration> {
    if attempt.number >= policy.max_attempts {
        return None;
    }
    let worthwhile = match attempt.failure {
        Failure::NotSent => true,
        Failure::Lost | Failure::Status(429 | 502 | 503 | 504) => attempt.idempotent,
        Failure::Status(_) | Failure::Final => false,
    };
    if !worthwhile {
        return None;
    }
    let doublings = attempt.number.saturating_sub(1).min(31);
    let ceiling = policy
        .base_delay
        .saturating_mul(1 << doublings)
        .min(policy.max_delay);
    let mut delay = ceiling.mul_f64(jitter.clamp(0.0, 1.0));
    if let Some(asked) = attempt.retry_after {
        // Not earlier than asked; the jitter comes on top.
        delay = delay.saturating_add(asked);
    }
    (attempt.elapsed.saturating_add(delay) <= policy.max_elapsed).then_some(delay)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(number: u32, idempotent: bool, failure: Failure) -> Attempt {
        Attempt {
            number,
            elapsed: Duration::ZERO,
            idempotent,
            failure,
            retry_after: None,
        }
    }

    #[test]
    fn only_what_cannot_act_twice_is_repeated() {
        let policy = RetryPolicy::default();
        let again = |safe, failure| decide(&policy, &failed(1, safe, failure), 0.5).is_some();
        for safe in [true, false] {
            assert!(again(safe, Failure::NotSent));
            assert_eq!(again(safe, Failure::Lost), safe);
            for status in [429, 502, 503, 504] {
                assert_eq!(again(safe, Failure::Status(status)), safe);
            }
            for status in [400, 401, 403, 404, 409, 500] {
                assert!(!again(safe, Failure::Status(status)));
            }
            assert!(!again(safe, Failure::Final));
        }
    }

    #[test]
    fn waits_double_up_to_the_cap_and_jitter_is_full() {
        let policy = RetryPolicy::default()
            .attempts(99)
            .delays(Duration::from_millis(100), Duration::from_millis(350));
        let wait = |n, jitter| decide(&policy, &failed(n, true, Failure::Lost), jitter).unwrap();
        let full: Vec<_> = (1..=4).map(|n| wait(n, 1.0).as_millis()).collect();
        assert_eq!(full, [100, 200, 350, 350]);
        assert_eq!(wait(3, 0.0), Duration::ZERO);
        assert_eq!(wait(98, 1.0).as_millis(), 350);
    }

    #[test]
    fn the_number_and_the_overall_time_are_limits() {
        let policy = RetryPolicy::default();
        assert_eq!(
            decide(&policy, &failed(4, true, Failure::NotSent), 0.0),
            None
        );
        let mut late = failed(1, true, Failure::NotSent);
        late.elapsed = Duration::from_secs(61);
        assert_eq!(decide(&policy, &late, 0.0), None);
        assert_eq!(
            decide(
                &RetryPolicy::none(),
                &failed(1, true, Failure::NotSent),
                0.0
            ),
            None
        );
    }

    #[test]
    fn retry_after_is_the_least_wait_and_counts_against_the_limit() {
        let policy = RetryPolicy::default();
        let mut busy = failed(1, true, Failure::Status(503));
        busy.retry_after = Some(Duration::from_secs(30));
        assert_eq!(decide(&policy, &busy, 0.0), Some(Duration::from_secs(30)));
        busy.retry_after = Some(Duration::from_secs(300));
        assert_eq!(decide(&policy, &busy, 0.0), None);
    }
}
