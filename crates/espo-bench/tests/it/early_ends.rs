//! Runs that end before their time: failed setups, signals, SLOs that cannot be met, too many errors.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::cli::{accounts, bench, folder_with};
use crate::recovery::wait_for;
use crate::support::Behaviour;
use crate::support::evil::Act;
use crate::usage::out;

const READS: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";
const CREATES: &str = "[[operation]]\nkind = \"create\"\nentity = \"Account\"\n";

#[test]
fn failed_setups_leave_no_records() {
    let folder = folder_with(&format!("[setup]\nrecords = {{ Contact = 30 }}\n{READS}"));
    let server = accounts(Behaviour {
        creates: Some(20 + 12),
        ..Behaviour::default()
    });
    let line = format!("run w.toml --url {} --requests 5", server.url);
    let (code, said) = out(&mut bench(folder.path(), &line));
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("cannot create Contact records for the setup"),
        "{said}"
    );
    assert!(!said.contains("are left"), "{said}");
    assert!(server.ids("Contact").is_empty());
    let ledgers = std::fs::read_dir(folder.path()).unwrap().flatten();
    assert!(ledgers.into_iter().all(|f| f.file_name() == "w.toml"));
}

/// CI systems and Kubernetes end a job with SIGTERM.
#[cfg(unix)]
#[test]
fn sigterm_cleans_up_like_ctrl_c() {
    for signal in ["TERM", "INT"] {
        let folder = folder_with(CREATES);
        let server = accounts(Behaviour::default());
        let line = format!(
            "run w.toml --url {} --concurrency 2 --duration 10m --tag-requests --json r.json",
            server.url
        );
        let child = bench(folder.path(), &line)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for("nothing was sent", || server.seen().len() >= 20);
        crate::recovery::signal(&child, signal);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{signal}: {said}");
        assert!(
            said.contains("STOPPED EARLY: interrupted"),
            "{signal}: {said}"
        );
        assert_eq!(server.ids("Account").len(), 20, "{signal}: {said}");
        assert!(folder.path().join("r.json").exists());
    }
}

#[test]
fn hopeless_runs_stop_if_requested() {
    let folder = folder_with(READS);
    let server = accounts(Behaviour {
        delay: Some(std::sync::Arc::new(|_: &str, _| Duration::from_millis(10))),
        ..Behaviour::default()
    });
    for load in [
        "--rate 50 --duration 20s",
        "--concurrency 4 --duration 10s",
        "--concurrency 4 --requests 1000",
    ] {
        let line = format!(
            "run w.toml --url {} {load} --tag-requests --abort-when-hopeless --json r.json --slo",
            server.url
        );
        let (code, said) = out(bench(folder.path(), &line).arg("list.p90 < 1ms"));
        assert_eq!(code, 1, "{said}");
        assert!(
            said.contains("SLO 'list.p90 < 1ms' can no longer be met"),
            "{load}: {said}"
        );
        assert!(said.contains("MISSED"), "{said}");
        let text = std::fs::read(folder.path().join("r.json")).unwrap();
        let report: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(report["run"]["stopped_by"], "slo", "{load}");
    }
}

/// While a run lasts, it is stopped only after 50 requests.
#[test]
fn short_runs_with_too_many_errors_exit_with_1() {
    let act = Arc::new(Act::response("503 X", "", b""));
    let count = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let server = accounts(Behaviour {
        evil: Some(Arc::new(move |_: &str, is_load| {
            let number = is_load.then(|| count.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
            number.is_some_and(|n| n % 4 == 0).then(|| Arc::clone(&act))
        })),
        ..Behaviour::default()
    });
    let folder = folder_with(READS);
    for (share, expected) in [("0", 1), ("0.2", 1), ("0.25", 0), ("1", 0)] {
        let line = format!(
            "run w.toml --url {} --requests 8 --tag-requests --max-error-share {share} --junit r.xml",
            server.url
        );
        let (code, said) = out(&mut bench(folder.path(), &line));
        assert_eq!(code, expected, "{share}: {said}");
        let failed = said.contains("2 of 8 requests failed, more than the allowed");
        assert_eq!(failed, expected == 1, "{share}: {said}");
        let junit = std::fs::read_to_string(folder.path().join("r.xml")).unwrap();
        assert_eq!(
            junit.contains("more than the allowed"),
            expected == 1,
            "{junit}"
        );
    }
}
