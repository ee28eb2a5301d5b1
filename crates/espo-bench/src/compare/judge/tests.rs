use rand::RngExt as _;

use super::*;
use crate::seed;

/// Simulated comparisons of runs: how the runs of one machine vary.
struct Machine {
    /// Variation of a whole run, common to all operations and of each operation.
    common: f64,
    own: f64,
    /// Standard error of the figure of one run that the bootstrap reports.
    within: f64,
    /// Variation of both runs of a pair, if the sides alternate.
    phases: Option<f64>,
}

/// Returns the verdicts of all requests and of sixteen operations.
fn compared(machine: &Machine, runs: usize, change: f64, seed: u64) -> Vec<Verdict> {
    let mut rng = seed::rng(seed, &[31]);
    let mut normal = || {
        let (radius, angle): (f64, f64) = (rng.random(), rng.random());
        (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    };
    let phases: Vec<f64> = (0..runs)
        .map(|_| machine.phases.unwrap_or(0.0) * normal())
        .collect();
    let common: Vec<f64> = (0..2 * runs)
        .map(|run| phases[run % runs] + machine.common * normal())
        .collect();
    let counts = Counts {
        requests: 3_000,
        ok: 3_000,
        error_share: 0.0,
    };
    let mut row = |scale: f64| Row {
        name: String::new(),
        counts: (counts, counts),
        figures: [1.0, 2.0].map(|factor| {
            let mut side = |index: usize| {
                let logs: Vec<f64> = (0..runs)
                    .map(|run| {
                        let own = machine.own.hypot(machine.within) * scale * factor;
                        common[index * runs + run] + own * normal() + index as f64 * change
                    })
                    .collect();
                let mean = logs.iter().sum::<f64>() / runs as f64;
                let within = machine.within * scale * factor / (runs as f64).sqrt();
                Estimate::of(mean, within, logs)
            };
            Some(Contrast::of(&side(0), &side(1), machine.phases.is_some()))
        }),
    };
    let rows: Vec<Row> = (0..17)
        .map(|n| row(if n == 0 { 0.25 } else { 1.0 }))
        .collect();
    let judge = Judge {
        lag: [0.0; 2],
        seconds: 60.0,
        runs,
        threshold: 0.05,
    };
    let rows = judge.verdicts(&rows, super::super::CompareOptions::default().error);
    rows.iter().map(|row| row.verdict).collect()
}

fn is_decided(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Worse | Verdict::Better)
}

#[test]
fn equal_sides_get_a_verdict_in_at_most_5_percent() {
    // More pairs give a more precise share: 20,000 take some minutes.
    let pairs = std::env::var("ESPO_BENCH_PAIRS").map_or(100, |n| n.parse().unwrap());
    for (common, own, within, phases) in [
        (0.0, 0.0, 0.05, None),
        (0.02, 0.01, 0.01, None),
        (0.06, 0.0, 0.01, None),
        (0.0, 0.06, 0.02, None),
        (0.1, 0.1, 0.1, None),
        (0.02, 0.01, 0.01, Some(0.0)),
        (0.02, 0.01, 0.01, Some(0.2)),
    ] {
        let machine = Machine {
            common,
            own,
            within,
            phases,
        };
        for runs in if phases.is_some() { [4, 6] } else { [2, 3] } {
            let alarms = (0..pairs)
                .filter(|seed| compared(&machine, runs, 0.0, *seed).iter().any(is_decided))
                .count() as u64;
            let share = alarms as f64 / pairs as f64;
            println!("variation {common}, {own}, {within}, {phases:?}, {runs} runs: {share}");
            let error = (0.05 * 0.95 / pairs as f64).sqrt();
            assert!(
                share <= 0.05 + 3.0 * error,
                "{common} {own} {within} {phases:?}, {runs} runs: {share}"
            );
        }
    }
}

#[test]
fn slowdowns_of_10_percent_are_found_on_an_ordinary_machine() {
    const PAIRS: u64 = 300;
    let machine = Machine {
        common: 0.02,
        own: 0.01,
        within: 0.02,
        phases: None,
    };
    for (runs, least) in [(3, 240), (5, 295)] {
        let found = (0..PAIRS)
            .filter(|seed| compared(&machine, runs, 0.1_f64.ln_1p(), *seed)[0] == Verdict::Worse)
            .count();
        assert!(found >= least, "{runs} runs: {found} of {PAIRS}");
    }
}

#[test]
fn alternating_runs_find_slowdowns_despite_slow_phases() {
    const SIDES: u64 = 200;
    let found = |phases: Option<f64>, common: f64| {
        let machine = Machine {
            common,
            own: 0.01,
            within: 0.02,
            phases,
        };
        (0..SIDES)
            .filter(|seed| compared(&machine, 5, 0.25_f64.ln_1p(), *seed)[0] == Verdict::Worse)
            .count()
    };
    let (alternating, separate) = (found(Some(0.2), 0.02), found(None, 0.2));
    println!("alternating: {alternating}, separate: {separate} of {SIDES}");
    assert!(
        alternating >= 190 && separate < 60,
        "{alternating} {separate}"
    );
}
