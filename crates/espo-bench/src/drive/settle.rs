//! Determines the load from options, workload and defaults.

use std::time::Duration;

use super::options::{Limit, Load, RunOptions};
use crate::error::{Error, Result};
use crate::report::Model;
use crate::schedule::{Arrivals, Phase, Profile};
use crate::workload::Stages;

const DEFAULT_CONCURRENCY: u32 = 16;
const DEFAULT_IN_FLIGHT: u32 = 1_000;
const DEFAULT_LENGTH: Duration = Duration::from_secs(30);
/// Highest rate in iterations per second; each is scheduled, even if the target cannot keep up.
const FASTEST: f64 = 1e6;
/// Longest run. Longer times would exceed the range of the clock.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// The resolved load of a run.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub(crate) model: Model,
    pub(crate) profile: Profile,
    /// Number of iterations of the measurement; `None` if the run is limited by time.
    pub(crate) requests: Option<u64>,
    pub(crate) seed: u64,
    /// Whether `max_in_flight` was set by the user.
    pub(crate) in_flight_is_set: bool,
}

impl Settled {
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.model, Model::Open { .. })
    }

    /// Returns the fraction of the measurement that is over, and in the open model the number of iterations that were
    /// due.
    pub(crate) fn due(&self, elapsed: Duration) -> (f64, Option<f64>) {
        let (from, total) = (self.profile.measured_from(), self.profile.total());
        let [from, now, total] = [from, elapsed.max(from), total].map(|d| {
            let seconds = d.as_secs_f64();
            if self.is_open() {
                self.profile.due_before(seconds)
            } else {
                seconds
            }
        });
        let done = ((now - from) / (total - from).max(1e-9)).clamp(0.0, 1.0);
        (done, self.is_open().then_some(now - from))
    }

    /// Returns the planned seconds of measurement; `None` if the run is limited by requests.
    pub(crate) fn measured_seconds(&self) -> Option<f64> {
        let total = self.profile.total().as_secs_f64() - self.profile.measured_from().as_secs_f64();
        self.requests.is_none().then_some(total)
    }
}

/// Resolves the load: the command line overrides the workload, and the workload overrides the defaults.
pub(crate) fn settle(options: &RunOptions) -> Result<Settled> {
    let defaults = &options.workload.defaults;
    let seed = options.seed.or(defaults.seed).unwrap_or(1);
    let in_flight = options.max_in_flight.or(defaults.max_in_flight);
    let in_flight_is_set = in_flight.is_some();
    let max_in_flight = in_flight.unwrap_or(DEFAULT_IN_FLIGHT);
    let arrivals = options
        .arrivals
        .unwrap_or_else(|| options.workload.arrivals());
    let open = |rate: f64, arrivals: Arrivals| Model::Open {
        rate,
        arrivals,
        max_in_flight,
    };
    if options.load.is_none()
        && let Some(stages) = &options.workload.stages
    {
        return from_stages(options, stages, seed, open);
    }
    let load = options
        .load
        .unwrap_or(match (defaults.rate, defaults.concurrency) {
            (Some(rate), _) => Load::Open { rate, arrivals },
            (None, workers) => Load::Closed {
                concurrency: workers.unwrap_or(DEFAULT_CONCURRENCY),
            },
        });
    let (model, level) = match load {
        Load::Closed { concurrency: 0 } => {
            return Err(Error::usage("invalid concurrency 0: expected at least 1"));
        }
        Load::Closed { concurrency } => (Model::Closed { concurrency }, f64::from(concurrency)),
        Load::Open { rate, arrivals } if rate > 0.0 && rate <= FASTEST => {
            (open(rate, arrivals), rate)
        }
        Load::Open { rate, .. } => {
            return Err(Error::usage(format!(
                "invalid rate {rate:e}: expected a number above 0, up to {FASTEST}"
            )));
        }
    };
    let warmup = options.warmup.or(defaults.warmup).unwrap_or(Duration::ZERO);
    if warmup > LONGEST {
        return Err(Error::usage("invalid warm-up: expected at most 366 days"));
    }
    let limit = options
        .limit
        .unwrap_or(Limit::Duration(defaults.duration.unwrap_or(DEFAULT_LENGTH)));
    let (length, requests) = length_and_requests(limit, load)?;
    let phase = |name: &str, length: Duration, measured| Phase {
        name: name.into(),
        seconds: length.as_secs_f64(),
        from: level,
        to: level,
        measured,
    };
    let mut phases = Vec::new();
    if !warmup.is_zero() {
        phases.push(phase("warm-up", warmup, false));
    }
    phases.push(phase("load", length, true));
    Ok(Settled {
        model,
        profile: Profile::new(phases),
        requests,
        seed,
        in_flight_is_set,
    })
}

/// Resolves a load that the stages of the workload define.
fn from_stages(
    options: &RunOptions,
    stages: &Stages,
    seed: u64,
    open: impl Fn(f64, Arrivals) -> Model,
) -> Result<Settled> {
    let arrivals = options
        .arrivals
        .unwrap_or_else(|| options.workload.arrivals());
    let in_flight_is_set =
        options.max_in_flight.is_some() || options.workload.defaults.max_in_flight.is_some();
    if options.limit.is_some() || options.warmup.is_some() {
        return Err(Error::usage(
            "the stages of the workload define its duration; edit them, or pass --rate or --concurrency to run without them",
        ));
    }
    let (phases, is_open) = match stages {
        Stages::Open(phases) => (phases.clone(), true),
        Stages::Closed(phases) => (phases.clone(), false),
    };
    let profile = Profile::new(phases);
    if is_open && profile.peak() > FASTEST {
        return Err(Error::usage(format!(
            "invalid rate {:e} in a stage of the workload: expected at most {FASTEST}",
            profile.peak()
        )));
    }
    let peak = profile.peak();
    let model = if is_open {
        open(peak, arrivals)
    } else {
        Model::Closed {
            concurrency: peak.ceil() as u32,
        }
    };
    Ok(Settled {
        model,
        profile,
        requests: None,
        seed,
        in_flight_is_set,
    })
}

/// Returns the maximum length of the measurement, and the number of iterations that ends it earlier.
fn length_and_requests(limit: Limit, load: Load) -> Result<(Duration, Option<u64>)> {
    Ok(match limit {
        Limit::Duration(d) if d.is_zero() => {
            return Err(Error::usage("invalid duration 0: it must be above 0"));
        }
        Limit::Duration(d) if d > LONGEST => {
            return Err(Error::usage("invalid duration: expected at most 366 days"));
        }
        Limit::Duration(d) => (d, None),
        Limit::Requests(0) => {
            return Err(Error::usage(
                "invalid number of requests 0: it must be above 0",
            ));
        }
        // The number of requests ends the run; the time only has to be long enough.
        Limit::Requests(n) => match load {
            Load::Open { rate, .. } => {
                let seconds = 2.0 * n as f64 / rate + 10.0;
                let length = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST);
                (length.min(LONGEST), Some(n))
            }
            Load::Closed { .. } => (LONGEST, Some(n)),
        },
    })
}
