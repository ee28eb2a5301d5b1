//! Exports of users without administrator rights, and their limits.

use espo_schema::{Schema, ValueType};
use serde_json::{Value, json};

/// The response of the server to a user whose role hides these entity types, by the server's rules.
fn seen_without(hidden: &[&str]) -> Value {
    let mut tree = Schema::stock().raw.clone();
    let sections = tree.as_object_mut().expect("sections");
    sections.shift_remove("recordDefs");
    sections.shift_remove("selectDefs");
    for section in ["entityDefs", "scopes", "clientDefs"] {
        let bodies = tree[section].as_object_mut().expect("bodies");
        bodies.retain(|name, _| !hidden.contains(&name.as_str()) && name != "Settings");
    }
    for (_, entity) in tree["entityDefs"].as_object_mut().expect("entity types") {
        let fields = entity["fields"].clone();
        if let Some(links) = entity["links"].as_object_mut() {
            links.retain(|name, link| {
                let is_hidden = link["entity"].as_str().is_some_and(|e| hidden.contains(&e));
                !is_hidden || fields.get(name).is_some()
            });
        }
        for (_, field) in entity["fields"].as_object_mut().expect("fields") {
            if let Some(list) = field.get_mut("entityList").and_then(Value::as_array_mut) {
                list.retain(|name| name.as_str().is_none_or(|name| !hidden.contains(&name)));
            }
        }
    }
    tree
}

fn load(tree: Value) -> Schema {
    Schema::from_value(tree, "export.json").expect("the export loads")
}

#[test]
fn items_hidden_by_a_role_are_listed_as_hidden() {
    let hidden = [
        "Campaign",
        "CampaignLogRecord",
        "Email",
        "Lead",
        "Opportunity",
        "TargetList",
        "User",
    ];
    let mut tree = seen_without(&hidden);
    // Options to which other entity types refer remain, in an otherwise empty entity type.
    tree["entityDefs"]["Lead"] = json!({"fields": {"source": {"options": ["Call"]}}});
    let new = load(tree);
    assert!(
        Schema::diff(Schema::stock(), &new)
            .iter()
            .filter(|c| c.breaking)
            .count()
            > 20
    );

    let comparison = Schema::diff_partial(Schema::stock(), &new);
    assert_eq!(comparison.changes, [], "nothing changed on the instance");
    assert!(comparison.partial && comparison.breaking() == 0);
    let mut expected: Vec<&str> = hidden.into_iter().chain(["Settings"]).collect();
    expected.sort_unstable();
    assert_eq!(comparison.hidden_entities, expected);
    let links = comparison
        .hidden
        .iter()
        .filter(|c| c.member.as_deref() == Some("opportunities"));
    assert!(
        links.count() >= 2,
        "links to a hidden entity type: {:?}",
        comparison.hidden
    );
}

#[test]
fn entity_types_with_only_visible_options_are_hidden() {
    let mut tree = seen_without(&["Contact", "Lead"]);
    tree["entityDefs"]["Lead"] = json!({"fields": {"source": {"options": ["Call"]}}});
    tree["entityDefs"]["Contact"] =
        json!({"fields": {"opportunityRole": {"options": ["Influencer"]}}});
    let comparison = Schema::diff_partial(Schema::stock(), &load(tree));
    assert_eq!(comparison.changes, []);
    assert_eq!(comparison.hidden_entities, ["Contact", "Lead", "Settings"]);
}

#[test]
fn options_of_hidden_entity_types_are_used_and_links_to_them_are_counted() {
    let mut tree = seen_without(&["Contact", "Lead", "User", "Team"]);
    let options = json!(["", "Call", "Fair"]);
    tree["entityDefs"]["Lead"] = json!({"fields": {"source": {"options": options}}});
    let schema = load(tree);
    assert!(!schema.entity_types.contains_key("Lead"));
    let source = &schema.entity_types["Opportunity"].attributes["leadSource"];
    assert_eq!(
        source.options.listed(),
        Some(&["", "Call", "Fair"].map(str::to_owned)[..])
    );
    let told = schema.diagnostics.iter().map(ToString::to_string);
    let told: Vec<String> = told.filter(|text| text.contains("link")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("links refer to entity types that the metadata does not contain"));
    assert!(
        told[0].contains("(`Contact`, `Lead`, `Team` and 1 more)"),
        "{told:?}"
    );
}

#[test]
fn other_differences_are_still_reported() {
    let mut tree = seen_without(&["Lead"]);
    tree["entityDefs"]["Account"]["fields"]["sicCode"]["type"] = json!("int");
    tree["entityDefs"]["Account"]["fields"]["cNew"] = json!({"type": "text"});
    let contact = tree["entityDefs"]["Contact"]["fields"]
        .as_object_mut()
        .expect("fields");
    contact.shift_remove("title");
    let links = tree["entityDefs"]["Account"]["links"]
        .as_object_mut()
        .expect("links");
    links.shift_remove("cases");
    let comparison = Schema::diff_partial(Schema::stock(), &load(tree));
    let told: Vec<String> = comparison
        .changes
        .iter()
        .filter(|change| change.breaking)
        .map(|change| {
            format!(
                "{}.{}",
                change.entity,
                change.member.as_deref().unwrap_or_default()
            )
        })
        .collect();
    for expected in ["Account.sicCode", "Account.cases", "Contact.title"] {
        assert!(
            told.iter().any(|told| told == expected),
            "{expected}: {told:?}"
        );
    }
    assert!(
        !told.iter().any(|told| told.starts_with("Lead")),
        "{told:?}"
    );
    assert!(
        comparison
            .changes
            .iter()
            .any(|c| c.member.as_deref() == Some("cNew") && !c.breaking)
    );
}

#[test]
fn values_of_hidden_entity_types_are_not_compared() {
    let base = json!({
        "fields": Schema::stock().raw["fields"],
        "scopes": {"A": {"entity": true}, "B": {"entity": true}},
        "entityDefs": {
            "A": {
                "fields": {
                    "b": {"type": "link"}, "bKind": {"type": "foreign", "link": "b", "field": "kind"},
                    "kind": {"type": "enum", "optionsReference": "B.kind"},
                    "parent": {"type": "linkParent", "entityList": ["A", "B"]}
                },
                "links": {"b": {"type": "belongsTo", "entity": "B"}, "bs": {"type": "hasMany", "entity": "B", "foreign": "a"},
                    "parent": {"type": "belongsToParent"}}
            },
            "B": {"fields": {"kind": {"type": "enum", "options": ["x"]}}, "links": {"a": {"type": "belongsTo", "entity": "A", "foreign": "bs"}}}
        }
    });
    let old = load(base.clone());
    let mut tree = base;
    for section in ["scopes", "entityDefs"] {
        tree[section]
            .as_object_mut()
            .expect("bodies")
            .shift_remove("B");
    }
    let links = tree["entityDefs"]["A"]["links"]
        .as_object_mut()
        .expect("links");
    links.shift_remove("bs");
    tree["entityDefs"]["A"]["fields"]["parent"]["entityList"] = json!(["A"]);
    let new = load(tree);
    assert_eq!(
        new.entity_types["A"].attributes["bKind"].value,
        ValueType::Json
    );
    let comparison = Schema::diff_partial(&old, &new);
    assert_eq!(comparison.changes, []);
    assert_eq!(comparison.hidden_entities, ["B"]);
}

#[test]
fn summaries_count_and_name_missing_sections() {
    let stock = Schema::stock().summary();
    assert_eq!((stock.entity_types, stock.field_types), (91, 46));
    assert_eq!(stock.missing_sections, [""; 0]);
    assert_eq!(
        stock.to_string(),
        format!(
            "91 entity types, {} fields, {} links",
            stock.fields, stock.links
        )
    );
    let seen = load(seen_without(&["Lead"])).summary();
    assert_eq!(
        (seen.entity_types, seen.missing_sections.as_slice()),
        (89, &["recordDefs"][..])
    );
    assert!(seen.to_string().ends_with("; missing: recordDefs"));
}
