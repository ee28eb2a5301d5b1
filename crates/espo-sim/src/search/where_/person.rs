//! Filters by a person's name, which the database composes from its parts.

use serde_json::Value as Json;

use super::super::Pred;
use super::Compiler;
use crate::http::Result;
use crate::layout::{Slot, Ty};
use crate::store::Row;
use crate::value::Value;

impl<'a> Compiler<'a> {
    /// Returns the condition of an item on a person's name; `None` if the name is compared like any other string.
    ///
    /// The database compares the last name, the first name, and both in either order. A concatenation with a missing
    /// part is null, so negated conditions exclude all persons without a first name.
    pub(super) fn person(
        &self,
        type_: &str,
        item: &Json,
        first: Option<Slot>,
        last: Option<Slot>,
    ) -> Result<Option<Pred<'a>>> {
        let value = item.get("value").unwrap_or(&Json::Null);
        let part = move |row: &Row, slot: Option<Slot>| {
            slot.and_then(|s| row.get(s).non_empty()).map(str::to_owned)
        };
        let both = move |row: &Row| {
            let (first, last) = (part(row, first)?, part(row, last)?);
            Some([format!("{first} {last}"), format!("{last} {first}")])
        };
        Ok(Some(match (type_, value) {
            ("equals" | "on", Json::String(_) | Json::Number(_) | Json::Bool(_))
            | ("contains" | "startsWith" | "endsWith" | "like", _) => {
                let test = self.test(type_, Ty::Text, item)?;
                Box::new(move |row| {
                    let single = [first, last].into_iter().filter_map(|s| part(row, s));
                    single
                        .chain(both(row).into_iter().flatten())
                        .any(|name| test(&Value::text(name)))
                })
            }
            ("notEquals" | "notOn", Json::String(_) | Json::Number(_) | Json::Bool(_))
            | ("notContains" | "notLike", _) => {
                let test = self.test(type_, Ty::Text, item)?;
                Box::new(move |row| {
                    let Some(names) = both(row) else {
                        return false;
                    };
                    let single = [first, last].into_iter().filter_map(|s| part(row, s));
                    single.chain(names).all(|name| test(&Value::text(name)))
                })
            }
            ("in" | "notIn", _) | ("equals" | "notEquals" | "on" | "notOn", Json::Array(_)) => {
                drop(self.test(type_, Ty::Text, item)?);
                Box::new(|_| false)
            }
            ("isNull", _) | ("equals", Json::Null) => Box::new(|_| false),
            ("isNotNull" | "ever", _) | ("notEquals", Json::Null) => Box::new(|_| true),
            _ => return Ok(None),
        }))
    }
}
