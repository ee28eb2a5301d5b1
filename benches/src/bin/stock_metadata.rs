//! `cargo xtask stock-metadata`: writes the checked-in metadata from exports of stock instances.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use espo_schema::selection;
use espo_stdio::{note, outln};
use serde_json::{Map, Value};

/// Write metadata/ from exports of stock instances, for a new version of EspoCRM.
#[derive(clap::Parser)]
#[command(name = "stock-metadata", bin_name = "cargo xtask stock-metadata")]
struct Args {
    /// Export of a stock instance, created by an administrator with `cargo xtask pull`.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Export of a stock 9.3 instance, from which metadata/9.3.patch.json is written.
    #[arg(long, value_name = "FILE")]
    older: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../metadata");
    let tree = selection::select(&read(&args.from)?);
    let written = espo_schema::write_folder(&tree, &folder)?;
    outln!(
        "{} files in {}: {} changed, {} removed",
        written.files,
        folder.display(),
        written.changed.len(),
        written.removed.len()
    )?;
    if let Some(path) = &args.older {
        let older = older(&tree, &selection::select(&read(path)?));
        let patch = selection::patch(&tree, &older);
        let path = folder.join("9.3.patch.json");
        std::fs::write(&path, format!("{patch:#}\n"))?;
        outln!("{}", path.display())?;
    }
    Ok(())
}

/// Returns the older tree. A section that its export lacks is copied from the newer one, without newer entity types.
fn older(newer: &Value, older: &Value) -> Value {
    let mut tree = Map::new();
    for (section, bodies) in newer.as_object().into_iter().flatten() {
        let bodies = older.get(section).cloned().unwrap_or_else(|| {
            let bodies = bodies.as_object().into_iter().flatten();
            let known = |name: &str| older["entityDefs"].get(name).is_some();
            Value::Object(
                bodies
                    .filter(|(name, _)| known(name) || newer["entityDefs"].get(name).is_none())
                    .map(|(name, body)| (name.clone(), body.clone()))
                    .collect(),
            )
        });
        tree.insert(section.clone(), bodies);
    }
    Value::Object(tree)
}

fn read(path: &Path) -> anyhow::Result<Value> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}
