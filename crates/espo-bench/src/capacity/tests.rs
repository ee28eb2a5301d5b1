use rand::RngExt as _;

use super::*;

/// A search between two rates.
fn between(from: f64, to: f64, precision: f64) -> Range {
    Range {
        from,
        to,
        precision,
        whole: false,
        max_probes: 100,
    }
}

/// Meets the SLOs below the knee, except for a share of probes with a wrong result.
struct Noisy {
    knee: f64,
    noise: f64,
    generator: f64,
    rng: rand_pcg::Pcg64Mcg,
    tried: u32,
}

impl Prober for Noisy {
    fn probe(&mut self, load: f64) -> Result<Option<bool>> {
        self.tried += 1;
        if load > self.generator {
            return Ok(None);
        }
        let held = (load <= self.knee) != (self.rng.random::<f64>() < self.noise);
        Ok(Some(held))
    }
}

fn noisy(knee: f64, noise: f64) -> Noisy {
    Noisy {
        knee,
        noise,
        generator: f64::MAX,
        rng: crate::seed::rng(3, &[]),
        tried: 0,
    }
}

#[test]
fn the_knee_is_found_to_the_requested_precision() {
    for knee in [12.0, 95.0, 333.0, 870.0] {
        let mut prober = noisy(knee, 0.0);
        let load = search(&mut prober, between(10.0, 1_000.0, 0.05))
            .unwrap()
            .load
            .unwrap();
        assert!(load <= knee && load > knee * 0.93, "{load} for {knee}");
        assert!(prober.tried < 50);
    }
}

#[test]
fn single_wrong_probes_do_not_affect_the_result() {
    let mut near = 0;
    for seed in 0..100 {
        let mut prober = noisy(333.0, 0.05);
        prober.rng = crate::seed::rng(seed, &[]);
        let load = search(&mut prober, between(10.0, 1_000.0, 0.05))
            .unwrap()
            .load
            .unwrap_or(0.0);
        near += u32::from((load / 333.0 - 1.0).abs() < 0.1);
    }
    assert!(near >= 85, "{near} of 100");
}

#[test]
fn range_ends_and_saturated_generators_are_reported() {
    let search = |mut prober: Noisy, whole| {
        let range = Range {
            whole,
            ..between(10.0, 100.0, 0.05)
        };
        search(&mut prober, range).unwrap()
    };
    assert_eq!(search(noisy(5.0, 0.0), false).load, None);
    let all = search(noisy(1e9, 0.0), false);
    assert_eq!(
        (all.load, all.ended.contains("met up to")),
        (Some(100.0), true)
    );
    let saturated = search(
        Noisy {
            generator: 30.0,
            ..noisy(1e9, 0.0)
        },
        false,
    );
    assert!(saturated.load.is_some_and(|l| l <= 30.0) && saturated.ended.contains("generator"));
    assert_eq!(
        search(noisy(37.0, 0.0), true).load.map(f64::fract),
        Some(0.0)
    );
}

#[test]
fn probes_with_too_few_iterations_cause_a_warning() {
    use crate::drive::Target;
    use crate::workload::Workload;
    for (workers, from, seconds, expected) in [
        (false, 0.2, 3, Some("about 1 iteration at 0.200/s")),
        (false, 2.0, 2, Some("about 4 iterations at 2.0/s")),
        (false, 10.0, 2, None),
        (true, 1.0, 1, None),
    ] {
        let workload = Workload::builtin("sync").unwrap();
        let options = CapacityOptions {
            run: RunOptions::new(workload, Target::Embedded),
            workers,
            from,
            to: 1e3,
            precision: 0.05,
            probe: Duration::from_secs(seconds),
            max_probes: 100,
        };
        let warning = too_short(&options);
        assert_eq!(warning.is_some(), expected.is_some(), "{warning:?}");
        let said = warning.unwrap_or_default();
        assert!(said.contains(expected.unwrap_or_default()), "{said}");
    }
}

#[test]
fn searches_end_after_the_maximum_number_of_probes() {
    // A precision below that of the numbers, and one that whole workers cannot reach.
    for (whole, precision) in [(false, 1e-18), (false, f64::MIN_POSITIVE), (true, 1e-9)] {
        let mut prober = noisy(333.0, 0.0);
        let range = Range {
            whole,
            max_probes: u32::MAX,
            ..between(10.0, 1e3, precision)
        };
        let found = search(&mut prober, range).unwrap();
        assert!(
            found.load.is_some_and(|load| load <= 333.0 && load > 331.9),
            "{found:?}"
        );
        assert!(prober.tried < 200, "{}", prober.tried);
    }
    for (knee, from, most, load, known) in [
        (333.0, 10.0, 30, Some(332.9), "between 332.4 and 336.4"),
        (1e6, 10.0, 5, Some(15.0), "at least this"),
        (1e6, 10.0, 1, None, "undecided"),
        (0.123, 0.01, 20, Some(0.114), "between 0.1"),
    ] {
        let mut prober = noisy(knee, 0.0);
        let range = Range {
            max_probes: most,
            ..between(from, 1e9, 1e-9)
        };
        let found = search(&mut prober, range).unwrap();
        assert_eq!(prober.tried, most);
        let near = match (found.load, load) {
            (Some(found), Some(load)) => (found / load - 1.0).abs() < 0.02,
            (found, load) => found == load,
        };
        assert!(near, "{found:?}");
        let counted = format!("ended after {most} probe");
        assert!(
            found.ended.contains(&counted) && found.ended.contains(known),
            "{found:?}"
        );
    }
}

/// A simulated server with several places, each busy for a fixed time per request, and random arrivals. It gives the
/// search the figures of a run against such a server, without a clock that a busy machine could disturb.
struct Queue {
    places: usize,
    service: f64,
    /// Duration of a probe in seconds.
    probe: f64,
    /// Limit that 90 % of the responses have to meet.
    p90: f64,
    /// Share of the probes in which the server stalls for 20 % of the time, regardless of the load.
    hiccups: f64,
    rng: rand_pcg::Pcg64Mcg,
}

/// Returns a queue with a maximum throughput of 200 requests per second.
fn queue(seed: u64, hiccups: f64) -> Queue {
    Queue {
        places: 4,
        service: 0.02,
        probe: 10.0,
        p90: 0.15,
        hiccups,
        rng: crate::seed::rng(seed, &[]),
    }
}

impl Queue {
    /// Returns the 90th percentile of the response times at this rate.
    fn shown(&mut self, rate: f64) -> f64 {
        let opens = if self.rng.random::<f64>() < self.hiccups {
            self.probe * 0.2
        } else {
            0.0
        };
        let mut free = vec![opens; self.places];
        let (mut now, mut responses) = (0.0, Vec::new());
        loop {
            now -= (1.0 - self.rng.random::<f64>()).ln() / rate;
            if now > self.probe {
                break;
            }
            let place = free
                .iter_mut()
                .min_by(|a, b| a.total_cmp(b))
                .expect("places");
            *place = place.max(now) + self.service;
            responses.push(*place - now);
        }
        let rank = (responses.len() as f64 * 0.9) as usize;
        *responses.select_nth_unstable_by(rank, f64::total_cmp).1
    }
}

impl Prober for Queue {
    fn probe(&mut self, load: f64) -> Result<Option<bool>> {
        Ok(Some(self.shown(load) < self.p90))
    }
}

/// Returns the rate at which the queue exactly meets the limit in the long run.
fn true_capacity() -> f64 {
    let (mut low, mut high) = (100.0, 200.0);
    while high - low > 0.2 {
        let middle = (low + high) / 2.0;
        let mut long = Queue {
            probe: 2_000.0,
            ..queue(1, 0.0)
        };
        if long.shown(middle) < long.p90 {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[test]
fn the_capacity_of_a_queue_is_found_from_short_probes() {
    let truth = true_capacity();
    assert!(truth > 180.0 && truth < 200.0, "{truth} of 200");
    let found = |hiccups: f64| -> Vec<f64> {
        (0..50)
            .map(|seed| {
                let found = search(&mut queue(seed, hiccups), between(20.0, 2_000.0, 0.03));
                found.unwrap().load.map_or(0.0, |load| load / truth)
            })
            .collect()
    };
    let near = |found: &[f64]| found.iter().filter(|f| (*f - 1.0).abs() < 0.08).count();
    // The requested precision is 3 %. A probe of 10 s starts with an empty server, which raises the result by 2 to 4 %.
    let quiet = found(0.0);
    assert_eq!(near(&quiet), 50, "{quiet:?} of {truth}");
    // With single probes, 13 of these searches would mistake a stall for the knee.
    let noisy = found(0.05);
    assert!(near(&noisy) >= 46, "{noisy:?} of {truth}");
}
