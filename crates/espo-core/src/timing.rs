use std::time::{Duration, Instant};

/// The times of one call, on the monotonic clock.
///
/// `received` is the time of the last byte, before decoding, so that a load test does not include the client's own
/// decoding.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Timing {
    /// When the call started.
    pub started: Instant,
    /// When the last attempt started, after waiting for the limit of requests in flight, the rate limit and a login.
    pub sent: Instant,
    /// When the response's headers arrived; `None` if none arrived.
    pub first_byte: Option<Instant>,
    /// When the last byte arrived or the call failed.
    pub received: Instant,
    /// Number of attempts; zero if nothing was sent.
    pub attempts: u32,
}

impl Timing {
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        Self {
            started: now,
            sent: now,
            first_byte: None,
            received: now,
            attempts: 0,
        }
    }

    /// Returns the time from the call to the last byte, everything included.
    pub fn total(&self) -> Duration {
        self.received.saturating_duration_since(self.started)
    }

    /// Returns the time from the start of the last attempt to the last byte.
    pub fn service(&self) -> Duration {
        self.received.saturating_duration_since(self.sent)
    }
}
