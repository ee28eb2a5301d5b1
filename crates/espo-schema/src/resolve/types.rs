//! Field types, and the known types that custom ones behave like.

use serde_json::{Map, Value};

use crate::complete::naming;
use crate::def::Def;
use crate::kind::FieldKind as K;
use crate::model::{Diagnostic, EntityType, FieldType};

pub(super) fn field_type(name: &str, raw: &Map<String, Value>) -> FieldType {
    let def = Def(raw);
    let field_defs = def.map("fieldDefs").cloned().unwrap_or_default();
    let known = K::from_name(name);
    let is_custom = known == K::Other;
    let kind = if is_custom { custom_kind(def) } else { known };
    FieldType {
        name: name.to_owned(),
        kind,
        is_custom,
        // The currency field makes the attribute of its converted amount.
        skips_attribute: kind != K::CurrencyConverted
            && (def.flag("skipOrmDefs") || Def(&field_defs).flag("skipOrmDefs")),
        has_converter: def.flag("converterClassName"),
        read_only: def.flag("readOnly") || Def(&field_defs).flag("readOnly"),
        naming: naming(def),
        actual_parts: def
            .get("actualFields")
            .is_some()
            .then(|| parts(def, "actualFields")),
        not_actual_parts: parts(def, "notActualFields"),
        sub_fields: def
            .map("fields")
            .into_iter()
            .flatten()
            .filter_map(|(part, raw)| Some((part.clone(), raw.as_object()?.clone())))
            .collect(),
        field_defs,
        link_defs: def.map("linkDefs").cloned(),
        default: def.get("default").cloned(),
        validation_list: def.texts("validationList"),
        mandatory_validation_list: def.texts("mandatoryValidationList"),
        raw: raw.clone(),
    }
}

/// Whether fields of this kind show a link and have no attribute with their name.
pub(super) fn is_link_like(kind: K) -> bool {
    matches!(
        kind,
        K::Link
            | K::LinkOne
            | K::LinkParent
            | K::LinkMultiple
            | K::File
            | K::Image
            | K::AttachmentMultiple
    )
}

fn parts(def: Def<'_>, key: &str) -> Vec<String> {
    let mut parts = def.texts(key);
    // The marker remains if a layer appends to a type that no other layer defines.
    parts.retain(|part| part != "__APPEND__");
    parts
}

/// The column determines the values of a field of a custom type. Without a column, types that show a link are
/// recognised by their parts, and all other types are varchar.
fn custom_kind(def: Def<'_>) -> K {
    let column = def.map("fieldDefs").and_then(|defs| Def(defs).text("type"));
    match column {
        Some(column) => column_kind(&column),
        None => link_kind(def).unwrap_or(K::Varchar),
    }
}

/// The kind of a column type. Names of field types are accepted as well and give the kind of their column.
fn column_kind(column: &str) -> K {
    match K::from_name(column) {
        K::Enum
        | K::Url
        | K::Barcode
        | K::Colorpicker
        | K::Number
        | K::Password
        | K::PersonName => K::Varchar,
        K::Email | K::Phone => K::Varchar,
        K::Wysiwyg => K::Text,
        K::EnumInt | K::Autoincrement | K::Duration => K::Int,
        K::EnumFloat | K::Currency | K::CurrencyConverted => K::Float,
        K::DatetimeOptional => K::Datetime,
        K::MultiEnum | K::Checklist | K::Array | K::ArrayInt | K::UrlMultiple => K::JsonArray,
        kind if is_link_like(kind) => K::Other,
        K::Address | K::Map | K::RangeInt | K::RangeFloat | K::RangeCurrency => K::Other,
        K::Other => match column {
            "foreignId" | "foreignType" | "string" => K::Varchar,
            "integer" | "bigint" | "smallint" | "tinyint" => K::Int,
            "boolean" => K::Bool,
            "double" => K::Float,
            "mediumtext" | "longtext" => K::Text,
            _ => K::Other,
        },
        kind => kind,
    }
}

/// A type similar to one of the link types: its parts are those of a link and have no separate definitions.
fn link_kind(def: Def<'_>) -> Option<K> {
    let listed: Vec<String> = ["actualFields", "notActualFields"]
        .into_iter()
        .flat_map(|key| parts(def, key))
        .collect();
    let has = |part: &str| {
        listed.iter().any(|known| known == part)
            && def
                .map("fields")
                .is_none_or(|fields| !fields.contains_key(part))
    };
    let is_attachment = def
        .map("linkDefs")
        .and_then(|link| Def(link).text("entity"))
        .is_some_and(|entity| entity == "Attachment");
    if has("") {
        None
    } else if has("ids") {
        Some(if has("types") || is_attachment {
            K::AttachmentMultiple
        } else {
            K::LinkMultiple
        })
    } else if has("id") {
        Some(match (has("type"), is_attachment) {
            (true, _) => K::LinkParent,
            (false, true) => K::File,
            (false, false) => K::Link,
        })
    } else {
        None
    }
}

/// One note per custom field type in use.
pub(super) fn note_custom_types<'a>(
    entities: impl Iterator<Item = &'a EntityType>,
    field_types: &indexmap::IndexMap<String, FieldType>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut uses: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for field in entities.flat_map(|e| e.fields.values()) {
        if field.has_custom_type {
            *uses.entry(field.type_.as_str()).or_default() += 1;
        }
    }
    for (name, count) in uses {
        let fields = if count == 1 {
            "1 field".to_owned()
        } else {
            format!("{count} fields")
        };
        let message = match field_types.get(name) {
            None => format!("no definition of this field type; {fields} treated as varchar"),
            Some(field_type) if field_type.skips_attribute => {
                format!("custom field type without a stored attribute; {fields}")
            }
            Some(field_type) if field_type.kind == K::Other => {
                let column = Def(&field_type.field_defs).text("type").unwrap_or_default();
                format!(
                    "custom field type with the unknown column type `{column}`; {fields} treated as untyped JSON"
                )
            }
            Some(field_type) => {
                format!(
                    "custom field type; {fields} treated as {}",
                    field_type.kind.name()
                )
            }
        };
        diagnostics.push(Diagnostic::note(format!("fields.{name}"), message));
    }
}
