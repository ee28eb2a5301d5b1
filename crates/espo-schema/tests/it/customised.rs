//! Customisations that the server accepts and that cannot work as written.

use espo_schema::Schema;

use crate::layers::{folder, news, over_stock};

#[test]
fn copies_of_files_are_not_entity_types() {
    let definition = r#"{"fields": {"cOld": {"type": "text"}}}"#;
    let copies = [
        "Account copy",
        "Account (1)",
        "Account - Copy",
        "Account.orig",
        "account",
        "_Account",
        "2Account",
        "Account_2024",
        "Account~",
    ];
    let paths: Vec<String> = copies
        .iter()
        .map(|name| format!("entityDefs/{name}.json"))
        .collect();
    let mut files: Vec<(&str, &str)> = paths
        .iter()
        .map(|path| (path.as_str(), definition))
        .collect();
    let scope = r#"{"entity": true}"#;
    files.extend([
        ("entityDefs/CNew.json", definition),
        ("entityDefs/Ünï.json", definition),
        ("entityDefs/C_Legacy.json", definition),
        ("scopes/C_Legacy.json", scope),
    ]);
    let schema = over_stock(&folder(&files));
    for name in copies {
        assert!(!schema.entity_types.contains_key(name), "{name}");
        let path = format!("entityDefs.{name}");
        let told = schema
            .diagnostics
            .iter()
            .filter(|d| d.path == path && d.message.contains("the definition is ignored"));
        assert_eq!(told.count(), 1, "{name}");
    }
    for name in ["CNew", "Ünï", "C_Legacy"] {
        assert!(schema.entity_types.contains_key(name), "{name}");
    }
    let told: Vec<&str> = schema.diagnostics.iter().map(|d| d.path.as_str()).collect();
    assert!(
        told.contains(&"entityDefs.C_Legacy") && !told.contains(&"entityDefs.CNew"),
        "{told:?}"
    );
}

#[test]
fn restrictions_for_all_users_are_applied() {
    let layer = folder(&[(
        "entityAcl/Account.json",
        r#"{
            "fields": {
                "sicCode": {"readOnly": true}, "industry": {"forbidden": true}, "website": {"internal": true},
                "type": {"nonAdminReadOnly": true}, "description": {"onlyAdmin": true}, "name": [], "gone": {"forbidden": true}
            },
            "links": {"cases": {"forbidden": true}, "contacts": {"readOnly": true}, "opportunities": {"onlyAdmin": true}}
        }"#,
    )]);
    let schema = over_stock(&layer);
    let account = &schema.entity_types["Account"];
    let access = |name: &str| {
        let attribute = &account.attributes[name];
        (
            attribute.writable,
            attribute.in_read,
            attribute.filterable,
            attribute.orderable,
        )
    };
    assert_eq!(access("sicCode"), (false, true, true, true));
    assert_eq!(access("industry"), (false, false, false, false));
    assert_eq!(access("website"), (true, false, false, false));
    assert!(account.attributes["website"].write_only);
    for name in ["type", "description", "name"] {
        assert_eq!(access(name), (true, true, true, true), "{name}");
    }
    assert!(account.links["cases"].disabled && !account.links["opportunities"].disabled);
    assert!(account.links["contacts"].read_only && !account.links["opportunities"].read_only);
    assert_eq!(news(&schema), [""; 0]);
    // An export without this section does not show the restrictions.
    assert_eq!(Schema::diff(Schema::stock(), &schema), []);
    assert_eq!(Schema::diff(&schema, Schema::stock()), []);
}

#[test]
fn defaults_that_the_field_does_not_allow_are_reported() {
    let layer = folder(&[(
        "entityDefs/Account.json",
        r#"{"fields": {
            "cRange": {"type": "int", "min": 1, "max": 5, "default": 9}, "cWord": {"type": "int", "default": "many"},
            "cPart": {"type": "int", "default": 1.5}, "cLow": {"type": "currency", "min": "0", "default": -1},
            "cOption": {"type": "enum", "options": ["a"], "default": "b"},
            "cItem": {"type": "multiEnum", "options": ["a"], "default": ["a", "b"]},
            "cText": {"type": "multiEnum", "options": ["a"], "default": "a"},
            "cNumber": {"type": "enumInt", "options": [1, 2], "default": 3},
            "cLong": {"type": "varchar", "maxLength": 3, "default": "abcd"}, "cList": {"type": "varchar", "default": ["a"]},
            "cFlag": {"type": "bool", "default": "yes"}, "cNone": {"type": "int", "min": 5, "max": 1},
            "cFine": {"type": "int", "min": 1, "max": 5, "default": "5"}, "cBlank": {"type": "enum", "options": ["a"], "default": ""},
            "cOwn": {"type": "array", "options": ["a"], "allowCustomOptions": true, "default": ["b"]},
            "cToday": {"type": "date", "default": "javascript: return this.dateTime.getToday();"},
            "cBit": {"type": "bool", "default": 1}, "cNull": {"type": "enum", "options": ["a"], "default": null},
            "cTwo": {"type": "enumInt", "options": [1, 2], "default": 2}, "cÄ": {"type": "varchar", "maxLength": 1, "default": "Ä"}
        }}"#,
    )]);
    let schema = over_stock(&layer);
    let mut told: Vec<String> = schema
        .diagnostics
        .iter()
        .filter_map(|d| {
            d.path
                .strip_prefix("entityDefs.Account.fields.")
                .map(str::to_owned)
        })
        .collect();
    told.sort();
    let fields = [
        "cFlag", "cItem", "cList", "cLong", "cLow", "cNumber", "cOption", "cPart", "cRange",
        "cText", "cWord",
    ];
    let mut expected: Vec<String> = fields
        .iter()
        .map(|name| format!("{name}.default"))
        .collect();
    expected.push("cNone.min".to_owned());
    expected.sort();
    assert_eq!(told, expected);
}
