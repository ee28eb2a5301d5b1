//! Files of earlier versions remain readable.

use std::path::{Path, PathBuf};

use espo_bench::{Report, Verdict, Workload, compare, output, read_ledger};

/// Directories, one per version.
const VERSIONS: [&str; 1] = ["0.1.0"];

fn folder(version: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/earlier");
    tests.join(version)
}

#[test]
fn reports_of_earlier_versions_can_be_used() {
    for version in VERSIONS {
        for (file, requests) in [
            ("closed.json", 30),
            ("open.json", 20),
            ("capacity.json", 20),
        ] {
            let path = folder(version).join(file);
            let mut report = Report::load(&path).unwrap();
            assert!(report.totals.requests >= requests, "{version} {file}");
            for form in [
                output::table,
                output::html,
                output::markdown,
                output::csv,
                output::prometheus,
            ] {
                assert!(form(&report).len() > 200, "{version} {file}");
            }
            report.check(&["list.p99 < 10s".parse().unwrap()]);
            assert!(report.slos[0].held, "{version} {file}");
            let again = Report::from_json(&report.to_json()).unwrap();
            assert_eq!(again, report, "{version} {file}");
            let forced = espo_bench::CompareOptions {
                force: true,
                ..Default::default()
            };
            let comparison = compare(&report, &report, forced);
            if let Ok(comparison) = comparison {
                assert_eq!(comparison.all.verdict, Verdict::Undecided);
            }
        }
        let search = Report::load(&folder(version).join("capacity.json")).unwrap();
        let loads = search.capacity_loads();
        assert_eq!(loads.len(), 2);
        assert!(loads[0].is_met() && !loads[1].is_met());
        let table = output::table(&search);
        assert!(
            table.contains("30.0") && table.contains("MISSED"),
            "{table}"
        );
    }
}

#[test]
fn ledgers_and_workloads_of_earlier_versions_can_be_read() {
    for version in VERSIONS {
        let (head, left) = read_ledger(&folder(version).join("run.ledger")).unwrap();
        assert_eq!(head.ledger, 1);
        assert!(!left.is_empty() && left.iter().all(|l| l.entity == "Account"));
        let workload = folder(version).join("workload.toml");
        let workload = Workload::load(workload.to_str().unwrap()).unwrap();
        assert_eq!(workload.name, "old");
        assert!(workload.think().is_some());
    }
}
