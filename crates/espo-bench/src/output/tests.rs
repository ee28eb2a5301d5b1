use super::*;
use crate::report::{
    Distribution, ErrorReport, OperationReport, Outcome, OutcomeReport, Probe, Second, SloResult,
};
use crate::{RunOptions, Target, Workload};

/// A report that uses all features, with strings that need escaping.
pub(crate) fn sample() -> Report {
    let mut times = crate::record::histogram();
    for i in 1..=1_000_u64 {
        times.record(i * i).unwrap();
    }
    let distribution = Distribution::of(&times);
    let ok = OutcomeReport {
        outcome: Outcome::Ok,
        count: 1_000,
        rate: 100.0,
        service: distribution.clone(),
        response: distribution.clone(),
        decode_nanos: Some(distribution.clone()),
        bytes_in: 13_926_400,
        bytes_out: 0,
    };
    let failed = OutcomeReport {
        outcome: Outcome::Server,
        count: 5,
        rate: 0.5,
        ..ok.clone()
    };
    let operation = OperationReport {
        name: "list:Account".into(),
        kind: "list".into(),
        entity: "Account".into(),
        outcomes: vec![ok, failed],
        blocks: vec![Some(distribution.histogram.clone()), None],
    };
    let mut report = crate::drive::empty_report(&RunOptions::new(
        Workload::builtin("sync").unwrap(),
        Target::Embedded,
    ));
    report.run.seconds = 10.0;
    report.operations = vec![operation];
    report.errors = vec![ErrorReport {
        operation: "list:Account".into(),
        outcome: Outcome::Server,
        status: Some(500),
        count: 5,
        sample: "<script>alert(1)</script> | \"quoted\"".into(),
    }];
    report.series = (0..10)
        .map(|at| Second {
            at: f64::from(at),
            ok: 100,
            failed: u64::from(at == 3) * 5,
            p50: 250_000,
            p95: None,
            p99: 980_000,
            max: 1_000_000,
            target_rate: None,
        })
        .collect();
    report.slos = vec![SloResult {
        expression: "p99 < 1ms".into(),
        measured: Some("980 ms".into()),
        held: false,
        caveat: None,
    }];
    report.capacity = vec![
        Probe {
            load: 10.0,
            rate: 10.0,
            p50: 1_000,
            p99: 2_000,
            errors: 0.0,
            held: true,
            attempt: 1,
            judged: Vec::new(),
        },
        Probe {
            load: 20.0,
            rate: 19.0,
            p50: 1_500,
            p99: 9_000,
            errors: 0.0,
            held: false,
            attempt: 1,
            judged: Vec::new(),
        },
    ];
    crate::report::recompute(&mut report);
    report
}

#[test]
fn the_page_has_no_scripts_and_no_links() {
    let page = html(&sample());
    assert!(
        page.matches("<svg").count() >= 5,
        "{} charts",
        page.matches("<svg").count()
    );
    assert!(page.matches("<title>").count() > 20, "hover values");
    assert!(page.contains("prefers-color-scheme:dark") && page.contains("@media print"));
    assert!(
        !page.contains("<script") && !page.contains("src=") && !page.contains("href="),
        "no script, no network"
    );
    assert!(
        page.contains("&lt;script&gt;"),
        "text from the server is escaped"
    );
    assert!(page.len() < 1 << 20);
}

#[test]
fn every_colour_of_a_chart_has_a_rule_in_the_style_sheet() {
    let page = html(&sample());
    let (head, body) = page.split_once("</style>").unwrap();
    let mut keys = 0;
    for attribute in ["fill=\"", "stroke=\""] {
        for rest in body.split(attribute).skip(1) {
            let colour = rest.split('"').next().unwrap();
            if colour == "none" {
                continue;
            }
            keys += 1;
            let rule = format!(".chart [{attribute}{colour}\"]");
            assert!(head.contains(&rule), "no rule for {attribute}{colour}");
        }
    }
    assert!(keys > 20, "{keys} coloured elements");
}

#[test]
fn the_page_of_a_long_run_stays_below_a_mebibyte() {
    let mut report = sample();
    let one = report.series[0].clone();
    report.series = (0..600)
        .map(|at| Second {
            at: f64::from(at),
            ..one.clone()
        })
        .collect();
    report.operations = (0..40)
        .map(|i| OperationReport {
            name: format!("list:X{i}"),
            ..report.operations[0].clone()
        })
        .collect();
    assert!(html(&report).len() < 1 << 20, "{}", html(&report).len());
}

#[test]
fn the_table_is_plain_text_and_marks_missed_slos() {
    let text = table(&sample());
    assert!(!text.contains('\u{1b}'), "no escape sequences");
    for part in ["list:Account", "1,005", "MISSED", "980 ms", "500"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn csv_has_one_row_per_outcome() {
    let text = csv(&sample());
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (&rows[0][0], &rows[0][3], &rows[0][4]),
        ("list:Account", "ok", "1000")
    );
}

#[test]
fn server_text_cannot_break_markdown_tables() {
    let text = markdown(&sample());
    let rows: Vec<&str> = text.lines().filter(|l| l.contains("script")).collect();
    // Once in a sentence, once in the table.
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert!(row.contains("&lt;script>") && row.contains("\\|"), "{row}");
    }
}

#[test]
fn prometheus_lines_have_name_labels_and_value() {
    for line in prometheus(&sample())
        .lines()
        .filter(|l| !l.starts_with('#'))
    {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(
            series.starts_with("espo_bench_") && series.ends_with('}'),
            "{line}"
        );
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn reports_round_trip() {
    let report = sample();
    assert_eq!(Report::from_json(&report.to_json()).unwrap(), report);
}

#[test]
fn the_schemas_are_current_and_figures_have_units() {
    let schemas = [
        ("report-1", schemars::schema_for!(Report)),
        (
            "comparison-1",
            schemars::schema_for!(crate::compare::Comparison),
        ),
        ("trend-1", schemars::schema_for!(crate::trend::Trend)),
    ];
    for (name, schema) in schemas {
        assert_units(name, schema.as_value());
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schema");
        let path = format!("{folder}/{name}.json");
        if std::env::var_os("ESPO_BENCH_WRITE_SCHEMA").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        assert!(
            std::fs::read_to_string(&path).unwrap() == text,
            "{name} has changed: run this test with ESPO_BENCH_WRITE_SCHEMA=1, and raise the version if old readers would misread"
        );
    }
}

/// Asserts that times and rates have a unit in their name, in their schema or, for distributions, next to them.
fn assert_units(path: &str, schema: &serde_json::Value) {
    let serde_json::Value::Object(object) = schema else {
        return;
    };
    let properties = object.get("properties").and_then(|p| p.as_object());
    let states_unit = properties.is_some_and(|p| p.contains_key("unit"));
    for (name, property) in properties.into_iter().flatten() {
        let is_percentile = name.starts_with('p') && name[1..].parse::<u32>().is_ok();
        let is_figure = is_percentile
            || ["rate", "max", "mean", "min", "at"].contains(&name.as_str())
            || name.ends_with("_rate");
        // Nested objects have their own units.
        let is_number = property.get("$ref").is_none() && property.get("anyOf").is_none();
        assert!(
            !is_figure || !is_number || states_unit || property.get("unit").is_some(),
            "{path}.{name} has no unit"
        );
    }
    for (name, value) in object {
        let values: Vec<_> = match value {
            serde_json::Value::Array(values) => values.iter().collect(),
            value => vec![value],
        };
        for value in values {
            assert_units(&format!("{path}.{name}"), value);
        }
    }
}

#[test]
fn invalid_reports_are_rejected_with_a_reason() {
    for (text, expected) in [
        ("[]", "not an espo-bench report"),
        ("{\"format\":\"other\",\"version\":1}", "'other'"),
        (
            "{\"format\":\"espo-bench-report\",\"version\":9}",
            "format 9",
        ),
        (
            "{\"format\":\"espo-bench-report\",\"version\":1}",
            "damaged",
        ),
    ] {
        let error = Report::from_json(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn the_summary_explains_the_figures() {
    use super::summary::{Tone, sentences};

    let said = |report: &Report| -> Vec<String> {
        sentences(report)
            .into_iter()
            .map(|(tone, text)| format!("{tone:?}: {text}"))
            .collect()
    };
    let mut report = sample();
    crate::report::recompute(&mut report);
    report.run.model = crate::report::Model::Open {
        rate: 100.0,
        arrivals: crate::Arrivals::Constant,
        max_in_flight: 9,
    };
    (report.totals.offered_rate, report.totals.achieved_rate) = (Some(100.0), Some(60.0));
    report.totals.unsent = 400;
    report.generator.verdict = Verdict::RateNotHeld;
    let text = said(&report).join("\n");
    for expected in [
        "Bad: 1 of 1 SLOs were missed: p99 < 1ms (measured 980 ms).",
        "Good: The SLOs were met up to 10 iterations/s; 20, the next higher load tested, missed them.",
        "Plain: Half of the requests completed within 250 ms, 99 % within 980 ms; the slowest took 1.00 s.",
        "Bad: 5 of 1,005 requests failed (0.50 %), most often list:Account with status 500",
        "Bad: The target rate was not sustained: 60.0 of 100.0 iterations/s started on time; 400 were dropped.",
    ] {
        assert!(text.contains(expected), "{expected}\nin\n{text}");
    }
    // Text from the server is escaped in every format.
    assert!(!html(&report).contains("<script>"));

    report.slos[0].held = true;
    report.errors.clear();
    report.totals.failed = 0;
    report.generator.verdict = Verdict::GeneratorSaturated;
    // Saturation of the generator does not make the rate sustained.
    assert!(said(&report).join("\n").contains("was not sustained"));
    report.totals.achieved_rate = Some(100.0);
    let tones = sentences(&report);
    assert!(
        tones.iter().all(|(tone, _)| *tone != Tone::Bad),
        "{tones:?}"
    );
    assert!(!said(&report).join("\n").contains("not saturated"));
}

/// Returns the names of the test cases with each status: passed, failed, in error, skipped.
fn cases(xml: &str) -> [Vec<String>; 4] {
    use quick_junit::{NonSuccessKind, TestCaseStatus};
    let document = quick_junit::Report::deserialize_from_str(xml).unwrap();
    let mut out: [Vec<String>; 4] = Default::default();
    for case in document.test_suites.iter().flat_map(|s| &s.test_cases) {
        let index = match &case.status {
            TestCaseStatus::Success { .. } => 0,
            TestCaseStatus::NonSuccess { kind, .. } if *kind == NonSuccessKind::Failure => 1,
            TestCaseStatus::NonSuccess { .. } => 2,
            TestCaseStatus::Skipped { .. } => 3,
        };
        out[index].push(case.name.to_string());
    }
    out
}

#[test]
fn junit_fails_exactly_if_the_exit_code_is_not_zero() {
    type Change = fn(&mut Report);
    let changes: [(Change, &str); 6] = [
        (|r| r.slos[0].held = false, "SLO p99 < 1ms"),
        (
            |r| r.run.stopped = Some("50 % of the requests failed".into()),
            "the run was completed",
        ),
        (|r| r.totals.requests = 0, "the run was completed"),
        (
            |r| r.writes.as_mut().unwrap().left = 3,
            "created records were deleted",
        ),
        (
            |r| r.problems.push("\u{1b}[31m & <disk>".into()),
            "the run had no problems",
        ),
        (|_| {}, ""),
    ];
    for (change, expected) in changes {
        let mut report = sample();
        crate::report::recompute(&mut report);
        report.slos[0].held = true;
        report.writes = Some(crate::report::Writes::default());
        report.problems.clear();
        change(&mut report);
        let [_, failed, error, skipped] = cases(&junit(&report));
        assert_eq!(report.exit_code() != 0, !failed.is_empty(), "{expected}");
        assert_eq!(failed.first().map_or("", |name| name), expected);
        assert!(error.is_empty() && skipped.is_empty());
        report.generator.verdict = Verdict::GeneratorSaturated;
        let [.., skipped] = cases(&junit(&report));
        assert_eq!(skipped, ["the figures reflect the target"]);
    }
}

#[test]
fn comparisons_show_every_operation_in_each_format() {
    use crate::compare::{Comparison, Difference, OperationComparison, Verdict as Change};
    let row = |name: &str, verdict| OperationComparison {
        name: name.into(),
        requests: (100, 120),
        p50: Some(Difference {
            before: 20_000.0,
            after: 60_000.0,
            change: 2.0,
            low: 1.5,
            high: 2.6,
        }),
        p99: None,
        errors: (0.0, 0.25),
        verdict,
        needed: None,
    };
    let comparison = Comparison {
        all: row("all requests", Change::Undecided),
        operations: vec![
            row("list:<Account>", Change::Worse),
            row("read:Lead", Change::Better),
            row("read:Call", Change::Undecided),
        ],
        runs: (3, 3),
        lag_change: (0.0, 0.0),
        objections: vec!["different load: 4 and 8 workers".into()],
        threshold: 0.05,
    };
    for text in [
        comparison_table(&comparison),
        comparison_markdown(&comparison),
        comparison_html(&comparison),
        comparison_junit(&comparison),
    ] {
        for name in ["all requests", "Account", "read:Lead", "read:Call"] {
            assert!(text.contains(name), "{name} in {text}");
        }
    }
    let page = comparison_html(&comparison);
    assert!(page.contains("list:&lt;Account&gt;") && page.contains("+200.0 % [+150.0, +260.0]"));
    assert!(page.contains("Not comparable: different load"));
    let [passed, failed, error, skipped] = cases(&comparison_junit(&comparison));
    assert_eq!(passed, ["read:Lead is not slower"]);
    assert_eq!(failed, ["list:<Account> is not slower"]);
    assert_eq!(error, ["all requests is not slower"]);
    assert_eq!(skipped, ["read:Call is not slower"]);
}

#[test]
fn capacity_names_saturation_disagreement_and_the_recommended_load() {
    let mut report = sample();
    let probe = |load: f64, rate: f64, held: bool| Probe {
        load,
        rate,
        held,
        ..report.capacity[0].clone()
    };
    report.capacity = vec![
        probe(45.0, 800.0, true),
        probe(68.0, 812.0, true),
        probe(94.0, 805.0, true),
        probe(94.0, 801.0, false),
        probe(94.0, 809.0, true),
    ];
    let result = crate::report::CapacityResult {
        load: Some(94.0),
        recommended: Some(45.0),
        saturated_from: Some(45.0),
        saturated_rate: Some(800.0),
        ended: "the next higher load tested missed the SLOs".into(),
    };
    let line = capacity_line(&result, true);
    assert!(line.starts_with("capacity: 94 workers; "), "{line}");
    report.capacity_result = Some(result);
    for text in [line.clone(), table(&report), html(&report)] {
        let text = text.to_lowercase();
        assert!(text.contains("throughput stops growing at 45"), "{text}");
    }
    assert!(line.contains("recommended: 45 workers"), "{line}");
    for text in [table(&report), html(&report)] {
        let text = text.to_lowercase();
        assert!(
            text.contains("probes at the same load disagree at 94.0 (2 of 3 met the slos)"),
            "{text}"
        );
    }
    let result = report.capacity_result.as_mut().unwrap();
    result.ended = "the search ended after 100 probes".into();
    assert!(html(&report).contains("The search ended after 100 probes."));
    assert!(table(&report).contains("capacity: 94 workers; the search ended after 100 probes"));
}

#[test]
fn caveats_of_slos_are_in_every_form_for_readers() {
    let mut report = sample();
    let caveat = "the slowest of 20 requests, because p99.9 needs 1,000";
    report.slos[0].held = true;
    report.slos[0].caveat = Some(caveat.to_owned());
    for (form, text) in [
        ("table", table(&report)),
        ("html", html(&report)),
        ("markdown", markdown(&report)),
        ("junit", junit(&report)),
        ("json", report.to_json()),
        ("warnings", warnings(&report).join("\n")),
    ] {
        assert!(text.contains(caveat), "{form}: {text}");
    }
    assert!(html(&report).contains("With restrictions: "));
}
