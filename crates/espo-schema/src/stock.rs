//! The stock schema, built in.

use std::sync::LazyLock;

use crate::model::Schema;

const STOCK: &str = include_str!(concat!(env!("OUT_DIR"), "/stock.json"));

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    // The text was parsed when the crate was built, and the tests load it.
    Schema::from_json(STOCK.as_bytes(), "metadata").expect("the built-in metadata is sound")
});

impl Schema {
    /// The schema of a stock EspoCRM 9.3: 89 entity types. Parsed once, when first asked for.
    #[must_use]
    pub fn stock() -> &'static Schema {
        &SCHEMA
    }
}
