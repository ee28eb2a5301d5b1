//! Generates a module from each export and each fixture.

#[allow(unreachable_pub, dead_code)] // public in the library, and not all of it is needed here
#[path = "src/fixtures.rs"]
mod fixtures;

use std::error::Error;
use std::fmt::Write as _;
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
    println!("cargo::rerun-if-changed=layers");
    let (mut modules, mut expected) = (String::new(), String::new());
    for fixture in fixtures::all(&out.join("generated-layers"))? {
        let (name, schema) = (&fixture.name, fixture.schema()?);
        let generator = Generator::new()
            .without_features()
            .with_labels()
            .only(fixture.entity_types(&schema));
        generator
            .generate(&schema)?
            .write_to(out.join("layers").join(name))?;
        writeln!(
            modules,
            "/// The fixture `{name}`.\npub mod {name} {{\n    include!(concat!(env!(\"OUT_DIR\"), \"/layers/{name}/mod.rs\"));\n}}\n"
        )?;
        writeln!(expected, "    (\"{name}\", {name}::EXPECTED_SCHEMA),")?;
    }
    writeln!(
        modules,
        "/// The schema that the code of each fixture expects an instance to have.\n\
         pub const EXPECTED: &[(&str, &[espo_core::typed::ExpectedEntity])] = &[\n{expected}];"
    )?;
    std::fs::write(out.join("layers.rs"), modules)?;
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
