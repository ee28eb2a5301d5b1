//! A user's calendar: what is in it, what comes up, when users are busy (ESPO-API.md C6).

use std::sync::Arc;

use http::Method;
use jiff::civil::DateTime;
use serde_json::{Map, Value as Json, json};

use super::activities::{activity, is_over};
use super::search::get;
use super::{Call, Fixed};
use crate::acl::{Action, Level};
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::search::params::SearchParams;
use crate::store::Row;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::GET, "Activities", calendar),
    Fixed::controller(Method::GET, "Activities/upcoming", upcoming),
    Fixed::controller(Method::GET, "Timeline/busyRanges", busy_ranges),
];

/// Entity types of a calendar (`calendarEntityList` of a stock instance).
const CALENDAR: &[&str] = &["Meeting", "Call", "Task"];
/// Entity types that keep a user busy (`busyRangesEntityList` of a stock instance).
const BUSY: &[&str] = &["Meeting", "Call"];
/// Days that a calendar may span.
const MAX_DAYS: i64 = 123;

/// A date, or a date with its time.
fn moment(s: &str) -> Option<DateTime> {
    if s.len() == 10 {
        format!("{s} 00:00:00").parse().ok()
    } else {
        s.parse().ok()
    }
}

/// `from` and `to` of a request, as times are stored.
fn range(call: &Call) -> Result<(String, String)> {
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
    let text = |t: DateTime| t.strftime("%Y-%m-%d %H:%M:%S").to_string();
    Ok((text(from), text(to)))
}

fn user<'a>(call: &Call<'a>) -> &'a str {
    call.request
        .param("userId")
        .unwrap_or_else(|| call.caller.user_id())
}

/// `GET Activities?from&to&userId`: a calendar.
fn calendar(call: &Call) -> Result<Reply> {
    let (from, to) = range(call)?;
    let list = between(call, user(call), &from, &to, |_, _| true);
    Ok(call.app.json(&Json::Array(list)))
}

/// `GET Activities/upcoming`: what is not over, from now on.
fn upcoming(call: &Call) -> Result<Reply> {
    let days = call
        .request
        .param("futureDays")
        .and_then(|d| d.parse::<i64>().ok())
        .unwrap_or(3)
        .clamp(0, 3650);
    let params = SearchParams::of(call.request, call.app.config.read().list_max_size)?;
    let now = call.app.clock.now();
    let end = now
        .checked_add(jiff::SignedDuration::from_hours(days * 24))
        .unwrap_or(now);
    let list = between(
        call,
        user(call),
        &crate::clock::format_datetime(now),
        &crate::clock::format_datetime(end),
        |layout, row| !is_over(call, layout, row),
    );
    let total = i64::try_from(list.len()).unwrap_or(i64::MAX);
    let limit = usize::try_from(params.max_size.unwrap_or(i64::MAX)).unwrap_or(0);
    let page = list
        .into_iter()
        .skip(usize::try_from(params.offset).unwrap_or(0));
    Ok(call
        .app
        .list_json(total, &page.take(limit).collect::<Vec<_>>()))
}

/// Rows of an entity type that the caller may see.
fn visible(call: &Call, layout: &Layout) -> Vec<Arc<Row>> {
    let acl = &call.caller.acl;
    if acl.level(&layout.name, Action::Read) == Level::No {
        return Vec::new();
    }
    let rows = call.app.store.table(layout.index).snapshot();
    rows.iter()
        .filter(|r| !r.deleted && acl.record(&call.app.store, layout, r, Action::Read))
        .cloned()
        .collect()
}

/// A user's records that begin in a range and that `keep` accepts.
fn between(
    call: &Call,
    user: &str,
    from: &str,
    to: &str,
    keep: impl Fn(&Layout, &Row) -> bool,
) -> Vec<Json> {
    let mut found = Vec::new();
    for layout in CALENDAR.iter().filter_map(|e| call.app.layouts.find(e)) {
        for row in visible(call, layout) {
            let when = get(layout, &row, "dateStart").or_else(|| get(layout, &row, "dateEnd"));
            if get(layout, &row, "assignedUserId") == Some(user)
                && when.is_some_and(|w| w >= from && w < to)
                && keep(layout, &row)
            {
                let mut item = activity(call, layout, &row);
                item["scope"] = Json::from(layout.name.as_str());
                found.push(item);
            }
        }
    }
    found
}

/// `GET Timeline/busyRanges?from&to&userIdList&entityType&entityId`: by user, the times of events that
/// the user attends and that are not over. The record of `entityType` and `entityId` is the one being planned: it does not count.
fn busy_ranges(call: &Call) -> Result<Reply> {
    let (app, request) = (call.app, call.request);
    let (from, to) = range(call)?;
    let Some(ids) = request.param("userIdList").filter(|l| !l.is_empty()) else {
        return Err(Refusal::bad_request("No `userIdList`."));
    };
    let users = app.layout("User")?;
    let mut answer = Map::new();
    for id in ids.split(',') {
        let row = app.store.table(users.index).live(id);
        let row = row.ok_or_else(Refusal::not_found_silently)?;
        if !call
            .caller
            .acl
            .record(&app.store, users, &row, Action::Read)
        {
            return Err(Refusal::forbidden_silently());
        }
        answer.insert(id.to_owned(), json!([]));
    }
    for layout in BUSY.iter().filter_map(|e| app.layouts.find(e)) {
        for row in visible(call, layout) {
            let planned = request.param("entityType") == Some(layout.name.as_str())
                && request.param("entityId") == Some(row.id.as_str());
            let (Some(start), Some(end)) =
                (get(layout, &row, "dateStart"), get(layout, &row, "dateEnd"))
            else {
                continue;
            };
            if planned || start >= to.as_str() || end <= from.as_str() {
                continue;
            }
            if is_over(call, layout, &row) {
                continue;
            }
            for user in view::linked(app, layout, &row, "users") {
                if let Some(Json::Array(list)) = answer.get_mut(user.id.as_str()) {
                    list.push(json!({"dateStart": start, "dateEnd": end}));
                }
            }
        }
    }
    for list in answer.values_mut().filter_map(Json::as_array_mut) {
        list.sort_by(|a, b| a["dateStart"].as_str().cmp(&b["dateStart"].as_str()));
    }
    Ok(app.json(&Json::Object(answer)))
}
