//! Decides when to send a request again, as a pure function that can be tested.

use std::time::Duration;

/// How often and how long to retry.
///
/// A request is retried if nothing of it was sent (no connection). A request that only reads is also retried if its
/// response was lost or the server was temporarily unavailable (429, 502 to 504, and 520 to 524 of Cloudflare). The client never retries a POST,
/// PUT or DELETE that may have reached the server.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Maximum number of attempts, including the first. 1 disables retries.
    pub max_attempts: u32,
    /// Maximum of the first wait; the maximum doubles with each further one.
    pub base_delay: Duration,
    /// Maximum of any wait, unless the server requests a longer one with `Retry-After`.
    pub max_delay: Duration,
    /// No attempt starts later than this after the call.
    pub max_elapsed: Duration,
}

impl Default for RetryPolicy {
    /// Four attempts, waits of up to 0.2, 0.4 and 0.8 s, 60 s in total.
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
    /// Returns a policy that never retries, as a load test requires.
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

/// How an attempt failed, as far as it matters for retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection: the server received nothing.
    NotSent,
    /// The request was sent, but the response did not arrive completely.
    Lost,
    /// The server responded with this status.
    Status(u16),
    /// A failure that a retry cannot resolve.
    Final,
}

/// One attempt that failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    /// Its number, from 1.
    pub(crate) number: u32,
    /// Time since the start of the call.
    pub(crate) elapsed: Duration,
    /// Whether the request may be retried although the server may have acted.
    pub(crate) idempotent: bool,
    /// How it failed.
    pub(crate) failure: Failure,
    /// The wait that the server requested with `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
}

/// Returns how long to wait before the next attempt, or `None` to give up. `jitter` is uniform in `0.0..1.0`: the wait
/// is anywhere between zero and the full backoff, so that many clients do not retry at once.
pub(crate) fn decide(policy: &RetryPolicy, attempt: &Attempt, jitter: f64) -> Option<Duration> {
    if attempt.number >= policy.max_attempts {
        return None;
    }
    let worthwhile = match attempt.failure {
        Failure::NotSent => true,
        Failure::Lost | Failure::Status(429 | 502..=504 | 520..=524) => attempt.idempotent,
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
        // Not earlier than the server requested; the jitter is added to it.
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
    fn only_safe_requests_are_retried() {
        let policy = RetryPolicy::default();
        let again = |safe, failure| decide(&policy, &failed(1, safe, failure), 0.5).is_some();
        for safe in [true, false] {
            assert!(again(safe, Failure::NotSent));
            assert_eq!(again(safe, Failure::Lost), safe);
            for status in [429, 502, 503, 504, 520, 524] {
                assert_eq!(again(safe, Failure::Status(status)), safe);
            }
            for status in [400, 401, 403, 404, 409, 500, 525] {
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
    fn attempts_and_total_time_are_limited() {
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
    fn retry_after_is_the_minimum_wait_and_is_limited() {
        let policy = RetryPolicy::default();
        let mut busy = failed(1, true, Failure::Status(503));
        busy.retry_after = Some(Duration::from_secs(30));
        assert_eq!(decide(&policy, &busy, 0.0), Some(Duration::from_secs(30)));
        busy.retry_after = Some(Duration::from_secs(300));
        assert_eq!(decide(&policy, &busy, 0.0), None);
    }
}
