//! The values of attributes in responses, including composed ones.

pub(crate) mod email;
pub(crate) mod values;

use std::cmp::Ordering;
use std::sync::Arc;

use espo_schema::FieldKind;
use serde_json::{Map, Value as Json};

use crate::app::App;
use crate::collate;
use crate::layout::{AttrIx, Layout, LinkDef, LinkKind, Source};
use crate::store::{Pair, Row};
use crate::value::{Id, Value};

/// The value of an attribute of a stored row, as any user sees it.
pub(crate) fn value(app: &App, layout: &Layout, row: &Row, ix: AttrIx, user: &str) -> Value {
    let attr = &layout.attrs[ix];
    match &attr.source {
        Source::Slot(slot) => match attr.name.as_str() {
            "id" => Value::Text(row.id.clone()),
            "deleted" => Value::Bool(row.deleted),
            // A plain-text body is returned unchanged.
            "bodyPlain" if layout.name == "Email" && row.get(*slot).is_null() => layout
                .slot("body")
                .map_or(Value::Null, |s| row.get(s).clone()),
            "reminders" => values::reminders(app, layout, row, *slot, user),
            _ => row.get(*slot).clone(),
        },
        Source::LinkName(link) => link_name(app, layout, row, link),
        Source::HasOneId(link) => linked(app, layout, row, link)
            .first()
            .map_or(Value::Null, |r| Value::Text(r.id.clone())),
        Source::HasOneName(link) => match (
            linked(app, layout, row, link).first(),
            target(app, layout, link),
        ) {
            (Some(r), Some(t)) => name(app, t, r, "name"),
            _ => Value::Null,
        },
        Source::Foreign { link, attr } => match (
            linked(app, layout, row, link).first(),
            target(app, layout, link),
        ) {
            (Some(r), Some(t)) => t
                .find(attr)
                .map_or(Value::Null, |ix| value(app, t, r, ix, user)),
            _ => Value::Null,
        },
        Source::Ids(link) => Value::json(Json::Array(
            members(app, layout, row, link)
                .iter()
                .map(|r| Json::from(r.id.as_str()))
                .collect(),
        )),
        Source::Names(link) => {
            let names = target(app, layout, link).map(|t| {
                members(app, layout, row, link)
                    .iter()
                    .map(|r| (r.id.to_string(), name(app, t, r, "name").to_json()))
                    .collect::<Map<_, _>>()
            });
            Value::json(Json::Object(names.unwrap_or_default()))
        }
        Source::Columns(link) => Value::json(columns(app, layout, row, link)),
        Source::Types(link) => {
            let types = target(app, layout, link)
                .and_then(|t| t.slot("type"))
                .map(|slot| {
                    linked(app, layout, row, link)
                        .iter()
                        .map(|r| (r.id.to_string(), r.get(slot).to_json()))
                        .collect::<Map<_, _>>()
                });
            Value::json(Json::Object(types.unwrap_or_default()))
        }
        Source::Person(parts) => values::person_name(layout, row, *parts),
        Source::Converted { amount, currency } => {
            let code = row.get(*currency).as_str().unwrap_or_default().to_owned();
            match row.get(*amount).as_f64() {
                Some(n) => Value::Float(n * app.config.read().rate(&code)),
                None => Value::Null,
            }
        }
        Source::IsFollowed => {
            Value::Bool(followers(app, layout, row, user).iter().any(|f| f == user))
        }
        Source::FollowersIds => {
            let ids = followers(app, layout, row, user);
            Value::json(Json::Array(
                ids.iter().take(6).map(|f| Json::from(f.as_str())).collect(),
            ))
        }
        Source::FollowersNames => {
            let ids = followers(app, layout, row, user);
            let users = app.layouts.find("User");
            let names = ids.iter().take(6).map(|f| {
                (
                    f.to_string(),
                    users.map_or(Json::Null, |u| name_of(app, u, f).to_json()),
                )
            });
            Value::json(Json::Object(names.collect()))
        }
        Source::IsStarred => {
            let stars = app.stars.read();
            Value::Bool(
                !stars.is_empty()
                    && stars.contains(&(layout.name.clone(), row.id.clone(), user.into())),
            )
        }
        Source::Numeric(slot) => match row.get(*slot).as_str() {
            Some(s) => Value::text(s.chars().filter(char::is_ascii_digit).collect::<String>()),
            None => Value::Null,
        },
        Source::Special => values::value(app, layout, row, &attr.name, user),
        Source::Nothing => Value::Null,
    }
}

/// Users who follow a record: the caller first, then the others ordered by ID.
fn followers(app: &App, layout: &Layout, row: &Row, user: &str) -> Vec<Id> {
    let followers = app.followers.read();
    if followers.is_empty() {
        return Vec::new();
    }
    let mut ids = followers
        .get(&(layout.name.clone(), row.id.clone()))
        .cloned()
        .unwrap_or_default();
    drop(followers);
    ids.sort_by(|a, b| (*a != user, a).cmp(&(*b != user, b)));
    ids
}

/// Returns the records of a set that are not deleted, by name.
pub(crate) fn members(app: &App, layout: &Layout, row: &Row, link: &str) -> Vec<Arc<Row>> {
    let mut rows = linked(app, layout, row, link);
    let by_name = layout
        .links
        .get(link)
        .is_some_and(|l| l.field != Some(FieldKind::AttachmentMultiple));
    if rows.len() > 1
        && by_name
        && let Some(target) = target(app, layout, link)
    {
        rows.sort_by_cached_key(|r| NameKey::of(app, target, r));
    }
    rows
}

/// Orders records by name, without regard to case and accents, and by ID where the names are the same.
#[derive(PartialEq, Eq)]
struct NameKey {
    /// A person's first and last name; for other entity types, only the name.
    names: [String; 2],
    id: Id,
}

impl NameKey {
    fn of(app: &App, layout: &Layout, row: &Row) -> NameKey {
        let text = |slot: Option<usize>| {
            let text = slot.and_then(|s| row.get(s).as_str());
            text.unwrap_or_default().to_owned()
        };
        let names = match layout.attr("name").map(|a| &a.source) {
            Some(Source::Person([first, _, last])) => [text(*first), text(*last)],
            _ => {
                let name = name(app, layout, row, "name");
                [name.as_str().unwrap_or_default().to_owned(), String::new()]
            }
        };
        NameKey {
            names,
            id: row.id.clone(),
        }
    }
}

impl Ord for NameKey {
    fn cmp(&self, other: &NameKey) -> Ordering {
        collate::cmp(&self.names[0], &other.names[0])
            .then_with(|| collate::cmp(&self.names[1], &other.names[1]))
            .then_with(|| self.id.cmp(&other.id))
    }
}

impl PartialOrd for NameKey {
    fn partial_cmp(&self, other: &NameKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The attribute that is shown as a record's name.
pub(crate) fn name(app: &App, layout: &Layout, row: &Row, attr: &str) -> Value {
    match layout.find(attr) {
        Some(ix) => value(app, layout, row, ix, ""),
        None => Value::Null,
    }
}

/// ID of the user that stands for the system; it has no record here.
const SYSTEM: &str = "system";

/// `{link}Name`: the name of the record that the key refers to. A deleted record has none.
fn link_name(app: &App, layout: &Layout, row: &Row, link: &str) -> Value {
    let Some((target, id)) = key(app, layout, row, link) else {
        return Value::Null;
    };
    if target.name == "User" && id == SYSTEM {
        return Value::text("System");
    }
    let foreign_name = layout
        .links
        .get(link)
        .map_or("name", |l| l.foreign_name.as_str());
    match app.store.table(target.index).live(&id) {
        Some(r) => name(app, target, &r, foreign_name),
        None => Value::Null,
    }
}

/// Entity type and ID that a belongs-to or parent link holds.
pub(crate) fn key<'a>(
    app: &'a App,
    layout: &Layout,
    row: &Row,
    link: &str,
) -> Option<(&'a Layout, Id)> {
    match layout.links.get(link).map(|l| (l, l.kind)) {
        Some((l, LinkKind::BelongsTo { key })) => {
            let id = row.get(key).non_empty()?;
            Some((&app.layouts.entities[l.target?], id.into()))
        }
        Some((_, LinkKind::Parent { id, type_ })) => Some((
            app.layouts.find(row.get(type_).as_str()?)?,
            row.get(id).non_empty()?.into(),
        )),
        Some(_) => None,
        // A parent field without its own link.
        None => {
            let id = layout.slot(&format!("{link}Id"))?;
            let type_ = layout.slot(&format!("{link}Type"))?;
            Some((
                app.layouts.find(row.get(type_).as_str()?)?,
                row.get(id).non_empty()?.into(),
            ))
        }
    }
}

/// The entity type at the other end of a link.
pub(crate) fn target<'a>(app: &'a App, layout: &Layout, link: &str) -> Option<&'a Layout> {
    layout
        .links
        .get(link)?
        .target
        .map(|t| &app.layouts.entities[t])
}

/// Live records at the other end of a link, oldest link first.
pub(crate) fn linked(app: &App, layout: &Layout, row: &Row, link: &str) -> Vec<Arc<Row>> {
    let Some(def) = layout.links.get(link) else {
        return Vec::new();
    };
    linked_through(app, layout, row, def)
}

/// Same as [`linked`], for a given link definition.
pub(crate) fn linked_through(
    app: &App,
    layout: &Layout,
    row: &Row,
    def: &LinkDef,
) -> Vec<Arc<Row>> {
    let Some(target) = def.target else {
        return match key(app, layout, row, &def.name) {
            Some((t, id)) => app.store.table(t.index).live(&id).into_iter().collect(),
            None => Vec::new(),
        };
    };
    let table = app.store.table(target);
    match def.kind {
        LinkKind::BelongsTo { key } => row
            .get(key)
            .non_empty()
            .and_then(|id| table.live(id))
            .into_iter()
            .collect(),
        LinkKind::HasOne { key } => table.by_key(key, &row.id).into_iter().take(1).collect(),
        LinkKind::HasMany { key } => table.by_key(key, &row.id),
        LinkKind::Children { id, type_ } => {
            let field_slot = (def.field == Some(FieldKind::AttachmentMultiple))
                .then(|| app.layouts.entities[target].slot("field"))
                .flatten();
            table
                .by_key(id, &row.id)
                .into_iter()
                .filter(|r| r.get(type_).as_str() == Some(&layout.name))
                // Several attachment fields of a record share one relation.
                .filter(|r| {
                    field_slot.is_none_or(|s| r.get(s).as_str().is_none_or(|f| f == def.name))
                })
                .collect()
        }
        LinkKind::Many { relation, forward } => app
            .store
            .relation(relation)
            .of(&row.id, forward)
            .iter()
            .filter_map(|p| table.live(&p.id))
            .collect(),
        LinkKind::Parent { .. } | LinkKind::Dangling | LinkKind::Unknown => Vec::new(),
    }
}

/// Pairs of a many-to-many link whose other record is live.
pub(crate) fn pairs(app: &App, row: &Row, def: &LinkDef) -> Vec<Pair> {
    let (LinkKind::Many { relation, forward }, Some(target)) = (def.kind, def.target) else {
        return Vec::new();
    };
    let table = app.store.table(target);
    app.store
        .relation(relation)
        .of(&row.id, forward)
        .into_iter()
        .filter(|p| table.live(&p.id).is_some())
        .collect()
}

/// `{link}Columns`: ID → the columns that the field names.
fn columns(app: &App, layout: &Layout, row: &Row, link: &str) -> Json {
    let Some(def) = layout.links.get(link) else {
        return Json::Object(Map::new());
    };
    let LinkKind::Many { relation, .. } = def.kind else {
        return Json::Object(mirrored(app, layout, row, def));
    };
    let defs = &app.layouts.relations[relation].columns;
    let entity = app.layouts.entity(layout);
    let shown: Vec<&String> = match entity.fields.get(link) {
        Some(f) if !f.columns.is_empty() => f.columns.keys().collect(),
        _ => defs.iter().map(|c| &c.name).collect(),
    };
    let map = pairs(app, row, def).into_iter().map(|p| {
        let values = shown
            .iter()
            .map(|name| {
                let at = defs.iter().position(|c| c.name == **name);
                (
                    (*name).clone(),
                    at.and_then(|i| p.columns.get(i))
                        .map_or(Json::Null, Value::to_json),
                )
            })
            .collect();
        (p.id.to_string(), Json::Object(values))
    });
    Json::Object(map.collect())
}

/// Columns of a link without a middle table, which are attributes of the linked records.
fn mirrored(app: &App, layout: &Layout, row: &Row, def: &LinkDef) -> Map<String, Json> {
    let field = app.layouts.entity(layout).fields.get(&def.name);
    let (Some(field), Some(target)) = (field, target(app, layout, &def.name)) else {
        return Map::new();
    };
    let columns = |other: &Row| {
        let values = field.columns.iter().map(|(name, attr)| {
            let value = target.slot(attr).map(|slot| other.get(slot).to_json());
            (name.clone(), value.unwrap_or_default())
        });
        Json::Object(values.collect())
    };
    let others = linked_through(app, layout, row, def);
    let shown = others.iter().filter(|_| !field.columns.is_empty());
    shown.map(|r| (r.id.to_string(), columns(r))).collect()
}

/// Name of a record: what `{link}Name` shows.
pub(crate) fn name_of(app: &App, layout: &Layout, id: &str) -> Value {
    match app.store.table(layout.index).live(id) {
        Some(row) => name(app, layout, &row, "name"),
        None => Value::Null,
    }
}
