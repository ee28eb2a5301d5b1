//! JSON Merge Patch (RFC 7386), used to store one version's metadata as the difference from another's.

use serde_json::{Map, Value};

/// Applies the patch to the target: null removes a key, objects are patched by key, and any other value replaces the
/// old one.
#[cfg(any(feature = "stock", test))]
pub(crate) fn apply(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else {
        return;
    };
    for (key, change) in patch {
        if change.is_null() {
            target.shift_remove(key);
        } else {
            apply(target.entry(key).or_insert(Value::Null), change);
        }
    }
}

/// The patch that turns one tree into the other; `None` if they are equal. Neither tree may contain null.
pub(crate) fn between(from: &Value, to: &Value) -> Option<Value> {
    let (Value::Object(before), Value::Object(after)) = (from, to) else {
        return (from != to).then(|| to.clone());
    };
    let mut patch = Map::new();
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in after {
        let change = match before.get(key) {
            Some(old) => between(old, value),
            None => Some(value.clone()),
        };
        if let Some(change) = change {
            patch.insert(key.clone(), change);
        }
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{apply, between};

    #[test]
    fn patches_turn_one_tree_into_the_other() {
        let trees = [
            json!({}),
            json!({"a": 1, "b": {"c": [1, 2], "d": {"e": true}}}),
            json!({"a": {"b": 1}, "b": {"c": [2], "f": {}}}),
            json!({"b": {"c": "x", "d": {}}}),
        ];
        for from in &trees {
            for to in &trees {
                let patch = between(from, to);
                assert_eq!(patch.is_none(), from == to);
                let mut patched = from.clone();
                apply(&mut patched, &patch.unwrap_or_else(|| json!({})));
                assert_eq!(&patched, to);
            }
        }
    }
}
