//! The time limit of requests.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::time::Sleep;

/// Waits for one answer after the other, each for as long as the limit says.
///
/// One timer serves all of them: it is set anew only when it goes off. One for every request would take the lock of
/// tokio's timer wheel twice each, to enter and to leave it.
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

    /// `None` when the limit, counted from `from`, came first.
    pub(super) async fn wait<F: Future>(
        &mut self,
        from: Instant,
        mut future: Pin<&mut F>,
    ) -> Option<F::Output> {
        // A limit beyond what the clock can tell is none.
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
            // It may go off for an earlier request, which has been answered since.
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
    async fn every_request_has_the_whole_limit() {
        let limit = Duration::from_millis(60);
        let mut patience = Patience::new(limit);
        let (mut answered, mut given_up) = (0, 0);
        // The timer of the first one goes off while others are under way.
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
    async fn a_limit_without_end_is_none() {
        let mut patience = Patience::new(Duration::MAX);
        let answer = pin!(std::future::ready(7));
        assert_eq!(patience.wait(Instant::now(), answer).await, Some(7));
    }
}
