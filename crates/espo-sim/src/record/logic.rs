//! Dynamic logic: fields that are required while a condition on other attributes applies.

use serde_json::{Value as Json, json};

use super::validate::Candidate;
use crate::value::Value;

impl Candidate<'_> {
    /// Whether a condition of the metadata's `logicDefs` applies to the values after the save.
    pub(super) fn applies(&self, item: &Json) -> bool {
        let items = || item["value"].as_array().into_iter().flatten();
        let value = self.value(item["attribute"].as_str().unwrap_or_default());
        let given = &item["value"];
        let is_equal = |other: &Json| value.to_json() == *other;
        match item["type"].as_str().unwrap_or("equals") {
            "and" => items().all(|i| self.applies(i)),
            "or" => items().any(|i| self.applies(i)),
            "not" => !self.applies(given),
            "equals" => is_equal(given),
            "notEquals" => !is_equal(given),
            "isTrue" => value.is_true(),
            "isFalse" => !value.is_true(),
            "isEmpty" => is_empty(&value),
            "isNotEmpty" => !is_empty(&value),
            "in" => items().any(is_equal),
            "notIn" => !items().any(is_equal),
            "contains" | "has" => value.as_list().is_some_and(|l| l.contains(given)),
            "notContains" | "notHas" => value.as_list().is_none_or(|l| !l.contains(given)),
            "greaterThan" => value.as_f64() > given.as_f64(),
            "greaterThanOrEquals" => value.as_f64() >= given.as_f64(),
            "lessThan" => value.as_f64() < given.as_f64(),
            "lessThanOrEquals" => value.as_f64() <= given.as_f64(),
            // Conditions that depend on the user or the time are left to the browser.
            _ => false,
        }
    }

    /// Whether the body has an attribute that the condition is about.
    pub(super) fn touches(&self, item: &Json) -> bool {
        let attribute = item["attribute"].as_str();
        attribute.is_some_and(|a| self.raw(a).is_some())
            || (item["value"].as_array().into_iter().flatten()).any(|i| self.touches(i))
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::Json(list) => **list == json!([]),
        _ => false,
    }
}
