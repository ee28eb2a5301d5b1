//! Layers in the form in which instances and modules store them on disk.

use std::fs;
use std::path::Path;

use espo_schema::{Error, Level, Schema, write_folder};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    for (file, text) in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        fs::write(path, text).expect("the file can be written");
    }
    folder
}

pub(crate) fn over_stock(layer: &TempDir) -> Schema {
    Schema::stock()
        .overlay(&[layer.path()])
        .expect("the layer fits")
}

/// Diagnostics that the stock schema does not have.
pub(crate) fn news(schema: &Schema) -> Vec<String> {
    let stock = &Schema::stock().diagnostics;
    schema
        .diagnostics
        .iter()
        .filter(|d| !stock.contains(d))
        .map(|d| format!("{}: {}", d.level, d.message))
        .collect()
}

#[test]
fn layers_without_anything_to_read_are_noted() {
    for (files, expected) in [
        (
            &[
                ("app/adminPanel.json", "{}"),
                ("clientDefs/Account.json", r#"{"iconClass": "x"}"#),
            ][..],
            "note: nothing in this layer describes entity types or fields (it has app, clientDefs)",
        ),
        (
            &[("layouts/Account/list.json", "[]"), ("README.md", "x")],
            "note: no metadata in this layer",
        ),
        (&[], "note: no metadata in this layer"),
    ] {
        let schema = over_stock(&folder(files));
        assert_eq!(news(&schema), [expected]);
        assert_eq!(schema.entity_types, Schema::stock().entity_types);
    }
}

#[test]
fn layers_with_one_kind_of_section_are_accepted_silently() {
    for (file, text) in [
        (
            "fields/serial.json",
            r#"{"fieldDefs": {"type": "varchar"}}"#,
        ),
        ("scopes/Stream.json", r#"{"tab": false}"#),
        (
            "recordDefs/Contact.json",
            r#"{"mandatoryAttributeList": ["description"]}"#,
        ),
        (
            "clientDefs/Account.json",
            r#"{"filterList": ["__APPEND__", "key"]}"#,
        ),
        (
            "selectDefs/Account.json",
            r#"{"primaryFilterClassNameMap": {"key": "A\\B"}}"#,
        ),
        ("entityDefs/unset.json", r#"["Account.fields.sicCode"]"#),
    ] {
        let layer = folder(&[(file, text)]);
        assert_eq!(news(&over_stock(&layer)), [""; 0], "{file}");
    }
    let layer = folder(&[(
        "recordDefs/Contact.json",
        r#"{"mandatoryAttributeList": ["description"]}"#,
    )]);
    let record = &over_stock(&layer).entity_types["Contact"].record;
    assert_eq!(
        record.mandatory_attributes,
        ["description"],
        "the list replaces the stock one"
    );
}

#[test]
fn layers_without_any_metadata_are_an_error() {
    let (app, empty) = (folder(&[("app/x.json", "{}")]), folder(&[]));
    let error = Schema::load(&[app.path(), empty.path()]).expect_err("nothing to read");
    assert!(
        matches!(&error, Error::EmptyFolder { path } if path == app.path()),
        "{error}"
    );
    let file = folder(&[("part.json", r#"{"clientDefs": {"Account": {}}}"#)]);
    let part = file.path().join("part.json");
    assert!(matches!(Schema::load(&[&part]), Err(Error::Shape { .. })));
    Schema::stock()
        .overlay(&[&part])
        .expect("a part of an export is fine as a further layer");
}

#[test]
fn array_as_root_of_a_file_is_reported_and_leaves_the_rest() {
    let layer = folder(&[
        (
            "entityDefs/Call.json",
            r#"[{"fields": {"cNote": {"type": "text"}}}]"#,
        ),
        (
            "entityDefs/Task.json",
            r#"{"fields": {"cNote": {"type": "text"}}}"#,
        ),
        ("scopes/Lead.json", "[1]"),
    ]);
    let schema = over_stock(&layer);
    let news: Vec<_> = schema
        .diagnostics
        .iter()
        .filter(|d| d.level == Level::Warning && d.message.contains(".json: "))
        .collect();
    assert_eq!(news.len(), 2, "{:?}", schema.diagnostics);
    assert_eq!(news[0].path, "entityDefs.Call");
    let file = layer.path().join("entityDefs/Call.json");
    assert!(
        news[0].message.contains(&file.display().to_string()),
        "{}",
        news[0]
    );
    assert!(news[0].message.contains("an array of 1"), "{}", news[0]);
    assert_eq!(news[1].path, "scopes.Lead");

    assert!(
        schema.entity_types["Call"]
            .fields
            .keys()
            .all(|name| name == "streamUpdatedAt")
    );
    assert!(schema.entity_types["Task"].attributes.contains_key("cNote"));
    let others = |schema: &Schema| schema.entity_types.keys().cloned().collect::<Vec<_>>();
    assert_eq!(others(&schema), others(Schema::stock()));
    assert_eq!(
        schema.entity_types["Account"].fields,
        Schema::stock().entity_types["Account"].fields
    );

    // In an export of such an instance the array is in the same place.
    let mut export = Schema::stock().raw.clone();
    export["entityDefs"]["Call"] = json!([{"fields": {}}]);
    let schema = Schema::from_value(export, "export.json").expect("the export loads");
    assert!(schema.diagnostics.iter().any(|d| {
        d.path == "entityDefs.Call" && d.message.starts_with("export.json: expected an object")
    }));
}

#[test]
fn broken_definitions_are_reported_and_left_out() {
    let layer = folder(&[
        (
            "entityDefs/CThing.json",
            r#"{
            "collection": "name",
            "fields": {"name": {"type": "varchar"}, "list": ["x"], "text": "x", "typed": {"type": 7}, "blank": null},
            "links": "none"
        }"#,
        ),
        (
            "fields/odd.json",
            r#"{"actualFields": "x", "fields": 5, "fieldDefs": [1]}"#,
        ),
    ]);
    let schema = over_stock(&layer);
    let fields: Vec<_> = schema.entity_types["CThing"].fields.keys().collect();
    assert_eq!(fields, ["name"]);
    let paths: Vec<&str> = schema
        .diagnostics
        .iter()
        .filter(|d| d.message.contains("it is ignored"))
        .map(|d| d.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "entityDefs.CThing.collection",
            "entityDefs.CThing.fields.list",
            "entityDefs.CThing.fields.text",
            "entityDefs.CThing.fields.typed.type",
            "entityDefs.CThing.links",
            "fields.odd.actualFields",
            "fields.odd.fields",
            "fields.odd.fieldDefs",
        ]
    );
}

#[test]
fn backups_and_foreign_suffixes_are_ignored() {
    let definition = r#"{"fields": {"cOld": {"type": "text"}}}"#;
    let layer = folder(&[
        (
            "entityDefs/Account.json",
            r#"{"fields": {"cNew": {"type": "text"}}}"#,
        ),
        ("entityDefs/backup_2024/Account.json", definition),
        ("entityDefs/Contact.json.bak", definition),
        ("entityDefs/Contact.json~", definition),
        ("entityDefs/Lead.backup", definition),
        ("entityDefs/Task.jsоn", definition),
        ("entityDefs/.Case.json", definition),
        ("entityDefs/.json", definition),
        (".git/entityDefs.json", "not JSON"),
        ("entityDefs/.DS_Store", "\u{1}"),
    ]);
    let schema = over_stock(&layer);
    assert!(schema.entity_types["Account"].fields.contains_key("cNew"));
    for entity in schema.entity_types.values() {
        assert!(!entity.fields.contains_key("cOld"), "{}", entity.name);
    }
    assert_eq!(news(&schema), [""; 0]);
}

#[test]
fn later_keys_and_layers_take_precedence() {
    let first = folder(&[(
        "entityDefs/CA.json",
        r#"{"fields": {"f": {"type": "int"}, "f": {"type": "varchar"}}}"#,
    )]);
    let second = folder(&[(
        "entityDefs/CA.json",
        r#"{"fields": {"f": {"maxLength": 7}}}"#,
    )]);
    let schema = Schema::stock()
        .overlay(&[first.path(), second.path()])
        .expect("the layers fit");
    let field = &schema.entity_types["CA"].fields["f"];
    assert_eq!(
        (field.type_.as_str(), field.max_length),
        ("varchar", Some(7))
    );
}

/// An export of a customised instance: composite fields, options, links and custom types over the stock metadata.
fn customised() -> Schema {
    let layer = folder(&[
        (
            "fields/tax.json",
            r#"{"actualFields": [""], "notActualFields": ["isValid"],
            "fields": {"isValid": {"type": "bool"}}, "fieldDefs": {"type": "varchar", "len": 20}}"#,
        ),
        (
            "entityDefs/CShip.json",
            r#"{"collection": {"orderBy": "name", "order": "asc"}, "fields": {
            "name": {"type": "personName"}, "home": {"type": "address"}, "price": {"type": "currency", "required": true},
            "span": {"type": "rangeCurrency"}, "tax": {"type": "tax"}, "mail": {"type": "email"},
            "kind": {"type": "enum", "options": ["300", "300 ", "m²"]}},
            "links": {"owner": {"type": "belongsTo", "entity": "Account", "foreign": "cShips"}}}"#,
        ),
        (
            "scopes/CShip.json",
            r#"{"entity": true, "object": true, "stream": true, "isCustom": true, "module": "Custom"}"#,
        ),
        (
            "entityDefs/Account.json",
            r#"{"fields": {"industry": {"options": ["__APPEND__", "Shipping"]}, "cTax": {"type": "tax"}},
            "links": {"cShips": {"type": "hasMany", "entity": "CShip", "foreign": "owner"}}}"#,
        ),
    ]);
    over_stock(&layer)
}

/// The same definitions without the additions of the server, as on disk.
fn without_completion(tree: &Value) -> Value {
    let types = &tree["fields"];
    let mut tree = tree.clone();
    for (_, entity) in tree["entityDefs"].as_object_mut().expect("entity types") {
        if let Some(collection) = entity["collection"].as_object_mut() {
            collection.retain(|key, _| key != "sortBy" && key != "asc");
        }
        let Some(fields) = entity["fields"].as_object_mut() else {
            continue;
        };
        fields.shift_remove("streamUpdatedAt");
        fields.shift_remove("deleteId");
        let parts: Vec<(String, Map<String, Value>)> = fields
            .iter()
            .filter_map(|(name, def)| {
                let of_type = types.get(def["type"].as_str()?)?;
                let parts = of_type["fields"].as_object()?;
                let is_prefix = of_type["naming"] == "prefix";
                Some(parts.iter().map(move |(part, def)| {
                    let upper = |text: &str| text[..1].to_uppercase() + &text[1..];
                    let name = if is_prefix {
                        format!("{part}{}", upper(name))
                    } else {
                        format!("{name}{}", upper(part))
                    };
                    (name, def.as_object().cloned().unwrap_or_default())
                }))
            })
            .flatten()
            .collect();
        for (name, generated) in parts {
            if let Some(explicit) = fields.get_mut(&name).and_then(Value::as_object_mut) {
                explicit.retain(|key, value| generated.get(key) != Some(value));
                explicit.shift_remove("detailLayoutIncompatibleFieldList");
            }
        }
        fields.retain(|_, def| def.as_object().is_some_and(|def| !def.is_empty()));
    }
    tree
}

/// Puts every definition of the tree into the layer whose number the function returns.
fn split(tree: &Value, layers: usize, place: impl Fn(&str, &str, &str) -> usize) -> Vec<Value> {
    let mut split = vec![json!({}); layers];
    for (section, bodies) in tree.as_object().expect("sections") {
        for (name, body) in bodies.as_object().expect("bodies") {
            for (key, value) in body.as_object().expect("a body") {
                if matches!(key.as_str(), "fields" | "links") && section == "entityDefs" {
                    let members = value.as_object().expect("definitions");
                    if members.is_empty() {
                        split[place(section, name, key)][section][name][key] = json!({});
                    }
                    for (member, def) in members {
                        split[place(section, name, member)][section][name][key][member] =
                            def.clone();
                    }
                } else {
                    split[place(section, name, key)][section][name][key] = value.clone();
                }
            }
            if body.as_object().is_some_and(Map::is_empty) {
                split[place(section, name, "")][section][name] = json!({});
            }
        }
    }
    split
}

#[test]
fn directories_and_exports_of_an_instance_give_the_same_schema() {
    let export = customised();
    let disk = without_completion(&export.raw);
    let of_text = |text: &str| text.bytes().map(usize::from).sum::<usize>();
    let ways: [(usize, Box<dyn Fn(&str, &str, &str) -> usize>); 4] = [
        (1, Box::new(|_, _, _| 0)),
        // The core, a module, the customisations.
        (
            3,
            Box::new(|section, name, _| match (section, name.starts_with('C')) {
                (_, true) => 2,
                ("entityDefs" | "scopes", _) => 1,
                _ => 0,
            }),
        ),
        // Fields of one entity type in many modules.
        (
            7,
            Box::new(move |_, name, key| (of_text(name) + of_text(key)) % 7),
        ),
        (
            20,
            Box::new(move |section, name, key| {
                (of_text(section) * 31 + of_text(name) + of_text(key)) % 20
            }),
        ),
    ];
    for (count, place) in ways {
        let folder = TempDir::new().expect("a temporary folder");
        let mut paths = Vec::new();
        for (number, layer) in split(&disk, count, place).iter().enumerate() {
            let path = folder.path().join(format!("{number:02}"));
            fs::create_dir(&path).expect("a folder");
            write_folder(layer, &path).expect("the layer is written");
            paths.push(path);
        }
        let loaded = Schema::load(&paths).expect("the layers load");
        for (section, bodies) in export.raw.as_object().expect("sections") {
            for (name, body) in bodies.as_object().expect("bodies") {
                assert_eq!(
                    &loaded.raw[section][name], body,
                    "{section}.{name} in {count} layers"
                );
            }
        }
        assert_eq!(loaded.content_hash, export.content_hash, "{count} layers");
        assert_eq!(Schema::diff(&export, &loaded), []);
        for (name, entity) in &export.entity_types {
            assert_eq!(
                loaded.entity_types[name].attributes, entity.attributes,
                "{name}"
            );
        }
    }
}

#[test]
fn written_directories_are_small_sorted_files_that_load_the_same() {
    let schema = customised();
    let folder = TempDir::new().expect("a temporary folder");
    let kept = folder.path().join("entityDefs/README.md");
    let written = write_folder(&schema.raw, folder.path()).expect("it is written");
    fs::write(&kept, "x").expect("a file of the user");
    assert_eq!(written.changed.len(), written.files);
    let loaded = Schema::load(&[folder.path()]).expect("it loads");
    assert_eq!(loaded.content_hash, schema.content_hash);

    // A change affects only its own file.
    let mut tree = schema.raw.clone();
    tree["entityDefs"]["Task"]["fields"]["cNew"] = json!({"type": "text"});
    let entity_types = tree["entityDefs"].as_object_mut().expect("entity types");
    entity_types.shift_remove("CShip");
    let settings = tree["recordDefs"].take();
    let names = |paths: &[std::path::PathBuf]| -> Vec<String> {
        let relative = |p: &Path| {
            p.strip_prefix(folder.path())
                .expect("inside")
                .display()
                .to_string()
        };
        paths.iter().map(|p| relative(p)).collect()
    };
    let written = write_folder(&tree, folder.path()).expect("it is written");
    assert_eq!(names(&written.changed), ["entityDefs/Task.json"]);
    let removed = names(&written.removed);
    assert_eq!(removed[0], "entityDefs/CShip.json");
    // A whole section is missing: the export of a user without administrator rights has no `recordDefs`.
    let settings = settings.as_object().expect("settings");
    assert_eq!(removed.len(), 1 + settings.len());
    assert!(
        removed[1..]
            .iter()
            .all(|path| path.starts_with("recordDefs/"))
    );
    assert!(kept.exists());
    let text = fs::read_to_string(folder.path().join("entityDefs/Task.json")).expect("the file");
    assert!(text.ends_with("}\n") && text.find("\"collection\"") < text.find("\"fields\""));
}

#[test]
fn names_that_cannot_be_files_are_rejected_before_anything_is_written() {
    for name in ["../x", "a/b", ".hidden", "unset", "a:b", ""] {
        let folder = TempDir::new().expect("a temporary folder");
        let tree = json!({"entityDefs": {"A": {}, name: {}}});
        let error = write_folder(&tree, folder.path()).expect_err(name);
        assert!(error.to_string().contains("file names"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
    }
}
