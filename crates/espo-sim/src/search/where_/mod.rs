//! Where items: parsed, checked and compiled into conditions.

mod address;
mod check;
mod folder;
mod links;
mod person;

use std::cell::Cell;

use espo_schema::AttributeRole;
use serde_json::Value as Json;

use super::Pred;
use super::compare::{compare, equals, in_range, items, like, none_of, not, one_of, text_of};
use super::dates::{self, DateContext};
use super::params::is_filled;
use crate::app::{App, Caller};
use crate::http::json::php_text;
use crate::http::{Refusal, Result};
use crate::layout::{AttrIx, Layout, Slot, Source, Ty};
use crate::store::{Row, Test};
use crate::value::{Value, leading_number};
use crate::view;

/// Types whose attribute is a link.
const LINK_TYPES: &[&str] = &[
    "linkedWith",
    "notLinkedWith",
    "linkedWithAll",
    "isLinked",
    "isNotLinked",
    "inCategory",
    "isUserFromTeams",
];
/// Types that bind their value to a query.
const BINDING: &[&str] = &[
    "equals",
    "notEquals",
    "on",
    "notOn",
    "in",
    "notIn",
    "like",
    "notLike",
    "greaterThan",
    "lessThan",
    "greaterThanOrEquals",
    "lessThanOrEquals",
    "after",
    "before",
];
/// Types that only a trusted caller may use, regardless of their value.
const SUB_QUERIES: &[&str] = &["not", "subQueryIn", "subQueryNotIn"];
const KEYS: &[&str] = &[
    "type",
    "attribute",
    "field",
    "value",
    "dateTime",
    "date",
    "timeZone",
];

/// Compiled conditions, and whether the database can evaluate them.
pub(crate) type Compiled<C> = (C, Result<()>);

/// Compiles the items of a search, which are combined with AND.
pub(crate) fn compile<'a>(
    app: &'a App,
    caller: &'a Caller,
    layout: &'a Layout,
    items: &[Json],
) -> Result<Compiled<Vec<Pred<'a>>>> {
    let cx = Compiler::checked(app, caller, layout, items)?;
    let conditions = items
        .iter()
        .map(|item| cx.item(item))
        .collect::<Result<_>>()?;
    Ok((conditions, cx.executable()))
}

/// The conditions on single values, and the remaining conditions on the row.
pub(crate) type Split<'a> = (Vec<(Slot, Test)>, Vec<Pred<'a>>);

/// Same as [`compile`], but with the items on a single stored value separate, for a scan by column.
pub(crate) fn split<'a>(
    app: &'a App,
    caller: &'a Caller,
    layout: &'a Layout,
    items: &[Json],
) -> Result<Compiled<Split<'a>>> {
    let cx = Compiler::checked(app, caller, layout, items)?;
    let (mut tests, mut conditions) = (Vec::new(), Vec::new());
    for item in items {
        match cx.stored(item)? {
            Some(test) => tests.push(test),
            None => conditions.push(cx.item(item)?),
        }
    }
    Ok(((tests, conditions), cx.executable()))
}

/// Checks the parts that the server parses first; errors in them return 500. Items of a group are parsed only after
/// the group itself has been checked.
fn parse(item: &Json) -> Result<()> {
    let Some(map) = item.as_object() else {
        return Err(match item {
            Json::Array(_) => Refusal::internal(),
            _ => Refusal::internal_page(),
        });
    };
    let filled = |key: &str| match map.get(key) {
        None | Some(Json::Null) => Ok(false),
        Some(Json::Array(_) | Json::Object(_)) => Err(Refusal::internal_page()),
        Some(v) => Ok(v.as_str() != Some("")),
    };
    if !filled("type")? || map.keys().any(|k| !KEYS.contains(&k.as_str())) {
        return Err(Refusal::internal());
    }
    let type_ = map["type"].as_str().unwrap_or_default();
    let valid = match type_ {
        "and" | "or" => match map.get("value") {
            None | Some(Json::Null | Json::Array(_)) => true,
            // The keys of a list of PHP.
            Some(Json::Object(items)) => {
                (0..items.len()).all(|i| items.contains_key(&i.to_string()))
            }
            Some(_) => false,
        },
        _ if SUB_QUERIES.contains(&type_) => true,
        _ => filled("attribute")? || filled("field")?,
    };
    valid.then_some(()).ok_or_else(Refusal::internal)
}

pub(super) fn attribute(item: &Json) -> Option<&str> {
    item.get("attribute")
        .or_else(|| item.get("field"))
        .and_then(Json::as_str)
}

/// Returns the items of a group; a map is treated as its values.
pub(super) fn group(item: &Json) -> Vec<&Json> {
    match item.get("value") {
        Some(Json::Array(items)) => items.iter().collect(),
        Some(Json::Object(items)) => items.values().collect(),
        _ => Vec::new(),
    }
}

/// Returns the values of an item, as a list even if there is only one.
fn values(item: &Json) -> Vec<Json> {
    match item.get("value") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(list)) => list.clone(),
        Some(Json::Object(map)) => map.values().cloned().collect(),
        Some(v) => vec![v.clone()],
    }
}

fn is_empty_list(item: &Json) -> bool {
    let value = item.get("value");
    value.is_some_and(|v| v.is_array() || v.is_object()) && values(item).is_empty()
}

struct Compiler<'a> {
    app: &'a App,
    caller: &'a Caller,
    layout: &'a Layout,
    /// Whether the database cannot evaluate an item. The query then fails after all items have been checked.
    broken: Cell<bool>,
}

impl<'a> Compiler<'a> {
    fn checked(
        app: &'a App,
        caller: &'a Caller,
        layout: &'a Layout,
        items: &[Json],
    ) -> Result<Self> {
        let cx = Compiler {
            app,
            caller,
            layout,
            broken: Cell::new(false),
        };
        for item in items {
            parse(item)?;
            cx.check(item)?;
        }
        Ok(cx)
    }

    /// Fails like the database for an item that it cannot evaluate.
    fn executable(&self) -> Result<()> {
        if self.broken.get() {
            Err(Refusal::internal())
        } else {
            Ok(())
        }
    }

    /// Returns the test of an item that depends only on one stored value.
    fn stored(&self, item: &Json) -> Result<Option<(Slot, Test)>> {
        let type_ = item.get("type").and_then(Json::as_str).unwrap_or_default();
        let name = attribute(item).unwrap_or_default();
        let other = matches!(type_, "and" | "or" | "any" | "none")
            || LINK_TYPES.contains(&type_)
            || type_.starts_with("column")
            || folder::is_folder(self.layout, type_)
            || matches!(
                (self.layout.name.as_str(), type_, name),
                ("User", "isOfType", _) | ("Contact", _, "accountAnyId")
            )
            || matches!(name, "id" | "deleted" | "emailAddress" | "phoneNumber");
        let Some(attr) = self.layout.attr(name).filter(|_| !other) else {
            return Ok(None);
        };
        let Source::Slot(slot) = attr.source else {
            return Ok(None);
        };
        dates::check_zone(item)?;
        if is_empty_list(item) {
            return Ok(None);
        }
        self.note(name, type_, item);
        let test = self.test(type_, attr.ty, item)?;
        // A record without an address has no flags, which counts as false.
        let is_flag = matches!(
            attr.role,
            AttributeRole::IsOptedOut | AttributeRole::IsInvalid
        );
        let value = item.get("value").unwrap_or(&Json::Null);
        let is_false = matches!(
            (type_, value),
            ("isFalse", _) | ("equals", Json::Bool(false)) | ("notEquals", Json::Bool(true))
        );
        if is_flag && is_false {
            return Ok(Some((slot, Box::new(|v| !v.is_true()))));
        }
        Ok(Some((slot, test)))
    }

    fn item(&self, item: &Json) -> Result<Pred<'a>> {
        let type_ = item.get("type").and_then(Json::as_str).unwrap_or_default();
        let name = attribute(item).unwrap_or_default();
        dates::check_zone(item)?;
        match type_ {
            "and" | "or" => {
                let parts: Vec<Pred> = group(item)
                    .into_iter()
                    .map(|i| self.item(i))
                    .collect::<Result<_>>()?;
                return Ok(if type_ == "and" || parts.is_empty() {
                    Box::new(move |row| parts.iter().all(|p| p(row)))
                } else {
                    Box::new(move |row| parts.iter().any(|p| p(row)))
                });
            }
            _ if LINK_TYPES.contains(&type_) => {
                return self.link(type_, &self.layout.links[name], item);
            }
            _ if type_.starts_with("column") => return self.column(type_, name, item),
            _ if folder::is_folder(self.layout, type_) => return Ok(self.folder(item)),
            _ => {}
        }
        if self.layout.name == "User" && type_ == "isOfType" {
            return Ok(self.user_of_type(item));
        }
        if self.layout.name == "Contact" && name == "accountAnyId" {
            let test = self.test(type_, Ty::Id, item)?;
            let def = self.layout.links.get("accounts");
            let (app, layout) = (self.app, self.layout);
            self.note(name, type_, item);
            return Ok(match def {
                Some(_) => Box::new(move |row| {
                    view::linked(app, layout, row, "accounts")
                        .iter()
                        .any(|r| test(&Value::Text(r.id.clone())))
                }),
                None => Box::new(|_| false),
            });
        }
        // An empty list contains no value, regardless of the attribute.
        if is_empty_list(item) && item.get("dateTime").is_none() {
            match type_ {
                "notIn" if item["value"].is_object() => return Ok(Box::new(|_| false)),
                "in" | "equals" | "on" => return Ok(Box::new(|_| false)),
                "notIn" | "notEquals" | "notOn" => return Ok(Box::new(|_| true)),
                _ => {}
            }
        }
        let Some(ix) = self.layout.find(name) else {
            match type_ {
                "any" => return Ok(Box::new(|_| true)),
                "none" => return Ok(Box::new(|_| false)),
                _ => {}
            }
            // A link stub: IDs have no column to compare, and no elements.
            let holds = self.test(type_, Ty::List, item)?(&Value::Null);
            self.broken
                .set(self.broken.get() || !type_.starts_with("array"));
            return Ok(Box::new(move |_| holds));
        };
        let attr = &self.layout.attrs[ix];
        match type_ {
            "any" => return Ok(Box::new(|_| true)),
            "none" => return Ok(Box::new(|_| false)),
            _ => {}
        }
        if let Some(address) = self.address(type_, attr, item)? {
            return Ok(address);
        }
        if let Source::Person([first, _, last]) = attr.source
            && let Some(name) = self.person(type_, item, first, last)?
        {
            return Ok(name);
        }
        let test = self.test(type_, attr.ty, item)?;
        self.note(name, type_, item);
        Ok(self.bind(ix, type_, test))
    }

    /// Records an item that the database cannot evaluate.
    fn note(&self, attr: &str, type_: &str, item: &Json) {
        let value = item.get("value").unwrap_or(&Json::Null);
        let allowed = self
            .layout
            .attr(attr)
            .is_some_and(|a| a.query.allows(type_, value));
        if !allowed {
            self.broken.set(true);
        }
    }

    /// Combines a test with the source of its value.
    fn bind(&self, ix: AttrIx, type_: &str, test: Test) -> Pred<'a> {
        let (app, layout) = (self.app, self.layout);
        let attr = &layout.attrs[ix];
        match &attr.source {
            Source::Slot(_) if attr.name == "id" => {
                Box::new(move |row| test(&Value::Text(row.id.clone())))
            }
            Source::Slot(_) if attr.name == "deleted" => {
                Box::new(move |row| test(&Value::Bool(row.deleted)))
            }
            Source::Slot(slot) => {
                let slot = *slot;
                Box::new(move |row| test(row.get(slot)))
            }
            Source::LinkName(link) if layout.links.get(link).is_none_or(|l| l.target.is_none()) => {
                Box::new(|_| false)
            }
            Source::LinkName(_)
            | Source::HasOneId(_)
            | Source::HasOneName(_)
            | Source::Foreign { .. }
            | Source::Person(_)
            | Source::Converted { .. }
            | Source::Numeric(_) => {
                Box::new(move |row| test(&view::value(app, layout, row, ix, "")))
            }
            Source::Special if attr.in_list => {
                Box::new(move |row| test(&view::value(app, layout, row, ix, "")))
            }
            // No column and no expression, so that there is no value.
            _ => {
                let holds = type_.starts_with("array") && test(&Value::Null);
                Box::new(move |_| holds)
            }
        }
    }

    fn test(&self, type_: &str, ty: Ty, item: &Json) -> Result<Test> {
        let bad = || Refusal::bad_request(format!("Bad where item '{type_}'."));
        let null = Json::Null;
        let value = item.get("value").unwrap_or(&null);
        let config = self.app.config.read();
        let cx = DateContext {
            now: self.app.clock.now(),
            system_zone: &config.time_zone,
            fiscal_shift: config.fiscal_year_shift,
        };
        if let Some(range) = dates::range(item, type_, &cx)? {
            return Ok(in_range(range));
        }
        drop(config);
        let list = values(item);
        let is_list = value.is_array() || value.is_object();
        // Lists in lists cannot be bound to a query.
        let is_nested = is_list && list.iter().any(|v| v.is_array() || v.is_object());
        if is_nested && BINDING.contains(&type_) {
            self.broken.set(true);
        }
        let part = Json::from(php_text(value));
        Ok(match type_ {
            "equals" | "on" if is_list => one_of(ty, &list),
            "equals" | "on" => match value {
                Json::Null => Box::new(|v| v.is_null()),
                v => equals(ty, v),
            },
            "notEquals" | "notOn" if is_list => none_of(ty, &list),
            "notEquals" | "notOn" => match value {
                Json::Null => Box::new(|v| !v.is_null()),
                v => not(equals(ty, v)),
            },
            "in" | "notIn" if value.is_object() => Box::new(|_| false),
            "in" | "notIn" if !is_list => return Err(bad()),
            "in" => one_of(ty, &list),
            "notIn" => none_of(ty, &list),
            "greaterThan" | "after" => compare(ty, value, |o| o.is_gt()),
            "lessThan" | "before" => compare(ty, value, |o| o.is_lt()),
            "greaterThanOrEquals" => compare(ty, value, |o| o.is_ge()),
            "lessThanOrEquals" => compare(ty, value, |o| o.is_le()),
            "between" => {
                let list = value.as_array().filter(|l| l.len() >= 2).ok_or_else(bad)?;
                let (from, to) = (
                    compare(ty, &list[0], |o| o.is_ge()),
                    compare(ty, &list[1], |o| o.is_le()),
                );
                Box::new(move |v| from(v) && to(v))
            }
            "like" | "notLike" if value.is_null() => Box::new(|_| false),
            // A list is compared with its elements, and so is its negation.
            "like" | "notLike" if is_list => one_of(ty, &list),
            "like" => like(value, |s| s.to_owned()),
            "notLike" => not(like(value, |s| s.to_owned())),
            "contains" => like(&part, |s| format!("%{s}%")),
            "notContains" => not(like(&part, |s| format!("%{s}%"))),
            "startsWith" => like(&part, |s| format!("{s}%")),
            "endsWith" => like(&part, |s| format!("%{s}")),
            "isNull" => Box::new(|v| v.is_null()),
            "isNotNull" | "ever" => Box::new(|v| !v.is_null()),
            "isTrue" => equals(ty, &Json::Bool(true)),
            "isFalse" => equals(ty, &Json::Bool(false)),
            "arrayAnyOf" | "arrayNoneOf" | "arrayAllOf" => {
                if !is_list && !is_filled(value) {
                    let item = if type_ == "arrayAnyOf" {
                        ""
                    } else {
                        " 'array'"
                    };
                    return Err(Refusal::bad_request(format!(
                        "Bad where item{item}. No value."
                    )));
                }
                let wanted: Vec<String> = list.iter().map(text_of).collect();
                match type_ {
                    "arrayAnyOf" => {
                        Box::new(move |v| items(v).any(|i| wanted.iter().any(|w| w == i)))
                    }
                    "arrayNoneOf" => {
                        Box::new(move |v| !items(v).any(|i| wanted.iter().any(|w| w == i)))
                    }
                    _ => Box::new(move |v| wanted.iter().all(|w| items(v).any(|i| i == w))),
                }
            }
            "arrayIsEmpty" => Box::new(|v| items(v).next().is_none()),
            "arrayIsNotEmpty" => Box::new(|v| items(v).next().is_some()),
            "expression" => Box::new(|v| match v {
                Value::Text(s) => leading_number(s) != 0.0,
                v => v.as_f64().is_some_and(|n| n != 0.0),
            }),
            "any" => Box::new(|_| true),
            "none" => Box::new(|_| false),
            _ => {
                return Err(Refusal::bad_request(format!(
                    "Unknown where item type '{type_}'."
                )));
            }
        })
    }
}

/// Returns the matching rows of a table, unordered, for callers outside a search request.
pub(crate) fn matching<'r>(
    rows: impl Iterator<Item = &'r std::sync::Arc<Row>>,
    conditions: &[Pred],
) -> Vec<std::sync::Arc<Row>> {
    rows.filter(|r| !r.deleted && conditions.iter().all(|c| c(r)))
        .cloned()
        .collect()
}
