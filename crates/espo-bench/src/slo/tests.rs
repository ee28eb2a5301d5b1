use super::*;

#[test]
fn slos_are_parsed_in_all_forms() {
    for (text, operation, metric, below, bound) in [
        (
            "list.p99 < 250ms",
            Some("list"),
            Metric::Quantile(0.99),
            true,
            250_000.0,
        ),
        ("p99.9<2s", None, Metric::Quantile(0.999), true, 2_000_000.0),
        (
            "list:Account.p99.9 <= 1us",
            Some("list:Account"),
            Metric::Quantile(0.999),
            true,
            1.0,
        ),
        ("errors < 0.1%", None, Metric::Errors, true, 0.001),
        ("errors < 0.01", None, Metric::Errors, true, 0.01),
        ("errors <= 0", None, Metric::Errors, true, 0.0),
        ("errors < 100%", None, Metric::Errors, true, 1.0),
        (
            "p99 < 1m30s",
            None,
            Metric::Quantile(0.99),
            true,
            90_000_000.0,
        ),
        ("read.rate > 100", Some("read"), Metric::Rate, false, 100.0),
        ("all.mean < 5ms", None, Metric::Mean, true, 5_000.0),
        (
            "deal/create:Opportunity.max < 1s",
            Some("deal/create:Opportunity"),
            Metric::Max,
            true,
            1_000_000.0,
        ),
    ] {
        let slo: Slo = text.parse().unwrap();
        assert_eq!(
            (slo.operation.as_deref(), slo.metric, slo.below),
            (operation, metric, below),
            "{text}"
        );
        assert!((slo.bound - bound).abs() < 1e-9, "{text}: {}", slo.bound);
    }
}

#[test]
fn invalid_slos_are_rejected_with_the_expected_form() {
    for text in [
        "nonsense",
        "list.p99",
        "list.p100 < 1s",
        "list.p99 < 250",
        "errors < 200%",
        "errors < 1",
        "errors < 5",
        "errors <= 1.0",
        "rate > fast",
        ".p99 < 1s",
        "p0 < 1s",
    ] {
        let error = text.parse::<Slo>().unwrap_err();
        assert!(error.contains("expected a condition"), "{text}: {error}");
    }
}

#[test]
fn slos_that_no_measurement_decides_are_rejected() {
    for (text, expected) in [
        ("p99 < 0s", Some("never")),
        ("list.max < 0ms", Some("never")),
        ("errors < 0", Some("never")),
        ("errors < 0%", Some("never")),
        ("errors > 100%", Some("never")),
        ("rate < 0", Some("never")),
        ("rate >= 0", Some("always")),
        ("errors <= 100%", Some("always")),
        ("errors >= 0%", Some("always")),
        ("mean >= 0s", Some("always")),
        ("errors <= 0", None),
        ("errors < 100%", None),
        ("errors > 0%", None),
        ("rate > 0", None),
        ("p99 > 0s", None),
    ] {
        let said = text.parse::<Slo>().err();
        let is_as_expected = match expected {
            None => said.is_none(),
            Some(word) => said.as_ref().is_some_and(|said| said.contains(word)),
        };
        assert!(is_as_expected, "{text}: {said:?}");
    }
}

#[test]
fn slos_on_unknown_operations_suggest_similar_names() {
    let workload = Workload::builtin("mixed").unwrap();
    assert!(
        "list.p99 < 1s"
            .parse::<Slo>()
            .unwrap()
            .check_against(&workload)
            .is_ok()
    );
    let error = "lists.p99 < 1s"
        .parse::<Slo>()
        .unwrap()
        .check_against(&workload)
        .unwrap_err();
    assert!(error.contains("'list'"), "{error}");
}

#[test]
fn slos_are_hopeless_only_when_the_rest_cannot_help() {
    let seen = SoFar {
        ok: 900,
        failed: 100,
        micros: 900.0 * 20_000.0,
        max: 300_000,
        longer: 30,
    };
    for (text, left, lost) in [
        // At best, 100 of 1,900 requests have failed.
        ("errors < 5%", 900.0, true),
        ("errors < 6%", 900.0, false),
        ("max < 250ms", 1e9, true),
        ("max < 350ms", 0.0, false),
        // 18 s in total over at most 1,900 requests: 9.5 ms.
        ("mean < 9ms", 1_000.0, true),
        ("mean < 10ms", 1_000.0, false),
        // 30 of 1,900 are 1.6 %.
        ("p99 < 100ms", 1_000.0, true),
        ("p98 < 100ms", 1_000.0, false),
        ("p99 < 100ms", 3_000.0, false),
        ("rate > 200", 1_000.0, true),
        ("rate > 150", 1_000.0, false),
        // A lower bound on a time can still be met at any point.
        ("p99 > 1s", 0.0, false),
    ] {
        let slo: Slo = text.parse().unwrap();
        let said = slo.hopeless(seen, left, 10.0);
        assert_eq!(said.is_some(), lost, "{text} with {left} to come: {said:?}");
    }
}

#[test]
fn slos_select_by_name_then_kind() {
    let all = [("list:A", "list"), ("deal", "chain"), ("list", "read")];
    for (text, chosen) in [
        ("p99 < 1s", [true, false, true]),
        ("list.p99 < 1s", [false, false, true]),
        ("read.p99 < 1s", [false, false, true]),
        ("deal.p99 < 1s", [false, true, false]),
        ("chain.p99 < 1s", [false, true, false]),
    ] {
        let slo: Slo = text.parse().unwrap();
        assert_eq!(slo.chosen(all.into_iter()), chosen, "{text}");
    }
}

#[test]
fn times_based_on_too_few_requests_have_a_caveat() {
    for (text, succeeded, failed, expected) in [
        ("p99 < 1s", 100, 0, None),
        ("p99.9 < 1s", 1_000, 0, None),
        ("p95 < 1s", 20, 0, None),
        ("p50 < 1s", 2, 0, None),
        ("mean < 1s", 1, 0, None),
        ("max < 1s", 1, 0, None),
        (
            "p95 < 1s",
            19,
            0,
            Some("the slowest of 19 requests, because p95 needs 20"),
        ),
        (
            "p99.9 < 1s",
            20,
            0,
            Some("the slowest of 20 requests, because p99.9 needs 1,000"),
        ),
        // With one failure in 100, the 95th percentile is known, the 99.9th is not.
        ("p95 < 1s", 1_980, 20, None),
        (
            "p99.9 < 1s",
            1_980,
            20,
            Some("excluding 20 of 2,000 requests, which failed"),
        ),
        (
            "mean < 1s",
            60,
            40,
            Some("excluding 40 of 100 requests, which failed"),
        ),
        ("errors < 50%", 6, 4, None),
        ("rate > 0.1", 6, 4, None),
        ("p99 < 1s", 0, 4, None),
    ] {
        let slo: Slo = text.parse().unwrap();
        let mut times = histogram();
        for _ in 0..succeeded {
            times.record(1_000).unwrap();
        }
        let result = slo.evaluate_so_far(succeeded + failed, failed, &times, 1.0);
        assert_eq!(result.caveat.as_deref(), expected, "{text}");
        assert_eq!(
            result.measured.is_some(),
            succeeded > 0 || text.contains("errors"),
            "{text}"
        );
    }
}

#[test]
fn percentiles_below_the_first_are_not_accepted() {
    for (text, meant) in [
        ("p0.95 < 1s", "p95"),
        ("list.p.99 < 1s", "p99"),
        ("p0.5 < 1s", "p50"),
    ] {
        let error = text.parse::<Slo>().unwrap_err();
        assert!(error.contains(&format!("written as {meant}")), "{error}");
    }
}

#[test]
fn decimal_commas_are_not_accepted() {
    for text in [
        "p95 < 1,5s",
        "p95 < 1,500ms",
        "errors < 0,1%",
        "rate > 1,000",
    ] {
        assert!(text.parse::<Slo>().is_err(), "{text}");
    }
}
