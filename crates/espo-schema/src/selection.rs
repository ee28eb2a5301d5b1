//! The part of an export that is checked in: only the keys that the workspace reads.
//!
//! This is a maintainers' tool, used by `cargo xtask stock-metadata` when a new version of EspoCRM appears.

use serde_json::{Map, Value};

use crate::folder::sorted;

const ENTITY: [&str; 6] = [
    "collection",
    "deleteId",
    "fields",
    "links",
    "noDeletedAttribute",
    "optimisticConcurrencyControl",
];

const COLLECTION: [&str; 5] = [
    "countDisabled",
    "fullTextSearch",
    "order",
    "orderBy",
    "textFilterFields",
];

const FIELD: &[&str] = &[
    "accept",
    "additionalAttributeList",
    "allowCustomOptions",
    "audited",
    "column",
    "columns",
    "dbType",
    "decimal",
    "default",
    "directAccessDisabled",
    "disabled",
    "entity",
    "entityList",
    "field",
    "forceValidation",
    "fullNameAdditionalAttributeList",
    "len",
    "link",
    "loaderClassName",
    "mandatoryValidationList",
    "max",
    "maxCount",
    "maxItemLength",
    "maxLength",
    "min",
    "noEmptyString",
    "noLoad",
    "notLockable",
    "notNull",
    "notStorable",
    "options",
    "optionsPath",
    "optionsReference",
    "order",
    "orderDisabled",
    "pattern",
    "precision",
    "probabilityMap",
    "protocolRequired",
    "readOnly",
    "readOnlyAfterCreate",
    "required",
    "scale",
    "select",
    "skipOrmDefs",
    "style",
    "suppressValidationList",
    "type",
    "typeList",
    "utility",
    "validationList",
    "where",
];

const LINK: &[&str] = &[
    "additionalColumns",
    "audited",
    "cascadeRemoval",
    "columnAttributeMap",
    "conditions",
    "disabled",
    "entity",
    "entityList",
    "foreign",
    "foreignName",
    "midKeys",
    "noForeignName",
    "noJoin",
    "readOnly",
    "relationName",
    "type",
];

const SCOPE: &[&str] = &[
    "acl",
    "assignedUsers",
    "categoryField",
    "collaborators",
    "disabled",
    "duplicateCheckFieldList",
    "entity",
    "lockable",
    "module",
    "object",
    "pipelines",
    "stars",
    "statusField",
    "stream",
    "type",
];

const FIELD_TYPE: &[&str] = &[
    "actualFields",
    "converterClassName",
    "default",
    "fieldDefs",
    "fields",
    "linkDefs",
    "mandatoryValidationList",
    "naming",
    "notActualFields",
    "readOnly",
    "skipOrmDefs",
    "validationList",
];

const RECORD: [&str; 6] = [
    "actions",
    "forceSelectAllAttributes",
    "mandatoryAttributeList",
    "massActions",
    "relationships",
    "updateDuplicateCheck",
];

const CLIENT: [&str; 2] = ["boolFilterList", "filterList"];

/// Returns the JSON Merge Patch (RFC 7386) that turns one selection into another.
#[must_use]
pub fn patch(from: &Value, to: &Value) -> Value {
    crate::patch::between(from, to)
        .map_or_else(|| Value::Object(Map::new()), |patch| sorted(&patch))
}

/// Returns the part of an export that belongs in the checked-in metadata. Expressions and class names become
/// `true`, switches that are off are left out, and so are entity types that an administrator created.
#[must_use]
pub fn select(export: &Value) -> Value {
    let custom = custom_entity_types(export);
    let mut tree = Map::new();
    for section in ["entityDefs", "scopes", "fields", "recordDefs", "clientDefs"] {
        let mut bodies = Map::new();
        for (name, body) in object(export, section) {
            let Some(body) = body.as_object().filter(|_| !custom.contains(&name)) else {
                continue;
            };
            let is_entity = export["entityDefs"].get(name).is_some();
            let body = match section {
                "entityDefs" => entity(body, &custom),
                "scopes" => pick(body, SCOPE),
                "fields" => field_type(body),
                "recordDefs" => pick(body, &RECORD),
                _ if is_entity => pick(body, &CLIENT),
                _ => continue,
            };
            if !body.is_empty() || !matches!(section, "recordDefs" | "clientDefs") {
                bodies.insert(name.clone(), Value::Object(body));
            }
        }
        if !bodies.is_empty() {
            tree.insert(section.to_owned(), Value::Object(bodies));
        }
    }
    sorted(&Value::Object(tree))
}

fn object<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value
        .get(key)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

fn custom_entity_types(export: &Value) -> Vec<&String> {
    object(export, "scopes")
        .filter(|(_, scope)| scope["isCustom"] == true)
        .map(|(name, _)| name)
        .collect()
}

fn entity(body: &Map<String, Value>, custom: &[&String]) -> Map<String, Value> {
    let mut kept = pick(body, &ENTITY);
    if let Some(Value::Object(collection)) = kept.get_mut("collection") {
        *collection = pick(collection, &COLLECTION);
    }
    for (group, keys) in [("fields", FIELD), ("links", LINK)] {
        let Some(Value::Object(defs)) = kept.get_mut(group) else {
            continue;
        };
        defs.retain(|_, def| {
            let is_custom = def["isCustom"] == true
                || def["entity"]
                    .as_str()
                    .is_some_and(|e| custom.iter().any(|c| *c == e));
            let Some(map) = def.as_object().filter(|_| !is_custom) else {
                return false;
            };
            let mut picked = pick(map, keys);
            if let Some(Value::Array(list)) = picked.get_mut("entityList") {
                list.retain(|name| !custom.iter().any(|custom| name == *custom));
            }
            if group == "fields" {
                opaque(&mut picked);
            }
            *def = Value::Object(picked);
            true
        });
    }
    kept
}

/// Only the presence of an expression or a class matters.
fn opaque(field: &mut Map<String, Value>) {
    for key in ["select", "order", "loaderClassName"] {
        if let Some(value) = field.get_mut(key) {
            *value = Value::Bool(true);
        }
    }
    for (_, operator) in field
        .get_mut("where")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        *operator = Value::Bool(true);
    }
    // Evaluated by the browser.
    let is_script = |v: &Value| {
        v.as_str()
            .is_some_and(|text| text.starts_with("javascript:"))
    };
    if field.get("default").is_some_and(is_script) {
        field.shift_remove("default");
    }
}

fn field_type(body: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = pick(body, FIELD_TYPE);
    // Switches are off by default.
    if body.get("default") == Some(&Value::Bool(false)) {
        kept.insert("default".to_owned(), Value::Bool(false));
    }
    if kept.contains_key("converterClassName") {
        kept.insert("converterClassName".to_owned(), Value::Bool(true));
    }
    if let Some(Value::Object(parts)) = kept.get_mut("fields") {
        for (_, part) in parts {
            if let Some(map) = part.as_object() {
                *part = Value::Object(pick(map, FIELD));
            }
        }
    }
    if let Some(Value::Object(link)) = kept.get_mut("linkDefs") {
        *link = pick(link, LINK);
    }
    kept
}

/// The keys that are kept, without null and without switches that are off.
fn pick(map: &Map<String, Value>, keys: &[&str]) -> Map<String, Value> {
    map.iter()
        .filter(|(key, value)| {
            keys.contains(&key.as_str()) && !value.is_null() && **value != Value::Bool(false)
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
