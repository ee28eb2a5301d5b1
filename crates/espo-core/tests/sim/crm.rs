//! Events, target lists, activities and calendars.

use espo_core::actions::activities::Side;
use espo_core::http::Method;
use espo_core::{Auth, Client, SearchParams, Total};
use serde_json::json;

use crate::{admin, create, me, object, read, start, with};

async fn meeting(crm: &Client, attendee: &str, parent: Option<&str>) -> String {
    let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    let time = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let mut values = json!({
        "name": "Talk", "dateStart": time(tomorrow),
        "dateEnd": time(tomorrow + jiff::SignedDuration::from_hours(1)),
        "usersIds": [attendee], "assignedUserId": attendee,
    });
    if let Some(account) = parent {
        values["parentType"] = json!("Account");
        values["parentId"] = json!(account);
    }
    create(crm, "Meeting", values).await
}

#[tokio::test]
async fn events_are_answered_and_held() {
    let (_sim, crm) = start().await;
    let me = me(&crm).await;
    let first = meeting(&crm, &me, None).await;
    let second = meeting(&crm, &me, None).await;
    let event = crm.event("Meeting");
    event.set_acceptance(&first, "Tentative").await.unwrap();
    let attendees = event.attendees(&first).await.unwrap();
    let mine = attendees.list.iter().find(|user| user["id"] == me.as_str());
    assert_eq!(mine.unwrap()["acceptanceStatus"], "Tentative");
    let error = event.set_acceptance(&first, "Perhaps").await.unwrap_err();
    assert_eq!(error.status().unwrap(), 400);

    event.set_held_all([&first]).await.unwrap();
    event.set_not_held_all([&second]).await.unwrap();
    assert_eq!(read(&crm, "Meeting", &first).await["status"], "Held");
    assert_eq!(read(&crm, "Meeting", &second).await["status"], "Not Held");
}

#[tokio::test]
async fn members_of_target_lists_opt_out_and_back_in() {
    let (_sim, crm) = start().await;
    let list = create(&crm, "TargetList", json!({"name": "L"})).await;
    let contact = create(&crm, "Contact", json!({"lastName": "A"})).await;
    let link = async || {
        let request = crm.request(Method::POST, ["TargetList", &list, "contacts"]);
        request.json(&json!({"id": contact})).send().await.unwrap();
    };
    link().await;
    let out = async || crm.opted_out(&list, 0, 5).await.unwrap();
    assert_eq!(out().await.total, Total::Exact(0));
    crm.opt_out(&list, "Contact", &contact).await.unwrap();
    let page = out().await;
    assert_eq!(page.total, Total::Exact(1));
    assert_eq!(page.list[0]["id"], contact.as_str());
    crm.cancel_opt_out(&list, "Contact", &contact)
        .await
        .unwrap();
    assert_eq!(out().await.total, Total::Exact(0));

    crm.opt_out(&list, "Contact", &contact).await.unwrap();
    crm.unlink_all_targets(&list, "contacts").await.unwrap();
    assert_eq!(out().await.total, Total::Exact(0));
    let error = crm.unlink_all_targets(&list, "teams").await.unwrap_err();
    assert_eq!(error.status().unwrap(), 400);
}

#[tokio::test]
async fn activities_by_side_type_and_day() {
    let (_sim, crm) = start().await;
    let me = me(&crm).await;
    let account = create(&crm, "Account", json!({"name": "A"})).await;
    let planned = meeting(&crm, &me, Some(&account)).await;
    let held = meeting(&crm, &me, Some(&account)).await;
    crm.event("Meeting").set_held_all([&held]).await.unwrap();
    let activities = crm.activities();
    for (side, expected) in [(Side::Activities, &planned), (Side::History, &held)] {
        let page = activities.of(side, "Account", &account, Some("Meeting"), 0, 5);
        let page = page.await.unwrap();
        assert_eq!(page.list.len(), 1);
        assert_eq!(page.list[0]["id"], expected.as_str());
        let params = SearchParams::new().max_size(5);
        let page = activities.list(side, "Account", &account, "Meeting", &params);
        let page = page.await.unwrap();
        assert_eq!(page.list.len(), 1);
        assert_eq!(page.list[0]["id"], expected.as_str());
    }
    let page = activities.upcoming(&me, 7, 0, 5).await.unwrap();
    assert!(
        page.list
            .iter()
            .any(|entry| entry["id"] == planned.as_str())
    );
    assert!(
        page.list.iter().all(|entry| entry["id"] != held.as_str()),
        "what is over does not come up"
    );
    assert!(
        activities
            .upcoming(&me, 0, 0, 5)
            .await
            .unwrap()
            .list
            .is_empty()
    );

    let now = jiff::Timestamp::now();
    let until = |days: i64| now + jiff::SignedDuration::from_hours(24 * days);
    let entries = activities.calendar(&me, now, until(7)).await.unwrap();
    let ids: Vec<_> = entries.iter().map(|entry| &entry["id"]).collect();
    assert!(ids.contains(&&json!(planned)), "{ids:?}");
    let error = activities.calendar(&me, now, until(200)).await.unwrap_err();
    assert!(error.is_forbidden(), "{error}");
}

#[tokio::test]
async fn users_are_busy_when_they_attend_what_is_not_over() {
    let (_sim, crm) = start().await;
    let me = me(&crm).await;
    let planned = meeting(&crm, &me, None).await;
    let held = meeting(&crm, &me, None).await;
    crm.event("Meeting").set_held_all([&held]).await.unwrap();
    let now = jiff::Timestamp::now();
    let until = |days: i64| now + jiff::SignedDuration::from_hours(24 * days);
    let activities = crm.activities();
    let busy = activities.busy_ranges([&me], now, until(7)).await.unwrap();
    let ranges = busy[&me].as_array().unwrap();
    assert_eq!(ranges.len(), 1, "{busy}");
    let record = read(&crm, "Meeting", &planned).await;
    assert_eq!(ranges[0]["dateStart"], record["dateStart"]);
    assert_eq!(ranges[0]["dateEnd"], record["dateEnd"]);
    let later = activities
        .busy_ranges([&me], until(3), until(7))
        .await
        .unwrap();
    assert_eq!(later[&me], json!([]));
    let error = activities
        .busy_ranges([&me], now, until(200))
        .await
        .unwrap_err();
    assert!(error.is_forbidden(), "{error}");
    let error = activities
        .busy_ranges(["none"], now, until(7))
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn invitations_and_cancellations_go_to_attendees_with_an_address() {
    let (sim, crm) = start().await;
    let me = me(&crm).await;
    let id = meeting(&crm, &me, None).await;
    let event = crm.event("Meeting");
    let error = event.send_invitations(&id).await.unwrap_err();
    assert!(
        error.to_string().contains("did nothing"),
        "nobody else: {error}"
    );
    assert!(sim.mails().is_empty());

    let contact = json!({"lastName": "A", "emailAddress": "a@b.example"});
    let contact = create(&crm, "Contact", contact).await;
    let link = crm.request(Method::POST, ["Meeting", &id, "contacts"]);
    link.json(&json!({"id": contact})).send().await.unwrap();
    event.send_invitations(&id).await.unwrap();
    event.send_cancellation(&id).await.unwrap();
    let mails = sim.mails();
    let subjects: Vec<_> = mails.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(subjects, ["Invitation: Talk", "Cancellation: Talk"]);
    assert!(mails.iter().all(|mail| mail.to == ["a@b.example"]));
    let error = event.send_invitations("none").await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let error = crm
        .event("Account")
        .send_invitations(&id)
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "no event: {error}");
}

#[tokio::test]
async fn a_web_form_hands_leads_in_without_a_login() {
    let (sim, crm) = start().await;
    let boss = admin(&sim);
    let list = create(&boss, "TargetList", json!({"name": "L"})).await;
    let form = json!({"name": "F", "fieldList": ["firstName", "lastName", "emailAddress"],
                      "leadSource": "Campaign", "targetListId": list});
    let form = create(&boss, "LeadCapture", form).await;
    let key = read(&boss, "LeadCapture", &form).await["apiKey"].clone();
    let key = key.as_str().unwrap();
    let anybody = with(&sim, Auth::none()).build().unwrap();
    let lead = object(
        json!({"lastName": "Adder", "emailAddress": "a@b.example", "description": "not asked for"}),
    );
    anybody.capture_lead(key, &lead).await.unwrap();

    let leads = crm.untyped("Lead").list().send().await.unwrap().list;
    assert_eq!(leads.len(), 1);
    let record = read(&crm, "Lead", leads[0]["id"].as_str().unwrap()).await;
    assert_eq!(
        (&record["lastName"], &record["source"]),
        (&json!("Adder"), &json!("Campaign"))
    );
    assert!(record["description"].is_null());
    let members = crm.request(Method::GET, ["TargetList", &list, "leads"]);
    let members: serde_json::Value = members.send_json().await.unwrap();
    assert_eq!(members["total"], 1);

    anybody.capture_lead(key, &lead).await.unwrap();
    assert_eq!(sim.count("Lead"), 1, "the same address is the same lead");
    let error = anybody.capture_lead("wrong", &lead).await.unwrap_err();
    assert!(
        error.is_not_found() && !error.to_string().contains("wrong"),
        "{error}"
    );
    let off = object(json!({"isActive": false}));
    boss.untyped("LeadCapture")
        .update(espo_core::typed::Id::new(&form), off)
        .await
        .unwrap();
    assert!(
        anybody
            .capture_lead(key, &lead)
            .await
            .unwrap_err()
            .is_not_found()
    );
}
