//! Calendars, positions of articles, recipients, last viewed records.

use crate::common::Talk;
use espo_sim::{Sim, Version};
use serde_json::{Value as Json, json};

async fn sim() -> Sim {
    Sim::start().await.expect("a server")
}

#[tokio::test(flavor = "multi_thread")]
async fn calendars_are_listed_by_user_in_a_range_of_times() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let (me, admin) = (
        sim.users().api_key_user().expect("an API user").id.clone(),
        sim.users().admin().expect("an admin").id.clone(),
    );
    let at = |hour: &str| format!("2030-01-01 {hour}:00:00");
    for (entity, name, hour) in [
        ("Call", "call", "08"),
        ("Meeting", "late", "12"),
        ("Meeting", "early", "10"),
    ] {
        api.create(
            entity,
            json!({"name": name, "assignedUserId": me, "usersIds": [me], "dateStart": at(hour), "dateEnd": at("13")}),
        );
    }
    let day = "from=2030-01-01%2000:00&to=2030-01-02%2000:00";
    let both = api
        .get(&format!("Timeline?{day}&userIdList={me},{admin}"))
        .ok();
    let listed = |rows: &Json| -> Vec<String> {
        let rows = rows.as_array().expect("a list").iter();
        rows.map(|r| r["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(listed(&both[me.as_str()]), ["early", "late", "call"]);
    assert_eq!(both[admin.as_str()], json!([]));
    assert_eq!(
        api.get(&format!("Timeline?{day}&userId={me}&scopeList=Call"))
            .ok()[me.as_str()][0]["scope"],
        json!("Call")
    );
    assert_eq!(
        listed(&api.get(&format!("Activities?{day}&scopeList=Call")).ok()),
        ["call"]
    );
    assert_eq!(api.get(&format!("Timeline?{day}")).ok(), json!({}));

    let seconds = "from=2030-01-01%2000:00:00&to=2030-01-02%2000:00:00";
    let days = "from=2030-01-01&to=2030-01-03";
    for (path, status) in [
        (format!("Activities?{seconds}"), 200),
        (format!("Activities?{days}"), 500),
        (format!("Timeline?{seconds}&userIdList={me}"), 500),
        (format!("Timeline?{day}&userIdList=nosuch"), 404),
        ("Timeline".to_owned(), 400),
        (
            format!("Timeline/busyRanges?{seconds}&userIdList={me}"),
            200,
        ),
        (format!("Timeline/busyRanges?{days}&userIdList={me}"), 500),
    ] {
        assert_eq!(api.get(&path).status, status, "{path}");
    }
    let account = api.create("Account", json!({"name": "A"}));
    let tasks = api.get(&format!(
        "Activities/Account/{account}/activities/list/Task"
    ));
    assert_eq!(
        (tasks.status, tasks.reason()),
        (500, "Entity 'Task' is not an activity.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn articles_exchange_positions_with_their_neighbours() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    // A new article is above the others.
    let mut ids: Vec<String> = ["last", "middle", "first"]
        .iter()
        .map(|name| api.create("KnowledgeBaseArticle", json!({"name": name})))
        .collect();
    ids.reverse();
    let places = || -> Vec<i64> {
        let read = |id| api.get(&format!("KnowledgeBaseArticle/{id}")).ok();
        ids.iter()
            .filter_map(|id| read(id)["order"].as_i64())
            .collect()
    };
    let go =
        |action: &str, body: Json| api.post(&format!("KnowledgeBaseArticle/action/{action}"), body);
    let one = places();
    let (first, second, third) = (one[0], one[1], one[2]);
    assert!(first < second && second < third, "{one:?}");
    go("moveDown", json!({"id": ids[0]})).ok();
    assert_eq!(places(), [second, first, third]);
    go("moveUp", json!({"id": ids[1]})).ok();
    assert_eq!(places(), [second, first, third], "nothing is above");
    go("moveToTop", json!({"id": ids[2]})).ok();
    assert_eq!(places(), [second, first, first - 1]);
    go("moveToBottom", json!({"id": ids[2]})).ok();
    assert_eq!(places(), [second, first, second + 1]);
    let only = json!([{"type": "equals", "attribute": "name", "value": "middle"}]);
    go("moveToTop", json!({"id": ids[2], "where": only})).ok();
    assert_eq!(places(), [second, first, first - 1]);
    assert_eq!(go("moveUp", json!({})).status, 400);
    assert_eq!(go("moveUp", json!({"id": "nosuch"})).status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_of_a_case_are_possible_email_recipients() {
    let sim = sim().await;
    let api = Talk::api(&sim);
    let account = api.create(
        "Account",
        json!({"name": "A", "emailAddress": "a@a.example"}),
    );
    let contact = api.create(
        "Contact",
        json!({"lastName": "C", "emailAddress": "c@a.example"}),
    );
    let silent = api.create("Contact", json!({"lastName": "S"}));
    let case = api.create(
        "Case",
        json!({"name": "K", "accountId": account, "contactsIds": [contact, silent]}),
    );
    assert_eq!(
        api.get(&format!("Case/action/emailAddressList?id={case}"))
            .ok(),
        json!([{"emailAddress": "c@a.example", "name": "C", "entityId": contact, "entityType": "Contact"}])
    );
    assert_eq!(api.get("Case/action/emailAddressList").status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn created_records_count_as_viewed_since_10_0() {
    for (version, expected) in [
        (Version::V9_3, vec!["read"]),
        (Version::V10_0, vec!["read", "unread"]),
    ] {
        let sim = Sim::builder()
            .version(version)
            .start()
            .await
            .expect("a server");
        let api = Talk::api(&sim);
        let read = api.create("Account", json!({"name": "read"}));
        api.create("Account", json!({"name": "unread"}));
        api.get(&format!("Account/{read}")).ok();
        let viewed = api.get("LastViewed").ok();
        let list = viewed["list"].as_array().expect("a list");
        let shown: Vec<_> = list
            .iter()
            .map(|v| v["targetName"].as_str().expect("a name"))
            .collect();
        assert_eq!(shown, expected);
        let keys: Vec<_> = list[0].as_object().expect("an object").keys().collect();
        assert_eq!(keys.len(), 5, "{keys:?}");
    }
}
