//! The application against the simulator, which serves the same schema as the instance.

use std::path::Path;

use crm::prelude::*;
use crm_sync::{AccountRow, ContactRow, OpportunityRow, Store, SyncError, remove_deleted, sync};
use espo_sim::{FaultKind, FaultRule, Operation, Sim, When};
use serde_json::json;

const ACCOUNTS: usize = 450;

/// A server with more accounts than two pages have, and a database that does not exist yet.
async fn setup() -> (Sim, Client, tempfile::TempDir) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sim = Sim::builder()
        .metadata(here.join("../../metadata"))
        .metadata(here.join("custom"))
        .start()
        .await
        .expect("the server starts");
    for number in 0..ACCOUNTS {
        insert(
            &sim,
            "Account",
            json!({"name": format!("Account {number}"), "cRegion": "North"}),
        );
    }
    let crm = Client::builder(sim.url())
        .auth(Auth::api_key(sim.api_key()))
        .build()
        .expect("a client");
    (sim, crm, tempfile::tempdir().expect("a directory"))
}

fn insert(sim: &Sim, entity_type: &str, record: serde_json::Value) -> String {
    let record = record.as_object().expect("an object");
    sim.insert(entity_type, record).expect("a record")
}

fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(folder.path().join("crm.sqlite")).expect("a database")
}

#[tokio::test]
async fn all_records_and_later_changes_are_copied() {
    let (sim, crm, folder) = setup().await;
    let mut store = open(&folder);
    let contact = json!({"lastName": "Doe", "emailAddress": "jane@example.com"});
    let id = insert(&sim, "Contact", contact);
    let summary = sync(&crm, &mut store).await.expect("a run");
    assert_eq!(summary.written, ACCOUNTS as u64 + 1);
    assert_eq!(store.count::<AccountRow>().expect("a count"), ACCOUNTS);
    assert_eq!(store.count::<OpportunityRow>().expect("a count"), 0);
    assert_eq!(
        store
            .value::<ContactRow>(&id, "email")
            .expect("a row")
            .as_deref(),
        Some("jane@example.com")
    );

    let patch = ContactPatch::new().email_address("doe@example.com");
    crm.update(Id::<Contact>::new(&id), patch)
        .await
        .expect("an update");
    let deal = insert(
        &sim,
        "Opportunity",
        json!({"name": "Deal", "amount": "10000.10", "amountCurrency": "USD", "closeDate": "2026-12-31"}),
    );
    // A new process, as after a restart.
    let mut store = open(&folder);
    sync(&crm, &mut store).await.expect("a run");
    assert_eq!(
        store
            .value::<ContactRow>(&id, "email")
            .expect("a row")
            .as_deref(),
        Some("doe@example.com")
    );
    let amount = store
        .value::<OpportunityRow>(&deal, "amount")
        .expect("a row")
        .expect("an amount");
    assert_eq!(
        amount.parse::<Decimal>().expect("a number"),
        "10000.10".parse::<Decimal>().expect("a number")
    );
    assert_eq!(store.count::<AccountRow>().expect("a count"), ACCOUNTS);
}

#[tokio::test]
async fn an_interrupted_run_is_continued() {
    let (sim, crm, folder) = setup().await;
    let mut store = open(&folder);
    // The first request asks for records without a time of change, the second for the first page. The third fails
    // permanently, because this status is not retried.
    sim.set_faults(vec![FaultRule {
        operation: Operation::List,
        when: When::Sequence(vec![3]),
        kind: FaultKind::Status {
            status: 400,
            body: None,
            retry_after: None,
        },
    }]);
    let failed = sync(&crm, &mut store).await;
    assert!(matches!(failed, Err(SyncError::Crm(_))), "{failed:?}");
    let kept = store.count::<AccountRow>().expect("a count");
    assert!(kept > 0 && kept < ACCOUNTS, "{kept} accounts");

    sim.set_faults(Vec::new());
    let mut store = open(&folder);
    sync(&crm, &mut store).await.expect("a run");
    assert_eq!(store.count::<AccountRow>().expect("a count"), ACCOUNTS);
}

#[tokio::test]
async fn transient_faults_do_not_affect_the_copy() {
    for kind in [
        FaultKind::Reset,
        FaultKind::Maintenance,
        FaultKind::ResetInBody(0.5),
        FaultKind::Status {
            status: 503,
            body: None,
            retry_after: Some(0),
        },
    ] {
        let (sim, crm, folder) = setup().await;
        sim.set_faults(vec![FaultRule {
            operation: Operation::List,
            when: When::Sequence(vec![1, 3]),
            kind: kind.clone(),
        }]);
        let mut store = open(&folder);
        sync(&crm, &mut store)
            .await
            .unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert_eq!(
            store.count::<AccountRow>().expect("a count"),
            ACCOUNTS,
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn only_a_complete_sweep_removes_deleted_records() {
    let (sim, crm, folder) = setup().await;
    let mut store = open(&folder);
    let gone = insert(&sim, "Account", json!({"name": "Gone"}));
    sync(&crm, &mut store).await.expect("a run");
    crm.delete(Id::<Account>::new(&gone))
        .await
        .expect("deleted");

    sim.set_faults(vec![FaultRule {
        operation: Operation::List,
        when: When::Sequence(vec![2]),
        kind: FaultKind::Status {
            status: 400,
            body: None,
            retry_after: None,
        },
    }]);
    assert!(remove_deleted(&crm, &mut store).await.is_err());
    assert_eq!(store.count::<AccountRow>().expect("a count"), ACCOUNTS + 1);

    sim.set_faults(Vec::new());
    assert_eq!(remove_deleted(&crm, &mut store).await.expect("a sweep"), 1);
    assert!(store.value::<AccountRow>(&gone, "name").is_err());
    assert_eq!(store.count::<AccountRow>().expect("a count"), ACCOUNTS);
}

#[tokio::test]
async fn options_that_are_added_later_are_copied() {
    let (sim, crm, folder) = setup().await;
    let mut store = open(&folder);
    let id = insert(
        &sim,
        "Account",
        json!({"name": "Far away", "cRegion": "Overseas"}),
    );
    let summary = sync(&crm, &mut store).await.expect("a run");
    assert_eq!(summary.rejected, Vec::<String>::new());
    assert_eq!(
        store
            .value::<AccountRow>(&id, "region")
            .expect("a row")
            .as_deref(),
        Some("Overseas")
    );
}
