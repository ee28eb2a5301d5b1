//! Posts in the stream: writing, changing, pinning and reacting to them.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::follow::{Shown, list_users};
use super::stream::{IN_RECORD, is_visible, note_json, notes_of, text};
use super::{Call, Fixed, history};
use crate::acl::{Action, Kind};
use crate::app::events::Input;
use crate::app::extras::Done;
use crate::app::{App, Caller};
use crate::facts;
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::listeners::{followers, notes};
use crate::record::plain::insert_record;
use crate::record::{links, references, update};
use crate::store::Row;
use crate::value::Value;
use crate::version::Version;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::POST, "Note", post),
    Fixed::controller(Method::GET, "Note/:id", read_note),
    Fixed::controller(Method::PUT, "Note/:id", edit_note),
    Fixed::controller(Method::PATCH, "Note/:id", edit_note),
    Fixed::action(Method::POST, "Note/:id/pin", pin),
    Fixed::action(Method::DELETE, "Note/:id/pin", unpin),
    Fixed::action(Method::POST, "Note/:id/myReactions/:type", react),
    Fixed::action(Method::DELETE, "Note/:id/myReactions/:type", unreact),
    Fixed::action(Method::GET, "Note/:id/reactors/:type", reactors),
];

/// Attributes of a newly posted note; null attributes that were not set are omitted.
const POSTED: &[&str] = &[
    "id",
    "deleted",
    "post",
    "data",
    "type",
    "targetType",
    "notifiedUserIdList",
    "isInternal",
    "reactionCounts",
    "myReactions",
    "createdAt",
    "modifiedAt",
    "parentId",
    "parentType",
    "parentName",
    "relatedName",
    "attachmentsIds",
    "attachmentsNames",
    "createdById",
    "createdByName",
    "modifiedByName",
    "attachmentsTypes",
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
    let body = call.request.json_body()?;
    let get = |key: &str| {
        body.get(key)
            .and_then(Json::as_str)
            .filter(|s| !s.is_empty())
    };
    let ids = |key: &str| -> Vec<String> {
        body.get(key)
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect()
    };
    let notes = app.layout("Note")?;
    let mut attributes: Vec<(&str, Value)> = vec![
        ("type", "Post".into()),
        ("post", get("post").map_or(Value::Null, Value::text)),
        (
            "isInternal",
            Value::Bool(body.get("isInternal") == Some(&Json::Bool(true))),
        ),
    ];
    let target_type = get("targetType");
    if let (Some(type_), Some(id)) = (get("parentType"), get("parentId")) {
        let Some(parent) = app.layouts.find(type_) else {
            return Err(Refusal::validation("Note", "parent", "valid"));
        };
        let Some(row) = app.store.table(parent.index).live(id) else {
            return Err(Refusal::forbidden("No create access."));
        };
        if !caller.acl.record(&app.store, parent, &row, Action::Stream) {
            return Err(Refusal::forbidden("No create access."));
        }
        if app.version >= Version::V10_0
            && body.get("isInternal") == Some(&Json::Bool(true))
            && !facts::internal_notes(&app.layouts.schema, &parent.name)
        {
            return Err(Refusal::forbidden("Internal note is not allowed."));
        }
        attributes.extend([
            ("parentType", parent.name.as_str().into()),
            ("parentId", Value::text(id)),
        ]);
    } else if let Some(t) = target_type {
        let missing = |what: &str| Refusal::bad_request(format!("No {what}."));
        match t {
            "all" if !caller.acl.permission("messagePermission") => {
                return Err(Refusal::forbidden(
                    "Not permitted to post to anybody except self.",
                ));
            }
            "self" | "all" => {}
            "users" if ids("usersIds").is_empty() => return Err(missing("user IDs")),
            "teams" if ids("teamsIds").is_empty() => return Err(missing("team IDS")),
            "portals" if ids("portalsIds").is_empty() => return Err(missing("portal IDs")),
            "users" | "teams" | "portals" => {}
            _ => return Err(Refusal::validation("Note", "targetType", "valid")),
        }
        check_addressees(call, notes, &body, t)?;
        attributes.push(("targetType", Value::text(t)));
        attributes.push(("isGlobal", Value::Bool(t == "all")));
    } else if let Some(type_) = get("parentType") {
        // Without an ID it is kept, and leads to no record.
        let parent = app.layouts.find(type_);
        let parent = parent.ok_or_else(|| Refusal::validation("Note", "parent", "valid"))?;
        attributes.push(("parentType", parent.name.as_str().into()));
    }
    let mentions = mentions(app, get("post").unwrap_or_default());
    let mentioned: Vec<Json> = mentions
        .values()
        .filter_map(|m| m.get("id").cloned())
        .collect();
    if !mentions.is_empty() {
        attributes.push(("data", Value::json(json!({"mentions": mentions}))));
    }
    let row = notes::store(app, caller.user_id(), &attributes).ok_or_else(Refusal::internal)?;
    let mut input: Input = body
        .iter()
        .filter(|(k, _)| k.ends_with("Ids"))
        .filter_map(|(k, v)| Some((notes.find(k)?, v.clone())))
        .collect();
    if let (Some("self"), Some(ix)) = (target_type, notes.find("usersIds")) {
        input.insert(ix, json!([caller.user_id()]));
    }
    links::write_sets(app, notes, &row, &input, true);
    notes::touch(app, &row);
    follow_own_post(call, notes, &row);
    notes::announce(app, caller, &row);
    let mut answer = note_json(app, caller, &row, POSTED, true);
    if let Json::Object(map) = &mut answer {
        if !body.contains_key("post") {
            map.remove("post");
        }
        if target_type == Some("all") {
            map.insert("isGlobal".to_owned(), Json::Bool(true));
        }
        notify(call, &row, &mentioned);
        if mentioned.is_empty() {
            map.remove("notifiedUserIdList");
        } else {
            map.insert("notifiedUserIdList".to_owned(), Json::Array(mentioned));
        }
        show_targets(app, notes, &row, map);
    }
    history::note(app, caller, notes, &row.id, Done::Create);
    Ok(app.json(&answer))
}

/// Checks that the author may address the users and teams of a note.
fn check_addressees(
    call: &Call,
    notes: &Layout,
    body: &Map<String, Json>,
    target_type: &str,
) -> Result<()> {
    let mut input = Input::default();
    if let ("users" | "teams", Some(ids)) = (target_type, body.get(&format!("{target_type}Ids")))
        && let Some(ix) = notes.find(&format!("{target_type}Ids"))
    {
        input.insert(ix, ids.clone());
    }
    if let (Some(users), Some(Json::Array(ids))) = (
        call.app.layouts.find("User"),
        body.get("usersIds").filter(|_| target_type == "users"),
    ) {
        let table = call.app.store.table(users.index);
        for user in ids
            .iter()
            .filter_map(Json::as_str)
            .filter_map(|id| table.live(id))
        {
            if !call
                .caller
                .acl
                .record(&call.app.store, users, &user, Action::Read)
            {
                return Err(references::unreadable(notes, "users", users));
            }
        }
    }
    references::check_assignment(call.app, call.caller, notes, &input, None)
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

/// Notifies mentioned users, except the author and API users.
fn notify(call: &Call, note: &Row, mentioned: &[Json]) {
    let (app, Some(users)) = (call.app, call.app.layouts.find("User")) else {
        return;
    };
    for id in mentioned
        .iter()
        .filter_map(Json::as_str)
        .filter(|id| *id != call.caller.user_id())
    {
        let Some(user) = app.store.table(users.index).live(id) else {
            continue;
        };
        if text(users, &user, "type").as_deref() == Some("api") {
            continue;
        }
        let attributes = Map::from_iter([
            ("type".to_owned(), json!("MentionInPost")),
            ("userId".to_owned(), json!(id)),
            ("data".to_owned(), json!({"noteId": note.id.as_str()})),
            ("relatedType".to_owned(), json!("Note")),
            ("relatedId".to_owned(), json!(note.id.as_str())),
            ("createdById".to_owned(), json!(call.caller.user_id())),
        ]);
        // Metadata without notifications has no such entity type.
        let _ = insert_record(app, "Notification", &attributes);
    }
}

/// Returns the mentions (`@userName`) in a post, by spelling.
fn mentions(app: &App, post: &str) -> Map<String, Json> {
    let mut found = Map::new();
    let Some(users) = app.layouts.find("User") else {
        return found;
    };
    let Some(slot) = users.slot("userName") else {
        return found;
    };
    let words = post.split(|c: char| !(c.is_alphanumeric() || matches!(c, '@' | '_' | '-' | '.')));
    for word in words.filter(|w| w.len() > 1 && w.starts_with('@')) {
        let name = word[1..].trim_end_matches('.');
        let rows = app.store.table(users.index).snapshot();
        if let Some(row) = rows
            .iter()
            .find(|r| !r.deleted && r.get(slot).as_str() == Some(name))
        {
            found.insert(
                format!("@{name}"),
                json!({"id": row.id.as_str(), "name": view::name(app, users, row, "name").to_json(), "userName": name, "_scope": "User"}),
            );
        }
    }
    found
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
fn whole(call: &Call, row: &Row) -> Reply {
    let attrs: Vec<&str> = IN_RECORD
        .iter()
        .copied()
        .chain(["parentName", "relatedName"])
        .collect();
    let mut note = note_json(call.app, call.caller, row, &attrs, false);
    if let (Some(notes), Json::Object(map)) = (call.app.layouts.find("Note"), &mut note) {
        show_targets(call.app, notes, row, map);
    }
    call.app.json(&note)
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
    Ok(whole(call, &row))
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
    let mut body = call.request.json_body()?;
    // The text and the attachments of a post can be changed; other notes are immutable.
    let is_post = text(notes, &row, "type").as_deref() == Some("Post");
    body.retain(|k, _| is_post && matches!(k.as_str(), "post" | "attachmentsIds"));
    let mut row = update::change(call.app, call.caller, notes, &row, &body)?;
    if let (Some(post), Some(slot)) = (body.get("post"), notes.slot("data")) {
        // The mentioned users are derived from the text.
        let mentions = mentions(call.app, post.as_str().unwrap_or_default());
        row.values[slot] = Value::json(if mentions.is_empty() {
            json!({})
        } else {
            json!({"mentions": mentions})
        });
        call.app.store.table(notes.index).insert(row.clone());
    }
    history::note(call.app, call.caller, notes, &row.id, Done::Update);
    Ok(whole(call, &row))
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

fn set_reaction(call: &Call, on: bool) -> Result<Reply> {
    let row = note(call, |_| String::new())?;
    if !is_visible(call, call.app.layout("Note")?, &row) {
        return Err(Refusal::forbidden_silently());
    }
    let (type_, user) = (call.params[1], call.caller.acl.user_id.clone());
    if type_ != "Like" {
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
