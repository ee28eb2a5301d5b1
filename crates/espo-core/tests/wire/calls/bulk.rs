//! Mass actions, jobs, exports, imports, and actions on one record.

use espo_core::JsonObject;
use espo_core::actions::ExportFormat;
use espo_core::actions::import::{ImportAction, ImportSettings};
use espo_core::actions::mass::{UpdateMode, UpdateModes};
use espo_core::actions::{JobStatus, Polling, Selection};
use espo_core::untyped::field;
use serde_json::{Value, json};

use super::{Bench, object};
use crate::server::{Server, json as answer};

fn some() -> Selection<JsonObject> {
    Selection::ids(["1", "2"])
}

#[tokio::test]
async fn mass_actions_send_selection_and_data() {
    let bench = Bench::new().await;
    let body = |action: &str, params: Value, data: Value| json!({"entityType": "Account", "action": action, "params": params, "data": data, "idle": false});
    let ids = json!({"ids": ["1", "2"]});
    let done = r#"{"count":2,"ids":["1","2"]}"#;
    let mass = |gives: &str, which| bench.gives(gives).untyped("Account").mass(which);

    let values = object(json!({"industry": "Retail", "tags": ["a"]}));
    let modes = UpdateModes::new().mode("tags", UpdateMode::Add);
    let result = mass(r#"{"count":1,"ids":["1"]}"#, some())
        .update_with(values, modes)
        .await
        .unwrap();
    assert_eq!((result.count, result.ids.unwrap().len()), (1, 1));
    let data = json!({"values": {"industry": "Retail", "tags": ["a"]}, "actions": {"tags": "add"}});
    bench.sent("POST MassAction", body("update", ids.clone(), data));

    let found = Selection::matching([field("website").is_null()]);
    let result = mass(r#"{"count":40}"#, found).delete().await.unwrap();
    assert_eq!((result.count, result.ids), (40, None));
    let conditions = json!([{"type": "isNull", "attribute": "website"}]);
    let params = json!({"where": conditions, "searchParams": {"where": conditions}});
    bench.sent("POST MassAction", body("delete", params, json!({})));

    let rates = [("EUR".to_owned(), "1.1".parse().unwrap())].into();
    mass(done, some())
        .convert_currency_at("EUR", &rates)
        .await
        .unwrap();
    let data = json!({"targetCurrency": "EUR", "rates": {"EUR": 1.1}});
    bench.sent(
        "POST MassAction",
        body("convertCurrency", ids.clone(), data),
    );
    mass(done, some()).convert_currency("EUR").await.unwrap();
    let data = json!({"targetCurrency": "EUR"});
    bench.sent(
        "POST MassAction",
        body("convertCurrency", ids.clone(), data),
    );
    mass(done, some()).follow_as("u").await.unwrap();
    let data = json!({"userId": "u"});
    bench.sent("POST MassAction", body("follow", ids.clone(), data.clone()));
    mass(done, some()).unfollow_as("u").await.unwrap();
    bench.sent("POST MassAction", body("unfollow", ids.clone(), data));
    for action in ["recalculateFormula", "follow", "unfollow", "lock", "unlock"] {
        let mass = mass(done, some());
        let result = match action {
            "recalculateFormula" => mass.recalculate_formula().await,
            "follow" => mass.follow().await,
            "unfollow" => mass.unfollow().await,
            "lock" => mass.lock().await,
            _ => mass.unlock().await,
        };
        result.unwrap();
        bench.sent("POST MassAction", body(action, ids.clone(), json!({})));
    }
}

#[tokio::test]
async fn empty_selections_are_not_sent() {
    let bench = Bench::new().await;
    let none: [&str; 0] = [];
    let accounts = bench.crm.untyped("Account");
    for which in [
        Selection::ids(none),
        Selection::matching([]),
        Selection::list(accounts.list().max_size(5)),
    ] {
        let error = accounts.mass(which).delete().await.unwrap_err();
        assert!(error.to_string().contains("every record"), "{error}");
    }
    assert!(bench.server.seen().is_empty());
}

/// A polling without waits.
const AT_ONCE: Polling = Polling {
    every: std::time::Duration::ZERO,
    at_most: std::time::Duration::from_secs(60),
};

#[tokio::test]
async fn background_jobs_are_followed_to_their_end() {
    let states = [r#""Pending""#, r#""Running""#, r#""Success""#];
    let server = Server::start(move |seen, number| match seen.path() {
        "/api/v1/MassAction" => answer(200, r#"{"id":"j1"}"#),
        "/api/v1/Export" => answer(200, r#"{"exportId":"e1"}"#),
        path => {
            let state = states[(number - 1).min(2)];
            let rest = if path.contains("Export") {
                r#""attachmentId":"a1""#
            } else {
                r#""processedCount":9"#
            };
            answer(200, &format!(r#"{{"status":{state},{rest}}}"#))
        }
    })
    .await;
    let accounts = server.client().untyped("Account");
    let job = accounts
        .mass(Selection::everything())
        .start("delete", json!({}))
        .await
        .unwrap();
    assert_eq!(server.last().json()["idle"], true);
    let progress = job.wait(AT_ONCE).await.unwrap();
    assert_eq!(
        (progress.status, progress.processed_count),
        (JobStatus::Success, Some(9))
    );
    assert_eq!(server.last().path(), "/api/v1/MassAction/j1/status");
    assert_eq!(server.seen().len(), 4);

    let job = accounts
        .export(Selection::everything())
        .start()
        .await
        .unwrap();
    assert_eq!(job.id(), "e1");
    let progress = job.wait(AT_ONCE).await.unwrap();
    assert_eq!(progress.file.unwrap(), "a1");
    assert_eq!(server.last().path(), "/api/v1/Export/e1/status");
}

#[tokio::test]
async fn exports_send_format_and_columns() {
    let bench = Bench::new().await;
    let id = bench
        .gives(r#"{"id":"a1"}"#)
        .untyped("Account")
        .export(Selection::ids(["1"]))
        .format(ExportFormat::Xlsx)
        .fields(["name"])
        .attributes(["name"])
        .params(object(json!({"title": "T"})))
        .run()
        .await
        .unwrap();
    assert_eq!(id, "a1");
    bench.sent(
        "POST Export",
        json!({"ids": ["1"], "fieldList": ["name"], "attributeList": ["name"],
               "params": {"title": "T"}, "entityType": "Account", "format": "xlsx"}),
    );
}

#[tokio::test]
async fn imports_send_file_then_settings() {
    let bench = Bench::new().await;
    let imports = |gives: &str| bench.gives(gives).untyped("Import");
    let id = imports(r#"{"attachmentId":"a2"}"#)
        .upload_csv("name\nAcme\n")
        .await
        .unwrap();
    let seen = bench.server.last();
    assert_eq!(
        (seen.path(), seen.header("Content-Type")),
        ("/api/v1/Import/file", Some("text/csv"))
    );
    assert_eq!(seen.body, b"name\nAcme\n");
    let settings = ImportSettings::untyped("Account", id.as_str())
        .key_column("name")
        .skip_column()
        .column("website")
        .action(ImportAction::CreateAndUpdate);
    imports(r#"{"id":"i1"}"#).import(&settings).await.unwrap();
    let body = bench.server.last().json();
    assert_eq!(body["action"], "createAndUpdate");
    assert_eq!(body["attributeList"], json!(["name", "", "website"]));
    assert_eq!(body["updateBy"], json!([0]));
    assert_eq!(
        (&body["attachmentId"], &body["headerRow"]),
        (&json!("a2"), &json!(true))
    );

    let import = |gives: &str| imports(gives).record("i1");
    import("true").revert().await.unwrap();
    bench.sent("POST Import/i1/revert", Value::Null);
    import("true").remove_duplicates().await.unwrap();
    bench.sent("POST Import/i1/removeDuplicates", Value::Null);
    import("true")
        .unmark_duplicate(("Account", "1"))
        .await
        .unwrap();
    bench.sent(
        "POST Import/i1/unmarkDuplicates",
        json!({"entityType": "Account", "entityId": "1"}),
    );
    let errors = import(r#"{"attachmentId":"a3"}"#).export_errors().await;
    bench.sent("POST Import/i1/exportErrors", json!({}));
    assert_eq!(errors.unwrap().unwrap(), "a3");
}

#[tokio::test]
async fn actions_send_the_id_of_their_record() {
    let bench = Bench::new().await;
    let account = || bench.gives("{}").untyped("Account").record("1");
    let action = |action: &str, data: Value| json!({"entityType": "Account", "id": "1", "action": action, "data": data});
    let patch = object(json!({"name": "A"}));
    account().merge(["2"], patch).await.unwrap();
    let data = json!({"sourceIdList": ["2"], "attributes": {"name": "A"}});
    bench.sent("POST Action", action("merge", data));
    account().convert_currency("EUR").await.unwrap();
    let data = json!({"targetCurrency": "EUR"});
    bench.sent("POST Action", action("convertCurrency", data));
    account().lock().await.unwrap();
    bench.sent("POST Action", action("lock", json!({})));
    account().unlock().await.unwrap();
    bench.sent("POST Action", action("unlock", json!({})));
    account().duplicate_attributes().await.unwrap();
    bench.sent(
        "POST Account/action/getDuplicateAttributes",
        json!({"id": "1"}),
    );
    let file = bench
        .gives(r#"{"id":"f"}"#)
        .untyped("Account")
        .record("1")
        .pdf("t")
        .await
        .unwrap();
    assert_eq!(file, "f");
    bench.sent(
        "POST Pdf/action/massPrint",
        json!({"entityType": "Account", "idList": ["1"], "templateId": "t"}),
    );
}

#[tokio::test]
async fn layouts_are_addressed_by_name_and_set() {
    let bench = Bench::new().await;
    let accounts = || bench.gives("[]").untyped("Account");
    accounts().layout("list").await.unwrap();
    bench.sent("GET Account/layout/list", Value::Null);
    accounts().set_layout("list", &json!([])).await.unwrap();
    bench.sent("PUT Account/layout/list", json!([]));
    accounts()
        .set_layout_of("s", "list", &json!([]))
        .await
        .unwrap();
    bench.sent("PUT Account/layout/list/s", json!([]));
}

#[tokio::test]
async fn followers_and_access_lists_are_below_the_record() {
    let bench = Bench::new().await;
    let case = |gives: &str| bench.gives(gives).untyped("Case").record("1");
    let page = r#"{"total":0,"list":[]}"#;
    case(page).followers().await.unwrap();
    assert_eq!(bench.server.last().path(), "/api/v1/Case/1/followers");
    case(page).users_access().await.unwrap();
    assert_eq!(bench.server.last().path(), "/api/v1/Case/1/usersAccess");
    case("true").add_followers(["u", "v"]).await.unwrap();
    bench.sent("POST Case/1/followers", json!({"ids": ["u", "v"]}));
    case("true").remove_followers(["u"]).await.unwrap();
    bench.sent("DELETE Case/1/followers", json!({"ids": ["u"]}));
    let before = bench.server.seen().len();
    let nobody: [&str; 0] = [];
    case("false").add_followers(nobody).await.unwrap();
    assert_eq!(bench.server.seen().len(), before);
}
