//! The schedule of requests: phases of the load, and computed send times.
//!
//! A run is a sequence of [`Phase`]s. In the open model the `k`-th iteration is due when the integral of the rate
//! reaches `k`. That time is computed directly instead of step by step, so errors do not accumulate, and every shard
//! can compute the send times of all others.

pub(crate) mod pacer;

use std::time::Duration;

use rand::{Rng, RngExt as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A part of a run in which the load is constant or changes linearly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Phase {
    /// Name in reports.
    pub name: String,
    /// Duration in seconds.
    pub seconds: f64,
    /// Load at the start: iterations per second (open model) or workers (closed model).
    pub from: f64,
    /// Load at the end.
    pub to: f64,
    /// Whether requests are counted; false for a warm-up.
    pub measured: bool,
}

/// How the starts of iterations are distributed in the open model.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Arrivals {
    /// Evenly spaced: at 100/s one every 10 ms.
    #[default]
    Constant,
    /// Random, as from independent users: exponentially distributed gaps with a mean of 1/rate.
    Poisson,
}

/// The course of the load over all phases.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Profile {
    phases: Vec<Phase>,
}

impl Profile {
    /// Creates a profile. The caller has checked that `phases` have positive durations and loads of zero or more.
    pub(crate) fn new(phases: Vec<Phase>) -> Self {
        Self { phases }
    }

    pub(crate) fn phases(&self) -> &[Phase] {
        &self.phases
    }

    pub(crate) fn total(&self) -> Duration {
        Duration::from_secs_f64(self.phases.iter().map(|p| p.seconds).sum())
    }

    /// Returns the start of the first measured phase, from the start of the run.
    pub(crate) fn measured_from(&self) -> Duration {
        Duration::from_secs_f64(
            self.phases
                .iter()
                .take_while(|p| !p.measured)
                .map(|p| p.seconds)
                .sum(),
        )
    }

    /// Returns the load at the time `t` in seconds; 0 after the end.
    pub(crate) fn load_at(&self, t: f64) -> f64 {
        let mut start = 0.0;
        for phase in &self.phases {
            if t < start + phase.seconds {
                return phase.from + (phase.to - phase.from) * (t - start) / phase.seconds;
            }
            start += phase.seconds;
        }
        0.0
    }

    /// Returns the largest load of any phase.
    pub(crate) fn peak(&self) -> f64 {
        self.phases
            .iter()
            .map(|p| p.from.max(p.to))
            .fold(0.0, f64::max)
    }

    /// Returns the number of arrivals that are due before the time `t` in seconds.
    pub(crate) fn due_before(&self, t: f64) -> f64 {
        let (mut start, mut sum) = (0.0, 0.0);
        for phase in &self.phases {
            let in_phase = (t - start).clamp(0.0, phase.seconds);
            sum += phase.from * in_phase
                + (phase.to - phase.from) * in_phase * in_phase / (2.0 * phase.seconds);
            start += phase.seconds;
        }
        sum
    }

    /// Returns the time in seconds at which the integral of the rate reaches `count`; `None` after the end.
    ///
    /// In a phase of length `T` with the rate going from `a` to `b`, the integral is `a·t + (b−a)·t²/2T`. It is
    /// solved for `t` in a form that remains exact for small slopes.
    pub(crate) fn time_of(&self, count: f64) -> Option<f64> {
        let (mut start, mut left) = (0.0, count);
        for phase in &self.phases {
            let in_phase = (phase.from + phase.to) / 2.0 * phase.seconds;
            if left < in_phase {
                let slope = (phase.to - phase.from) / phase.seconds;
                let root = (phase.from * phase.from + 2.0 * slope * left)
                    .max(0.0)
                    .sqrt();
                let t = if left == 0.0 {
                    0.0
                } else {
                    2.0 * left / (phase.from + root)
                };
                return Some(start + t.min(phase.seconds));
            }
            left -= in_phase;
            start += phase.seconds;
        }
        None
    }
}

/// Iterator over the intended send times of the open model.
///
/// Every shard and every thread iterates over the same sequence and takes its own part, so that together they send what
/// a single generator would have sent.
#[derive(Debug)]
pub(crate) struct SendTimes<R> {
    profile: Profile,
    arrivals: Arrivals,
    rng: R,
    sent: u64,
    reached: f64,
}

impl<R: Rng> SendTimes<R> {
    pub(crate) fn new(profile: Profile, arrivals: Arrivals, rng: R) -> Self {
        Self {
            profile,
            arrivals,
            rng,
            sent: 0,
            reached: 0.0,
        }
    }
}

impl<R: Rng> Iterator for SendTimes<R> {
    type Item = (u64, Duration);

    fn next(&mut self) -> Option<Self::Item> {
        let count = match self.arrivals {
            Arrivals::Constant => self.sent as f64,
            Arrivals::Poisson => {
                // Unit-rate arrivals, mapped through the inverse of the integral, which is exact for any course of the
                // rate.
                let uniform: f64 = self.rng.random();
                self.reached -= (1.0 - uniform).ln();
                self.reached
            }
        };
        let at = self.profile.time_of(count)?;
        let index = self.sent;
        self.sent += 1;
        Some((index, Duration::from_secs_f64(at)))
    }
}

#[cfg(test)]
mod tests;
