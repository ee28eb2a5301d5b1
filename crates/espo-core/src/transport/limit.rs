use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Spaces requests evenly: each reserves the next free slot and waits for it.
pub(crate) struct RateLimit {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl RateLimit {
    /// `per_second` must be positive and finite.
    pub(crate) fn new(per_second: f64) -> Option<Self> {
        let interval = Duration::try_from_secs_f64(1.0 / per_second).ok()?;
        Some(Self {
            interval,
            next: Mutex::new(None),
        })
    }

    /// Reserves a slot and returns how long to wait for it. A slot stays reserved if its caller gives up: the limit is
    /// an upper bound.
    pub(crate) fn take(&self, now: Instant) -> Duration {
        let mut next = self
            .next
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let slot = next.map_or(now, |slot| slot.max(now));
        *next = Some(slot + self.interval);
        slot - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_spaced_and_unused_ones_expire() {
        let limit = RateLimit::new(10.0).unwrap();
        let now = Instant::now();
        let waits: Vec<_> = (0..3).map(|_| limit.take(now).as_millis()).collect();
        assert_eq!(waits, [0, 100, 200]);
        let later = now + Duration::from_secs(60);
        assert_eq!(limit.take(later), Duration::ZERO);
        assert_eq!(limit.take(later).as_millis(), 100);
    }

    #[test]
    fn invalid_rates_are_rejected() {
        for rate in [0.0, -1.0, f64::NAN] {
            assert!(RateLimit::new(rate).is_none());
        }
    }
}
