//! Activities: meetings, calls and emails of a record.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value as Json};

use super::search::get;
use super::{Call, Fixed};
use crate::acl::{Action, Level};
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::{read, select};
use crate::search;
use crate::search::order::Order;
use crate::search::params::SearchParams;
use crate::store::Row;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::action(Method::GET, "Activities/:Entity/:id/activities", |c| {
        of_record(c, false)
    }),
    Fixed::action(Method::GET, "Activities/:Entity/:id/history", |c| {
        of_record(c, true)
    }),
    Fixed::action(
        Method::GET,
        "Activities/:Entity/:id/activities/list/:type",
        |c| typed(c, false),
    ),
    Fixed::action(
        Method::GET,
        "Activities/:Entity/:id/history/list/:type",
        |c| typed(c, true),
    ),
];

/// Upcoming activities (`activitiesEntityList` of a stock instance).
const TO_COME: &[&str] = &["Meeting", "Call"];
/// Past activities (`historyEntityList` of a stock instance).
const HISTORY: &[&str] = &["Meeting", "Call", "Email"];
/// Statuses of completed activities, for metadata that does not define them.
const OVER: &[&str] = &[
    "Held",
    "Not Held",
    "Completed",
    "Canceled",
    "Archived",
    "Sent",
];

/// One entry in a list of activities.
fn activity(call: &Call, layout: &Layout, row: &Row) -> Json {
    let mut map = Map::from_iter([
        ("_scope".to_owned(), Json::from(layout.name.as_str())),
        ("id".to_owned(), Json::from(row.id.as_str())),
    ]);
    for attr in [
        "name",
        "deleted",
        "status",
        "direction",
        "dateStart",
        "dateEnd",
        "isAllDay",
        "duration",
        "joinUrl",
        "isFollowed",
        "dateStartDate",
        "dateEndDate",
        "assignedUserId",
        "assignedUserName",
        "parentId",
        "parentType",
        "createdAt",
        "hasAttachment",
    ] {
        if let Some(ix) = layout.find(attr) {
            map.insert(
                attr.to_owned(),
                view::value(call.app, layout, row, ix, call.caller.user_id()).to_json(),
            );
        }
    }
    Json::Object(map)
}

/// Whether an activity is over (`historyStatusList` of its scope, or else the completed and cancelled statuses).
pub(super) fn is_over(call: &Call, layout: &Layout, row: &Row) -> bool {
    let Some(status) = get(layout, row, "status") else {
        return false;
    };
    let scope = &call.app.layouts.entity(layout).scope.raw;
    let lists = |keys: &[&str]| -> Vec<String> {
        let lists = keys.iter().filter_map(|k| scope.get(*k)?.as_array());
        let statuses = lists.flatten().filter_map(Json::as_str);
        statuses.map(str::to_owned).collect()
    };
    let over = lists(&["historyStatusList"]);
    let over = if over.is_empty() {
        lists(&["completedStatusList", "canceledStatusList"])
    } else {
        over
    };
    if over.is_empty() {
        return OVER.contains(&status);
    }
    over.iter().any(|s| s == status)
}

/// The record of a request for activities, which the caller must be able to read.
fn owner<'a>(call: &Call<'a>) -> Result<(&'a Layout, Arc<Row>)> {
    if !call.caller.acl.scope("Activities") {
        return Err(Refusal::forbidden_silently());
    }
    readable(call)
}

/// Returns the record of a request, which the caller must be able to read.
pub(super) fn readable<'a>(call: &Call<'a>) -> Result<(&'a Layout, Arc<Row>)> {
    let app = call.app;
    let owner = app.layouts.find(&super::upper_first(call.params[0]));
    let owner = owner.ok_or_else(Refusal::internal)?;
    if call.caller.acl.level(&owner.name, Action::Read) == Level::No {
        return Err(Refusal::forbidden_silently());
    }
    let row = app.live(owner, call.params[1])?;
    if !call
        .caller
        .acl
        .record(&app.store, owner, &row, Action::Read)
    {
        return Err(Refusal::forbidden_silently());
    }
    Ok((owner, row))
}

/// Activities of one type that belong to a record: by a link of the record, as their parent, or through their account.
fn found(call: &Call, owner: &Layout, row: &Row, layout: &Layout, over: bool) -> Vec<Arc<Row>> {
    let app = call.app;
    if call.caller.acl.level(&layout.name, Action::Read) == Level::No {
        return Vec::new();
    }
    let mut rows: Vec<Arc<Row>> = Vec::new();
    for link in owner
        .links
        .values()
        .filter(|l| l.target == Some(layout.index))
    {
        rows.extend(view::linked_through(app, owner, row, link));
    }
    let table = app.store.table(layout.index).snapshot();
    rows.extend(
        table
            .iter()
            .filter(|r| !r.deleted)
            .filter(|r| {
                let by_parent = get(layout, r, "parentId") == Some(row.id.as_str())
                    && get(layout, r, "parentType") == Some(owner.name.as_str());
                by_parent
                    || (owner.name == "Account"
                        && get(layout, r, "accountId") == Some(row.id.as_str()))
            })
            .cloned(),
    );
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    rows.dedup_by(|a, b| a.id == b.id);
    rows.retain(|r| {
        is_over(call, layout, r) == over
            && call.caller.acl.record(&app.store, layout, r, Action::Read)
    });
    rows
}

fn types(over: bool) -> &'static [&'static str] {
    if over { HISTORY } else { TO_COME }
}

/// `GET Activities/{Entity}/{id}/activities|history`: activities of every type, latest first.
fn of_record(call: &Call, over: bool) -> Result<Reply> {
    let app = call.app;
    let (owner, row) = owner(call)?;
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let only = call.request.param("entityType").filter(|t| !t.is_empty());
    let mut all = Vec::new();
    for layout in types(over)
        .iter()
        .filter_map(|e| app.layouts.find(e))
        .filter(|l| only.is_none_or(|o| o == l.name))
    {
        for other in found(call, owner, &row, layout, over) {
            let when = ["dateStart", "dateSent", "createdAt"]
                .iter()
                .find_map(|a| get(layout, &other, a))
                .unwrap_or_default()
                .to_owned();
            all.push((when, activity(call, layout, &other)));
        }
    }
    all.sort_by(|a, b| b.0.cmp(&a.0));
    let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let limit = params
        .max_size
        .unwrap_or_else(|| app.config.read().list_max_size)
        .max(0) as usize;
    let list: Vec<Json> = all
        .into_iter()
        .map(|f| f.1)
        .skip(params.offset.max(0) as usize)
        .take(limit)
        .collect();
    Ok(app.list_json(total, &list))
}

/// `GET Activities/{Entity}/{id}/…/list/{type}`: a list like any other. For other types the real server fails.
fn typed(call: &Call, over: bool) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let (owner, row) = owner(call)?;
    let type_ = call.params[2];
    let Some(layout) = app.layouts.find(type_) else {
        return Err(Refusal::internal());
    };
    if !HISTORY.contains(&type_) {
        return Err(Refusal {
            reason: Some(format!("Entity '{type_}' is not an activity.")),
            ..Refusal::internal()
        });
    }
    caller.acl.check_scope(&layout.name, Action::Read)?;
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let order = Order::of(app, caller, layout, &params)?;
    let conditions = search::conditions(app, caller, layout, &params)?;
    order.executable()?;
    let rows = found(call, owner, &row, layout, over);
    let page = search::page(
        app,
        layout,
        rows.iter(),
        &conditions,
        &order,
        &params,
        !params.no_total,
    );
    let plan = select::list_plan(app, caller, layout, params.select.as_deref(), &order, &[]);
    Ok(read::list_reply(app, caller, layout, &page, &plan))
}
