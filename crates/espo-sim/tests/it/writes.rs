//! Computed attributes of saves, and their effects on other records.

use crate::common::Talk;
use espo_sim::{Sim, Version};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn every_update_marks_a_record_as_modified() {
    let sim = Sim::builder().start().await.unwrap();
    let api = Talk::api(&sim);
    for (entity, body) in [
        ("Account", json!({"name": "Acme"})),
        ("Lead", json!({"lastName": "Smith"})),
        ("Campaign", json!({"name": "Spring"})),
        ("TargetList", json!({"name": "All"})),
    ] {
        let id = api.create(entity, body);
        let answer = api.put(&format!("{entity}/{id}"), json!({})).ok();
        assert!(answer["modifiedById"].is_string(), "{entity}");
    }
    // Records without additional data to load are modified only by a change.
    let id = api.create("KnowledgeBaseArticle", json!({"name": "How to"}));
    let path = format!("KnowledgeBaseArticle/{id}");
    assert!(api.put(&path, json!({})).ok()["modifiedById"].is_null());
    for body in [json!({"name": "How not to"}), json!({"teamsIds": "x"})] {
        let path = format!(
            "KnowledgeBaseArticle/{}",
            api.create("KnowledgeBaseArticle", json!({"name": "B"}))
        );
        assert!(api.put(&path, body).ok()["modifiedById"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_shared_between_records() {
    let sim = Sim::builder().start().await.unwrap();
    let api = Talk::api(&sim);
    let number = "+15557770001";
    let contact = api.create(
        "Contact",
        json!({"lastName": "Smith", "phoneNumber": number}),
    );
    let body = json!({"name": "Acme", "phoneNumber": number, "_skipDuplicateCheck": true});
    let account = api.create("Account", body);
    let account = format!("Account/{account}");
    // The number keeps the type with which it was created.
    let read = api.get(&account).ok();
    assert_eq!(read["phoneNumberData"][0]["type"], json!("Mobile"));
    api.put(&account, json!({"phoneNumberIsInvalid": true}))
        .ok();
    let read = api.get(&format!("Contact/{contact}")).ok();
    assert_eq!(read["phoneNumberIsInvalid"], json!(true));
    assert_eq!(read["phoneNumberData"][0]["invalid"], json!(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_set_the_probability_unless_it_is_sent() {
    let sim = Sim::builder().start().await.unwrap();
    let api = Talk::api(&sim);
    let body = json!({"name": "Deal", "amount": 100, "closeDate": "2030-01-31", "probability": 33});
    let path = format!("Opportunity/{}", api.create("Opportunity", body));
    assert_eq!(api.get(&path).ok()["probability"], json!(33));
    let named = api.put(&path, json!({"probability": 70})).ok();
    assert_eq!(named["probability"], json!(70));
    let unnamed = api.put(&path, json!({"description": "x"})).ok();
    assert_eq!(unnamed["probability"], json!(10));
    let lost = api.put(&path, json!({"stage": "Closed Lost"})).ok();
    assert_eq!(
        (&lost["probability"], &lost["lastStage"]),
        (&json!(0), &json!("Prospecting"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_records_cannot_be_changed_or_deleted() {
    let sim = Sim::builder()
        .version(Version::V10_0)
        .start()
        .await
        .unwrap();
    let admin = Talk::admin(&sim);
    let id = admin.create("Account", json!({"name": "Acme"}));
    let path = format!("Account/{id}");
    let action = |name: &str| json!({"entityType": "Account", "id": id, "action": name});
    let locked = admin.post("Action", action("lock")).ok();
    assert_eq!(locked["isLocked"], json!(true));
    assert_eq!(
        admin.post("Action", action("lock")).reason(),
        "Already locked."
    );
    let refused = admin.put(&path, json!({"website": "acme.example"}));
    assert_eq!(
        (refused.status, refused.reason()),
        (409, "cannotModifyLockedRecord")
    );
    assert_eq!(
        admin.put(&path, json!({"name": "Acme"})).status,
        200,
        "nothing changes"
    );
    assert_eq!(admin.delete(&path).status, 409);
    admin.post("Action", action("unlock")).ok();
    assert_eq!(admin.delete(&path).status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn emails_keep_their_addresses() {
    let sim = Sim::builder().start().await.unwrap();
    let api = Talk::api(&sim);
    let body = json!({
        "subject": "Hello",
        "from": "a@x.example",
        "to": "c@x.example;b@x.example",
        "status": "Archived",
        "body": "<p>Dear <b>all</b></p>",
    });
    let path = format!("Email/{}", api.create("Email", body.clone()));
    let read = api.get(&path).ok();
    assert_eq!(read["name"], json!("Hello"));
    assert_eq!(read["to"], json!("b@x.example;c@x.example"), "by name");
    assert_eq!(read["bodyPlain"], json!("Dear **all**"));
    let found = api.get("Email?textFilter=C@x.example&select=name").ok();
    assert_eq!(found["list"][0]["name"], "Hello", "by a whole address");
    let draft = json!({"subject": "Re", "from": "b@x.example", "to": "a@x.example", "status": "Draft", "repliedId": &path[6..]});
    let draft = format!("Email/{}", api.create("Email", draft));
    let set = api
        .put(&draft, json!({"dateSent": "2030-01-01 10:00:00"}))
        .ok();
    assert!(set["dateSent"].is_null(), "drafts are not sent");
    let replies = api.get(&path).ok()["repliesColumns"].clone();
    assert_eq!(replies, json!({&draft[6..]: {"status": "Draft"}}));
    let changed = api.put(&path, json!({"status": "Draft"})).ok();
    assert_eq!(changed["status"], json!("Archived"), "it stays archived");
    let mut bad = body;
    bad["to"] = json!("b@x.example; c@x.example");
    assert!(
        api.post("Email", bad)
            .reason()
            .ends_with("field: to, type: valid.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_are_not_stored_are_returned_as_sent() {
    let sim = Sim::builder().start().await.unwrap();
    let api = Talk::api(&sim);
    let path = format!(
        "Contact/{}",
        api.create("Contact", json!({"lastName": "C"}))
    );
    for (attribute, sent, returned, stored) in [
        ("originalEmailName", json!(" zz"), json!(" zz"), json!(null)),
        ("followersIds", json!("x"), json!(null), json!([])),
        ("isFollowed", json!(1), json!(true), json!(false)),
        ("phoneNumber", json!(false), json!(null), json!(null)),
    ] {
        let answer = api.put(&path, json!({attribute: sent})).ok();
        assert_eq!(answer[attribute], returned, "{attribute}");
        assert_eq!(api.get(&path).ok()[attribute], stored, "{attribute}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_the_server_cannot_process_are_rejected() {
    let sim = Sim::builder().start().await.unwrap();
    let api = Talk::api(&sim);
    let body = json!({
        "name": "M",
        "dateStart": "2030-01-01 10:00:00",
        "dateEnd": "2030-01-01 11:00:00",
        "assignedUserId": sim.users().api_key_user().unwrap().id,
    });
    let path = format!("Meeting/{}", api.create("Meeting", body));
    for (body, status, reason) in [
        (
            json!({"usersColumns": {"a": 1}}),
            400,
            "Field validation failure; entityType: Meeting, field: users, type: columnsValid.",
        ),
        (
            json!({"parentType": ""}),
            400,
            "Field validation failure; entityType: Meeting, field: parent, type: valid.",
        ),
        (json!({"usersIds": "x"}), 500, ""),
        (json!({"dateEnd": "\u{0}"}), 500, ""),
        (json!({"_skipDuplicateCheck": [1]}), 500, ""),
    ] {
        let answer = api.put(&path, body.clone());
        assert_eq!((answer.status, answer.reason()), (status, reason), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn primary_accounts_follow_the_list_since_10_0() {
    for (version, primary) in [(Version::V9_3, false), (Version::V10_0, true)] {
        let sim = Sim::builder().version(version).start().await.unwrap();
        let api = Talk::api(&sim);
        let account = api.create("Account", json!({"name": "A"}));
        let body = json!({
            "lastName": "C",
            "accountsIds": [account],
            "title": "Owner",
            "accountIsInactive": true,
        });
        let path = format!("Contact/{}", api.create("Contact", body));
        let expected = if primary { json!(account) } else { json!(null) };
        let read = api.get(&path).ok();
        assert_eq!(read["accountId"], expected);
        let role = if primary { json!("Owner") } else { json!(null) };
        let columns = json!({"role": role, "isInactive": false});
        assert_eq!(read["accountsColumns"][&account], columns);
        let answer = api.put(&path, json!({"accountId": null})).ok();
        assert_eq!(answer["accountId"], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_leads_come_from_the_selected_attributes() {
    let sim = Sim::builder().start().await.unwrap();
    let api = Talk::api(&sim);
    api.create(
        "Lead",
        json!({"lastName": "L", "accountName": "A", "emailAddress": "l@x.example"}),
    );
    for (select, name) in [
        ("name", json!("L")),
        ("accountName", json!("A")),
        ("phoneNumber,emailAddress", json!("l@x.example")),
        ("phoneNumber", json!(null)),
    ] {
        let list = api.get(&format!("Lead?select={select}")).ok();
        assert_eq!(list["list"][0]["name"], name, "{select}");
    }
}
