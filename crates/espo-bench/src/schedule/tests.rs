use super::*;
use crate::seed;

fn phase(seconds: f64, from: f64, to: f64) -> Phase {
    Phase {
        name: "p".into(),
        seconds,
        from,
        to,
        measured: true,
    }
}

fn times(phases: Vec<Phase>, arrivals: Arrivals) -> Vec<f64> {
    SendTimes::new(Profile::new(phases), arrivals, seed::rng(1, &[]))
        .map(|(_, t)| t.as_secs_f64())
        .collect()
}

#[test]
fn constant_rates_are_evenly_spaced_within_the_phase() {
    let sent = times(vec![phase(2.0, 100.0, 100.0)], Arrivals::Constant);
    assert_eq!(sent.len(), 200);
    for (k, t) in sent.iter().enumerate() {
        assert!((t - k as f64 / 100.0).abs() < 1e-9, "{k}: {t}");
    }
}

#[test]
fn ramps_send_the_integral_of_the_rate() {
    // 0 → 100/s in 10 s is 500 requests; the first half of the time has 25 % of them.
    let sent = times(vec![phase(10.0, 0.0, 100.0)], Arrivals::Constant);
    assert_eq!(sent.len(), 500);
    assert_eq!(sent.iter().filter(|t| **t < 5.0).count(), 125);
    assert!(sent.windows(2).all(|w| w[0] < w[1]));
    // k requests are due at sqrt(2·k·T/b)
    assert!((sent[200] - (2.0 * 200.0 * 10.0 / 100.0_f64).sqrt()).abs() < 1e-9);
}

#[test]
fn ramps_down_to_zero_are_supported() {
    let sent = times(vec![phase(10.0, 100.0, 0.0)], Arrivals::Constant);
    assert_eq!(sent.len(), 500);
    assert_eq!(sent.iter().filter(|t| **t < 5.0).count(), 375);
}

#[test]
fn phases_follow_without_a_gap() {
    let sent = times(
        vec![
            phase(1.0, 10.0, 10.0),
            phase(2.0, 10.0, 30.0),
            phase(1.0, 30.0, 30.0),
        ],
        Arrivals::Constant,
    );
    assert_eq!(sent.len(), 10 + 40 + 30);
    let profile = Profile::new(vec![phase(1.0, 10.0, 10.0), phase(2.0, 10.0, 30.0)]);
    assert!((profile.due_before(2.0) - 25.0).abs() < 1e-9);
    assert!((profile.load_at(2.0) - 20.0).abs() < 1e-9);
    assert_eq!(profile.time_of(51.0), None);
}

#[test]
fn poisson_gaps_have_equal_mean_and_deviation() {
    let sent = times(vec![phase(100.0, 100.0, 100.0)], Arrivals::Poisson);
    let gaps: Vec<f64> = sent.windows(2).map(|w| w[1] - w[0]).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let deviation =
        (gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
    assert!((mean - 0.01).abs() < 0.0005, "{mean}");
    assert!((deviation / mean - 1.0).abs() < 0.05, "{deviation}");
}

#[test]
fn the_same_seed_gives_the_same_poisson_times() {
    let phases = || vec![phase(5.0, 10.0, 200.0)];
    assert_eq!(
        times(phases(), Arrivals::Poisson),
        times(phases(), Arrivals::Poisson)
    );
}
