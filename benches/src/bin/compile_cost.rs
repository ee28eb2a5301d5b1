//! Measures the compile time of the generated SDK, compared with the same structs with serde's derive in the same run.
//!
//! `cargo run --release -p espo-benches --bin compile_cost`
//!
//! Writes crates below the target directory, builds their dependencies, and then compiles each crate itself repeatedly,
//! in alternation and without incremental compilation. The structs with serde's derive have only the same attributes:
//! no constants, setters, links, enums or typed IDs, and they drop unknown attributes. Their IDs, dates, decimals and
//! options are strings, so that they compile as fast as such structs can.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use espo_benches::scratch::{Scratch, median};
use espo_codegen::{Generator, RustNameKind, names};
use espo_schema::{Schema, ValueType};

const FIVE: [&str; 5] = ["Account", "Contact", "Lead", "Opportunity", "Task"];
const FIVE_FEATURES: &str = "account,contact,lead,opportunity,task";

fn main() -> Result<()> {
    let rounds = match std::env::args().nth(1) {
        None => 5,
        Some(number) => number
            .parse()
            .with_context(|| format!("invalid number of rounds `{number}`: expected an integer"))?,
    };
    ensure!(
        rounds > 0,
        "invalid number of rounds 0: expected at least 1"
    );
    let schema = Schema::stock();
    let scratch = Scratch::new("compile-cost")?;

    let whole = Generator::new().generate(schema)?;
    let lines: usize = whole.files().map(|(_, text)| text.lines().count()).sum();
    let entity_types = schema.entity_types.len();
    let attributes: usize = derived(schema)?.1;
    let typed = scratch.generated("cost-typed", whole)?;
    let five = scratch.generated("cost-five", Generator::new().only(FIVE).generate(schema)?)?;
    let plain = scratch.write("cost-derived", &derive_manifest(), &derived(schema)?.0)?;

    println!(
        "{entity_types} entity types, {attributes} attributes, {rounds} alternating runs each; medians of `cargo check`:"
    );
    let check = ["check", "--quiet"];
    let selected = [
        "check",
        "--quiet",
        "--no-default-features",
        "--features",
        FIVE_FEATURES,
    ];
    let mut times = BTreeMap::new();
    let commands: [(&str, &Path, &[&str]); 4] = [
        ("the whole SDK", &typed, &check),
        ("the same structs with serde's derive", &plain, &check),
        ("five entity types of it, by features", &typed, &selected),
        ("five entity types, by --only", &five, &check),
    ];
    for (_, folder, arguments) in commands {
        scratch.cargo(folder, arguments)?;
    }
    for _ in 0..rounds {
        for (what, folder, arguments) in commands {
            let time = timed(&scratch, folder, arguments)?;
            times.entry(what).or_insert_with(Vec::new).push(time);
        }
    }
    let mut medians = BTreeMap::new();
    for (what, ..) in commands {
        let all = times
            .get_mut(what)
            .map(Vec::as_mut_slice)
            .unwrap_or_default();
        let middle = median(all);
        medians.insert(what, middle.as_secs_f64());
        let all: Vec<_> = all
            .iter()
            .map(|time| format!("{:.2}", time.as_secs_f64()))
            .collect();
        println!(
            "  {:6.2} s  {what} ({})",
            middle.as_secs_f64(),
            all.join(" ")
        );
    }
    let (typed_time, plain_time) = (
        medians["the whole SDK"],
        medians["the same structs with serde's derive"],
    );
    let per = |time: f64| time * 1000.0 / attributes as f64;
    println!(
        "  {:.2} ms per attribute, {:.2} with serde's derive; ratio {:.2}",
        per(typed_time),
        per(plain_time),
        typed_time / plain_time
    );
    println!(
        "  {:.0} generated lines per entity type ({lines} in total)",
        lines as f64 / entity_types as f64
    );

    println!("release build of a program that lists five entity types, including the SDK:");
    for (what, sdk) in [
        ("with the whole SDK", &typed),
        ("with five entity types", &five),
    ] {
        let program = program(&scratch, sdk)?;
        let build = ["build", "--quiet", "--release"];
        scratch.cargo(&program, &build)?;
        let mut all = Vec::new();
        for _ in 0..rounds.min(3) {
            touch(sdk)?;
            all.push(timed(&scratch, &program, &build)?);
        }
        println!("  {:6.2} s  {what}", median(&mut all).as_secs_f64());
    }
    Ok(())
}

/// Returns the duration of a command that compiles only the crate in the directory.
fn timed(scratch: &Scratch, folder: &Path, arguments: &[&str]) -> Result<Duration> {
    touch(folder)?;
    let start = Instant::now();
    scratch.cargo(folder, arguments)?;
    Ok(start.elapsed())
}

/// Updates the time stamps of a crate's files, so that Cargo compiles it again.
fn touch(folder: &Path) -> Result<()> {
    for root in ["src/lib.rs", "src/main.rs"] {
        if let Ok(file) = std::fs::File::options()
            .append(true)
            .open(folder.join(root))
        {
            file.set_modified(std::time::SystemTime::now())?;
        }
    }
    Ok(())
}

fn derive_manifest() -> String {
    "[dependencies]\nserde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\n"
        .to_owned()
}

/// Returns the files of a crate with one struct per entity type, and the number of attributes.
fn derived(schema: &Schema) -> Result<(BTreeMap<PathBuf, String>, usize)> {
    let rust_names = Generator::new().rust_names(schema)?;
    let (mut files, mut attributes) = (BTreeMap::new(), 0);
    let mut root = String::new();
    for entity in schema.entity_types.values() {
        let of = |kind: RustNameKind| {
            rust_names
                .iter()
                .filter(move |n| n.entity == entity.name && n.kind == kind)
        };
        let one = |kind| {
            of(kind)
                .map(|n| n.rust.as_str())
                .next()
                .context("every entity type has a name")
        };
        let (name, module) = (one(RustNameKind::EntityType)?, one(RustNameKind::Module)?);
        let mut text = format!(
            "//! Entity type `{}`.\nuse serde::{{Deserialize, Serialize}};\n\n/// A record.\n\
             #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]\n#[non_exhaustive]\npub struct {} {{\n",
            entity.name,
            names::ident(name)
        );
        for attribute in of(RustNameKind::Attribute) {
            let (wire, rust) = (&attribute.wire, names::ident(&attribute.rust));
            let type_ = plain_type(&entity.attributes[wire].value);
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "    /// `{wire}`\n    #[serde(rename = {wire:?})]\n    pub {rust}: Option<{type_}>,\n"
            );
            attributes += 1;
        }
        files.insert(format!("src/{module}.rs").into(), text + "}\n");
        let (module, name) = (names::ident(module), names::ident(name));
        let _ = write!(root, "pub mod {module};\npub use {module}::{name};\n");
    }
    files.insert(
        "src/lib.rs".into(),
        format!("//! Structs with serde's derive.\n#![allow(missing_docs)]\n{root}"),
    );
    Ok((files, attributes))
}

fn plain_type(value: &ValueType) -> &'static str {
    match value {
        ValueType::Bool => "bool",
        ValueType::Int | ValueType::EnumInt => "i64",
        ValueType::Float | ValueType::EnumFloat => "f64",
        ValueType::IdList { .. } | ValueType::EnumList | ValueType::TextList => "Vec<String>",
        ValueType::IntList => "Vec<i64>",
        ValueType::NameMap | ValueType::TypeMap => "std::collections::BTreeMap<String, String>",
        ValueType::EmailData | ValueType::PhoneData => "Vec<serde_json::Value>",
        ValueType::ColumnMap { .. }
        | ValueType::JsonArray
        | ValueType::JsonObject
        | ValueType::Json => "serde_json::Value",
        _ => "String",
    }
}

/// Writes a program that lists five entity types.
fn program(scratch: &Scratch, sdk: &Path) -> Result<PathBuf> {
    let sdk_name = sdk
        .file_name()
        .and_then(|name| name.to_str())
        .context("the crate's name")?;
    let crate_name = sdk_name.replace('-', "_");
    let lists: String = FIVE
        .iter()
        .map(|name| {
            format!("    for record in crm.list::<{name}>().max_size(20).await?.records {{\n        println!(\"{{:?}} {{:?}}\", record.id, record.name);\n    }}\n")
        })
        .collect();
    let main = format!(
        "//! Lists five entity types.\nuse {crate_name}::prelude::*;\n\n#[tokio::main]\nasync fn main() -> Result<(), Error> {{\n    \
         let url = std::env::args().nth(1).unwrap_or_default();\n    let key = std::env::args().nth(2).unwrap_or_default();\n    \
         let crm = Client::builder(url).auth(Auth::api_key(key)).build()?;\n{lists}    Ok(())\n}}\n"
    );
    let manifest = format!(
        "[dependencies]\n{sdk_name} = {{ path = {:?} }}\ntokio = {{ version = \"1\", features = [\"rt-multi-thread\", \"macros\"] }}\n",
        sdk.display().to_string()
    );
    let files = BTreeMap::from([(PathBuf::from("src/main.rs"), main)]);
    scratch.write(&format!("{sdk_name}-program"), &manifest, &files)
}
