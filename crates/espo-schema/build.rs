//! Joins the repository's `metadata/` into one JSON file, so that the stock schema needs no files at run time.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::{Map, Value};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_STOCK").is_none() {
        return Ok(());
    }
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    // A symlink to the repository's directory, so that a package contains it. Checkouts without symlinks use the directory.
    let metadata = [here.join("metadata"), here.join("../../metadata")]
        .into_iter()
        .filter_map(|folder| fs::canonicalize(folder).ok())
        .find(|folder| folder.is_dir())
        .ok_or("the metadata directory of the stock schema is missing")?;
    // Cargo checks all files in the directory.
    println!("cargo::rerun-if-changed={}", metadata.display());
    let mut root = Map::new();
    for section in sorted(&metadata)?.into_iter().filter(|p| p.is_dir()) {
        let mut bodies = Map::new();
        for file in sorted(&section)?
            .into_iter()
            .filter(|p| p.extension().is_some_and(|e| e == "json"))
        {
            let body: Value = serde_json::from_str(&fs::read_to_string(&file)?)
                .map_err(|e| format!("{}: {e}", file.display()))?;
            bodies.insert(stem(&file)?, body);
        }
        root.insert(stem(&section)?, Value::Object(bodies));
    }
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("stock.json"),
        Value::Object(root).to_string(),
    )?;
    let patch = fs::read_to_string(metadata.join("9.3.patch.json"))?;
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("9.3.patch.json"),
        patch,
    )?;
    Ok(())
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths = entries
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

fn stem(path: &Path) -> Result<String, Box<dyn Error>> {
    Ok(path
        .file_stem()
        .and_then(|n| n.to_str())
        .ok_or_else(|| format!("{}: name is not UTF-8", path.display()))?
        .to_owned())
}
