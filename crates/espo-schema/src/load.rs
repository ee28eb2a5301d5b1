//! Loading of a schema from files.

use std::path::Path;

use serde_json::{Map, Value};

use crate::complete::complete;
use crate::error::Error;
use crate::merge::{merge, remove_paths};
use crate::model::{Diagnostic, Schema};
use crate::resolve::resolve;
use crate::shape::{SECTIONS, check, root_error, wrong_level};
use crate::source::Layer;
use crate::strays::drop_strays;

impl Schema {
    /// Reads metadata from JSON files returned by `GET Metadata` and from directories with `entityDefs/X.json`,
    /// `scopes/X.json`, `fields/T.json` (other sections are kept in [`Schema::raw`]). Several are merged by EspoCRM's own
    /// rules, later ones over earlier ones, and completed as the server completes them.
    ///
    /// # Errors
    ///
    /// Returns [`Error::NoSource`] for an empty list; [`Error::Io`], [`Error::Syntax`], [`Error::EmptyFolder`] or
    /// [`Error::Shape`], which contain the file. Problems that do not prevent loading are reported as a [`Diagnostic`]
    /// instead.
    pub fn load<P: AsRef<Path>>(paths: &[P]) -> Result<Schema, Error> {
        let layers = paths
            .iter()
            .map(|path| Layer::read(path.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        from_layers(layers)
    }

    /// Builds a schema from a metadata tree in memory; errors use `name` as the file name.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Shape`] if it does not have the structure of metadata.
    pub fn from_value(value: Value, name: &str) -> Result<Schema, Error> {
        from_layers(vec![Layer::from_value(value, name)])
    }

    /// Builds a schema from the content of one file; errors use `name` as the file name.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Syntax`] if it is not valid JSON, [`Error::Shape`] if it does not have the structure of
    /// metadata.
    pub fn from_json(text: &[u8], name: &str) -> Result<Schema, Error> {
        Schema::from_value(crate::source::parse_json(text, name)?, name)
    }

    /// Merges metadata trees over this schema's, as [`Schema::load`] merges files.
    ///
    /// # Errors
    ///
    /// Same errors as [`Schema::load`].
    pub fn overlay<P: AsRef<Path>>(&self, paths: &[P]) -> Result<Schema, Error> {
        let mut layers = vec![Layer::from_value(self.raw.clone(), "the schema below")];
        for path in paths {
            layers.push(Layer::read(path.as_ref())?);
        }
        from_layers(layers)
    }
}

pub(crate) fn from_layers(layers: Vec<Layer>) -> Result<Schema, Error> {
    let Some(first) = layers.first() else {
        return Err(Error::NoSource);
    };
    require_any(&layers)?;
    let first_name = first.name.clone();
    let mut diagnostics = Vec::new();
    let mut tree = Value::Object(Map::new());
    let mut unset = Vec::new();
    for layer in layers {
        check(&layer, &mut diagnostics)?;
        note_blanked(&tree, &layer.tree, &mut diagnostics);
        unset.extend(layer.unset);
        tree = merge(tree, layer.tree);
    }
    remove_paths(&mut tree, &unset);
    let Value::Object(mut root) = tree else {
        unreachable!("every layer is an object, so their merge is one")
    };
    drop_strays(&mut root, &mut diagnostics);
    complete(&mut root, &mut diagnostics);
    require_field_types(&root, &first_name)?;
    Ok(resolve(root, diagnostics))
}

/// A layer without relevant metadata is allowed next to others, because modules have directories that only change the
/// UI.
fn require_any(layers: &[Layer]) -> Result<(), Error> {
    let has_sections = |layer: &&Layer| SECTIONS.iter().any(|s| layer.tree.get(s).is_some());
    match layers.first() {
        Some(first) if !layers.iter().any(|layer| has_sections(&layer)) => {
            Err(if first.is_folder {
                if let Some(error) = wrong_level(first) {
                    return Err(error);
                }
                Error::EmptyFolder {
                    path: first.name.clone().into(),
                }
            } else {
                root_error(first)
            })
        }
        _ => Ok(()),
    }
}

/// Checks that there are field types, without which attributes cannot be resolved.
fn require_field_types(root: &Map<String, Value>, file: &str) -> Result<(), Error> {
    let is_empty = |key: &str| {
        root.get(key)
            .and_then(Value::as_object)
            .is_none_or(Map::is_empty)
    };
    if is_empty("entityDefs") || !is_empty("fields") {
        return Ok(());
    }
    Err(Error::Shape {
        file: file.to_owned(),
        path: "fields".to_owned(),
        expected: "the definitions of the field types".to_owned(),
        found: "none in any source".to_owned(),
        hint: "pass a full export first, then the directory with the customisations".to_owned(),
    })
}

/// An override that is `[]` replaces the whole map below it. The server does the same, but it is rarely intended.
fn note_blanked(base: &Value, over: &Value, diagnostics: &mut Vec<Diagnostic>) {
    let entities = over.get("entityDefs").and_then(Value::as_object);
    for (name, body) in entities.into_iter().flatten() {
        for group in ["fields", "links"] {
            let below = base
                .get("entityDefs")
                .and_then(|e| e.get(name))
                .and_then(|e| e.get(group));
            let lost = below.and_then(Value::as_object).map_or(0, Map::len);
            if lost > 0 && body.get(group).is_some_and(Value::is_array) {
                diagnostics.push(Diagnostic::warning(
                    format!("entityDefs.{name}.{group}"),
                    format!("an empty list removes the {lost} definitions of the layers below"),
                ));
            }
        }
    }
}
