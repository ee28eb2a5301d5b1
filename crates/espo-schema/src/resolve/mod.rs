//! From a completed metadata tree to the model.

mod attribute;
mod field;
mod link;
mod options;
mod rules;
mod types;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::def::Def;
use crate::hash::content_hash;
use crate::model::{Collection, Diagnostic, EntityType, FieldType, Order, Schema, Scope};

/// What the steps share.
pub(crate) struct Context<'a> {
    /// The completed tree.
    pub(crate) root: &'a Map<String, Value>,
    pub(crate) field_types: &'a IndexMap<String, FieldType>,
}

/// Never fails: what cannot be resolved is left open, with a diagnostic.
pub(crate) fn resolve(root: Map<String, Value>, mut diagnostics: Vec<Diagnostic>) -> Schema {
    let field_types: IndexMap<String, FieldType> = section(&root, "fields")
        .map(|(name, raw)| (name.clone(), types::field_type(name, raw)))
        .collect();
    let context = Context {
        root: &root,
        field_types: &field_types,
    };

    let mut entity_types: IndexMap<String, EntityType> = section(&root, "entityDefs")
        .map(|(name, raw)| {
            (
                name.clone(),
                entity_type(name, raw, &context, &mut diagnostics),
            )
        })
        .collect();
    types::note_custom_types(entity_types.values(), &field_types, &mut diagnostics);
    link::connect(&mut entity_types, &mut diagnostics);
    let attributes: Vec<_> = entity_types
        .values()
        .map(|e| attribute::derive(e, &entity_types, &field_types))
        .collect();
    for (entity, attributes) in entity_types.values_mut().zip(attributes) {
        entity.attributes = attributes;
    }

    let other_scopes = section(&root, "scopes")
        .filter(|(name, _)| !entity_types.contains_key(*name))
        .map(|(name, raw)| (name.clone(), scope(raw)))
        .collect();
    let raw = Value::Object(root);
    let content_hash = content_hash(&raw);
    Schema {
        entity_types,
        field_types,
        other_scopes,
        raw,
        diagnostics,
        content_hash,
    }
}

/// Bodies of a section; those that are no objects were taken out while the tree was completed.
fn section<'a>(
    root: &'a Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = (&'a String, &'a Map<String, Value>)> {
    root.get(name)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(k, v)| Some((k, v.as_object()?)))
}

fn entity_type(
    name: &str,
    raw: &Map<String, Value>,
    context: &Context<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> EntityType {
    let def = Def(raw);
    let scope_raw = context
        .root
        .get("scopes")
        .and_then(|s| s.get(name))
        .and_then(Value::as_object);
    let fields = field::resolve_all(name, def, context, diagnostics);
    let links = link::resolve_all(name, def, &fields, context, diagnostics);
    EntityType {
        name: name.to_owned(),
        scope: scope_raw.map(scope).unwrap_or_default(),
        collection: def.map("collection").map(collection).unwrap_or_default(),
        optimistic_concurrency_control: def.flag("optimisticConcurrencyControl"),
        no_deleted_attribute: def.flag("noDeletedAttribute"),
        delete_id: def.flag("deleteId"),
        fields,
        links,
        primary_filters: filter_names(name, "filterList", "primaryFilterClassNameMap", context),
        bool_filters: filter_names(name, "boolFilterList", "boolFilterClassNameMap", context),
        attributes: IndexMap::new(),
        // Fields and links keep their own definitions: a second copy would double the memory of a large schema.
        raw: raw
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "fields" | "links"))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
    }
}

/// Filters are listed for the UI in `clientDefs`; the whole of them is in `selectDefs`, which only a folder can have: the
/// server never shows it.
fn filter_names(entity: &str, shown: &str, whole: &str, context: &Context<'_>) -> Vec<String> {
    let body = |section: &str| {
        context
            .root
            .get(section)
            .and_then(|s| s.get(entity))
            .and_then(Value::as_object)
    };
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: Option<&str>| {
        if let Some(name) = name.filter(|n| !n.is_empty() && !names.iter().any(|known| known == n))
        {
            names.push(name.to_owned());
        }
    };
    for item in body("clientDefs")
        .and_then(|b| b.get(shown)?.as_array())
        .into_iter()
        .flatten()
    {
        add(item.as_str().or_else(|| item.get("name")?.as_str()));
    }
    for name in body("selectDefs")
        .and_then(|b| b.get(whole)?.as_object())
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
    {
        add(Some(name));
    }
    names
}

fn scope(raw: &Map<String, Value>) -> Scope {
    let def = Def(raw);
    Scope {
        entity: def.flag("entity"),
        object: def.flag("object"),
        module: def.text("module"),
        type_: def.text("type"),
        acl: def.get("acl").cloned(),
        stream: def.flag("stream"),
        stars: def.flag("stars"),
        disabled: def.flag("disabled"),
        is_custom: def.flag("isCustom"),
        status_field: def.text("statusField"),
        category_field: def.text("categoryField"),
        duplicate_check_fields: def.texts("duplicateCheckFieldList"),
        raw: raw.clone(),
    }
}

fn collection(raw: &Map<String, Value>) -> Collection {
    let def = Def(raw);
    Collection {
        order_by: def.text("orderBy"),
        order: match def.text("order").map(|o| o.to_ascii_lowercase()).as_deref() {
            Some("asc") => Some(Order::Asc),
            Some("desc") => Some(Order::Desc),
            _ => None,
        },
        text_filter_fields: def.texts("textFilterFields"),
        full_text_search: def.flag("fullTextSearch"),
        count_disabled: def.flag("countDisabled"),
    }
}
