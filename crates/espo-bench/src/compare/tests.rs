use rand::RngExt as _;

use super::*;
use crate::record::histogram;
use crate::report::{Distribution, OperationReport, Outcome, OutcomeReport, encode_histogram};
use crate::seed;

/// A run of 30 blocks: each second has its own level (what a machine does), each request its own time.
fn operation(seed: u64, requests: u32, factor: f64, wander: f64) -> OperationReport {
    let mut rng = seed::rng(seed, &[]);
    let mut normal = move || (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
    let mut all = histogram();
    let mut level = 0.0;
    let blocks = (0..30).map(|_| {
        level = 0.7 * level + wander * normal();
        let mut block = histogram();
        for _ in 0..requests {
            let micros = 20_000.0 * factor * (level + 0.4 * normal()).exp();
            block.record(micros as u64).unwrap();
            all.record(micros as u64).unwrap();
        }
        Some(encode_histogram(&block))
    });
    let blocks = blocks.collect();
    let ok = OutcomeReport {
        outcome: Outcome::Ok,
        count: all.len(),
        rate: 1.0,
        service: Distribution::of(&all),
        response: Distribution::of(&all),
        decode_nanos: None,
        bytes_in: 0,
        bytes_out: 0,
    };
    OperationReport {
        name: "list:Account".into(),
        kind: "list".into(),
        entity: "Account".into(),
        outcomes: vec![ok],
        blocks,
    }
}

fn run(operation: &OperationReport) -> Report {
    let workload = crate::Workload::builtin("browse").unwrap();
    let options = crate::RunOptions::new(workload, crate::Target::Embedded);
    let mut report = crate::drive::empty_report(&options);
    report.operations = vec![operation.clone()];
    report
}

/// At the level of a comparison of eight operations.
fn strict() -> CompareOptions {
    CompareOptions {
        error: 0.01 / 8.0,
        ..CompareOptions::default()
    }
}

fn judged(before: &[&Report], after: &[&Report]) -> OperationComparison {
    let comparison = compare_sides(before, after, strict()).unwrap();
    comparison.operations.into_iter().next().unwrap()
}

fn verdict(a: &OperationReport, b: &OperationReport) -> Verdict {
    judged(&[&run(a)], &[&run(b)]).verdict
}

#[test]
fn equal_runs_rarely_get_a_verdict_and_a_slowdown_of_a_tenth_nearly_always_does() {
    let (mut wrong, mut found) = (0, 0);
    for pair in 0..20 {
        let before = operation(pair * 2, 200, 1.0, 0.01);
        wrong += u32::from(
            verdict(&before, &operation(pair * 2 + 1, 200, 1.0, 0.01)) != Verdict::NoDifference,
        );
        found +=
            u32::from(verdict(&before, &operation(pair * 2 + 1, 200, 1.1, 0.01)) == Verdict::Worse);
    }
    assert!(wrong <= 1, "{wrong} of 20 equal pairs got a verdict");
    assert!(found >= 18, "{found} of 20 slowdowns were found");
}

#[test]
fn a_run_that_wanders_widens_the_interval_instead_of_getting_verdicts() {
    let mut wrong = 0;
    for pair in 0..20 {
        let (a, b) = (
            operation(100 + pair * 2, 200, 1.0, 0.08),
            operation(101 + pair * 2, 200, 1.0, 0.08),
        );
        wrong += u32::from(verdict(&a, &b) != Verdict::NoDifference);
    }
    assert!(wrong <= 1, "{wrong} of 20 equal pairs got a verdict");
}

#[test]
fn too_few_requests_are_no_verdict_and_more_errors_are() {
    assert_eq!(
        verdict(&operation(1, 3, 1.0, 0.01), &operation(2, 3, 2.0, 0.01)),
        Verdict::TooFew
    );
    let before = operation(1, 100, 1.0, 0.01);
    let mut after = operation(2, 100, 1.0, 0.01);
    let failed = OutcomeReport {
        outcome: Outcome::Server,
        count: 300,
        ..after.outcomes[0].clone()
    };
    after.outcomes.push(failed);
    assert_eq!(verdict(&before, &after), Verdict::Worse);
    assert_eq!(verdict(&after, &before), Verdict::Better);
}

/// Three runs of a machine that has a speed of its own for the whole of each run, wandering by 4 %.
fn side(seed: u64, factor: f64) -> Vec<Report> {
    let mut rng = seed::rng(seed, &[7]);
    let mut speed = move || (0.04 * (rng.random::<f64>() - 0.5) * 12.0_f64.sqrt()).exp();
    (0..3)
        .map(|n| run(&operation(seed * 10 + n, 60, factor * speed(), 0.01)))
        .collect()
}

#[test]
fn what_differs_from_run_to_run_is_no_difference_between_sides() {
    let (mut wrong_single, mut wrong, mut found) = (0, 0, 0);
    for pair in 0..20 {
        let (a, b, slower) = (
            side(pair * 3, 1.0),
            side(pair * 3 + 1, 1.0),
            side(pair * 3 + 2, 1.5),
        );
        let of = |side: &[Report], other: &[Report]| {
            let (a, b): (Vec<_>, Vec<_>) = (side.iter().collect(), other.iter().collect());
            let comparison = compare_sides(&a, &b, CompareOptions::default()).unwrap();
            comparison.operations[0].verdict
        };
        wrong_single += u32::from(of(&a[..1], &b[..1]) != Verdict::NoDifference);
        wrong += u32::from(of(&a, &b) != Verdict::NoDifference);
        found += u32::from(of(&a, &slower) == Verdict::Worse);
    }
    assert!(
        wrong <= 1,
        "{wrong} of 20 equal pairs of three runs got a verdict"
    );
    assert!(found >= 18, "{found} of 20 slowdowns by half were found");
    // What a single pair cannot know, and why several runs are taken at all.
    assert!(wrong_single > wrong, "{wrong_single}");
}

#[test]
fn what_the_generators_own_lag_explains_gets_no_verdict() {
    let lag = |micros: u64| {
        let mut all = histogram();
        all.record_n(micros, 1_000).unwrap();
        Distribution::of(&all)
    };
    // 20 ms and 22 ms: a tenth more.
    let mut before = run(&operation(1, 200, 1.0, 0.01));
    let mut after = run(&operation(2, 200, 1.1, 0.01));
    before.generator.scheduling_lag = lag(60);
    after.generator.scheduling_lag = lag(80);
    assert_eq!(judged(&[&before], &[&after]).verdict, Verdict::Worse);
    after.generator.scheduling_lag = lag(1_000);
    assert_eq!(judged(&[&before], &[&after]).verdict, Verdict::NoDifference);
    let comparison = compare(&before, &after, strict()).unwrap();
    assert!(
        (comparison.lag_change.0 - 940.0).abs() < 5.0,
        "{:?}",
        comparison.lag_change
    );
    // The other way round it makes nothing better either.
    assert_eq!(judged(&[&after], &[&before]).verdict, Verdict::NoDifference);
}
