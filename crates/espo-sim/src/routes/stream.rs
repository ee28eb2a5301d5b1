//! The stream: notes that changes write, posts, pins and reactions (ESPO-API.md H1, QUIRKS 8).

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;
use parking_lot::RwLock;
use serde_json::{Map, Value as Json, json};

use super::{Call, Fixed};
use crate::acl::{Action, Kind};
use crate::app::{App, Caller};
use crate::http::{Refusal, Reply, Result};
use crate::layout::{Layout, LinkKind};
use crate::record::input::Input;
use crate::record::{links, update, view};
use crate::search::params::SearchParams;
use crate::store::Row;
use crate::value::{Id, Value};

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::GET, ":Entity/:id/stream", record_stream),
    Fixed::controller(Method::GET, ":Entity/:id/posts", record_posts),
    Fixed::controller(Method::GET, ":Entity/:id/updateStream", update_stream),
    Fixed::controller(Method::GET, "Stream", user_stream),
    Fixed::controller(Method::GET, "GlobalStream", user_stream),
    Fixed::controller(Method::POST, "Note", post),
    Fixed::controller(Method::GET, "Note/:id", read_note),
    Fixed::controller(Method::PUT, "Note/:id", edit_note),
    Fixed::controller(Method::PATCH, "Note/:id", edit_note),
    Fixed::action(Method::POST, "Note/:id/pin", pin),
    Fixed::action(Method::DELETE, "Note/:id/pin", unpin),
    Fixed::action(Method::POST, "Note/:id/myReactions/:type", react),
    Fixed::action(Method::DELETE, "Note/:id/myReactions/:type", unreact),
];

/// Reactions by note: type and user.
#[derive(Debug, Default)]
pub(crate) struct Reactions(RwLock<HashMap<Id, Vec<(String, Id)>>>);

/// Attributes of a note in a record's stream.
const IN_RECORD: &[&str] = &[
    "id", "deleted", "post", "data", "type", "targetType", "number", "isGlobal", "createdByGender", "isInternal", "isPinned",
    "reactionCounts", "myReactions", "createdAt", "modifiedAt", "parentId", "parentType", "relatedId", "relatedType",
    "attachmentsIds", "attachmentsNames", "createdById", "createdByName", "modifiedById", "modifiedByName", "superParentId",
    "superParentType", "attachmentsTypes",
];

/// Attributes of a note in a user's stream.
const IN_USER: &[&str] = &[
    "id", "post", "data", "type", "targetType", "number", "isGlobal", "createdByGender", "isInternal", "reactionCounts",
    "myReactions", "createdAt", "parentId", "parentType", "parentName", "relatedId", "relatedType", "attachmentsIds",
    "attachmentsNames", "createdById", "createdByName", "attachmentsTypes",
];

/// Attributes of a note that was just posted; null ones that were not set are left out.
const POSTED: &[&str] = &[
    "id", "deleted", "post", "data", "type", "targetType", "notifiedUserIdList", "isInternal", "reactionCounts", "myReactions",
    "createdAt", "modifiedAt", "parentId", "parentType", "parentName", "relatedName", "attachmentsIds", "attachmentsNames",
    "createdById", "createdByName", "modifiedByName", "attachmentsTypes",
];

/// Links whose new members are noted in the stream of their owner (`audited` of a stock instance).
const AUDITED_LINKS: &[(&str, &[&str])] = &[
    ("Account", &["calls", "documents", "meetings"]),
    ("Case", &["articles", "calls", "meetings", "tasks"]),
    ("Contact", &["calls", "documents", "meetings", "tasks"]),
    ("Lead", &["calls", "cases", "documents", "meetings", "tasks"]),
    ("Opportunity", &["calls", "documents", "meetings", "tasks"]),
];

/// Fields whose changes are noted (`audited` of a stock instance).
const AUDITED_FIELDS: &[(&str, &[&str])] = &[
    ("Account", &["name", "type"]),
    ("Case", &["priority", "status", "type"]),
    ("Lead", &["doNotCall", "opportunityAmount", "status"]),
    ("Meeting", &["dateStart", "status"]),
    ("Opportunity", &["account", "amount", "campaign", "closeDate", "leadSource", "stage"]),
    ("Task", &["dateEnd", "priority", "status"]),
];

fn audited_field(app: &App, layout: &Layout, field: &espo_schema::Field) -> bool {
    let _ = app;
    field.audited || AUDITED_FIELDS.iter().any(|(e, fields)| *e == layout.name && fields.contains(&field.name.as_str()))
}

fn audited_link(app: &App, layout: &Layout, link: &str) -> bool {
    let raw = app.layouts.entity(layout).links.get(link).and_then(|l| l.raw.get("audited"));
    match raw {
        Some(v) => *v == Json::Bool(true),
        None => AUDITED_LINKS.iter().any(|(e, links)| *e == layout.name && links.contains(&link)),
    }
}

/// Writes a note.
fn write(app: &App, user: &str, attributes: &[(&str, Value)]) -> Option<Arc<Row>> {
    let layout = app.layouts.find("Note")?;
    let mut row = Row { id: Id::from(app.ids.next(&app.clock)), deleted: false, values: vec![Value::Null; layout.slots].into() };
    let now = Value::text(app.clock.datetime());
    let base = [
        ("createdAt", now.clone()),
        ("modifiedAt", now),
        ("createdById", Value::text(user)),
        ("number", Value::Int(app.next_note_number())),
        ("isInternal", Value::Bool(false)),
        ("isGlobal", Value::Bool(false)),
        ("isPinned", Value::Bool(false)),
        ("data", Value::json(json!({}))),
    ];
    for (attr, value) in base.iter().chain(attributes) {
        if let Some(slot) = layout.slot(attr) {
            row.values[slot] = value.clone();
        }
    }
    Some(app.store.table(layout.index).insert(row))
}

/// The record above: whose stream shows this record's notes too.
fn super_parent(app: &App, layout: &Layout, row: &Row) -> (Value, Value) {
    if layout.name == "Account" {
        return (Value::Null, Value::Null);
    }
    if let Some((parent, id)) = view::key(app, layout, row, "parent") {
        return (Value::text(parent.name.as_str()), Value::Text(id));
    }
    match layout.slot("accountId").and_then(|s| row.get(s).non_empty()) {
        Some(id) => (Value::text("Account"), Value::text(id)),
        None => (Value::Null, Value::Null),
    }
}

/// After a create: a note on the record itself, and on owners whose link is audited.
pub(super) fn created(app: &App, caller: &Caller, layout: &Layout, row: &Row) {
    let stream = app.layouts.entity(layout).scope.stream;
    if stream {
        let (super_type, super_id) = super_parent(app, layout, row);
        write(app, caller.user_id(), &[
            ("type", "Create".into()),
            ("parentType", layout.name.as_str().into()),
            ("parentId", Value::Text(row.id.clone())),
            ("superParentType", super_type),
            ("superParentId", super_id),
            ("data", Value::json(created_data(app, layout, row))),
        ]);
    }
    for link in layout.links.values() {
        let (LinkKind::BelongsTo { .. } | LinkKind::Parent { .. }, Some((owner, id))) =
            (link.kind, view::key(app, layout, row, &link.name))
        else {
            continue;
        };
        if !app.layouts.entity(owner).scope.stream {
            continue;
        }
        let reverse = owner.links.values().find(|l| l.target == Some(layout.index) && l.foreign.as_deref() == Some(&link.name));
        if reverse.is_some_and(|l| audited_link(app, owner, &l.name))
            && let Some(record) = app.store.table(owner.index).live(&id)
        {
            related_note(app, caller, "CreateRelated", owner, &record, layout, row);
        }
    }
    for link in layout.links.values().filter(|l| matches!(l.kind, LinkKind::Many { .. })) {
        let (Some(other), Some(foreign)) = (link.target.map(|t| &app.layouts.entities[t]), &link.foreign) else { continue };
        if app.layouts.entity(other).scope.stream && audited_link(app, other, foreign) {
            for record in view::linked_through(app, layout, row, link) {
                related_note(app, caller, "Relate", other, &record, layout, row);
            }
        }
    }
}

/// A note in the stream of `owner` about a record that now belongs to it.
fn related_note(app: &App, caller: &Caller, type_: &str, owner: &Layout, record: &Row, layout: &Layout, row: &Row) {
    let (super_type, super_id) = super_parent(app, owner, record);
    write(app, caller.user_id(), &[
        ("type", type_.into()),
        ("parentType", owner.name.as_str().into()),
        ("parentId", Value::Text(record.id.clone())),
        ("superParentType", super_type),
        ("superParentId", super_id),
        ("relatedType", layout.name.as_str().into()),
        ("relatedId", Value::Text(row.id.clone())),
    ]);
}

fn created_data(app: &App, layout: &Layout, row: &Row) -> Json {
    let mut data = Map::new();
    let get = |attr: &str| layout.slot(attr).and_then(|s| row.get(s).non_empty());
    if let Some(user) = get("assignedUserId") {
        data.insert("assignedUserId".to_owned(), Json::from(user));
        data.insert("assignedUserName".to_owned(), view::name(app, layout, row, "assignedUserName").to_json());
    }
    if let Some(field) = app.layouts.entity(layout).scope.status_field.as_deref()
        && let Some(status) = get(field)
    {
        data.insert("statusField".to_owned(), Json::from(field));
        data.insert("statusValue".to_owned(), Json::from(status));
    }
    Json::Object(data)
}

/// After an update: what changed of the audited fields, and a new assignment.
pub(super) fn updated(app: &App, caller: &Caller, layout: &Layout, old: &Row, new: &Row) {
    let entity = app.layouts.entity(layout);
    if !entity.scope.stream {
        return;
    }
    let (mut fields, mut was, mut became) = (Vec::new(), Map::new(), Map::new());
    for field in entity.fields.values().filter(|f| audited_field(app, layout, f)) {
        let mut changed = false;
        for attr in &field.actual_attributes {
            let Some(slot) = layout.slot(attr) else { continue };
            if old.get(slot) != new.get(slot) {
                changed = true;
            }
        }
        if changed {
            fields.push(Json::from(field.name.as_str()));
            for attr in &field.actual_attributes {
                if let Some(slot) = layout.slot(attr) {
                    was.insert(attr.clone(), old.get(slot).to_json());
                    became.insert(attr.clone(), new.get(slot).to_json());
                }
            }
        }
    }
    let (super_type, super_id) = super_parent(app, layout, new);
    let note = |type_: &str, data: Json| {
        write(app, caller.user_id(), &[
            ("type", type_.into()),
            ("parentType", layout.name.as_str().into()),
            ("parentId", Value::Text(new.id.clone())),
            ("superParentType", super_type.clone()),
            ("superParentId", super_id.clone()),
            ("data", Value::json(data)),
        ]);
    };
    if !fields.is_empty() {
        let mut data = json!({"fields": fields, "attributes": {"was": was, "became": became}});
        if let Some(field) = entity.scope.status_field.as_deref()
            && let Some(value) = became.get(field)
        {
            data["value"] = value.clone();
        }
        note("Update", data);
    }
    if let Some(slot) = layout.slot("assignedUserId")
        && old.get(slot) != new.get(slot)
    {
        let name = view::name(app, layout, new, "assignedUserName").to_json();
        note("Assign", json!({"assignedUserId": new.get(slot).to_json(), "assignedUserName": name}));
    }
}

/// A note as JSON, with these attributes.
fn note_json(app: &App, caller: &Caller, row: &Row, attrs: &[&str], posted: bool) -> Json {
    let Some(layout) = app.layouts.find("Note") else { return Json::Null };
    let is_post = layout.slot("type").is_some_and(|s| row.get(s).as_str() == Some("Post"));
    let mut map = Map::new();
    for attr in attrs {
        if attr.starts_with("attachments") && !is_post {
            continue;
        }
        let value = match *attr {
            "reactionCounts" => counts(app, row),
            "myReactions" => my_reactions(app, caller, row),
            _ => match layout.find(attr) {
                Some(ix) => view::value(app, layout, row, ix, caller.user_id()).to_json(),
                None => continue,
            },
        };
        let optional = matches!(*attr, "targetType" | "notifiedUserIdList" | "parentId" | "parentType");
        if posted && optional && value.is_null() {
            continue;
        }
        map.insert((*attr).to_owned(), value);
    }
    Json::Object(map)
}

fn counts(app: &App, row: &Row) -> Json {
    let reactions = app.extras.reactions.0.read();
    let mut map = Map::new();
    for (type_, _) in reactions.get(&row.id).into_iter().flatten() {
        let n = map.get(type_).and_then(Json::as_i64).unwrap_or(0);
        map.insert(type_.clone(), Json::from(n + 1));
    }
    if map.is_empty() { Json::Null } else { Json::Object(map) }
}

fn my_reactions(app: &App, caller: &Caller, row: &Row) -> Json {
    let reactions = app.extras.reactions.0.read();
    let mine = reactions.get(&row.id).into_iter().flatten().filter(|(_, u)| u == caller.user_id());
    Json::Array(mine.map(|(t, _)| Json::from(t.as_str())).collect())
}

fn text(layout: &Layout, row: &Row, attr: &str) -> Option<String> {
    layout.slot(attr).and_then(|s| row.get(s).non_empty()).map(str::to_owned)
}

/// Notes of a record, newest first.
fn notes_of(app: &App, layout: &Layout, id: &str) -> Vec<Arc<Row>> {
    let Some(notes) = app.layouts.find("Note") else { return Vec::new() };
    let table = app.store.table(notes.index);
    let mut rows = Vec::new();
    for (key, type_) in [("parentId", "parentType"), ("superParentId", "superParentType")] {
        let (Some(key), Some(type_)) = (notes.slot(key), notes.slot(type_)) else { continue };
        rows.extend(table.by_key(key, id).into_iter().filter(|r| r.get(type_).as_str() == Some(&layout.name)));
    }
    let number = notes.slot("number");
    let of = |r: &Row| number.and_then(|s| r.get(s).as_f64()).unwrap_or_default();
    rows.sort_by(|a, b| of(b).total_cmp(&of(a)));
    rows.dedup_by(|a, b| a.id == b.id);
    rows
}

fn kept(notes: &Layout, row: &Row, filter: Option<&str>, after: Option<&str>) -> bool {
    let type_ = text(notes, row, "type").unwrap_or_default();
    let right_type = match filter {
        Some("posts") => type_ == "Post",
        Some("updates") => matches!(type_.as_str(), "Update" | "Status"),
        _ => true,
    };
    right_type && after.is_none_or(|a| text(notes, row, "createdAt").is_some_and(|c| c.as_str() > a))
}

fn readable_record<'a>(call: &Call<'a>) -> Result<(&'a Layout, Arc<Row>)> {
    let layout = call.app.layout(&super::upper_first(call.params[0]))?;
    call.caller.acl.check_scope(&layout.name, Action::Read)?;
    let row = call.app.store.table(layout.index).live(call.params[1]).ok_or_else(Refusal::not_found_silently)?;
    if !call.caller.acl.record(call.app, layout, &row, Action::Read) {
        return Err(Refusal::forbidden_silently());
    }
    Ok((layout, row))
}

fn stream_of(call: &Call, filter: Option<&str>, pinned: bool) -> Result<Reply> {
    let (layout, row) = readable_record(call)?;
    let app = call.app;
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let notes = app.layout("Note")?;
    let after = call.request.param("after");
    let all = notes_of(app, layout, &row.id);
    let rows: Vec<_> = all.iter().filter(|r| kept(notes, r, filter, after)).collect();
    let limit = params.max_size.unwrap_or(200) as usize;
    let list: Vec<Json> = rows
        .iter()
        .skip(params.offset as usize)
        .take(limit)
        .map(|r| note_json(app, call.caller, r, IN_RECORD, false))
        .collect();
    let mut body = json!({"total": rows.len(), "list": list});
    if pinned {
        let slot = notes.slot("isPinned");
        let pinned = all.iter().filter(|r| slot.is_some_and(|s| r.get(s).is_true()));
        body["pinnedList"] = pinned.map(|r| note_json(app, call.caller, r, IN_RECORD, false)).collect();
    }
    Ok(app.json(&body))
}

fn record_stream(call: &Call) -> Result<Reply> {
    stream_of(call, call.request.param("filter"), true)
}

fn record_posts(call: &Call) -> Result<Reply> {
    stream_of(call, Some("posts"), true)
}

fn update_stream(call: &Call) -> Result<Reply> {
    if !call.caller.acl.permission("auditPermission") {
        return Err(Refusal::forbidden_silently());
    }
    stream_of(call, Some("updates"), false)
}

/// The caller's own stream: notes of what it follows, and what is meant for it. Not counted.
fn user_stream(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let notes = app.layout("Note")?;
    let (filter, after) = (call.request.param("filter"), call.request.param("after"));
    let skip_own = call.request.param("skipOwn") == Some("true");
    let before: Option<i64> = call.request.param("beforeNumber").and_then(|n| n.parse().ok());
    let limit = params.max_size.unwrap_or(200) as usize;
    let rows = app.store.table(notes.index).snapshot();
    let mut found: Vec<&Arc<Row>> = rows
        .iter()
        .rev()
        .filter(|r| !r.deleted && kept(notes, r, filter, after))
        .filter(|r| before.is_none_or(|b| notes.slot("number").and_then(|s| r.get(s).as_f64()).is_some_and(|n| (n as i64) < b)))
        .filter(|r| !(skip_own && text(notes, r, "createdById").as_deref() == Some(caller.user_id())))
        .filter(|r| is_mine(call, notes, r))
        .skip(params.offset as usize)
        .take(limit.saturating_add(1))
        .collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let list: Vec<Json> = found.iter().map(|r| note_json(app, caller, r, IN_USER, false)).collect();
    Ok(app.json(&json!({
        "total": if more { -1 } else { -2 },
        "list": list,
        "reactionsCheckDate": app.clock.datetime(),
        "updatedReactions": [],
    })))
}

fn is_mine(call: &Call, notes: &Layout, row: &Row) -> bool {
    let (app, user) = (call.app, call.caller.user_id());
    let parent = (text(notes, row, "parentType"), text(notes, row, "parentId"));
    if let (Some(type_), Some(id)) = parent {
        let followers = app.followers.read();
        let follows = |type_: String, id: &str| followers.get(&(type_, id.into())).is_some_and(|f| f.iter().any(|u| u == user));
        let above = (text(notes, row, "superParentType"), text(notes, row, "superParentId"));
        return follows(type_, &id) || above.0.zip(above.1).is_some_and(|(t, i)| follows(t, &i));
    }
    match text(notes, row, "targetType").as_deref() {
        Some("all") => call.caller.acl.kind != Kind::Api || text(notes, row, "createdById").as_deref() == Some(user),
        Some("teams") => {
            view::linked(app, notes, row, "teams").iter().any(|t| call.caller.acl.teams.contains(&t.id))
                || text(notes, row, "createdById").as_deref() == Some(user)
        }
        Some("users") => {
            view::linked(app, notes, row, "users").iter().any(|u| u.id == user)
                || text(notes, row, "createdById").as_deref() == Some(user)
        }
        _ => text(notes, row, "createdById").as_deref() == Some(user),
    }
}

/// `POST Note`: always a post, whatever type the body says (QUIRKS 8).
fn post(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let body = call.request.json_body()?;
    let get = |key: &str| body.get(key).and_then(Json::as_str).filter(|s| !s.is_empty());
    let ids = |key: &str| -> Vec<String> {
        body.get(key).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let notes = app.layout("Note")?;
    let mut attributes: Vec<(&str, Value)> = vec![
        ("type", "Post".into()),
        ("post", get("post").map_or(Value::Null, Value::text)),
        ("isInternal", Value::Bool(body.get("isInternal") == Some(&Json::Bool(true)))),
    ];
    let target_type = get("targetType");
    if let (Some(type_), Some(id)) = (get("parentType"), get("parentId")) {
        let Some(parent) = app.layouts.find(type_) else { return Err(Refusal::bad_request("Bad parentType.")) };
        let Some(row) = app.store.table(parent.index).live(id) else {
            return Err(Refusal::forbidden("Can't relate with non-existing record. entity type: Note, link: parent.")
                .translated("cannotRelateNonExisting", json!({"foreignEntityType": parent.name})));
        };
        if !caller.acl.record(app, parent, &row, Action::Read) {
            return Err(Refusal::forbidden("No access to parent record."));
        }
        let (super_type, super_id) = super_parent(app, parent, &row);
        attributes.extend([
            ("parentType", parent.name.as_str().into()),
            ("parentId", Value::text(id)),
            ("superParentType", super_type),
            ("superParentId", super_id),
        ]);
    } else if let Some(t) = target_type {
        let missing = |key: &str| Refusal::bad_request(format!("No {key}."));
        match t {
            "self" | "all" => {}
            "users" if ids("usersIds").is_empty() => return Err(missing("usersIds")),
            "teams" if ids("teamsIds").is_empty() => return Err(missing("teamsIds")),
            "portals" if ids("portalsIds").is_empty() => return Err(missing("portalsIds")),
            "users" | "teams" | "portals" => {}
            _ => return Err(Refusal::validation("Note", "targetType", "valid")),
        }
        attributes.push(("targetType", Value::text(t)));
    }
    let mentions = mentions(app, get("post").unwrap_or_default());
    let mentioned: Vec<Json> = mentions.values().filter_map(|m| m.get("id").cloned()).collect();
    if !mentions.is_empty() {
        attributes.push(("data", Value::json(json!({"mentions": mentions}))));
    }
    let row = write(app, caller.user_id(), &attributes).ok_or_else(Refusal::internal)?;
    let input: Input = body.iter().filter(|(k, _)| k.ends_with("Ids")).filter_map(|(k, v)| Some((notes.find(k)?, v.clone()))).collect();
    links::write_sets(app, notes, &row, &input, true);
    let mut answer = note_json(app, caller, &row, POSTED, true);
    if let Json::Object(map) = &mut answer {
        if mentioned.is_empty() {
            map.remove("notifiedUserIdList");
        } else {
            map.insert("notifiedUserIdList".to_owned(), Json::Array(mentioned));
        }
        if !map.contains_key("parentId") {
            let shown: &[&str] = match target_type {
                Some("teams") => &["teams"],
                Some("users") => &["users"],
                Some("portals") => &["portals"],
                _ => &["teams", "users"],
            };
            for link in shown {
                for part in ["Ids", "Names"] {
                    let name = format!("{link}{part}");
                    if let Some(ix) = notes.find(&name) {
                        map.insert(name, view::value(app, notes, &row, ix, "").to_json());
                    }
                }
            }
        }
    }
    Ok(app.json(&answer))
}

/// `@userName` in a text, by how it is written.
fn mentions(app: &App, post: &str) -> Map<String, Json> {
    let mut found = Map::new();
    let Some(users) = app.layouts.find("User") else { return found };
    let Some(slot) = users.slot("userName") else { return found };
    let words = post.split(|c: char| !(c.is_alphanumeric() || matches!(c, '@' | '_' | '-' | '.')));
    for word in words.filter(|w| w.len() > 1 && w.starts_with('@')) {
        let name = word[1..].trim_end_matches('.');
        let rows = app.store.table(users.index).snapshot();
        if let Some(row) = rows.iter().find(|r| !r.deleted && r.get(slot).as_str() == Some(name)) {
            found.insert(
                format!("@{name}"),
                json!({"id": row.id.as_str(), "name": view::name(app, users, row, "name").to_json(), "userName": name, "_scope": "User"}),
            );
        }
    }
    found
}

fn note(call: &Call) -> Result<Arc<Row>> {
    let notes = call.app.layout("Note")?;
    let id = call.params[0];
    call.app
        .store
        .table(notes.index)
        .live(id)
        .ok_or_else(|| Refusal::not_found(format!("Record {id} does not exist.")))
}

/// A note by itself: as in a stream, with the names of what it is about.
fn whole(call: &Call, row: &Row) -> Reply {
    let attrs: Vec<&str> = IN_RECORD.iter().copied().chain(["parentName", "relatedName"]).collect();
    call.app.json(&note_json(call.app, call.caller, row, &attrs, false))
}

fn read_note(call: &Call) -> Result<Reply> {
    let row = note(call)?;
    Ok(whole(call, &row))
}

fn edit_note(call: &Call) -> Result<Reply> {
    let row = note(call)?;
    let notes = call.app.layout("Note")?;
    if !call.caller.acl.record(call.app, notes, &row, Action::Edit) {
        return Err(Refusal::forbidden("No edit access."));
    }
    let mut body = call.request.json_body()?;
    // Of a post the text and the attachments can be changed, of other notes nothing.
    let is_post = text(notes, &row, "type").as_deref() == Some("Post");
    body.retain(|k, _| is_post && matches!(k.as_str(), "post" | "attachmentsIds"));
    let (mut row, _, _) = update::change(call.app, call.caller, notes, &row, &body, None)?;
    if let (Some(post), Some(slot)) = (body.get("post"), notes.slot("data")) {
        // Who is mentioned follows from the text.
        let mentions = mentions(call.app, post.as_str().unwrap_or_default());
        row.values[slot] = Value::json(if mentions.is_empty() { json!({}) } else { json!({"mentions": mentions}) });
        call.app.store.table(notes.index).insert(row.clone());
    }
    Ok(whole(call, &row))
}

fn set_pin(call: &Call, pinned: bool) -> Result<Reply> {
    let row = note(call)?;
    let notes = call.app.layout("Note")?;
    let slot = notes.slot("isPinned").ok_or_else(Refusal::internal)?;
    if pinned
        && let (Some(type_), Some(id)) = (text(notes, &row, "parentType"), text(notes, &row, "parentId"))
        && let Some(parent) = call.app.layouts.find(&type_)
        && notes_of(call.app, parent, &id).iter().filter(|r| r.get(slot).is_true()).count() >= 5
    {
        return Err(Refusal {
            body: Some(json!({"messageTranslation": {"label": "pinnedMaxCountExceeded", "scope": "Note", "data": {"count": "5"}}})),
            ..Refusal::forbidden("Pinned notes max count exceeded.")
        });
    }
    call.app.store.table(notes.index).update(&row.id, |r| {
        r.values[slot] = Value::Bool(pinned);
        true
    });
    Ok(Reply::bool(true))
}

fn pin(call: &Call) -> Result<Reply> {
    set_pin(call, true)
}

fn unpin(call: &Call) -> Result<Reply> {
    set_pin(call, false)
}

fn set_reaction(call: &Call, on: bool) -> Result<Reply> {
    let row = note(call)?;
    let (type_, user) = (call.params[1], call.caller.acl.user_id.clone());
    if type_ != "Like" {
        return Err(Refusal::bad_request("Not allowed reaction."));
    }
    let mut reactions = call.app.extras.reactions.0.write();
    let list = reactions.entry(row.id.clone()).or_default();
    list.retain(|(t, u)| !(t == type_ && *u == user));
    if on {
        list.push((type_.to_owned(), user));
    }
    Ok(Reply::bool(true))
}

fn react(call: &Call) -> Result<Reply> {
    set_reaction(call, true)
}

fn unreact(call: &Call) -> Result<Reply> {
    set_reaction(call, false)
}
