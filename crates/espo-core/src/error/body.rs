use serde_json::{Map, Value};

use super::Error;
use crate::typed::Decode;

/// The field that the server rejected, and the rule that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValidationFailure {
    /// The field's name in the metadata (`billingAddress`, not one of its attributes).
    pub field: String,
    /// The rule: `required`, `maxLength`, `pattern`, `valid`, `min`, `max`,
    /// `arrayOfString`, `emailAddress`, `validCurrency` and others.
    pub rule: String,
}

/// The server's state of a record whose update was rejected because of its version.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VersionConflict {
    /// The record's current version number.
    pub version_number: Option<i64>,
    /// The server's values of the attributes that the update would have changed.
    pub values: Map<String, Value>,
}

impl Error {
    /// Returns the error's body as JSON, if it is JSON. Most error bodies are empty.
    pub fn body_json(&self) -> Option<Value> {
        let body = self.body()?;
        if body.is_empty() {
            return None;
        }
        serde_json::from_slice(body).ok()
    }

    /// Returns the label of a translatable error (`cannotRelateNonExisting`, `noAccessToForeignRecord` …) and its data.
    pub fn message_label(&self) -> Option<(String, Map<String, Value>)> {
        let mut body = self.body_json()?;
        let translation = body.get_mut("messageTranslation")?.take();
        let label = translation.get("label")?.as_str()?.to_owned();
        let data = match translation.get("data") {
            Some(Value::Object(data)) => data.clone(),
            _ => Map::new(),
        };
        Some((label, data))
    }

    /// Returns the field and rule of a validation failure. The server reports only the first field that fails.
    pub fn validation(&self) -> Option<ValidationFailure> {
        if self.status()?.as_u16() != 400 {
            return None;
        }
        let (label, data) = self.message_label()?;
        if label != "validationFailure" {
            return None;
        }
        let text = |key: &str| data.get(key).and_then(Value::as_str).unwrap_or_default();
        Some(ValidationFailure {
            field: text("field").to_owned(),
            rule: text("type").to_owned(),
        })
    }

    /// Returns the records that a rejected create would duplicate; `None` for any other error. For a lead conversion, they
    /// are of several entity types and have only `id`, `name` and `_entityType`: read them as [`JsonObject`](crate::JsonObject).
    ///
    /// Records that cannot be decoded are left out. Empty if a script of the instance reported the duplicate without
    /// listing records.
    ///
    /// ```
    /// # use espo_core::{Error, JsonObject};
    /// # fn show(error: Error) {
    /// // With generated code: `error.duplicates::<Contact>()`.
    /// if let Some(known) = error.duplicates::<JsonObject>() {
    ///     println!("{} of them exist", known.len());
    /// }
    /// # }
    /// ```
    pub fn duplicates<R: Decode>(&self) -> Option<Vec<R>> {
        if !self.is_duplicate() {
            return None;
        }
        let rows = rows_with_ids(self.body()?).unwrap_or_default();
        let records = rows.into_iter();
        Some(
            records
                .filter_map(|record| R::decode_value(record.into()).ok())
                .collect(),
        )
    }

    /// The start of the body of a conflict that is not a duplicate, changed version or locked record: its content is
    /// defined by a script of the instance.
    pub(super) fn unknown_conflict(&self) -> Option<String> {
        let is_known = self.is_duplicate() || self.is_version_conflict() || self.is_locked();
        let body = self.body().filter(|body| !body.is_empty())?;
        if self.status()?.as_u16() != 409 || is_known || self.is_gateway() {
            return None;
        }
        let text = String::from_utf8_lossy(body);
        let text = self.redact(&text);
        let start: String = text.chars().take(200).collect();
        Some(if start.len() < text.len() {
            start + "…"
        } else {
            start
        })
    }

    /// Returns the server's state of the record if an update was rejected because of its version.
    pub fn version_conflict(&self) -> Option<VersionConflict> {
        if !self.is_version_conflict() {
            return None;
        }
        let mut body = self.body_json()?;
        let values = match body.get_mut("values").map(Value::take) {
            Some(Value::Object(values)) => values,
            _ => Map::new(),
        };
        Some(VersionConflict {
            version_number: body.get("versionNumber").and_then(Value::as_i64),
            values,
        })
    }
}

/// The rows of a body that is a list of records.
pub(super) fn rows_with_ids(body: &[u8]) -> Option<Vec<Map<String, Value>>> {
    let rows: Vec<Map<String, Value>> = serde_json::from_slice(body).ok()?;
    let all = rows
        .iter()
        .all(|row| row.get("id").is_some_and(Value::is_string));
    (all && !rows.is_empty()).then_some(rows)
}
