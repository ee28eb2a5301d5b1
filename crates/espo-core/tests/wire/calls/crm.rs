//! Boards, activities, leads, target lists, events, email, category trees.

use espo_core::Total;
use espo_core::actions::Conversion;
use espo_core::actions::EmailMark;
use espo_core::actions::TreePlace;
use espo_core::actions::event::Acceptance;
use espo_core::typed::Id;
use serde_json::{Value, json};

use super::{Bench, object};
use crate::server::{Act, Server, bytes};

const PAGE: &str = r#"{"total":0,"list":[]}"#;

#[tokio::test]
async fn boards_are_read_and_ordered() {
    let bench = Bench::new().await;
    let board = bench
        .gives(r#"{"total":3,"list":[],"groups":[{"name":"Won","total":3,"list":[{"id":"1"}],"label":"Won!","style":null}]}"#)
        .untyped("Opportunity")
        .kanban()
        .max_size(1)
        .await
        .unwrap();
    bench.sent(
        "GET Kanban/Opportunity?searchParams=%7B%22maxSize%22:1%7D",
        Value::Null,
    );
    assert_eq!(board.groups[0].total, Total::Exact(3));
    assert_eq!(board.groups[0].records[0]["id"], "1");
    bench
        .gives("true")
        .untyped("Opportunity")
        .order_kanban("Won", ["1"])
        .await
        .unwrap();
    bench.sent(
        "PUT Kanban/order",
        json!({"entityType": "Opportunity", "group": "Won", "ids": ["1"]}),
    );
}

#[tokio::test]
async fn activities_are_mixed_or_of_one_entity_type() {
    let bench = Bench::new().await;
    let account = |gives: &str| bench.gives(gives).untyped("Account").record("1");
    let rows = r#"{"total":2,"list":[{"id":"c","_scope":"Call","name":"Talk"},{"id":"m"}]}"#;
    let page = account(rows).history().max_size(5).await.unwrap();
    bench.sent("GET Activities/Account/1/history?maxSize=5", Value::Null);
    let row = &page.records[0];
    assert_eq!(
        (row.entity_type.as_str(), row.name()),
        ("Call", Some("Talk"))
    );
    account(PAGE)
        .activities()
        .list_untyped("Call")
        .offset(1)
        .await
        .unwrap();
    let sent = bench.server.last().target;
    assert!(
        sent.starts_with("/api/v1/Activities/Account/1/activities/list/Call?searchParams="),
        "{sent}"
    );
    account("[]").email_addresses().await.unwrap();
    bench.sent(
        "GET Activities/Account/1/composeEmailAddressList",
        Value::Null,
    );
}

#[tokio::test]
async fn calendars_name_users_and_times() {
    let bench = Bench::new().await;
    let users = |gives: &str| bench.gives(gives).untyped("User");
    users(PAGE)
        .record("u")
        .upcoming(7)
        .max_size(5)
        .await
        .unwrap();
    bench.sent(
        "GET Activities/upcoming?userId=u&futureDays=7&maxSize=5",
        Value::Null,
    );
    let from: jiff::Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    let to: jiff::Timestamp = "2030-02-01T00:00:00Z".parse().unwrap();
    let range = "from=2030-01-01%2000%3A00%3A00&to=2030-02-01%2000%3A00%3A00";
    let rows = r#"[{"id":"m","scope":"Meeting"}]"#;
    let rows = users(rows).record("u").calendar(from, to).await.unwrap();
    bench.sent(&format!("GET Activities?userId=u&{range}"), Value::Null);
    assert_eq!(rows[0].entity_type, "Meeting");
    let busy =
        r#"{"u":[{"dateStart":"2030-01-01 00:00:00","dateEnd":"2030-02-01 00:00:00"}],"v":[]}"#;
    let busy = users(busy).busy_ranges(["u", "v"], from, to).await.unwrap();
    bench.sent(
        &format!("GET Timeline/busyRanges?userIdList=u%2Cv&{range}"),
        Value::Null,
    );
    let range = &busy[&Id::new("u")][0];
    assert_eq!((range.start, range.end), (from, to));
    assert!(busy[&Id::new("v")].is_empty());
    let none = users("[]").busy_ranges(["u"], from, to).await.unwrap();
    assert!(none.is_empty());
}

#[tokio::test]
async fn leads_are_converted_and_captured() {
    let bench = Bench::new().await;
    let into = Conversion::new()
        .create_untyped("Account", object(json!({"name": "A"})))
        .skip_duplicate_check();
    let lead = || bench.gives("{}").untyped("Lead").record("1");
    lead().convert(into).await.unwrap();
    bench.sent(
        "POST Lead/action/convert",
        json!({"id": "1", "records": {"Account": {"name": "A"}}, "skipDuplicateCheck": true}),
    );
    lead().convert_attributes().await.unwrap();
    bench.sent("POST Lead/action/getConvertAttributes", json!({"id": "1"}));
    bench
        .gives("true")
        .untyped("Lead")
        .capture("k3y", object(json!({"lastName": "A"})))
        .await
        .unwrap();
    bench.sent("POST LeadCapture/k3y", json!({"lastName": "A"}));
    assert_eq!(bench.server.last().header("X-Api-Key"), None);
}

#[tokio::test]
async fn members_of_target_lists_are_sent_with_their_entity_type() {
    let bench = Bench::new().await;
    let list = |gives: &str| bench.gives(gives).untyped("TargetList").record("l");
    let member = json!({"id": "l", "targetType": "Contact", "targetId": "1"});
    list("true").opt_out(("Contact", "1")).await.unwrap();
    bench.sent("POST TargetList/action/optOut", member.clone());
    let contact = bench.crm.untyped("Contact").record("1");
    list("true").cancel_opt_out(&contact).await.unwrap();
    bench.sent("POST TargetList/action/cancelOptOut", member);
    list(PAGE).opted_out().max_size(5).await.unwrap();
    bench.sent("GET TargetList/l/optedOut?maxSize=5", Value::Null);
    list("true").unlink_all("contacts").await.unwrap();
    bench.sent(
        "POST TargetList/action/unlinkAll",
        json!({"id": "l", "link": "contacts"}),
    );
}

#[tokio::test]
async fn events_have_attendees_and_invitations() {
    let bench = Bench::new().await;
    let meeting = |gives: &str| bench.gives(gives).untyped("Meeting").record("1");
    // Real servers send no `total` here.
    let rows = r#"{"list":[{"id":"u","name":"U","emailAddress":"u@a.example","acceptanceStatus":"Accepted","_scope":"User"},{"id":"c","_scope":"Contact","acceptanceStatus":"Maybe"}]}"#;
    let attendees = meeting(rows).attendees().await.unwrap();
    bench.sent("GET Meeting/1/attendees", Value::Null);
    assert_eq!(attendees[0].record.entity_type, "User");
    assert_eq!(attendees[0].acceptance, Some(Acceptance::Accepted));
    assert_eq!(attendees[0].email_address.as_deref(), Some("u@a.example"));
    assert_eq!(
        attendees[1].acceptance,
        Some(Acceptance::Other("Maybe".to_owned()))
    );
    meeting("true").send_invitations().await.unwrap();
    bench.sent("POST Meeting/action/sendInvitations", json!({"id": "1"}));
    // EspoCRM 10.0 responds with the IDs of the invited attendees.
    meeting(r#"{"idList":["u"]}"#)
        .send_invitations()
        .await
        .unwrap();
    meeting("true").send_cancellation().await.unwrap();
    bench.sent("POST Meeting/action/sendCancellation", json!({"id": "1"}));
    let calls = || bench.gives("true").untyped("Call");
    calls().set_held(["1"]).await.unwrap();
    bench.sent("POST Call/action/massSetHeld", json!({"ids": ["1"]}));
    calls().set_not_held(["1"]).await.unwrap();
    bench.sent("POST Call/action/massSetNotHeld", json!({"ids": ["1"]}));
    calls()
        .record("1")
        .set_acceptance(&Acceptance::Accepted)
        .await
        .unwrap();
    bench.sent(
        "POST Call/action/setAcceptanceStatus",
        json!({"id": "1", "status": "Accepted"}),
    );
}

#[tokio::test]
async fn emails_are_sent_marked_and_moved() {
    let bench = Bench::new().await;
    let emails = |gives: &str| bench.gives(gives).untyped("Email");
    let email = object(json!({"subject": "S", "to": "a@b.example"}));
    emails(r#"{"id":"1"}"#).send(email).await.unwrap();
    bench.sent(
        "POST Email",
        json!({"subject": "S", "to": "a@b.example", "status": "Sending"}),
    );
    emails("true")
        .mark(EmailMark::Important, ["1"])
        .await
        .unwrap();
    bench.sent("POST Email/inbox/important", json!({"ids": ["1"]}));
    emails("true")
        .unmark(EmailMark::InTrash, ["1"])
        .await
        .unwrap();
    bench.sent("DELETE Email/inbox/inTrash", json!({"ids": ["1"]}));
    emails("true").mark_every_read().await.unwrap();
    bench.sent("POST Email/inbox/read", json!({"all": true}));
    emails("true").move_to("f", ["1"]).await.unwrap();
    bench.sent("POST Email/inbox/folders/f", json!({"ids": ["1"]}));
    let counts = emails(r#"{"inbox":3}"#).unread_counts().await.unwrap();
    bench.sent("GET Email/inbox/notReadCounts", Value::Null);
    assert_eq!(counts["inbox"], 3);
    assert!(emails("[]").unread_counts().await.unwrap().is_empty());
    let id = emails(r#"{"id":"7"}"#).import_eml("a1").await.unwrap();
    bench.sent("POST Email/importEml", json!({"fileId": "a1"}));
    assert_eq!(id, "7");

    let filled = r#"{"subject":"S","body":"B","isHtml":true,"attachmentsIds":["a"]}"#;
    let template = bench.gives(filled).untyped("EmailTemplate").record("t");
    let prepared = template
        .prepare()
        .parent(("Case", "1"))
        .email_address("a@b.example")
        .await
        .unwrap();
    bench.sent(
        "POST EmailTemplate/t/prepare",
        json!({"parentType": "Case", "parentId": "1", "emailAddress": "a@b.example"}),
    );
    assert_eq!((prepared.body.as_str(), prepared.is_html), ("B", true));
    assert_eq!(prepared.attachments[0], "a");
    let addresses = bench.gives("[]").untyped("EmailAddress");
    addresses
        .search_addresses("Contact", "a@", 5)
        .await
        .unwrap();
    bench.sent(
        "GET EmailAddress/search?q=a%40&entityType=Contact&maxSize=5",
        Value::Null,
    );
}

#[tokio::test]
async fn category_trees_are_read_and_changed() {
    let bench = Bench::new().await;
    let folders = |gives: &str| bench.gives(gives).untyped("DocumentFolder");
    let tree = r#"{"list":[{"id":"a","childList":[{"id":"b","childList":null}]}],"path":["r","a"],"data":null}"#;
    let tree = folders(tree).tree().below("r").depth(3).await.unwrap();
    bench.sent(
        "GET DocumentFolder/action/listTree?parentId=r&maxDepth=3",
        Value::Null,
    );
    assert_eq!(tree.path, [Id::new("r"), Id::new("a")]);
    let below = tree.nodes[0].children.as_ref().unwrap();
    assert_eq!(below[0].record["id"], "b");
    assert_eq!(below[0].children, None);
    let leaves = folders(r#"["b"]"#).leaves().await.unwrap();
    bench.sent("GET DocumentFolder/action/lastChildrenIdList", Value::Null);
    assert_eq!(leaves, [Id::new("b")]);
    folders(r#"["b"]"#).record("a").leaves().await.unwrap();
    bench.sent(
        "GET DocumentFolder/action/lastChildrenIdList?parentId=a",
        Value::Null,
    );
    folders("true")
        .record("b")
        .move_to(TreePlace::Before, "a")
        .await
        .unwrap();
    bench.sent(
        "POST DocumentFolder/action/move",
        json!({"id": "b", "referenceId": "a", "type": "before"}),
    );
}

#[tokio::test]
async fn conversion_errors_contain_the_duplicates() {
    let server = Server::start(|_, _| {
        Act::Write(bytes(
            409,
            "application/json",
            "",
            br#"[{"id":"1","name":"A","_entityType":"Account"}]"#,
        ))
    })
    .await;
    let lead = server.client().untyped("Lead").record("1");
    let error = lead.convert(Conversion::new()).await.unwrap_err();
    assert_eq!(
        error.duplicates::<espo_core::JsonObject>().unwrap()[0]["_entityType"],
        "Account"
    );
}
