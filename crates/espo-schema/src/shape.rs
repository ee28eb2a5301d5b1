//! Checks the shape of one layer before it is merged, so that errors and warnings can refer to the file.
//!
//! An object may be written as `[]` (PHP prints empty maps like this) or null (a blanked key) without a warning. A
//! layer in which a whole section has another type is not metadata. Any problem at a deeper level is reported and
//! ignored, so that the rest can be used despite one broken definition.

use std::path::Path;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::model::Diagnostic;
use crate::source::Layer;

/// Sections that the model is built from.
pub(crate) const SECTIONS: [&str; 3] = ["entityDefs", "scopes", "fields"];

/// Sections by which a file is recognised as metadata.
pub(crate) const OTHER_SECTIONS: [&str; 16] = [
    "aclDefs",
    "app",
    "authenticationMethods",
    "clientDefs",
    "dashlets",
    "entityAcl",
    "formula",
    "i18n",
    "integrations",
    "logicDefs",
    "notificationDefs",
    "pdfDefs",
    "recordDefs",
    "selectDefs",
    "streamDefs",
    "themes",
];

/// # Errors
///
/// Returns [`Error::Shape`] if the layer is not metadata.
pub(crate) fn check(layer: &Layer, diagnostics: &mut Vec<Diagnostic>) -> Result<(), Error> {
    let mut checker = Checker { layer, diagnostics };
    let Value::Object(root) = &layer.tree else {
        return Err(root_error(layer));
    };
    for (path, reason) in &layer.ignored {
        let name = path.display().to_string();
        checker
            .diagnostics
            .push(Diagnostic::note(name, format!("not read: {reason}")));
    }
    if !layer.is_folder && is_definition(root) {
        return Err(Error::Shape {
            file: layer.name.clone(),
            path: "$".to_owned(),
            expected: "an object with `entityDefs`, `scopes` and `fields`".to_owned(),
            found: "the definition of one entity type".to_owned(),
            hint: "pass the directory that contains `entityDefs`, such as custom/Espo/Custom/Resources/metadata"
                .to_owned(),
        });
    }
    let is_section = |key: &str| SECTIONS.contains(&key) || OTHER_SECTIONS.contains(&key);
    if !layer.is_folder && !root.keys().any(|key| is_section(key)) {
        return Err(root_error(layer));
    }
    for section in SECTIONS {
        let bodies = match root.get(section) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(list)) if list.is_empty() => continue,
            Some(Value::Object(bodies)) => bodies,
            Some(other) => return Err(section_error(layer, section, other)),
        };
        for (name, body) in bodies {
            let Some(body) = checker.body(body, section, name) else {
                continue;
            };
            match section {
                "entityDefs" => checker.entity_defs(body, name),
                "fields" => checker.field_type(body, name),
                _ => {}
            }
        }
    }
    if !contributes(root) && layer.unset.is_empty() {
        if let Some(error) = wrong_level(layer) {
            return Err(error);
        }
        checker.note_unused(root);
    }
    Ok(())
}

/// Whether a file defines one entity type (`entityDefs/X.json`), whose `fields` look like the section `fields`.
fn is_definition(root: &Map<String, Value>) -> bool {
    let has = |key: &str| root.contains_key(key);
    if has("entityDefs") || has("scopes") {
        return false;
    }
    let fields = root.get("fields").and_then(Value::as_object);
    let typed = fields.is_some_and(|fields| {
        // Definitions of field types have no type.
        !fields.is_empty() && fields.values().all(|field| field["type"].is_string())
    });
    typed || (fields.is_some() && (has("links") || has("collection")))
}

/// The error for a directory without metadata if there is metadata below or above it. Ignoring the directory would
/// silently omit customisations.
pub(crate) fn wrong_level(layer: &Layer) -> Option<Error> {
    if !layer.is_folder {
        return None;
    }
    let meant = crate::source::meant(Path::new(&layer.name))?;
    Some(Error::Shape {
        file: layer.name.clone(),
        path: "$".to_owned(),
        expected: "a directory with entityDefs/X.json, scopes/X.json or fields/T.json".to_owned(),
        found: "none of these".to_owned(),
        hint: format!("pass {}", meant.display()),
    })
}

/// Whether the layer has a section that the model is built from.
fn contributes(root: &Map<String, Value>) -> bool {
    let bodies = |section: &str| {
        root.get(section)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
    };
    let has_any = |section: &str| bodies(section).next().is_some();
    SECTIONS.into_iter().any(has_any)
        || ["recordDefs", "selectDefs", "entityAcl", "i18n"]
            .into_iter()
            .any(has_any)
        || bodies("app").any(|(name, _)| name == "regExpPatterns")
        || bodies("clientDefs").any(|(_, body)| {
            ["filterList", "boolFilterList", "dynamicLogic"]
                .iter()
                .any(|key| body.get(key).is_some())
        })
}

struct Checker<'a, 'd> {
    layer: &'a Layer,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl<'a> Checker<'a, '_> {
    fn entity_defs(&mut self, body: &'a Map<String, Value>, entity: &'a str) {
        if let Some(collection) = body.get("collection") {
            self.object(collection, &["entityDefs", entity, "collection"]);
        }
        for group in ["fields", "links"] {
            for (name, def) in self.children(body, &["entityDefs", entity, group]) {
                let path = ["entityDefs", entity, group, name];
                if let Some(def) = self.object(def, &path) {
                    self.texts(def, &path, &["type", "entity", "foreign"]);
                }
            }
        }
    }

    fn field_type(&mut self, body: &'a Map<String, Value>, name: &'a str) {
        self.texts(body, &["fields", name], &["naming"]);
        for key in ["actualFields", "notActualFields"] {
            let value = body
                .get(key)
                .filter(|v| !v.is_null() && !v.is_array() && !v.is_object());
            if let Some(value) = value {
                self.warn(&["fields", name, key], "a list of strings", value);
            }
        }
        for (part, def) in self.children(body, &["fields", name, "fields"]) {
            self.object(def, &["fields", name, "fields", part]);
        }
        for key in ["fieldDefs", "linkDefs"] {
            if let Some(value) = body.get(key) {
                self.object(value, &["fields", name, key]);
            }
        }
    }

    /// The body of a section, which is the root of a file if the layer is a directory.
    fn body(
        &mut self,
        body: &'a Value,
        section: &str,
        name: &str,
    ) -> Option<&'a Map<String, Value>> {
        match body {
            Value::Object(map) => Some(map),
            Value::Null => None,
            Value::Array(list) if list.is_empty() => None,
            other => {
                let file = self.layer.file_of(&[section, name]);
                let effect = match section {
                    "entityDefs" => "the entity type has no fields or links, as on the server",
                    "scopes" => "the scope is ignored",
                    _ => "the field type is ignored",
                };
                self.diagnostics.push(Diagnostic::warning(
                    format!("{section}.{name}"),
                    format!(
                        "{file}: expected an object, found {}; {effect}",
                        describe(other)
                    ),
                ));
                None
            }
        }
    }

    /// Entries of the object at the last step of the path; empty if it is not an object.
    fn children(
        &mut self,
        parent: &'a Map<String, Value>,
        path: &[&str],
    ) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        let map = path
            .last()
            .and_then(|key| parent.get(*key))
            .and_then(|value| self.object(value, path));
        map.into_iter().flatten().map(|(k, v)| (k.as_str(), v))
    }

    fn object(&mut self, value: &'a Value, path: &[&str]) -> Option<&'a Map<String, Value>> {
        match value {
            Value::Object(map) => return Some(map),
            Value::Null => {}
            Value::Array(list) if list.is_empty() => {}
            other => self.warn(path, "an object", other),
        }
        None
    }

    fn texts(&mut self, def: &Map<String, Value>, path: &[&str], keys: &[&str]) {
        for key in keys {
            if let Some(value) = def.get(*key) {
                // PHP code uses `false` to mean "none".
                if !value.is_string() && !value.is_null() && value != &Value::Bool(false) {
                    let path: Vec<&str> = path.iter().chain([key]).copied().collect();
                    self.warn(&path, "a string", value);
                }
            }
        }
    }

    fn warn(&mut self, path: &[&str], expected: &str, found: &Value) {
        let file = self.layer.file_of(path);
        let found = describe(found);
        self.diagnostics.push(Diagnostic::warning(
            path.join("."),
            format!("{file}: expected {expected}, found {found}; it is ignored"),
        ));
    }

    fn note_unused(&mut self, root: &Map<String, Value>) {
        let sections: Vec<&str> = root.keys().map(String::as_str).collect();
        let message = if sections.is_empty() {
            "no metadata in this layer".to_owned()
        } else {
            format!(
                "nothing in this layer describes entity types or fields (it has {})",
                sections.join(", ")
            )
        };
        let name = self.layer.name.clone();
        self.diagnostics.push(Diagnostic::note(name, message));
    }
}

fn section_error(layer: &Layer, section: &str, found: &Value) -> Error {
    Error::Shape {
        file: layer.file_of(&[section]),
        path: section.to_owned(),
        expected: "an object".to_owned(),
        found: describe(found),
        hint: "compare it with the response of `GET Metadata`".to_owned(),
    }
}

/// The error for a layer that is not metadata.
pub(crate) fn root_error(layer: &Layer) -> Error {
    let found = &layer.tree;
    let hint = if found.get("messageTranslation").is_some() || found.get("message").is_some() {
        "this looks like an error response of the server; fetch the export again with valid credentials"
    } else if found.get("list").is_some() {
        "this looks like a list of records; the export is the response of `GET /api/v1/Metadata`"
    } else {
        "pass the response of `GET /api/v1/Metadata`, requested without `key`"
    };
    Error::Shape {
        file: layer.name.clone(),
        path: "$".to_owned(),
        expected: "an object with `entityDefs`, `scopes` and `fields`".to_owned(),
        found: describe(found),
        hint: hint.to_owned(),
    }
}

/// The JSON type, with enough of the value to recognise it.
pub(crate) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => format!("`{b}`"),
        Value::Number(n) => format!("the number {n}"),
        Value::String(s) if s.chars().count() <= 40 => format!("the string {s:?}"),
        Value::String(_) => "a long string".to_owned(),
        Value::Array(list) => format!("an array of {}", list.len()),
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
