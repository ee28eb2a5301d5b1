//! Field definitions.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::Context;
use super::options::{resolve_options, resolve_pattern};
use super::rules;
use super::types::is_link_like;
use crate::complete::part_name;
use crate::def::Def;
use crate::kind::FieldKind;
use crate::model::{Diagnostic, Field, FieldType};

/// An attribute of a field, and the part of the field that it represents.
pub(super) struct Part {
    pub(super) attribute: String,
    /// `""` for the field itself.
    pub(super) part: String,
    pub(super) actual: bool,
}

pub(super) fn resolve_all(
    entity: &str,
    entity_def: Def<'_>,
    context: &Context<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> IndexMap<String, Field> {
    let Some(raw_fields) = entity_def.map("fields") else {
        return IndexMap::new();
    };
    let mut fields: IndexMap<String, Field> = raw_fields
        .iter()
        .filter_map(|(name, raw)| {
            Some((
                name.clone(),
                resolve(entity, name, raw.as_object()?, context, diagnostics),
            ))
        })
        .collect();
    let parts: Vec<(String, String, String)> = fields
        .values()
        .filter_map(|field| Some((field, context.field_types.get(&field.type_)?)))
        .flat_map(|(field, field_type)| {
            field_type.sub_fields.keys().map(|part| {
                (
                    part_name(&field.name, part, field_type.naming),
                    field.name.clone(),
                    part.clone(),
                )
            })
        })
        .collect();
    for (name, parent, part) in parts {
        if name == parent {
            continue;
        }
        let known = fields.get_mut(&name);
        // If two fields claim a part, it belongs to the field whose name comes first, regardless of the order of keys.
        if let Some(field) =
            known.filter(|f| f.composite_of.as_ref().is_none_or(|other| parent < *other))
        {
            field.composite_of = Some(parent);
            field.composite_part = Some(part);
        }
    }
    fields.shrink_to_fit();
    for field in fields.values_mut() {
        field.orderable = orderable(field);
    }
    fields
}

fn resolve(
    entity: &str,
    name: &str,
    raw: &Map<String, Value>,
    context: &Context<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Field {
    let def = Def(raw);
    let path = format!("entityDefs.{entity}.fields.{name}");
    let type_ = def.text("type").unwrap_or_default();
    let field_type = context.field_types.get(&type_);
    let (kind, has_custom_type) = match (field_type, FieldKind::from_name(&type_)) {
        (Some(field_type), _) => (field_type.kind, field_type.is_custom),
        // The server treats a type without a definition as varchar.
        (None, FieldKind::Other) => (FieldKind::Varchar, true),
        // The record's key is a field in a few entity types, and an export that was cut down may lack a definition.
        (None, known) => (known, false),
    };
    let type_defs = field_type.map(|t| Def(&t.field_defs));
    let type_count = |key: &str| type_defs.and_then(|defs| defs.count(key));
    let (options, options_source) = resolve_options(def, &path, context.root, diagnostics);
    let pattern = def
        .text("pattern")
        .map(|source| resolve_pattern(source, &path, context.root, diagnostics));
    note_ignored(def, &path, diagnostics);
    let parts = parts_of(name, kind, def, field_type);
    let names = |actual: bool| {
        parts
            .iter()
            .filter(|p| p.actual == actual)
            .map(|p| p.attribute.clone())
            .collect()
    };
    let actual_attributes: Vec<String> = names(true);
    let not_actual_attributes: Vec<String> = names(false);

    let field = Field {
        name: name.to_owned(),
        since: super::since(entity, Some(name), None).filter(|_| !def.flag("isCustom")),
        kind,
        has_custom_type,
        required: def.flag("required"),
        filled_by_server: rules::is_counter(kind) || is_of_pipelines(entity, name, context),
        read_only: def.flag("readOnly") || field_type.is_some_and(|t| t.read_only),
        read_only_after_create: def.flag("readOnlyAfterCreate"),
        not_storable: not_storable(def, type_defs),
        disabled: def.flag("disabled"),
        internal: false,
        utility: def.flag("utility"),
        audited: def.flag("audited"),
        not_null: def.flag_or("notNull", type_defs),
        default: def
            .get("default")
            .or_else(|| field_type?.default.as_ref().filter(|v| !v.is_null()))
            .cloned(),
        max_length: def.count("maxLength"),
        column_length: type_count("len")
            .or_else(|| type_count("maxLength"))
            .or_else(|| def.count("len")),
        min: bound(def, "min", kind),
        max: bound(def, "max", kind),
        max_count: def.count("maxCount"),
        max_item_length: def.count("maxItemLength"),
        options,
        options_source,
        allow_custom_options: def.flag("allowCustomOptions"),
        pattern,
        decimal: def.flag("decimal"),
        db_type: def.text("dbType"),
        link: def.text("link"),
        foreign_field: def.text("field"),
        column: def.text("column"),
        columns: columns(def),
        entity: def.text("entity"),
        entity_list: def.texts("entityList"),
        type_list: def.texts("typeList"),
        no_load: def.flag("noLoad"),
        order_disabled: def.flag_or("orderDisabled", type_defs),
        orderable: false,
        direct_access_disabled: def.flag("directAccessDisabled"),
        force_validation: def.flag("forceValidation"),
        where_operators: def
            .map("where")
            .into_iter()
            .flatten()
            .map(|(key, _)| key.clone())
            .collect(),
        composite_of: None,
        composite_part: None,
        attributes: actual_attributes
            .iter()
            .chain(&not_actual_attributes)
            .cloned()
            .collect(),
        actual_attributes,
        not_actual_attributes,
        is_custom: def.flag("isCustom"),
        raw: raw.clone(),
        type_,
    };
    super::defaults::check(&field, &path, diagnostics);
    field
}

/// Reports values of constraints that cannot be used. PHP converts them, which is rarely what was intended.
fn note_ignored(def: Def<'_>, path: &str, diagnostics: &mut Vec<Diagnostic>) {
    let mut note = |key: &str, is_used: bool, expected: &str| {
        let value = def.get(key).filter(|value| !is_used && !is_blank(value));
        if let Some(value) = value {
            diagnostics.push(Diagnostic::warning(
                format!("{path}.{key}"),
                format!("expected {expected}, found `{value}`; the value is ignored"),
            ));
        }
    };
    for key in ["maxLength", "maxCount", "maxItemLength"] {
        note(key, def.count(key).is_some(), "a number");
    }
    for key in ["min", "max"] {
        note(key, def.number(key).is_some(), "a number");
    }
    note(
        "pattern",
        def.text("pattern").is_some(),
        "a regular expression",
    );
}

/// Values that mean "none" in definitions that were written by forms.
fn is_blank(value: &Value) -> bool {
    matches!(value, Value::Bool(false)) || value.as_str() == Some("")
}

fn is_of_pipelines(entity: &str, field: &str, context: &Context<'_>) -> bool {
    let scope = context
        .root
        .get("scopes")
        .and_then(|s| s.get(entity)?.as_object());
    crate::pipelines::FIELDS.contains(&field) && scope.is_some_and(|s| Def(s).flag("pipelines"))
}

/// The definition of the type is merged over that of the field, except that a field of the type `base` with a column
/// type has a column.
fn not_storable(def: Def<'_>, type_defs: Option<Def<'_>>) -> bool {
    match type_defs.and_then(|defs| defs.get("notStorable")) {
        Some(_) if def.get("dbType").is_some() && def.text("type").as_deref() == Some("base") => {
            false
        }
        Some(_) => type_defs.is_some_and(|defs| defs.flag("notStorable")),
        None => def.flag("notStorable"),
    }
}

/// Bounds of decimals are strings; a bound of any other number may be written as one.
fn bound(def: Def<'_>, key: &str, kind: FieldKind) -> Option<Value> {
    match kind {
        FieldKind::Decimal | FieldKind::Currency => def.number(key).and(def.scalar(key)),
        _ => def.number(key),
    }
}

/// The attributes of a field: the parts that its type lists, then the parts that the definition adds.
pub(super) fn parts_of(
    name: &str,
    kind: FieldKind,
    def: Def<'_>,
    field_type: Option<&FieldType>,
) -> Vec<Part> {
    let naming = field_type.map(|t| t.naming).unwrap_or_default();
    let mut parts: Vec<Part> = Vec::new();
    let mut add = |attribute: String, part: &str, actual: bool| {
        if !parts.iter().any(|p| p.attribute == attribute) {
            parts.push(Part {
                attribute,
                part: part.to_owned(),
                actual,
            });
        }
    };
    let listed = field_type.filter(|t| t.actual_parts.is_some() || !t.not_actual_parts.is_empty());
    let skips = def.flag("skipOrmDefs") || field_type.is_some_and(|t| t.skips_attribute);
    match listed {
        None if skips => {}
        None => add(name.to_owned(), "", true),
        Some(field_type) => {
            let is_there = |part: &&String| !(skips && part.is_empty());
            for part in field_type.actual_parts.iter().flatten().filter(is_there) {
                add(part_name(name, part, naming), part, true);
            }
            for part in field_type.not_actual_parts.iter().filter(is_there) {
                add(part_name(name, part, naming), part, false);
            }
            // The server's data layer has a column per field, whether or not the type lists it.
            if field_type.is_custom && !skips && !field_type.has_converter && !is_link_like(kind) {
                add(name.to_owned(), "", false);
            }
        }
    }
    for part in def.texts("additionalAttributeList") {
        if !rules::is_columns_of_nothing(&part, kind, def) {
            add(part_name(name, &part, naming), &part, true);
        }
    }
    if rules::has_columns(kind, def) {
        add(part_name(name, "columns", naming), "columns", true);
    }
    if rules::has_converted(
        kind,
        not_storable(def, field_type.map(|t| Def(&t.field_defs))),
    ) {
        add(part_name(name, "converted", naming), "converted", false);
    }
    for attribute in def.texts("fullNameAdditionalAttributeList") {
        let part = attribute.clone();
        add(attribute, &part, true);
    }
    parts
}

fn columns(def: Def<'_>) -> IndexMap<String, String> {
    let columns = def.map("columns").into_iter().flatten();
    columns
        .filter_map(|(column, attribute)| Some((column.clone(), attribute.as_str()?.to_owned())))
        .collect()
}

/// Whether `orderBy` accepts the field (never lists and maps; fields without a column only with a custom order).
fn orderable(field: &Field) -> bool {
    use FieldKind as K;
    let by_type = !matches!(
        field.kind,
        K::Address
            | K::Array
            | K::ArrayInt
            | K::AttachmentMultiple
            | K::Base
            | K::Checklist
            | K::JsonArray
            | K::JsonObject
            | K::LinkMultiple
            | K::Map
            | K::MultiEnum
            | K::Password
            | K::RangeCurrency
            | K::RangeFloat
            | K::RangeInt
            | K::UrlMultiple
    );
    let has_order = !field.not_storable
        || field.raw.contains_key("order")
        || matches!(field.kind, K::Email | K::Phone | K::Foreign | K::LinkOne)
        || matches!(
            field.composite_part.as_deref(),
            Some("isOptedOut" | "isInvalid")
        );
    // A field without an attribute with its name is ordered by the linked record, if there is one.
    let has_target = is_link_like(field.kind) || field.attributes.contains(&field.name);
    by_type && has_target && has_order && !field.order_disabled && !field.disabled
}
