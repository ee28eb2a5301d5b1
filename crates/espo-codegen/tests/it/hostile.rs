//! For any export, the output is Rust that compiles and contains the wire names of the export.

use crate::common;
use espo_codegen::Generator;
use serde_json::{Map, Value};

#[test]
fn the_hostile_export_compiles_without_a_warning() {
    let schema = common::schema(common::hostile());
    let output = Generator::new().generate(&schema).expect("Rust");
    let folder = common::write_crate("espo-hostile", output);
    common::assert_clean(&common::cargo(&folder, &["check"]));
}

#[test]
fn every_wire_name_is_in_the_output_unchanged() {
    let schema = common::schema(common::hostile());
    let output = Generator::new().generate(&schema).expect("Rust");
    let mut literals = std::collections::BTreeSet::new();
    for (path, text) in common::modules(&output) {
        let file =
            syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        collect(quote::ToTokens::to_token_stream(&file), &mut literals);
    }
    for entity in schema.entity_types.values() {
        assert!(
            literals.contains(&entity.name),
            "entity type {:?}",
            entity.name
        );
        for filter in entity.primary_filters.iter().chain(&entity.bool_filters) {
            assert!(
                literals.contains(filter),
                "filter {filter:?} of {:?}",
                entity.name
            );
        }
        for attribute in entity
            .attributes
            .values()
            .filter(|a| !a.filter_only && !a.write_only)
        {
            assert!(
                literals.contains(&attribute.name),
                "{:?}.{:?}",
                entity.name,
                attribute.name
            );
            let espo_schema::ValueType::Enum = attribute.value else {
                continue;
            };
            for option in attribute.options.listed().unwrap_or_default() {
                assert!(
                    literals.contains(option),
                    "option {option:?} of {:?}",
                    attribute.name
                );
            }
        }
    }
}

fn collect(tokens: proc_macro2::TokenStream, into: &mut std::collections::BTreeSet<String>) {
    for token in tokens {
        match token {
            proc_macro2::TokenTree::Group(group) => collect(group.stream(), into),
            proc_macro2::TokenTree::Literal(literal) => {
                if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                    into.insert(text.value());
                }
            }
            _ => {}
        }
    }
}

#[test]
fn the_order_of_keys_does_not_matter() {
    let tree = common::hostile();
    let forward = Generator::new()
        .generate(&common::schema(tree.clone()))
        .expect("Rust");
    let backward = Generator::new()
        .generate(&common::schema(reversed(tree)))
        .expect("Rust");
    let of = |output: &espo_codegen::Output| {
        output
            .files()
            .map(|(p, t)| (p.to_owned(), t.to_owned()))
            .collect::<Vec<_>>()
    };
    for ((path, left), (_, right)) in of(&forward).into_iter().zip(of(&backward)) {
        // The server validates in the order of the metadata, so a schema keeps it; the output must not.
        assert_eq!(left, right, "{}", path.display());
    }
}

/// The same tree with the keys of every object the other way round.
fn reversed(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .rev()
                .map(|(key, value)| (key, reversed(value)))
                .collect::<Map<_, _>>(),
        ),
        other => other,
    }
}
