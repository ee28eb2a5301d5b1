//! Streams of notes: of a record, of the caller, and of all records.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::note_filter::Which;
use super::{Call, Fixed, posts};
use crate::acl::{Acl, Action, Kind, Level};
use crate::app::{App, Caller};
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::{read, select};
use crate::search;
use crate::search::order::Order;
use crate::search::params::SearchParams;
use crate::store::Row;
use crate::view::{self, values::OF_NOTE};

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::GET, ":Entity/:id/stream", record_stream),
    Fixed::controller(Method::GET, ":Entity/:id/posts", record_posts),
    Fixed::controller(Method::GET, ":Entity/:id/updateStream", update_stream),
    Fixed::controller(Method::GET, "Stream", user_stream),
    Fixed::action(Method::GET, "GlobalStream", global_stream),
    Fixed::action(Method::GET, "User/:id/stream/own", own_stream),
    Fixed::action(
        Method::GET,
        ":Entity/:id/streamAttachments",
        stream_attachments,
    ),
];

/// Attributes of a note in a user's stream.
const IN_USER: &[&str] = &[
    "id",
    "post",
    "data",
    "type",
    "targetType",
    "number",
    "isGlobal",
    "createdByGender",
    "isInternal",
    "createdAt",
    "parentId",
    "parentType",
    "parentName",
    "relatedId",
    "relatedType",
    "attachmentsIds",
    "attachmentsNames",
    "createdById",
    "createdByName",
    "attachmentsTypes",
];

/// Attributes of a file in the list of a stream.
const OF_ATTACHMENT: &[&str] = &[
    "id",
    "name",
    "type",
    "size",
    "createdAt",
    "parentId",
    "parentType",
    "createdById",
    "createdByName",
];

/// Returns a note as JSON, with these attributes.
pub(super) fn note_json(
    app: &App,
    caller: &Caller,
    row: &Row,
    attrs: &[&str],
) -> Map<String, Json> {
    let mut map = Map::new();
    let Some(layout) = app.layouts.find("Note") else {
        return map;
    };
    let is_post = layout
        .slot("type")
        .is_some_and(|s| row.get(s).as_str() == Some("Post"));
    for attr in attrs {
        let is_hidden = attr.starts_with("attachments") && !is_post;
        if let Some(ix) = layout.find(attr).filter(|_| !is_hidden) {
            let value = view::value(app, layout, row, ix, caller.user_id());
            map.insert((*attr).to_owned(), value.to_json());
        }
    }
    map.insert("reactionCounts".to_owned(), posts::counts(app, row));
    let mine = posts::my_reactions(app, caller, row);
    map.insert("myReactions".to_owned(), mine);
    map
}

/// Returns a note in a list. The name of its record is included unless the list is that of the record.
fn listed(app: &App, caller: &Caller, row: &Row, attrs: &[&str], of: Option<&str>) -> Json {
    let mut map = note_json(app, caller, row, attrs);
    let Some(layout) = app.layouts.find("Note") else {
        return Json::Object(map);
    };
    posts::show_targets(app, layout, row, &mut map);
    for link in ["parent", "related"] {
        let id = text(layout, row, &format!("{link}Id"));
        let name = format!("{link}Name");
        let named = id.is_some() && !(link == "parent" && id.as_deref() == of);
        match layout.find(&name) {
            Some(ix) if named => {
                map.insert(
                    name,
                    view::value(app, layout, row, ix, caller.user_id()).to_json(),
                );
            }
            _ => {
                map.remove(&name);
            }
        }
    }
    Json::Object(map)
}

pub(super) fn text(layout: &Layout, row: &Row, attr: &str) -> Option<String> {
    layout
        .slot(attr)
        .and_then(|s| row.get(s).non_empty())
        .map(str::to_owned)
}

/// Returns the notes of a record, newest first.
pub(super) fn notes_of(app: &App, layout: &Layout, id: &str) -> Vec<Arc<Row>> {
    let Some(notes) = app.layouts.find("Note") else {
        return Vec::new();
    };
    let table = app.store.table(notes.index);
    let mut rows = Vec::new();
    for (key, type_) in [
        ("parentId", "parentType"),
        ("superParentId", "superParentType"),
    ] {
        let (Some(key), Some(type_)) = (notes.slot(key), notes.slot(type_)) else {
            continue;
        };
        rows.extend(
            table
                .by_key(key, id)
                .into_iter()
                .filter(|r| r.get(type_).as_str() == Some(&layout.name)),
        );
    }
    let number = notes.slot("number");
    let of = |r: &Row| number.and_then(|s| r.get(s).as_f64()).unwrap_or_default();
    rows.sort_by(|a, b| of(b).total_cmp(&of(a)));
    rows.dedup_by(|a, b| a.id == b.id);
    rows
}

fn readable_record<'a>(call: &Call<'a>) -> Result<(&'a Layout, Arc<Row>)> {
    let layout = call.app.layout(&super::upper_first(call.params[0]))?;
    if call.caller.acl.level(&layout.name, Action::Read) == Level::No {
        return Err(Refusal::forbidden_silently());
    }
    let row = call.app.live(layout, call.params[1])?;
    if !call
        .caller
        .acl
        .record(&call.app.store, layout, &row, Action::Read)
    {
        return Err(Refusal::forbidden_silently());
    }
    Ok((layout, row))
}

/// Returns the record of a route, if the caller may see its stream.
fn streamed_record<'a>(call: &Call<'a>, otherwise: &str) -> Result<(&'a Layout, Arc<Row>)> {
    let layout = call.app.layout(&super::upper_first(call.params[0]))?;
    let open = call.caller.acl.level(&layout.name, Action::Read) != Level::No;
    let row = call
        .app
        .store
        .table(layout.index)
        .live(call.params[1])
        .ok_or_else(|| Refusal::not_found("Record not found."))?;
    if open
        && call
            .caller
            .acl
            .record(&call.app.store, layout, &row, Action::Stream)
    {
        return Ok((layout, row));
    }
    Err(Refusal::forbidden(otherwise))
}

fn stream_of(call: &Call, filter: Option<&str>, pinned: bool) -> Result<Reply> {
    if super::upper_first(call.params[0]) == "User" {
        return stream_of_user(call, filter, pinned);
    }
    let (layout, row) = streamed_record(call, "No stream access.")?;
    let app = call.app;
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let notes = app.layout("Note")?;
    let which = Which::of(call, notes, filter)?;
    let all = notes_of(app, layout, &row.id);
    let rows: Vec<_> = all.iter().filter(|r| which.keeps(r)).collect();
    let limit = params.max_size.unwrap_or(200) as usize;
    let list: Vec<Json> = rows
        .iter()
        .skip(params.offset as usize)
        .take(limit)
        .map(|r| listed(app, call.caller, r, OF_NOTE, Some(&row.id)))
        .collect();
    let mut body = json!({"total": rows.len(), "list": list});
    if pinned {
        let slot = notes.slot("isPinned");
        let pinned = all
            .iter()
            .filter(|r| slot.is_some_and(|s| r.get(s).is_true()));
        body["pinnedList"] = pinned
            .map(|r| listed(app, call.caller, r, OF_NOTE, Some(&row.id)))
            .collect();
    }
    Ok(app.json(&body))
}

/// Returns the stream of a user: the notes that both the user and the caller may see.
fn stream_of_user(call: &Call, filter: Option<&str>, whole: bool) -> Result<Reply> {
    let app = call.app;
    let users = app.layout("User")?;
    let id = call.params[1];
    if app.store.table(users.index).live(id).is_none() {
        return Err(Refusal::not_found("User not found."));
    }
    if !call.caller.acl.permission("userPermission") {
        return Err(Refusal::forbidden("No user permission access."));
    }
    let acl = app.acl(id);
    let (total, list) = page(call, filter, |notes, row| {
        is_of(app, &acl, notes, row) && is_open(call, notes, row)
    })?;
    if !whole {
        return Ok(app.list_json(total, &list));
    }
    Ok(own(call, total, &list))
}

fn record_stream(call: &Call) -> Result<Reply> {
    stream_of(call, call.request.param("filter"), true)
}

fn record_posts(call: &Call) -> Result<Reply> {
    stream_of(call, Some("posts"), false)
}

fn update_stream(call: &Call) -> Result<Reply> {
    if !call.caller.acl.permission("auditPermission") {
        return Err(Refusal::forbidden_silently());
    }
    stream_of(call, Some("updates"), false).map_err(|r| match r.status {
        404 => Refusal::not_found_silently(),
        _ => r,
    })
}

/// Returns a page of the notes for which `wanted` returns true, newest first, without counting: total and notes.
fn page(
    call: &Call,
    filter: Option<&str>,
    wanted: impl Fn(&Layout, &Row) -> bool,
) -> Result<(i64, Vec<Json>)> {
    let (app, caller) = (call.app, call.caller);
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let notes = app.layout("Note")?;
    let which = Which::of(call, notes, filter)?;
    let limit = params
        .max_size
        .unwrap_or_else(|| app.config.read().list_max_size) as usize;
    let rows = app.store.table(notes.index).snapshot();
    let mut found: Vec<&Arc<Row>> = rows
        .iter()
        .rev()
        .filter(|r| !r.deleted && which.keeps(r) && wanted(notes, r))
        .skip(params.offset as usize)
        .take(limit.saturating_add(1))
        .collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let list = found
        .iter()
        .map(|r| listed(app, caller, r, IN_USER, None))
        .collect();
    Ok((if more { -1 } else { -2 }, list))
}

/// Returns the caller's own stream: notes of followed records, and notes addressed to the caller.
fn user_stream(call: &Call) -> Result<Reply> {
    let filter = call.request.param("filter");
    let (total, list) = page(call, filter, |notes, row| is_mine(call, notes, row))?;
    Ok(own(call, total, &list))
}

/// Returns the response for a user's stream.
fn own(call: &Call, total: i64, list: &[Json]) -> Reply {
    call.app.json(&json!({
        "total": total,
        "list": list,
        "reactionsCheckDate": call.app.clock.datetime(),
        "updatedReactions": [],
    }))
}

/// `GET GlobalStream`: every note of a record that the caller may read.
fn global_stream(call: &Call) -> Result<Reply> {
    if !call.caller.acl.scope("GlobalStream") {
        return Err(Refusal::forbidden_silently());
    }
    let filter = call.request.param("filter");
    let (total, mut list) = page(call, filter, |notes, row| is_visible(call, notes, row))?;
    for note in &mut list {
        note["_scope"] = json!("Note");
    }
    Ok(call.app.list_json(total, &list))
}

/// `GET User/{id}/stream/own`: the notes that a user wrote.
fn own_stream(call: &Call) -> Result<Reply> {
    let users = call.app.layout("User")?;
    call.app.live(users, call.params[0])?;
    let mine = call.params[0] == call.caller.user_id();
    if !mine && !call.caller.acl.permission("userPermission") {
        return Err(Refusal::forbidden("No user permission access."));
    }
    let filter = call.request.param("filter");
    let (total, list) = page(call, filter, |notes, row| {
        text(notes, row, "createdById").as_deref() == Some(call.params[0])
            && is_open(call, notes, row)
    })?;
    Ok(call.app.list_json(total, &list))
}

/// `GET {Entity}/{id}/streamAttachments`: files of the posts of a record.
fn stream_attachments(call: &Call) -> Result<Reply> {
    let (layout, row) = readable_record(call)?;
    if !call
        .caller
        .acl
        .record(&call.app.store, layout, &row, Action::Stream)
    {
        return Err(Refusal::forbidden("No 'stream' access."));
    }
    let app = call.app;
    let (notes, attachments) = (app.layout("Note")?, app.layout("Attachment")?);
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let rows: Vec<Arc<Row>> = notes_of(app, layout, &row.id)
        .iter()
        .flat_map(|n| view::linked(app, notes, n, "attachments"))
        .collect();
    let order = Order::of(app, call.caller, attachments, &params)?;
    order.executable()?;
    let found = search::page(app, attachments, rows.iter(), &[], &order, &params, true);
    let mut plan = select::list_plan(
        app,
        call.caller,
        attachments,
        params.select.as_deref(),
        &order,
        &[],
    );
    if params.select.is_none() {
        let of_list = |ix: &usize| OF_ATTACHMENT.contains(&attachments.attrs[*ix].name.as_str());
        plan.attrs.retain(of_list);
    }
    Ok(read::list_reply(
        app,
        call.caller,
        attachments,
        &found,
        &plan,
    ))
}

/// Whether the caller may read a note: own notes, notes of readable records, and notes addressed to the caller.
pub(super) fn is_visible(call: &Call, notes: &Layout, row: &Row) -> bool {
    let acl = &call.caller.acl;
    if acl.is_admin() || text(notes, row, "createdById").as_deref() == Some(call.caller.user_id()) {
        return true;
    }
    match view::key(call.app, notes, row, "parent") {
        Some((parent, id)) => {
            let record = call.app.store.table(parent.index).live(&id);
            // A record's notes are part of its stream.
            record.is_some_and(|r| acl.record(&call.app.store, parent, &r, Action::Stream))
        }
        None => is_mine(call, notes, row),
    }
}

/// Whether the caller may read a note in the stream of a user: posts of no record are not restricted there.
fn is_open(call: &Call, notes: &Layout, row: &Row) -> bool {
    view::key(call.app, notes, row, "parent").is_none() || is_visible(call, notes, row)
}

fn is_mine(call: &Call, notes: &Layout, row: &Row) -> bool {
    is_of(call.app, &call.caller.acl, notes, row)
}

/// Whether a note belongs to the stream of the user who requests it.
fn is_of(app: &App, acl: &Acl, notes: &Layout, row: &Row) -> bool {
    let user = acl.user_id.as_str();
    let parent = (text(notes, row, "parentType"), text(notes, row, "parentId"));
    if let (Some(type_), Some(id)) = parent {
        let followers = app.followers.read();
        let follows = |type_: String, id: &str| {
            followers
                .get(&(type_, id.into()))
                .is_some_and(|f| f.iter().any(|u| u == user))
        };
        let above = (
            text(notes, row, "superParentType"),
            text(notes, row, "superParentId"),
        );
        return follows(type_, &id) || above.0.zip(above.1).is_some_and(|(t, i)| follows(t, &i));
    }
    match text(notes, row, "targetType").as_deref() {
        Some("all") => {
            acl.kind != Kind::Api || text(notes, row, "createdById").as_deref() == Some(user)
        }
        Some("teams") => {
            view::linked(app, notes, row, "teams")
                .iter()
                .any(|t| acl.teams.contains(&t.id))
                || text(notes, row, "createdById").as_deref() == Some(user)
        }
        Some("users") => {
            view::linked(app, notes, row, "users")
                .iter()
                .any(|u| u.id == user)
                || text(notes, row, "createdById").as_deref() == Some(user)
        }
        _ => text(notes, row, "createdById").as_deref() == Some(user),
    }
}
