//! Responses in all forms that servers are known to send are decoded without loss.

use espo_core::typed::{Decode, Page, Record};
use espo_typed::opportunity::Stage;
use espo_typed::prelude::*;
use serde_json::{Value, json};

fn opportunity(mut attributes: Value) -> Opportunity {
    attributes["id"] = "1".into();
    Opportunity::decode_record(&attributes.to_string())
        .unwrap_or_else(|error| panic!("{attributes}: {error}"))
}

#[test]
fn numbers_are_read_from_integers_floats_and_strings() {
    for (amount, expected) in [
        (json!(100), "100"),
        (json!(100.5), "100.5"),
        (json!(1234.5669999999602), "1234.5669999999602"),
        (json!("1000.0000"), "1000.0000"),
        (json!("12.5"), "12.5"),
        (json!(1e15), "1000000000000000"),
    ] {
        let deal = opportunity(json!({"id": "1", "amount": amount}));
        assert_eq!(
            deal.amount,
            Some(expected.parse().expect("a decimal")),
            "{amount}"
        );
    }
    for probability in [json!(20), json!(20.0), json!("20")] {
        assert_eq!(
            opportunity(json!({"probability": probability})).probability,
            Some(20),
            "{probability}"
        );
    }
    for flag in [json!(true), json!(1), json!("1"), json!("true")] {
        assert_eq!(
            opportunity(json!({"deleted": flag})).deleted,
            Some(true),
            "{flag}"
        );
    }
    assert_eq!(
        opportunity(json!({"name": 12345})).name.as_deref(),
        Some("12345")
    );
}

#[test]
fn php_forms_of_maps_and_lists_are_read() {
    let empty = opportunity(json!({"teamsNames": [], "teamsIds": [], "contactsColumns": []}));
    assert_eq!(empty.teams_names.map(|names| names.len()), Some(0));
    assert_eq!(empty.contacts_columns.map(|columns| columns.len()), Some(0));
    let gaps = opportunity(json!({"teamsIds": {"0": "a", "2": "b"}}));
    assert_eq!(
        gaps.teams_ids
            .map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>()),
        Some(vec!["a".into(), "b".into()])
    );
}

#[test]
fn times_are_read_in_every_form_that_databases_print() {
    let time = |text: &str| {
        opportunity(json!({"createdAt": text}))
            .created_at
            .map(|time| time.to_string())
    };
    for (text, expected) in [
        ("2020-01-02 03:04:05", Some("2020-01-02T03:04:05Z")),
        ("2020-01-02 03:04:05.12", Some("2020-01-02T03:04:05.12Z")),
        (
            "2020-01-02T03:04:05.123456",
            Some("2020-01-02T03:04:05.123456Z"),
        ),
        ("2020-01-02T03:04:05+01:00", Some("2020-01-02T02:04:05Z")),
        ("0000-00-00 00:00:00", None),
        ("", None),
    ] {
        assert_eq!(time(text).as_deref(), expected, "{text}");
    }
    assert_eq!(
        opportunity(json!({"closeDate": "0000-00-00"})).close_date,
        None
    );
    for text in [
        "2020-02-30 00:00:00",
        "2020-00-01 00:00:00",
        "2020-01-02",
        "2020-01-02 24:00:00",
    ] {
        let body = json!({"id": "1", "createdAt": text}).to_string();
        assert!(Opportunity::decode_record(&body).is_err(), "{text}");
    }
}

#[test]
fn rows_of_addresses_and_numbers_are_read_leniently() {
    let row =
        json!({"phoneNumber": 123, "primary": "1", "optOut": 0, "invalid": null, "type": null});
    for rows in [json!([row]), json!({"1": row})] {
        let body = json!({"id": "1", "phoneNumberData": rows}).to_string();
        let contact =
            Contact::decode_record(&body).unwrap_or_else(|error| panic!("{body}: {error}"));
        let numbers = contact.phone_number_data.unwrap_or_default();
        assert_eq!(
            (
                numbers[0].phone_number.as_str(),
                numbers[0].primary,
                numbers[0].invalid
            ),
            ("123", true, false)
        );
    }
    let body = r#"{"id": "1", "emailAddressData": {}}"#;
    let contact = Contact::decode_record(body).expect("an empty list");
    assert_eq!(contact.email_address_data.map(|rows| rows.len()), Some(0));
}

#[test]
fn absent_and_null_attributes_are_distinguished() {
    let deal = opportunity(json!({"name": null, "stage": "Prospecting"}));
    assert!(deal.is_present("name") && deal.name.is_none());
    assert!(!deal.is_present("amount") && deal.amount.is_none());
    assert_eq!(
        Value::Object(deal.to_json()),
        json!({"id": "1", "name": null, "stage": "Prospecting"})
    );
}

#[test]
fn unknown_attributes_and_options_are_kept_and_written_back() {
    let sent = json!({"id": "1", "stage": "On Hold", "cRegion": {"x": [1, 2]}, "amount": 5});
    let deal = opportunity(sent.clone());
    assert_eq!(deal.stage, Some(Stage::Unknown("On Hold".into())));
    assert_eq!(deal.unknown("cRegion"), Some(&json!({"x": [1, 2]})));
    assert_eq!(Value::Object(deal.to_json()), sent);
}

#[test]
fn undecodable_records_are_reported_and_the_others_kept() {
    let page = json!({"total": 3, "list": [
        {"id": "1", "name": "one"},
        {"id": "2", "closeDate": "soon"},
        {"id": "3", "name": "three"},
    ]});
    let page: Page<Opportunity> = Opportunity::decode_page(&page.to_string()).expect("a page");
    assert_eq!(
        page.records
            .iter()
            .filter_map(|deal| deal.name.as_deref())
            .collect::<Vec<_>>(),
        ["one", "three"]
    );
    let [rejected] = &page.rejected[..] else {
        panic!("{:?}", page.rejected)
    };
    assert_eq!(
        (
            rejected.entity_type,
            rejected.id.as_deref(),
            rejected.attribute.as_deref()
        ),
        ("Opportunity", Some("2"), Some("closeDate"))
    );
    assert_eq!(
        rejected.to_string(),
        "Opportunity 2, attribute `closeDate`: expected a date YYYY-MM-DD, found the string \"soon\""
    );
}

#[test]
fn invalid_list_responses_are_errors() {
    for text in [
        "",
        "[]",
        "<html>",
        r#"{"total":1}"#,
        r#"{"total":1,"list":[{"id":"1""#,
        r#"{"total":0,"list":[]} x"#,
    ] {
        let error = Opportunity::decode_page(text)
            .map(|page| page.records.len())
            .expect_err(text);
        assert!(
            error.to_string().starts_with("Opportunity: not a list"),
            "{text}: {error}"
        );
    }
}

#[test]
fn all_day_fields_are_dates_and_parents_are_enums() {
    let task = |mut attributes: Value| {
        attributes["id"] = "1".into();
        Task::decode_record(&attributes.to_string()).expect("a task")
    };
    let day = task(json!({"dateEnd": "2026-02-01 00:00:00", "dateEndDate": "2026-01-31"}));
    assert_eq!(day.date_end(), Some(DateOrTime::Date(date(2026, 1, 31))));
    let time = task(json!({"dateEnd": "2026-02-01 08:30:00", "dateEndDate": null}));
    assert_eq!(
        time.date_end(),
        Some(DateOrTime::Time(
            "2026-02-01T08:30:00Z".parse().expect("a time")
        ))
    );

    let of_account = task(json!({"parentType": "Account", "parentId": "a1"}));
    assert_eq!(
        of_account.parent(),
        Some(espo_typed::task::Parent::Account(Id::new("a1")))
    );
    let of_custom = task(json!({"parentType": "CProject", "parentId": "p1"}))
        .parent()
        .expect("a parent");
    assert_eq!(
        (of_custom.entity_type(), of_custom.id().as_str()),
        ("CProject", "p1")
    );
    assert_eq!(
        task(json!({"parentType": "Account", "parentId": null})).parent(),
        None
    );
}

#[test]
fn writes_send_set_values_and_null_for_cleared_ones() {
    use espo_typed::{opportunity, task};
    let patch = OpportunityPatch::new()
        .amount(12)
        .clear(opportunity::DESCRIPTION)
        .stage(Stage::ClosedWon);
    assert_eq!(
        Value::Object(patch.as_json().clone()),
        json!({"amount": 12, "description": null, "stage": "Closed Won"})
    );
    let parent = task::Parent::Account(Id::new("a1"));
    let task = TaskPatch::new().parent(parent).date_end(date(2026, 1, 31));
    assert_eq!(
        Value::Object(task.as_json().clone()),
        json!({"parentType": "Account", "parentId": "a1", "dateEnd": "2026-01-31 00:00:00", "dateEndDate": "2026-01-31"})
    );
    let cleared = TaskPatch::new().clear_parent().clear_date_end();
    assert_eq!(
        Value::Object(cleared.as_json().clone()),
        json!({"parentType": null, "parentId": null, "dateEnd": null, "dateEndDate": null})
    );
}

#[test]
fn filters_have_the_format_of_the_server() {
    use espo_typed::{account, meeting, opportunity};
    let filter = opportunity::STAGE.is_in([Stage::Prospecting, Stage::Qualification])
        & opportunity::AMOUNT.gt(10_000)
        & (opportunity::CLOSE_DATE.current_quarter() | opportunity::CLOSE_DATE.is_null());
    assert_eq!(
        serde_json::to_value(filter.into_item()).expect("JSON"),
        json!({"type": "and", "value": [
            {"type": "in", "attribute": "stage", "value": ["Prospecting", "Qualification"]},
            {"type": "greaterThan", "attribute": "amount", "value": 10_000},
            {"type": "or", "value": [
                {"type": "currentQuarter", "attribute": "closeDate"},
                {"type": "isNull", "attribute": "closeDate"},
            ]},
        ]})
    );
    let zoned = meeting::CREATED_AT
        .on(date(2026, 1, 31))
        .time_zone("Europe/Kyiv");
    assert_eq!(
        serde_json::to_value(zoned.into_item()).expect("JSON"),
        json!({"type": "on", "attribute": "createdAt", "value": "2026-01-31", "dateTime": true, "timeZone": "Europe/Kyiv"})
    );
    let linked = account::links::TEAMS.linked_with([Id::<Team>::new("t1")]);
    assert_eq!(
        serde_json::to_value(linked.into_item()).expect("JSON"),
        json!({"type": "linkedWith", "attribute": "teams", "value": ["t1"]})
    );
}
