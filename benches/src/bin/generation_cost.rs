//! How generating grows with the metadata: time and memory for 250, 500 and 1,000 entity types of 60 fields.
//!
//! `cargo run --release -p espo-benches --bin generation_cost`
//!
//! Each size runs in a process of its own, which reads an export, generates, and writes the files, as
//! `cargo xtask codegen` does; its peak memory is what Linux says of it at the end.

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
        _ => anyhow::bail!("no arguments, or the export and folder of one size"),
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
            // Files that are there already would not be written again.
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

/// Generates one size and says what it took.
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
        peak_memory().map_or_else(|_| "unknown here".to_owned(), |mib| format!("{mib} MiB"))
    );
    Ok(())
}

/// The largest resident set of this process, in MiB.
fn peak_memory() -> Result<u64> {
    let status = std::fs::read_to_string(PathBuf::from("/proc/self/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("no VmHWM")?.parse::<u64>()? / 1024)
}

/// An export of so many entity types, whose fields are of the types that stock fields have, as often.
fn export_of(size: usize) -> Value {
    let stock = Schema::stock();
    let kinds: Vec<&str> = stock
        .entity_types
        .values()
        .flat_map(|entity| entity.fields.values())
        .map(|field| field.type_.as_str())
        // A field of these belongs to one that brings it along, or needs another entity type's definition.
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
            // Steps through the stock fields, which are in no order that matters, from another place in each.
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
