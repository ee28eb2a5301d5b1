//! Calendars of users: entries, upcoming activities and busy times.

use std::sync::Arc;

use http::Method;
use jiff::civil::DateTime;
use serde_json::{Map, Value as Json, json};

use super::activities::is_over;
use super::search::get;
use super::{Call, Fixed};
use crate::acl::{Action, Level};
use crate::http::{Refusal, Reply, Result};
use crate::layout::{Layout, LinkKind};
use crate::record::read;
use crate::search::params::SearchParams;
use crate::store::Row;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::action(Method::GET, "Activities", calendar),
    Fixed::action(Method::GET, "Activities/upcoming", upcoming),
    Fixed::action(Method::GET, "Timeline", timeline),
    Fixed::action(Method::GET, "Timeline/busyRanges", busy_ranges),
];

/// Entity types of a calendar (`calendarEntityList` of a stock instance).
const CALENDAR: &[&str] = &["Meeting", "Call", "Task"];
/// Entity types that keep a user busy (`busyRangesEntityList` of a stock instance).
const BUSY: &[&str] = &["Meeting", "Call"];
/// Attributes of an entry of a calendar after its time and ID; those that an entity type lacks are null.
const IN_CALENDAR: &[&str] = &[
    "name",
    "status",
    "dateStartDate",
    "dateEndDate",
    "parentType",
    "parentId",
    "createdAt",
];
/// Maximum number of days in a calendar request.
const MAX_DAYS: i64 = 123;

/// Parses a time with or without seconds.
fn moment(s: &str) -> Option<DateTime> {
    to_the_minute(s).or_else(|| DateTime::strptime("%Y-%m-%d %H:%M:%S", s).ok())
}

/// Parses a time without seconds.
fn to_the_minute(s: &str) -> Option<DateTime> {
    DateTime::strptime("%Y-%m-%d %H:%M", s).ok()
}

/// Returns `from` and `to` of a request in the form of stored times. The server fails with 500 for forms that `read`
/// does not accept, such as dates.
fn range(
    call: &Call,
    read: fn(&str) -> Option<DateTime>,
    missing: &str,
) -> Result<(String, String)> {
    let param = |name: &str| call.request.param(name).filter(|v| !v.is_empty());
    let (Some(from), Some(to)) = (param("from"), param("to")) else {
        return Err(Refusal::bad_request(missing));
    };
    // The length of the range is checked first, even for a range of days.
    let day = |text: &str| text.get(..10)?.parse::<jiff::civil::Date>().ok();
    if let (Some(first), Some(last)) = (day(from), day(to))
        && (first.until((jiff::Unit::Day, last)))
            .is_ok_and(|span| i64::from(span.get_days()) > MAX_DAYS)
    {
        return Err(Refusal::forbidden("Too long range."));
    }
    let (Some(from), Some(to)) = (read(from), read(to)) else {
        return Err(Refusal::internal());
    };
    let text = |t: DateTime| t.strftime("%Y-%m-%d %H:%M:%S").to_string();
    Ok((text(from), text(to)))
}

/// Whether the caller may see the calendar of a user.
fn may_see(call: &Call, user: &str) -> bool {
    let acl = &call.caller.acl;
    let shares_team = || {
        call.app
            .acl(user)
            .teams
            .iter()
            .any(|t| acl.teams.contains(t))
    };
    user == call.caller.user_id()
        || match acl.permission_value("userCalendarPermission").as_str() {
            "team" => shares_team(),
            level => level == "all",
        }
}

fn user<'a>(call: &Call<'a>) -> &'a str {
    call.request
        .param("userId")
        .unwrap_or_else(|| call.caller.user_id())
}

/// `GET Activities?from&to&userId&scopeList`: a calendar.
fn calendar(call: &Call) -> Result<Reply> {
    if !call.caller.acl.scope("Calendar") {
        return Err(Refusal::forbidden_silently());
    }
    let range = range(call, moment, "")?;
    let by_team = call
        .request
        .param("teamIdList")
        .is_some_and(|l| !l.is_empty());
    if by_team && call.caller.acl.permission_value("userCalendarPermission") == "no" {
        return Err(Refusal::forbidden(
            "User Calendar Permission not allowing to view calendars of other users.",
        ));
    }
    let user = user(call);
    let users = call.app.layout("User")?;
    if call.app.store.table(users.index).live(user).is_none() {
        return Err(Refusal::not_found_silently());
    }
    if !may_see(call, user) {
        return Err(Refusal::forbidden_silently());
    }
    let list = entries(call, user, &range);
    Ok(call.app.json(&Json::Array(list)))
}

/// `GET Timeline?from&to&userIdList&scopeList`: calendars by user; `userId` names a single user.
fn timeline(call: &Call) -> Result<Reply> {
    let (app, request) = (call.app, call.request);
    if !call.caller.acl.scope("Calendar") {
        return Err(Refusal::forbidden_silently());
    }
    let range = range(call, to_the_minute, "")?;
    let ids = request.param("userIdList").or(request.param("userId"));
    let users = app.layout("User")?;
    let mut answer = Map::new();
    for id in ids
        .into_iter()
        .flat_map(|ids| ids.split(','))
        .filter(|id| !id.is_empty())
    {
        app.live(users, id).map_err(|missing| Refusal {
            reason: None,
            ..missing
        })?;
        if !may_see(call, id) {
            continue;
        }
        answer.insert(id.to_owned(), Json::Array(entries(call, id, &range)));
    }
    Ok(app.json(&Json::Object(answer)))
}

/// Returns the meetings, calls and tasks of a user's calendar in a range, each type ordered by start.
fn entries(call: &Call, user: &str, (from, to): &(String, String)) -> Vec<Json> {
    let scopes = call.request.param("scopeList").filter(|l| !l.is_empty());
    let wanted = |name: &str| scopes.is_none_or(|list| list.split(',').any(|s| s == name));
    let mut list = Vec::new();
    for layout in CALENDAR
        .iter()
        .filter(|e| wanted(e))
        .filter_map(|e| call.app.layouts.find(e))
    {
        let mut rows = visible(call, layout);
        rows.retain(|r| is_of(call, layout, r, user) && takes_place(layout, r, from, to));
        rows.sort_by(|a, b| get(layout, a, "dateStart").cmp(&get(layout, b, "dateStart")));
        for row in rows {
            let value = |attr: &str| layout.slot(attr).map(|s| row.get(s).to_json());
            let mut item = Map::from_iter([("scope".to_owned(), json!(layout.name))]);
            for attr in ["dateStart", "dateEnd"] {
                item.insert(attr.to_owned(), value(attr).unwrap_or_default());
            }
            item.insert("id".to_owned(), json!(row.id.as_str()));
            for attr in IN_CALENDAR {
                item.insert((*attr).to_owned(), value(attr).unwrap_or_default());
            }
            item.insert("color".to_owned(), Json::Null);
            list.push(Json::Object(item));
        }
    }
    list
}

/// `GET Activities/upcoming`: future activities that are not over. Tasks are listed if requested, overdue ones too.
fn upcoming(call: &Call) -> Result<Reply> {
    let acl = &call.caller.acl;
    if user(call) != call.caller.user_id() {
        call.app.live(call.app.layout("User")?, user(call))?;
        if !acl.permission("userPermission") {
            return Err(Refusal::forbidden_silently());
        }
    }
    let wanted: Vec<&str> = match call.request.query.get("entityTypeList") {
        Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).collect(),
        Some(Json::String(list)) if !list.is_empty() => {
            return Err(Refusal::bad_request("Bad entityTypeList."));
        }
        _ => BUSY.to_vec(),
    };
    let days = call
        .request
        .param("futureDays")
        .and_then(|d| d.parse::<i64>().ok())
        .unwrap_or(1)
        .clamp(0, 3650);
    let params = SearchParams::of(call.request, call.app.config.read().list_max_size)?;
    let now = call.app.clock.now();
    let end = now
        .checked_add(jiff::SignedDuration::from_hours(days * 24))
        .unwrap_or(now);
    let (now, end) = (
        crate::clock::format_datetime(now),
        crate::clock::format_datetime(end),
    );
    let mut list: Vec<(String, Json)> = Vec::new();
    let layouts = CALENDAR.iter().filter(|e| wanted.contains(e));
    for layout in layouts.filter_map(|e| call.app.layouts.find(e)) {
        let is_event = BUSY.contains(&layout.name.as_str());
        let date = if is_event { "dateStart" } else { "dateEnd" };
        for row in visible(call, layout) {
            let start = get(layout, &row, date).unwrap_or_default();
            let to_come =
                !is_event || get(layout, &row, "dateEnd").is_none_or(|e| e >= now.as_str());
            if is_of(call, layout, &row, user(call))
                && to_come
                && start < end.as_str()
                && !is_over(call, layout, &row)
            {
                list.push((
                    start.to_owned(),
                    read::listed(call.app, call.caller, layout, &row),
                ));
            }
        }
    }
    list.sort_by(|a, b| a.0.cmp(&b.0));
    let list = list.into_iter().map(|(_, item)| item).collect::<Vec<_>>();
    let total = i64::try_from(list.len()).unwrap_or(i64::MAX);
    let limit = usize::try_from(params.max_size.unwrap_or(i64::MAX)).unwrap_or(0);
    let page = list
        .into_iter()
        .skip(usize::try_from(params.offset).unwrap_or(0));
    Ok(call
        .app
        .list_json(total, &page.take(limit).collect::<Vec<_>>()))
}

/// Returns the rows of an entity type that the caller may see.
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

/// Whether an activity takes place in a range: it begins in it, ends in it, or spans it.
fn takes_place(layout: &Layout, row: &Row, from: &str, to: &str) -> bool {
    let (start, end) = (get(layout, row, "dateStart"), get(layout, row, "dateEnd"));
    let within = |time: Option<&str>| time.is_some_and(|t| from <= t && t < to);
    within(start)
        || within(end)
        || matches!((start, end), (Some(start), Some(end)) if start <= from && to <= end)
}

/// Whether an activity is in a user's calendar: events that the user attends, and other activities that are assigned
/// to the user.
fn is_of(call: &Call, layout: &Layout, row: &Row, user: &str) -> bool {
    match layout.links.get("users").map(|l| l.kind) {
        Some(LinkKind::Many { relation, forward }) => call
            .app
            .store
            .relation(relation)
            .has(&row.id, forward, user),
        _ => get(layout, row, "assignedUserId") == Some(user),
    }
}

/// Adds a range to the ranges of a user, and joins it with the first one that it overlaps.
fn add_range(list: &mut Vec<Json>, start: &str, end: &str) {
    let range =
        |start: &str, end: &str| json!({"dateStart": start, "dateEnd": end, "isBusyRange": true});
    let text = |range: &Json, key: &str| range[key].as_str().unwrap_or_default().to_owned();
    for known in list.iter_mut() {
        let (from, to) = (text(known, "dateStart"), text(known, "dateEnd"));
        if (from.as_str(), to.as_str()) != (start, end)
            && start < to.as_str()
            && from.as_str() < end
        {
            *known = range(start.min(&from), end.max(&to));
            return;
        }
    }
    list.push(range(start, end));
}

/// `GET Timeline/busyRanges?from&to&userIdList&entityType&entityId`: by user, the times of events that the user
/// attends and that are not over. The record of `entityType` and `entityId` is the one being planned and is ignored.
fn busy_ranges(call: &Call) -> Result<Reply> {
    let (app, request) = (call.app, call.request);
    let (from, to) = range(call, moment, "")?;
    let Some(ids) = request.param("userIdList").filter(|l| !l.is_empty()) else {
        return Err(Refusal::bad_request("No `userIdList`."));
    };
    let users = app.layout("User")?;
    let mut answer = Map::new();
    for id in ids.split(',') {
        if app.store.table(users.index).live(id).is_none() {
            return Err(Refusal::not_found_silently());
        }
        if may_see(call, id) {
            answer.insert(id.to_owned(), json!([]));
        }
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
            if planned || !takes_place(layout, &row, &from, &to) {
                continue;
            }
            if is_over(call, layout, &row) {
                continue;
            }
            for user in view::linked(app, layout, &row, "users") {
                if let Some(Json::Array(list)) = answer.get_mut(user.id.as_str()) {
                    add_range(list, start, end);
                }
            }
        }
    }
    Ok(app.json(&Json::Object(answer)))
}
