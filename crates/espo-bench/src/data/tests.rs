use espo_schema::{Schema, ValueType};
use serde_json::{Map, Value};

use super::*;
use crate::seed;

struct Ids;

impl Sources for Ids {
    fn id_of(&self, entity: &str, pick: u64) -> Option<String> {
        Some(format!("{entity}-{}", pick % 3))
    }
}

fn render(entity: &str, fields: &[&str], seed: u64) -> Map<String, Value> {
    let schema = Schema::stock();
    let fields: Vec<String> = fields.iter().map(|f| (*f).to_owned()).collect();
    let template = Template::create(
        schema,
        schema.entity_type(entity).unwrap(),
        &fields,
        &Map::new(),
        None,
    )
    .unwrap();
    template
        .render(&mut seed::rng(seed, &[]), "0a-1", &Ids)
        .unwrap()
}

#[test]
fn generated_values_match_their_type_and_limits() {
    let schema = Schema::stock();
    for entity in schema.entity_types.values().filter(|e| e.scope.object) {
        let template = Template::create(schema, entity, &["*".into()], &Map::new(), None).unwrap();
        for draw in 0..20 {
            let record = template
                .render(&mut seed::rng(draw, &[]), "0a-1", &Ids)
                .unwrap();
            for (name, value) in &record {
                let attribute = &entity.attributes[name];
                assert!(attribute.writable, "{}.{name}", entity.name);
                let field = attribute.field.as_ref().and_then(|f| entity.fields.get(f));
                if let (Some(text), Some(max)) = (value.as_str(), field.and_then(|f| f.max_length))
                {
                    assert!(
                        text.chars().count() as u64 <= max,
                        "{}.{name}: {text}",
                        entity.name
                    );
                }
                match attribute.value {
                    ValueType::Enum => assert!(
                        attribute.options.allows(value.as_str().unwrap()),
                        "{}.{name}: {value}",
                        entity.name
                    ),
                    ValueType::Int => assert!(value.is_i64(), "{}.{name}: {value}", entity.name),
                    ValueType::Bool => {
                        assert!(value.is_boolean(), "{}.{name}: {value}", entity.name)
                    }
                    ValueType::Date => assert_eq!(value.as_str().unwrap().len(), 10),
                    ValueType::DateTime => assert_eq!(value.as_str().unwrap().len(), 19),
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn required_attributes_are_always_sent() {
    let opportunity = render("Opportunity", &[], 1);
    for name in ["amount", "closeDate"] {
        assert!(opportunity.contains_key(name), "{opportunity:?}");
    }
    assert!(
        render("Task", &[], 1)["assignedUserId"]
            .as_str()
            .unwrap()
            .starts_with("User")
    );
    let contact = render("Contact", &["phoneNumber", "emailAddress"], 1);
    let phone = contact["phoneNumber"].as_str().unwrap();
    assert!(
        phone.starts_with("+1")
            && phone.len() == 12
            && phone[1..].chars().all(|c| c.is_ascii_digit()),
        "{phone}"
    );
    assert!(
        contact["emailAddress"].as_str().unwrap().contains("0a-1@"),
        "addresses are unique to the run"
    );
}

#[test]
fn currency_codes_are_chosen_by_the_instance() {
    let lead = render("Lead", &["*"], 1);
    assert!(
        lead.contains_key("opportunityAmount") && !lead.contains_key("opportunityAmountCurrency"),
        "{lead:?}"
    );
}

#[test]
fn equal_seeds_give_equal_records() {
    assert_eq!(render("Lead", &["*"], 5), render("Lead", &["*"], 5));
    assert_ne!(render("Lead", &["*"], 5), render("Lead", &["*"], 6));
}

#[test]
fn markers_use_searchable_attributes() {
    let schema = Schema::stock();
    let of = |entity: &str| Marker::of(schema.entity_type(entity).unwrap()).map(|m| m.attribute);
    assert_eq!(of("Account").as_deref(), Some("name"));
    assert_eq!(of("Contact").as_deref(), Some("lastName"));
    assert_eq!(of("ArrayValue").as_deref().filter(|a| *a == "id"), None);
}

#[test]
fn uploads_have_the_requested_size() {
    assert_eq!(upload_text(&mut seed::rng(1, &[]), 10_000).len(), 10_000);
}
