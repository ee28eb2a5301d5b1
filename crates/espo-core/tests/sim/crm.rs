//! Events, target lists, activities and calendars.

use espo_core::actions::event::Acceptance;
use espo_core::http::Method;
use espo_core::typed::Id;
use espo_core::{Auth, Client, Total};
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
async fn events_are_accepted_and_set_held() {
    let (_sim, crm) = start().await;
    let me = me(&crm).await;
    let first = meeting(&crm, &me, None).await;
    let second = meeting(&crm, &me, None).await;
    let meetings = crm.untyped("Meeting");
    let event = meetings.record(&first);
    event.set_acceptance(&Acceptance::Tentative).await.unwrap();
    let attendees = event.attendees().await.unwrap();
    let mine = attendees.iter().find(|user| user.record.id == me.as_str());
    assert_eq!(mine.unwrap().acceptance, Some(Acceptance::Tentative));
    let unknown = Acceptance::Other("Perhaps".to_owned());
    let error = event.set_acceptance(&unknown).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 400);

    meetings.set_held([&first]).await.unwrap();
    meetings.set_not_held([&second]).await.unwrap();
    assert_eq!(read(&crm, "Meeting", &first).await["status"], "Held");
    assert_eq!(read(&crm, "Meeting", &second).await["status"], "Not Held");
}

#[tokio::test]
async fn members_of_target_lists_opt_out_and_back_in() {
    let (_sim, crm) = start().await;
    let list = create(&crm, "TargetList", json!({"name": "L"})).await;
    let contact = create(&crm, "Contact", json!({"lastName": "A"})).await;
    let list = crm.untyped("TargetList").record(&list);
    list.related("contacts").link(&contact).await.unwrap();
    let out = async || list.opted_out().max_size(5).await.unwrap();
    let member = ("Contact", contact.as_str());
    assert_eq!(out().await.total, Total::Exact(0));
    list.opt_out(member).await.unwrap();
    let page = out().await;
    assert_eq!(page.total, Total::Exact(1));
    assert_eq!(page.records[0].id, contact.as_str());
    list.cancel_opt_out(member).await.unwrap();
    assert_eq!(out().await.total, Total::Exact(0));

    list.opt_out(member).await.unwrap();
    list.unlink_all("contacts").await.unwrap();
    assert_eq!(out().await.total, Total::Exact(0));
    let error = list.unlink_all("teams").await.unwrap_err();
    assert_eq!(error.status().unwrap(), 400);
}

#[tokio::test]
async fn activities_are_listed_by_time_type_and_day() {
    let (_sim, crm) = start().await;
    let me = me(&crm).await;
    let account = create(&crm, "Account", json!({"name": "A"})).await;
    let planned = meeting(&crm, &me, Some(&account)).await;
    let held = meeting(&crm, &me, Some(&account)).await;
    crm.untyped("Meeting").set_held([&held]).await.unwrap();
    let account = crm.untyped("Account").record(&account);
    for (side, expected) in [(account.activities(), &planned), (account.history(), &held)] {
        let page = side.list_untyped("Meeting").max_size(5).await.unwrap();
        assert_eq!(page.records.len(), 1);
        assert_eq!(page.records[0]["id"], expected.as_str());
        let page = side.max_size(5).await.unwrap();
        assert_eq!(page.records.len(), 1);
        assert_eq!(page.records[0].id, expected.as_str());
        assert_eq!(page.records[0].entity_type, "Meeting");
    }
    let user = crm.untyped("User").record(&me);
    let page = user.upcoming(7).max_size(5).await.unwrap();
    let ids: Vec<_> = page.records.iter().map(|entry| entry.id.as_str()).collect();
    assert!(ids.contains(&planned.as_str()));
    assert!(
        !ids.contains(&held.as_str()),
        "what is over does not come up"
    );
    let none = user.upcoming(0).max_size(5).await.unwrap();
    assert!(none.records.is_empty());

    let now = jiff::Timestamp::now();
    let until = |days: i64| now + jiff::SignedDuration::from_hours(24 * days);
    let entries = user.calendar(now, until(7)).await.unwrap();
    assert!(entries.iter().any(|entry| entry.id == planned.as_str()));
    let error = user.calendar(now, until(200)).await.unwrap_err();
    assert!(error.is_forbidden(), "{error}");
}

#[tokio::test]
async fn users_are_busy_during_events_that_are_not_over() {
    let (_sim, crm) = start().await;
    let me = me(&crm).await;
    let planned = meeting(&crm, &me, None).await;
    let held = meeting(&crm, &me, None).await;
    crm.untyped("Meeting").set_held([&held]).await.unwrap();
    let now = jiff::Timestamp::now();
    let until = |days: i64| now + jiff::SignedDuration::from_hours(24 * days);
    let users = crm.untyped("User");
    let busy = users.busy_ranges([&me], now, until(7)).await.unwrap();
    let ranges = &busy[&Id::new(&me)];
    assert_eq!(ranges.len(), 1, "{busy:?}");
    let record = read(&crm, "Meeting", &planned).await;
    let text = |time: jiff::Timestamp| time.strftime("%Y-%m-%d %H:%M:%S").to_string();
    assert_eq!(text(ranges[0].start), record["dateStart"]);
    assert_eq!(text(ranges[0].end), record["dateEnd"]);
    let later = users.busy_ranges([&me], until(3), until(7)).await.unwrap();
    assert!(later[&Id::new(&me)].is_empty());
    let error = users.busy_ranges([&me], now, until(200)).await.unwrap_err();
    assert!(error.is_forbidden(), "{error}");
    let error = users
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
    let meetings = crm.untyped("Meeting");
    let event = meetings.record(&id);
    let error = event.send_invitations().await.unwrap_err();
    assert!(
        error.to_string().contains("did nothing"),
        "no other invitee: {error}"
    );
    assert!(sim.mails().is_empty());

    let contact = json!({"lastName": "A", "emailAddress": "a@b.example"});
    let contact = create(&crm, "Contact", contact).await;
    let link = crm.request(Method::POST, ["Meeting", &id, "contacts"]);
    link.json(&json!({"id": contact})).send().await.unwrap();
    event.send_invitations().await.unwrap();
    let error = event.send_cancellation().await.unwrap_err();
    assert!(error.is_forbidden(), "not cancelled yet: {error}");
    let cancelled = object(json!({"status": "Not Held"}));
    meetings.update(Id::new(&id), cancelled).await.unwrap();
    event.send_cancellation().await.unwrap();
    let mails = sim.mails();
    let subjects: Vec<_> = mails.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(subjects, ["Invitation: Talk", "Cancellation: Talk"]);
    assert!(mails.iter().all(|mail| mail.to == ["a@b.example"]));
    let error = meetings
        .record("none")
        .send_invitations()
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
    let error = crm
        .untyped("Account")
        .record(&id)
        .send_invitations()
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "no event: {error}");
}

#[tokio::test]
async fn web_forms_submit_leads_without_a_login() {
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
    let anybody = anybody.untyped("Lead");
    anybody.capture(key, lead.clone()).await.unwrap();

    let leads = crm.untyped("Lead").list().send().await.unwrap().records;
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

    anybody.capture(key, lead.clone()).await.unwrap();
    assert_eq!(sim.count("Lead"), 1, "the same address is the same lead");
    let error = anybody.capture("wrong", lead.clone()).await.unwrap_err();
    assert!(
        error.is_not_found() && !error.to_string().contains("wrong"),
        "{error}"
    );
    let off = object(json!({"isActive": false}));
    boss.untyped("LeadCapture")
        .update(&form, off)
        .await
        .unwrap();
    assert!(anybody.capture(key, lead).await.unwrap_err().is_not_found());
}
