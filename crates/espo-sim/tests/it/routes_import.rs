//! Imports of comma separated values.

use crate::common::{Talk, send};
use espo_sim::Sim;
use serde_json::{Value as Json, json};

const FILE: &str =
    "Name;Industry;Employees;Since\nAcme;Legal;1,5;31.12.2029\nBad <name>;Legal;;\nBeta;;;\n";

fn file(sim: &Sim, text: &str) -> String {
    let key = sim
        .users()
        .find(|u| u.user_name == "api-key")
        .and_then(|u| u.api_key.clone())
        .expect("a key");
    let headers = [("X-Api-Key", key.as_str()), ("Content-Type", "text/csv")];
    let answer = send(sim, "POST", "Import/file", &headers, Some(text.as_bytes()))
        .expect("a response")
        .ok();
    answer["attachmentId"].as_str().expect("an id").to_owned()
}

fn body(attachment: &str, extra: Json) -> Json {
    let mut body = json!({
        "entityType": "Account", "attachmentId": attachment, "attributeList": ["name", "industry", "", ""], "action": "create",
        "delimiter": ";", "textQualifier": "\"", "headerRow": true, "decimalMark": ",", "dateFormat": "DD.MM.YYYY",
    });
    for (key, value) in extra.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

/// Runs an import and returns its record.
fn run(api: &Talk, body: Json) -> Json {
    let answer = api.post("Import", body).ok();
    let id = answer["id"].as_str().expect("an id");
    assert_eq!(answer["manualMode"], json!(false));
    api.get(&format!("Import/{id}")).ok()
}

fn names(api: &Talk) -> Vec<String> {
    let mut names = api.found("Account", json!({"select": ["name"]}));
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_rows_become_records_and_can_be_reverted() {
    let sim = Sim::start().await.expect("a server");
    let api = Talk::api(&sim);
    let before = names(&api);
    let import = run(
        &api,
        body(
            &file(&sim, FILE),
            json!({"defaultValues": {"type": "Customer"}}),
        ),
    );
    assert_eq!(
        (
            &import["status"],
            &import["importedCount"],
            &import["updatedCount"]
        ),
        (&json!("Complete"), &json!(2), &json!(0))
    );
    let id = import["id"].as_str().expect("an id");
    let acme = api
        .search(
            "Account",
            json!({"where": [{"type": "equals", "attribute": "name", "value": "Acme"}]}),
        )
        .ok();
    assert_eq!(
        (&acme["list"][0]["industry"], &acme["list"][0]["type"]),
        (&json!("Legal"), &json!("Customer"))
    );
    let errors = Talk::admin(&sim).get(&format!("Import/{id}/errors")).ok();
    assert_eq!(
        (&errors["total"], &errors["list"][0]["rowIndex"]),
        (&json!(1), &json!(2))
    );
    let imported = api.get(&format!("Import/{id}/imported")).ok();
    assert_eq!(imported["total"], json!(2));
    assert_eq!(imported["list"][0].get("isStarred"), None);
    let updated = api.get(&format!("Import/{id}/updated")).ok();
    assert_eq!(updated, json!({"total": 0, "list": []}));
    assert_eq!(
        api.post(&format!("Import/{id}/revert"), json!({})).ok(),
        json!(true)
    );
    assert_eq!(names(&api), before);
    assert_eq!(
        api.get(&format!("Import/{id}")).ok()["importedCount"],
        json!(0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_rows_update_matching_records() {
    let sim = Sim::start().await.expect("a server");
    let api = Talk::api(&sim);
    let id = api.create("Account", json!({"name": "Acme"}));
    let attachment = file(&sim, FILE);
    let update = json!({"action": "update", "updateBy": [0]});
    let import = run(&api, body(&attachment, update));
    assert_eq!(
        (&import["importedCount"], &import["updatedCount"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(
        api.get(&format!("Account/{id}")).ok()["industry"],
        json!("Legal")
    );
    let again = run(&api, body(&attachment, json!({})));
    assert_eq!(
        (&again["importedCount"], &again["duplicateCount"]),
        (&json!(2), &json!(1))
    );
    let path = format!(
        "Import/{}/removeDuplicates",
        again["id"].as_str().expect("an id")
    );
    api.post(&path, json!({})).ok();
    assert_eq!(names(&api).iter().filter(|n| *n == "Acme").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_and_days_are_read_in_the_format_of_the_file() {
    let sim = Sim::start().await.expect("a server");
    let api = Talk::api(&sim);
    let attachment = file(&sim, "Deal;1.500,25;31.12.2029;Prospecting\n");
    let deal = json!({
        "entityType": "Opportunity", "attributeList": ["name", "amount", "closeDate", "stage"], "headerRow": false, "currency": "USD",
    });
    let import = run(&api, body(&attachment, deal));
    assert_eq!(import["importedCount"], json!(1), "{import}");
    let found = api.search("Opportunity", json!({})).ok();
    let row = &found["list"][0];
    assert_eq!(
        (&row["amount"], &row["amountCurrency"], &row["closeDate"]),
        (&json!(1500.25), &json!("USD"), &json!("2029-12-31"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_without_required_parameters_are_rejected() {
    let sim = Sim::start().await.expect("a server");
    let api = Talk::api(&sim);
    assert_eq!(
        api.post("Import", json!({"entityType": "Account"})).status,
        400
    );
    assert_eq!(
        api.post("Import", body("0123456789abcdef0", json!({})))
            .status,
        404
    );
    assert_eq!(
        api.post("Import", body(&file(&sim, FILE), json!({"action": "boil"})))
            .status,
        400
    );
}
