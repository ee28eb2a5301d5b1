//! Reports defaults that the field itself does not allow.

use serde_json::Value;

use crate::kind::FieldKind;
use crate::model::{Diagnostic, Field, Level};

/// Reports a default that is outside the field's limits or options, or that has another type, and limits that no value
/// meets. The server stores such a default, or rejects creates that omit the field.
pub(super) fn check(field: &Field, path: &str, diagnostics: &mut Vec<Diagnostic>) {
    let mut warn = |key: &str, message: String| {
        diagnostics.push(Diagnostic {
            level: Level::Warning,
            path: format!("{path}.{key}"),
            message,
        });
    };
    if let (Some(min), Some(max)) = (number(field.min.as_ref()), number(field.max.as_ref()))
        && min > max
    {
        warn(
            "min",
            format!("the minimum {min} is greater than the maximum {max}, so no value is allowed"),
        );
    }
    let Some(default) = field.default.as_ref().filter(|default| is_set(default)) else {
        return;
    };
    if let Some(expected) = mismatch(field, default) {
        warn(
            "default",
            format!(
                "the default {default} is not {expected}; creates that omit the field store it or fail"
            ),
        );
    }
}

/// Whether the server fills in the default. The browser evaluates those that start with `javascript:`.
fn is_set(default: &Value) -> bool {
    match default {
        Value::Null => false,
        Value::String(text) => !text.is_empty() && !text.starts_with("javascript:"),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// The requirement that a default does not meet.
fn mismatch(field: &Field, default: &Value) -> Option<String> {
    use FieldKind as K;
    match field.kind {
        K::Int | K::Float | K::Currency => out_of_range(field, default),
        K::Bool => {
            let is_bool = default.is_boolean()
                || matches!(number(Some(default)), Some(n) if n == 0.0 || n == 1.0);
            (!is_bool).then(|| "a boolean".to_owned())
        }
        K::Varchar | K::Text if default.is_array() || default.is_object() => {
            Some("text".to_owned())
        }
        K::Varchar => too_long(field, default),
        // Stands for the setting of the instance (`Preferences.weekStart`).
        K::EnumInt if number(Some(default)) == Some(-1.0) => None,
        K::Enum | K::EnumInt | K::EnumFloat => not_an_option(field, std::slice::from_ref(default)),
        K::MultiEnum | K::Checklist | K::Array => match default {
            Value::Array(items) => not_an_option(field, items),
            _ => Some("a list".to_owned()),
        },
        _ => None,
    }
}

fn out_of_range(field: &Field, default: &Value) -> Option<String> {
    let Some(value) = number(Some(default)) else {
        return Some("a number".to_owned());
    };
    if field.kind == FieldKind::Int && value.fract() != 0.0 {
        return Some("an integer".to_owned());
    }
    let (min, max) = (number(field.min.as_ref()), number(field.max.as_ref()));
    match (min, max) {
        (Some(min), _) if value < min => Some(format!("at least {min}")),
        (_, Some(max)) if value > max => Some(format!("at most {max}")),
        _ => None,
    }
}

fn too_long(field: &Field, default: &Value) -> Option<String> {
    let (limit, text) = (field.length_limit()?, default.as_str()?);
    let is_longer = text.chars().count() as u64 > limit;
    is_longer.then(|| format!("at most {limit} characters long"))
}

fn not_an_option(field: &Field, values: &[Value]) -> Option<String> {
    let is_option = |value: &Value| match value {
        Value::String(text) => field.options.allows(text),
        Value::Number(number) => field.options.allows(&number.to_string()),
        _ => field.options.listed().is_none(),
    };
    let is_allowed = field.allow_custom_options || values.iter().all(is_option);
    (!is_allowed).then(|| "among the options".to_owned())
}

fn number(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
