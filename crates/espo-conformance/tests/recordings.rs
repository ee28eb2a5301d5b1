//! Compares the simulator with recorded exchanges of real servers. The test fails for new differences and for known
//! differences that no longer occur. `ESPO_RECORDINGS_WRITE=1` writes the lists of known differences; each needs a reason.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use espo_conformance::{Comparison, Differential, Recording};
use espo_schema::Schema;
use espo_sim::{Sim, Version};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recordings")
}

async fn replay(name: &str, schema: Schema) -> Comparison {
    let recording = Recording::load(&fixtures().join(format!("{name}.jsonl"))).unwrap();
    let header = &recording.header;
    let version: Version = header.version.parse().unwrap();
    let sim = Sim::builder()
        .schema(schema)
        .version(version)
        .users(serde_json::from_value(header.users.clone()).unwrap())
        .settings(header.settings.as_object().cloned().unwrap_or_default())
        .clock(jiff::Timestamp::from_second(header.from).unwrap())
        .start()
        .await
        .unwrap();
    Differential::replay(&recording, sim.url()).await.unwrap()
}

/// The position of a difference without record IDs, which some keys contain and which differ in each run.
fn without_ids(place: &str) -> String {
    let is_id = |part: &str| part.len() == 17 && part.bytes().all(|b| b.is_ascii_hexdigit());
    let parts = place.split('_');
    parts
        .map(|part| if is_id(part) { "ID" } else { part })
        .collect::<Vec<_>>()
        .join("_")
}

/// One line per cause: score, operation and position, followed by the reason in the file.
fn check(name: &str, report: &Comparison) {
    let path = fixtures().join(format!("{name}.known.txt"));
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let known: BTreeSet<&str> = known
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(" — ").next())
        .filter(|line| !line.is_empty())
        .collect();
    let found: BTreeSet<String> = report
        .causes
        .iter()
        .map(|c| format!("{:?} | {} | {}", c.score, c.operation, without_ids(&c.at)))
        .collect();
    if std::env::var_os("ESPO_RECORDINGS_WRITE").is_some() {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let reason = |key: &str| {
            let mut lines = text.lines();
            lines.find(|line| line.split(" — ").next() == Some(key))
        };
        let lines: Vec<&str> = found.iter().map(|f| reason(f).unwrap_or(f)).collect();
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        return;
    }
    let new: Vec<_> = found
        .iter()
        .filter(|f| !known.contains(f.as_str()))
        .collect();
    let gone: Vec<_> = known.iter().filter(|k| !found.contains(**k)).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "{name}: new differences {new:#?}\ngone {gone:#?}\n{}",
        report.text()
    );
    assert!(report.requests >= 200, "{}", report.requests);
}

#[tokio::test]
async fn recorded_exchanges_of_9_3_differ_only_where_known() {
    let report = replay("9.3", Schema::stock_9_3().clone()).await;
    check("9.3", &report);
}

#[tokio::test]
async fn recorded_exchanges_of_10_0_differ_only_where_known() {
    let report = replay("10.0", Schema::stock().clone()).await;
    check("10.0", &report);
}
