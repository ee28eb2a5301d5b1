//! The order of the crate's modules: a module uses only modules of lower layers, and its own submodules.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Top-level modules, lowest layer first. Modules of one layer do not use each other.
const LAYERS: &[&[&str]] = &[
    &[
        "error", "value", "version", "html", "timer", "clock", "outbox",
    ],
    &["users", "log", "config", "http", "collate", "facts"],
    &["layout", "faults", "auth"],
    &["store"],
    &["acl"],
    &["app"],
    &["view"],
    &["search"],
    &["record"],
    &["listeners"],
    &["routes"],
    &["server", "seed", "snapshot"],
    &["start"],
    &["sim"],
];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("the source directory is readable") {
        let path = entry.expect("the entry is readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Top-level modules that a source text names after `crate::`, outside of comments.
fn used(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect();
    let mut modules = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let list = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or_default(),
            None => rest,
        };
        let names = match rest.starts_with('{') {
            true => list.split(',').collect(),
            false => vec![list],
        };
        for name in names {
            let name: String = name
                .trim_start()
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            modules.insert(name);
        }
    }
    modules
}

/// Imports from a layer that is not below the file's own, as `file uses module`.
fn upward(module: &str, file: &str, text: &str) -> Vec<String> {
    let own = layer(module);
    used(text)
        .into_iter()
        .filter(|other| other != module)
        .filter_map(|other| {
            let at = layer(&other)?;
            (own.is_none_or(|own| at >= own)).then(|| format!("{file} uses {other}"))
        })
        .collect()
}

#[test]
fn modules_use_only_lower_layers() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 100, "{} files", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let inner = path.strip_prefix(&src).expect("a file of the source");
        let first = inner
            .iter()
            .next()
            .and_then(|s| s.to_str())
            .expect("a name");
        let module = first.trim_end_matches(".rs");
        if matches!(module, "lib" | "main") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("the source is text");
        if layer(module).is_none() {
            wrong.push(format!("{module} has no layer"));
        }
        wrong.extend(upward(module, &inner.display().to_string(), &text));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn imports_from_higher_layers_are_found() {
    let text =
        "use crate::{facts, routes};\nfn f() { crate::record::read::page(); } // crate::sim\n";
    assert_eq!(
        upward("store", "store/mod.rs", text),
        ["store/mod.rs uses record", "store/mod.rs uses routes"]
    );
}
