//! Lists the public API of a crate: one line per item, field, variant, method and trait implementation.
//!
//! The list is made from the source, so that it needs no nightly compiler and takes milliseconds. Items that macros
//! generate are not in it. A method is listed under the type's name in its `impl` block, and a re-export under the name
//! that users write.

mod foreign;
mod items;
mod tree;

use std::collections::BTreeSet;
use std::path::Path;

use syn::{Item, UseTree, Visibility};

use tree::{Crate, Module};

/// Returns the sorted lines of the crate whose `lib.rs` this is. `name` is the name that other crates write.
///
/// # Panics
///
/// If a file cannot be read or is not Rust.
pub fn public_api(name: &str, lib: &Path) -> BTreeSet<String> {
    let parsed = Crate::read(lib);
    Listing::of(&parsed, name).lines
}

/// Returns the types and traits of other crates in the signatures of the public API: the crate, and the line.
/// `dependencies` are the names of the other crates in code.
///
/// # Panics
///
/// If a file cannot be read or is not Rust.
pub fn foreign_types(
    name: &str,
    lib: &Path,
    dependencies: &BTreeSet<String>,
) -> BTreeSet<(String, String)> {
    let parsed = Crate::read(lib);
    let listing = Listing::of(&parsed, name);
    let mut found = BTreeSet::new();
    for (module, line) in &listing.signatures {
        for name in foreign::crates(&parsed, module, line, dependencies) {
            found.insert((name, line.clone()));
        }
    }
    found
}

struct Listing<'c> {
    parsed: &'c Crate,
    lines: BTreeSet<String>,
    /// Signatures with the module whose imports apply to them.
    signatures: Vec<(&'c Module, String)>,
    /// Modules that were listed under a path, because a module can re-export itself.
    seen: BTreeSet<(String, String)>,
}

impl<'c> Listing<'c> {
    fn of(parsed: &'c Crate, name: &str) -> Self {
        let mut listing = Self {
            parsed,
            lines: BTreeSet::new(),
            signatures: Vec::new(),
            seen: BTreeSet::new(),
        };
        listing.module(&parsed.root, name);
        listing
    }

    fn module(&mut self, module: &'c Module, path: &str) {
        if !self.seen.insert((module.path.join("::"), path.to_owned())) {
            return;
        }
        for item in &module.items {
            self.item(module, item, path);
        }
    }

    fn item(&mut self, module: &'c Module, item: &'c Item, path: &str) {
        if items::is_hidden(items::attributes(item)) {
            return;
        }
        match item {
            Item::Mod(inner) if is_public(&inner.vis) => {
                let inner_path = format!("{path}::{}", inner.ident);
                self.lines
                    .insert(format!("{}pub mod {inner_path}", items::cfg(&inner.attrs)));
                if let Some(child) = module.children.get(&inner.ident.to_string()) {
                    self.module(child, &inner_path);
                }
            }
            Item::Use(item) if is_public(&item.vis) => {
                let cfg = items::cfg(&item.attrs);
                for (from, name) in flatten(&item.tree, &[]) {
                    self.reexport(module, &from, &name, path, &cfg);
                }
            }
            Item::Macro(item) if item.attrs.iter().any(|a| a.path().is_ident("macro_export")) => {
                if let Some(name) = &item.ident {
                    let root = path.split("::").next().unwrap_or(path);
                    self.lines.insert(format!("pub macro {root}::{name}!"));
                }
            }
            item => {
                if items::name(item).is_some_and(|(_, vis)| is_public(vis)) {
                    self.define(module, item, path, None);
                }
            }
        }
    }

    /// Lists an item of this crate under a path, possibly with another name.
    fn define(&mut self, module: &'c Module, item: &'c Item, path: &str, rename: Option<&str>) {
        let Some((name, _)) = items::name(item) else {
            return;
        };
        let shown = format!("{path}::{}", rename.unwrap_or(&name));
        let derived = format!("{shown}: impl ");
        for line in items::lines(item, &shown) {
            if !line.starts_with(&derived) {
                self.signatures.push((module, line.clone()));
            }
            self.lines.insert(line);
        }
        if matches!(item, Item::Struct(_) | Item::Enum(_) | Item::Union(_)) {
            for (module, block) in self.parsed.impls_of(module, &name) {
                for line in items::impl_lines(block, &shown) {
                    self.signatures.push((module, line.clone()));
                    self.lines.insert(line);
                }
            }
        }
    }

    fn reexport(&mut self, module: &'c Module, from: &[String], name: &str, path: &str, cfg: &str) {
        let Some((target, last)) = self.parsed.resolve(module, from) else {
            let alias = match from.last() {
                Some(last) if last == name || name == "*" => String::new(),
                _ => format!(" as {name}"),
            };
            self.lines
                .insert(format!("{cfg}pub use {}{alias} in {path}", from.join("::")));
            return;
        };
        if last == "*" {
            for item in &target.items {
                self.item(target, item, path);
            }
            return;
        }
        if let Some(child) = target.children.get(&last) {
            self.module(child, &format!("{path}::{name}"));
        }
        for item in &target.items {
            match item {
                Item::Use(inner) => {
                    // A re-export of a re-export.
                    for (from, inner_name) in flatten(&inner.tree, &[]) {
                        let is_again = std::ptr::eq(target, module) && inner_name == name;
                        if inner_name == last && !is_again {
                            self.reexport(target, &from, name, path, cfg);
                        }
                    }
                }
                item if items::name(item).is_some_and(|(item, _)| item == last) => {
                    self.define(target, item, path, Some(name));
                }
                _ => {}
            }
        }
    }
}

fn is_public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

/// The single imports of a `use`: the path and the name that it gives.
fn flatten(tree: &UseTree, before: &[String]) -> Vec<(Vec<String>, String)> {
    let with = |name: String| [before, &[name]].concat();
    match tree {
        UseTree::Path(path) => flatten(&path.tree, &with(path.ident.to_string())),
        UseTree::Name(name) if name.ident == "self" => {
            let last = before.last().cloned().unwrap_or_default();
            vec![(before.to_vec(), last)]
        }
        UseTree::Name(name) => vec![(with(name.ident.to_string()), name.ident.to_string())],
        // A trait whose methods are used; it has no name.
        UseTree::Rename(name) if name.rename == "_" => Vec::new(),
        UseTree::Rename(name) => vec![(with(name.ident.to_string()), name.rename.to_string())],
        UseTree::Glob(_) => vec![(with("*".to_owned()), "*".to_owned())],
        UseTree::Group(group) => group
            .items
            .iter()
            .flat_map(|tree| flatten(tree, before))
            .collect(),
    }
}
