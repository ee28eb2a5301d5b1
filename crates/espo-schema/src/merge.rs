//! Merging of metadata trees by EspoCRM's rules.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

/// A marker in a list: append the other items to the items of the base.
const APPEND: &str = "__APPEND__";

/// Merges the override into the base.
pub(crate) fn merge(base: Value, over: Value) -> Value {
    if is_empty(&base) && is_empty(&over) {
        return if base.is_array() || over.is_array() {
            Value::Array(Vec::new())
        } else {
            over
        };
    }
    match over {
        // The server merges key by key or item by item, and the override is empty.
        Value::Object(over) if over.is_empty() && !is_empty(&base) => base,
        Value::Array(items)
            if !items.is_empty() && items.iter().all(is_append) && !is_empty(&base) =>
        {
            base
        }
        Value::Object(over) => {
            let mut merged = match base {
                Value::Object(map) => map,
                _ => Map::new(),
            };
            for (key, value) in over {
                match merged.get_mut(&key) {
                    Some(slot) if !slot.is_null() => *slot = merge(slot.take(), value),
                    Some(slot) => *slot = without_append(value),
                    None => {
                        merged.insert(key, without_append(value));
                    }
                }
            }
            Value::Object(merged)
        }
        Value::Array(items) if items.iter().any(is_append) => {
            let mut merged = match base {
                Value::Array(list) => list,
                _ => Vec::new(),
            };
            merged.extend(items.into_iter().filter(|item| !is_append(item)));
            Value::Array(merged)
        }
        other => other,
    }
}

/// Whether PHP treats the value as empty; objects are never empty.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(s) => s.is_empty() || s == "0",
        Value::Array(list) => list.is_empty(),
        Value::Object(_) => false,
    }
}

fn is_append(value: &Value) -> bool {
    value.as_str() == Some(APPEND)
}

/// The value without the marker, at any depth.
fn without_append(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(
            items
                .into_iter()
                .filter(|item| !is_append(item))
                .map(without_append)
                .collect(),
        ),
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(k, v)| (k, without_append(v)))
                .collect(),
        ),
        other => other,
    }
}

/// Removes the values at the paths from the tree. `unset.json` files name such paths.
pub(crate) fn remove_paths(tree: &mut Value, paths: &[Vec<String>]) {
    // Per parent, so that a long list of paths goes through each object once.
    let mut by_parent: BTreeMap<&[String], HashSet<&str>> = BTreeMap::new();
    for path in paths {
        if let Some((last, parents)) = path.split_last() {
            by_parent.entry(parents).or_default().insert(last);
        }
    }
    for (parents, keys) in by_parent {
        let parent = parents
            .iter()
            .try_fold(&mut *tree, |here, key| here.get_mut(key.as_str()));
        if let Some(Value::Object(map)) = parent {
            map.retain(|key, _| !keys.contains(key.as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{merge, remove_paths};

    #[test]
    fn all_merge_rules_of_the_server_apply() {
        for (name, base, over, expected) in [
            (
                "both empty, one a list",
                json!({"k": []}),
                json!({"k": null}),
                json!({"k": []}),
            ),
            (
                "both empty, no list",
                json!({"k": ""}),
                json!({"k": false}),
                json!({"k": false}),
            ),
            (
                "an empty object is not empty",
                json!({"k": {}}),
                json!({"k": []}),
                json!({"k": []}),
            ),
            (
                "objects merge by key",
                json!({"k": {"a": 1, "b": 2}}),
                json!({"k": {"b": 3, "c": 4}}),
                json!({"k": {"a": 1, "b": 3, "c": 4}}),
            ),
            (
                "a key is blanked with null",
                json!({"k": {"a": 1}}),
                json!({"k": null}),
                json!({"k": null}),
            ),
            (
                "a null in the base is replaced",
                json!({"k": null}),
                json!({"k": ["__APPEND__", 1]}),
                json!({"k": [1]}),
            ),
            (
                "a list replaces a list",
                json!({"k": [1, 2]}),
                json!({"k": [3]}),
                json!({"k": [3]}),
            ),
            (
                "a marked list is appended",
                json!({"k": [1, 2]}),
                json!({"k": [3, "__APPEND__"]}),
                json!({"k": [1, 2, 3]}),
            ),
            (
                "the mark in what is new goes",
                json!({}),
                json!({"k": {"l": ["__APPEND__", {"m": ["__APPEND__"]}]}}),
                json!({"k": {"l": [{"m": []}]}}),
            ),
            (
                "a scalar replaces an object",
                json!({"k": {"a": 1}}),
                json!({"k": 5}),
                json!({"k": 5}),
            ),
            (
                "an empty object keeps a scalar",
                json!({"k": 5}),
                json!({"k": {}}),
                json!({"k": 5}),
            ),
            (
                "an empty object keeps a list",
                json!({"k": [1]}),
                json!({"k": {}}),
                json!({"k": [1]}),
            ),
            (
                "an empty object replaces an empty scalar",
                json!({"k": ""}),
                json!({"k": {}}),
                json!({"k": {}}),
            ),
            (
                "an empty object replaces an empty list",
                json!({"k": []}),
                json!({"k": {}}),
                json!({"k": {}}),
            ),
            (
                "a mark without items keeps a scalar",
                json!({"k": "link"}),
                json!({"k": ["__APPEND__"]}),
                json!({"k": "link"}),
            ),
            (
                "a mark without items keeps an object",
                json!({"k": {"a": 1}}),
                json!({"k": ["__APPEND__"]}),
                json!({"k": {"a": 1}}),
            ),
            (
                "a mark without items replaces an empty scalar",
                json!({"k": 0}),
                json!({"k": ["__APPEND__"]}),
                json!({"k": []}),
            ),
            (
                "an object replaces a scalar",
                json!({"k": 5}),
                json!({"k": {"a": 1}}),
                json!({"k": {"a": 1}}),
            ),
        ] {
            assert_eq!(merge(base, over), expected, "{name}");
        }
    }

    #[test]
    fn paths_are_removed_and_missing_ones_ignored() {
        let mut tree = json!({"a": {"b": {"c": 1, "d": 2, "e": 3}}, "f": 4});
        let paths = ["a.b.c", "a.b.e", "a.x.c", "a.b.d.y", "f"];
        remove_paths(
            &mut tree,
            &paths.map(|path| path.split('.').map(str::to_owned).collect()),
        );
        assert_eq!(tree, json!({"a": {"b": {"d": 2}}}));
    }
}
