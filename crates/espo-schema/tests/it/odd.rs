//! Odd but readable metadata: the resulting schema and the notes about it.

use espo_schema::{
    AttributeRole, Cardinality, LinkType, Options, OptionsSource, Schema, ValueType,
};
use serde_json::{Value, json};

/// One entity type `A` over the stock field types.
fn with(entity: Value) -> Schema {
    let fields = Schema::stock().raw["fields"].clone();
    Schema::from_value(
        json!({"entityDefs": {"A": entity}, "fields": fields}),
        "export.json",
    )
    .expect("the tree loads")
}

fn notes(schema: &Schema) -> Vec<String> {
    schema.diagnostics.iter().map(ToString::to_string).collect()
}

#[test]
fn options_are_read_in_every_form() {
    let listed = |items: &[&str]| Options::Listed(items.iter().map(|s| (*s).to_owned()).collect());
    for (def, expected, source) in [
        (json!({}), Options::Any, OptionsSource::None),
        (json!({"options": null}), Options::Any, OptionsSource::None),
        (json!({"options": false}), Options::Any, OptionsSource::None),
        (json!({"options": []}), listed(&[]), OptionsSource::Own),
        (
            json!({"options": ["", "a", 1, 2.5, null]}),
            listed(&["", "a", "1", "2.5", ""]),
            OptionsSource::Own,
        ),
        (
            json!({"options": {"0": "a", "2": "b"}}),
            listed(&["a", "b"]),
            OptionsSource::Own,
        ),
        (
            json!({"options": ["own"], "optionsReference": "A.other"}),
            listed(&["x", "y"]),
            OptionsSource::Reference {
                entity: "A".into(),
                field: "other".into(),
            },
        ),
        (
            json!({"options": ["own"], "optionsReference": "A.other", "optionsPath": "app.list"}),
            Options::Any,
            OptionsSource::Path("app.list".into()),
        ),
        (
            json!({"optionsPath": "entityDefs.A.fields.other.options"}),
            listed(&["x", "y"]),
            OptionsSource::Path("entityDefs.A.fields.other.options".into()),
        ),
        (
            json!({"optionsReference": "A.f"}),
            Options::Any,
            OptionsSource::Reference {
                entity: "A".into(),
                field: "f".into(),
            },
        ),
    ] {
        let mut field = def.clone();
        field["type"] = json!("enum");
        let schema =
            with(json!({"fields": {"f": field, "other": {"type": "enum", "options": ["x", "y"]}}}));
        let field = schema.field("A", "f").expect("the field");
        assert_eq!(
            (&field.options, &field.options_source),
            (&expected, &source),
            "{def}"
        );
        let leads_nowhere = expected == Options::Any && source != OptionsSource::None;
        assert_eq!(
            notes(&schema).len(),
            usize::from(leads_nowhere),
            "{def}: {:?}",
            notes(&schema)
        );
    }
    let schema = with(json!({"fields": {"f": {"type": "enum", "options": "a,b"}}}));
    assert_eq!(
        notes(&schema),
        [
            "entityDefs.A.fields.f: options are the string \"a,b\", expected a list; any value is allowed"
        ]
    );
}

#[test]
fn enums_without_values_are_strings() {
    let schema = with(json!({"fields": {
        "none": {"type": "enum"}, "empty": {"type": "enum", "options": []}, "some": {"type": "enum", "options": ["a"]},
        "many": {"type": "multiEnum", "options": ["a"]}, "free": {"type": "array"}
    }}));
    let value = |name: &str| &schema.entity_types["A"].attributes[name].value;
    assert_eq!(value("none"), &ValueType::Text);
    assert_eq!(value("empty"), &ValueType::Text);
    assert_eq!(value("some"), &ValueType::Enum);
    assert_eq!(value("many"), &ValueType::EnumList);
    assert_eq!(value("free"), &ValueType::TextList);
}

#[test]
fn links_without_a_target_are_reported() {
    let schema = with(json!({
        "fields": {"owner": {"type": "link"}},
        "links": {
            "owner": {"type": "belongsTo", "entity": "Gone"},
            "peers": {"type": "hasMany", "entity": "A", "foreign": "gone"},
            "nowhere": {"type": "hasMany"},
            "strange": {"type": "hasPolymorphs", "entity": "A"}
        }
    }));
    let a = &schema.entity_types["A"];
    assert!(!a.links["owner"].target_known);
    assert!(schema.link_target("A", "owner").is_none());
    assert_eq!(
        a.attributes["ownerId"].value,
        ValueType::Id {
            target: Some("Gone".into())
        }
    );
    assert_eq!(
        a.links["strange"].type_,
        LinkType::Other("hasPolymorphs".into())
    );
    assert_eq!(a.links["strange"].cardinality, Cardinality::Unknown);
    assert!(!a.links["strange"].can_link());
    assert_eq!(
        notes(&schema),
        [
            "entityDefs.A.links.strange: unknown link type `hasPolymorphs`; the link cannot be used",
            "entityDefs.A.links.owner: the metadata has no target entity type `Gone`; its IDs are untyped",
            "entityDefs.A.links.peers: `A` has no reverse link `gone`",
            "entityDefs.A.links.nowhere: the link has no target; its IDs are untyped",
        ]
    );
}

#[test]
fn foreign_fields_have_the_type_of_their_source() {
    let schema = with(json!({
        "fields": {
            "kind": {"type": "enum", "options": ["x"]},
            "up": {"type": "link"},
            "upKind": {"type": "foreign", "link": "up", "field": "kind"},
            "upUpKind": {"type": "foreign", "link": "up", "field": "upKind"},
            "circle": {"type": "foreign", "link": "up", "field": "circle"},
            "lost": {"type": "foreign", "link": "none", "field": "kind"}
        },
        "links": {"up": {"type": "belongsTo", "entity": "A"}}
    }));
    let a = &schema.entity_types["A"].attributes;
    for name in ["upKind", "upUpKind"] {
        assert_eq!(a[name].value, ValueType::Enum, "{name}");
        assert!(a[name].options.allows("x") && !a[name].options.allows("y"));
        assert!(!a[name].writable && a[name].in_list, "{name}");
    }
    assert_eq!(a["circle"].value, ValueType::Json);
    assert_eq!(a["lost"].value, ValueType::Json);
}

#[test]
fn field_types_with_a_link_create_the_link() {
    let schema = with(
        json!({"fields": {"photo": {"type": "image"}, "papers": {"type": "attachmentMultiple"}}}),
    );
    let a = &schema.entity_types["A"];
    assert!(a.links["photo"].implicit && a.links["papers"].implicit);
    assert_eq!(a.links["papers"].cardinality, Cardinality::Children);
    assert_eq!(
        a.attributes["photoId"].value,
        ValueType::Id {
            target: Some("Attachment".into())
        }
    );
    assert_eq!(
        a.fields["papers"].attributes,
        ["papersIds", "papersNames", "papersTypes"]
    );
}

#[test]
fn ends_of_a_currency_range_have_code_and_converted_amount() {
    let schema = with(json!({"fields": {"span": {"type": "rangeCurrency"}}}));
    let a = &schema.entity_types["A"];
    let names: Vec<&str> = a
        .attributes
        .keys()
        .map(String::as_str)
        .filter(|n| n.contains("Span"))
        .collect();
    assert_eq!(
        names,
        [
            "fromSpanCurrency",
            "fromSpan",
            "fromSpanConverted",
            "toSpanCurrency",
            "toSpan",
            "toSpanConverted"
        ]
    );
    assert!(
        a.fields.contains_key("fromSpan") && !a.fields.contains_key("fromSpanCurrency"),
        "one level of parts"
    );
    assert!(
        a.attributes["fromSpanCurrency"].writable && !a.attributes["fromSpanConverted"].writable
    );
}

#[test]
fn colliding_names_and_attributes_are_separate() {
    let schema = with(json!({
        "fields": {
            "a": {"type": "link"}, "aId": {"type": "int"}, "aName": {"type": "int"},
            "id": {"type": "varchar"}, "name": {"type": "varchar"}
        },
        "links": {"a": {"type": "belongsTo", "entity": "A"}}
    }));
    let a = &schema.entity_types["A"].attributes;
    assert_eq!(
        a["aId"].role,
        AttributeRole::Id,
        "the key of a link is what is stored"
    );
    assert_eq!(
        a["aName"].value,
        ValueType::Int,
        "otherwise the field of the attribute's own name knows it best"
    );
    assert_eq!(a["id"].role, AttributeRole::RecordId);
    assert_eq!(a["name"].field.as_deref(), Some("name"));
}

#[test]
fn patterns_are_looked_up_by_name() {
    let schema = with(json!({"fields": {
        "own": {"type": "varchar", "pattern": "[0-9]{4}"},
        "named": {"type": "varchar", "pattern": "$noBadCharacters"},
        "lost": {"type": "varchar", "pattern": "$noSuch"}
    }}));
    let regex = |name: &str| {
        schema
            .field("A", name)
            .and_then(|f| f.pattern.as_ref())
            .and_then(|p| p.regex.as_deref())
    };
    assert_eq!(regex("own"), Some("[0-9]{4}"));
    assert_eq!(regex("named"), Some("[^<>=]+"));
    assert_eq!(regex("lost"), None);
    assert_eq!(
        notes(&schema),
        ["entityDefs.A.fields.lost: unknown pattern `$noSuch`; values are not checked"]
    );
}

#[test]
fn exports_of_api_users_load_without_hidden_entity_types() {
    let mut tree = Schema::stock().raw.clone();
    for section in ["entityDefs", "scopes"] {
        let map = tree[section]
            .as_object_mut()
            .expect("a section is an object");
        for hidden in ["Lead", "Opportunity", "User"] {
            map.remove(hidden).expect("a stock entity type");
        }
    }
    let schema = Schema::from_value(tree, "export.json").expect("the export loads");
    let (account, whole) = (
        &schema.entity_types["Account"],
        &Schema::stock().entity_types["Account"],
    );
    assert_eq!(account.attributes, whole.attributes);
    assert!(!account.links["opportunities"].target_known);
    assert_eq!(
        account.links["opportunities"].cardinality,
        Cardinality::OneToMany,
        "a guess that is right here"
    );
    let contacts = &schema.entity_types["Contact"].links["opportunities"];
    assert_eq!(
        contacts.cardinality,
        Cardinality::ManyToMany,
        "it maps middle-table columns"
    );
    assert!(
        contacts.columns.is_empty(),
        "the other side is not there to tell"
    );
    let notes = notes(&schema);
    let mut lost = notes
        .iter()
        .filter(|n| n.contains("does not contain") && n.contains("`Opportunity`"));
    assert!(lost.next().is_some() && lost.next().is_none(), "{notes:?}");
}

#[test]
fn exports_of_servers_before_9_get_no_stream_dates() {
    let mut tree = Schema::stock().raw.clone();
    for entity in ["Account", "Lead"] {
        let fields = tree["entityDefs"][entity]["fields"]
            .as_object_mut()
            .expect("fields are an object");
        fields.remove("streamUpdatedAt").expect("a stock field");
    }
    let schema = Schema::from_value(tree, "export-8.4.json").expect("the export loads");
    assert!(
        !schema.entity_types["Account"]
            .attributes
            .contains_key("streamUpdatedAt")
    );
    assert!(
        !schema.entity_types["Lead"]
            .attributes
            .contains_key("streamUpdatedAt")
    );
}

#[test]
fn constraints_that_cannot_be_used_are_reported() {
    for (def, expected) in [
        (
            json!({"maxLength": "abc"}),
            Some("maxLength: expected a number, found `\"abc\"`"),
        ),
        (json!({"maxLength": "10"}), None),
        (json!({"maxLength": null, "pattern": ""}), None),
        (
            json!({"min": "-", "type": "currency"}),
            Some("min: expected a number, found `\"-\"`"),
        ),
        (json!({"min": "-1.50", "type": "currency"}), None),
        (
            json!({"max": [1], "type": "int"}),
            Some("max: expected a number, found `[1]`"),
        ),
        (
            json!({"pattern": ["x"]}),
            Some("pattern: expected a regular expression, found `[\"x\"]`"),
        ),
    ] {
        let mut field = json!({"type": "varchar"});
        let keys = def.as_object().expect("an object").clone();
        field.as_object_mut().expect("an object").extend(keys);
        let found = notes(&with(json!({"fields": {"f": field}})));
        match expected {
            None => assert!(found.is_empty(), "{def}: {found:?}"),
            Some(expected) => assert!(
                found.len() == 1 && found[0].contains(&format!("entityDefs.A.fields.f.{expected}")),
                "{def}: {found:?}"
            ),
        }
    }
}
