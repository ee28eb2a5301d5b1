//! Work on many records: mass actions, merging, converting, exporting.

use crate::common::Talk;
use espo_sim::Sim;
use serde_json::{Value as Json, json};
use std::time::Duration;

async fn sim() -> Sim {
    Sim::start().await.expect("a server")
}

fn mass(talk: &Talk, action: &str, params: Json, data: Json) -> Json {
    talk.post(
        "MassAction",
        json!({"entityType": "Account", "action": action, "params": params, "data": data}),
    )
    .ok()
}

/// Polls a job's state until the job is done.
fn done(talk: &Talk, path: &str) -> Json {
    for _ in 0..500 {
        let state = talk.get(path).ok();
        if state["status"] == json!("Success") || state["status"] == json!("Failed") {
            return state;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{path} is never done");
}

#[tokio::test(flavor = "multi_thread")]
async fn mass_updates_count_changed_records() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let ids = ["M 1", "M 2", "N"].map(|n| api.create("Account", json!({"name": n})));
    let by_ids = mass(
        &api,
        "update",
        json!({"ids": [ids[0], ids[1], "nobody"]}),
        json!({"values": {"industry": "Legal"}, "actions": {}}),
    );
    assert_eq!(by_ids["count"], json!(2));
    // Newest first, in whole seconds.
    let changed = by_ids["ids"].as_array().expect("ids");
    assert!(
        changed.len() == 2
            && [&ids[0], &ids[1]]
                .iter()
                .all(|id| changed.contains(&json!(id)))
    );
    let plain = mass(
        &api,
        "update",
        json!({"ids": [ids[2]]}),
        json!({"industry": "Music"}),
    );
    assert_eq!(plain["count"], json!(1));
    let found = mass(
        &api,
        "update",
        json!({"searchParams": {"where": [{"type": "startsWith", "attribute": "name", "value": "M "}]}}),
        json!({"values": {"description": "d"}}),
    );
    assert_eq!(found, json!({"count": 2}));
    let bad = mass(
        &api,
        "update",
        json!({"ids": [ids[0]]}),
        json!({"values": {"industry": "No such"}}),
    );
    assert_eq!(bad, json!({"count": 0, "ids": []}));
    assert_eq!(
        api.get(&format!("Account/{}", ids[0])).ok()["industry"],
        json!("Legal")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_mass_actions_are_rejected() {
    let sim = sim().await;
    let (api, weak) = (Talk::api(&sim), sim.users().clone());
    let nope = api.post(
        "MassAction",
        json!({"entityType": "Account", "action": "nope", "params": {"ids": []}}),
    );
    assert_eq!(
        (nope.status, nope.reason()),
        (404, "Mass action 'nope' not found.")
    );
    assert_eq!(
        api.post(
            "MassAction",
            json!({"entityType": "Account", "action": "update"})
        )
        .status,
        400
    );
    assert_eq!(
        api.post(
            "MassAction",
            json!({"entityType": "Account", "action": "update", "params": {}})
        )
        .status,
        400
    );
    let formula = api.post(
        "MassAction",
        json!({"entityType": "Account", "action": "recalculateFormula", "params": {"ids": []}}),
    );
    assert_eq!(formula.status, 403);
    assert!(weak.users.iter().any(|u| u.api_key.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_followed_and_deleted_in_bulk() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let id = api.create("Account", json!({"name": "A"}));
    assert_eq!(
        mass(&api, "follow", json!({"ids": [id]}), json!({}))["count"],
        json!(1)
    );
    assert_eq!(
        api.get(&format!("Account/{id}")).ok()["isFollowed"],
        json!(true)
    );
    assert_eq!(
        mass(&api, "unfollow", json!({"ids": [id]}), json!({}))["count"],
        json!(1)
    );
    assert_eq!(
        api.get(&format!("Account/{id}")).ok()["isFollowed"],
        json!(false)
    );
    assert_eq!(
        mass(&api, "delete", json!({"ids": [id]}), json!({}))["count"],
        json!(1)
    );
    assert_eq!(api.get(&format!("Account/{id}")).status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_actions_run_in_the_background() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let id = api.create("Account", json!({"name": "A"}));
    let job = api
        .post(
            "MassAction",
            json!({
                "entityType": "Account", "action": "update", "params": {"ids": [id]}, "idle": true,
                "data": {"values": {"description": "later"}},
            }),
        )
        .ok();
    let state = done(
        &api,
        &format!("MassAction/{}/status", job["id"].as_str().expect("an id")),
    );
    assert_eq!(state, json!({"status": "Success", "processedCount": 1}));
    assert_eq!(
        api.get(&format!("Account/{id}")).ok()["description"],
        json!("later")
    );
    assert_eq!(api.get("MassAction/0123456789abcdef0/status").status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn merging_moves_links_and_deletes_the_source() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let [kept, gone] = ["Kept", "Gone"].map(|n| api.create("Account", json!({"name": n})));
    let deal = api.create("Opportunity", json!({
        "name": "Deal", "accountId": gone, "amount": 1, "closeDate": "2030-01-01", "stage": "Prospecting",
    }));
    let merged = api
        .post(
            "Action",
            json!({
                "entityType": "Account", "id": kept, "action": "merge",
                "data": {"sourceIdList": [gone], "attributes": {"website": "https://m.example"}},
            }),
        )
        .ok();
    assert_eq!(
        (&merged["name"], &merged["website"]),
        (&json!("Kept"), &json!("https://m.example"))
    );
    assert_eq!(
        api.get(&format!("Opportunity/{deal}")).ok()["accountId"],
        json!(kept)
    );
    assert_eq!(api.get(&format!("Account/{gone}")).status, 404);
    let nope = api.post(
        "Action",
        json!({"entityType": "Account", "id": kept, "action": "nope"}),
    );
    assert_eq!(
        (nope.status, nope.reason()),
        (404, "Action 'nope' not found.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_are_converted_by_the_rates() {
    let sim = sim().await;
    let (api, admin) = (Talk::api(&sim), Talk::admin(&sim));
    admin
        .put("Settings", json!({"currencyList": ["USD", "EUR"]}))
        .ok();
    // Unknown codes are ignored.
    assert_eq!(
        api.put("CurrencyRate", json!({"EUR": 1.25, "ZZZ": 3})).ok(),
        json!(true)
    );
    assert_eq!(api.get("CurrencyRate").ok(), json!({"USD": 1, "EUR": 1.25}));
    assert_eq!(api.put("CurrencyRate", json!({"EUR": -1})).status, 400);
    let id = api.create("Opportunity", json!({
        "name": "D", "amount": 100, "amountCurrency": "USD", "closeDate": "2030-01-01", "stage": "Prospecting",
    }));
    let data = json!({"targetCurrency": "EUR"});
    let deal = api.post("Action", json!({"entityType": "Opportunity", "id": id, "action": "convertCurrency", "data": data})).ok();
    assert_eq!(
        (
            &deal["amount"],
            &deal["amountCurrency"],
            &deal["amountConverted"]
        ),
        (&json!(80), &json!("EUR"), &json!(100))
    );
    let back = api
        .post("MassAction", json!({
            "entityType": "Opportunity", "action": "convertCurrency", "params": {"ids": [id]}, "data": {"targetCurrency": "USD"},
        }))
        .ok();
    assert_eq!(back["count"], json!(1));
    assert_eq!(
        api.get(&format!("Opportunity/{id}")).ok()["amount"],
        json!(100)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_are_downloadable_files() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let id = api.create(
        "Account",
        json!({"name": "Smith, \"J\"", "industry": "Legal"}),
    );
    api.create("Account", json!({"name": "Other"}));
    for at in [json!({"ids": [id]}), json!({"params": {"ids": [id]}})] {
        let mut body =
            json!({"entityType": "Account", "format": "csv", "fieldList": ["name", "industry"]});
        body.as_object_mut()
            .expect("an object")
            .extend(at.as_object().cloned().expect("an object"));
        let file = api.post("Export", body).ok()["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        let answer = api.get(&format!("Attachment/file/{file}"));
        assert_eq!(answer.text(), "name,industry\n\"Smith, \"\"J\"\"\",Legal\n");
        assert_eq!(
            answer.headers["content-length"],
            answer.body.len().to_string()
        );
        assert!(
            answer.headers["content-disposition"].contains("Export_Account.csv"),
            "{:?}",
            answer.headers
        );
    }
    let book = api
        .post(
            "Export",
            json!({"entityType": "Account", "format": "xlsx", "ids": [id]}),
        )
        .ok();
    let book = api.get(&format!(
        "Attachment/file/{}",
        book["id"].as_str().expect("an id")
    ));
    assert_eq!(
        &book.body[..4],
        b"PK\x03\x04",
        "a workbook is a zip archive"
    );
    assert!(book.headers["content-type"].contains("spreadsheetml"));
    let job = api
        .post(
            "Export",
            json!({"entityType": "Account", "format": "csv", "idle": true}),
        )
        .ok();
    let state = done(
        &api,
        &format!("Export/{}/status", job["exportId"].as_str().expect("an id")),
    );
    let all = api.get(&format!(
        "Attachment/file/{}",
        state["attachmentId"].as_str().expect("a file")
    ));
    assert_eq!(
        all.text().lines().count(),
        1 + sim.count("Account"),
        "with nothing chosen, everything"
    );
}
