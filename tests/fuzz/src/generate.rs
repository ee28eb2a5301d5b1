//! Metadata and the code that is generated from it.

use std::path::Path;

use espo_codegen::{Generator, Overrides};
use espo_schema::Schema;
use serde_json::{Value, json};

/// Larger inputs find nothing new.
const LARGEST: usize = 16 << 10;

/// A file with metadata.
pub(crate) fn metadata(data: &[u8]) {
    if data.len() > LARGEST {
        return;
    }
    let Ok(schema) = Schema::from_json(data, "fuzz.json") else {
        return;
    };
    assert_eq!(Schema::diff(&schema, &schema), [], "a schema equals itself");
    for (name, entity) in &schema.entity_types {
        assert_eq!(*name, entity.name);
        for (name, attribute) in &entity.attributes {
            assert_eq!(*name, attribute.name);
        }
    }
    with_field_types(data);
}

/// The same with the stock field types, so that fields have attributes.
fn with_field_types(data: &[u8]) -> Option<Schema> {
    let mut tree: Value = serde_json::from_slice(data).ok()?;
    let root = tree.as_object_mut()?;
    root.insert("fields".to_owned(), Schema::stock().raw["fields"].clone());
    Schema::from_value(tree, "fuzz.json").ok()
}

/// Metadata laid out as a directory: all files are inside it, and reading them gives the same schema.
pub(crate) fn metadata_folder(data: &[u8]) {
    if data.len() > LARGEST {
        return;
    }
    let Ok(tree) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a directory");
    let inner = folder.path().join("metadata");
    let Ok(plan) = espo_schema::plan_folder(&tree, &inner) else {
        return;
    };
    for (path, text) in &plan.files {
        let below = path.strip_prefix(&inner).expect("inside of the directory");
        assert_eq!(below.components().count(), 2, "{below:?}");
        assert!(is_plain(below), "{below:?}");
        assert!(serde_json::from_str::<Value>(text).is_ok());
    }
    // Names that are too long for the file system, or equal on one that ignores case.
    if espo_schema::write_folder(&tree, &inner).is_err() || !inner.exists() {
        return;
    }
    let outside = std::fs::read_dir(folder.path()).expect("the directory");
    assert_eq!(outside.count(), 1, "nothing is written outside");
    if let (Ok(one), Ok(other)) = (
        Schema::from_value(tree, "fuzz.json"),
        Schema::load(&[&inner]),
    ) {
        let names = |schema: &Schema| {
            let mut names: Vec<String> = schema.entity_types.keys().cloned().collect();
            names.sort_unstable();
            names
        };
        assert_eq!(names(&one), names(&other));
    }
}

/// The generated code parses as Rust, its manifest as TOML, and no file is outside of the target.
pub(crate) fn codegen(data: &[u8]) {
    if data.len() > LARGEST {
        return;
    }
    let Some(schema) = with_field_types(data) else {
        return;
    };
    let output = Generator::new().generate(&schema).expect("code");
    let table: toml::Table = toml::from_str(output.features()).expect("features as TOML");
    assert!(!table.is_empty());
    for (path, text) in output.files() {
        assert!(is_plain(path), "{path:?}");
        if path.extension().is_some_and(|extension| extension == "rs") {
            syn::parse_file(text)
                .unwrap_or_else(|error| panic!("{}: {error}\n{text}", path.display()));
        }
    }
    let package = output.into_crate("fuzzed", "\"0.1\"");
    for (path, text) in package.files() {
        assert!(is_plain(path), "{path:?}");
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let manifest: toml::Table = toml::from_str(text).expect("a manifest as TOML");
            assert_eq!(manifest["package"]["name"].as_str(), Some("fuzzed"));
        }
    }
}

fn is_plain(path: &Path) -> bool {
    path.components()
        .all(|part| matches!(part, std::path::Component::Normal(_)))
        && path
            .to_str()
            .is_some_and(|text| !text.contains(['\\', '\0', ':', '\n']))
}

/// Overrides of the generator, applied to one entity type.
pub(crate) fn overrides(data: &[u8]) {
    let Some(text) = crate::text(data) else {
        return;
    };
    let Ok(overrides) = Overrides::parse(text, "overrides.toml") else {
        return;
    };
    let tree = json!({"entityDefs": {"Account": {"fields": {"name": {"type": "varchar"}, "type": {"type": "enum",
        "options": ["a", "b"]}, "size": {"type": "int"}, "x": {"type": "jsonObject"}}}}, "scopes": {},
        "fields": Schema::stock().raw["fields"].clone()});
    let schema = Schema::from_value(tree, "fuzz.json").expect("metadata");
    let generator = Generator::new().only(["Account"]).overrides(overrides);
    if let Ok(output) = generator.generate(&schema) {
        for (path, text) in output.files() {
            if path.extension().is_some_and(|extension| extension == "rs") {
                syn::parse_file(text)
                    .unwrap_or_else(|error| panic!("{}: {error}\n{text}", path.display()));
            }
        }
    }
}
