//! The stock schemas, built in.

use std::sync::LazyLock;

use serde_json::Value;

use crate::model::Schema;
use crate::patch;

const STOCK: &str = include_str!(concat!(env!("OUT_DIR"), "/stock.json"));

/// The differences of 9.3, as a JSON Merge Patch.
const PATCH_9_3: &str = include_str!(concat!(env!("OUT_DIR"), "/9.3.patch.json"));

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    // The text was parsed when the crate was built, and the tests load it.
    Schema::from_json(STOCK.as_bytes(), "metadata").expect("the built-in metadata is valid")
});

static SCHEMA_9_3: LazyLock<Schema> = LazyLock::new(|| {
    let mut tree: Value = serde_json::from_str(STOCK).expect("the built-in metadata is valid");
    patch::apply(&mut tree, &PATCH);
    Schema::from_value(tree, "metadata of 9.3").expect("the built-in metadata is valid")
});

static PATCH: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(PATCH_9_3).expect("the built-in patch is valid"));

/// A part of an entity type, for [`Schema::stock_since`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member<'a> {
    /// The entity type itself.
    EntityType,
    /// One of its fields.
    Field(&'a str),
    /// One of its links.
    Link(&'a str),
}

impl Schema {
    /// Returns the schema of a stock EspoCRM 10.0: 91 entity types. It is parsed once, on first use.
    #[must_use]
    pub fn stock() -> &'static Schema {
        &SCHEMA
    }

    /// Returns the schema of a stock EspoCRM 9.3: 89 entity types. It is the stock schema with the differences of
    /// that version applied; filter names and record settings are the same as in 10.0. It is built once, on first use.
    #[must_use]
    pub fn stock_9_3() -> &'static Schema {
        &SCHEMA_9_3
    }

    /// Returns the version of EspoCRM that added a stock entity type, field or link, as far as the built-in metadata
    /// shows: `"10.0"` for what 9.3 does not have, `None` for everything else, including custom definitions.
    #[must_use]
    pub fn stock_since(entity: &str, member: Member<'_>) -> Option<&'static str> {
        let removed = &PATCH["entityDefs"];
        let whole = removed.get(entity)?;
        let is_new = match member {
            Member::EntityType => whole.is_null(),
            // Items of a new entity type are not reported separately.
            _ if whole.is_null() => false,
            Member::Field(name) => whole["fields"].get(name).is_some_and(Value::is_null),
            Member::Link(name) => whole["links"].get(name).is_some_and(Value::is_null),
        };
        is_new.then_some("10.0")
    }
}
