use rand::RngExt as _;

use super::changes::median;
use super::*;
use crate::output::tests::sample;

/// A value that varies from run to run by about 4 % (standard deviation), with an outlier in one of 30 runs.
fn noisy(rng: &mut Pcg64Mcg, value: f64) -> f64 {
    let normal: f64 = (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
    let outlier = if rng.random::<f64>() < 1.0 / 30.0 {
        1.6
    } else {
        1.0
    };
    value * (normal * 0.04).exp() * outlier
}

/// Reports of `count` runs with eight operations; `factor` scales the response times of a run.
fn runs(seed: u64, count: usize, factor: impl Fn(usize) -> f64) -> Vec<(String, Report)> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut template = sample();
    template.operations = (0..8)
        .map(|i| {
            let mut operation = template.operations[0].clone();
            operation.name = format!("list:Type{i}");
            operation
        })
        .collect();
    (0..count)
        .map(|index| {
            let mut report = template.clone();
            report.run.started =
                format!("2026-{:02}-{:02}T03:00:00Z", index / 28 + 1, index % 28 + 1);
            let machine = noisy(&mut rng, 1.0).min(1.1);
            let mut times = |d: &mut Distribution| {
                d.p50 = (noisy(&mut rng, 26_000.0) * machine * factor(index)) as u64;
                d.p99 = (noisy(&mut rng, 90_000.0) * machine * factor(index)) as u64;
            };
            times(&mut report.all);
            for operation in &mut report.operations {
                for outcome in &mut operation.outcomes {
                    times(&mut outcome.response);
                }
            }
            (format!("{index}.json"), report)
        })
        .collect()
}

fn marks(trend: &Trend) -> Vec<(String, Change)> {
    let series = trend.groups.iter().flat_map(|g| &g.series);
    series
        .flat_map(|s| s.changes.iter().map(|c| (s.operation.clone(), *c)))
        .collect()
}

#[test]
fn equal_runs_have_at_most_one_mark() {
    for seed in 0..4 {
        let found = marks(&trend(&runs(seed, 100, |_| 1.0), TrendOptions::default()));
        assert!(found.len() <= 1, "seed {seed}: {found:?}");
    }
}

#[test]
fn slowdowns_are_marked_at_their_first_run() {
    for seed in 0..2 {
        let slower = |run| if run >= 50 { 1.1 } else { 1.0 };
        let trend = trend(&runs(seed, 100, slower), TrendOptions::default());
        let found = marks(&trend);
        for operation in ["all requests", "list:Type0", "list:Type7"] {
            let (_, change) = found
                .iter()
                .find(|(name, c)| name == operation && c.metric == Metric::P50)
                .unwrap_or_else(|| panic!("seed {seed}: no change of {operation}"));
            assert!(
                change.is_worse() && change.run.abs_diff(50) <= 5,
                "{change:?}"
            );
            assert!((0.05..0.16).contains(&change.relative()), "{change:?}");
        }
        assert!(trend.ends_worse());
    }
}

#[test]
fn temporary_slowdowns_have_two_marks() {
    let slower = |run| if (30..60).contains(&run) { 1.3 } else { 1.0 };
    let trend = trend(&runs(3, 90, slower), TrendOptions::default());
    let all = &trend.groups[0].series[0];
    let p50: Vec<_> = all
        .changes
        .iter()
        .filter(|c| c.metric == Metric::P50)
        .collect();
    assert_eq!(p50.len(), 2, "{:?}", all.changes);
    assert!(p50[0].is_worse() && !p50[1].is_worse());
    assert!(!trend.ends_worse());
}

#[test]
fn single_outliers_are_not_changes() {
    let outlier = |run| if run % 17 == 5 { 4.0 } else { 1.0 };
    let found = marks(&trend(&runs(4, 60, outlier), TrendOptions::default()));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn runs_with_a_saturated_generator_are_not_examined() {
    let slower = |run| if run >= 30 { 2.0 } else { 1.0 };
    let mut reports = runs(5, 60, slower);
    for (_, report) in &mut reports[30..] {
        report.generator.verdict = Verdict::GeneratorSaturated;
    }
    let trend = trend(&reports, TrendOptions::default());
    assert!(marks(&trend).is_empty());
    let trusted = trend.groups[0].runs.iter().filter(|r| r.is_trustworthy);
    assert_eq!(trusted.count(), 30);
}

#[test]
fn different_loads_are_separate_groups() {
    let mut reports = runs(6, 30, |_| 1.0);
    for (_, report) in &mut reports[20..] {
        report.run.model = Model::Closed { concurrency: 99 };
    }
    let trend = trend(&reports, TrendOptions::default());
    let sizes: Vec<usize> = trend.groups.iter().map(|g| g.runs.len()).collect();
    assert_eq!(sizes, [20, 10]);
}

#[test]
fn runs_are_ordered_by_date() {
    let mut reports = runs(7, 12, |_| 1.0);
    reports.reverse();
    let trend = trend(&reports, TrendOptions::default());
    let dates: Vec<&str> = trend.groups[0]
        .runs
        .iter()
        .map(|r| r.started.as_str())
        .collect();
    assert!(dates.is_sorted());
}

#[test]
fn more_errors_are_a_change() {
    let mut reports = runs(8, 40, |_| 1.0);
    for (_, report) in &mut reports[20..] {
        report.totals.failed += report.totals.requests / 20;
    }
    let trend = trend(&reports, TrendOptions::default());
    let errors = trend.groups[0].series[0]
        .changes
        .iter()
        .find(|c| c.metric == Metric::Errors)
        .expect("a change of the errors");
    assert_eq!(errors.run, 20);
}

#[test]
fn fewer_runs_than_needed_are_reported() {
    let trend = trend(&runs(9, 6, |_| 1.0), TrendOptions::default());
    assert!(trend.groups[0].runs_needed > 6);
    assert!(trend.groups[0].runs_needed < 20);
    assert_eq!(median(&[]), 0.0);
    let text = crate::output::trend_text(&trend);
    assert!(text.contains("changes cannot be detected yet"), "{text}");
    let page = crate::output::trend_html(&trend);
    assert!(page.contains("Changes cannot be detected yet"));
    for text in [text, page] {
        assert!(!text.to_lowercase().contains("no lasting change"));
    }
}

#[test]
fn runs_on_embedded_servers_form_one_group() {
    let mut reports = runs(1, 4, |_| 1.0);
    for (index, (_, report)) in reports.iter_mut().enumerate() {
        report.target.embedded = true;
        report.target.url = format!("http://127.0.0.1:{}", 40_000 + index);
    }
    assert_eq!(trend(&reports, TrendOptions::default()).groups.len(), 1);
}

#[test]
fn groups_that_look_equal_show_their_difference() {
    let mut reports = runs(1, 4, |_| 1.0);
    reports[0].1.run.decode = Decode::Skip;
    let trend = trend(&reports, TrendOptions::default());
    assert_eq!(trend.groups.len(), 2);
    assert_ne!(trend.groups[0].load, trend.groups[1].load);
    assert!(trend.groups[1].load.contains("no decoding"), "{trend:?}");
}
