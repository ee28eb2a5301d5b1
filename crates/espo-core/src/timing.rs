use std::time::{Duration, Instant};

/// When things happened to one call, on the monotonic clock.
///
/// `received` is taken at the last byte, before anything is decoded, so that a
/// load test does not count the client's own decoding.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Timing {
    /// When the call was made.
    pub started: Instant,
    /// When the last attempt began, after the cap on requests in flight, the
    /// rate limit and any log-in had let it through.
    pub sent: Instant,
    /// When the answer's headers were there; `None` when none came.
    pub first_byte: Option<Instant>,
    /// When the last byte was there, or the failure.
    pub received: Instant,
    /// How often the request was tried; zero when it never left.
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

    /// From the call to the last byte, everything included.
    pub fn total(&self) -> Duration {
        self.received.saturating_duration_since(self.started)
    }

    /// From the start of the last attempt to the last byte.
    pub fn service(&self) -> Duration {
        self.received.saturating_duration_since(self.sent)
    }
}
