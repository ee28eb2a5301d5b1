//! Following and starring records.

use std::sync::Arc;

use http::Method;
use serde_json::{Value as Json, json};

use super::{Call, Fixed};
use crate::acl::{Action, Kind, Level};
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::{read, select};
use crate::search::order::Order;
use crate::search::params::SearchParams;
use crate::search::{self};
use crate::store::Row;
use crate::value::Id;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::PUT, ":Entity/:id/subscription", follow),
    Fixed::controller(Method::DELETE, ":Entity/:id/subscription", unfollow),
    Fixed::action(Method::GET, ":Entity/:id/followers", followers),
    Fixed::action(Method::GET, ":Entity/:id/usersAccess", users_with_access),
    Fixed::action(Method::POST, ":Entity/:id/followers", add_followers),
    Fixed::action(Method::DELETE, ":Entity/:id/followers", remove_followers),
    Fixed::action(Method::PUT, ":Entity/:id/starSubscription", star),
    Fixed::action(Method::DELETE, ":Entity/:id/starSubscription", unstar),
];

/// Returns the entity type of a route, and the ID of a record that is not deleted.
fn target<'a>(call: &Call<'a>) -> Result<(&'a Layout, Id)> {
    let layout = call.app.layout(&super::upper_first(call.params[0]))?;
    let id = call.params[1];
    call.app.live(layout, id)?;
    Ok((layout, id.into()))
}

fn set_follower(call: &Call, layout: &Layout, id: &Id, user: &str, follows: bool) {
    if !call.app.layouts.entity(layout).scope.stream {
        return;
    }
    let mut followers = call.app.followers.write();
    let list = followers
        .entry((layout.name.clone(), id.clone()))
        .or_default();
    list.retain(|f| f != user);
    if follows {
        list.push(user.into());
    }
}

/// Records without a stream cannot be followed, but the response is `true` anyway.
fn follow(call: &Call) -> Result<Reply> {
    let named = call.app.layout(&super::upper_first(call.params[0]))?;
    if call.caller.acl.level(&named.name, Action::Read) == Level::No {
        return Err(Refusal::forbidden_silently());
    }
    let (layout, id) = target(call)?;
    check_read(call, layout, &id, "")?;
    if call.app.layouts.entity(layout).scope.stream {
        let row = call.app.live(layout, &id)?;
        if !call
            .caller
            .acl
            .record(&call.app.store, layout, &row, Action::Stream)
        {
            return Err(Refusal::forbidden_silently());
        }
    }
    set_follower(call, layout, &id, call.caller.user_id(), true);
    Ok(Reply::bool(true))
}

fn unfollow(call: &Call) -> Result<Reply> {
    let (layout, id) = target(call)?;
    set_follower(call, layout, &id, call.caller.user_id(), false);
    Ok(Reply::bool(true))
}

/// Rejects callers who may not see the record of a route.
fn check_read(call: &Call, layout: &Layout, id: &str, otherwise: &str) -> Result<()> {
    let acl = &call.caller.acl;
    if acl.level(&layout.name, Action::Read) == Level::No {
        return Err(Refusal::forbidden_silently());
    }
    let row = call.app.live(layout, id)?;
    if !acl.record(&call.app.store, layout, &row, Action::Read) {
        return Err(Refusal::forbidden(otherwise));
    }
    Ok(())
}

/// Returns the record of a route; its entity type must have a stream.
fn followed<'a>(call: &Call<'a>) -> Result<(&'a Layout, Id)> {
    let layout = call.app.layout(&super::upper_first(call.params[0]))?;
    if !call.app.layouts.entity(layout).scope.stream {
        return Err(Refusal::not_found("No stream."));
    }
    let id = call.params[1];
    match call.app.store.table(layout.index).live(id) {
        Some(_) => Ok((layout, id.into())),
        None => Err(Refusal::not_found("Record not found.")),
    }
}

/// Returns the users who follow a record. Only administrators see API users.
fn followers(call: &Call) -> Result<Reply> {
    let named = call.app.layout(&super::upper_first(call.params[0]))?;
    if call.caller.acl.level(&named.name, Action::Read) == Level::No {
        return Err(Refusal::forbidden_silently());
    }
    let (layout, id) = followed(call)?;
    check_read(call, layout, &id, "No 'read' access.")?;
    let app = call.app;
    let users = app.layout("User")?;
    let ids = app
        .followers
        .read()
        .get(&(layout.name.clone(), id))
        .cloned()
        .unwrap_or_default();
    let table = app.store.table(users.index);
    let type_ = users.slot("type");
    let rows: Vec<_> = ids
        .iter()
        .filter_map(|u| table.live(u))
        .filter(|r| {
            call.caller.acl.is_admin() || type_.is_none_or(|s| r.get(s).as_str() != Some("api"))
        })
        .collect();
    list_users(call, users, &rows, Shown::CallerFirst)
}

/// How a list of users is shown by default.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Shown {
    ByName,
    CallerFirst,
    /// By name, with the names only.
    Names,
}

/// A page of these users that the caller may see.
pub(super) fn list_users(
    call: &Call,
    users: &Layout,
    rows: &[Arc<Row>],
    shown: Shown,
) -> Result<Reply> {
    let app = call.app;
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let order = Order::of(app, call.caller, users, &params)?;
    let mut conditions = search::conditions(app, call.caller, users, &params)?;
    order.executable()?;
    conditions.extend(search::readable(app, call.caller, users));
    let mut found = search::page(app, users, rows.iter(), &conditions, &order, &params, true);
    if shown == Shown::CallerFirst && params.order_by.is_none() {
        found
            .rows
            .sort_by_key(|row| row.id != call.caller.user_id());
    }
    let mut plan = select::list_plan(
        app,
        call.caller,
        users,
        params.select.as_deref(),
        &order,
        &[],
    );
    if shown == Shown::Names && params.select.is_none() {
        let is_name =
            |ix: &usize| matches!(users.attrs[*ix].name.as_str(), "id" | "name" | "userName");
        plan.attrs.retain(is_name);
    }
    Ok(read::list_reply(app, call.caller, users, &found, &plan))
}

/// `GET {Entity}/{id}/usersAccess`: users who can read a record.
fn users_with_access(call: &Call) -> Result<Reply> {
    let (layout, id) = target(call)?;
    let app = call.app;
    let row = app.live(layout, &id)?;
    if !call
        .caller
        .acl
        .record(&app.store, layout, &row, Action::Read)
    {
        return Err(Refusal::forbidden_silently());
    }
    if !call.caller.acl.permission("userPermission") {
        return Err(Refusal::forbidden("No user permission."));
    }
    let users = app.layout("User")?;
    let type_ = users.slot("type");
    let rows: Vec<Arc<Row>> = app
        .store
        .table(users.index)
        .snapshot()
        .iter()
        .filter(|r| {
            let is_api = type_.is_some_and(|s| r.get(s).as_str() == Some("api"));
            !r.deleted && (call.caller.acl.is_admin() || !is_api)
        })
        .cloned()
        .collect();
    let reply = list_users(call, users, &rows, Shown::ByName)?;
    let mut body: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    for user in body["list"].as_array_mut().into_iter().flatten() {
        let acl = app.acl(user["id"].as_str().unwrap_or_default());
        let may = |action| acl.record(&app.store, layout, &row, action);
        user["recordAccessLevels"] = json!({
            "read": may(Action::Read),
            "edit": may(Action::Edit),
            "delete": may(Action::Delete),
            "stream": may(Action::Stream),
        });
    }
    Ok(app.json(&body))
}

fn user_ids(call: &Call) -> Result<Vec<String>> {
    let body = call.request.json_body()?;
    let one = body.get("id").and_then(Json::as_str).map(str::to_owned);
    let many = body
        .get("ids")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .map(str::to_owned);
    Ok(one.into_iter().chain(many).collect())
}

/// Rejects callers who may not change records of an entity type.
fn check_edit_of_type(call: &Call, name: &str) -> Result<()> {
    let acl = &call.caller.acl;
    if !acl.scope(name) {
        return Err(Refusal::forbidden(format!("No access to {name}.")));
    }
    if acl.level(name, Action::Edit) == Level::No {
        return Err(Refusal::forbidden(format!(
            "No 'edit' access to {name} scope."
        )));
    }
    Ok(())
}

/// Rejects callers who may not change the record of a route.
fn check_edit(call: &Call, layout: &Layout, id: &str) -> Result<()> {
    let acl = &call.caller.acl;
    let row = call.app.live(layout, id)?;
    if !acl.record(&call.app.store, layout, &row, Action::Edit) {
        return Err(Refusal::forbidden("No 'edit' access."));
    }
    Ok(())
}

fn change_followers(call: &Call, follows: bool) -> Result<Reply> {
    let ids = user_ids(call)?;
    if ids.is_empty() {
        return Err(Refusal::bad_request("No ids."));
    }
    let named = call.app.layout(&super::upper_first(call.params[0]))?;
    check_edit_of_type(call, &named.name)?;
    let (layout, id) = followed(call)?;
    check_edit(call, layout, &id)?;
    let others = ids.iter().any(|u| u != call.caller.user_id());
    if others && !call.caller.acl.permission("followerManagementPermission") {
        return Err(Refusal::forbidden_silently());
    }
    let users = call.app.layout("User")?;
    let mut names = Vec::new();
    for user in &ids {
        let row = call.app.store.table(users.index).live(user);
        let row = row.ok_or_else(|| Refusal::not_found(format!("User {user} not found.")))?;
        names.push(users.slot("userName").map(|s| row.get(s).to_json()));
    }
    let record = call.app.live(layout, &id)?;
    for (user, name) in ids.into_iter().zip(names) {
        let acl = call.app.acl(&user);
        if follows && !acl.record(&call.app.store, layout, &record, Action::Stream) {
            return Err(Refusal {
                body: Some(
                    json!({"messageTranslation": {"label": "couldNotAddFollowerUserHasNoAccessToStream", "scope": "Stream", "data": {"userName": name}}}),
                ),
                ..Refusal::forbidden("Could not add user to followers.")
            });
        }
        set_follower(call, layout, &id, &user, follows);
    }
    Ok(Reply::bool(true))
}

fn add_followers(call: &Call) -> Result<Reply> {
    change_followers(call, true)
}

fn remove_followers(call: &Call) -> Result<Reply> {
    change_followers(call, false)
}

fn star(call: &Call) -> Result<Reply> {
    let (layout, id) = target(call)?;
    check_read(call, layout, &id, "")?;
    if call.caller.acl.kind == Kind::Api {
        return Err(Refusal::forbidden("Not allowed for non-internal users."));
    }
    if call.caller.acl.level(&layout.name, Action::Read) == Level::No
        || !call.app.layouts.entity(layout).scope.stars
    {
        return Err(Refusal::forbidden_silently());
    }
    call.app
        .stars
        .write()
        .insert((layout.name.clone(), id, call.caller.acl.user_id.clone()));
    Ok(Reply::bool(true))
}

fn unstar(call: &Call) -> Result<Reply> {
    let (layout, id) = target(call)?;
    check_read(call, layout, &id, "")?;
    if !call.app.layouts.entity(layout).scope.stars {
        return Err(Refusal::forbidden_silently());
    }
    call.app
        .stars
        .write()
        .remove(&(layout.name.clone(), id, call.caller.acl.user_id.clone()));
    Ok(Reply::bool(true))
}
