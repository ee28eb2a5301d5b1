//! Activities: meetings, calls and e-mails of a record, and a user's calendar (ESPO-API.md C6).

use std::sync::Arc;

use http::Method;
use jiff::civil::DateTime;
use serde_json::{Map, Value as Json};

use super::search::get;
use super::{Call, Fixed};
use crate::acl::{Action, Level};
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::{read, view};
use crate::search;
use crate::search::order::Order;
use crate::search::params::SearchParams;
use crate::store::Row;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::GET, "Activities", calendar),
    Fixed::controller(Method::GET, "Activities/upcoming", upcoming),
    Fixed::controller(Method::GET, "Activities/:Entity/:id/activities", |c| {
        of_record(c, false)
    }),
    Fixed::controller(Method::GET, "Activities/:Entity/:id/history", |c| {
        of_record(c, true)
    }),
    Fixed::controller(
        Method::GET,
        "Activities/:Entity/:id/activities/list/:type",
        |c| typed(c, false),
    ),
    Fixed::controller(
        Method::GET,
        "Activities/:Entity/:id/history/list/:type",
        |c| typed(c, true),
    ),
];

/// Entity types of a calendar (`calendarEntityList` of a stock instance).
const CALENDAR: &[&str] = &["Meeting", "Call", "Task"];
/// What is to come (`activitiesEntityList` of a stock instance).
const TO_COME: &[&str] = &["Meeting", "Call"];
/// What is over (`historyEntityList` of a stock instance).
const HISTORY: &[&str] = &["Meeting", "Call", "Email"];
/// Statuses in which something is over, for metadata that does not say.
const OVER: &[&str] = &[
    "Held",
    "Not Held",
    "Completed",
    "Canceled",
    "Archived",
    "Sent",
];
/// Days that a calendar may span.
const MAX_DAYS: i64 = 123;

/// One entry of a list of activities.
fn activity(call: &Call, layout: &Layout, row: &Row) -> Json {
    let mut map = Map::from_iter([
        ("_scope".to_owned(), Json::from(layout.name.as_str())),
        ("id".to_owned(), Json::from(row.id.as_str())),
    ]);
    for attr in [
        "name",
        "status",
        "dateStart",
        "dateEnd",
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

/// Whether an activity is over (`historyStatusList` of its scope).
fn is_over(call: &Call, layout: &Layout, row: &Row) -> bool {
    let Some(status) = get(layout, row, "status") else {
        return false;
    };
    let listed = call
        .app
        .layouts
        .entity(layout)
        .scope
        .raw
        .get("historyStatusList")
        .and_then(Json::as_array);
    match listed {
        Some(list) => list.iter().any(|s| s.as_str() == Some(status)),
        None => OVER.contains(&status),
    }
}

/// The record of a request, which the caller must be able to read.
fn owner<'a>(call: &Call<'a>) -> Result<(&'a Layout, Arc<Row>)> {
    let app = call.app;
    let owner = app.layout(&super::upper_first(call.params[0]))?;
    call.caller.acl.check_scope(&owner.name, Action::Read)?;
    let row = app
        .store
        .table(owner.index)
        .live(call.params[1])
        .ok_or_else(Refusal::not_found_silently)?;
    if !call.caller.acl.record(app, owner, &row, Action::Read) {
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
        is_over(call, layout, r) == over && call.caller.acl.record(app, layout, r, Action::Read)
    });
    rows
}

fn types(over: bool) -> &'static [&'static str] {
    if over { HISTORY } else { TO_COME }
}

/// `GET Activities/{Entity}/{id}/activities|history`: of every type, the latest first.
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

/// `GET Activities/{Entity}/{id}/…/list/{type}`: a list like any other. For other types the real server fails (QUIRKS 11).
fn typed(call: &Call, over: bool) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let (owner, row) = owner(call)?;
    let type_ = call.params[2];
    let Some(layout) = app
        .layouts
        .find(type_)
        .filter(|_| types(over).contains(&type_))
    else {
        return Err(Refusal::internal());
    };
    caller.acl.check_scope(&layout.name, Action::Read)?;
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let order = Order::of(app, caller, layout, &params)?;
    let conditions = search::conditions(app, caller, layout, &params)?;
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
    let plan = read::list_plan(app, caller, layout, params.select.as_deref(), &order, None);
    Ok(read::list_reply(app, caller, layout, &page, &plan))
}

/// A date, or a date with its time.
fn moment(s: &str) -> Option<DateTime> {
    if s.len() == 10 {
        format!("{s} 00:00:00").parse().ok()
    } else {
        s.parse().ok()
    }
}

/// `GET Activities?from&to&userId`: a calendar.
fn calendar(call: &Call) -> Result<Reply> {
    let param = |name: &str| call.request.param(name).and_then(moment);
    let (Some(from), Some(to)) = (param("from"), param("to")) else {
        return Err(Refusal::bad_request("No `from` or `to`."));
    };
    if from
        .until((jiff::Unit::Day, to))
        .is_ok_and(|span| i64::from(span.get_days()) > MAX_DAYS)
    {
        return Err(Refusal::forbidden("Too long range."));
    }
    let user = call
        .request
        .param("userId")
        .unwrap_or_else(|| call.caller.user_id());
    let text = |t: DateTime| t.strftime("%Y-%m-%d %H:%M:%S").to_string();
    Ok(call
        .app
        .json(&Json::Array(between(call, user, &text(from), &text(to)))))
}

/// `GET Activities/upcoming`: what is not over, from today on.
fn upcoming(call: &Call) -> Result<Reply> {
    let user = call
        .request
        .param("userId")
        .unwrap_or_else(|| call.caller.user_id());
    let days = call
        .request
        .param("futureDays")
        .and_then(|d| d.parse::<i64>().ok())
        .unwrap_or(3)
        .clamp(0, 3650);
    let now = call.app.clock.now();
    let end = now
        .checked_add(jiff::SignedDuration::from_hours(days * 24))
        .unwrap_or(now);
    let list = between(
        call,
        user,
        &crate::clock::format_datetime(now),
        &crate::clock::format_datetime(end),
    );
    Ok(call.app.list_json(list.len() as i64, &list))
}

fn between(call: &Call, user: &str, from: &str, to: &str) -> Vec<Json> {
    let app = call.app;
    let mut found = Vec::new();
    for layout in CALENDAR.iter().filter_map(|e| app.layouts.find(e)) {
        if call.caller.acl.level(&layout.name, Action::Read) == Level::No {
            continue;
        }
        let rows = app.store.table(layout.index).snapshot();
        for row in rows
            .iter()
            .filter(|r| !r.deleted && get(layout, r, "assignedUserId") == Some(user))
        {
            let when = get(layout, row, "dateStart").or_else(|| get(layout, row, "dateEnd"));
            if when.is_some_and(|w| w >= from && w < to) {
                let mut item = activity(call, layout, row);
                item["scope"] = Json::from(layout.name.as_str());
                found.push(item);
            }
        }
    }
    found
}
