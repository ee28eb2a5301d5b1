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
fn reports_round_trip_and_the_schema_is_current() {
    let report = sample();
    assert_eq!(Report::from_json(&report.to_json()).unwrap(), report);
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(Report)).unwrap() + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/report-1.json");
    if std::env::var_os("ESPO_BENCH_WRITE_SCHEMA").is_some() {
        std::fs::write(path, &schema).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(
        kept == schema,
        "the schema has changed: run this test with ESPO_BENCH_WRITE_SCHEMA=1, and raise FORMAT_VERSION if old readers would misread"
    );
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
    let tones = sentences(&report);
    assert!(
        tones.iter().all(|(tone, _)| *tone != Tone::Bad),
        "{tones:?}"
    );
    assert!(!said(&report).join("\n").contains("not saturated"));
}
