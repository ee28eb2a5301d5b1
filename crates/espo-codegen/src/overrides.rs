//! User-defined names and types that override the rules, in a small TOML file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use espo_schema::Schema;
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
    /// Fails if the content is invalid; the message names the location and the expected keys.
    pub fn parse(text: &str, name: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| Error::Override {
            at: name.to_owned(),
            message: error.to_string(),
        })
    }

    /// Checks that everything that the overrides refer to exists and that all names are valid.
    pub(crate) fn check(&self, schema: &Schema) -> Result<(), Error> {
        for (name, entity) in &self.entities {
            let at = format!("entities.{name}");
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
                if let Some(rename) = &wanted.rename
                    && (!is_identifier(rename) || rename == "meta" || rename == "gen")
                {
                    return Err(bad_name(at, rename, "the name of a Rust field"));
                }
                if let Some(type_) = &wanted.type_
                    && (syn::parse_str::<syn::Type>(type_).is_err()
                        || type_.contains(['\n', '\r'])
                        || ["//", "/*"].iter().any(|comment| type_.contains(comment)))
                {
                    return Err(bad_name(at, type_, "a Rust type"));
                }
            }
        }
        Ok(())
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

fn is_identifier(name: &str) -> bool {
    syn::parse_str::<syn::Ident>(name).is_ok()
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
