//! Resolution of a completed metadata tree into the model.

pub(crate) mod access;
mod attribute;
mod defaults;
mod field;
mod link;
mod options;
mod role;
mod rules;
mod types;

use indexmap::{IndexMap, IndexSet};
use serde_json::{Map, Value};

use crate::complete::is_fragment;
use crate::def::Def;
use crate::hash::content_hash;
use crate::model::{
    Collection, Diagnostic, EntityType, FieldType, Order, RecordDefs, Relationship, Schema, Scope,
};

/// The shared context of the steps.
pub(crate) struct Context<'a> {
    /// The completed tree.
    pub(crate) root: &'a Map<String, Value>,
    pub(crate) field_types: &'a IndexMap<String, FieldType>,
}

/// Never fails: unresolved items are left open and reported in a diagnostic.
pub(crate) fn resolve(root: Map<String, Value>, mut diagnostics: Vec<Diagnostic>) -> Schema {
    let field_types: IndexMap<String, FieldType> = section(&root, "fields")
        .map(|(name, raw)| (name.clone(), types::field_type(name, raw)))
        .collect();
    let context = Context {
        root: &root,
        field_types: &field_types,
    };

    let no_scopes = Map::new();
    let scopes = root.get("scopes").and_then(Value::as_object);
    let scopes = scopes.unwrap_or(&no_scopes);
    let mut entity_types: IndexMap<String, EntityType> = section(&root, "entityDefs")
        .filter(|(name, raw)| !is_fragment(scopes, name, raw))
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

/// Bodies of a section; those that are not objects were removed when the tree was completed.
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
    let mut fields = field::resolve_all(name, def, context, diagnostics);
    let mut links = link::resolve_all(name, def, &fields, context, diagnostics);
    access::restrict(name, &mut fields, &mut links, context.root);
    let primary = filters(name, "filterList", "primaryFilterClassNameMap", context);
    let bool_ = filters(name, "boolFilterList", "boolFilterClassNameMap", context);
    EntityType {
        name: name.to_owned(),
        since: since(name, None, None),
        scope: scope_raw.map(scope).unwrap_or_default(),
        collection: def.map("collection").map(collection).unwrap_or_default(),
        optimistic_concurrency_control: def.flag("optimisticConcurrencyControl"),
        no_deleted_attribute: def.flag("noDeletedAttribute"),
        delete_id: def.flag("deleteId"),
        fields,
        links,
        primary_filters: primary.names,
        bool_filters: bool_.names,
        unlisted_primary_filters: primary.unlisted,
        unlisted_bool_filters: bool_.unlisted,
        record: body(context.root, "recordDefs", name)
            .map(record_defs)
            .unwrap_or_default(),
        attributes: IndexMap::new(),
        // Fields and links keep their own definitions: a second copy would double the memory of a large schema.
        raw: raw
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "fields" | "links"))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
    }
}

/// The version that added a stock entity type, or one of its fields or links. Items that an administrator added are not
/// stock, regardless of their names.
fn since(entity: &str, field: Option<&str>, link: Option<&str>) -> Option<&'static str> {
    #[cfg(feature = "stock")]
    {
        use crate::stock::Member;
        let member = match (field, link) {
            (Some(field), _) => Member::Field(field),
            (None, Some(link)) => Member::Link(link),
            (None, None) => Member::EntityType,
        };
        Schema::stock_since(entity, member)
    }
    #[cfg(not(feature = "stock"))]
    {
        let _ = (entity, field, link);
        None
    }
}

/// The names of an entity type's filters.
struct Filters {
    names: Vec<String>,
    unlisted: Vec<String>,
}

/// `clientDefs` lists the filters for the UI. All filters are in `selectDefs`, which only a directory can contain,
/// because the server never returns it.
fn filters(entity: &str, shown: &str, whole: &str, context: &Context<'_>) -> Filters {
    let listed = body(context.root, "clientDefs", entity)
        .and_then(|b| b.get(shown)?.as_array())
        .into_iter()
        .flatten()
        .filter_map(|item| item.as_str().or_else(|| item.get("name")?.as_str()));
    let mut names: IndexSet<&str> = listed.filter(|name| !name.is_empty()).collect();
    let count = names.len();
    let all = body(context.root, "selectDefs", entity)
        .and_then(|b| b.get(whole)?.as_object())
        .into_iter()
        .flatten();
    names.extend(
        all.map(|(name, _)| name.as_str())
            .filter(|name| !name.is_empty()),
    );
    Filters {
        unlisted: names[count..]
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
        names: names.into_iter().map(str::to_owned).collect(),
    }
}

/// The body of a section by name.
fn body<'a>(
    root: &'a Map<String, Value>,
    section: &str,
    name: &str,
) -> Option<&'a Map<String, Value>> {
    root.get(section)?.get(name)?.as_object()
}

fn record_defs(raw: &Map<String, Value>) -> RecordDefs {
    let def = Def(raw);
    let relationships = def.map("relationships").into_iter().flatten();
    RecordDefs {
        mandatory_attributes: def.texts("mandatoryAttributeList"),
        update_duplicate_check: def.flag("updateDuplicateCheck"),
        force_select_all_attributes: def.flag("forceSelectAllAttributes"),
        relationships: relationships
            .filter_map(|(link, raw)| Some((link.clone(), relationship(raw.as_object()?))))
            .collect(),
        raw: raw.clone(),
    }
}

fn relationship(raw: &Map<String, Value>) -> Relationship {
    let def = Def(raw);
    Relationship {
        mass_link: def.flag("massLink"),
        link_only_not_linked: def.flag("linkOnlyNotLinked"),
        count_disabled: def.flag("countDisabled"),
        mandatory_attributes: def.texts("mandatoryAttributeList"),
        raw: raw.clone(),
    }
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
        lockable: def.flag("lockable"),
        pipelines: def.flag("pipelines"),
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
