//! Rules that real servers follow in requests that few programs send.

use espo_sim::{Sim, Version};
use serde_json::{Value as Json, json};

use crate::common::Talk;

async fn sim(version: &str) -> Sim {
    let version: Version = version.parse().expect("a version");
    Sim::builder()
        .version(version)
        .start()
        .await
        .expect("the server starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn link_requests_accept_numbers_and_need_an_id() {
    let sim = sim("9.3").await;
    let api = Talk::api(&sim);
    let path = format!(
        "Lead/{}/targetLists",
        api.create("Lead", json!({"lastName": "L"}))
    );
    for (body, status) in [
        (json!({}), 200),
        (json!({"ids": "x"}), 200),
        (json!({"id": ""}), 400),
        (json!({"id": 5}), 404),
        (json!({"ids": [5]}), 404),
        (json!({"id": ["a"]}), 500),
    ] {
        let answer = api.post(&path, body.clone());
        assert_eq!(answer.status, status, "{body}");
        if status == 200 {
            assert_eq!(answer.json(), json!(false));
        }
    }
    // A link that does not support link requests is reported before the ID is looked up.
    let owner = api.post("Account/nosuch/createdBy", json!({"id": 5}));
    assert_eq!(
        owner.reason(),
        "Only manyMany, hasMany & hasChildren relations are allowed."
    );
    assert_eq!(api.delete("Contact/action/noSuch").ok(), json!(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_versions_of_sets_are_conflicts() {
    let sim = sim("9.3").await;
    let api = Talk::api(&sim);
    let contact = api.create("Contact", json!({"lastName": "C"}));
    let case = api.create("Case", json!({"name": "N"}));
    let stale = Talk::api(&sim).with("X-Version-Number", "7");
    let answer = stale.put(&format!("Case/{case}"), json!({"contactsIds": [contact]}));
    assert_eq!((answer.status, answer.reason()), (409, "modified"));
    assert_eq!(answer.json()["values"]["contactsIds"], json!([]));
    // Nothing changes, so nothing conflicts.
    stale
        .put(&format!("Case/{case}"), json!({"contactsIds": []}))
        .ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_reach_the_users_they_are_addressed_to() {
    let sim = sim("9.3").await;
    let api = Talk::api(&sim);
    let all = api
        .post("Note", json!({"post": "p", "targetType": "all"}))
        .ok();
    assert_eq!(all["isGlobal"], json!(true));
    assert!(all.get("usersIds").is_none() && all.get("teamsIds").is_none());
    let own = api
        .post("Note", json!({"post": "p", "targetType": "self"}))
        .ok();
    assert_eq!(own["usersIds"].as_array().map(Vec::len), Some(1));
    assert!(own.get("teamsIds").is_none());
    let stream = api.get("GlobalStream?maxSize=1").ok();
    assert_eq!(stream["list"][0]["_scope"], json!("Note"));
    assert_eq!(stream["list"][0]["usersIds"], own["usersIds"]);
    let missing = api.post("Note/nosuch/pin", json!({}));
    assert_eq!((missing.status, missing.reason()), (404, ""));
    assert_eq!(api.get("Account/nosuch/stream?filter=x").status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn authors_of_posts_follow_the_record_unless_they_are_api_users() {
    let sim = sim("9.3").await;
    let (api, admin) = (Talk::api(&sim), Talk::admin(&sim));
    let id = api.create("Account", json!({"name": "A"}));
    let post = json!({"parentType": "Account", "parentId": id, "post": "p"});
    api.post("Note", post.clone()).ok();
    assert_eq!(
        admin.get(&format!("Account/{id}")).ok()["followersIds"],
        json!([])
    );
    admin.post("Note", post).ok();
    let followers = admin.get(&format!("Account/{id}")).ok();
    assert_eq!(followers["followersIds"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn meeting_days_apply_only_to_all_day_meetings_since_10_0() {
    for (version, timed) in [("9.3", json!("2030-01-02")), ("10.0", Json::Null)] {
        let sim = sim(version).await;
        let api = Talk::api(&sim);
        let user = sim.users().admin().expect("an administrator").id.clone();
        let days = json!({"name": "M", "assignedUserId": user,
            "dateStartDate": "2030-01-02", "dateEndDate": "2030-01-03"});
        let id = api.create("Meeting", days.clone());
        let read = api.get(&format!("Meeting/{id}")).ok();
        assert_eq!(read["dateStartDate"], timed, "{version}");
        let mut whole = days;
        whole["isAllDay"] = json!(true);
        let id = api.create("Meeting", whole);
        let read = api.get(&format!("Meeting/{id}")).ok();
        assert_eq!(read["dateEnd"], json!("2030-01-04 00:00:00"), "{version}");
        // A new first day moves the last one.
        let body = json!({"dateStartDate": "2030-01-05"});
        let moved = api.put(&format!("Meeting/{id}"), body).ok();
        assert_eq!(moved["dateEndDate"], json!("2030-01-06"), "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_dates_and_reminders_are_rejected() {
    let sim = sim("9.3").await;
    let api = Talk::api(&sim);
    let user = sim.users().admin().expect("an administrator").id.clone();
    let task = |extra: Json| {
        let mut body = json!({"name": "T", "assignedUserId": user});
        for (key, value) in extra.as_object().expect("an object") {
            body[key] = value.clone();
        }
        api.post("Task", body)
    };
    let reason = |field: &str| {
        format!("Field validation failure; entityType: Task, field: {field}, type: valid.")
    };
    assert_eq!(
        task(json!({"dateStart": "2030-01-02"})).reason(),
        reason("dateStart")
    );
    assert_eq!(
        task(json!({"reminders": [1]})).reason(),
        reason("reminders")
    );
    let fine = json!([{"type": "Popup", "seconds": 60}]);
    task(json!({"dateEnd": "2030-01-02 10:00:00", "reminders": fine})).ok();
    let order = json!({"name": "C", "startDate": "2030-02-01", "endDate": "2030-01-01"});
    assert_eq!(
        api.post("Campaign", order).reason(),
        "Field validation failure; entityType: Campaign, field: endDate, type: afterStartDate."
    );
    let link = api.post("Lead", json!({"lastName": "L", "campaignId": false}));
    assert!(link.reason().ends_with("field: campaign, type: pattern."));
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_lists_and_null_in_filters_match_as_on_servers() {
    let sim = sim("9.3").await;
    let api = Talk::api(&sim);
    for (name, industry) in [("A", json!("Finance")), ("B", Json::Null)] {
        api.create("Account", json!({"name": name, "sicCode": industry}));
    }
    let found = |item: Json| api.found("Account", json!({"where": [item], "orderBy": "name"}));
    let item = |type_: &str, attribute: &str, value: Json| json!({"type": type_, "attribute": attribute, "value": value});
    assert_eq!(found(item("in", "isFollowed", json!([]))), [""; 0]);
    assert_eq!(found(item("notIn", "isFollowed", json!([]))), ["A", "B"]);
    assert_eq!(found(item("contains", "sicCode", Json::Null)), ["A"]);
    assert_eq!(found(item("notContains", "sicCode", Json::Null)), [""; 0]);
    assert_eq!(found(item("equals", "name", json!(0))), ["A", "B"]);
    // A named filter that does not exist is reported before a condition that the database rejects.
    let both = json!({"where": [item("equals", "isFollowed", json!(1))], "primaryFilter": "x"});
    assert_eq!(api.search("Account", both).status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn first_conversions_are_dated_and_leads_of_a_campaign_are_logged() {
    let sim = sim("9.3").await;
    let api = Talk::api(&sim);
    let campaign = api.create("Campaign", json!({"name": "C"}));
    let lead = api.create("Lead", json!({"lastName": "L", "campaignId": campaign}));
    let log = api
        .get(&format!("Campaign/{campaign}/campaignLogRecords"))
        .ok();
    assert_eq!(log["list"][0]["action"], json!("Lead Created"));
    assert_eq!(log["list"][0]["parentId"], json!(lead));
    let path = format!("Lead/{lead}");
    let converted = api.put(&path, json!({"status": "Converted"})).ok()["convertedAt"].clone();
    assert!(converted.is_string());
    let reopened = api.put(&path, json!({"status": "New"})).ok();
    assert_eq!(reopened["convertedAt"], converted);
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_of_one_record_are_grouped_since_10_0() {
    for (version, rows) in [("9.3", 2), ("10.0", 1)] {
        let sim = sim(version).await;
        let (api, admin) = (Talk::api(&sim), Talk::admin(&sim));
        let user = sim.users().admin().expect("an administrator").id.clone();
        let id = api.create("Account", json!({"name": "A", "assignedUserId": user}));
        let post = json!({"parentType": "Account", "parentId": id, "post": "p"});
        api.post("Note", post).ok();
        let list = admin.get("Notification").ok();
        let list = list["list"].as_array().expect("a list").clone();
        assert_eq!(list.len(), rows, "{version}");
        if version == "10.0" {
            assert_eq!(list[0]["id"], json!(format!("Record_Account_{id}")));
            assert_eq!(list[0]["groupedUnreadCount"], json!(2));
            assert_eq!(admin.get("Notification/action/notReadCount").ok(), json!(1));
        }
    }
}
