//! The action history of users, and the records that a user viewed last.

use std::collections::HashSet;
use std::sync::Arc;

use http::Method;
use serde_json::{Value as Json, json};

use super::{Call, Fixed};
use crate::app::extras::{Done, Entry};
use crate::app::{App, Caller};
use crate::clock::format_datetime;
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::{read, select};
use crate::search;
use crate::search::order::Order;
use crate::search::params::SearchParams;
use crate::store::Row;
use crate::value::{Id, Value};
use crate::version::Version;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::action(Method::GET, "LastViewed", last_viewed),
    Fixed::controller(Method::GET, "ActionHistoryRecord", list),
    Fixed::controller(Method::GET, "ActionHistoryRecord/:id", one),
];

/// Number of actions that are kept per user; enough for every page of the lists.
const KEPT: usize = 500;

/// Adds an action of a user on a record to the history.
pub(super) fn note(app: &App, caller: &Caller, layout: &Layout, id: &str, action: Done) {
    let mut history = app.extras.history.0.lock();
    history.last += 1;
    let entry = Entry {
        number: history.last,
        action,
        entity: layout.index,
        id: id.into(),
        at: app.clock.now(),
    };
    let entries = history.by_user.entry(caller.user_id().into()).or_default();
    if entries.len() == KEPT {
        entries.pop_front();
    }
    entries.push_back(entry);
}

fn id_of(entry: &Entry) -> String {
    format!("{:017x}", entry.number)
}

/// `GET LastViewed`: object entity types and those with `lastViewed`, each record once, the one viewed last first.
/// Since 10.0, a record counts as viewed by the user who created it.
fn last_viewed(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let history = app.extras.history.0.lock();
    let entries = history.by_user.get(caller.user_id()).cloned();
    drop(history);
    let is_view = |entry: &&Entry| match entry.action {
        Done::Read => true,
        Done::Create => app.version >= Version::V10_0,
        _ => false,
    };
    let mut seen = HashSet::new();
    let mut list = Vec::new();
    for entry in entries.iter().flatten().rev().filter(is_view) {
        let Some(layout) = app.layouts.at(entry.entity) else {
            continue;
        };
        let scope = &app.layouts.entity(layout).scope.raw;
        let says = |key: &str| scope.get(key) == Some(&Json::Bool(true));
        let row = app.store.table(entry.entity).live(&entry.id);
        let Some(row) = row.filter(|_| says("object") || says("lastViewed")) else {
            continue;
        };
        if seen.insert((entry.entity, &entry.id)) {
            list.push(json!({
                "id": id_of(entry),
                "targetType": layout.name,
                "createdAt": format_datetime(entry.at),
                "targetId": entry.id.as_str(),
                "targetName": view::name(app, layout, &row, "name").to_json(),
            }));
        }
    }
    let (offset, limit) = read::page_of(app, &params);
    // The list is not counted.
    let total = if list.len() > offset.saturating_add(limit) {
        -1
    } else {
        -2
    };
    let page: Vec<Json> = list.into_iter().skip(offset).take(limit).collect();
    Ok(app.list_json(total, &page))
}

/// The entries that the caller may see, as rows: its own, or those of all users for administrators.
fn rows<'a>(call: &Call<'a>) -> Result<(&'a Layout, Vec<Arc<Row>>)> {
    let (app, caller) = (call.app, call.caller);
    let layout = app.layout("ActionHistoryRecord")?;
    let history = app.extras.history.0.lock();
    let users = history.by_user.iter();
    let mut entries: Vec<(Id, Entry)> = users
        .filter(|(user, _)| caller.acl.is_admin() || *user == caller.user_id())
        .flat_map(|(user, list)| list.iter().map(|e| (user.clone(), e.clone())))
        .collect();
    drop(history);
    entries.sort_by_key(|(_, entry)| entry.number);
    let rows = entries.into_iter().filter_map(|(user, entry)| {
        let target = app.layouts.at(entry.entity)?;
        let mut row = Row {
            id: id_of(&entry).as_str().into(),
            deleted: false,
            values: vec![Value::Null; layout.slots].into(),
        };
        let number = i64::try_from(entry.number).unwrap_or(i64::MAX);
        for (attr, value) in [
            ("number", Value::Int(number)),
            ("targetType", target.name.as_str().into()),
            ("targetId", Value::Text(entry.id)),
            ("action", entry.action.name().into()),
            ("createdAt", Value::text(format_datetime(entry.at))),
            ("userId", Value::Text(user)),
            ("ipAddress", "127.0.0.1".into()),
        ] {
            if let Some(slot) = layout.slot(attr) {
                row.values[slot] = value;
            }
        }
        Some(Arc::new(row))
    });
    Ok((layout, rows.collect()))
}

/// `GET ActionHistoryRecord`: not counted, and always with all attributes.
fn list(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let (layout, rows) = rows(call)?;
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let order = Order::of(app, caller, layout, &params)?;
    let conditions = search::conditions(app, caller, layout, &params)?;
    order.executable()?;
    let found = search::page(
        app,
        layout,
        rows.iter(),
        &conditions,
        &order,
        &params,
        false,
    );
    let plan = select::list_plan(app, caller, layout, None, &order, &[]);
    Ok(read::list_reply(app, caller, layout, &found, &plan))
}

/// `GET ActionHistoryRecord/{id}`
fn one(call: &Call) -> Result<Reply> {
    let (layout, rows) = rows(call)?;
    let id = call.params[0];
    let row = rows.iter().find(|row| row.id == id);
    let row = row.ok_or_else(|| Refusal::not_found(format!("Record {id} does not exist.")))?;
    Ok(read::record_reply(call.app, call.caller, layout, row))
}
