//! Checks the shape of one layer before it is merged, so that an error can name the file.
//!
//! An object may come as `[]` (PHP prints empty maps so) or null (a blanked key); neither is an error.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::source::Layer;

/// Sections that a layer must have at least one of.
const SECTIONS: [&str; 3] = ["entityDefs", "scopes", "fields"];

/// # Errors
///
/// [`Error::Shape`] when a part that the model needs has another JSON type.
pub(crate) fn check(layer: &Layer) -> Result<(), Error> {
    let checker = Checker { layer };
    let Value::Object(root) = &layer.tree else {
        return Err(checker.root_error(&layer.tree));
    };
    if !SECTIONS.iter().any(|s| root.contains_key(*s)) && layer.unset.is_empty() {
        return Err(checker.root_error(&layer.tree));
    }
    for section in SECTIONS {
        for (name, body) in checker.children(root, &[section])? {
            let path = [section, name];
            let Some(body) = checker.object(body, &path)? else {
                continue;
            };
            match section {
                "entityDefs" => checker.entity_defs(body, name)?,
                "fields" => checker.field_type(body, name)?,
                _ => {}
            }
        }
    }
    Ok(())
}

struct Checker<'a> {
    layer: &'a Layer,
}

impl<'a> Checker<'a> {
    fn entity_defs(&self, body: &'a Map<String, Value>, entity: &'a str) -> Result<(), Error> {
        if let Some(collection) = body.get("collection") {
            self.object(collection, &["entityDefs", entity, "collection"])?;
        }
        for group in ["fields", "links"] {
            for (name, def) in self.children(body, &["entityDefs", entity, group])? {
                let path = ["entityDefs", entity, group, name];
                let Some(def) = self.object(def, &path)? else {
                    continue;
                };
                self.texts(def, &path, &["type", "entity", "foreign"])?;
            }
        }
        Ok(())
    }

    fn field_type(&self, body: &'a Map<String, Value>, name: &'a str) -> Result<(), Error> {
        let path = ["fields", name];
        self.texts(body, &path, &["naming"])?;
        for key in ["actualFields", "notActualFields"] {
            if let Some(value) = body.get(key).filter(|v| !v.is_null() && !v.is_array()) {
                return Err(self.error(&["fields", name, key], "a list of texts", value));
            }
        }
        for (part, def) in self.children(body, &["fields", name, "fields"])? {
            self.object(def, &["fields", name, "fields", part])?;
        }
        for key in ["fieldDefs", "linkDefs"] {
            if let Some(value) = body.get(key) {
                self.object(value, &["fields", name, key])?;
            }
        }
        Ok(())
    }

    /// Entries of the object at the last step of the path; none when it is absent, null or `[]`.
    fn children(
        &self,
        parent: &'a Map<String, Value>,
        path: &[&str],
    ) -> Result<impl Iterator<Item = (&'a str, &'a Value)> + use<'a>, Error> {
        let value = path.last().and_then(|key| parent.get(*key));
        let map = match value {
            Some(value) => self.object(value, path)?,
            None => None,
        };
        Ok(map.into_iter().flatten().map(|(k, v)| (k.as_str(), v)))
    }

    fn object(
        &self,
        value: &'a Value,
        path: &[&str],
    ) -> Result<Option<&'a Map<String, Value>>, Error> {
        match value {
            Value::Object(map) => Ok(Some(map)),
            Value::Null => Ok(None),
            Value::Array(list) if list.is_empty() => Ok(None),
            other => Err(self.error(path, "an object", other)),
        }
    }

    fn texts(&self, def: &Map<String, Value>, path: &[&str], keys: &[&str]) -> Result<(), Error> {
        for key in keys {
            if let Some(value) = def.get(*key) {
                // PHP code writes `false` where it means "none".
                if !value.is_string() && !value.is_null() && value != &Value::Bool(false) {
                    let path: Vec<&str> = path.iter().chain([key]).copied().collect();
                    return Err(self.error(&path, "text", value));
                }
            }
        }
        Ok(())
    }

    fn error(&self, path: &[&str], expected: &str, found: &Value) -> Error {
        Error::Shape {
            file: self.layer.file_of(path),
            path: path.join("."),
            expected: expected.to_owned(),
            found: describe(found),
            hint: "compare with an export made by `GET Metadata`; a part that is to be blanked may be null".to_owned(),
        }
    }

    fn root_error(&self, found: &Value) -> Error {
        let hint = if found.get("messageTranslation").is_some() || found.get("message").is_some() {
            "this looks like an error answer of the server; fetch the export again with credentials that are accepted"
        } else if found.get("list").is_some() {
            "this looks like a list of records; the export is what `GET /api/v1/Metadata` answers"
        } else {
            "give what `GET /api/v1/Metadata` answers, without `key`"
        };
        Error::Shape {
            file: self.layer.name.clone(),
            path: "$".to_owned(),
            expected: "an object with `entityDefs`, `scopes` and `fields`".to_owned(),
            found: describe(found),
            hint: hint.to_owned(),
        }
    }
}

/// The JSON type, with enough of the value to recognise it.
pub(crate) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => format!("`{b}`"),
        Value::Number(n) => format!("the number {n}"),
        Value::String(s) if s.chars().count() <= 40 => format!("the text {s:?}"),
        Value::String(_) => "a long text".to_owned(),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().take(4).map(|k| format!("`{k}`")).collect();
            match (keys.is_empty(), map.len() > keys.len()) {
                (true, _) => "an empty object".to_owned(),
                (_, more) => format!(
                    "an object with {}{}",
                    keys.join(", "),
                    if more { ", …" } else { "" }
                ),
            }
        }
    }
}
