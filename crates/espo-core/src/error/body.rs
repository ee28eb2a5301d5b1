use serde_json::{Map, Value};

use super::Error;

/// Which field the server refused, and by which rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValidationFailure {
    /// The field, by metadata name (`billingAddress`, not an attribute of it).
    pub field: String,
    /// The rule: `required`, `maxLength`, `pattern`, `valid`, `min`, `max`,
    /// `arrayOfString`, `emailAddress`, `validCurrency` and others.
    pub rule: String,
}

/// What the server holds where an update was refused for its version.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VersionConflict {
    /// The version number that the server holds.
    pub version_number: Option<i64>,
    /// The server's values of the attributes that the update would have changed.
    pub values: Map<String, Value>,
}

impl Error {
    /// The error's body as JSON, if it is any. Most error bodies are empty.
    pub fn body_json(&self) -> Option<Value> {
        let body = self.body()?;
        if body.is_empty() {
            return None;
        }
        serde_json::from_slice(body).ok()
    }

    /// The label of a translatable error (`cannotRelateNonExisting`,
    /// `noAccessToForeignRecord` …) and its data.
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

    /// The field and rule of a validation failure. The server reports only the
    /// first field that fails.
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

    /// The records that a refused create would double: full records, or, from a
    /// lead's conversion, `id`, `name` and `_entityType`. The typed layer
    /// decodes them further.
    pub fn duplicates(&self) -> Option<Vec<Map<String, Value>>> {
        if !self.is_duplicate() {
            return None;
        }
        serde_json::from_slice(self.body()?).ok()
    }

    /// What the server holds, where an update was refused for its version.
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
