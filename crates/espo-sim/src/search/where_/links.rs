//! Conditions on links, categories and columns of middle tables.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::super::Pred;
use super::{Compiler, values};
use crate::http::{Refusal, Result};
use crate::layout::{LinkDef, LinkKind, Ty};
use crate::value::Id;
use crate::view;

impl<'a> Compiler<'a> {
    pub(super) fn link(&self, type_: &str, link: &'a LinkDef, item: &Json) -> Result<Pred<'a>> {
        let (app, layout) = (self.app, self.layout);
        let bad = || Refusal::bad_request(format!("Bad where item '{type_}'."));
        let ids: HashSet<Id> = values(item)
            .iter()
            .filter_map(Json::as_str)
            .map(Id::from)
            .collect();
        if matches!(type_, "linkedWith" | "notLinkedWith" | "linkedWithAll") {
            if item.get("value").is_none_or(Json::is_null) {
                let what = match type_ {
                    "linkedWithAll" => "Empty value",
                    _ => "Bad array item",
                };
                return Err(Refusal::bad_request(format!("Bad where item. {what}.")));
            }
            let allowed = match link.kind {
                LinkKind::Many { .. } | LinkKind::HasMany { .. } => true,
                LinkKind::BelongsTo { .. } => type_ != "linkedWithAll",
                _ => false,
            };
            if !allowed {
                return Err(Refusal::bad_request(
                    "Bad where item. Not supported relation type.",
                ));
            }
        }
        if matches!(link.kind, LinkKind::Dangling | LinkKind::Unknown) {
            self.broken.set(true);
        }
        let target = link.target.map(|t| &app.layouts.entities[t]);
        if matches!(type_, "inCategory" | "isUserFromTeams") {
            if item.get("value").is_none_or(Json::is_null) {
                return Ok(Box::new(|_| true));
            }
            let supported = match (type_, link.kind) {
                (_, LinkKind::BelongsTo { .. }) | ("inCategory", LinkKind::Many { .. }) => {
                    type_ == "inCategory" || target.is_some_and(|t| t.name == "User")
                }
                _ => false,
            };
            if !supported {
                return Err(Refusal::bad_request(format!(
                    "Not supported link '{}' in where item.",
                    link.name
                )));
            }
            // Only categories have a table of all their ancestors.
            let type_of = target.map(|t| &app.layouts.entity(t).scope);
            if type_ == "inCategory"
                && type_of.is_none_or(|s| s.type_.as_deref() != Some("CategoryTree"))
            {
                self.broken.set(true);
            }
        }
        Ok(match type_ {
            "linkedWith" | "notLinkedWith" => {
                let wanted = type_ == "linkedWith";
                match link.kind {
                    // Following the links of a few IDs is faster than checking the links of each record.
                    LinkKind::Many { relation, forward } => {
                        let linked: HashSet<Id> = ids
                            .iter()
                            .flat_map(|id| app.store.relation(relation).of(id, !forward))
                            .map(|p| p.id)
                            .collect();
                        Box::new(move |row| linked.contains(&row.id) == wanted)
                    }
                    // An empty key is null, for which no comparison is true, except that no key is in an empty list.
                    LinkKind::BelongsTo { .. } if ids.is_empty() => Box::new(move |_| !wanted),
                    LinkKind::BelongsTo { key } => Box::new(move |row| {
                        row.get(key)
                            .non_empty()
                            .is_some_and(|id| ids.contains(id) == wanted)
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

    /// Returns the IDs of a category and of all categories below it.
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

    /// Returns the condition on a column of a middle table.
    pub(super) fn column(&self, type_: &str, name: &str, item: &Json) -> Result<Pred<'a>> {
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

    /// Returns the condition for `isOfType` of users, which supports groups of types; `regular` matches nothing.
    pub(super) fn user_of_type(&self, item: &Json) -> Pred<'a> {
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
