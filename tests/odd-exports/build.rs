//! Generates a module from each export.

#[allow(unreachable_pub)] // public in the library
#[path = "src/fixtures.rs"]
mod fixtures;

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
    println!("cargo::rerun-if-changed=src/fixtures.rs");
    for fixture in fixtures::FIXTURES {
        let entity_types = fixture
            .entity_types
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        generate(&out, fixture.name, &fixtures::files(fixture), entity_types)?;
    }
    // One of each layer is compiled.
    let some = (0..200).step_by(10).map(|number| format!("CThing{number}"));
    generate(&out, "many", &fixtures::many(), some.collect())?;
    Ok(())
}

/// Writes the layers and generates these entity types from them.
fn generate(
    out: &Path,
    name: &str,
    layers: &[Vec<(String, String)>],
    entity_types: Vec<String>,
) -> Result<(), Box<dyn Error>> {
    let folder = out.join("layers").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let mut paths = Vec::new();
    for (number, files) in layers.iter().enumerate() {
        let layer = folder.join(format!("{number:02}"));
        std::fs::create_dir_all(&layer)?;
        for (path, text) in files {
            let path = layer.join(path);
            std::fs::create_dir_all(path.parent().ok_or("a file without a folder")?)?;
            std::fs::write(path, text)?;
        }
        paths.push(layer);
    }
    let schema = Schema::stock().overlay(&paths)?;
    let generator = Generator::new().without_features().only(entity_types);
    generator.generate(&schema)?.write_to(out.join(name))?;
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
