//! Checks whether an instance still matches the generated code.
//!
//! The instance's `GET Metadata` is compared with the attributes of the generated code ([`ExpectedEntity`]). The names
//! of a field's attributes follow from the field types that the same response lists, so nothing else is needed.
//! Attributes that belong to no field follow from a link without a field (`emailId`) or from a switch of the scope or
//! the entity type (`isFollowed`, `versionNumber`). `id` and the `name` that every record has are not checked.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::record::ExpectedEntity;
use crate::hooks::Hook;
use crate::{Client, Error, Response};

/// A difference between the generated code and an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaDifference {
    /// The entity type.
    pub entity_type: &'static str,
    /// The attribute; `None` if the entity type is missing.
    pub attribute: Option<&'static str>,
    /// The difference.
    pub kind: SchemaDifferenceKind,
}

/// The kind of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaDifferenceKind {
    /// It does not exist. An API user does not see entity types that it may not read.
    Missing,
    /// Its field has another type.
    Retyped {
        /// The type in the metadata that the code was generated from.
        expected: &'static str,
        /// The type in the instance.
        found: String,
    },
}

impl fmt::Display for SchemaDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entity_type)?;
        if let Some(attribute) = self.attribute {
            write!(f, ".{attribute}")?;
        }
        match &self.kind {
            SchemaDifferenceKind::Missing => f.write_str(" is missing"),
            SchemaDifferenceKind::Retyped { expected, found } => {
                write!(f, " is of type {found}, expected {expected}")
            }
        }
    }
}

impl Client {
    /// Returns the differences between the instance and the generated code: `crm.check_schema(EXPECTED_SCHEMA)`.
    ///
    /// Only an administrator sees all metadata. For other users, an entity type that they may not read counts as
    /// missing; leave it out of `expected`.
    ///
    /// # Errors
    /// Returns the errors of [`App::metadata`](crate::actions::app::App::metadata).
    pub async fn check_schema(
        &self,
        expected: &[ExpectedEntity],
    ) -> Result<Vec<SchemaDifference>, Error> {
        Ok(differences(&self.app().metadata().await?, expected))
    }
}

/// Returns the differences between metadata, as returned by `GET Metadata`, and the generated code.
pub fn differences(metadata: &Value, expected: &[ExpectedEntity]) -> Vec<SchemaDifference> {
    let mut found = Vec::new();
    for entity in expected {
        let mut note = |attribute, kind| {
            found.push(SchemaDifference {
                entity_type: entity.entity_type,
                attribute,
                kind,
            });
        };
        let Some(known) = metadata["entityDefs"].get(entity.entity_type) else {
            note(None, SchemaDifferenceKind::Missing);
            continue;
        };
        let types = attribute_types(known, &metadata["fields"]);
        let scope = &metadata["scopes"][entity.entity_type];
        for attribute in entity.attributes {
            match attribute.field_type {
                "id" => continue,
                "" => {
                    if !is_without_field(known, scope, attribute.name) {
                        note(Some(attribute.name), SchemaDifferenceKind::Missing);
                    }
                    continue;
                }
                _ => {}
            }
            match types.get(attribute.name) {
                Some(types) if types.iter().any(|type_| type_ == attribute.field_type) => {}
                Some(types) => note(
                    Some(attribute.name),
                    SchemaDifferenceKind::Retyped {
                        expected: attribute.field_type,
                        found: types.join(" and "),
                    },
                ),
                None if is_part_of_field(known, attribute.name, attribute.field_type) => {}
                None => note(Some(attribute.name), SchemaDifferenceKind::Missing),
            }
        }
    }
    found
}

/// The attributes of an entity type and the types of the fields that they belong to. Two fields can have the same
/// attribute (`targetType` of a link `target` and a field with that name).
fn attribute_types(entity: &Value, field_types: &Value) -> BTreeMap<String, Vec<String>> {
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let fields = || entity["fields"].as_object().into_iter().flatten();
    for (field, def) in fields() {
        let Some(type_) = def["type"].as_str() else {
            continue;
        };
        let of_type = &field_types[type_];
        let is_prefix = of_type["naming"] == "prefix";
        for list in ["actualFields", "notActualFields"] {
            for part in of_type[list]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                let name = match (part, is_prefix) {
                    ("", _) => field.clone(),
                    (part, true) => join(part, field),
                    (part, false) => join(field, part),
                };
                // Composite fields are expanded one level deep: a part of a part (the currency of one end of a range)
                // has no field, and belongs to the field that contains the outer part.
                let is_field = entity["fields"].get(&name).is_some();
                let own = of_type["fields"][part]["type"].as_str();
                let known = types.entry(name).or_default();
                known.push(own.unwrap_or(type_).to_owned());
                if own.is_some() && !is_field {
                    known.push(type_.to_owned());
                }
            }
        }
    }
    // The server also lists the parts of an address as separate fields.
    for (field, def) in fields() {
        if let Some(type_) = def["type"].as_str() {
            let has_value = field_types[type_]["actualFields"]
                .as_array()
                .is_none_or(|parts| parts.iter().any(|p| p == ""));
            if has_value || types.contains_key(field) {
                let known = types.entry(field.clone()).or_default();
                if !known.iter().any(|known| known == type_) {
                    known.push(type_.to_owned());
                }
            }
        }
    }
    types
}

/// Whether the attribute still exists; it belonged to no field when the code was generated.
fn is_without_field(entity: &Value, scope: &Value, attribute: &str) -> bool {
    // Metadata that people wrote has switches such as `1` and `"true"`; the server treats them as PHP does.
    let is_on = |switch: &Value| match switch {
        Value::Null => false,
        Value::Bool(is_on) => *is_on,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty() && text != "0",
        Value::Array(items) => !items.is_empty(),
        Value::Object(_) => true,
    };
    // An export without scopes does not contain their switches.
    let scope_is_on = |switch: &str| scope.is_null() || is_on(&scope[switch]);
    match attribute {
        "name" => true,
        "deleted" => !is_on(&entity["noDeletedAttribute"]),
        "versionNumber" => is_on(&entity["optimisticConcurrencyControl"]),
        "isFollowed" | "followersIds" | "followersNames" => scope_is_on("stream"),
        "isStarred" => scope_is_on("stars"),
        // A field that has the attribute now is accepted too.
        _ => {
            let has = |section: &str, name: &str| {
                entity[section].get(name).is_some_and(|def| !def.is_null())
            };
            let suffixes = ["Ids", "Names", "Columns", "Types", "Id", "Name", "Type"];
            let mut stems = suffixes
                .iter()
                .filter_map(|suffix| attribute.strip_suffix(suffix));
            has("fields", attribute) || stems.any(|stem| has("links", stem) || has("fields", stem))
        }
    }
}

/// Whether it seems to be a part of a field of the type, by a name that the field types do not list
/// (`contactsColumns`).
fn is_part_of_field(entity: &Value, attribute: &str, field_type: &str) -> bool {
    let fields = entity["fields"].as_object();
    fields.into_iter().flatten().any(|(field, def)| {
        let rest = attribute.strip_prefix(field.as_str());
        def["type"] == field_type
            && (rest.is_some_and(|rest| rest.starts_with(char::is_uppercase) || rest.is_empty())
                || attribute.ends_with(&join("", field)))
    })
}

/// `billingAddress` + `city` → `billingAddressCity`.
fn join(left: &str, right: &str) -> String {
    let mut rest = right.chars();
    rest.next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .fold(left.to_owned(), |mut name, first| {
            name.push(first);
            name
        })
        + rest.as_str()
}

/// A hook that reports when the instance was rebuilt since the last response: an administrator changed the metadata or
/// cleared the cache.
///
/// Every response contains `X-App-Timestamp`, which such a rebuild changes. A long-running service can then call
/// [`Client::check_schema`], or request a restart with newly generated code. The callback runs on the task of the
/// request, so it should only record the fact.
///
/// ```
/// use espo_core::Client;
/// use espo_core::typed::OnRebuild;
///
/// # fn main() -> Result<(), espo_core::Error> {
/// let crm = Client::builder("https://crm.example.com")
///     .hook(OnRebuild::new(|before, now| eprintln!("rebuilt: {before} → {now}")))
///     .build()?;
/// # Ok(())
/// # }
/// ```
pub struct OnRebuild {
    last: AtomicU64,
    call: Box<dyn Fn(u64, u64) + Send + Sync>,
}

impl OnRebuild {
    /// Calls `call` with the previous and the new value, once per change. The first response does not count as a
    /// change.
    pub fn new(call: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        Self {
            last: AtomicU64::new(0),
            call: Box::new(call),
        }
    }

    fn see(&self, timestamp: u64) {
        // Responses can arrive out of order: a value older than the last one is ignored.
        let before = self.last.fetch_max(timestamp, Ordering::Relaxed);
        if before != 0 && timestamp > before {
            (self.call)(before, timestamp);
        }
    }
}

impl fmt::Debug for OnRebuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnRebuild")
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

impl Hook for OnRebuild {
    fn after(&self, result: Result<&Response, &Error>) {
        if let Ok(response) = result
            && let Some(timestamp) = response.app_timestamp()
        {
            self.see(timestamp);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::{OnRebuild, differences};
    use crate::typed::{Access, Attribute, ExpectedEntity};

    const EXPECTED: ExpectedEntity = ExpectedEntity {
        entity_type: "Account",
        attributes: &[
            Attribute::listed("accountId", "link", Access::Always),
            Attribute::listed("amount", "currency", Access::Always),
            Attribute::listed("amountConverted", "currencyConverted", Access::Always),
            Attribute::listed("contactsColumns", "linkMultiple", Access::Always),
            Attribute::listed("deleted", "", Access::Always),
            Attribute::listed("emailId", "", Access::Always),
            Attribute::listed("firstName", "varchar", Access::Always),
            Attribute::listed("id", "id", Access::Always),
            Attribute::unlisted("isFollowed", "", Access::Always),
            Attribute::listed("name", "personName", Access::Always),
            Attribute::listed("versionNumber", "", Access::Always),
        ],
        check_page: |_| Ok(()),
        check_record: |_| Ok(()),
    };

    fn told(fields: serde_json::Value) -> Vec<String> {
        told_of(
            json!({"Account": {"fields": fields, "links": {"email": {}}, "optimisticConcurrencyControl": true}}),
        )
    }

    fn told_of(entity_defs: serde_json::Value) -> Vec<String> {
        let metadata = json!({"entityDefs": entity_defs, "scopes": {"Account": {"stream": true}}, "fields": {
            "link": {"actualFields": ["id"], "notActualFields": ["name"]},
            "linkMultiple": {"actualFields": ["ids"], "notActualFields": ["names"]},
            "currency": {"actualFields": ["currency", ""], "notActualFields": ["converted"],
                "fields": {"converted": {"type": "currencyConverted"}}},
            "personName": {"naming": "prefix", "actualFields": ["first", "last"], "notActualFields": [""],
                "fields": {"first": {"type": "varchar"}}},
        }});
        differences(&metadata, &[EXPECTED])
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn missing_and_retyped_attributes_are_reported() {
        let mut fields = json!({"account": {"type": "link"}, "amount": {"type": "currency"}, "name": {"type": "personName"},
            "contacts": {"type": "linkMultiple"}, "firstName": {"type": "varchar"}});
        assert_eq!(told(fields.clone()), [""; 0]);
        fields["amount"]["type"] = "int".into();
        fields["contacts"] = json!(null);
        fields["account"]["type"] = "varchar".into();
        assert_eq!(
            told(fields),
            [
                "Account.accountId is missing",
                "Account.amount is of type int, expected currency",
                "Account.amountConverted is missing",
                "Account.contactsColumns is missing",
            ]
        );
        let gone: Vec<String> = differences(&json!({}), &[EXPECTED])
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(gone, ["Account is missing"]);
    }

    #[test]
    fn attributes_without_field_are_checked_by_link_or_switch() {
        let fields = json!({"account": {"type": "link"}, "amount": {"type": "currency"}, "name": {"type": "personName"},
            "contacts": {"type": "linkMultiple"}, "firstName": {"type": "varchar"}});
        let account = json!({"fields": fields, "noDeletedAttribute": true});
        assert_eq!(
            told_of(json!({"Account": account})),
            [
                "Account.deleted is missing",
                "Account.emailId is missing",
                "Account.versionNumber is missing",
            ]
        );
        let metadata =
            json!({"entityDefs": {"Account": account}, "scopes": {"Account": {"stream": false}}});
        let told = differences(&metadata, &[EXPECTED]);
        let told = told
            .iter()
            .filter(|difference| difference.attribute == Some("isFollowed"));
        assert_eq!(told.count(), 1);
    }

    #[test]
    fn rebuilds_are_reported_once() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let hook = OnRebuild::new({
            let told = told.clone();
            move |before, now| told.lock().expect("no panic").push((before, now))
        });
        for timestamp in [10, 10, 20, 10, 20, 30] {
            hook.see(timestamp);
        }
        assert_eq!(*told.lock().expect("no panic"), [(10, 20), (20, 30)]);
    }
}
