//! Reports with hostile content.

use serde_json::{Value, json};

use crate::cli::{accounts, bench, folder_with};
use crate::hostile::{EVIL, hidden, run};
use crate::support::Behaviour;

const LISTS: &str = "[[operation]]\nkind = \"list\"\nentity = \"Account\"\n";

/// A report can come from elsewhere, such as an artefact of a CI system.
#[test]
fn strings_of_a_report_are_escaped_in_every_output() {
    let server = accounts(Behaviour {
        status: Some(500),
        ..Behaviour::default()
    });
    let folder = folder_with(LISTS);
    let line = format!(
        "run w.toml --url {} --requests 20 --tag-requests --max-error-share 1 --slo p99<1s --json r.json",
        server.url
    );
    run(&mut bench(folder.path(), &line));
    let report = std::fs::read_to_string(folder.path().join("r.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let evil = format!(
        "</title></script><script>alert(1)</script>\"'`$(touch pwned)|{EVIL}\n::error::z\r\n# HELP x"
    );
    let mut spoiled = report.clone();
    spoil(&mut spoiled, &evil);
    assert_ne!(spoiled, report);
    std::fs::write(folder.path().join("evil.json"), spoiled.to_string()).unwrap();
    for (line, is_page) in [
        ("report evil.json", false),
        ("report evil.json --html -", true),
        ("report evil.json --markdown -", false),
        ("report evil.json --csv -", false),
        ("report evil.json --prometheus -", false),
        ("report evil.json --junit -", false),
        ("compare evil.json evil.json --force", false),
        ("compare evil.json evil.json --force --html -", true),
        ("compare evil.json evil.json --force --markdown -", false),
        ("compare evil.json evil.json --force --junit -", false),
        ("trend evil.json evil.json", false),
        ("trend evil.json evil.json --html -", true),
        ("trend evil.json evil.json --csv -", false),
        ("merge evil.json", false),
    ] {
        let ran = run(&mut bench(folder.path(), line));
        assert!(
            matches!(ran.code, Some(0 | 1 | 2 | 4)),
            "{line}: {}",
            ran.said
        );
        assert_eq!(hidden(&ran.said), None, "{line}: {:?}", ran.said);
        if line.contains("--csv") || line.contains("--junit") {
            // Quoted text may contain line breaks.
            continue;
        }
        if is_page {
            // The page contains the workload file, which has several lines. Failures are on standard error as plain
            // text.
            let is_page =
                |line: &&str| !line.starts_with("espo-bench: ") && !line.starts_with("warning: ");
            let page: String = ran.said.lines().filter(is_page).collect();
            assert!(!page.contains("<script>alert"), "{line}");
            assert!(!page.contains("</title></script>"), "{line}");
        } else {
            assert!(!ran.said.contains("\n::error::"), "{line}: {}", ran.said);
            assert!(!ran.said.contains("\n# HELP x"), "{line}: {}", ran.said);
        }
    }
}

/// Inserts hostile content into every string of a report that a command shows and does not interpret.
fn spoil(value: &mut Value, evil: &str) {
    const INTERPRETED: [&str; 12] = [
        "format",
        "histogram",
        "unit",
        "outcome",
        "kind",
        "verdict",
        "decode",
        "type",
        "model",
        "arrivals",
        "stopped_by",
        "blocks",
    ];
    match value {
        Value::String(text) => *text = evil.to_owned(),
        Value::Array(all) => all.iter_mut().for_each(|v| spoil(v, evil)),
        Value::Object(all) => {
            if let Some(records) = all.get_mut("records").and_then(Value::as_object_mut) {
                records.insert(evil.to_owned(), json!(3));
            }
            for (key, value) in all.iter_mut() {
                if !INTERPRETED.contains(&key.as_str()) {
                    spoil(value, evil);
                }
            }
        }
        _ => {}
    }
}
