//! The server's clock: the system clock, or a stopped one.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use parking_lot::RwLock;

/// The source of the server's time.
#[derive(Debug)]
pub(crate) struct Clock {
    fixed: RwLock<Option<Timestamp>>,
}

impl Clock {
    pub(crate) fn new(fixed: Option<Timestamp>) -> Clock {
        Clock {
            fixed: RwLock::new(fixed),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.fixed.read().unwrap_or_else(Timestamp::now)
    }

    /// Stops the clock at this time.
    pub(crate) fn set(&self, now: Timestamp) {
        *self.fixed.write() = Some(now);
    }

    /// `YYYY-MM-DD HH:MM:SS`, UTC.
    pub(crate) fn datetime(&self) -> String {
        format_datetime(self.now())
    }

    /// For `Last-Modified`.
    pub(crate) fn http_date(&self) -> String {
        self.now()
            .to_zoned_datetime(TimeZone::UTC)
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string()
    }
}

/// `YYYY-MM-DD HH:MM:SS`, UTC.
pub(crate) fn format_datetime(t: Timestamp) -> String {
    t.to_zoned_datetime(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// Generates record IDs: 17 hexadecimal digits, from the clock or from a seed.
#[derive(Debug)]
pub(crate) struct Ids {
    seed: Option<u64>,
    count: AtomicU64,
}

impl Ids {
    pub(crate) fn new(seed: Option<u64>) -> Ids {
        Ids {
            seed,
            count: AtomicU64::new(0),
        }
    }

    /// A new ID. From the clock: 8 hex digits of seconds, 5 of microseconds, 4 for uniqueness. From a seed: the same
    /// increasing sequence for the same seed.
    pub(crate) fn next(&self, clock: &Clock) -> String {
        let n = self.count.fetch_add(1, Ordering::Relaxed);
        match self.seed {
            Some(seed) => {
                // A fixed start keeps seeded IDs free of the wall clock; one microsecond per record keeps them increasing.
                let micros = n + 1;
                let seconds = 0x6500_0000 + micros / 1_000_000;
                format!(
                    "{:08x}{:05x}{:04x}",
                    seconds,
                    micros % 1_000_000,
                    mix(seed ^ n) & 0xffff
                )
            }
            None => {
                let t = clock.now();
                let seconds = t.as_second() as u64;
                let micros = (t.subsec_nanosecond() / 1000) as u64;
                // The count in the low digits makes IDs of the same microsecond unique.
                format!("{:08x}{:05x}{:04x}", seconds, micros, n & 0xffff)
            }
        }
    }

    /// 32 hex digits, for keys and tokens.
    pub(crate) fn secret(&self) -> String {
        let n = self.count.fetch_add(1, Ordering::Relaxed);
        let (a, b) = match self.seed {
            Some(seed) => (mix(seed ^ n), mix(seed.rotate_left(32) ^ n)),
            None => (rand::random(), rand::random()),
        };
        format!("{a:016x}{b:016x}")
    }
}

/// SplitMix64's finaliser, which maps neighbouring numbers to very different ones.
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_seventeen_hex_digits_and_seeded_ones_repeat() {
        let clock = Clock::new(None);
        for seed in [None, Some(7)] {
            let ids = Ids::new(seed);
            let (a, b) = (ids.next(&clock), ids.next(&clock));
            assert!(
                a.len() == 17 && a.bytes().all(|c| c.is_ascii_hexdigit()),
                "{a}"
            );
            assert_ne!(a, b);
        }
        assert_eq!(
            Ids::new(Some(7)).next(&clock),
            Ids::new(Some(7)).next(&clock)
        );
    }
}
