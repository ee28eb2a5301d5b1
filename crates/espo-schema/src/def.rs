//! Reads single keys of a definition as leniently as PHP does.

use serde_json::{Map, Value};

/// A definition in which any key may be missing.
#[derive(Clone, Copy)]
pub(crate) struct Def<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Def<'a> {
    /// The value, unless it is absent or null.
    pub(crate) fn get(self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|v| !v.is_null())
    }

    /// Whether PHP treats the value as true.
    pub(crate) fn flag(self, key: &str) -> bool {
        self.get(key).is_some_and(truthy)
    }

    /// The flag, or that of the fallback if this definition does not have the key.
    pub(crate) fn flag_or(self, key: &str, fallback: Option<Def<'_>>) -> bool {
        match self.get(key) {
            Some(value) => truthy(value),
            None => fallback.is_some_and(|f| f.flag(key)),
        }
    }

    /// A non-empty string.
    pub(crate) fn text(self, key: &str) -> Option<String> {
        self.get(key)
            .and_then(Value::as_str)
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
    }

    /// An integer, even if it is written as a string.
    pub(crate) fn count(self, key: &str) -> Option<u64> {
        match self.get(key)? {
            // The float has no fraction, so the conversion is exact.
            Value::Number(n) => n.as_u64().or_else(|| {
                let float = n.as_f64()?;
                (float >= 0.0 && float.fract() == 0.0 && float <= u32::MAX.into())
                    .then_some(float as u64)
            }),
            Value::String(s) => s.trim().parse().ok(),
            _ => None,
        }
    }

    /// A number, or a string that contains one (the bounds of decimals).
    pub(crate) fn scalar(self, key: &str) -> Option<Value> {
        self.get(key)
            .filter(|v| v.is_number() || v.is_string())
            .cloned()
    }

    /// A number, even if it is written as a string; a string that is not a number is ignored.
    pub(crate) fn number(self, key: &str) -> Option<Value> {
        let text = match self.get(key)? {
            Value::Number(n) => return Some(Value::Number(n.clone())),
            Value::String(text) => text.trim(),
            _ => return None,
        };
        let int = text.parse::<i64>().ok().map(Value::from);
        int.or_else(|| {
            let float = text.parse::<f64>().ok().filter(|f| f.is_finite())?;
            Some(Value::from(float))
        })
    }

    /// A list of strings; other items are ignored. An object is treated as the list of its values, as PHP prints a list
    /// whose keys have gaps.
    pub(crate) fn texts(self, key: &str) -> Vec<String> {
        self.get(key).and_then(option_texts).unwrap_or_default()
    }

    /// An object; empty if the value is absent or not an object.
    pub(crate) fn map(self, key: &str) -> Option<&'a Map<String, Value>> {
        self.get(key).and_then(Value::as_object)
    }
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(s) => !s.is_empty() && s != "0",
        Value::Array(list) => !list.is_empty(),
        Value::Object(_) => true,
    }
}

/// The items of a list (or the values of an object) as strings, numbers included; `None` for anything else.
pub(crate) fn option_texts(value: &Value) -> Option<Vec<String>> {
    let text = |item: &Value| match item {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Null => Some(String::new()),
        _ => None,
    };
    match value {
        Value::Array(list) => Some(list.iter().filter_map(text).collect()),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            // The keys are the indexes of a list with gaps: `"2"` comes before `"10"`.
            entries.sort_by_key(|(key, _)| (key.parse().unwrap_or(u64::MAX), key.as_str()));
            Some(
                entries
                    .into_iter()
                    .filter_map(|(_, item)| text(item))
                    .collect(),
            )
        }
        _ => None,
    }
}

/// `city` → `City`. Stock field names are ASCII; custom names may not be.
pub(crate) fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
