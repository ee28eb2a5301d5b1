//! Layout of the output, as reviewers see it.

use crate::common;
use espo_codegen::Generator;
use serde_json::json;

#[test]
fn small_entity_types_match_the_snapshot() {
    let mut tree = json!({"entityDefs": {"Project": {
        "fields": {
            "name": {"type": "varchar", "required": true, "maxLength": 100},
            "status": {"type": "enum", "options": ["", "Active", "On Hold"], "default": "Active"},
            "budget": {"type": "currency", "min": 0},
            "deadline": {"type": "datetimeOptional"},
            "parent": {"type": "linkParent", "entityList": ["Project"]},
            "members": {"type": "linkMultiple", "columns": {"role": "memberRole"}},
            "createdAt": {"type": "datetime", "readOnly": true},
        },
        "links": {
            "parent": {"type": "belongsToParent"},
            "members": {"type": "hasMany", "entity": "Person", "relationName": "projectPerson", "foreign": "projects",
                "additionalColumns": {"role": {"type": "varchar"}}},
        },
    }, "Person": {}}, "scopes": {"Project": {"entity": true, "stream": true}}});
    tree["entityDefs"]["Person"]["fields"] = json!({"name": {"type": "varchar"}});
    let schema = common::schema(tree);
    let output = Generator::new()
        .only(["Project"])
        .generate(&schema)
        .expect("Rust");
    insta::assert_snapshot!("project", common::file(&output, "project.rs"));
    let root = common::file(&output, "mod.rs");
    insta::assert_snapshot!("root", root.replace(hash(&root), "(hash)"));
}

/// The hash in the root module.
fn hash(root: &str) -> &str {
    let (_, rest) = root.split_once("METADATA_HASH: &str = \"").expect("a hash");
    rest.split_once('"').expect("its end").0
}

#[test]
fn the_hash_covers_only_the_generated_entity_types() {
    let tree = |field: &str, other: &str, color: &str| {
        json!({"entityDefs": {
            "Project": {"fields": {field: {"type": "varchar"}}},
            "Person": {"fields": {other: {"type": "varchar"}}},
        }, "clientDefs": {"Project": {"color": color}}})
    };
    let hash_of = |tree| {
        let schema = common::schema(tree);
        let output = Generator::new().only(["Project"]).generate(&schema);
        hash(&common::file(&output.expect("Rust"), "mod.rs")).to_owned()
    };
    let before = hash_of(tree("a", "b", "red"));
    assert_eq!(before.len(), 64);
    assert_eq!(hash_of(tree("a", "c", "blue")), before);
    assert_ne!(hash_of(tree("b", "b", "red")), before);
}

#[test]
fn labels_of_the_instance_are_in_the_docs() {
    let tree = json!({
        "entityDefs": {"Project": {"fields": {"cArea": {"type": "varchar"}, "cOther": {"type": "varchar"}}}},
        "i18n": {"Project": {"fields": {"cArea": "Area of `work`", "cOther": ""}}},
    });
    let output = Generator::new()
        .generate(&common::schema(tree))
        .expect("Rust");
    let project = common::file(&output, "project.rs");
    assert!(
        project.contains("/// `cArea`, varchar, labelled `` Area of `work` ``\n"),
        "{project}"
    );
    assert!(project.contains("/// `cOther`, varchar\n"), "{project}");
}
