//! Exports with any content cause no panic, and the result does not depend on the order of keys.

use std::collections::{BTreeMap, BTreeSet};

use espo_schema::{Attribute, Schema};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Any JSON, small.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-zA-Z$._ ]{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["__APPEND__", "A", "b", "A.x", "B.y", "", "0"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{0,4}", inner, 0..4).prop_map(object),
        ]
    })
}

fn object(map: BTreeMap<String, Value>) -> Value {
    Value::Object(map.into_iter().collect())
}

/// Names that often collide.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "A", "B", "x", "y", "xId", "xIds", "id", "name", "fromX", "deleted", ""
        ])
        .prop_map(str::to_owned),
        "\\PC{0,5}",
    ]
}

/// A definition: keys with a meaning, with mostly valid values.
fn definition(types: Vec<&'static str>, keys: Vec<&'static str>) -> impl Strategy<Value = Value> {
    let entry = (prop::sample::select(keys), any_json());
    let fitting = (
        prop::sample::select(types),
        prop::collection::vec(entry, 0..5),
    )
        .prop_map(|(type_, entries)| {
            let mut map: Map<String, Value> = entries
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect();
            map.insert("type".to_owned(), Value::from(type_));
            Value::Object(map)
        });
    prop_oneof![8 => fitting, 1 => Just(Value::Null), 1 => Just(json!([]))]
}

fn field() -> impl Strategy<Value = Value> {
    let types = vec![
        "varchar",
        "enum",
        "multiEnum",
        "int",
        "currency",
        "link",
        "linkParent",
        "linkMultiple",
        "personName",
        "address",
        "rangeCurrency",
        "foreign",
        "email",
        "phone",
        "datetimeOptional",
        "attachmentMultiple",
        "noSuch",
        "",
    ];
    let keys = vec![
        "options",
        "optionsReference",
        "optionsPath",
        "default",
        "maxLength",
        "min",
        "columns",
        "additionalAttributeList",
        "fullNameAdditionalAttributeList",
        "entityList",
        "link",
        "field",
        "where",
        "pattern",
        "readOnly",
        "notStorable",
    ];
    definition(types, keys)
}

fn link() -> impl Strategy<Value = Value> {
    let ends = (name(), name());
    let types = vec![
        "belongsTo",
        "hasMany",
        "hasOne",
        "hasChildren",
        "belongsToParent",
        "noSuch",
    ];
    let keys = vec![
        "relationName",
        "additionalColumns",
        "columnAttributeMap",
        "midKeys",
        "conditions",
        "entityList",
        "noJoin",
    ];
    (definition(types, keys), ends).prop_map(|(mut def, (entity, foreign))| {
        if let Value::Object(map) = &mut def {
            map.insert("entity".to_owned(), Value::from(entity));
            map.insert("foreign".to_owned(), Value::from(foreign));
        }
        def
    })
}

fn entity() -> impl Strategy<Value = Value> {
    let fields = prop::collection::btree_map(name(), field(), 0..6);
    let links = prop::collection::btree_map(name(), link(), 0..4);
    let rest = prop::collection::btree_map(
        prop::sample::select(vec![
            "deleteId",
            "optimisticConcurrencyControl",
            "noDeletedAttribute",
        ])
        .prop_map(str::to_owned),
        any_json(),
        0..3,
    );
    (fields, links, rest).prop_map(|(fields, links, rest)| {
        let mut entity = object(rest);
        entity["fields"] = object(fields);
        entity["links"] = object(links);
        entity
    })
}

fn export() -> impl Strategy<Value = Value> {
    let entities = prop::collection::btree_map(name(), entity(), 0..4);
    let scopes = prop::collection::btree_map(
        name(),
        prop::collection::btree_map("stream|stars|entity|acl|type|module", any_json(), 0..4)
            .prop_map(object),
        0..4,
    );
    (entities, scopes).prop_map(
        |(entities, scopes)| json!({"entityDefs": object(entities), "scopes": object(scopes)}),
    )
}

/// Adds the stock field types, which are not in the generated trees, so that failures are readable.
fn with_types(mut tree: Value) -> Value {
    tree["fields"] = Schema::stock().raw["fields"].clone();
    tree
}

/// The value with the keys of every object in reverse order.
pub(crate) fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .rev()
                .map(|(k, v)| (k.clone(), reversed(v)))
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.iter().map(reversed).collect()),
        other => other.clone(),
    }
}

/// All attributes of all entity types, by name.
fn attributes(schema: &Schema) -> BTreeMap<&str, BTreeMap<&str, &Attribute>> {
    let of = |e: &'_ espo_schema::EntityType| -> BTreeSet<String> {
        e.attributes.keys().cloned().collect()
    };
    assert!(
        schema
            .entity_types
            .values()
            .all(|e| of(e).len() == e.attributes.len())
    );
    schema
        .entity_types
        .iter()
        .map(|(name, e)| {
            (
                name.as_str(),
                e.attributes.iter().map(|(n, a)| (n.as_str(), a)).collect(),
            )
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_loads_or_is_rejected(tree in any_json()) {
        let _ = Schema::from_value(tree.clone(), "x");
        let sections = json!({"entityDefs": tree, "scopes": tree, "fields": tree, "clientDefs": tree, "app": tree});
        let _ = Schema::from_value(sections, "x");
        let deeper = json!({
            "entityDefs": {"A": {"fields": {"x": tree}, "links": {"x": tree}, "collection": tree}, "B": tree},
            "fields": {"varchar": tree, "address": {"fields": tree, "fieldDefs": tree, "linkDefs": tree}}
        });
        let _ = Schema::from_value(deeper, "x");
    }

    #[test]
    fn arbitrary_strings_are_metadata_or_an_error(text in ".{0,40}") {
        prop_assume!(!text.contains("entityDefs"));
        prop_assert!(Schema::from_json(text.as_bytes(), "x").is_err());
    }

    #[test]
    fn exports_load_with_any_definitions(tree in export(), over in export()) {
        let schema = match Schema::from_value(with_types(tree), "x") {
            Ok(schema) => schema,
            Err(e) => return Err(TestCaseError::fail(e.to_string())),
        };
        for entity in schema.entity_types.values() {
            prop_assert!(entity.attributes.contains_key("id"));
            for field in entity.fields.values() {
                prop_assert_eq!(field.attributes.len(), field.actual_attributes.len() + field.not_actual_attributes.len());
            }
        }
        // Completing a tree twice is the same as completing it once.
        let again = Schema::from_value(schema.raw.clone(), "x").expect("what was completed loads");
        prop_assert_eq!(&again.content_hash, &schema.content_hash);
        prop_assert_eq!(attributes(&again), attributes(&schema));
        prop_assert_eq!(Schema::diff(&schema, &again), vec![]);
        if let Ok(other) = Schema::from_value(with_types(over), "y") {
            let there = Schema::diff(&schema, &other);
            let back = Schema::diff(&other, &schema);
            prop_assert_eq!(there.is_empty(), back.is_empty());
        }
    }

    #[test]
    fn the_order_of_keys_does_not_matter(tree in export()) {
        let tree = with_types(tree);
        let schema = Schema::from_value(tree.clone(), "x").expect("the export loads");
        let other = Schema::from_value(reversed(&tree), "x").expect("the export loads");
        prop_assert_eq!(&schema.content_hash, &other.content_hash);
        prop_assert_eq!(attributes(&schema), attributes(&other));
        prop_assert_eq!(Schema::diff(&schema, &other), vec![]);
    }
}
