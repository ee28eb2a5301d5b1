//! User-defined structs with some attributes of an entity type.

use espo_typed::account::Industry;
use espo_typed::espo_core::typed::{Decode, Projection as _};
use espo_typed::prelude::*;

#[derive(Projection, Debug, PartialEq)]
#[espo(entity = Account)]
struct Card {
    id: Id<Account>,
    name: String,
    billing_address_city: Option<String>,
    r#type: Option<account::Type>,
    #[espo(attribute = "industry")]
    trade: Option<Industry>,
    #[espo(attribute = "assignedUserName")]
    owner: Option<String>,
    teams_ids: Option<Vec<Id<Team>>>,
}

/// The path of the core is given, as needed where no prelude is in scope.
mod without_prelude {
    #[derive(espo_typed::espo_core::prelude::Projection)]
    #[espo(entity = espo_typed::Contact, crate = espo_typed::espo_core)]
    pub(super) struct Person {
        pub(super) last_name: String,
    }
}

#[test]
fn projections_request_only_their_attributes() {
    let names = [
        "id",
        "name",
        "billingAddressCity",
        "type",
        "industry",
        "assignedUserName",
        "teamsIds",
    ];
    assert_eq!(Card::select(), names);
    assert_eq!(Card::default_select(), Some(names.to_vec()));
    assert_eq!(without_prelude::Person::select(), ["lastName"]);
}

#[test]
fn attributes_of_the_widest_record_are_distinguished() {
    // Neighbours of the same type, the first and the last attribute.
    #[derive(Projection)]
    #[espo(entity = Settings)]
    struct Several {
        working_time_calendar_id: Option<Id<WorkingTimeCalendar>>,
        acl_allow_delete_created: Option<bool>,
        address_city_list: Option<Vec<String>>,
        activities_entity_list: Option<Vec<String>>,
    }
    let names = [
        "workingTimeCalendarId",
        "aclAllowDeleteCreated",
        "addressCityList",
        "activitiesEntityList",
    ];
    assert_eq!(Several::select(), names);
    let some = Several::decode_record(
        r#"{"addressCityList":["b"],"activitiesEntityList":["a"],"aclAllowDeleteCreated":"1"}"#,
    );
    let some = some.expect("settings");
    assert_eq!(some.address_city_list, Some(vec!["b".to_owned()]));
    assert_eq!(some.activities_entity_list, Some(vec!["a".to_owned()]));
    assert_eq!(
        (some.acl_allow_delete_created, some.working_time_calendar_id),
        (Some(true), None)
    );
}

#[test]
fn records_are_converted_to_the_struct() {
    let text = r#"{"id":"a1","name":"Acme","billingAddressCity":null,"type":"Customer","industry":"Space Mining",
        "teamsIds":["t1"],"createdById":"u1","cUnknown":5}"#;
    let card = Card::decode_record(text).expect("a card");
    let expected = Card {
        id: Id::new("a1"),
        name: "Acme".into(),
        billing_address_city: None,
        r#type: Some(account::Type::Customer),
        trade: Some(Industry::Unknown("Space Mining".into())),
        owner: None,
        teams_ids: Some(vec![Id::new("t1")]),
    };
    assert_eq!(card, expected);
    assert_eq!(
        Card::decode_value(serde_json::from_str(text).expect("JSON")),
        Ok(expected)
    );
    assert_eq!(
        without_prelude::Person::decode_record(r#"{"id":"c1","lastName":"B"}"#)
            .expect("a person")
            .last_name,
        "B"
    );
}

#[test]
fn missing_required_attributes_are_reported() {
    for text in [r#"{"id":"a1"}"#, r#"{"id":"a1","name":null}"#] {
        let error = Card::decode_record(text).expect_err("no name");
        assert_eq!(
            error.to_string(),
            "Account a1, attribute `name`: expected a value, found null or no such attribute (make the projection's \
             field an `Option`)"
        );
    }
    let error = Card::decode_record("[]").expect_err("no record");
    assert_eq!((error.entity_type, error.attribute), ("Account", None));
}

#[test]
fn an_undecodable_record_does_not_lose_the_page() {
    let text = r#"{"total":3,"list":[{"id":"a1","name":"A"},{"id":"a2"},{"id":"a3","name":"C","teamsIds":5}]}"#;
    let page = Card::decode_page(text).expect("a page");
    assert_eq!(
        page.records
            .iter()
            .map(|card| card.name.as_str())
            .collect::<Vec<_>>(),
        ["A"]
    );
    let mut rejected: Vec<_> = page
        .rejected
        .iter()
        .map(|e| (e.id.as_deref(), e.attribute.as_deref()))
        .collect();
    rejected.sort_unstable();
    assert_eq!(
        rejected,
        [(Some("a2"), Some("name")), (Some("a3"), Some("teamsIds"))]
    );
    assert_eq!(page.rows(), 3);
}
