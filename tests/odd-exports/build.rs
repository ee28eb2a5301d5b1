//! Generates a module from each export.

use std::error::Error;
use std::path::{Path, PathBuf};

use espo_codegen::Generator;
use espo_schema::Schema;
use serde_json::Value;

/// The module, its export, and the field types that an instance of that kind does not have.
const EXPORTS: [(&str, &str, &[&str]); 4] = [
    (
        "hostile",
        "../../crates/espo-codegen/tests/it/fixtures/hostile.json",
        &[],
    ),
    ("v8_4", "exports/v8.4.json", &["decimal"]),
    ("v9_2", "exports/v9.2.json", &["decimal"]),
    ("api_user", "exports/api-user.json", &[]),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    for (module, path, missing_types) in EXPORTS {
        println!("cargo::rerun-if-changed={path}");
        let schema = Schema::from_value(export(Path::new(path), missing_types)?, path)?;
        let output = Generator::new().without_features().generate(&schema)?;
        output.write_to(out.join(module))?;
    }
    Ok(())
}

/// The export with the definitions of the field types, which are the same in all versions.
fn export(path: &Path, missing_types: &[&str]) -> Result<Value, Box<dyn Error>> {
    let mut tree: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    tree["fields"] = Schema::stock().raw["fields"].clone();
    if let Some(types) = tree["fields"].as_object_mut() {
        types.retain(|name, _| !missing_types.contains(&name.as_str()));
    }
    Ok(tree)
}
