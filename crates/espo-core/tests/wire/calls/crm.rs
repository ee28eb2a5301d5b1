//! Boards, activities, leads, target lists, events, e-mail.

use espo_core::actions::activities::Side;
use espo_core::actions::crm::Conversion;
use espo_core::actions::email::Mark;
use espo_core::{SearchParams, Total};
use serde_json::{Value, json};

use super::{Bench, object};
use crate::server::{Act, Server, bytes};

#[tokio::test]
async fn boards_and_activities() {
    let bench = Bench::new().await;
    let board = bench
        .gives(r#"{"total":3,"list":[],"groups":[{"name":"Won","total":3,"list":[{"id":"1"}],"label":"Won!","style":null}]}"#)
        .kanban("Opportunity", &SearchParams::new().max_size(1))
        .await
        .unwrap();
    bench.sent(
        "GET Kanban/Opportunity?searchParams=%7B%22maxSize%22:1%7D",
        Value::Null,
    );
    assert_eq!(board.groups[0].total, Total::Exact(3));
    bench
        .gives("true")
        .order_kanban("Opportunity", "Won", ["1"])
        .await
        .unwrap();
    bench.sent(
        "PUT Kanban/order",
        json!({"entityType": "Opportunity", "group": "Won", "ids": ["1"]}),
    );

    let page = r#"{"total":0,"list":[]}"#;
    let activities = |body| bench.gives(body).activities();
    activities(page)
        .of(Side::History, "Account", "1", Some("Call"), 0, 5)
        .await
        .unwrap();
    bench.sent(
        "GET Activities/Account/1/history?offset=0&maxSize=5&entityType=Call",
        Value::Null,
    );
    let params = SearchParams::new().offset(1);
    activities(page)
        .list(Side::Activities, "Account", "1", "Call", &params)
        .await
        .unwrap();
    bench.sent(
        "GET Activities/Account/1/activities/list/Call?searchParams=%7B%22offset%22:1%7D",
        Value::Null,
    );
    activities(page).upcoming("u", 7, 0, 5).await.unwrap();
    bench.sent(
        "GET Activities/upcoming?userId=u&futureDays=7&offset=0&maxSize=5",
        Value::Null,
    );
    let from: jiff::Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    let to: jiff::Timestamp = "2030-02-01T00:00:00Z".parse().unwrap();
    let range = "from=2030-01-01%2000%3A00%3A00&to=2030-02-01%2000%3A00%3A00";
    activities("[]").calendar("u", from, to).await.unwrap();
    bench.sent(&format!("GET Activities?userId=u&{range}"), Value::Null);
    activities("{}")
        .busy_ranges(["u", "v"], from, to)
        .await
        .unwrap();
    bench.sent(
        &format!("GET Timeline/busyRanges?userIdList=u%2Cv&{range}"),
        Value::Null,
    );
    activities("[]").email_addresses("Case", "1").await.unwrap();
    bench.sent("GET Activities/Case/1/composeEmailAddressList", Value::Null);
}

#[tokio::test]
async fn leads_target_lists_and_events() {
    let bench = Bench::new().await;
    let into = Conversion::new()
        .record("Account", object(json!({"name": "A"})))
        .skip_duplicate_check();
    bench.gives("{}").convert_lead("1", &into).await.unwrap();
    bench.sent(
        "POST Lead/action/convert",
        json!({"id": "1", "records": {"Account": {"name": "A"}}, "skipDuplicateCheck": true}),
    );
    bench
        .gives("{}")
        .lead_convert_attributes("1")
        .await
        .unwrap();
    bench.sent("POST Lead/action/getConvertAttributes", json!({"id": "1"}));
    bench
        .gives("true")
        .capture_lead("k3y", &object(json!({"lastName": "A"})))
        .await
        .unwrap();
    bench.sent("POST LeadCapture/k3y", json!({"lastName": "A"}));
    assert_eq!(bench.server.last().header("X-Api-Key"), None);

    let member = json!({"id": "l", "targetType": "Contact", "targetId": "1"});
    bench
        .gives("true")
        .opt_out("l", "Contact", "1")
        .await
        .unwrap();
    bench.sent("POST TargetList/action/optOut", member.clone());
    bench
        .gives("true")
        .cancel_opt_out("l", "Contact", "1")
        .await
        .unwrap();
    bench.sent("POST TargetList/action/cancelOptOut", member);
    bench
        .gives(r#"{"total":0,"list":[]}"#)
        .opted_out("l", 0, 5)
        .await
        .unwrap();
    bench.sent("GET TargetList/l/optedOut?offset=0&maxSize=5", Value::Null);
    bench
        .gives("true")
        .unlink_all_targets("l", "contacts")
        .await
        .unwrap();
    bench.sent(
        "POST TargetList/action/unlinkAll",
        json!({"id": "l", "link": "contacts"}),
    );

    bench
        .gives(r#"{"total":0,"list":[]}"#)
        .event("Meeting")
        .attendees("1")
        .await
        .unwrap();
    bench.sent("GET Meeting/1/attendees", Value::Null);
    bench
        .gives("true")
        .event("Meeting")
        .send_invitations("1")
        .await
        .unwrap();
    bench.sent("POST Meeting/action/sendInvitations", json!({"id": "1"}));
    bench
        .gives("true")
        .event("Call")
        .send_cancellation("1")
        .await
        .unwrap();
    bench.sent("POST Call/action/sendCancellation", json!({"id": "1"}));
    bench
        .gives("true")
        .event("Call")
        .set_held_all(["1"])
        .await
        .unwrap();
    bench.sent("POST Call/action/massSetHeld", json!({"ids": ["1"]}));
    bench
        .gives("true")
        .event("Call")
        .set_not_held_all(["1"])
        .await
        .unwrap();
    bench.sent("POST Call/action/massSetNotHeld", json!({"ids": ["1"]}));
    bench
        .gives("true")
        .event("Call")
        .set_acceptance("1", "Accepted")
        .await
        .unwrap();
    bench.sent(
        "POST Call/action/setAcceptanceStatus",
        json!({"id": "1", "status": "Accepted"}),
    );
}

#[tokio::test]
async fn the_inbox() {
    let bench = Bench::new().await;
    bench
        .gives("true")
        .inbox()
        .mark(Mark::Important, ["1"])
        .await
        .unwrap();
    bench.sent("POST Email/inbox/important", json!({"ids": ["1"]}));
    bench
        .gives("true")
        .inbox()
        .unmark(Mark::InTrash, ["1"])
        .await
        .unwrap();
    bench.sent("DELETE Email/inbox/inTrash", json!({"ids": ["1"]}));
    bench.gives("true").inbox().mark_all_read().await.unwrap();
    bench.sent("POST Email/inbox/read", json!({"all": true}));
    bench
        .gives("true")
        .inbox()
        .move_to("f", ["1"])
        .await
        .unwrap();
    bench.sent("POST Email/inbox/folders/f", json!({"ids": ["1"]}));
    bench.gives("{}").inbox().unread_counts().await.unwrap();
    bench.sent("GET Email/inbox/notReadCounts", Value::Null);
    let members = object(json!({"parentType": "Case"}));
    bench
        .gives("{}")
        .inbox()
        .prepare_template("t", &members)
        .await
        .unwrap();
    bench.sent(
        "POST EmailTemplate/t/prepare",
        json!({"parentType": "Case"}),
    );
    bench
        .gives("[]")
        .inbox()
        .search_addresses("a@", 5)
        .await
        .unwrap();
    bench.sent("GET EmailAddress/search?q=a%40&maxSize=5", Value::Null);
}

#[tokio::test]
async fn the_records_that_a_lead_would_double_come_with_the_error() {
    let server = Server::start(|_, _| {
        Act::Write(bytes(
            409,
            "application/json",
            "",
            br#"[{"id":"1","name":"A","_entityType":"Account"}]"#,
        ))
    })
    .await;
    let error = server
        .client()
        .convert_lead("1", &Conversion::new())
        .await
        .unwrap_err();
    assert_eq!(error.duplicates().unwrap()[0]["_entityType"], "Account");
}
