//! Kanban boards: records by status, and their positions on the board.

use http::Method;
use serde_json::{Value as Json, json};

use super::{Call, Fixed};
use crate::acl::Action;
use crate::app::extras::Boards;
use crate::app::{App, Caller};
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::{read, select};
use crate::search::order::Order;
use crate::search::params::SearchParams;
use crate::search::{self, Found};
use crate::value::Id;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::action(Method::GET, "Kanban/:Entity", kanban),
    Fixed::action(Method::PUT, "Kanban/order", kanban_order),
];

/// `GET Kanban/{Entity}`: a list by status. A record with an empty status is in no group.
fn kanban(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let Some(layout) = app
        .layouts
        .find(&super::upper_first(call.params[0]))
        .filter(|l| app.layouts.entity(l).scope.object)
    else {
        return Err(Refusal::forbidden("Non-object entities are not supported."));
    };
    if caller.acl.level(&layout.name, Action::Read) == crate::acl::Level::No {
        return Err(Refusal::forbidden_silently());
    }
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let order = Order::of(app, caller, layout, &params).map_err(Refusal::unwrapped)?;
    let checked = search::conditions(app, caller, layout, &params)
        .map(|_| ())
        .map_err(Refusal::unwrapped);
    if checked.as_ref().is_err_and(|r| r.status < 500) {
        checked.as_ref().map_err(Clone::clone)?;
    }
    let entity = app.layouts.entity(layout);
    let status = entity
        .scope
        .status_field
        .as_deref()
        .filter(|f| layout.slot(f).is_some());
    let Some(status) = status else {
        return Err(Refusal {
            reason: Some(format!(
                "No status field for entity type '{}'.",
                layout.name
            )),
            ..Refusal::internal()
        });
    };
    checked?;
    let mut plan = select::list_plan(app, caller, layout, params.select.as_deref(), &order, &[]);
    match &params.select {
        // The attributes that every list has are not part of a board's selection.
        Some(names) => plan.attrs.retain(|ix| {
            let selected = names.contains(&layout.attrs[*ix].name) || order.attrs.contains(ix);
            selected || !layout.mandatory.contains(ix)
        }),
        None => plan
            .attrs
            .extend(select::all_loaded(app, layout, &plan.attrs)),
    }
    let ignored: Vec<&str> = entity
        .scope
        .raw
        .get("kanbanStatusIgnoreList")
        .and_then(Json::as_array)
        .map(|l| l.iter().filter_map(Json::as_str).collect())
        .unwrap_or_default();
    let options = entity
        .fields
        .get(status)
        .and_then(|f| f.options.listed())
        .unwrap_or_default();
    let (mut groups, mut list, mut total) = (Vec::new(), Vec::new(), 0);
    for option in options
        .iter()
        .filter(|o| !o.is_empty() && !ignored.contains(&o.as_str()))
    {
        let mut params = params.clone();
        params
            .where_
            .push(json!({"type": "equals", "attribute": status, "value": option}));
        let places = app
            .extras
            .boards
            .places(&layout.name, option, caller.user_id());
        let found = group(app, caller, layout, &params, &order, &places)?;
        let reply = read::list_reply(app, caller, layout, &found, &plan);
        let page: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
        let rows = page["list"].as_array().cloned().unwrap_or_default();
        total += found.total;
        groups.push(json!({"name": option, "total": found.total, "list": rows, "label": null, "style": null}));
        list.extend(rows);
    }
    // Records whose status has no group count too.
    let all = SearchParams {
        max_size: Some(0),
        no_total: false,
        ..params.clone()
    };
    let whole = read::search_table(app, caller, layout, &all, &order)?.total;
    let total = whole.max(total);
    Ok(app.json(&json!({"total": total, "groups": groups, "list": list})))
}

/// Returns the page of a group. Records that were never moved come after the others, in the order of the list.
fn group(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    params: &SearchParams,
    order: &Order,
    places: &[Id],
) -> Result<Found> {
    if places.is_empty() {
        return read::search_table(app, caller, layout, params, order);
    }
    let all = SearchParams {
        offset: 0,
        max_size: i64::try_from(app.store.table(layout.index).len()).ok(),
        no_total: false,
        ..params.clone()
    };
    let mut found = read::search_table(app, caller, layout, &all, order)?;
    let place = |id: &Id| places.iter().position(|placed| placed == id);
    found
        .rows
        .sort_by_cached_key(|row| place(&row.id).unwrap_or(usize::MAX));
    let (offset, limit) = read::page_of(app, params);
    found.rows.drain(..offset.min(found.rows.len()));
    if params.no_total {
        found.total = if found.rows.len() > limit { -1 } else { -2 };
    }
    found.rows.truncate(limit);
    Ok(found)
}

impl Boards {
    fn places(&self, entity: &str, group: &str, user: &str) -> Vec<Id> {
        let boards = self.0.read();
        if boards.is_empty() {
            return Vec::new();
        }
        boards
            .get(&(entity.to_owned(), group.to_owned(), user.into()))
            .cloned()
            .unwrap_or_default()
    }
}

/// `PUT Kanban/order {entityType, group, ids}`: the order of a group, for the caller.
fn kanban_order(call: &Call) -> Result<Reply> {
    let body = call.request.json_body()?;
    let (Some(entity), Some(group), Some(ids)) = (
        body.get("entityType").and_then(Json::as_str),
        body.get("group").and_then(Json::as_str),
        body.get("ids").and_then(Json::as_array),
    ) else {
        return Err(Refusal::bad_request(""));
    };
    let layout = call.app.layout(entity)?;
    call.caller.acl.check_scope(&layout.name, Action::Read)?;
    let entity_type = call.app.layouts.entity(layout);
    let status = entity_type.scope.status_field.as_deref();
    let options = status
        .and_then(|s| entity_type.fields.get(s))
        .and_then(|f| f.options.listed());
    if options.is_some_and(|options| !options.iter().any(|o| o == group)) {
        return Err(Refusal::forbidden("Group is not available in status list."));
    }
    let ids = ids.iter().filter_map(Json::as_str).map(Id::from).collect();
    let key = (
        layout.name.clone(),
        group.to_owned(),
        call.caller.acl.user_id.clone(),
    );
    call.app.extras.boards.0.write().insert(key, ids);
    Ok(Reply::bool(true))
}
