//! Checks the values of a workload against the metadata, to find those that the server would reject in every write.

use espo_schema::{Attribute, EntityType, ValueType};
use serde_json::Value;

use super::near;

/// Returns why the server would reject a value of an attribute; `None` if it would not, or if the metadata cannot tell.
pub(super) fn mismatch(
    entity: &EntityType,
    attribute: &Attribute,
    value: &Value,
) -> Option<String> {
    let named = format!("{}.{}", entity.name, attribute.name);
    match (&attribute.value, value) {
        (_, Value::Null) => None,
        (ValueType::Enum, Value::String(text)) => option(&named, attribute, text),
        (ValueType::EnumInt | ValueType::EnumFloat, Value::Number(number)) => {
            option(&named, attribute, &number.to_string())
        }
        (ValueType::EnumList, Value::Array(list)) => list
            .iter()
            .filter_map(Value::as_str)
            .find_map(|text| option(&named, attribute, text)),
        (ValueType::Text, Value::String(text)) => length(&named, entity, attribute, text),
        (
            ValueType::Int | ValueType::Float | ValueType::Money | ValueType::Decimal,
            Value::Number(number),
        ) => range(&named, entity, attribute, number.as_f64()?),
        (ValueType::Date, Value::String(text)) => {
            moment::<jiff::civil::Date>(&named, text, "a date such as 2026-01-31")
        }
        (ValueType::DateTime, Value::String(text)) => moment::<jiff::civil::DateTime>(
            &named,
            text,
            "a time in UTC such as 2026-01-31 08:15:00",
        ),
        (ValueType::Bool, Value::Bool(_)) => None,
        (ValueType::Bool, _) => Some(format!("{named} must be true or false, not {value}")),
        (ValueType::Enum | ValueType::Text | ValueType::Date | ValueType::DateTime, _) => {
            Some(format!("{named} must be a string, not {value}"))
        }
        (ValueType::EnumList | ValueType::TextList | ValueType::IdList { .. }, other)
            if !other.is_array() =>
        {
            Some(format!("{named} must be an array, not {value}"))
        }
        _ => None,
    }
}

/// Returns the values of a `where` item that are not options of the attribute. Such a filter finds nothing, without an
/// error.
pub(super) fn unknown_options(attribute: &Attribute, item: &Value) -> Vec<String> {
    let compares = [
        "equals",
        "notEquals",
        "in",
        "notIn",
        "arrayAnyOf",
        "arrayAllOf",
        "arrayNoneOf",
    ];
    let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
    let is_enum = matches!(attribute.value, ValueType::Enum | ValueType::EnumList);
    if !is_enum || !compares.contains(&kind) || attribute.options.listed().is_none() {
        return Vec::new();
    }
    let value = item.get("value").unwrap_or(&Value::Null);
    let values = value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice);
    let texts = values.iter().filter_map(Value::as_str);
    let unknown = texts.filter(|text| !text.is_empty() && !attribute.options.allows(text));
    unknown.map(str::to_owned).collect()
}

fn option(named: &str, attribute: &Attribute, text: &str) -> Option<String> {
    let listed = attribute.options.listed()?;
    if text.is_empty() || attribute.options.allows(text) {
        return None;
    }
    let near = near(text, listed.iter().map(String::as_str));
    Some(format!(
        "'{text}' is not an option of {named}: the server would reject every write{near}"
    ))
}

fn length(named: &str, entity: &EntityType, attribute: &Attribute, text: &str) -> Option<String> {
    let field = entity.fields.get(attribute.field.as_ref()?)?;
    let limit = field.length_limit()?;
    let length = text.chars().count() as u64;
    (length > limit).then(|| format!("{named} must have at most {limit} characters, not {length}"))
}

fn range(named: &str, entity: &EntityType, attribute: &Attribute, number: f64) -> Option<String> {
    let field = entity.fields.get(attribute.field.as_ref()?)?;
    let bound = |value: &Option<Value>| {
        let value = value.as_ref()?;
        value.as_f64().or_else(|| value.as_str()?.parse().ok())
    };
    match (bound(&field.min), bound(&field.max)) {
        (Some(min), _) if number < min => {
            Some(format!("{named} must be at least {min}, not {number}"))
        }
        (_, Some(max)) if number > max => {
            Some(format!("{named} must be at most {max}, not {number}"))
        }
        _ => None,
    }
}

fn moment<T: std::str::FromStr>(named: &str, text: &str, expected: &str) -> Option<String> {
    let is_read = text.is_empty() || text.parse::<T>().is_ok();
    (!is_read).then(|| format!("invalid value of {named} '{text}': expected {expected}"))
}
