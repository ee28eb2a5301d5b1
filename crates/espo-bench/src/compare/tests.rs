use std::sync::atomic::{AtomicU32, Ordering};

use rand::RngExt as _;

use super::*;
use crate::record::histogram;
use crate::report::{Distribution, OperationReport, Outcome, OutcomeReport, encode_histogram};
use crate::seed;

/// A run of 30 blocks: each second has its own level (caused by the machine), each request its own time.
fn operation(seed: u64, requests: u32, factor: f64, wander: f64) -> OperationReport {
    let mut rng = seed::rng(seed, &[]);
    // Box-Muller transform.
    let mut normal = move || {
        let (radius, angle): (f64, f64) = (rng.random(), rng.random());
        (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    };
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
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    report.run.id = format!("{:08x}", NUMBER.fetch_add(1, Ordering::Relaxed));
    report.operations = vec![operation.clone()];
    report
}

fn compared(before: &[Report], after: &[Report]) -> Comparison {
    let (a, b): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
    compare_sides(&a, &b, CompareOptions::default()).unwrap()
}

fn verdict(before: &[Report], after: &[Report]) -> Verdict {
    compared(before, after).operations[0].verdict
}

/// Returns three runs on a machine with constant speed.
fn steady(seed: u64, requests: u32, factor: f64, wander: f64) -> Vec<Report> {
    let runs = (0..3).map(|n| run(&operation(seed * 10 + n, requests, factor, wander)));
    runs.collect()
}

#[test]
fn slowdowns_of_10_percent_get_a_verdict() {
    let (mut wrong, mut found) = (0, 0);
    for pair in 0..6 {
        let before = steady(pair * 3, 120, 1.0, 0.01);
        let equal = steady(pair * 3 + 1, 120, 1.0, 0.01);
        let slower = steady(pair * 3 + 2, 120, 1.1, 0.01);
        wrong += u32::from(verdict(&before, &equal) != Verdict::NoDifference);
        found += u32::from(verdict(&before, &slower) == Verdict::Worse);
    }
    assert!(wrong <= 1, "{wrong} of 6 equal pairs got a verdict");
    assert!(found >= 5, "{found} of 6 slowdowns were found");
}

#[test]
fn unsteady_runs_widen_the_interval() {
    let mut wrong = 0;
    for pair in 0..6 {
        let a = steady(100 + pair * 2, 60, 1.0, 0.08);
        let b = steady(101 + pair * 2, 60, 1.0, 0.08);
        wrong += u32::from(matches!(verdict(&a, &b), Verdict::Worse | Verdict::Better));
    }
    assert!(wrong <= 1, "{wrong} of 6 equal pairs got a verdict");
}

#[test]
fn the_same_reports_on_both_sides_do_not_differ() {
    let runs = steady(1, 120, 1.0, 0.01);
    let all: Vec<_> = runs.iter().collect();
    let twice = vec![&runs[0], &runs[0]];
    for (before, after) in [(&all, &all), (&twice, &twice), (&twice, &all)] {
        let refused = compare_sides(before, after, CompareOptions::default()).unwrap_err();
        assert!(refused.contains("several times"), "{refused}");
    }
    let forced = CompareOptions {
        force: true,
        ..CompareOptions::default()
    };
    for side in [&all, &twice] {
        let comparison = compare_sides(side, side, forced).unwrap();
        assert_eq!(comparison.all.verdict, Verdict::NoDifference);
    }
}

#[test]
fn one_run_per_side_decides_only_errors() {
    let before = run(&operation(1, 200, 1.0, 0.01));
    let mut after = run(&operation(2, 200, 2.0, 0.01));
    let comparison = compared(std::slice::from_ref(&before), std::slice::from_ref(&after));
    let operation = &comparison.operations[0];
    assert_eq!(operation.verdict, Verdict::Undecided);
    // The figures are still shown, with the data that a verdict needs.
    assert!(operation.p50.is_some_and(|d| d.change > 0.8));
    assert_eq!(operation.needed.map(|n| n.runs), Some(3));
    assert_eq!(comparison.exit_code(), 4);

    let failed = OutcomeReport {
        outcome: Outcome::Server,
        count: 300,
        ..after.operations[0].outcomes[0].clone()
    };
    after.operations[0].outcomes.push(failed);
    let sides = ([before], [after]);
    assert_eq!(verdict(&sides.0, &sides.1), Verdict::Worse);
    assert_eq!(verdict(&sides.1, &sides.0), Verdict::Better);
}

/// Returns three runs of sixteen operations with 60 requests each.
fn rare(seed: u64, factor: f64) -> Vec<Report> {
    let one = |n: u64| {
        let mut report = run(&operation(seed * 100 + n, 2, factor, 0.01));
        let first = report.operations.remove(0);
        report.operations = (0..16)
            .map(|i| OperationReport {
                name: format!("list:{i}"),
                ..operation(seed * 1_000 + n * 20 + i, 2, factor, 0.01)
            })
            .collect();
        assert_eq!(first.count(), 60);
        report
    };
    (0..3).map(one).collect()
}

#[test]
fn rare_operations_are_pooled_over_runs() {
    for factor in [3.0, 7.0] {
        let comparison = compared(&rare(1, 1.0), &rare(2, factor));
        let verdicts: Vec<Verdict> = comparison.operations.iter().map(|o| o.verdict).collect();
        let worse = verdicts.iter().filter(|v| **v == Verdict::Worse).count();
        assert!(worse >= 14, "{factor}: {verdicts:?}");
        assert!(!verdicts.contains(&Verdict::Better) && !verdicts.contains(&Verdict::NoDifference));
        assert_eq!(comparison.all.verdict, Verdict::Worse);
        assert_eq!(comparison.all.requests, (2_880, 2_880));
        assert_eq!(comparison.exit_code(), 1);
        let back = compared(&rare(2, factor), &rare(1, 1.0));
        assert_eq!(back.all.verdict, Verdict::Better);
        assert_eq!(back.exit_code(), 0);
    }
    let equal = compared(&rare(1, 1.0), &rare(3, 1.0));
    assert_eq!(equal.all.verdict, Verdict::NoDifference, "{:?}", equal.all);
    assert_eq!(equal.exit_code(), 0);
}

#[test]
fn undecided_comparisons_report_the_data_needed() {
    // 90 requests per side, fewer than the minimum of 200.
    let few = |seed: u64| -> Vec<Report> {
        let runs = (0..3).map(|n| {
            let mut report = run(&operation(seed + n, 1, 1.0, 0.01));
            report.run.seconds = 30.0;
            report
        });
        runs.collect()
    };
    let mut before = few(1);
    for report in &mut before {
        report.operations[0].outcomes[0].count = 10;
    }
    let comparison = compared(&before, &few(4));
    assert_eq!(comparison.exit_code(), 4);
    let needed = comparison.operations[0].needed.unwrap();
    // 30 of 200 requests in 90 s.
    assert_eq!((needed.requests, needed.runs), (200, 3));
    assert!((needed.seconds.unwrap() - 600.0).abs() < 1.0, "{needed:?}");

    // Enough requests, but the runs differ by 50 %.
    let restless = |seed: u64| -> Vec<Report> {
        let factors = [1.0, 1.5, 0.8].into_iter().enumerate();
        let runs = factors.map(|(n, f)| run(&operation(seed + n as u64, 60, f, 0.01)));
        runs.collect()
    };
    let comparison = compared(&restless(1), &restless(4));
    assert_eq!(comparison.all.verdict, Verdict::Undecided);
    assert!(comparison.all.needed.unwrap().runs > 3, "{comparison:?}");
}

/// Returns three runs on a machine with a different speed in each run, varying by 4 %.
fn side(seed: u64, factor: f64) -> Vec<Report> {
    let mut rng = seed::rng(seed, &[7]);
    let mut speed = move || (0.04 * (rng.random::<f64>() - 0.5) * 12.0_f64.sqrt()).exp();
    (0..3)
        .map(|n| run(&operation(seed * 10 + n, 60, factor * speed(), 0.01)))
        .collect()
}

#[test]
fn variation_between_runs_gets_no_verdict() {
    let (mut single, mut wrong, mut found) = (0, 0, 0);
    for pair in 0..6 {
        let (a, b, slower) = (
            side(pair * 3, 1.0),
            side(pair * 3 + 1, 1.0),
            side(pair * 3 + 2, 1.5),
        );
        let decided = |v| matches!(v, Verdict::Worse | Verdict::Better);
        single += u32::from(decided(verdict(&a[..1], &b[..1])));
        wrong += u32::from(decided(verdict(&a, &b)));
        found += u32::from(verdict(&a, &slower) == Verdict::Worse);
    }
    assert!(
        wrong <= 1,
        "{wrong} of 6 equal pairs of three runs got a verdict"
    );
    assert!(found >= 5, "{found} of 6 slowdowns by 50 % were found");
    // A single pair cannot show this, which is why several runs are needed.
    assert_eq!(single, 0);
}

#[test]
fn differences_due_to_generator_lag_get_no_verdict() {
    let lag = |micros: u64| {
        let mut all = histogram();
        all.record_n(micros, 1_000).unwrap();
        Distribution::of(&all)
    };
    // 20 ms and 22 ms: 10 % more.
    let mut before = steady(1, 120, 1.0, 0.01);
    let mut after = steady(2, 120, 1.1, 0.01);
    for report in before.iter_mut().chain(&mut after) {
        report.generator.scheduling_lag = lag(60);
    }
    assert_eq!(verdict(&before, &after), Verdict::Worse);
    for report in &mut after {
        report.generator.scheduling_lag = lag(1_000);
    }
    assert_eq!(verdict(&before, &after), Verdict::NoDifference);
    let lag_change = compared(&before, &after).lag_change;
    assert!((lag_change.0 - 940.0).abs() < 5.0, "{lag_change:?}");
    // The lag does not cause an improvement either.
    assert_eq!(verdict(&after, &before), Verdict::NoDifference);
}
