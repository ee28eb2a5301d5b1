//! A digest of a JSON tree that does not depend on the order of object keys.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256 in lower-case hex.
pub(crate) fn content_hash(value: &Value) -> String {
    let mut hasher = Sha256::new();
    feed(value, &mut hasher);
    hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Feeds the value as compact JSON with sorted keys.
fn feed(value: &Value, hasher: &mut Sha256) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            hasher.update(b"{");
            for (key, value) in entries {
                hasher.update(Value::String(key.clone()).to_string());
                hasher.update(b":");
                feed(value, hasher);
                hasher.update(b",");
            }
            hasher.update(b"}");
        }
        Value::Array(list) => {
            hasher.update(b"[");
            for item in list {
                feed(item, hasher);
                hasher.update(b",");
            }
            hasher.update(b"]");
        }
        scalar => hasher.update(scalar.to_string()),
    }
}
