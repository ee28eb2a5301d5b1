//! Filters by email address and phone number, which compare all addresses of a record.

use serde_json::Value as Json;

use super::super::Pred;
use super::{Compiler, Test};
use crate::http::Result;
use crate::http::json::php_text;
use crate::layout::{Attr, Ty};
use crate::value::Value;

impl<'a> Compiler<'a> {
    /// Returns the condition of an item on an address; `None` if it depends on the primary address only.
    pub(super) fn address(
        &self,
        type_: &str,
        attr: &Attr,
        item: &Json,
    ) -> Result<Option<Pred<'a>>> {
        let data = match attr.name.as_str() {
            "emailAddress" | "phoneNumber" => self.layout.slot(&format!("{}Data", attr.name)),
            _ => None,
        };
        let value = item.get("value").unwrap_or(&Json::Null);
        // A negation excludes the records that the opposite finds, so it finds those without an address.
        let (positive, negated) = match type_ {
            "notEquals" | "notOn" if value.is_null() => return Ok(None),
            "isNull" | "isNotNull" | "ever" => return Ok(None),
            "notEquals" | "notOn" => ("equals", true),
            "notIn" => ("in", true),
            "notLike" => ("like", true),
            "notContains" => ("contains", true),
            other => (other, false),
        };
        let Some(data) = data else { return Ok(None) };
        let mut item = item.clone();
        let is_email = attr.name == "emailAddress";
        let is_list = value.is_array() || value.is_object();
        self.note(&attr.name, type_, &item);
        if is_email && positive == "like" && is_list {
            self.broken.set(true);
        }
        if is_email && !is_list && !value.is_null() {
            // An email address is compared in lower case, and therefore as a string.
            item["value"] = Json::from(php_text(value));
        }
        let test: Test = self.test(positive, Ty::Text, &item)?;
        let (key, primary) = (attr.name.clone(), self.layout.slot(&attr.name));
        Ok(Some(Box::new(move |row| {
            let items = row.get(data).as_list().unwrap_or_default();
            let found = match (primary, items) {
                (Some(slot), [] | [_]) => test(row.get(slot)),
                _ => items
                    .iter()
                    .any(|i| test(&i.get(&key).map_or(Value::Null, Value::from_json))),
            };
            found != negated
        })))
    }
}
