//! Mass actions, jobs, exports, imports, and actions on one record.

use espo_core::WhereItem;
use espo_core::actions::export::Format;
use espo_core::actions::import::{ImportAction, ImportSettings};
use espo_core::actions::mass::UpdateMode;
use espo_core::actions::{JobStatus, Polling, Selection};
use serde_json::{Value, json};

use super::{Bench, object};
use crate::server::{Server, json as answer};

#[tokio::test]
async fn mass_actions() {
    let bench = Bench::new().await;
    let some = Selection::ids(["1", "2"]);
    let found = Selection::matching([WhereItem::is_null("website")]);
    let body = |action: &str, params: Value, data: Value| json!({"entityType": "Account", "action": action, "params": params, "data": data, "idle": false});
    let ids = json!({"ids": ["1", "2"]});

    let values = object(json!({"industry": "Retail", "tags": ["a"]}));
    let result = bench
        .gives(r#"{"count":1,"ids":["1"]}"#)
        .mass("Account")
        .update_with(&some, values, [("tags", UpdateMode::Add)])
        .await
        .unwrap();
    assert_eq!((result.count, result.ids.unwrap().len()), (1, 1));
    let data = json!({"values": {"industry": "Retail", "tags": ["a"]}, "actions": {"tags": "add"}});
    bench.sent("POST MassAction", body("update", ids.clone(), data));

    let result = bench
        .gives(r#"{"count":40}"#)
        .mass("Account")
        .delete(&found)
        .await
        .unwrap();
    assert_eq!((result.count, result.ids), (40, None));
    let conditions = json!([{"type": "isNull", "attribute": "website"}]);
    let params = json!({"where": conditions, "searchParams": {"where": conditions}});
    bench.sent("POST MassAction", body("delete", params, json!({})));

    let done = r#"{"count":2,"ids":["1","2"]}"#;
    let rates = object(json!({"EUR": 1.1}));
    bench
        .gives(done)
        .mass("Account")
        .convert_currency(&some, "EUR", Some(&rates))
        .await
        .unwrap();
    let data = json!({"targetCurrency": "EUR", "rates": {"EUR": 1.1}});
    bench.sent(
        "POST MassAction",
        body("convertCurrency", ids.clone(), data),
    );
    bench
        .gives(done)
        .mass("Account")
        .recalculate_formula(&some)
        .await
        .unwrap();
    bench.sent(
        "POST MassAction",
        body("recalculateFormula", ids.clone(), json!({})),
    );
    bench
        .gives(done)
        .mass("Account")
        .follow(&some, Some("u"))
        .await
        .unwrap();
    bench.sent(
        "POST MassAction",
        body("follow", ids.clone(), json!({"userId": "u"})),
    );
    bench
        .gives(done)
        .mass("Account")
        .unfollow(&some, None)
        .await
        .unwrap();
    bench.sent("POST MassAction", body("unfollow", ids, json!({})));

    let before = bench.server.seen().len();
    let none = Selection::ids(Vec::<String>::new());
    let error = bench.crm.mass("Account").delete(&none).await.unwrap_err();
    assert!(error.to_string().contains("every record"), "{error}");
    assert_eq!(bench.server.seen().len(), before, "nothing was sent");
}

/// Nothing to wait for between two looks.
const AT_ONCE: Polling = Polling {
    every: std::time::Duration::ZERO,
    at_most: std::time::Duration::from_secs(60),
};

#[tokio::test]
async fn jobs_in_the_background_are_followed_to_their_end() {
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
    let crm = server.client();
    let job = crm
        .mass("Account")
        .start("delete", &Selection::everything(), json!({}))
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

    let job = crm
        .export("Account", Selection::everything())
        .start()
        .await
        .unwrap();
    assert_eq!(job.id(), "e1");
    let progress = job.wait(AT_ONCE).await.unwrap();
    assert_eq!(progress.attachment_id.as_deref(), Some("a1"));
    assert_eq!(server.last().path(), "/api/v1/Export/e1/status");
}

#[tokio::test]
async fn exports_and_imports() {
    let bench = Bench::new().await;
    let id = bench
        .gives(r#"{"id":"a1"}"#)
        .export("Account", Selection::ids(["1"]))
        .format(Format::Xlsx)
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

    let id = bench
        .gives(r#"{"attachmentId":"a2"}"#)
        .imports()
        .upload("name\nAcme\n")
        .await
        .unwrap();
    let seen = bench.server.last();
    assert_eq!(
        (seen.path(), seen.header("Content-Type")),
        ("/api/v1/Import/file", Some("text/csv"))
    );
    assert_eq!(seen.body, b"name\nAcme\n");
    let mut settings = ImportSettings::new(id, "Account", ["name"]);
    settings.action = ImportAction::CreateAndUpdate;
    settings.update_by = vec![0];
    bench
        .gives(r#"{"id":"i1"}"#)
        .imports()
        .run(&settings)
        .await
        .unwrap();
    let body = bench.server.last().json();
    assert_eq!(body["action"], "createAndUpdate");
    assert_eq!(body["attributeList"], json!(["name"]));
    assert_eq!(
        (&body["attachmentId"], &body["headerRow"]),
        (&json!("a2"), &json!(true))
    );
    bench.gives("true").imports().revert("i1").await.unwrap();
    bench.sent("POST Import/i1/revert", Value::Null);
    bench
        .gives("true")
        .imports()
        .remove_duplicates("i1")
        .await
        .unwrap();
    bench.sent("POST Import/i1/removeDuplicates", Value::Null);
    bench
        .gives("true")
        .imports()
        .unmark_duplicate("i1", "Account", "1")
        .await
        .unwrap();
    bench.sent(
        "POST Import/i1/unmarkDuplicates",
        json!({"entityType": "Account", "entityId": "1"}),
    );
    let errors = bench
        .gives(r#"{"attachmentId":"a3"}"#)
        .imports()
        .export_errors("i1")
        .await
        .unwrap();
    bench.sent("POST Import/i1/exportErrors", json!({}));
    assert_eq!(errors.as_deref(), Some("a3"));
}

#[tokio::test]
async fn actions_on_one_record() {
    let bench = Bench::new().await;
    bench
        .gives("{}")
        .merge("Account", "1", ["2"], object(json!({"name": "A"})))
        .await
        .unwrap();
    bench.sent(
        "POST Action",
        json!({"entityType": "Account", "id": "1", "action": "merge",
               "data": {"sourceIdList": ["2"], "attributes": {"name": "A"}}}),
    );
    bench
        .gives("{}")
        .convert_currency("Opportunity", "1", "EUR", None)
        .await
        .unwrap();
    bench.sent(
        "POST Action",
        json!({"entityType": "Opportunity", "id": "1", "action": "convertCurrency",
               "data": {"targetCurrency": "EUR"}}),
    );
    bench
        .gives("{}")
        .duplicate_attributes("Account", "1")
        .await
        .unwrap();
    bench.sent(
        "POST Account/action/getDuplicateAttributes",
        json!({"id": "1"}),
    );
    bench.gives("[]").layout("Account", "list").await.unwrap();
    bench.sent("GET Account/layout/list", Value::Null);
    bench
        .gives("[]")
        .set_layout("Account", "list", Some("s"), &json!([]))
        .await
        .unwrap();
    bench.sent("PUT Account/layout/list/s", json!([]));
}
