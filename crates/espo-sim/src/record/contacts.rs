//! Checks of addresses, numbers and columns, in addition to those in [`super::validate`].

use espo_schema::{Field, FieldKind};
use serde_json::Value as Json;

use super::patterns::{is_email, is_phone};
use super::validate::Candidate;
use crate::http::json::php_text;

impl Candidate<'_> {
    pub(super) fn email(&self, name: &str) -> bool {
        let own = self.raw(name).is_none_or(|v| {
            v.is_null() || matches!(v, Json::String(s) if s.is_empty() || is_email(s))
        });
        own && self
            .raw(&format!("{name}Data"))
            .and_then(Json::as_array)
            .is_none_or(|l| {
                l.iter().all(|i| {
                    i.get("emailAddress")
                        .and_then(Json::as_str)
                        .is_some_and(is_email)
                })
            })
    }

    pub(super) fn phone(&self, field: &Field) -> bool {
        let name = &field.name;
        let own = self.raw(name).is_none_or(|v| {
            let text = php_text(v);
            text.is_empty() || is_phone(&text)
        });
        own && self.items(field).all(|i| {
            let number = i
                .get("phoneNumber")
                .and_then(Json::as_str)
                .is_some_and(is_phone);
            let type_ = i.get("type").and_then(Json::as_str).is_none_or(|t| {
                field.type_list.is_empty() || field.type_list.iter().any(|x| x == t)
            });
            number && type_
        })
    }

    /// Whether text, enum and boolean columns are valid for the field that shows them at the other end of the link.
    pub(super) fn columns(&self, field: &Field) -> bool {
        let Some(Json::Object(columns)) = self.raw(&format!("{}Columns", field.name)) else {
            return true;
        };
        let Some(target) = crate::view::target(self.app, self.layout, &field.name) else {
            return true;
        };
        let entity = self.app.layouts.entity(target);
        if !columns.values().all(Json::is_object) {
            return false;
        }
        let mut values = columns.values().filter_map(Json::as_object).flatten();
        values.all(|(column, value)| {
            let Some(shown) = field.columns.get(column).and_then(|f| entity.fields.get(f)) else {
                return true;
            };
            match (shown.kind, value) {
                (FieldKind::Bool, v) => v.is_boolean(),
                (_, Json::Null) => true,
                (FieldKind::Enum, Json::String(s)) => shown.options.allows(s),
                (FieldKind::Varchar, Json::String(s)) => {
                    s.chars().count() as u64 <= shown.max_length.unwrap_or(255)
                }
                (FieldKind::Enum | FieldKind::Varchar, _) => false,
                _ => true,
            }
        })
    }
}
