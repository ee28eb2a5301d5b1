//! Measures how code generation scales with the metadata: time and memory for 250, 500 and 1,000 entity types of 60
//! fields.
//!
//! `cargo run --release -p espo-benches --bin generation_cost`
//!
//! Each size runs in a separate process, which reads an export, generates the code and writes the files, like
//! `espo codegen`. The peak memory is reported by Linux at its end.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use espo_benches::scratch::{Scratch, median};
use espo_codegen::Generator;
use espo_schema::Schema;
use serde_json::{Map, Value, json};

const SIZES: [usize; 3] = [250, 500, 1000];
const FIELDS: usize = 60;
const RUNS: usize = 3;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => measure(),
        [export, folder] => one(Path::new(export), Path::new(folder)),
        _ => anyhow::bail!(
            "invalid arguments: expected none, or the export and the directory of one size"
        ),
    }
}

fn measure() -> Result<()> {
    let scratch = Scratch::new("generation-cost")?;
    let build = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    println!("{build} build, {RUNS} runs each, medians:");
    for size in SIZES {
        let export = scratch.folder().join(format!("export-{size}.json"));
        std::fs::write(&export, export_of(size).to_string())?;
        let mut told = Vec::new();
        let mut times = Vec::new();
        for _ in 0..RUNS {
            // Existing files would not be written again.
            let folder = scratch.folder().join("generated");
            match std::fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error.into());
                }
                _ => {}
            }
            let start = Instant::now();
            let ran = Command::new(std::env::current_exe()?)
                .args([&export, &folder])
                .output()?;
            times.push(start.elapsed());
            ensure!(
                ran.status.success(),
                "{}",
                String::from_utf8_lossy(&ran.stderr)
            );
            told = ran.stdout;
        }
        println!(
            "{size:5} entity types of {FIELDS} fields: {:.2} s; {}",
            median(&mut times).as_secs_f64(),
            String::from_utf8_lossy(&told).trim()
        );
    }
    Ok(())
}

/// Generates one size and prints its time and memory.
fn one(export: &Path, folder: &Path) -> Result<()> {
    let start = Instant::now();
    let schema = Schema::load(&[export])?;
    let read = start.elapsed();
    let output = Generator::new().generate(&schema)?;
    let generated = start.elapsed() - read;
    output.write_to(folder)?;
    let written = start.elapsed() - read - generated;
    let attributes: usize = schema
        .entity_types
        .values()
        .map(|e| e.attributes.len())
        .sum();
    let lines: usize = output.files().map(|(_, text)| text.lines().count()).sum();
    let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
    println!(
        "{attributes} attributes, {lines} lines; read {}, generated {}, written {}; peak memory {}",
        seconds(read),
        seconds(generated),
        seconds(written),
        peak_memory().map_or_else(|_| "unknown".to_owned(), |mib| format!("{mib} MiB"))
    );
    Ok(())
}

/// Returns the maximum resident set of this process in MiB.
fn peak_memory() -> Result<u64> {
    let status = std::fs::read_to_string(PathBuf::from("/proc/self/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number
        .context("cannot read VmHWM from /proc/self/status")?
        .parse::<u64>()?
        / 1024)
}

/// Returns an export with this number of entity types, whose fields have the same distribution of types as stock
/// fields.
fn export_of(size: usize) -> Value {
    let stock = Schema::stock();
    let kinds: Vec<&str> = stock
        .entity_types
        .values()
        .flat_map(|entity| entity.fields.values())
        .map(|field| field.type_.as_str())
        // Fields of these types belong to another field, or need another entity type's definition.
        .filter(|type_| {
            !matches!(
                *type_,
                "foreign" | "linkOne" | "currencyConverted" | "id" | "base"
            )
        })
        .collect();
    let mut entity_defs = Map::new();
    let mut scopes = Map::new();
    for number in 0..size {
        let (mut fields, mut links) = (Map::new(), Map::new());
        for field in 0..FIELDS {
            // Iterates over the stock fields, whose order does not matter, from a different start per entity type.
            let type_ = kinds[(number * 97 + field * 31) % kinds.len()];
            let name = format!("c{}{field}", upper_first(type_));
            let target = format!("CEntity{}", (number * 7 + field * 13) % size);
            let mut def = json!({"type": type_});
            match type_ {
                "enum" | "multiEnum" | "checklist" | "array" => {
                    def["options"] = (0..8).map(|o| format!("Option {o}")).collect();
                }
                "link" | "linkMultiple" => {
                    let kind = if type_ == "link" {
                        "belongsTo"
                    } else {
                        "hasMany"
                    };
                    let mut link = json!({"type": kind, "entity": target});
                    if type_ == "linkMultiple" {
                        link["relationName"] = format!("relation{number}x{field}").into();
                        link["foreign"] = format!("back{number}x{field}").into();
                    }
                    links.insert(name.clone(), link);
                }
                "linkParent" => {
                    def["entityList"] = json!([target, "CEntity0"]);
                    links.insert(name.clone(), json!({"type": "belongsToParent"}));
                }
                _ => def["maxLength"] = 100.into(),
            }
            fields.insert(name, def);
        }
        let name = format!("CEntity{number}");
        scopes.insert(
            name.clone(),
            json!({"entity": true, "object": true, "stream": number % 4 == 0}),
        );
        entity_defs.insert(name, json!({"fields": fields, "links": links}));
    }
    json!({"entityDefs": entity_defs, "scopes": scopes, "fields": stock.raw["fields"]})
}

fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
