//! Evaluates the probes of a capacity search: one result per load, and the load at which throughput stops growing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SloResult;

/// Throughput has stopped growing at a load if higher loads increase it by at most this fraction of the increase of the
/// load. Throughput varies by some percent between probes, so the highest one can be far beyond that load.
const GROWTH: f64 = 0.15;
/// Loads must exceed a load by this factor to show whether throughput grows; the difference of nearer ones is noise.
const BEYOND: f64 = 1.4;

/// The usual ends of a search.
pub(crate) const NEXT_MISSED: &str = "the next higher load tested missed the SLOs";
pub(crate) const ALL_MET: &str = "the SLOs were met up to the highest load (--to)";
pub(crate) const MISSED_AT_ONCE: &str = "the SLOs were missed at the lowest load (--from)";

/// One probe of a capacity search. Each load is probed two or three times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    /// Iterations per second, or workers.
    pub load: f64,
    /// Number of the probe at this load, from 1.
    #[serde(default)]
    pub attempt: u32,
    /// Requests per second that got a response.
    #[schemars(extend("unit" = "1/s"))]
    pub rate: f64,
    /// Median response time, microseconds.
    #[schemars(extend("unit" = "us"))]
    pub p50: u64,
    /// 99th percentile, microseconds.
    #[schemars(extend("unit" = "us"))]
    pub p99: u64,
    /// Fraction of failed requests, 0 to 1.
    pub errors: f64,
    /// Whether this probe met all SLOs.
    pub held: bool,
    /// The SLOs with the measured values.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub judged: Vec<SloResult>,
}

/// The result of a capacity search. Loads are iterations per second, or workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityResult {
    /// The highest load that met the SLOs; absent if none did.
    pub load: Option<f64>,
    /// Recommended load: the capacity, or less if throughput stops growing earlier.
    pub recommended: Option<f64>,
    /// The load at which throughput stopped growing, if higher loads were tried.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub saturated_from: Option<f64>,
    /// Requests per second at that load.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(extend("unit" = "1/s"))]
    pub saturated_rate: Option<f64>,
    /// Why the search ended.
    pub ended: String,
}

/// All probes of one load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityLoad {
    /// Iterations per second, or workers.
    pub load: f64,
    /// Number of probes.
    pub tries: u32,
    /// Number of probes that met all SLOs.
    pub met: u32,
    /// Requests per second, mean of the probes.
    #[schemars(extend("unit" = "1/s"))]
    pub rate: f64,
    /// Median response time in microseconds, median of the probes.
    pub p50: u64,
    /// 99th percentile in microseconds, median of the probes.
    pub p99: u64,
    /// Fraction of failed requests, 0 to 1, maximum of the probes.
    pub errors: f64,
}

impl CapacityLoad {
    /// Returns whether most probes met the SLOs.
    #[must_use]
    pub fn is_met(&self) -> bool {
        2 * self.met > self.tries
    }

    /// Returns whether the probes disagree.
    #[must_use]
    pub fn is_disputed(&self) -> bool {
        self.met > 0 && self.met < self.tries
    }
}

/// Groups the probes by load, in ascending order.
pub(crate) fn by_load(tries: &[Probe]) -> Vec<CapacityLoad> {
    let mut loads: Vec<f64> = tries.iter().map(|t| t.load).collect();
    loads.sort_by(f64::total_cmp);
    loads.dedup();
    let one = |load: f64| {
        let of: Vec<&Probe> = tries.iter().filter(|t| t.load == load).collect();
        let middle = |figure: fn(&Probe) -> u64| {
            let mut all: Vec<u64> = of.iter().map(|t| figure(t)).collect();
            all.sort_unstable();
            all.get(all.len() / 2).copied().unwrap_or(0)
        };
        CapacityLoad {
            load,
            tries: u32::try_from(of.len()).unwrap_or(u32::MAX),
            met: u32::try_from(of.iter().filter(|t| t.held).count()).unwrap_or(u32::MAX),
            rate: of.iter().map(|t| t.rate).sum::<f64>() / of.len().max(1) as f64,
            p50: middle(|t| t.p50),
            p99: middle(|t| t.p99),
            errors: of.iter().map(|t| t.errors).fold(0.0, f64::max),
        }
    };
    loads.into_iter().map(one).collect()
}

/// Returns the smallest load from which higher loads do not increase the throughput, if such loads were tried.
pub(crate) fn saturation(loads: &[CapacityLoad]) -> Option<&CapacityLoad> {
    loads.iter().find(|low| {
        let mut higher = loads.iter().filter(|l| l.load >= BEYOND * low.load);
        let grows = |high: &CapacityLoad| {
            high.rate / low.rate - 1.0 > GROWTH * (high.load / low.load - 1.0)
        };
        low.rate > 0.0 && higher.clone().next().is_some() && !higher.any(grows)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(load: f64, rate: f64, p99: u64, held: bool) -> Probe {
        Probe {
            load,
            attempt: 1,
            rate,
            p50: p99 / 2,
            p99,
            errors: 0.0,
            held,
            judged: Vec::new(),
        }
    }

    #[test]
    fn probes_of_one_load_are_grouped() {
        let loads = by_load(&[
            tried(20.0, 40.0, 900, true),
            tried(10.0, 19.0, 100, true),
            tried(20.0, 38.0, 700, false),
            tried(20.0, 42.0, 800, true),
            tried(10.0, 21.0, 120, true),
        ]);
        assert_eq!(loads.len(), 2);
        assert_eq!(
            (loads[0].load, loads[0].rate, loads[0].p99),
            (10.0, 20.0, 120)
        );
        assert!(loads[0].is_met() && !loads[0].is_disputed());
        assert_eq!((loads[1].tries, loads[1].met, loads[1].p99), (3, 2, 800));
        assert!(loads[1].is_met() && loads[1].is_disputed());
    }

    #[test]
    fn saturation_is_found_below_the_capacity() {
        let rates = [
            (20.0, 400.0),
            (30.0, 590.0),
            (45.0, 800.0),
            (68.0, 812.0),
            (94.0, 805.0),
        ];
        let loads = by_load(&rates.map(|(load, rate)| tried(load, rate, 1, true)));
        assert_eq!(saturation(&loads).map(|l| l.load), Some(45.0));
        // Measured on an instance: each load in two or three probes, which differ by up to 20 %.
        let rates = [
            (2.0, 33.9),
            (3.0, 43.5),
            (5.0, 63.2),
            (8.0, 73.0),
            (12.0, 74.2),
            (18.0, 75.8),
            (23.0, 69.9),
            (25.0, 80.3),
            (27.0, 64.5),
        ];
        let noisy = by_load(&rates.map(|(load, rate)| tried(load, rate, 1, true)));
        assert_eq!(saturation(&noisy).map(|l| l.load), Some(8.0));
        assert_eq!(saturation(&noisy[..4]), None);
        // Still growing, or no higher load was tried.
        assert_eq!(saturation(&loads[..3]), None);
        assert_eq!(saturation(&[]), None);
    }
}
