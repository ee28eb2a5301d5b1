//! The definitions that the server adds to merged metadata before it returns them from `GET Metadata`.
//!
//! A complete export is not changed.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::def::{Def, upper_first};
use crate::model::{Diagnostic, Naming};
use crate::pipelines;

/// Keys that a part of a composite field inherits from its field.
const INHERITED: [&str; 12] = [
    "readOnly",
    "disabled",
    "notStorable",
    "layoutListDisabled",
    "layoutDetailDisabled",
    "layoutMassUpdateDisabled",
    "layoutFiltersDisabled",
    "directAccessDisabled",
    "directUpdateDisabled",
    "customizationDisabled",
    "importDisabled",
    "exportDisabled",
];

/// Completes the tree in place. Afterwards, every `entityDefs` body, field and link is an object. Definitions that
/// are null or have no type are removed and reported in a diagnostic.
pub(crate) fn complete(root: &mut Map<String, Value>, diagnostics: &mut Vec<Diagnostic>) {
    for section in ["entityDefs", "scopes", "fields"] {
        tidy(
            root.entry(section).or_insert(Value::Null),
            section,
            diagnostics,
        );
    }
    let types = root
        .get("fields")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let scopes = root
        .get("scopes")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let has_stream_dates = !is_older_than_9(root);
    let has_pipelines = ["Pipeline", "PipelineStage"]
        .iter()
        .all(|name| root["entityDefs"].get(name).is_some());
    let Some(Value::Object(entities)) = root.get_mut("entityDefs") else {
        return;
    };
    let nothing = Map::new();
    for (name, body) in entities.iter_mut() {
        let Value::Object(body) = body else { continue };
        if is_fragment(&scopes, name, body) {
            continue;
        }
        let scope = Def(scopes
            .get(name)
            .and_then(Value::as_object)
            .unwrap_or(&nothing));
        pipelines::add(name, body, scope, has_pipelines, diagnostics);
        complete_entity(name, body, scope, &types, has_stream_dates, diagnostics);
    }
    carry_dynamic_logic(root);
}

/// Whether an entity type is hidden from the user who exported the metadata: the server then shows no scope, and no
/// fields except for the options that other entity types refer to, without a type.
pub(crate) fn is_fragment(
    scopes: &Map<String, Value>,
    name: &str,
    body: &Map<String, Value>,
) -> bool {
    let definitions = |group: &str| body.get(group).and_then(Value::as_object);
    let has_type = |def: &Value| def.get("type").is_some();
    !scopes.is_empty()
        && !scopes.contains_key(name)
        && definitions("fields").is_some_and(|fields| !fields.is_empty())
        && ["fields", "links"]
            .iter()
            .filter_map(|group| definitions(group))
            .all(|group| !group.values().any(has_type))
}

/// Before 9.0, the server does not add `streamUpdatedAt` to records with a stream. A full export of such a server is
/// recognised by `Account`, which every export contains and which has a stream. Files on disk lack the field in every
/// version; unlike an export, they have no `sortBy`, which the server adds.
fn is_older_than_9(root: &Map<String, Value>) -> bool {
    let stream = root
        .get("scopes")
        .and_then(|s| s.get("Account")?.get("stream"));
    let account = root.get("entityDefs").and_then(|e| e.get("Account"));
    let is_export = account.is_some_and(|a| a["collection"].get("sortBy").is_some());
    let fields = account.and_then(|a| a.get("fields")?.as_object());
    stream == Some(&Value::Bool(true))
        && is_export
        && fields.is_some_and(|f| f.contains_key("createdAt") && !f.contains_key("streamUpdatedAt"))
}

fn complete_entity(
    name: &str,
    body: &mut Map<String, Value>,
    scope: Def<'_>,
    types: &Map<String, Value>,
    has_stream_dates: bool,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if let Some(collection) = body.get_mut("collection") {
        if let Value::Object(collection) = collection {
            mirror_order(collection);
        } else {
            body.shift_remove("collection");
        }
    }
    let delete_id = Def(body).flag("deleteId");
    for group in ["fields", "links"] {
        let path = format!("entityDefs.{name}.{group}");
        // An entity type can have no links; one that has no fields still has its record ID.
        if group == "fields" || body.contains_key(group) {
            tidy(body.entry(group).or_insert(Value::Null), &path, diagnostics);
        }
    }
    if let Some(Value::Object(fields)) = body.get_mut("fields") {
        add_parts(fields, types);
        drop_untyped(fields, &format!("entityDefs.{name}.fields"), diagnostics);
        if delete_id && !fields.contains_key("deleteId") {
            let def = json!({"type": "varchar", "maxLength": 17, "readOnly": true, "notNull": true, "default": "0", "utility": true});
            fields.insert("deleteId".to_owned(), def);
        }
        if scope.flag("stream") && has_stream_dates && !fields.contains_key("streamUpdatedAt") {
            fields.insert(
                "streamUpdatedAt".to_owned(),
                json!({"type": "datetime", "readOnly": true}),
            );
        }
        if scope.flag("assignedUsers")
            && let Some(Value::Object(def)) = fields.get_mut("assignedUser")
        {
            def.insert("disabled".to_owned(), Value::Bool(true));
        }
    }
    if let Some(Value::Object(links)) = body.get_mut("links") {
        drop_untyped(links, &format!("entityDefs.{name}.links"), diagnostics);
    }
}

/// Turns the value into an object whose values are objects. Values of another type were reported when their layer was
/// checked.
fn tidy(value: &mut Value, path: &str, diagnostics: &mut Vec<Diagnostic>) {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(map) = value else { return };
    let is_entities = path == "entityDefs";
    map.retain(|key, child| {
        if child.is_null() {
            diagnostics.push(Diagnostic::warning(
                format!("{path}.{key}"),
                "the definition is null and was ignored".to_owned(),
            ));
            return false;
        }
        // `[]` is how PHP prints an empty object. Any other list in place of an entity type leaves it without fields.
        let is_empty = child.as_array().is_some_and(Vec::is_empty);
        if is_empty || (is_entities && !child.is_object()) {
            *child = Value::Object(Map::new());
        }
        child.is_object()
    });
}

/// The server drops fields and links that have no type.
fn drop_untyped(defs: &mut Map<String, Value>, path: &str, diagnostics: &mut Vec<Diagnostic>) {
    defs.retain(|key, def| {
        let keep = def
            .as_object()
            .is_some_and(|d| Def(d).text("type").is_some());
        if !keep {
            diagnostics.push(Diagnostic::warning(
                format!("{path}.{key}"),
                "the definition has no type and was ignored".to_owned(),
            ));
        }
        keep
    });
}

/// `sortBy` and `asc` are the older names of `orderBy` and `order`; the server keeps both.
fn mirror_order(collection: &mut Map<String, Value>) {
    let def = Def(collection);
    if let Some(order_by) = def.text("orderBy") {
        let ascending = def.text("order").map(|order| order == "asc");
        collection
            .entry("sortBy")
            .or_insert(Value::String(order_by));
        if let Some(ascending) = ascending {
            collection.entry("asc").or_insert(Value::Bool(ascending));
        }
    } else if let Some(sort_by) = def.text("sortBy") {
        let order = if def.flag("asc") { "asc" } else { "desc" };
        collection.insert("orderBy".to_owned(), Value::String(sort_by));
        collection
            .entry("order")
            .or_insert(Value::String(order.to_owned()));
    }
}

/// How a field type joins the names of its parts.
pub(crate) fn naming(field_type: Def<'_>) -> Naming {
    match field_type.get("naming").and_then(Value::as_str) {
        Some("prefix") => Naming::Prefix,
        _ => Naming::Suffix,
    }
}

/// `billingAddress` + `city` → `billingAddressCity`; `name` + `first` → `firstName`; the empty part is the field itself.
pub(crate) fn part_name(field: &str, part: &str, naming: Naming) -> String {
    match naming {
        _ if part.is_empty() => field.to_owned(),
        Naming::Suffix => format!("{field}{}", upper_first(part)),
        Naming::Prefix => format!("{part}{}", upper_first(field)),
    }
}

/// Adds the sub-fields of composite fields.
fn add_parts(fields: &mut Map<String, Value>, types: &Map<String, Value>) {
    let parts_of = |name: &str, def: &Value| {
        let field_type = types
            .get(&Def(def.as_object()?).text("type")?)?
            .as_object()?;
        let naming = naming(Def(field_type));
        let parts = Def(field_type)
            .map("fields")?
            .keys()
            .map(|part| part_name(name, part, naming));
        Some(parts.filter(|part| part != name).collect::<Vec<_>>())
    };
    let all_parts: HashSet<String> = fields
        .iter()
        .filter_map(|(name, def)| parts_of(name, def))
        .flatten()
        .collect();
    // A part that is composite itself (an end of a currency range) gets no parts, as on the server.
    let mut names: Vec<String> = fields
        .keys()
        .filter(|name| !all_parts.contains(*name))
        .cloned()
        .collect();
    // Two fields may claim the same part; the result must not depend on the order of keys.
    names.sort_unstable();
    for name in names {
        let Some(def) = fields.get(&name).and_then(Value::as_object) else {
            continue;
        };
        let Some(field_type) = Def(def)
            .text("type")
            .and_then(|t| types.get(&t))
            .and_then(Value::as_object)
        else {
            continue;
        };
        let Some(parts) = Def(field_type).map("fields") else {
            continue;
        };
        let naming = naming(Def(field_type));
        let inherited: Map<String, Value> = INHERITED
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), Def(def).get(key)?.clone())))
            .collect();
        for (part, part_def) in parts {
            let part_field = part_name(&name, part, naming);
            if part_field == name {
                continue;
            }
            let mut generated = inherited.clone();
            for (key, value) in part_def.as_object().into_iter().flatten() {
                generated.insert(key.clone(), empty_objects_as_lists(value.clone()));
            }
            generated
                .entry("detailLayoutIncompatibleFieldList")
                .or_insert_with(|| json!([name]));
            match fields.get_mut(&part_field) {
                Some(Value::Object(explicit)) => fill(explicit, generated),
                _ => {
                    fields.insert(part_field, Value::Object(generated));
                }
            }
        }
    }
}

/// Adds the keys that the explicit definition lacks.
pub(crate) fn fill(explicit: &mut Map<String, Value>, generated: Map<String, Value>) {
    for (key, value) in generated {
        match (explicit.get_mut(&key), value) {
            (None, value) => {
                explicit.insert(key, value);
            }
            (Some(Value::Object(inner)), Value::Object(value)) => fill(inner, value),
            _ => {}
        }
    }
}

fn empty_objects_as_lists(value: Value) -> Value {
    match value {
        Value::Object(map) if map.is_empty() => Value::Array(Vec::new()),
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(k, v)| (k, empty_objects_as_lists(v)))
                .collect(),
        ),
        other => other,
    }
}

/// `clientDefs.X.dynamicLogic` is the former location of `logicDefs.X`.
fn carry_dynamic_logic(root: &mut Map<String, Value>) {
    let Some(client_defs) = root.get("clientDefs").and_then(Value::as_object) else {
        return;
    };
    let found: Vec<(String, Map<String, Value>)> = client_defs
        .iter()
        .filter_map(|(name, defs)| {
            Some((name.clone(), defs.get("dynamicLogic")?.as_object()?.clone()))
        })
        .filter(|(_, logic)| !logic.is_empty())
        .collect();
    for (name, logic) in found {
        let Value::Object(logic_defs) = root.entry("logicDefs").or_insert_with(|| json!({})) else {
            return;
        };
        match logic_defs.entry(name).or_insert_with(|| json!({})) {
            Value::Object(explicit) => fill(explicit, logic),
            other => *other = Value::Object(logic),
        }
    }
}
