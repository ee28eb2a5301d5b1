//! Notifications of the caller (ESPO-API.md C5). Those of one action count as one: the newest stands for the group.

use std::collections::HashSet;
use std::sync::Arc;

use http::Method;
use serde_json::{Value as Json, json};

use super::{Call, Fixed};
use crate::acl::Action;
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::{read, select};
use crate::search::Found;
use crate::search::order::Order;
use crate::search::params::SearchParams;
use crate::store::Row;
use crate::value::Value;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::GET, "Notification", list),
    Fixed::controller(
        Method::GET,
        "Notification/action/notReadCount",
        not_read_count,
    ),
    Fixed::controller(
        Method::POST,
        "Notification/action/markAllRead",
        mark_all_read,
    ),
    Fixed::action(Method::GET, "Notification/:id/group", group),
    Fixed::controller(Method::GET, "PopupNotification/action/grouped", popups),
];

/// Live notifications of the caller.
fn mine<'a>(call: &Call<'a>) -> Result<(&'a Layout, Vec<Arc<Row>>)> {
    let layout = call.app.layout("Notification")?;
    let user = layout.slot("userId").ok_or_else(Refusal::internal)?;
    let rows = call.app.store.table(layout.index).snapshot();
    let mine = rows
        .iter()
        .filter(|r| !r.deleted && r.get(user).as_str() == Some(call.caller.user_id()));
    Ok((layout, mine.cloned().collect()))
}

/// Orders rows, filters them with `keep`, and returns a page. The total shows whether more rows follow.
fn answer(
    call: &Call,
    layout: &Layout,
    rows: &[Arc<Row>],
    mut keep: impl FnMut(&Row) -> bool,
) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let limit = app.config.read().list_max_size;
    let params = SearchParams::of(call.request, limit)?;
    let order = Order::of(app, caller, layout, &params)?;
    order.executable()?;
    let (mut ordered, _) = crate::search::order::top(app, layout, rows.iter(), &order, rows.len());
    ordered.retain(|r| keep(r));
    let offset = usize::try_from(params.offset).unwrap_or(0);
    let limit = usize::try_from(params.max_size.unwrap_or(limit)).unwrap_or(0);
    let total = if ordered.len() > offset.saturating_add(limit) {
        -1
    } else {
        -2
    };
    let found = Found {
        rows: ordered.into_iter().skip(offset).take(limit).collect(),
        total,
    };
    let plan = select::list_plan(app, caller, layout, params.select.as_deref(), &order, &[]);
    Ok(read::list_reply(app, caller, layout, &found, &plan))
}

/// `GET Notification`: conditions have no effect on it.
fn list(call: &Call) -> Result<Reply> {
    call.caller.acl.check_scope("Notification", Action::Read)?;
    let (layout, rows) = mine(call)?;
    let action = layout.slot("actionId");
    let mut seen = HashSet::new();
    let reply = answer(call, layout, &rows, |row| {
        match action.and_then(|s| row.get(s).non_empty()) {
            Some(action) => seen.insert(action.to_owned()),
            None => true,
        }
    })?;
    let mut body: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    let read = layout.slot("read");
    for one in body["list"].as_array_mut().into_iter().flatten() {
        // Listed notifications count as read from now on.
        if let (Some(slot), Some(id)) = (read, one["id"].as_str()) {
            call.app.store.table(layout.index).update(id, |r| {
                let unread = !r.get(slot).is_true();
                if unread {
                    r.values[slot] = Value::Bool(true);
                }
                unread
            });
        }
        if one["noteData"].is_null()
            && let Some(map) = one.as_object_mut()
        {
            map.remove("noteData");
        }
    }
    Ok(call.app.json(&body))
}

/// `GET Notification/{id}/group`: all that a listed one stands for, itself among them.
fn group(call: &Call) -> Result<Reply> {
    let (layout, rows) = mine(call)?;
    let id = call.params[0];
    let Some(row) = rows.iter().find(|r| r.id == id) else {
        let other = call.app.store.table(layout.index).live(id);
        return Err(match other {
            Some(_) => Refusal::forbidden_silently(),
            None => Refusal::not_found_silently(),
        });
    };
    let action = |row: &Row| {
        let slot = layout.slot("actionId")?;
        row.get(slot).non_empty().map(str::to_owned)
    };
    let wanted = action(row);
    answer(call, layout, &rows, |row| {
        row.id == id || (wanted.is_some() && action(row) == wanted)
    })
}

/// Unread notifications of the caller.
fn not_read_count(call: &Call) -> Result<Reply> {
    let (layout, rows) = mine(call)?;
    let read = layout.slot("read");
    let unread = rows
        .iter()
        .filter(|r| !read.is_some_and(|s| r.get(s).is_true()));
    Ok(call.app.json(&json!(unread.count())))
}

fn mark_all_read(call: &Call) -> Result<Reply> {
    let (layout, rows) = mine(call)?;
    if let Some(read) = layout.slot("read") {
        for row in rows {
            call.app.store.table(layout.index).update(&row.id, |r| {
                r.values[read] = Value::Bool(true);
                true
            });
        }
    }
    Ok(Reply::bool(true))
}

/// Reminders are not kept here, so there is nothing to pop up.
fn popups(call: &Call) -> Result<Reply> {
    Ok(call.app.json(&json!({})))
}
