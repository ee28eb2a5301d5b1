use rand::RngExt as _;

use super::*;
use crate::record::histogram;
use crate::report::{Distribution, OutcomeReport, encode_histogram};
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

/// As in a comparison of eight operations.
fn verdict(a: &OperationReport, b: &OperationReport) -> Verdict {
    one(a, b, 0.05, bootstrap::z_score(0.01 / 16.0))
        .unwrap()
        .verdict
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
