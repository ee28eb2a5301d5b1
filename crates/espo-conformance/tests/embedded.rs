//! Runs the suite against the embedded server.

use std::collections::BTreeMap;

use espo_conformance::{Error, Report, Suite, Users, Verdict};
use espo_sim::{Sim, Version};

/// Checks that the embedded server is known to fail, with the versions and the reason. The test fails for entries that
/// no longer apply.
const KNOWN: &[(&str, &[Version], &str)] = &[];

fn users(sim: &Sim) -> Users {
    Users::from_declaration(&serde_json::to_value(sim.users()).unwrap())
}

async fn report(sim: &Sim) -> Report {
    Suite::new(sim.url(), users(sim))
        .change_settings(true)
        .run(std::future::pending())
        .await
        .unwrap()
}

/// Number of records by type that are not deleted, without the server's internal records.
fn records(sim: &Sim) -> BTreeMap<&'static str, usize> {
    let types = [
        "Account",
        "Attachment",
        "CSample",
        "Call",
        "Campaign",
        "Case",
        "Contact",
        "Document",
        "KnowledgeBaseArticle",
        "KnowledgeBaseCategory",
        "Lead",
        "Meeting",
        "Opportunity",
        "TargetList",
        "Task",
        "Team",
        "User",
        "Webhook",
    ];
    types
        .into_iter()
        .map(|entity| (entity, sim.count(entity)))
        .collect()
}

/// Runs the suite against one version of the simulator. Exactly the checks of other versions must be skipped.
async fn holds_as(version: Version) {
    let stock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../metadata");
    let custom = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/custom.json");
    let sim = Sim::builder()
        .metadata(stock)
        .metadata(custom)
        .version(version)
        .start()
        .await
        .unwrap();
    let before = records(&sim);
    let report = report(&sim).await;
    let all = Suite::behaviours();
    assert_eq!(report.behaviours.len(), all.len());
    assert!(all.len() >= 650, "{} behaviours", all.len());

    let names = |pick: fn(&Verdict) -> bool| -> Vec<&str> {
        let picked = report
            .behaviours
            .iter()
            .filter(|finding| pick(&finding.verdict));
        picked.map(|finding| finding.name.as_str()).collect()
    };
    // In both directions: an entry that no longer differs does not belong in the list.
    let known: Vec<&str> = KNOWN
        .iter()
        .filter(|(_, versions, _)| versions.contains(&version))
        .map(|(name, ..)| *name)
        .collect();
    let differs = names(|verdict| matches!(verdict, Verdict::Differs(_)));
    assert_eq!(differs, known, "{}", report.text());
    let others: Vec<&str> = all
        .iter()
        .filter(|(_, versions)| !versions.contains(version.number()))
        .map(|(name, _)| name.as_str())
        .collect();
    let skipped = names(|verdict| matches!(verdict, Verdict::Skipped { .. }));
    assert_eq!(skipped, others, "{}", report.text());

    assert_eq!(report.left_behind, [] as [String; 0]);
    assert_eq!(records(&sim), before);
}

#[tokio::test]
async fn all_checks_of_9_3_pass_and_no_records_remain() {
    holds_as(Version::V9_3).await;
}

#[tokio::test]
async fn all_checks_of_10_0_pass_and_no_records_remain() {
    holds_as(Version::V10_0).await;
}

#[tokio::test]
async fn a_stopped_run_cleans_up() {
    let sim = Sim::start().await.unwrap();
    let before = records(&sim);
    // Stops within the topic that creates the most records, while a request is in flight.
    let busy = async {
        while sim.count("Opportunity") < 3 {
            tokio::task::yield_now().await;
        }
    };
    let report = Suite::new(sim.url(), users(&sim))
        .only("search")
        .run(busy)
        .await
        .unwrap();
    assert!(report.interrupted);
    assert_eq!(report.left_behind, [] as [String; 0]);
    assert_eq!(records(&sim), before);
}

#[tokio::test]
async fn checks_without_their_user_are_skipped() {
    let sim = Sim::start().await.unwrap();
    let alone = Users {
        api: users(&sim).api,
        ..Users::default()
    };
    let report = Suite::new(sim.url(), alone)
        .only("deletion")
        .run(std::future::pending())
        .await
        .unwrap();
    let why = report.behaviours.iter().find_map(|f| match &f.verdict {
        Verdict::Skipped { why } if f.name == "deletion.restored-by-an-administrator" => {
            Some(why.as_str())
        }
        _ => None,
    });
    assert_eq!(why, Some("no credentials given for an administrator"));
}

#[tokio::test]
async fn differences_report_request_expected_and_actual_value() {
    let sim = Sim::start().await.unwrap();
    // The first delete fails, so that it cannot return `true`.
    sim.set_faults(vec!["delete:first 1:status 500".parse().unwrap()]);
    let report = Suite::new(sim.url(), users(&sim))
        .only("envelope.delete-is-true")
        .run(std::future::pending())
        .await
        .unwrap();
    let Verdict::Differs(how) = &report.behaviours[0].verdict else {
        panic!("{}", report.text())
    };
    assert!(how.request.starts_with("DELETE Account/"), "{how}");
    assert_eq!(
        (how.what.as_str(), &how.expected),
        ("status", &serde_json::json!(200))
    );
    assert_eq!(how.got, "500");
    assert!(!report.is_clean());
}

#[tokio::test]
async fn invalid_input_and_unreachable_servers_are_errors() {
    let sim = Sim::start().await.unwrap();
    let run = |url: String, users: Users, only: &'static str| async move {
        let suite = if only.is_empty() {
            Suite::new(url, users)
        } else {
            Suite::new(url, users).only(only)
        };
        suite.run(std::future::pending()).await.unwrap_err()
    };
    let nobody = run(sim.url(), Users::default(), "").await;
    assert!(
        matches!(&nobody, Error::Usage(what) if what.contains("ESPO_API_KEY")),
        "{nobody}"
    );
    let unknown = run(sim.url(), users(&sim), "no-such").await;
    assert!(
        matches!(&unknown, Error::Usage(what) if what.contains("envelope")),
        "{unknown}"
    );
    // The discard port, on which no server listens.
    let silent = run("http://127.0.0.1:9".to_owned(), users(&sim), "").await;
    assert!(matches!(silent, Error::Unreachable(_)), "{silent}");
    let variable = |name: &str| (name == "ESPO_API_KEY").then(|| "0".repeat(32));
    let refused = run(sim.url(), Users::from_environment(variable), "").await;
    assert!(matches!(refused, Error::Refused(_)), "{refused}");
}

#[test]
fn names_are_unique_and_versions_are_in_order() {
    let behaviours = Suite::behaviours();
    let mut names: Vec<&str> = behaviours.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
    for (name, versions) in &behaviours {
        let ordered = match (versions.since, versions.until) {
            (Some(since), Some(until)) => since <= until,
            _ => true,
        };
        assert!(ordered, "{name}: {versions}");
    }
}
