//! Users: preferences and creation.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::{Call, Fixed, history};
use crate::app::App;
use crate::app::extras::Done;
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::plain::insert_record;
use crate::record::{create, read, update};
use crate::store::Row;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::GET, "Preferences/:id", preferences),
    Fixed::controller(Method::PUT, "Preferences/:id", put_preferences),
    Fixed::controller(Method::PATCH, "Preferences/:id", put_preferences),
    Fixed::controller(Method::DELETE, "Preferences/:id", reset_preferences),
    Fixed::controller(Method::POST, "User", create_user),
];

/// Returns a user that the caller may manage: the caller, or any user for administrators.
pub(super) fn own_user<'a>(call: &Call<'a>, id: &str) -> Result<(&'a Layout, Arc<Row>)> {
    let users = call.app.layout("User")?;
    if !call.caller.acl.is_admin() && id != call.caller.user_id() {
        return Err(Refusal::forbidden_silently());
    }
    let row = call.app.live(users, id)?;
    Ok((users, row))
}

/// Returns the preferences of the user of a route.
fn kept<'a>(call: &Call<'a>) -> Result<(&'a Layout, Arc<Row>)> {
    own_user(call, call.params[0])?;
    of_user(call.app, call.params[0])
}

/// Returns the preferences of a user, which are created with defaults when they are first requested.
fn of_user<'a>(app: &'a App, id: &str) -> Result<(&'a Layout, Arc<Row>)> {
    let layout = app.layout("Preferences")?;
    let table = app.store.table(layout.index);
    if let Some(row) = table.live(id) {
        return Ok((layout, row));
    }
    make_default(app, layout, id)?;
    Ok((layout, table.live(id).ok_or_else(Refusal::internal)?))
}

/// Returns the caller's preferences for `GET App/user`; metadata without users' preferences has none.
pub(super) fn own(call: &Call) -> Map<String, Json> {
    let Ok((layout, row)) = of_user(call.app, call.caller.user_id()) else {
        return Map::new();
    };
    let mut own = shown(call, layout, &row);
    for attr in ["isPortalUser", "name"] {
        own.shift_remove(attr);
    }
    own
}

fn make_default(app: &App, layout: &Layout, id: &str) -> Result<()> {
    let fields = &app.layouts.entity(layout).fields;
    let mut attributes: Map<String, Json> = fields
        .values()
        .filter_map(|f| Some((f.name.clone(), f.default.clone().filter(|d| !d.is_null())?)))
        .collect();
    attributes.insert("id".to_owned(), json!(id));
    insert_record(app, &layout.name, &attributes).map_err(|_| Refusal::internal())?;
    Ok(())
}

fn preferences(call: &Call) -> Result<Reply> {
    let (layout, row) = kept(call)?;
    Ok(call.app.json(&Json::Object(shown(call, layout, &row))))
}

/// Preferences as they are shown: those with a default, and those that were set.
fn shown(call: &Call, layout: &Layout, row: &Row) -> Map<String, Json> {
    const ALWAYS: &[&str] = &["id", "autoFollowEntityTypeList", "isPortalUser"];
    let app = call.app;
    let reply = read::record_reply(app, call.caller, layout, row);
    let mut record: Map<String, Json> = serde_json::from_slice(&reply.body).unwrap_or_default();
    let fields = &app.layouts.entity(layout).fields;
    record.retain(|name, value| {
        let has_default = fields
            .get(name)
            .is_some_and(|f| f.raw.contains_key("default"));
        let unset = value.is_null() || *value == json!(false) || *value == json!([]);
        has_default || !unset || ALWAYS.contains(&name.as_str())
    });
    for (name, value) in [
        ("autoFollowEntityTypeList", json!([])),
        ("isPortalUser", json!(false)),
        ("followCreatedEntities", json!(false)),
        ("dashletsOptions", json!({})),
        ("dashboardLayout", dashboard()),
    ] {
        record.entry(name).or_insert(value);
    }
    if let Some(users) = app.layouts.find("User") {
        let name = crate::view::name_of(app, users, &row.id);
        record.insert("name".to_owned(), name.to_json());
    }
    record
}

/// The dashboard that every user starts with: upcoming activities next to the stream.
fn dashboard() -> Json {
    let dashlet = |id: &str, name: &str, x: u8, y: u8| json!({"id": format!("default-{id}"), "name": name, "x": x, "y": y, "width": 2, "height": 4});
    let layout = [
        dashlet("activities", "Activities", 2, 2),
        dashlet("stream", "Stream", 0, 0),
    ];
    json!([{"name": "My Espo", "layout": layout}])
}

fn put_preferences(call: &Call) -> Result<Reply> {
    let (layout, row) = kept(call)?;
    let body = call.request.json_body()?;
    let row = update::change(call.app, call.caller, layout, &row, &body)?;
    let mut record = shown(call, layout, &row);
    record.shift_remove("isPortalUser");
    Ok(call.app.json(&Json::Object(record)))
}

fn reset_preferences(call: &Call) -> Result<Reply> {
    kept(call)?;
    make_default(call.app, call.app.layout("Preferences")?, call.params[0])?;
    preferences(call)
}

/// `POST User` requires the exact content type.
fn create_user(call: &Call) -> Result<Reply> {
    if call.request.header("content-type") != Some("application/json") {
        return Err(Refusal::bad_request("Not supported content type."));
    }
    let users = call.app.layout("User")?;
    let (reply, id) = create::create(call.app, call.caller, users, call.request)?;
    history::note(call.app, call.caller, users, &id, Done::Create);
    Ok(reply)
}
