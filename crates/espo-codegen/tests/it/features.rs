//! Each entity type's feature compiles alone and affects only its own entity type.

use std::collections::BTreeMap;

use crate::common;
use espo_codegen::Generator;
use espo_schema::Schema;

/// The feature with which each entity type's name is the record, and without which it is an empty type.
fn gates(root: &syn::File) -> BTreeMap<String, [Option<String>; 2]> {
    let mut gates: BTreeMap<String, [Option<String>; 2]> = BTreeMap::new();
    for item in &root.items {
        match item {
            syn::Item::Use(item) => {
                let syn::UseTree::Path(path) = &item.tree else {
                    continue;
                };
                if let syn::UseTree::Group(group) = &*path.tree
                    && let Some(syn::UseTree::Name(name)) = group.items.first()
                {
                    gates.entry(name.ident.to_string()).or_default()[0] = cfg(&item.attrs);
                }
            }
            // The bundle of entity types exists with any set of features.
            syn::Item::Enum(item) if item.ident == "Schema" => {}
            syn::Item::Enum(item) => {
                gates.entry(item.ident.to_string()).or_default()[1] = cfg(&item.attrs);
            }
            _ => {}
        }
    }
    gates
}

fn cfg(attributes: &[syn::Attribute]) -> Option<String> {
    let cfg = attributes.iter().find(|a| a.path().is_ident("cfg"))?;
    Some(quote::ToTokens::to_token_stream(&cfg.meta).to_string())
}

/// Covers all features: a module contains no conditions, and refers to other entity types only by names that exist
/// with and without their features.
#[test]
fn modules_do_not_refer_to_disabled_features() {
    let output = Generator::new().generate(Schema::stock()).expect("Rust");
    let root = syn::parse_file(&common::file(&output, "mod.rs")).expect("Rust");
    let gates = gates(&root);
    assert_eq!(gates.len(), 91);
    for (name, [with, without]) in &gates {
        let (with, without) = (with.as_deref().expect("gated"), without.as_deref());
        let feature = with
            .strip_prefix("cfg (")
            .and_then(|rest| rest.strip_suffix(')'))
            .expect("a condition");
        let expected = format!("cfg (not ({feature}))");
        assert_eq!(without, Some(expected.as_str()), "{name}");
    }
    for (path, text) in common::modules(&output).filter(|(path, _)| !path.ends_with("mod.rs")) {
        assert!(!text.contains("cfg("), "{}", path.display());
        let file = syn::parse_file(text).expect("Rust");
        let mut imports = Vec::new();
        for item in &file.items {
            if let syn::Item::Use(item) = item
                && let syn::UseTree::Path(path) = &item.tree
                && path.ident == "super"
            {
                let names = quote::ToTokens::to_token_stream(&path.tree).to_string();
                let names = names.replace(['{', '}'], "");
                imports.extend(names.split(',').map(|name| name.trim().to_owned()));
            }
        }
        // Shared options do not depend on a feature.
        imports.retain(|name| !name.is_empty() && !name.starts_with("shared_options"));
        for name in &imports {
            assert!(gates.contains_key(name), "{}: {name}", path.display());
        }
        // The only other paths out of a module are the core and the glob import of an inner module.
        let elsewhere = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .filter(|line| line.contains("crate::") || line.contains("super::"))
            .filter(|line| !line.trim_start().starts_with("use super::"))
            .filter(|line| !line.starts_with("pub use super::shared_options::"))
            .filter(|line| line.trim() != "type Schema = super::Schema;");
        assert_eq!(elsewhere.collect::<Vec<_>>(), [""; 0], "{}", path.display());
    }
}

/// Compiles some features: entity types with the most links, without links, and one named like a keyword.
#[test]
fn single_features_compile_without_a_warning() {
    let output = Generator::new().generate(Schema::stock()).expect("Rust");
    let folder = common::write_crate("espo-features", output);
    for feature in [
        "account",
        "case",
        "email",
        "note",
        "user",
        "currency-record-rate",
    ] {
        let alone = ["check", "--no-default-features", "--features", feature];
        common::assert_clean(&common::cargo(&folder, &alone));
    }
    common::assert_clean(&common::cargo(&folder, &["check", "--no-default-features"]));
}
