//! User-defined names and types that override the rules, in a small TOML file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use espo_schema::Schema;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use serde::Deserialize;

use crate::Error;

/// Overrides of single entity types and attributes.
///
/// ```toml
/// # Dependencies of the types below, for a complete crate (`--out`).
/// [dependencies]
/// my-types = "1"
///
/// [entities.CProject]
/// rename = "Project"
///
/// [entities.Account.attributes.cRegion]
/// rename = "region"
/// # A type that implements `AttributeValue`; `espo_core::text_value!` does that for types made from a string.
/// type = "my_types::Region"
///
/// [entities.Account.attributes.cLegacy]
/// skip = true
/// ```
///
/// A record still contains a skipped attribute as an unknown attribute. An override that
/// refers to something that the metadata no longer has is an error, because it would otherwise go unnoticed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Overrides {
    /// Dependencies of the generated crate, as in a manifest.
    #[serde(default)]
    pub dependencies: toml::Table,
    /// By the name of the entity type.
    #[serde(default)]
    pub entities: BTreeMap<String, EntityOverride>,
}

/// Overrides of one entity type.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EntityOverride {
    /// The Rust name of its record struct; module and feature are named after it.
    pub rename: Option<String>,
    /// Leaves it out; its name remains for typed IDs.
    #[serde(default)]
    pub skip: bool,
    /// By the wire name.
    #[serde(default)]
    pub attributes: BTreeMap<String, AttributeOverride>,
}

/// Overrides of one attribute.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AttributeOverride {
    /// The Rust name of its field and setter; its constant is named after it.
    pub rename: Option<String>,
    /// The path of its Rust type.
    #[serde(rename = "type")]
    pub type_: Option<String>,
    /// Leaves it out.
    #[serde(default)]
    pub skip: bool,
}

impl Overrides {
    /// Reads a file.
    ///
    /// # Errors
    /// Fails if the file cannot be read or is invalid.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &shown),
            Err(source) => Err(Error::Io {
                path: shown,
                source,
            }),
        }
    }

    /// Parses the content of a file; errors use `name` as the file name.
    ///
    /// # Errors
    /// Fails if the content is invalid; the message contains the location and the expected keys.
    pub fn parse(text: &str, name: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| Error::Override {
            at: name.to_owned(),
            message: error.to_string(),
        })
    }

    /// Checks that everything that the overrides refer to exists and that all names are valid.
    pub(crate) fn check(&self, schema: &Schema) -> Result<(), Error> {
        for (name, entity) in &self.entities {
            let at = at(name, None);
            let Some(known) = schema.entity_types.get(name) else {
                return Err(unknown(at, "entity type", name, schema.entity_types.keys()));
            };
            if let Some(rename) = &entity.rename {
                let fine =
                    is_identifier(rename) && rename.starts_with(|c: char| c.is_ascii_uppercase());
                let taken = crate::model::RESERVED_TYPES.contains(&rename.as_str())
                    || schema.entity_types.contains_key(rename);
                if !fine || taken {
                    return Err(bad_name(at, rename, "an unused name of a Rust type"));
                }
            }
            for (attribute, wanted) in &entity.attributes {
                let at = format!("{at}.attributes.{attribute}");
                if !known.attributes.contains_key(attribute) {
                    return Err(unknown(at, "attribute", attribute, known.attributes.keys()));
                }
                if attribute == "id" && (wanted.skip || wanted.type_.is_some()) {
                    return Err(Error::Override {
                        at,
                        message: "`id` can be renamed, but neither skipped nor given another type"
                            .to_owned(),
                    });
                }
                if let Some(rename) = &wanted.rename {
                    check_attribute_name(&at, rename)?;
                }
                if let Some(type_) = &wanted.type_ {
                    check_type(&at, type_)?;
                }
            }
        }
        Ok(())
    }

    /// The crates that the types of the generated entity types are from, with the location of the override.
    pub(crate) fn crates(
        &self,
        schema: &Schema,
        only: &BTreeSet<String>,
    ) -> BTreeMap<String, String> {
        let is_generated = |name: &String| only.is_empty() || only.contains(name);
        let mut crates = BTreeMap::new();
        for (name, entity) in &self.entities {
            if entity.skip || !is_generated(name) || !schema.entity_types.contains_key(name) {
                continue;
            }
            for (attribute, wanted) in &entity.attributes {
                for root in wanted.type_.iter().flat_map(|type_| roots(type_)) {
                    crates
                        .entry(root)
                        .or_insert_with(|| at(name, Some(attribute)));
                }
            }
        }
        crates
    }

    /// The lines to add to the manifest.
    pub(crate) fn manifest_lines(&self) -> String {
        let lines = self
            .dependencies
            .iter()
            .map(|(name, value)| format!("{name} = {value}\n"));
        lines.collect()
    }
}

impl EntityOverride {
    /// The renamed attributes with their new names.
    pub(crate) fn renames(&self) -> BTreeMap<&str, &str> {
        let attributes = self.attributes.iter();
        attributes
            .filter_map(|(wire, o)| Some((wire.as_str(), o.rename.as_deref()?)))
            .collect()
    }

    pub(crate) fn is_skipped(&self, attribute: &str) -> bool {
        self.attributes.get(attribute).is_some_and(|o| o.skip)
    }
}

/// The location of an override in the file.
pub(crate) fn at(entity: &str, attribute: Option<&str>) -> String {
    match attribute {
        Some(attribute) => format!("entities.{entity}.attributes.{attribute}"),
        None => format!("entities.{entity}"),
    }
}

fn is_identifier(name: &str) -> bool {
    syn::parse_str::<syn::Ident>(name).is_ok()
}

/// The name of an attribute is also the name of its setter, and its constant is named after it.
fn check_attribute_name(at: &str, name: &str) -> Result<(), Error> {
    let is_taken = crate::model::RESERVED_ATTRIBUTES.contains(&name)
        || crate::model::RESERVED_SETTERS.contains(&name);
    if is_taken {
        let expected = "another name, because generated types have a field or method with this one";
        return Err(bad_name(at.to_owned(), name, expected));
    }
    let stem = name.trim_end_matches('_');
    let is_snake = crate::names::snake(stem) == stem;
    if !is_identifier(name) || crate::names::is_keyword(name) || !is_snake {
        let expected = "the name of a Rust field in snake_case";
        return Err(bad_name(at.to_owned(), name, expected));
    }
    Ok(())
}

/// The type applies to the value: it is written into fields of type `Option<…>`, arguments and associated types.
fn check_type(at: &str, text: &str) -> Result<(), Error> {
    let has_comment = ["//", "/*"].iter().any(|comment| text.contains(comment));
    let parsed = syn::parse_str::<syn::Type>(text);
    let (Ok(syn::Type::Path(type_)), false) = (parsed, text.contains(['\n', '\r']) || has_comment)
    else {
        return Err(bad_name(at.to_owned(), text, "the path of a Rust type"));
    };
    if type_
        .path
        .segments
        .last()
        .is_some_and(|last| last.ident == "Option")
    {
        let expected =
            "the type of the value without `Option`, because every attribute is optional";
        return Err(bad_name(at.to_owned(), text, expected));
    }
    let mut words = Vec::new();
    tokens(type_.to_token_stream(), &mut words);
    if words
        .windows(2)
        .any(|pair| pair[0] == "'" && pair[1] != "static")
    {
        let expected = "a type that borrows nothing, such as `String` instead of `&str`";
        return Err(bad_name(at.to_owned(), text, expected));
    }
    if words
        .iter()
        .any(|word| matches!(word.as_str(), "dyn" | "impl" | "_" | "&" | "Self"))
    {
        return Err(bad_name(at.to_owned(), text, "the path of a Rust type"));
    }
    Ok(())
}

/// The tokens of a type, those in brackets included.
fn tokens(stream: TokenStream, words: &mut Vec<String>) {
    for token in stream {
        match token {
            TokenTree::Group(group) => tokens(group.stream(), words),
            token => words.push(token.to_string()),
        }
    }
}

/// The crates that the paths in a type begin with. A path with one segment is a type that is in scope.
fn roots(type_: &str) -> BTreeSet<String> {
    const KNOWN: [&str; 6] = ["crate", "super", "self", "std", "core", "espo_core"];
    let mut words = Vec::new();
    tokens(type_.parse().unwrap_or_default(), &mut words);
    let is_path = |at: usize| {
        words.get(at).is_some_and(|word| word == ":") && words.get(at + 1).is_some_and(|w| w == ":")
    };
    let starts = (0..words.len()).filter(|at| {
        let is_name = words[*at].starts_with(|c: char| c == '_' || c.is_alphabetic());
        // `::url::Url` begins with a crate as well.
        let follows_name = *at >= 3
            && is_path(*at - 2)
            && words[*at - 3].starts_with(|c: char| c == '_' || c == '>' || c.is_alphanumeric());
        is_name && is_path(*at + 1) && !follows_name
    });
    let roots = starts.map(|at| words[at].trim_start_matches("r#").to_owned());
    roots
        .filter(|root| !KNOWN.contains(&root.as_str()))
        .collect()
}

fn bad_name(at: String, name: &str, expected: &str) -> Error {
    Error::Override {
        at,
        message: format!("invalid value `{name}`: expected {expected}"),
    }
}

fn unknown<'a>(
    at: String,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a String>,
) -> Error {
    let near = crate::nearest(name, known)
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    let message = format!("the metadata has no {what} `{name}`{near}; fix or remove the override");
    Error::Override { at, message }
}
