//! Where items: parsed, checked and compiled into conditions.

mod check;
mod folder;
mod links;
mod person;

use std::cell::Cell;

use espo_schema::AttributeRole;
use serde_json::Value as Json;

use super::Pred;
use super::compare::{compare, equals, in_range, items, like, not, one_of, texts};
use super::dates::{self, DateContext};
use crate::app::{App, Caller};
use crate::http::{Refusal, Result};
use crate::layout::{AttrIx, Layout, Slot, Source, Ty};
use crate::store::{Row, Test};
use crate::value::Value;
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
/// Types whose value is a list of items.
const GROUPS: &[&str] = &["and", "or", "not", "subQueryIn", "subQueryNotIn", "having"];
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

/// Checks the parts that the server parses first; errors in them return 500.
fn parse(item: &Json) -> Result<()> {
    let Some(map) = item.as_object() else {
        return Err(Refusal::internal_page());
    };
    let Some(type_) = map
        .get("type")
        .and_then(Json::as_str)
        .filter(|t| !t.is_empty())
    else {
        return Err(Refusal::internal());
    };
    if map.keys().any(|k| !KEYS.contains(&k.as_str())) {
        return Err(Refusal::internal());
    }
    if GROUPS.contains(&type_) {
        return match map.get("value") {
            None | Some(Json::Null) => Ok(()),
            Some(Json::Array(items)) => items.iter().try_for_each(parse),
            Some(Json::Object(items)) if !items.contains_key("type") => {
                items.values().try_for_each(parse)
            }
            Some(_) => Err(Refusal::internal()),
        };
    }
    match attribute(item) {
        Some(a) if !a.is_empty() => Ok(()),
        _ => Err(Refusal::internal()),
    }
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
        items.iter().try_for_each(parse)?;
        let cx = Compiler {
            app,
            caller,
            layout,
            broken: Cell::new(false),
        };
        items.iter().try_for_each(|item| cx.check(item))?;
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
        if item
            .get("value")
            .and_then(Json::as_array)
            .is_some_and(Vec::is_empty)
        {
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
        if item
            .get("value")
            .and_then(Json::as_array)
            .is_some_and(Vec::is_empty)
        {
            match type_ {
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
            // A link stub: IDs have no column to compare.
            drop(self.test(type_, Ty::List, item)?);
            self.broken
                .set(self.broken.get() || !type_.starts_with("array"));
            return Ok(Box::new(|_| false));
        };
        let attr = &self.layout.attrs[ix];
        match type_ {
            "any" => return Ok(Box::new(|_| true)),
            "none" => return Ok(Box::new(|_| false)),
            _ => {}
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
        // All addresses and numbers of a record are compared, not only the primary one.
        let data = matches!(attr.name.as_str(), "emailAddress" | "phoneNumber")
            .then(|| layout.slot(&format!("{}Data", attr.name)))
            .flatten()
            .filter(|_| !matches!(type_, "isNull" | "isNotNull" | "ever"));
        if let Some(data) = data {
            let key = attr.name.clone();
            let negative = type_.starts_with("not");
            let primary = layout.slot(&attr.name);
            return Box::new(move |row| {
                let list = row.get(data).as_list();
                if let (Some(slot), Some(1)) = (primary, list.map(<[Json]>::len)) {
                    return test(row.get(slot));
                }
                let Some(items) = list.filter(|l| !l.is_empty()) else {
                    return test(&Value::Null);
                };
                let mut each = items
                    .iter()
                    .map(|i| test(&i.get(&key).map_or(Value::Null, Value::from_json)));
                if negative {
                    each.all(|x| x)
                } else {
                    each.any(|x| x)
                }
            });
        }
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
            // No column and no expression: nothing ever matches.
            _ => Box::new(|_| false),
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
        Ok(match type_ {
            "equals" | "on" => match value {
                Json::Null => Box::new(|v| v.is_null()),
                Json::Array(list) => one_of(ty, list),
                v => equals(ty, v),
            },
            "notEquals" | "notOn" => match value {
                Json::Null => Box::new(|v| !v.is_null()),
                Json::Array(list) if list.is_empty() => Box::new(|_| true),
                Json::Array(list) => not(one_of(ty, list)),
                v => not(equals(ty, v)),
            },
            "in" => one_of(ty, value.as_array().ok_or_else(bad)?),
            "notIn" => {
                let list = value.as_array().ok_or_else(bad)?;
                if list.is_empty() {
                    Box::new(|_| true)
                } else {
                    not(one_of(ty, list))
                }
            }
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
            "like" => like(value, |s| s.to_owned()),
            "notLike" => not(like(value, |s| s.to_owned())),
            "contains" => like(value, |s| format!("%{s}%")),
            "notContains" => not(like(value, |s| format!("%{s}%"))),
            "startsWith" => like(value, |s| format!("{s}%")),
            "endsWith" => like(value, |s| format!("%{s}")),
            "isNull" => Box::new(|v| v.is_null()),
            "isNotNull" | "ever" => Box::new(|v| !v.is_null()),
            "isTrue" => equals(ty, &Json::Bool(true)),
            "isFalse" => equals(ty, &Json::Bool(false)),
            "arrayAnyOf" | "arrayNoneOf" | "arrayAllOf" => {
                let wanted = texts(value).ok_or_else(|| {
                    Refusal::bad_request(match type_ {
                        "arrayAnyOf" => "Bad where item. No value.",
                        _ => "Bad where item 'array'. No value.",
                    })
                })?;
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
            "expression" => Box::new(|v| v.as_f64().is_some_and(|n| n != 0.0)),
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
