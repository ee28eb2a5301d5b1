//! Notifications of the caller. Notifications about one action form a group, which is represented by the newest one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use http::Method;
use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::{Call, Fixed};
use crate::acl::Action;
use crate::app::App;
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::{read, select};
use crate::search::Found;
use crate::search::order::Order;
use crate::search::params::SearchParams;
use crate::store::Row;
use crate::value::{Id, Value};
use crate::version::Version;
use crate::view;

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
    Fixed::action(
        Method::POST,
        "Notification/group/:id/markRead",
        mark_group_read,
    ),
    Fixed::action(Method::DELETE, "Notification/group/:id", remove_group),
    Fixed::action(Method::GET, "Notification/group", list_group),
    Fixed::controller(Method::GET, "PopupNotification/action/grouped", popups),
];

/// Returns the caller's notifications that are not deleted.
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
    let plan = select::list_plan(app, caller, layout, None, &order, &[]);
    Ok(read::list_reply(app, caller, layout, &found, &plan))
}

/// `GET Notification`: conditions and a selection of attributes have no effect.
fn list(call: &Call) -> Result<Reply> {
    call.caller.acl.check_scope("Notification", Action::Read)?;
    let (layout, rows) = mine(call)?;
    if call.app.version >= Version::V10_0 {
        return by_record(call, layout, &rows);
    }
    let action = layout.slot("actionId");
    let of_action = |row: &Row| Some(row.get(action?).non_empty()?.to_owned());
    // The first notification of an action represents all of them.
    let mut first: HashMap<String, Id> = HashMap::new();
    for row in &rows {
        if let Some(action) = of_action(row) {
            first.entry(action).or_insert_with(|| row.id.clone());
        }
    }
    let reply = answer(call, layout, &rows, |row| {
        of_action(row).is_none_or(|action| first.get(&action) == Some(&row.id))
    })?;
    let mut body: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
    for one in body["list"].as_array_mut().into_iter().flatten() {
        // Listed notifications then count as read, and so do the other ones of the same action.
        let action = one["actionId"].as_str();
        let listed = rows.iter().filter(|r| {
            one["id"] == r.id.as_str() || (action.is_some() && of_action(r).as_deref() == action)
        });
        for row in listed {
            mark_read(call, layout, row);
        }
        if one["noteData"].is_null()
            && let Some(map) = one.as_object_mut()
        {
            map.remove("noteData");
        }
    }
    Ok(call.app.json(&body))
}

/// Returns the record by which a notification is grouped since 10.0: that of its note.
fn record_of(layout: &Layout, row: &Row) -> Option<(String, String)> {
    let text = |attr: &str| layout.slot(attr).and_then(|s| row.get(s).non_empty());
    let (type_, id) = match text("type")? {
        "Note" => ("relatedParentType", "relatedParentId"),
        "EventAttendee" => ("relatedType", "relatedId"),
        _ => return None,
    };
    Some((text(type_)?.to_owned(), text(id)?.to_owned()))
}

fn is_unread(layout: &Layout, row: &Row) -> bool {
    !layout.slot("read").is_some_and(|s| row.get(s).is_true())
}

/// Returns the list since 10.0, newest first: the notifications about the notes of one record are one row, which
/// listing does not mark as read.
fn by_record(call: &Call, layout: &Layout, rows: &[Arc<Row>]) -> Result<Reply> {
    let app = call.app;
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let mut groups: IndexMap<(String, String), Vec<&Arc<Row>>> = IndexMap::new();
    for row in rows.iter().rev() {
        let own = || (String::new(), row.id.to_string());
        let key = record_of(layout, row).unwrap_or_else(own);
        groups.entry(key).or_default().push(row);
    }
    let offset = usize::try_from(params.offset).unwrap_or(0);
    let limit = params
        .max_size
        .unwrap_or_else(|| app.config.read().list_max_size);
    let limit = usize::try_from(limit).unwrap_or(0);
    let total = match groups.len() > offset.saturating_add(limit) {
        true => -1,
        false => -2,
    };
    let mut list = Vec::new();
    for ((type_, id), rows) in groups.iter().skip(offset).take(limit) {
        let mut item = read::listed(app, call.caller, layout, rows[0]);
        let unread = rows.iter().filter(|r| is_unread(layout, r)).count();
        if let Some(map) = item.as_object_mut() {
            for attr in ["_scope", "userId", "userName"] {
                map.remove(attr);
            }
            if map.get("noteData").is_none_or(Json::is_null) || !type_.is_empty() {
                map.remove("noteData");
            }
            map.insert("groupType".to_owned(), Json::Null);
            map.insert("groupedCount".to_owned(), Json::Null);
            map.insert("isFeatured".to_owned(), Json::Null);
            map.insert("groupedUnreadCount".to_owned(), json!(unread));
        }
        if type_.is_empty() {
            mark_read(call, layout, rows[0]);
        } else {
            let name = app.layouts.find(type_).map(|l| view::name_of(app, l, id));
            let of_group = json!({
                "id": format!("Record_{type_}_{id}"),
                "data": null,
                "type": null,
                "read": unread == 0,
                "actionId": null,
                "isFeatured": rows.iter().any(|r| is_unread(layout, r) && is_featured(app, layout, r)),
                "groupedCount": -1,
                "groupType": "Record",
                "relatedId": null,
                "relatedType": null,
                "relatedParentId": id,
                "relatedParentType": type_,
                "relatedParentName": name.map(|n| n.to_json()),
                "createdById": null,
            });
            if let (Some(map), Json::Object(of_group)) = (item.as_object_mut(), of_group) {
                map.extend(of_group);
            }
        }
        list.push(item);
    }
    Ok(app.list_json(total, &list))
}

/// Whether a note reports that a record was created or assigned.
fn is_featured(app: &App, layout: &Layout, row: &Row) -> bool {
    let id = layout
        .slot("relatedId")
        .and_then(|s| row.get(s).non_empty());
    let notes = app.layouts.find("Note");
    let note = notes.and_then(|n| Some((n, app.store.table(n.index).live(id?)?)));
    note.is_some_and(|(notes, note)| {
        let type_ = notes.slot("type").and_then(|s| note.get(s).as_str());
        matches!(type_, Some("Create" | "Assign"))
    })
}

fn mark_read(call: &Call, layout: &Layout, row: &Row) {
    if let Some(slot) = layout.slot("read") {
        call.app.store.table(layout.index).update(&row.id, |r| {
            let unread = !r.get(slot).is_true();
            r.values[slot] = Value::Bool(true);
            unread
        });
    }
}

/// `GET Notification/{id}/group`: all notifications of the group that a listed one represents, including itself.
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

/// Returns the caller's notifications in a group, by the group's ID in the list (`Record_{type}_{id}`). Groups exist
/// since 10.0.
fn of_group<'a>(call: &Call<'a>, id: &str) -> Result<(&'a Layout, Vec<Arc<Row>>)> {
    if call.app.version < Version::V10_0 {
        return Err(Refusal::no_route());
    }
    let (type_, id) = id
        .strip_prefix("Record_")
        .and_then(|record| record.split_once('_'))
        .ok_or_else(|| Refusal::bad_request("Bad ID."))?;
    let (layout, mut rows) = mine(call)?;
    rows.retain(|row| record_of(layout, row).is_some_and(|(t, i)| t == type_ && i == id));
    Ok((layout, rows))
}

/// `GET Notification/group?type=Record&id=`: the notifications of a group.
fn list_group(call: &Call) -> Result<Reply> {
    let param = |name: &str| call.request.param(name).filter(|v| !v.is_empty());
    if call.app.version >= Version::V10_0 && param("type").is_none() {
        return Err(Refusal::bad_request("No `type`."));
    }
    let (layout, rows) = of_group(call, param("id").unwrap_or_default())?;
    answer(call, layout, &rows, |_| true)
}

/// `POST Notification/group/{id}/markRead`
fn mark_group_read(call: &Call) -> Result<Reply> {
    let (layout, rows) = of_group(call, call.params[0])?;
    for row in rows {
        mark_read(call, layout, &row);
    }
    Ok(Reply::bool(true))
}

/// `DELETE Notification/group/{id}`
fn remove_group(call: &Call) -> Result<Reply> {
    let (layout, rows) = of_group(call, call.params[0])?;
    for row in rows {
        call.app.store.table(layout.index).update(&row.id, |r| {
            r.deleted = true;
            true
        });
    }
    Ok(Reply::bool(true))
}

/// Returns the caller's unread notifications.
fn not_read_count(call: &Call) -> Result<Reply> {
    let (layout, rows) = mine(call)?;
    let unread: Vec<&Arc<Row>> = rows.iter().filter(|r| is_unread(layout, r)).collect();
    if call.app.version < Version::V10_0 {
        return Ok(call.app.json(&json!(unread.len())));
    }
    // The notes of one record count once.
    let records: HashSet<_> = unread.iter().filter_map(|r| record_of(layout, r)).collect();
    let single = unread.iter().filter(|r| record_of(layout, r).is_none());
    Ok(call.app.json(&json!(records.len() + single.count())))
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

/// Reminders are not stored, so there are no popup notifications.
fn popups(call: &Call) -> Result<Reply> {
    Ok(call.app.json(&json!({"event": []})))
}
