//! Random walks: requests that build on each other, from the metadata of an instance.

mod acts;
mod search;
mod values;
mod walk;

use espo_schema::{EntityType, FieldKind, Schema};
use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Map, Value, json};

use super::step::As;

pub(crate) use walk::Walk;

/// Entity types that are excluded from walks, because their records contain credentials, run jobs or contact other
/// systems.
const LEFT_OUT: &[&str] = &["Import", "User", "Webhook"];

/// The data from which walks are generated.
pub(crate) struct Generator<'a> {
    schema: &'a Schema,
    /// Entity types whose records a walk creates.
    types: Vec<&'a EntityType>,
    seed: u64,
    /// Users with credentials.
    users: Vec<As>,
    /// IDs of known users and teams.
    known_users: Vec<String>,
    known_teams: Vec<String>,
    /// Prefix of the names of all records of the run.
    marker: String,
    currency: String,
    /// Existing records by entity type, for comparisons that only read.
    existing: Option<Vec<(String, Vec<String>)>>,
}

/// The data of the instance in addition to its metadata.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    pub(crate) users: Vec<As>,
    pub(crate) known_users: Vec<String>,
    pub(crate) known_teams: Vec<String>,
    pub(crate) currency: String,
    pub(crate) existing: Option<Vec<(String, Vec<String>)>>,
}

impl<'a> Generator<'a> {
    pub(crate) fn new(
        schema: &'a Schema,
        around: Surroundings,
        only: &[String],
        seed: u64,
        marker: String,
    ) -> Generator<'a> {
        let types = schema
            .entity_types
            .values()
            .filter(|e| {
                e.scope.entity
                    && e.scope.object
                    && !e.scope.disabled
                    && e.scope.type_.as_deref() != Some("CategoryTree")
                    && !LEFT_OUT.contains(&e.name.as_str())
                    && (only.is_empty() || only.contains(&e.name))
            })
            .collect();
        Generator {
            schema,
            types,
            seed,
            users: around.users,
            known_users: around.known_users,
            known_teams: around.known_teams,
            marker,
            currency: around.currency,
            existing: around.existing,
        }
    }

    /// Names of the entity types that take part.
    pub(crate) fn types(&self) -> Vec<&str> {
        self.types.iter().map(|e| e.name.as_str()).collect()
    }

    /// Returns the walk with this number. Equal numbers give equal walks.
    pub(crate) fn walk(&self, number: u64) -> Walk<'_> {
        let mixed = self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Walk::new(self, number, Pcg64Mcg::seed_from_u64(mixed))
    }
}

/// Chooses an item of a list, which must not be empty.
fn pick<'l, T>(random: &mut impl Rng, list: &'l [T]) -> &'l T {
    &list[random.random_range(0..list.len())]
}

/// Chooses an item of a list by weight.
fn weighted<T: Copy>(random: &mut impl Rng, list: &[(u32, T)]) -> T {
    let total: u32 = list.iter().map(|(weight, _)| weight).sum();
    let mut at = random.random_range(0..total.max(1));
    for (weight, item) in list {
        if at < *weight {
            return *item;
        }
        at -= weight;
    }
    list[0].1
}

/// A record as an object.
fn object(pairs: Vec<(String, Value)>) -> Value {
    Value::Object(pairs.into_iter().collect::<Map<_, _>>())
}

/// A placeholder for the ID of a record.
fn placeholder(name: &str) -> Value {
    json!(format!("{{{{{name}}}}}"))
}

/// Whether a kind of field holds plain text.
fn is_text(kind: FieldKind) -> bool {
    matches!(
        kind,
        FieldKind::Varchar | FieldKind::Text | FieldKind::Wysiwyg | FieldKind::Barcode
    )
}
