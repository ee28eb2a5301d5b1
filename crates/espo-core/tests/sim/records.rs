//! Records: operations other than create and read, and bulk writes.

use espo_core::typed::{Id, Upserted, Write, Written};
use espo_core::{Client, JsonObject, WhereItem};
use espo_sim::{FaultKind, FaultRule, Latency, Operation, Sim};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use crate::{admin, client, create, object, read, start};

#[tokio::test]
async fn administrators_restore_deleted_records() {
    let (sim, crm) = start().await;
    let id = create(&crm, "Account", json!({"name": "A"})).await;
    let accounts = crm.untyped("Account");
    accounts.delete(Id::new(&id)).await.unwrap();
    assert_eq!(accounts.read_opt(Id::new(&id)).await.unwrap(), None);
    let error = accounts.restore(Id::new(&id)).await.unwrap_err();
    assert!(error.is_forbidden(), "{error}");

    let boss = admin(&sim);
    boss.untyped("Account").restore(Id::new(&id)).await.unwrap();
    assert_eq!(read(&crm, "Account", &id).await["name"], "A");
    let error = boss.untyped("Account").restore(Id::new(&id)).await;
    // 403 before EspoCRM 10.0, 409 since.
    let status = error.unwrap_err().status().unwrap().as_u16();
    assert!([403, 409].contains(&status), "it is not deleted: {status}");
}

#[tokio::test]
async fn duplicates_are_created_on_request_and_copies_name_their_source() {
    let (sim, crm) = start().await;
    let first = create(&crm, "Account", json!({"name": "A"})).await;
    let again = || crm.untyped("Account").create(object(json!({"name": "A"})));
    assert!(again().send().await.unwrap_err().is_duplicate());
    again().skip_duplicate_check().await.unwrap();
    again()
        .duplicate_of(Id::new(&first))
        .skip_duplicate_check()
        .await
        .unwrap();
    assert_eq!(sim.count("Account"), 3);
    let patch = object(json!({"website": "https://w.example"}));
    let update = crm.untyped("Account").update(Id::new(&first), patch);
    update.skip_duplicate_check().await.unwrap();
    assert_eq!(
        read(&crm, "Account", &first).await["website"],
        "https://w.example"
    );
}

#[tokio::test]
async fn concurrent_upserts_create_one_record() {
    let (sim, crm) = start().await;
    // All tasks search before any of them creates the record.
    let late = FaultKind::Latency(Latency::Constant(std::time::Duration::from_millis(50)));
    sim.set_faults(vec![FaultRule::always(Operation::Create, late)]);
    let record = |n: usize| object(json!({"name": "Same", "sicCode": n.to_string()}));
    let accounts = crm.untyped("Account");
    let all = stream::iter(0..8).map(|n| accounts.upsert(["name"], record(n)).send());
    let all: Vec<Upserted<JsonObject>> = all.buffer_unordered(8).try_collect().await.unwrap();
    assert_eq!(all.iter().filter(|one| one.is_created()).count(), 1);
    assert_eq!(sim.count("Account"), 1);

    let error = accounts.upsert(["sicCode"], object(json!({"name": "B"})));
    let error = error.await.unwrap_err().to_string();
    assert!(error.contains("is not set in the record"), "{error}");
    let second = accounts.create(object(json!({"name": "Same"})));
    second.skip_duplicate_check().await.unwrap();
    let error = accounts.upsert(["name"], record(9)).await.unwrap_err();
    assert!(error.to_string().contains("more than one"), "{error}");
}

#[tokio::test]
async fn many_writes_return_their_outcomes_in_order() {
    let (sim, crm) = start().await;
    // The earlier a write, the later its response: the order must come from the stream.
    let late = |number: u64, millis| FaultRule {
        operation: Operation::Create,
        when: espo_sim::When::Sequence(vec![number]),
        kind: FaultKind::Latency(Latency::Constant(std::time::Duration::from_millis(millis))),
    };
    let kept = create(&crm, "Account", json!({"name": "Kept"})).await;
    let gone = create(&crm, "Account", json!({"name": "Gone"})).await;
    sim.set_faults(vec![late(1, 80), late(2, 40)]);
    let new = |name: &str| Write::Create(object(json!({"name": name})));
    let writes = [
        new("First"),
        new("Kept"),
        Write::Update(
            Id::new(&kept),
            object(json!({"website": "https://w.example"})),
        ),
        Write::Delete(Id::new(&gone)),
        Write::Delete(Id::new("0000000000000none")),
    ];
    let writes = stream::iter(writes).enumerate();
    let writes = writes.map(|(n, write)| (n.to_string(), write));
    let many = crm.untyped("Account").write_many().concurrency(5);
    let outcomes: Vec<_> = many.run(writes).collect().await;
    let keys: Vec<&str> = outcomes.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["0", "1", "2", "3", "4"]);
    assert!(matches!(&outcomes[0].1, Ok(Written::Created(r)) if r["name"] == "First"));
    assert!(outcomes[1].1.as_ref().unwrap_err().is_duplicate());
    assert!(
        matches!(&outcomes[2].1, Ok(Written::Updated(r)) if r["website"] == "https://w.example")
    );
    assert!(matches!(outcomes[3].1, Ok(Written::Deleted)));
    assert!(matches!(outcomes[4].1, Ok(Written::Deleted)));
    assert_eq!(sim.count("Account"), 2);
}

async fn names(
    records: impl futures_util::Stream<Item = Result<JsonObject, espo_core::Error>>,
) -> Vec<String> {
    let records: Vec<JsonObject> = records.try_collect().await.unwrap();
    let names = records
        .iter()
        .map(|r| r["name"].as_str().unwrap().to_owned());
    names.collect()
}

#[tokio::test]
async fn changes_since_a_time_are_in_order_of_modification() {
    let (sim, crm) = start().await;
    for (name, minute) in [("Old", 1), ("Third", 4), ("Second", 3), ("Same", 3)] {
        let at = format!("2026-01-31 08:0{minute}:00");
        let record = json!({"name": name, "createdAt": "2026-01-01 00:00:00", "modifiedAt": at});
        sim.insert("Account", &object(record)).unwrap();
    }
    let since = "2026-01-31T08:03:00Z".parse().unwrap();
    let changed = names(crm.untyped("Account").changes_since(since)).await;
    assert_eq!(changed, ["Second", "Same", "Third"]);
}

#[tokio::test]
async fn many_ids_are_split_into_several_requests() {
    let sim = Sim::builder()
        .records("Account", 450)
        .start()
        .await
        .unwrap();
    let crm: Client = client(&sim).build().unwrap();
    let all: Vec<JsonObject> = crm
        .untyped("Account")
        .list()
        .stream()
        .try_collect()
        .await
        .unwrap();
    let mut ids: Vec<String> = all
        .iter()
        .map(|record| record["id"].as_str().unwrap().to_owned())
        .collect();
    ids.insert(7, "0000000000000none".to_owned());
    let too_many = WhereItem::is_in("id", ids.clone());
    let error = crm
        .untyped("Account")
        .list()
        .filter(too_many.into())
        .send()
        .await;
    let error = error.unwrap_err();
    assert!(
        error.status().is_none(),
        "refused before it was sent: {error}"
    );

    sim.clear_requests();
    let found: Vec<JsonObject> = crm
        .untyped("Account")
        .by_ids(ids.iter().map(Id::new))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(found.len(), 450);
    assert!(sim.requests().len() >= 5);
    assert!(sim.requests().iter().all(|request| request.status == 200));
    assert_eq!(crm.untyped("Account").list().count().await.unwrap(), 450);
}
