//! Layers over the stock metadata in the shapes that customised instances have: the directories in `layers/`, and larger
//! ones that are generated. Used by the build script and by the tests.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use espo_schema::Schema;

/// A fixture: its name, which is that of its module, and its layers, later ones over earlier ones.
#[derive(Debug)]
pub struct Fixture {
    /// The name.
    pub name: String,
    /// The directories or files of the layers.
    pub layers: Vec<PathBuf>,
    /// The entity types that are generated and compiled; all that the layers define or change if empty.
    sample: BTreeSet<String>,
}

/// All fixtures, sorted by name. Generated layers are written below `scratch`.
///
/// # Errors
/// Fails if a directory cannot be read, or a layer cannot be written.
pub fn all(scratch: &Path) -> io::Result<Vec<Fixture>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("layers");
    let mut fixtures = Vec::new();
    for folder in sorted(&folder)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        // It changes what half of the stock types contain, by their links to others and their field types.
        let sample = match &*name {
            "changed_stock_types" => {
                ["Account", "Attachment", "Meeting", "Note", "Team", "User"].as_slice()
            }
            _ => &[],
        };
        fixtures.push(Fixture {
            layers: sorted(&folder)?,
            sample: sample.iter().map(ToString::to_string).collect(),
            name: name.into_owned(),
        });
    }
    // One entity type of each layer is compiled.
    let sample = (0..200).step_by(10).map(|number| format!("CThing{number}"));
    for (name, layers, sample) in [
        ("large", vec![large()], BTreeSet::new()),
        ("many", many(), sample.collect()),
        ("wide", vec![wide()], BTreeSet::new()),
    ] {
        let folder = scratch.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        for (number, files) in layers.iter().enumerate() {
            for (path, text) in files {
                let path = folder.join(format!("{number:02}")).join(path);
                fs::create_dir_all(path.parent().unwrap_or(&folder))?;
                fs::write(path, text)?;
            }
        }
        fixtures.push(Fixture {
            name: name.to_owned(),
            layers: sorted(&folder)?,
            sample,
        });
    }
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(fixtures)
}

impl Fixture {
    /// The stock metadata with the layers over it.
    ///
    /// # Errors
    /// Fails if they are not metadata.
    pub fn schema(&self) -> Result<Schema, espo_schema::Error> {
        Schema::stock().overlay(&self.layers)
    }

    /// The entity types that are generated and compiled.
    pub fn entity_types(&self, schema: &Schema) -> BTreeSet<String> {
        if !self.sample.is_empty() {
            return self.sample.clone();
        }
        let stock = &Schema::stock().raw;
        let is_changed = |name: &&String| {
            ["entityDefs", "scopes"]
                .iter()
                .any(|section| schema.raw[*section][name] != stock[*section][name])
        };
        let changed = schema.entity_types.keys().filter(is_changed).cloned();
        // Layers with nothing but field types change entity types without naming them.
        changed.chain(["Account".to_owned()]).collect()
    }

    /// Those of the entity types that the stock metadata does not have.
    pub fn custom(&self, schema: &Schema) -> Vec<String> {
        let is_custom = |name: &String| !Schema::stock().entity_types.contains_key(name);
        self.entity_types(schema)
            .into_iter()
            .filter(is_custom)
            .collect()
    }
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

type Files = Vec<(String, String)>;

const SCOPE: &str = r#"{"entity": true, "object": true, "acl": true, "module": "Custom", "isCustom": true, "type": "Base"}"#;

fn file(section: &str, name: &str, body: impl Into<String>) -> (String, String) {
    (format!("{section}/{name}.json"), body.into())
}

/// An entity type with 203 fields whose names are in snake_case, as after an import from another system.
fn wide() -> Files {
    let types = [
        "varchar", "int", "bool", "date", "text", "float", "datetime",
    ];
    let fields: Vec<String> = (0..203)
        .map(|n| {
            let type_ = types[n % types.len()];
            format!(r#""old_field_{n}": {{"type": "{type_}"}}"#)
        })
        .collect();
    let body = format!(
        r#"{{"fields": {{"name": {{"type": "varchar"}}, {}}}}}"#,
        fields.join(", ")
    );
    vec![
        file("entityDefs", "CWide", body),
        file("scopes", "CWide", SCOPE),
    ]
}

/// An entity type whose names are as long as a file name and a column allow, and whose enums have hundreds of options.
fn large() -> Files {
    let (entity, field) = (
        "CLargeEntityType".repeat(14),
        "aVeryLongFieldName".repeat(12),
    );
    let options = |count: usize, text: &str| -> String {
        let options: Vec<String> = (0..count).map(|n| format!("\"{text}{n}\"")).collect();
        options.join(", ")
    };
    let body = format!(
        r#"{{"fields": {{"name": {{"type": "varchar"}},
            "{field}": {{"type": "varchar"}}, "{field}2": {{"type": "enum", "options": ["a", "b"]}},
            "{field}3": {{"type": "link"}},
            "hundreds": {{"type": "enum", "options": [{}]}}, "numbers": {{"type": "multiEnum", "options": [{}]}},
            "sentences": {{"type": "enum", "options": ["{}", "{}1"]}}}},
            "links": {{"{field}3": {{"type": "belongsTo", "entity": "Account"}}}}}}"#,
        options(300, "Option number "),
        options(400, ""),
        "x".repeat(240),
        "x".repeat(240),
    );
    vec![
        file("entityDefs", &entity, body),
        file("scopes", &entity, SCOPE),
    ]
}

/// 200 entity types in 20 layers: each layer adds ten, and changes fields, options and links of the previous layer.
fn many() -> Vec<Files> {
    let mut layers: Vec<Files> = vec![Vec::new(); 20];
    for number in 0..200 {
        let (layer, name) = (number / 10, format!("CThing{number}"));
        let next = format!("CThing{}", (number + 1) % 200);
        let previous = format!("CThing{}", (number + 199) % 200);
        let body = format!(
            r#"{{"fields": {{"name": {{"type": "varchar", "required": true}}, "kind": {{"type": "enum", "options": ["A", "B{number}"]}},
                "amount": {{"type": "int"}}, "next": {{"type": "link"}}, "code": {{"type": "code"}}}},
                "links": {{"next": {{"type": "belongsTo", "entity": "{next}", "foreign": "previous"}},
                    "previous": {{"type": "hasMany", "entity": "{previous}", "foreign": "next"}}}}}}"#
        );
        layers[layer].push(file("entityDefs", &name, body));
        layers[layer].push(file("scopes", &name, SCOPE));
        if let Some(later) = layers.get_mut(layer + 1) {
            let change = format!(
                r#"{{"fields": {{"kind": {{"options": ["__APPEND__", "L{layer}"]}}, "amount": {{"max": {}}},
                    "late{layer}": {{"type": "varchar"}}}}}}"#,
                number + 1000
            );
            later.push(file("entityDefs", &name, change));
        }
    }
    let code = r#"{"fieldDefs": {"type": "varchar", "len": 12}}"#;
    layers[0].push(file("fields", "code", code));
    layers
}
