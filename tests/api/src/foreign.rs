//! Types of other crates in signatures.

use std::collections::BTreeSet;

use syn::Item;

use crate::flatten;
use crate::tree::{Crate, Module};

/// The other crates that the types and traits in a line come from, through the imports of a module.
pub(crate) fn crates(
    parsed: &Crate,
    module: &Module,
    line: &str,
    dependencies: &BTreeSet<String>,
) -> BTreeSet<String> {
    // The name of a variant is not that of a type.
    let line = match line.split_once(": variant ") {
        Some((_, variant)) => variant.split_once(['(', '{']).unwrap_or_default().1,
        None => line,
    };
    let found = paths(line).into_iter();
    found
        .filter_map(|path| owner(parsed, module, &path, dependencies, 8))
        .collect()
}

/// The paths of identifiers in a line.
fn paths(line: &str) -> Vec<Vec<String>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = line.split(|c| !is_part(c)).filter(|word| !word.is_empty());
    let path = |word: &str| -> Vec<String> {
        let names = word.split("::").map(|name| name.trim_matches(':'));
        names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    words.map(path).filter(|path| !path.is_empty()).collect()
}

/// The other crate that a path leads to, through imports and re-exports of this crate.
fn owner(
    parsed: &Crate,
    module: &Module,
    path: &[String],
    dependencies: &BTreeSet<String>,
    depth: usize,
) -> Option<String> {
    let first = path.first()?;
    if path.len() > 1 && dependencies.contains(first) && !module.children.contains_key(first) {
        return Some(first.clone());
    }
    if depth == 0 {
        return None;
    }
    let imports = module.items.iter().filter_map(|item| match item {
        Item::Use(item) => Some(flatten(&item.tree, &[])),
        _ => None,
    });
    let (from, _) = imports
        .flatten()
        .find(|(from, name)| name == first && from != path)?;
    let from = [&from[..], &path[1..]].concat();
    let start = from.first()?;
    if dependencies.contains(start) && !module.children.contains_key(start) {
        return Some(start.clone());
    }
    let (target, last) = parsed.resolve(module, &from)?;
    owner(parsed, target, &[last], dependencies, depth - 1)
}
