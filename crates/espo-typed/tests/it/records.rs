//! Records as values: built by hand, serialised, compared, and written back.

use espo_sim::Sim;
use espo_typed::account::{Industry, Type};
use espo_typed::espo_core::typed::Decode;
use espo_typed::prelude::*;
use espo_typed::{call, meeting};
use serde_json::json;

async fn client(sim: &Sim) -> Client {
    Client::builder(sim.url())
        .auth(Auth::api_key(sim.api_key()))
        .build()
        .expect("a client")
}

#[test]
fn records_can_be_built_for_tests() {
    let acme = Account {
        name: Some("Acme".into()),
        industry: Some(Industry::Finance),
        ..Account::with_id(Id::new("a1"))
    };
    assert!(acme.is_present("name") && !acme.is_present("website"));
    assert_eq!(
        serde_json::to_value(&acme).expect("JSON"),
        json!({"id": "a1", "industry": "Finance", "name": "Acme"})
    );
    let text = acme.to_json();
    let read: Account = serde_json::from_value(text.into()).expect("a record");
    assert_eq!(read, acme);
}

#[test]
fn records_without_an_id_are_rejected() {
    let error = Account::decode_record(r#"{"name": "Acme"}"#).expect_err("no ID");
    assert_eq!(
        error.to_string(),
        "Account, attribute `id`: expected an ID, found none"
    );
    let error = serde_json::from_str::<Account>(r#"{"name": "Acme", "id": null}"#);
    let error = error.expect_err("no ID").to_string();
    assert!(
        error.starts_with("Account: the record has no `id`"),
        "{error}"
    );
    let page = r#"{"total": 2, "list": [{"id": "a1"}, {"name": "Acme"}]}"#;
    let page = Account::decode_page(page).expect("a page");
    assert_eq!((page.records.len(), page.rejected.len()), (1, 1));
    // Settings are not an entity.
    Settings::decode_record("{}").expect("settings");
}

#[test]
fn deserialisation_errors_contain_entity_type_and_attribute() {
    let error = serde_json::from_str::<Opportunity>(r#"{"id": "o1", "closeDate": "soon"}"#);
    let error = error.expect_err("no date").to_string();
    assert!(
        error.contains("Opportunity, attribute `closeDate`"),
        "{error}"
    );
}

#[test]
fn values_are_serialised_as_on_the_wire() {
    let time: Timestamp = "2026-01-31T08:15:00Z".parse().expect("a time");
    assert_eq!(json!(DateOrTime::from(time)), json!("2026-01-31 08:15:00"));
    assert_eq!(
        json!(DateOrTime::from(date(2026, 1, 31))),
        json!("2026-01-31")
    );
    for text in ["2026-01-31", "2026-01-31 08:15:00"] {
        let value: DateOrTime = serde_json::from_value(json!(text)).expect("a date or time");
        assert_eq!(json!(value), json!(text));
    }
    let error = serde_json::from_value::<DateOrTime>(json!("soon")).expect_err("neither");
    assert!(error.to_string().contains("expected YYYY-MM-DD"), "{error}");

    let parent = meeting::Parent::from(Id::<Account>::new("a1"));
    assert_eq!(json!(parent), json!({"entityType": "Account", "id": "a1"}));
    let read: meeting::Parent = serde_json::from_value(json!(parent)).expect("a parent");
    assert_eq!(read, parent);

    let status = meeting::ContactsColumns::new().status(meeting::ContactsStatus::Accepted);
    assert_eq!(json!(status), json!({"status": "Accepted"}));
    let read: meeting::ContactsColumns =
        serde_json::from_value(json!({"status": "Accepted", "cNew": 1})).expect("columns");
    assert_eq!(json!(read), json!({"status": "Accepted", "cNew": 1}));

    let known: Vec<&str> = call::Direction::ALL
        .iter()
        .map(call::Direction::as_str)
        .collect();
    assert_eq!(known, ["Outbound", "Inbound"]);
    let unknown: Type = serde_json::from_value(json!("Rival")).expect("any string is an option");
    assert_eq!(unknown, Type::Unknown("Rival".into()));
    assert_eq!(json!(unknown), json!("Rival"));
}

#[test]
fn debug_output_hides_secrets() {
    let user = json!({"id": "u1", "userName": "bot", "apiKey": "k-123", "cAccessToken": "t-123",
        "cNested": [{"clientSecret": "s-123"}]});
    let user = User::decode_record(&user.to_string()).expect("a user");
    let new = UserNew::new(UserRequired {
        last_name: "Bot".into(),
        user_name: "bot".into(),
    })
    .password("p-123");
    for shown in [
        format!("{user:?}"),
        format!("{user:#?}"),
        format!("{new:?}"),
        format!("{:?}", user.meta),
    ] {
        assert!(!shown.contains("-123"), "{shown}");
    }
    assert!(format!("{user:?}").contains("apiKey: (hidden)"), "{user:?}");
    assert_eq!(user.api_key.as_deref(), Some("k-123"));
}

#[test]
fn patches_of_changes_contain_only_the_differences() {
    let before = json!({"id": "m1", "name": "Review", "description": "x", "status": "Planned",
        "dateStart": "2026-01-31 08:00:00", "dateStartDate": null, "dateEnd": "2026-01-31 09:00:00",
        "createdAt": "2026-01-01 00:00:00", "parentType": "Account", "parentId": "a1",
        "teamsIds": ["t1"], "usersIds": ["u1"], "cUnknown": 1});
    let before = Meeting::decode_record(&before.to_string()).expect("a meeting");
    assert!(MeetingPatch::changes(&before, &before.clone()).is_empty());

    let after = Meeting {
        description: None,
        status: Some(meeting::Status::Held),
        teams_ids: None,
        users_ids: Some(vec![Id::new("u1"), Id::new("u2")]),
        parent_id: Some(Id::new("a2")),
        date_start_date: Some(date(2026, 2, 1)),
        created_at: None,
        ..before.clone()
    };
    let patch = MeetingPatch::changes(&before, &after);
    let sent = patch.as_json();
    assert_eq!(sent["dateStartDate"], json!("2026-02-01"));
    assert!(!sent.contains_key("createdAt"), "only the server sets it");
    assert!(!sent.contains_key("name") && !sent.contains_key("dateEnd"));
    for (attribute, value) in [
        ("description", json!(null)),
        ("status", json!("Held")),
        ("teamsIds", json!([])),
        ("usersIds", json!(["u1", "u2"])),
        ("parentType", json!("Account")),
        ("parentId", json!("a2")),
    ] {
        assert_eq!(sent[attribute], value, "{attribute}");
    }

    let day = Meeting {
        date_start: None,
        date_start_date: Some(date(2026, 2, 1)),
        ..before.clone()
    };
    let back = MeetingPatch::changes(&day, &before);
    assert_eq!(back.as_json()["dateStart"], json!("2026-01-31 08:00:00"));
    assert_eq!(back.as_json()["dateStartDate"], json!(null));

    // Attributes that stay null or absent are not changes; a bool is cleared to false.
    let before = Contact::decode_record(r#"{"id": "c1", "title": null, "doNotCall": true}"#);
    let before = before.expect("a contact");
    let after = Contact {
        do_not_call: None,
        ..before.clone()
    };
    let patch = ContactPatch::changes(&before, &after);
    assert_eq!(
        serde_json::Value::from(patch.as_json().clone()),
        json!({"doNotCall": false})
    );
}

#[tokio::test]
async fn changes_are_rejected_after_a_concurrent_update() -> Result<(), Error> {
    let sim = Sim::start().await.expect("the embedded server starts");
    let crm = client(&sim).await;
    let id = crm.create(AccountNew::new("Acme")).await?.id;

    let before: Account = crm.read(&id).await?;
    let mut after = before.clone();
    after.website = Some("https://acme.example".into());
    after.industry = Some(Industry::Finance);
    let patch = AccountPatch::changes(&before, &after);
    let saved = crm.update(&id, patch.clone()).if_unchanged(&before).await?;
    assert_eq!(saved.industry, Some(Industry::Finance));

    after.website = None;
    let patch = AccountPatch::changes(
        &before,
        &Account {
            website: Some("https://b.example".into()),
            ..before.clone()
        },
    );
    let late = crm.update(&id, patch).if_unchanged(&before).await;
    assert!(late.expect_err("changed meanwhile").is_version_conflict());

    let contact = Contact::with_id(Id::new("c1"));
    let patch = ContactPatch::new().title("Director");
    let error = crm.update(&contact.id, patch).if_unchanged(&contact).await;
    let error = error.expect_err("no version").to_string();
    assert!(error.contains("has no `versionNumber`"), "{error}");
    Ok(())
}
