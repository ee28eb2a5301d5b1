//! Generates the typed SDK whenever the metadata changes.

use std::error::Error;
use std::path::Path;

use espo_codegen::Generator;
use espo_schema::Schema;

fn main() -> Result<(), Box<dyn Error>> {
    // The stock metadata, overlaid with the customisations in the layout of the instance's `custom/` directory. A pulled
    // export (`cargo xtask pull`) could replace both.
    let layers = ["../../metadata", "metadata"];
    for layer in layers {
        println!("cargo::rerun-if-changed={layer}");
    }
    let schema = Schema::load(&layers)?;
    let output = Generator::new()
        .only(["CEverything", "Account", "Contact", "User"])
        .without_features()
        .generate(&schema)?;
    output.write_to(Path::new(&std::env::var("OUT_DIR")?).join("crm"))?;
    Ok(())
}
