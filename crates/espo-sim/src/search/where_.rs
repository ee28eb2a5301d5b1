//! Where items: parsed, checked and compiled into conditions (ESPO-API.md E2 and E3).

use std::collections::HashSet;

use serde_json::Value as Json;

use super::Pred;
use super::compare::{Test, compare, equals, in_range, items, like, not, one_of, texts};
use super::dates::{self, DateContext};
use crate::acl::Action;
use crate::app::{App, Caller};
use crate::http::{Refusal, Result};
use crate::layout::{AttrIx, Layout, LinkDef, LinkKind, Slot, Source, Ty};
use crate::record::view;
use crate::store::Row;
use crate::value::{Id, Value};

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

/// Compiles the items of a search; all of them must hold.
pub(crate) fn compile<'a>(
    app: &'a App,
    caller: &'a Caller,
    layout: &'a Layout,
    items: &[Json],
) -> Result<Vec<Pred<'a>>> {
    let cx = Compiler::checked(app, caller, layout, items)?;
    items.iter().map(|item| cx.item(item)).collect()
}

/// What must hold of single values, and what must hold of the row besides.
pub(crate) type Split<'a> = (Vec<(Slot, Test)>, Vec<Pred<'a>>);

/// Like [`compile`], with the items that are about one stored value apart, for a scan by column.
pub(crate) fn split<'a>(
    app: &'a App,
    caller: &'a Caller,
    layout: &'a Layout,
    items: &[Json],
) -> Result<Split<'a>> {
    let cx = Compiler::checked(app, caller, layout, items)?;
    let (mut tests, mut conditions) = (Vec::new(), Vec::new());
    for item in items {
        match cx.stored(item)? {
            Some(test) => tests.push(test),
            None => conditions.push(cx.item(item)?),
        }
    }
    Ok((tests, conditions))
}

/// What the server parses before it looks at anything: failures here are its own errors, 500.
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

/// The items of a group; a map stands for its values.
pub(super) fn group(item: &Json) -> Vec<&Json> {
    match item.get("value") {
        Some(Json::Array(items)) => items.iter().collect(),
        Some(Json::Object(items)) => items.values().collect(),
        _ => Vec::new(),
    }
}

/// The values of an item, whether it brings one or several.
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
        };
        items.iter().try_for_each(|item| cx.check(item))?;
        Ok(cx)
    }

    /// The test of an item that looks at nothing but one stored value.
    fn stored(&self, item: &Json) -> Result<Option<(Slot, Test)>> {
        let type_ = item.get("type").and_then(Json::as_str).unwrap_or_default();
        let name = attribute(item).unwrap_or_default();
        let other = matches!(type_, "and" | "or" | "any" | "none")
            || LINK_TYPES.contains(&type_)
            || type_.starts_with("column")
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
        Ok(Some((slot, self.test(type_, attr.ty, item)?)))
    }

    /// Refuses what may not be asked.
    fn check(&self, item: &Json) -> Result<()> {
        let type_ = item.get("type").and_then(Json::as_str).unwrap_or_default();
        match type_ {
            "and" | "or" => return group(item).into_iter().try_for_each(|i| self.check(i)),
            "not" | "subQueryIn" | "subQueryNotIn" | "having" => {
                return Err(Refusal::forbidden_search(
                    "Sub-queries are forbidden in where.",
                ));
            }
            _ => {}
        }
        let name = attribute(item).unwrap_or_default();
        if name.contains(['.', ':', '#', '\'', '"', '('])
            || name.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            || matches!(name, "true" | "false" | "null")
        {
            return Err(Refusal::forbidden_search(
                "Complex expressions are forbidden in where.",
            ));
        }
        if LINK_TYPES.contains(&type_) {
            let Some(link) = self.layout.links.get(name) else {
                return Err(Refusal::bad_request(format!(
                    "Not existing relation '{name}' in where."
                )));
            };
            let target_closed = link
                .target
                .is_some_and(|t| !self.caller.acl.scope(&self.app.layouts.entities[t].name));
            if target_closed || !self.caller.acl.may_read_field(&self.layout.name, name) {
                return Err(Refusal::forbidden_search(&format!(
                    "Forbidden relation '{name}' in where."
                )));
            }
            if matches!(
                type_,
                "linkedWith" | "notLinkedWith" | "linkedWithAll" | "inCategory"
            ) {
                self.check_ids(link, &values(item))?;
            }
            return Ok(());
        }
        match self.layout.attr(name) {
            Some(a) => {
                let field = a.field.as_deref().unwrap_or(name);
                if a.write_only || !self.field_open(field) {
                    return Err(Refusal::forbidden_search(&format!(
                        "Forbidden attribute '{name}' in where."
                    )));
                }
                Ok(())
            }
            // The ORM knows ids and names of every link, field or not.
            None if self.is_stub(name) => Ok(()),
            None => Err(Refusal::bad_request(format!(
                "Not existing attribute '{name}' in where."
            ))),
        }
    }

    fn field_open(&self, field: &str) -> bool {
        let disabled = self
            .app
            .layouts
            .entity(self.layout)
            .fields
            .get(field)
            .is_some_and(|f| f.disabled);
        !disabled && self.caller.acl.may_read_field(&self.layout.name, field)
    }

    fn is_stub(&self, name: &str) -> bool {
        let link = name
            .strip_suffix("Ids")
            .or_else(|| name.strip_suffix("Names"));
        link.and_then(|l| self.layout.links.get(l))
            .is_some_and(|l| {
                matches!(
                    l.kind,
                    LinkKind::HasMany { .. } | LinkKind::Children { .. } | LinkKind::Many { .. }
                )
            })
    }

    /// Every id of a link filter must lead to a record that the caller may read (9.2 and later).
    fn check_ids(&self, link: &LinkDef, ids: &[Json]) -> Result<()> {
        let Some(target) = link.target.map(|t| &self.app.layouts.entities[t]) else {
            return Ok(());
        };
        for id in ids {
            let Some(id) = id.as_str() else { continue };
            let row = self.app.store.table(target.index).live(id);
            match row {
                None => {
                    return Err(Refusal::forbidden_search(&format!(
                        "Record '{}' '{id}' not found.",
                        target.name
                    )));
                }
                Some(row) if !self.caller.acl.record(self.app, target, &row, Action::Read) => {
                    return Err(Refusal::forbidden_search(&format!(
                        "No access to record '{}' '{id}'.",
                        target.name
                    )));
                }
                Some(_) => {}
            }
        }
        Ok(())
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
            _ => {}
        }
        if self.layout.name == "User" && type_ == "isOfType" {
            return Ok(self.user_of_type(item));
        }
        if self.layout.name == "Contact" && name == "accountAnyId" {
            let test = self.test(type_, Ty::Id, item)?;
            let def = self.layout.links.get("accounts");
            let (app, layout) = (self.app, self.layout);
            return Ok(match def {
                Some(_) => Box::new(move |row| {
                    view::linked(app, layout, row, "accounts")
                        .iter()
                        .any(|r| test(&Value::Text(r.id.clone())))
                }),
                None => Box::new(|_| false),
            });
        }
        let Some(ix) = self.layout.find(name) else {
            // A link stub: ids have no column to compare.
            drop(self.test(type_, Ty::List, item)?);
            return if name.ends_with("Ids") {
                Err(Refusal::internal())
            } else {
                Ok(Box::new(|_| false))
            };
        };
        let attr = &self.layout.attrs[ix];
        match type_ {
            "any" => return Ok(Box::new(|_| true)),
            "none" => return Ok(Box::new(|_| false)),
            _ => {}
        }
        let test = self.test(type_, attr.ty, item)?;
        if matches!(attr.source, Source::Ids(_)) {
            return Err(Refusal::internal());
        }
        Ok(self.bind(ix, type_, test))
    }

    /// Joins a test with the place that its value comes from.
    fn bind(&self, ix: AttrIx, type_: &str, test: Test) -> Pred<'a> {
        let (app, layout) = (self.app, self.layout);
        let attr = &layout.attrs[ix];
        // Any of a record's addresses and numbers counts, not the primary one alone.
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
                let wanted = texts(value).ok_or_else(bad)?;
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

    fn link(&self, type_: &str, link: &'a LinkDef, item: &Json) -> Result<Pred<'a>> {
        let (app, layout) = (self.app, self.layout);
        let bad = || Refusal::bad_request(format!("Bad where item '{type_}'."));
        let ids: HashSet<Id> = values(item)
            .iter()
            .filter_map(Json::as_str)
            .map(Id::from)
            .collect();
        if matches!(type_, "linkedWith" | "notLinkedWith" | "linkedWithAll") {
            if item.get("value").is_none_or(Json::is_null) {
                return Err(bad());
            }
            let allowed = match link.kind {
                LinkKind::Many { .. } | LinkKind::HasMany { .. } => true,
                LinkKind::BelongsTo { .. } | LinkKind::HasOne { .. } => type_ != "linkedWithAll",
                _ => false,
            };
            if !allowed {
                return Err(bad());
            }
        }
        if link.kind == LinkKind::Unknown
            || (matches!(link.kind, LinkKind::Parent { .. }) && type_.starts_with("is"))
        {
            return Err(Refusal::internal());
        }
        Ok(match type_ {
            "linkedWith" | "notLinkedWith" => {
                let wanted = type_ == "linkedWith";
                match link.kind {
                    // From the few ids to their records is shorter than the other way round.
                    LinkKind::Many { relation, forward } => {
                        let linked: HashSet<Id> = ids
                            .iter()
                            .flat_map(|id| app.store.relation(relation).of(id, !forward))
                            .map(|p| p.id)
                            .collect();
                        Box::new(move |row| linked.contains(&row.id) == wanted)
                    }
                    LinkKind::BelongsTo { key } => Box::new(move |row| {
                        row.get(key).non_empty().is_some_and(|id| ids.contains(id)) == wanted
                    }),
                    _ => Box::new(move |row| {
                        view::linked_through(app, layout, row, link)
                            .iter()
                            .any(|r| ids.contains(&r.id))
                            == wanted
                    }),
                }
            }
            "linkedWithAll" => Box::new(move |row| {
                let linked: HashSet<Id> = view::linked_through(app, layout, row, link)
                    .iter()
                    .map(|r| r.id.clone())
                    .collect();
                ids.iter().all(|id| linked.contains(id))
            }),
            "isLinked" | "isNotLinked" => {
                let wanted = type_ == "isLinked";
                match link.kind {
                    LinkKind::BelongsTo { key } => {
                        Box::new(move |row| row.get(key).non_empty().is_some() == wanted)
                    }
                    _ => Box::new(move |row| {
                        view::linked_through(app, layout, row, link).is_empty() != wanted
                    }),
                }
            }
            "inCategory" => {
                let tree = ids
                    .iter()
                    .flat_map(|id| self.descendants(link, id))
                    .collect::<HashSet<Id>>();
                Box::new(move |row| {
                    view::linked_through(app, layout, row, link)
                        .iter()
                        .any(|r| tree.contains(&r.id))
                })
            }
            _ => {
                let user = app.layouts.find("User");
                let teams = user.and_then(|u| u.links.get("teams"));
                let Some(LinkKind::Many { relation, forward }) = teams.map(|t| t.kind) else {
                    return Err(bad());
                };
                let users: HashSet<Id> = ids
                    .iter()
                    .flat_map(|id| app.store.relation(relation).of(id, !forward))
                    .map(|p| p.id)
                    .collect();
                Box::new(move |row| {
                    view::linked_through(app, layout, row, link)
                        .iter()
                        .any(|r| users.contains(&r.id))
                })
            }
        })
    }

    /// A category and everything below it.
    fn descendants(&self, link: &LinkDef, id: &str) -> Vec<Id> {
        let mut found = vec![Id::from(id)];
        let Some(target) = link.target.map(|t| &self.app.layouts.entities[t]) else {
            return found;
        };
        let Some(parent) = target.slot("parentId") else {
            return found;
        };
        let rows = self.app.store.table(target.index).snapshot();
        let mut at = 0;
        while at < found.len() {
            let children: Vec<Id> = rows
                .iter()
                .filter(|r| {
                    !r.deleted
                        && r.get(parent).as_str() == Some(found[at].as_str())
                        && !found.contains(&r.id)
                })
                .map(|r| r.id.clone())
                .collect();
            found.extend(children);
            at += 1;
        }
        found
    }

    /// Filters by a column of a middle table.
    fn column(&self, type_: &str, name: &str, item: &Json) -> Result<Pred<'a>> {
        let bad = || Refusal::bad_request("Bad where item 'column'.");
        let base = match type_ {
            "columnEquals" => "equals",
            "columnNotEquals" => "notEquals",
            "columnIn" => "in",
            "columnNotIn" => "notIn",
            "columnLike" => "like",
            "columnIsNull" => "isNull",
            "columnIsNotNull" => "isNotNull",
            _ => {
                return Err(Refusal::bad_request(format!(
                    "Unknown where item type '{type_}'."
                )));
            }
        };
        let entity = self.app.layouts.entity(self.layout);
        let field = entity.fields.get(name).ok_or_else(bad)?;
        let link = field
            .link
            .as_deref()
            .and_then(|l| self.layout.links.get(l))
            .ok_or_else(bad)?;
        let (LinkKind::Many { relation, .. }, Some(column)) = (link.kind, field.column.as_deref())
        else {
            return Err(bad());
        };
        let at = self.app.layouts.relations[relation]
            .columns
            .iter()
            .position(|c| c.name == column)
            .ok_or_else(bad)?;
        let test = self.test(base, Ty::Text, item)?;
        let app = self.app;
        Ok(Box::new(move |row| {
            view::pairs(app, row, link)
                .iter()
                .any(|p| p.columns.get(at).is_some_and(&test))
        }))
    }

    /// `isOfType` of users knows groups of types; `regular` matches nothing (QUIRKS 11).
    fn user_of_type(&self, item: &Json) -> Pred<'a> {
        let types: &[&str] = match item.get("value").and_then(Json::as_str) {
            Some("internal") => &["regular", "admin", "super-admin"],
            Some("api") => &["api"],
            Some("portal") => &["portal"],
            _ => &[],
        };
        let slot = self.layout.slot("type");
        Box::new(move |row| {
            slot.and_then(|s| row.get(s).as_str())
                .is_some_and(|t| types.contains(&t))
        })
    }
}

/// For callers outside of a request's search: rows of a table that match, unordered.
pub(crate) fn matching<'r>(
    rows: impl Iterator<Item = &'r std::sync::Arc<Row>>,
    conditions: &[Pred],
) -> Vec<std::sync::Arc<Row>> {
    rows.filter(|r| !r.deleted && conditions.iter().all(|c| c(r)))
        .cloned()
        .collect()
}
