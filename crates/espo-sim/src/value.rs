//! The value of one attribute as stored by the server.

use std::sync::Arc;

use compact_str::CompactString;
use serde_json::Value as Json;

/// ID of a record. Seventeen characters are stored inline.
pub(crate) type Id = CompactString;

/// One attribute value. 24 bytes; IDs, dates and short strings need no allocation.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Value {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A string; also dates, IDs and decimal numbers.
    Text(CompactString),
    /// Lists and objects.
    Json(Arc<Json>),
}

impl Value {
    pub(crate) fn text(s: impl Into<CompactString>) -> Value {
        Value::Text(s.into())
    }

    pub(crate) fn json(v: Json) -> Value {
        Value::Json(Arc::new(v))
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(s) => Some(s),
            _ => None,
        }
    }

    /// Returns the string, unless it is null or empty.
    pub(crate) fn non_empty(&self) -> Option<&str> {
        self.as_str().filter(|s| !s.is_empty())
    }

    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Bool(b) => Some(f64::from(u8::from(*b))),
            #[allow(clippy::cast_precision_loss, reason = "PHP loses it the same way")]
            Value::Int(i) => Some(*i as f64),
            Value::Float(f) => Some(*f),
            Value::Text(s) => s.trim().parse().ok(),
            Value::Null | Value::Json(_) => None,
        }
    }

    /// Whether the value is stored inline, without a pointer.
    pub(crate) fn is_inline(&self) -> bool {
        match self {
            Value::Text(s) => !s.is_heap_allocated(),
            Value::Json(_) => false,
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => true,
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Value::Bool(true))
    }

    pub(crate) fn as_list(&self) -> Option<&[Json]> {
        match self {
            Value::Json(j) => j.as_array().map(Vec::as_slice),
            _ => None,
        }
    }

    /// Converts JSON without regard to the attribute's type.
    pub(crate) fn from_json(v: &Json) -> Value {
        match v {
            Json::Null => Value::Null,
            Json::Bool(b) => Value::Bool(*b),
            Json::Number(n) => match n.as_i64() {
                Some(i) => Value::Int(i),
                None => Value::Float(n.as_f64().unwrap_or_default()),
            },
            Json::String(s) => Value::text(s.as_str()),
            Json::Array(_) | Json::Object(_) => Value::json(v.clone()),
        }
    }

    pub(crate) fn to_json(&self) -> Json {
        match self {
            Value::Null => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Int(i) => Json::from(*i),
            Value::Float(f) => Json::from(*f),
            Value::Text(s) => Json::from(s.as_str()),
            Value::Json(j) => (**j).clone(),
        }
    }
}

impl From<bool> for Value {
    fn from(v: bool) -> Self {
        Value::Bool(v)
    }
}

impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Value::text(v)
    }
}

/// Returns the number that a string begins with, as PHP and MySQL convert it.
pub(crate) fn leading_number(s: &str) -> f64 {
    let s = s.trim_start();
    let mut end = 0;
    for (i, c) in s.char_indices() {
        let next = i + c.len_utf8();
        if s[..next].parse::<f64>().is_ok() && !s[..next].ends_with(|c: char| c.is_alphabetic()) {
            end = next;
        } else if !matches!(c, '-' | '+' | '.' | 'e' | 'E') {
            break;
        }
    }
    s[..end].parse().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_24_bytes() {
        assert_eq!(size_of::<Value>(), 24);
        assert_eq!(size_of::<Option<Value>>(), 24);
    }
}
