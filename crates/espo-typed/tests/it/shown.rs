//! Formatting and comparison of records.

use espo_core::typed::Decode;
use espo_typed::prelude::*;
use serde_json::json;

fn deal(attributes: serde_json::Value) -> Opportunity {
    Opportunity::decode_record(&attributes.to_string()).expect("a deal")
}

#[test]
fn debug_output_shows_the_attributes_of_the_response() {
    let deal = deal(json!({
        "id": "1", "name": null, "stage": "Prospecting", "amount": "12.50", "closeDate": "2026-01-31",
        "teamsNames": {"t1": "Sales"}, "cNew": [1],
    }));
    assert_eq!(
        format!("{deal:?}"),
        "Opportunity { amount: 12.50, closeDate: 2026-01-31, id: \"1\", name: null, stage: Prospecting, \
         teamsNames: {\"t1\": \"Sales\"}, cNew: [Number(1)] }"
    );
    assert_eq!(
        format!("{:?}", Opportunity::with_id(Id::new("1"))),
        "Opportunity { id: \"1\" }"
    );
}

#[test]
fn records_compare_values_presence_and_unknown_attributes() {
    let one = json!({"id": "1", "name": "x", "createdAt": "2026-01-31 08:00:00", "cNew": 1});
    assert_eq!(deal(one.clone()), deal(one.clone()));
    for (attribute, value) in [
        ("name", json!("y")),
        ("name", json!(null)),
        ("website", json!("w")),
        ("description", json!(null)),
        ("cNew", json!(2)),
        ("createdAt", json!("2026-01-31 08:00:01")),
    ] {
        let mut other = one.clone();
        other[attribute] = value;
        assert_ne!(deal(one.clone()), deal(other), "{attribute}");
    }
    let mut finer = deal(one.clone());
    finer.created_at = Some("2026-01-31T08:00:00.5Z".parse().expect("a time"));
    assert_ne!(deal(one), finer);
}
