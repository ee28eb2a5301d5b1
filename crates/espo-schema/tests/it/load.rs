//! Reading files and directories: errors, layers, completion.

use std::fs;
use std::path::Path;

use espo_schema::{AttributeRole, Error, FieldKind, Options, Schema, ValueType};
use serde_json::{Value, json};
use tempfile::TempDir;

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().expect("a file has a folder"))
        .expect("the folder can be made");
    fs::write(path, text).expect("the file can be written");
}

/// The error message for a file with this text.
fn error_of(text: &[u8]) -> String {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("export.json");
    fs::write(&file, text).expect("the file can be written");
    let error = Schema::load(&[&file]).expect_err("this is not metadata");
    let message = error.to_string();
    assert!(
        message.contains("export.json"),
        "the file is named: {message}"
    );
    message
}

#[test]
fn invalid_exports_are_rejected_with_a_remedy() {
    for (text, expected) in [
        ("", "the file is empty"),
        ("  \n", "the file is empty"),
        ("[", "the file is truncated"),
        ("{\"entityDefs\": {}} x", "trailing characters at line 1"),
        ("<!DOCTYPE html><html>", "this is an HTML page"),
        (
            "{\n<<<<<<< HEAD\n\"entityDefs\": {}\n=======\n>>>>>>> b\n}",
            "line 2: unresolved merge conflict",
        ),
        (
            "version https://git-lfs.github.com/spec/v1\n",
            "Git LFS pointer",
        ),
        (
            r#"{"fields":{"name":{"type":"varchar"}},"links":{}}"#,
            "found the definition of one entity type",
        ),
        (
            "{\"entityDefs\":5}",
            "at `entityDefs`: expected an object, found the number 5",
        ),
        ("{}", "at `$`: expected an object with `entityDefs`"),
        ("true", "found `true`"),
        (
            "{\"messageTranslation\":{\"label\":\"x\"}}",
            "error response of the server",
        ),
        ("{\"list\":[],\"total\":0}", "a list of records"),
        (
            r#"{"entityDefs":{"A":{"fields":{"n":{"type":"varchar"}}}}}"#,
            "at `fields`: expected the definitions of the field types",
        ),
    ] {
        let message = error_of(text.as_bytes());
        assert!(message.contains(expected), "{text}: {message}");
        assert!(message.contains("help: "), "{text}: {message}");
    }
    assert!(error_of(b"{\"a\": \"\xFF\"}").contains("not UTF-8"));
    assert!(error_of(&[0xFF, 0xFE, b'{', 0]).contains("UTF-16"));
}

#[test]
fn a_missing_path_and_an_empty_directory_are_errors() {
    let folder = TempDir::new().expect("a temporary folder");
    let missing = folder.path().join("nothing.json");
    assert!(matches!(Schema::load(&[&missing]), Err(Error::Io { path, .. }) if path == missing));
    assert!(matches!(
        Schema::load(&[folder.path()]),
        Err(Error::EmptyFolder { .. })
    ));
    assert!(matches!(Schema::load::<&Path>(&[]), Err(Error::NoSource)));
}

#[test]
fn directories_above_and_below_the_metadata_are_rejected_with_the_right_one() {
    let folder = TempDir::new().expect("a temporary folder");
    let metadata = "custom/Espo/Modules/Sales/Resources/metadata";
    write(
        folder.path(),
        &format!("{metadata}/entityDefs/CThing.json"),
        "{}",
    );
    write(
        folder.path(),
        &format!("{metadata}/clientDefs/CThing.json"),
        "{}",
    );
    let stock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../metadata");
    let right = folder.path().join(metadata);
    for wrong in [
        "custom",
        "custom/Espo/Modules",
        "custom/Espo/Modules/Sales/Resources",
        "custom/Espo/Modules/Sales/Resources/metadata/entityDefs",
    ] {
        let wrong = folder.path().join(wrong);
        for layers in [vec![wrong.clone()], vec![stock.into(), wrong.clone()]] {
            let message = Schema::load(&layers)
                .expect_err("the wrong directory")
                .to_string();
            let expected = format!("help: pass {}", right.display());
            assert!(message.ends_with(&expected), "{message}");
        }
    }
    assert!(Schema::load(&[Path::new(stock), &right]).is_ok());
    // A directory of a module that changes only the user interface.
    let other = right.join("clientDefs");
    assert!(Schema::load(&[Path::new(stock), &other]).is_ok());
}

#[test]
fn files_that_the_server_does_not_read_are_named() {
    let folder = TempDir::new().expect("a temporary folder");
    write(folder.path(), "entityDefs/CThing.JSON", "{}");
    write(folder.path(), "entitydefs/CThing.json", "{}");
    write(folder.path(), "entityDefs/unset.json", "{}");
    let stock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../metadata");
    let schema = Schema::load(&[Path::new(stock), folder.path()]).expect("the layers load");
    let notes: Vec<String> = schema.diagnostics.iter().map(ToString::to_string).collect();
    for name in ["CThing.JSON", "entitydefs", "unset.json"] {
        let is_named = |note: &String| note.contains(name) && note.contains("not read");
        assert!(notes.iter().any(is_named), "{name}: {notes:?}");
    }
}

#[test]
fn errors_in_directories_name_the_file() {
    let folder = TempDir::new().expect("a temporary folder");
    write(folder.path(), "entityDefs/Account.json", "{");
    let message = Schema::load(&[folder.path()])
        .expect_err("the file is cut short")
        .to_string();
    assert!(message.contains("Account.json"), "{message}");
}

#[test]
fn byte_order_marks_and_php_forms_are_accepted() {
    let text = "\u{feff}{\"entityDefs\":{\"A\":{\"fields\":{\"n\":{\"type\":\"varchar\"}},\"links\":[]},\"B\":[],\"C\":null},\"scopes\":[],\"fields\":{\"varchar\":[]}}";
    let schema = Schema::from_json(text.as_bytes(), "export.json").expect("the export loads");
    assert_eq!(schema.entity_types.keys().collect::<Vec<_>>(), ["A", "B"]);
    assert!(schema.entity_types["A"].attributes.contains_key("n"));
    let noted: Vec<String> = schema.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(
        noted,
        ["entityDefs.C: the definition is null and was ignored"]
    );
}

/// Customisations as an instance keeps them in `custom/Espo/Custom/Resources/metadata`.
fn custom() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    write(
        folder.path(),
        "entityDefs/Account.json",
        r#"{"fields": {
            "industry": {"options": ["__APPEND__", "Beekeeping"]},
            "type": {"options": ["Partner", "Friend"]},
            "cRegion": {"type": "address", "isCustom": true},
            "cBudget": {"type": "currency", "isCustom": true, "readOnly": true},
            "cSpan": {"type": "rangeInt", "isCustom": true},
            "sicCode": null
        }, "links": {"cProjects": {"type": "hasMany", "entity": "CProject", "foreign": "account"}}}"#,
    );
    write(
        folder.path(),
        "entityDefs/CProject.json",
        r#"{"fields": {"name": {"type": "varchar", "required": true}, "account": {"type": "link"}},
            "links": {"account": {"type": "belongsTo", "entity": "Account", "foreign": "cProjects"}}}"#,
    );
    write(
        folder.path(),
        "scopes/CProject.json",
        r#"{"entity": true, "object": true, "module": "Custom", "stream": true, "isCustom": true}"#,
    );
    write(folder.path(), "scopes/Lead.json", "[]");
    write(
        folder.path(),
        "entityDefs/unset.json",
        r#"["Account.fields.website"]"#,
    );
    write(folder.path(), "README.txt", "not metadata");
    folder
}

#[test]
fn custom_layers_override_the_stock_metadata() {
    let folder = custom();
    let schema = Schema::stock()
        .overlay(&[folder.path()])
        .expect("the layer fits");
    let account = schema.entity_type("Account").expect("still there");

    let industry = account.fields["industry"].options.listed().expect("listed");
    assert_eq!(
        industry.len(),
        Schema::stock().entity_types["Account"].fields["industry"]
            .options
            .listed()
            .expect("listed")
            .len()
            + 1
    );
    assert_eq!(
        industry.last().map(String::as_str),
        Some("Beekeeping"),
        "appended"
    );
    assert_eq!(
        account.fields["type"].options,
        Options::Listed(vec!["Partner".into(), "Friend".into()]),
        "replaced"
    );
    // `Lead.industry` refers to it.
    assert!(
        schema
            .field("Lead", "industry")
            .expect("stock")
            .options
            .allows("Beekeeping")
    );

    assert!(!account.fields.contains_key("sicCode"), "blanked with null");
    assert!(
        !account.attributes.contains_key("website"),
        "taken out by unset.json"
    );
    assert!(
        schema.scope("Lead").expect("stock").entity,
        "a file that holds an empty list is skipped"
    );
    assert_eq!(
        account.fields["name"],
        Schema::stock().entity_types["Account"].fields["name"],
        "the rest is as it was"
    );

    let project = schema.entity_type("CProject").expect("added");
    assert!(
        project.fields.contains_key("streamUpdatedAt"),
        "a scope with a stream brings it"
    );
    assert!(project.attributes.contains_key("isFollowed"));
    assert_eq!(
        schema
            .reverse_link("Account", "cProjects")
            .map(|l| l.name.as_str()),
        Some("account")
    );
}

#[test]
fn parts_of_a_custom_composite_field_are_added_as_the_server_adds_them() {
    let folder = custom();
    let schema = Schema::stock()
        .overlay(&[folder.path()])
        .expect("the layer fits");
    let account = &schema.entity_types["Account"];
    assert_eq!(
        Value::Object(account.fields["cRegionCity"].raw.clone()),
        json!({"maxLength": 100, "pattern": "$noBadCharacters", "type": "varchar", "detailLayoutIncompatibleFieldList": ["cRegion"]})
    );
    assert_eq!(
        account.fields["cRegionStreet"].db_type.as_deref(),
        Some("varchar")
    );
    assert_eq!(account.fields["cRegionMap"].kind, FieldKind::Map);
    assert_eq!(
        account.attributes["cRegionCity"].role,
        AttributeRole::AddressPart
    );
    assert!(
        !account.attributes.contains_key("cRegion"),
        "an address field has no separate attribute"
    );

    // Restrictions of a field apply to its parts.
    assert!(account.fields["cBudgetCurrency"].read_only);
    assert!(
        !account.attributes["cBudget"].writable && !account.attributes["cBudgetCurrency"].writable
    );
    assert_eq!(
        account.attributes["cBudgetConverted"].value,
        ValueType::Money
    );

    for name in ["fromCSpan", "toCSpan"] {
        assert_eq!(
            account.attributes[name].value,
            ValueType::Int,
            "the parts of a range are put in front"
        );
    }
}

#[test]
fn completing_complete_metadata_changes_nothing() {
    let again = Schema::from_value(Schema::stock().raw.clone(), "again").expect("the tree loads");
    assert_eq!(&again, Schema::stock());

    let folder = custom();
    let once = Schema::stock()
        .overlay(&[folder.path()])
        .expect("the layer fits");
    let twice = Schema::from_value(once.raw.clone(), "again").expect("the tree loads");
    assert_eq!(twice.raw, once.raw);
    assert_eq!(twice.entity_types, once.entity_types);
}

#[test]
fn empty_lists_that_remove_definitions_are_reported() {
    let folder = TempDir::new().expect("a temporary folder");
    write(folder.path(), "entityDefs/Team.json", r#"{"links": []}"#);
    let schema = Schema::stock()
        .overlay(&[folder.path()])
        .expect("the layer fits");
    assert!(schema.entity_types["Team"].links.is_empty());
    assert!(
        schema
            .diagnostics
            .iter()
            .any(|d| d.path == "entityDefs.Team.links" && d.message.contains("removes the 7"))
    );
}

#[test]
fn switches_of_the_scope_change_the_fields() {
    let base = json!({
        "fields": {"varchar": {}, "link": {"actualFields": ["id"], "notActualFields": ["name"]}, "datetime": {}},
        "scopes": {"A": {"stream": true, "assignedUsers": true}},
        "entityDefs": {"A": {
            "deleteId": true,
            "collection": {"sortBy": "name", "asc": true},
            "fields": {"name": {"type": "varchar"}, "assignedUser": {"type": "link"}, "odd": {"maxLength": 3}},
            "links": {"assignedUser": {"type": "belongsTo", "entity": "User"}, "odd": {"entity": "A"}}
        }}
    });
    let schema = Schema::from_value(base, "x").expect("the tree loads");
    let a = &schema.entity_types["A"];
    assert_eq!(a.fields["deleteId"].max_length, Some(17));
    assert!(a.fields["streamUpdatedAt"].read_only);
    assert!(a.fields["assignedUser"].disabled && !a.attributes["assignedUserId"].writable);
    assert_eq!(a.collection.order_by.as_deref(), Some("name"));
    assert_eq!(
        schema.raw["entityDefs"]["A"]["collection"],
        json!({"sortBy": "name", "asc": true, "orderBy": "name", "order": "asc"})
    );
    assert!(
        !a.fields.contains_key("odd") && !a.links.contains_key("odd"),
        "no type"
    );
    let noted: Vec<&str> = schema.diagnostics.iter().map(|d| d.path.as_str()).collect();
    assert_eq!(
        noted,
        [
            "entityDefs.A.fields.odd",
            "entityDefs.A.links.odd",
            "entityDefs.A.links.assignedUser"
        ]
    );
}
