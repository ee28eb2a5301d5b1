//! Files that the load tester reads.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use espo_bench::{
    CompareOptions, K8sOptions, Report, Slo, SlurmOptions, TrendOptions, Workload, compare, k8s,
    merge, output, slurm, trend,
};

/// Workloads, and the manifest and script that contain them.
pub(crate) fn workload(data: &[u8]) {
    let Some(text) = crate::text(data) else {
        return;
    };
    // Durations, SLOs and times are options of the command line too.
    let first = text.lines().next().unwrap_or_default();
    let _ = espo_bench::parse_duration(first);
    let _ = espo_bench::parse_time(first);
    let _ = Slo::from_str(first);
    let _ = espo_sim::FaultRule::from_str(first);
    // A workload may name a file, and some files of a system never end.
    if text.contains("/dev") || text.contains("/proc") {
        return;
    }
    let empty = Path::new("/nonexistent");
    let Ok(workload) = Workload::parse("fuzz.toml", text, empty) else {
        return;
    };
    let args = vec!["--allow-writes".to_owned(), "crm.example.com".to_owned()];
    let manifest = k8s(
        &workload,
        &K8sOptions {
            name: "load".into(),
            image: "espo-tools".into(),
            program: "espo-bench".into(),
            url: "https://crm.example.com".into(),
            shards: 2,
            secret: "espocrm".into(),
            start_at: "2999-01-01T00:00:00Z".into(),
            namespace: "default".into(),
            deadline: Duration::from_secs(60),
            time_to_live: Duration::from_secs(60),
            args: args.clone(),
        },
    );
    if let Ok(manifest) = manifest {
        let starts = manifest.lines().filter(|line| line.starts_with("kind:"));
        assert_eq!(starts.count(), 2, "{manifest}");
    }
    let script = slurm(
        &workload,
        &SlurmOptions {
            name: "load".into(),
            program: "espo-bench".into(),
            url: "https://crm.example.com".into(),
            shards: 2,
            cpus: 1,
            time_limit: Duration::from_secs(60),
            partition: None,
            wait: Duration::from_secs(60),
            args,
        },
    );
    if let Ok(script) = script {
        // The file is between two equal delimiters, and the script continues after them. With control characters, it is
        // quoted instead.
        let end = script
            .lines()
            .find_map(|line| line.strip_suffix('\'')?.split_once("<<'"))
            .map(|(_, end)| end.to_owned());
        match end {
            Some(end) => assert_eq!(script.lines().filter(|line| **line == *end).count(), 1),
            None => assert!(script.contains("printf '%s' "), "{script}"),
        }
    }
}

/// Reports: renders every output format of each report that can be read.
pub(crate) fn report(data: &[u8]) {
    let Some(text) = crate::text(data) else {
        return;
    };
    let Ok(report) = Report::from_json(text) else {
        return;
    };
    let again = Report::from_json(&report.to_json()).expect("what was written can be read");
    assert_eq!(again.to_json(), report.to_json());
    let page = output::html(&report);
    assert!(!page.contains("<script"), "the report has no script");
    let _ = output::table(&report);
    let _ = output::markdown(&report);
    let _ = output::csv(&report);
    for line in output::prometheus(&report).lines() {
        assert!(
            line.starts_with('#') || line.starts_with("espo_bench_"),
            "{line:?}"
        );
    }
    let _ = report.exit_code();
    let options = CompareOptions {
        force: true,
        ..CompareOptions::default()
    };
    if let Ok(comparison) = compare(&report, &again, options) {
        let _ = output::comparison_table(&comparison);
        let _ = output::comparison_markdown(&comparison);
    }
    let trend = trend(
        &[
            ("a".to_owned(), report.clone()),
            ("b".to_owned(), again.clone()),
        ],
        TrendOptions::default(),
    );
    let _ = output::trend_text(&trend);
    let _ = output::trend_csv(&trend);
    let _ = merge(vec![report, again]);
}

/// Ledgers after a crash.
pub(crate) fn ledger(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("run.ledger");
    std::fs::write(&path, data).expect("written");
    let Ok((head, left)) = espo_bench::read_ledger(&path) else {
        return;
    };
    assert_eq!(head.ledger, 1);
    assert!(left.len() <= data.len());
    for record in left {
        assert_ne!(record.id.is_some(), record.marker.is_some());
    }
}
