//! The timeout of requests.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::time::Sleep;

/// Waits for one response after the other, each up to the timeout.
///
/// All requests share one timer, which is only reset when it fires. A timer per request would take the lock of tokio's
/// timer wheel twice each, to be added and to be removed.
pub(super) struct Patience {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, timer: None }
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// Returns `None` if the timeout, counted from `from`, expires first.
    pub(super) async fn wait<F: Future>(
        &mut self,
        from: Instant,
        mut future: Pin<&mut F>,
    ) -> Option<F::Output> {
        // A timeout beyond the range of the clock means no timeout.
        let Some(deadline) = from.checked_add(self.limit) else {
            return Some(future.await);
        };
        let deadline = tokio::time::Instant::from_std(deadline);
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            // The timer may fire for an earlier request that has completed.
            while timer.as_mut().poll(cx).is_ready() {
                if timer.deadline() >= deadline {
                    return Poll::Ready(None);
                }
                timer.as_mut().reset(deadline);
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn every_request_has_the_full_timeout() {
        let limit = Duration::from_millis(60);
        let mut patience = Patience::new(limit);
        let (mut answered, mut given_up) = (0, 0);
        // The timer of the first request fires while others are in flight.
        for _ in 0..8 {
            let answer = pin!(tokio::time::sleep(Duration::from_millis(15)));
            answered += u32::from(patience.wait(Instant::now(), answer).await.is_some());
        }
        for _ in 0..2 {
            let from = Instant::now();
            let never = pin!(std::future::pending::<()>());
            given_up += u32::from(patience.wait(from, never).await.is_none());
            assert!(from.elapsed() >= limit);
        }
        assert_eq!((answered, given_up), (8, 2));
    }

    #[tokio::test]
    async fn infinite_timeouts_never_expire() {
        let mut patience = Patience::new(Duration::MAX);
        let answer = pin!(std::future::ready(7));
        assert_eq!(patience.wait(Instant::now(), answer).await, Some(7));
    }
}
