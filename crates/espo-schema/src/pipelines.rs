//! Pipelines (EspoCRM 10.0): the fields and links that `scopes.X.pipelines: true` adds to an entity type.
//!
//! No metadata file contains these fields and links; the server adds them before it returns its metadata.

use serde_json::{Map, Value, json};

use crate::complete::fill;
use crate::def::Def;
use crate::model::Diagnostic;

/// The link fields that a record of an entity type with pipelines has. They are `required`, and the server fills in
/// those that a create omits: the first pipeline that the user may use, and its first stage.
pub(crate) const FIELDS: [&str; 2] = ["pipeline", "pipelineStage"];

/// Adds the fields and links, and makes the status field read-only: it follows the stage.
pub(crate) fn add(
    name: &str,
    body: &mut Map<String, Value>,
    scope: Def<'_>,
    has_entity_types: bool,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if !scope.flag("pipelines") {
        return;
    }
    let note = |message: &str| Diagnostic::note(format!("scopes.{name}.pipelines"), message);
    if !has_entity_types {
        diagnostics.push(note(
            "the metadata has no entity types `Pipeline` and `PipelineStage`, so this switch has no effect; \
             pipelines need EspoCRM 10.0",
        ));
        return;
    }
    let fields = [
        json!({"type": "link", "required": true, "audited": true}),
        json!({"type": "link", "required": true, "audited": true, "validationDependsOnFieldList": ["pipeline"]}),
    ];
    let links = [
        json!({"type": "belongsTo", "entity": "Pipeline"}),
        json!({"type": "belongsTo", "entity": "PipelineStage"}),
    ];
    for (group, definitions) in [("fields", fields), ("links", links)] {
        let Value::Object(members) = body.entry(group).or_insert_with(|| json!({})) else {
            continue;
        };
        for (member, definition) in FIELDS.into_iter().zip(definitions) {
            let Value::Object(definition) = definition else {
                continue;
            };
            match members.get_mut(member) {
                Some(Value::Object(explicit)) => fill(explicit, definition),
                _ => {
                    members.insert(member.to_owned(), Value::Object(definition));
                }
            }
        }
    }
    let status = scope.text("statusField").and_then(|status| {
        let field = body.get_mut("fields")?.get_mut(&status)?;
        field.as_object_mut()
    });
    match status {
        Some(field) => {
            field.insert("readOnly".to_owned(), Value::Bool(true));
        }
        None => diagnostics.push(note(
            "the scope has no `statusField` that is one of its fields, so no field follows the stage",
        )),
    }
}
