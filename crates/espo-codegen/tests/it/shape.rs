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
    let hash = &schema.content_hash;
    insta::assert_snapshot!("root", root.replace(hash, "(hash)"));
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
