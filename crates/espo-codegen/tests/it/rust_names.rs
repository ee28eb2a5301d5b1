//! Items that are renamed in Rust but not in the metadata are reported.

use espo_codegen::{Generator, RustNameKind};
use serde_json::{Value, json};

use crate::common;

fn schema(fields: Value) -> espo_schema::Schema {
    common::schema(json!({"entityDefs": {"Account": {"fields": fields}}, "scopes": {}}))
}

#[test]
fn names_changed_by_a_new_collision_are_reported() {
    let old = schema(
        json!({"foo_bar": {"type": "varchar"}, "other": {"type": "enum", "options": ["a-b"]}}),
    );
    let new = schema(
        json!({"foo_bar": {"type": "varchar"}, "fooBar": {"type": "varchar"},
        "other": {"type": "enum", "options": ["AB", "a-b"]}}),
    );
    let renamed = Generator::new().renamed(&old, &new).expect("names");
    let told: Vec<String> = renamed.iter().map(ToString::to_string).collect();
    let expected = [
        (
            "Account.foo_bar: attribute is called `foo_bar_x",
            "previously `foo_bar`",
        ),
        (
            "Account.foo_bar: setter is called `foo_bar_x",
            "previously `foo_bar`",
        ),
        (
            "Account.other=a-b: option is called `ABX",
            "previously `AB`",
        ),
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (told, (start, end)) in told.iter().zip(expected) {
        assert!(told.starts_with(start) && told.ends_with(end), "{told}");
    }
    assert_eq!(renamed[0].new.kind, RustNameKind::Attribute);
}

#[test]
fn names_without_collisions_are_unchanged() {
    let old = schema(json!({"fooBar": {"type": "varchar"}}));
    let new = schema(
        json!({"fooBar": {"type": "varchar"}, "foo_bar": {"type": "varchar"}, "type": {"type": "varchar"}}),
    );
    assert_eq!(Generator::new().renamed(&old, &new).expect("names"), []);
}
