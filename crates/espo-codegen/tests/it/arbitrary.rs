//! Arbitrary exports: the generator never panics and always produces Rust that parses.

use crate::common;
use espo_codegen::Generator;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Names that collide after conversion, keywords, and printable and unprintable characters.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec![
            "fooBar", "foo_bar", "FooBar", "type", "self", "Self", "crate", "Option", "id", "name", "meta", "links", "",
            "Other", "Unknown", "new", "1st", "parent",
        ])
        .prop_map(str::to_owned),
        1 => "\\PC{0,6}",
        1 => any::<String>(),
    ]
}

fn option() -> impl Strategy<Value = Value> {
    prop_oneof![4 => name().prop_map(Value::from), 1 => any::<i64>().prop_map(Value::from), 1 => Just(Value::Null)]
}

fn field() -> impl Strategy<Value = Value> {
    let types = vec![
        "varchar",
        "enum",
        "multiEnum",
        "array",
        "int",
        "enumInt",
        "bool",
        "currency",
        "date",
        "datetime",
        "datetimeOptional",
        "link",
        "linkParent",
        "linkMultiple",
        "linkOne",
        "personName",
        "address",
        "email",
        "phone",
        "foreign",
        "file",
        "attachmentMultiple",
        "rangeCurrency",
        "password",
        "jsonObject",
        "noSuchType",
    ];
    let fields = (
        prop::sample::select(types),
        prop::option::of(prop::collection::vec(option(), 0..5)),
        prop::collection::vec(name(), 0..3),
        any::<[bool; 3]>(),
    );
    let fitting = fields.prop_map(|(type_, options, entity_list, [required, read_only, not_storable])| {
        let mut def = json!({"type": type_, "required": required, "readOnly": read_only, "notStorable": not_storable,
            "entityList": entity_list, "link": "parent", "field": "name", "columns": {"type": "fooBar"}});
        if let Some(options) = options {
            def["options"] = options.into();
        }
        def
    });
    prop_oneof![12 => fitting, 1 => Just(Value::Null), 1 => Just(json!([]))]
}

fn link() -> impl Strategy<Value = Value> {
    let types = vec![
        "belongsTo",
        "hasMany",
        "hasOne",
        "hasChildren",
        "belongsToParent",
        "noSuch",
    ];
    let fitting = (prop::sample::select(types), name(), name(), name()).prop_map(
        |(type_, entity, foreign, column)| {
            json!({"type": type_, "entity": entity, "foreign": foreign, "relationName": foreign,
            "additionalColumns": {column: {"type": "varchar"}}})
        },
    );
    prop_oneof![12 => fitting, 1 => Just(Value::Null), 1 => Just(json!([]))]
}

fn members(of: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec((name(), of), 0..8)
        .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>()))
}

fn export() -> impl Strategy<Value = Value> {
    let entity = (members(field()), members(link()))
        .prop_map(|(fields, links)| json!({"fields": fields, "links": links}));
    let entities = prop::collection::vec((name(), entity), 0..5);
    entities.prop_map(
        |entities| json!({"entityDefs": entities.into_iter().collect::<Map<_, _>>(), "scopes": {}}),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_export_becomes_rust_that_parses(export in export()) {
        let schema = common::schema(export);
        let output = Generator::new().generate(&schema).expect("Rust");
        for (path, text) in crate::common::modules(&output) {
            let file = syn::parse_file(text);
            prop_assert!(file.is_ok(), "{}: {:?}\n{text}", path.display(), file.err());
            prop_assert!(path.to_str().is_some_and(|path| !path.contains(['/', '\\', ':'])), "{path:?}");
        }
    }

    #[test]
    fn new_fields_do_not_rename_others(names in prop::collection::btree_set("[a-z][a-zA-Z_ ]{0,5}", 1..8), new in "[a-z][a-zA-Z0-9]{0,5}") {
        let before = espo_codegen::names::snake_plan(names.iter().map(String::as_str), &[]);
        let after = espo_codegen::names::snake_plan(names.iter().map(String::as_str).chain([new.as_str()]), &[]);
        for (wire, rust) in &before {
            // The one exception: the new name is the canonical spelling of a Rust name that another one had.
            let taken = after[&new] == *rust || after[&new].to_uppercase() == rust.to_uppercase();
            prop_assert!(after[wire] == *rust || taken, "{wire}: {rust} became {} by {new}", after[wire]);
        }
    }
}
