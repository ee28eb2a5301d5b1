//! Secrets in records: passwords, keys and tokens are not shown by `Debug`.

use std::fmt;

use serde_json::Value;

use super::value::ToJson;
use crate::JsonObject;

/// Shown in place of a secret.
const HIDDEN: &str = "(hidden)";

/// Whether an attribute is a secret: its field's type is `password`, or its name ends like the names of secrets in
/// EspoCRM and in common integrations.
pub(super) fn is_secret(attribute: &str, field_type: &str) -> bool {
    const ENDINGS: [&str; 12] = [
        "password",
        "passwordconfirm",
        "passphrase",
        "secret",
        "secretkey",
        "privatekey",
        "apikey",
        "accesskey",
        "token",
        "tokensecret",
        "credentials",
        "authorization",
    ];
    if field_type == "password" {
        return true;
    }
    let name: String = attribute
        .chars()
        .filter(|c| *c != '_' && *c != '-')
        .map(|c| c.to_ascii_lowercase())
        .collect();
    // The password hash of a login token.
    name == "hash" || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// JSON as shown by `Debug`, without its secrets.
pub(super) struct Shown<'a>(pub(super) &'a Value);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Array(items) => f.debug_list().entries(items.iter().map(Shown)).finish(),
            Value::Object(entries) => ShownObject(entries).fmt(f),
            scalar => scalar.fmt(f),
        }
    }
}

/// An object as shown by `Debug`, without its secrets.
pub(super) struct ShownObject<'a>(pub(super) &'a JsonObject);

impl fmt::Debug for ShownObject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_map();
        for (name, value) in self.0 {
            if is_secret(name, "") && hides(value) {
                shown.entry(name, &format_args!("{HIDDEN}"));
            } else {
                shown.entry(name, &Shown(value));
            }
        }
        shown.finish()
    }
}

/// Adds an attribute to the `Debug` output of a record.
pub(super) fn show(
    shown: &mut fmt::DebugStruct<'_, '_>,
    name: &str,
    field_type: &str,
    value: &dyn ToJson,
) {
    if is_secret(name, field_type) && hides(&value.json()) {
        shown.field(name, &format_args!("{HIDDEN}"));
    } else if let Some(json) = value.any().downcast_ref::<Value>() {
        shown.field(name, &Shown(json));
    } else {
        shown.field(name, value.debug());
    }
}

/// A flag such as `hasPassword` or an empty value reveals nothing.
fn hides(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Shown, is_secret};

    #[test]
    fn secrets_are_recognised_by_name_or_field_type() {
        for name in [
            "password",
            "smtpPassword",
            "apiKey",
            "secretKey",
            "clientSecret",
            "c_access_token",
            "refreshToken",
            "auth2FATotpSecret",
            "hash",
        ] {
            assert!(is_secret(name, "varchar"), "{name}");
        }
        assert!(is_secret("cPin", "password"));
        for name in [
            "authTokenId",
            "nameHash",
            "passwordExpirationDays",
            "key",
            "secretary",
        ] {
            assert!(!is_secret(name, "varchar"), "{name}");
        }
    }

    #[test]
    fn secrets_inside_json_are_hidden() {
        let json = json!({"a": [{"apiKey": "k-1"}], "hasPassword": true, "token": ""});
        let shown = format!("{:?}", Shown(&json));
        assert_eq!(
            shown,
            r#"{"a": [{"apiKey": (hidden)}], "hasPassword": Bool(true), "token": String("")}"#
        );
    }
}
