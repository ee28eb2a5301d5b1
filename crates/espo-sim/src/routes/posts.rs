//! Posts in the stream: writing, changing, pinning and reacting to them.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::follow::{Shown, list_users};
use super::stream::{is_visible, note_json, notes_of, text};
use super::{Call, Fixed, history, records};
use crate::acl::{Action, Kind};
use crate::app::extras::Done;
use crate::app::{App, Caller};
use crate::http::json::php_text;
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::listeners::{followers, notes};
use crate::record::{create, created, rules, update};
use crate::store::Row;
use crate::value::Value;
use crate::version::Version;
use crate::view::{self, values::OF_NOTE};

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::POST, "Note", post),
    Fixed::controller(Method::GET, "Note/:id", read_note),
    Fixed::controller(Method::PUT, "Note/:id", edit_note),
    Fixed::controller(Method::PATCH, "Note/:id", edit_note),
    Fixed::action(Method::POST, "Note/:id/pin", pin),
    Fixed::action(Method::DELETE, "Note/:id/pin", unpin),
    Fixed::action(Method::POST, ":Entity/:id/pin", of_any_entity),
    Fixed::action(Method::DELETE, ":Entity/:id/pin", of_any_entity),
    Fixed::action(Method::POST, "Note/:id/myReactions/:type", react),
    Fixed::action(Method::DELETE, "Note/:id/myReactions/:type", unreact),
    Fixed::action(Method::GET, "Note/:id/reactors/:type", reactors),
];

pub(super) fn counts(app: &App, row: &Row) -> Json {
    let reactions = app.extras.reactions.0.read();
    let mut map = Map::new();
    for (type_, _) in reactions.get(&row.id).into_iter().flatten() {
        let n = map.get(type_).and_then(Json::as_i64).unwrap_or(0);
        map.insert(type_.clone(), Json::from(n + 1));
    }
    if map.is_empty() {
        Json::Null
    } else {
        Json::Object(map)
    }
}

pub(super) fn my_reactions(app: &App, caller: &Caller, row: &Row) -> Json {
    let reactions = app.extras.reactions.0.read();
    let mine = reactions
        .get(&row.id)
        .into_iter()
        .flatten()
        .filter(|(_, u)| u == caller.user_id());
    Json::Array(mine.map(|(t, _)| Json::from(t.as_str())).collect())
}

/// `POST Note`: always a post, regardless of the type in the body.
fn post(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let mut body = call.request.json_body()?;
    let notes = app.layout("Note")?;
    // A link without a field has no ID to set.
    if body.get("superParentId").is_some_and(|id| !id.is_null()) {
        return Err(Refusal::forbidden(
            "Cannot set ID attribute for link 'superParent' as there's no link field.",
        ));
    }
    // The database numbers posts.
    body.shift_remove("number");
    let (row, shown) = create::insert(app, caller, notes, &body, true)?;
    notes::touch(app, &row);
    follow_own_post(call, notes, &row);
    let mut map = created::attributes(app, caller, notes, &row, &shown);
    map.insert("reactionCounts".to_owned(), counts(app, &row));
    map.insert("myReactions".to_owned(), my_reactions(app, caller, &row));
    show_mentioned(call, &row, None, &mut map);
    show_name(&body, &mut map);
    show_targets(app, notes, &row, &mut map);
    history::note(app, caller, notes, &row.id, Done::Create);
    Ok(app.json(&Json::Object(map)))
}

/// Adds the users who are notified of being mentioned.
fn show_mentioned(call: &Call, row: &Row, old: Option<&Row>, map: &mut Map<String, Json>) {
    let users = rules::mentioned(call.app, call.caller, row, old);
    if !users.is_empty() {
        map.insert("notifiedUserIdList".to_owned(), json!(users));
    }
}

/// A note has no name, but a name that was sent is returned as a string.
fn show_name(body: &Map<String, Json>, map: &mut Map<String, Json>) {
    if let Some(name) = body.get("name") {
        let shown = (!name.is_null()).then(|| php_text(name));
        map.insert("name".to_owned(), json!(shown));
    }
}

/// Makes the author of a post follow the record, unless the author is an API user.
fn follow_own_post(call: &Call, notes: &Layout, note: &Row) {
    if call.caller.acl.kind == Kind::Api {
        return;
    }
    if let Some((parent, id)) = view::key(call.app, notes, note, "parent")
        && call.app.layouts.entity(parent).scope.stream
        && let Some(row) = call.app.store.table(parent.index).live(&id)
    {
        followers::follow(call.app, parent, &row, call.caller.user_id());
    }
}

/// Returns the note of a route; the reason if it does not exist depends on the route.
fn note(call: &Call, missing: impl Fn(&str) -> String) -> Result<Arc<Row>> {
    let notes = call.app.layout("Note")?;
    let id = call.params[0];
    call.app
        .store
        .table(notes.index)
        .live(id)
        .ok_or_else(|| Refusal::not_found(missing(id)))
}

/// Returns a single note: as in a stream, with the names of its records.
fn whole(call: &Call, row: &Row) -> Map<String, Json> {
    let mut map = note_json(call.app, call.caller, row, OF_NOTE);
    if let Some(notes) = call.app.layouts.find("Note") {
        show_targets(call.app, notes, row, &mut map);
    }
    map
}

/// Adds the teams, users or portals to which a note without a record is addressed.
pub(super) fn show_targets(app: &App, notes: &Layout, row: &Row, map: &mut Map<String, Json>) {
    if text(notes, row, "parentId").is_some() {
        return;
    }
    let shown: &[&str] = match text(notes, row, "targetType").as_deref() {
        Some("all") => &[],
        Some("teams") => &["teams"],
        Some("users" | "self") => &["users"],
        Some("portals") => &["portals"],
        _ => &["teams", "users"],
    };
    for link in shown {
        for part in ["Ids", "Names"] {
            let name = format!("{link}{part}");
            if let Some(ix) = notes.find(&name) {
                map.insert(name, view::value(app, notes, row, ix, "").to_json());
            }
        }
    }
}

fn read_note(call: &Call) -> Result<Reply> {
    let row = note(call, |id| format!("Record {id} does not exist."))?;
    if !is_visible(call, call.app.layout("Note")?, &row) {
        return Err(Refusal::forbidden("No 'read' access."));
    }
    history::note(
        call.app,
        call.caller,
        call.app.layout("Note")?,
        &row.id,
        Done::Read,
    );
    Ok(call.app.json(&Json::Object(whole(call, &row))))
}

fn edit_note(call: &Call) -> Result<Reply> {
    let row = note(call, |id| format!("Record {id} not found."))?;
    let notes = call.app.layout("Note")?;
    if !call
        .caller
        .acl
        .record(&call.app.store, notes, &row, Action::Edit)
    {
        return Err(Refusal::forbidden("No edit access."));
    }
    // The text and the attachments of a post can be changed; other notes are immutable.
    if text(notes, &row, "type").as_deref() != Some("Post") {
        return Err(Refusal::forbidden(if call.caller.acl.is_admin() {
            "Note is not editable."
        } else {
            "No edit access."
        }));
    }
    let mut body = call.request.json_body()?;
    body.retain(|k, _| matches!(k.as_str(), "post" | "attachmentsIds" | "name"));
    let new = update::change(call.app, call.caller, notes, &row, &body)?;
    history::note(call.app, call.caller, notes, &row.id, Done::Update);
    let mut map = whole(call, &new);
    show_mentioned(call, &new, Some(&row), &mut map);
    show_name(&body, &mut map);
    if body
        .get("attachmentsIds")
        .is_some_and(|ids| !ids.is_array())
    {
        map.insert("attachmentsIds".to_owned(), Json::Null);
    }
    Ok(call.app.json(&Json::Object(map)))
}

fn set_pin(call: &Call, pinned: bool) -> Result<Reply> {
    let row = note(call, |_| String::new())?;
    let notes = call.app.layout("Note")?;
    if !is_visible(call, notes, &row) {
        return Err(Refusal::forbidden("No read access."));
    }
    if text(notes, &row, "parentId").is_none() {
        return Err(Refusal::forbidden("No parent."));
    }
    let slot = notes.slot("isPinned").ok_or_else(Refusal::internal)?;
    if pinned
        && let (Some(type_), Some(id)) = (
            text(notes, &row, "parentType"),
            text(notes, &row, "parentId"),
        )
        && let Some(parent) = call.app.layouts.find(&type_)
        && notes_of(call.app, parent, &id)
            .iter()
            .filter(|r| r.get(slot).is_true())
            .count()
            >= 5
    {
        return Err(Refusal {
            body: Some(
                json!({"messageTranslation": {"label": "pinnedMaxCountExceeded", "scope": "Note", "data": {"count": "5"}}}),
            ),
            ..Refusal::forbidden("Pinned notes max count exceeded.")
        });
    }
    call.app.store.table(notes.index).update(&row.id, |r| {
        if r.get(slot).is_true() == pinned {
            return false;
        }
        r.values[slot] = Value::Bool(pinned);
        update::mark_modified(call.app, call.caller, notes, r);
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

/// Up to 9.3, the route of pins ignores the entity type; since 10.0, only the route of notes exists.
fn of_any_entity(call: &Call) -> Result<Reply> {
    let (app, request) = (call.app, call.request);
    if app.version >= Version::V10_0 {
        let name = super::upper_first(call.params[0]);
        let rest = &request.segments[1..];
        return records::controller(app, request, call.caller, &name, rest, call.no_total);
    }
    let params = vec![call.params[1]];
    set_pin(&Call { params, ..*call }, request.method == Method::POST)
}

fn set_reaction(call: &Call, on: bool) -> Result<Reply> {
    let row = note(call, |_| String::new())?;
    if !is_visible(call, call.app.layout("Note")?, &row) {
        return Err(Refusal::forbidden_silently());
    }
    let (type_, user) = (call.params[1], call.caller.acl.user_id.clone());
    if on && type_ != "Like" {
        return Err(Refusal::forbidden(format!(
            "Not allowed reaction '{type_}'."
        )));
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

/// `GET Note/{id}/reactors/{type}`: the users who reacted in this way.
fn reactors(call: &Call) -> Result<Reply> {
    let row = note(call, |_| String::new())?;
    if !is_visible(call, call.app.layout("Note")?, &row) {
        return Err(Refusal::forbidden_silently());
    }
    let users = call.app.layout("User")?;
    let table = call.app.store.table(users.index);
    let reactions = call.app.extras.reactions.0.read();
    let rows: Vec<_> = reactions
        .get(&row.id)
        .into_iter()
        .flatten()
        .filter(|(type_, _)| type_ == call.params[1])
        .filter(|(_, user)| call.app.acl(user).kind != Kind::Api)
        .filter_map(|(_, user)| table.live(user))
        .collect();
    drop(reactions);
    list_users(call, users, &rows, Shown::Names)
}
