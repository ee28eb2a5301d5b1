//! Searches across records: everything by name, boards by status, addresses.

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;
use parking_lot::RwLock;
use serde_json::{Value as Json, json};

use super::{Call, Fixed};
use crate::acl::{Action, Level};
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::{read, view};
use crate::search::order::Order;
use crate::search::params::SearchParams;
use crate::search::{self, narrow, text};
use crate::store::Row;
use crate::value::Id;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::action(Method::GET, "GlobalSearch", global_search),
    Fixed::controller(Method::GET, "Kanban/:Entity", kanban),
    Fixed::controller(Method::PUT, "Kanban/order", kanban_order),
    Fixed::controller(Method::GET, "EmailAddress/search", addresses),
    Fixed::controller(Method::GET, "User/:id/acl", user_acl),
    Fixed::action(Method::GET, "LastViewed", last_viewed),
];

/// Entity types of a global search (`globalSearchEntityList` of a stock instance).
const GLOBAL: &[&str] = &["Account", "Contact", "Lead", "Opportunity"];

/// `GET GlobalSearch?q=…`
fn global_search(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let q = call
        .request
        .param("q")
        .map(str::trim)
        .filter(|q| !q.is_empty());
    let Some(q) = q else {
        return Err(Refusal::bad_request("No `q` parameter."));
    };
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let (offset, limit) = (
        params.offset as usize,
        params.max_size.unwrap_or(20) as usize,
    );
    let mut found = Vec::new();
    for layout in GLOBAL.iter().filter_map(|e| app.layouts.find(e)) {
        if caller.acl.level(&layout.name, Action::Read) == Level::No {
            continue;
        }
        let mut conditions = vec![text::compile(app, layout, q)];
        conditions.extend(search::readable(app, caller, layout));
        let holds = |r: &Row| !r.deleted && conditions.iter().all(|c| c(r));
        let wanted = offset + limit + 1;
        let rows = match narrow::by_text(app, layout, q, usize::MAX) {
            Some(rows) => first(rows.iter().rev(), holds, wanted),
            None => {
                let rows = app.store.table(layout.index).snapshot();
                first(rows.iter().rev(), holds, wanted)
            }
        };
        let status = app.layouts.entity(layout).scope.status_field.clone();
        for row in rows {
            let mut item = json!({"id": row.id.as_str(), "name": view::name(app, layout, &row, "name").to_json(), "_scope": layout.name});
            if let Some(slot) = status.as_deref().and_then(|s| layout.slot(s)) {
                item["status"] = row.get(slot).to_json();
            }
            found.push(item);
        }
    }
    let more = found.len() > offset + limit;
    let list: Vec<Json> = found.into_iter().skip(offset).take(limit).collect();
    Ok(app.list_json(if more { -1 } else { -2 }, &list))
}

/// The first so many rows that pass.
fn first<'r>(
    rows: impl Iterator<Item = &'r Arc<Row>>,
    holds: impl Fn(&Row) -> bool,
    wanted: usize,
) -> Vec<Arc<Row>> {
    rows.filter(|r| holds(r)).take(wanted).cloned().collect()
}

/// `GET Kanban/{Entity}`: a list by status. A record with an empty status is in no group (QUIRKS 11).
fn kanban(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let layout = app.layout(&super::upper_first(call.params[0]))?;
    caller.acl.check_scope(&layout.name, Action::Read)?;
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
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let order = Order::of(app, caller, layout, &params)?;
    let plan = read::list_plan(app, caller, layout, params.select.as_deref(), &order, None);
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
        let mut found = read::search_table(app, caller, layout, &params, &order)?;
        let places = app
            .extras
            .boards
            .places(&layout.name, option, caller.user_id());
        // What was never moved comes after what was, in the order of the list.
        found.rows.sort_by_key(|r| {
            places
                .iter()
                .position(|id| *id == r.id)
                .unwrap_or(usize::MAX)
        });
        let reply = read::list_reply(app, caller, layout, &found, &plan);
        let page: Json = serde_json::from_slice(&reply.body).unwrap_or_default();
        let rows = page["list"].as_array().cloned().unwrap_or_default();
        total += found.total;
        let style = entity
            .fields
            .get(status)
            .and_then(|f| f.raw.get("style"))
            .and_then(|s| s.get(option))
            .cloned();
        groups.push(json!({"name": option, "total": found.total, "list": rows, "label": option, "style": style}));
        list.extend(rows);
    }
    Ok(app.json(&json!({"total": total, "groups": groups, "list": list})))
}

/// Places that users gave records on boards: by entity type, group and user.
#[derive(Debug, Default)]
pub(crate) struct Boards(RwLock<HashMap<(String, String, Id), Vec<Id>>>);

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
        return Err(Refusal::bad_request("No `entityType`, `group` or `ids`."));
    };
    let layout = call.app.layout(entity)?;
    call.caller.acl.check_scope(&layout.name, Action::Read)?;
    let ids = ids.iter().filter_map(Json::as_str).map(Id::from).collect();
    let key = (
        layout.name.clone(),
        group.to_owned(),
        call.caller.acl.user_id.clone(),
    );
    call.app.extras.boards.0.write().insert(key, ids);
    Ok(Reply::bool(true))
}

pub(super) fn get<'r>(layout: &Layout, row: &'r Row, attr: &str) -> Option<&'r str> {
    layout.slot(attr).and_then(|s| row.get(s).non_empty())
}

/// `GET EmailAddress/search?q=…`: addresses of records whose address or name begins so.
fn addresses(call: &Call) -> Result<Reply> {
    let app = call.app;
    if call.caller.acl.level("Email", Action::Create) == Level::No {
        return Err(Refusal::forbidden_silently());
    }
    let q = call.request.param("q").unwrap_or_default().to_lowercase();
    let limit = call
        .request
        .param("maxSize")
        .and_then(|m| m.parse::<usize>().ok())
        .unwrap_or(5)
        .min(200);
    let mut found = Vec::new();
    // API users have no address book of their own (QUIRKS: the search of an API user is empty).
    if call.caller.acl.kind != crate::acl::Kind::Api && !q.is_empty() {
        for layout in ["Contact", "Lead", "User", "Account"]
            .iter()
            .filter_map(|e| app.layouts.find(e))
        {
            let rows = app.store.table(layout.index).snapshot();
            for row in rows
                .iter()
                .filter(|r| !r.deleted && call.caller.acl.record(app, layout, r, Action::Read))
            {
                let Some(address) = get(layout, row, "emailAddress") else {
                    continue;
                };
                let name = view::name(app, layout, row, "name");
                let name = name.as_str().unwrap_or_default();
                if found.len() < limit
                    && (address.to_lowercase().starts_with(&q)
                        || name.to_lowercase().starts_with(&q))
                {
                    found.push(json!({
                        "emailAddress": address, "entityName": name, "entityType": layout.name, "entityId": row.id.as_str(),
                    }));
                }
            }
        }
    }
    Ok(app.json(&Json::Array(found)))
}

/// `GET User/{id}/acl`, for administrators and the user itself.
fn user_acl(call: &Call) -> Result<Reply> {
    let app = call.app;
    let users = app.layout("User")?;
    let row = app.live(users, call.params[0])?;
    if !call.caller.acl.is_admin() && row.id != call.caller.acl.user_id {
        return Err(Refusal::forbidden_silently());
    }
    Ok(app.json(&super::app_info::acl_object(app, &app.acl(&row.id))))
}

/// `GET LastViewed`: reads are not recorded here, so nothing was viewed.
fn last_viewed(call: &Call) -> Result<Reply> {
    Ok(call.app.list_json(0, &[]))
}
