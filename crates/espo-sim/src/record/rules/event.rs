//! Meetings and calls: days instead of times, and attendees.

use serde_json::{Value as Json, json};

use super::activity;
use crate::http::{Refusal, Result};
use crate::layout::{AttrMap, Layout};
use crate::record::hooks::Draft;
use crate::store::Row;
use crate::value::Value;
use crate::version::Version;
use crate::view;

/// Converts dates without a time: a start becomes the start of that day, an end the start of the next day.
pub(super) fn days(d: &mut Draft) {
    for field in ["dateStart", "dateEnd"] {
        day(d, field);
    }
}

fn day(d: &mut Draft, field: &str) {
    let attr = format!("{field}Date");
    // A stored day takes precedence over the time.
    if d.layout.slot(&attr).is_none() || !(d.sent(&attr) || d.sent(field) || d.changed(&attr)) {
        return;
    }
    let Some(date) = d
        .get(&attr)
        .as_str()
        .and_then(|s| s.parse::<jiff::civil::Date>().ok())
    else {
        return;
    };
    let date = if field == "dateEnd" {
        date.tomorrow().unwrap_or(date)
    } else {
        date
    };
    let zone =
        jiff::tz::TimeZone::get(&d.app.config.read().time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    if let Ok(t) = date
        .to_datetime(jiff::civil::Time::midnight())
        .to_zoned_datetime(zone)
    {
        let text = crate::clock::format_datetime(t.timestamp());
        d.set(field, Value::text(text));
    }
}

/// Since 10.0, only an all-day event has days; otherwise they are removed.
fn timed(d: &mut Draft) {
    let all_day = d.layout.slot("isAllDay").is_some() && d.get("isAllDay").is_true();
    if d.app.version < Version::V10_0 || all_day || d.layout.slot("isAllDay").is_none() {
        return;
    }
    for attr in ["dateStartDate", "dateEndDate"] {
        d.set(attr, Value::Null);
    }
}

/// Moves the last day together with the first day, if the body does not contain a last day.
fn keep_days(d: &mut Draft) {
    if !d.sent("dateStartDate") || d.sent("dateEndDate") {
        return;
    }
    let day =
        |row: &Row, slot: Option<usize>| row.get(slot?).as_str()?.parse::<jiff::civil::Date>().ok();
    let (start, end) = (d.layout.slot("dateStartDate"), d.layout.slot("dateEndDate"));
    if let Some(old) = d.old
        && let (Some(was), Some(now), Some(ended)) =
            (day(old, start), day(&d.row, start), day(old, end))
        && let Ok(moved) = now.checked_add(ended - was)
    {
        d.set("dateEndDate", Value::text(moved.to_string()));
    }
}

/// Moves the end together with the start, if the body does not contain an end: by years, months and days.
fn keep_duration(d: &mut Draft) {
    let (Some(old), Some(start), Some(end)) =
        (d.old, d.layout.slot("dateStart"), d.layout.slot("dateEnd"))
    else {
        return;
    };
    if !d.sent("dateStart") || d.sent("dateEnd") || d.sent("dateEndDate") || !d.changed("dateStart")
    {
        return;
    }
    let parse = |v: &Value| v.as_str()?.parse::<jiff::civil::DateTime>().ok();
    if let (Some(was), Some(now), Some(ended)) = (
        parse(old.get(start)),
        parse(d.row.get(start)),
        parse(old.get(end)),
    ) && let Ok(span) = was.until((jiff::Unit::Year, ended))
        && let Ok(moved) = now.checked_add(span)
    {
        let text = moved.strftime("%Y-%m-%d %H:%M:%S").to_string();
        d.set("dateEnd", Value::text(text));
    }
}

/// Rejects video services, which require an integration and are checked before any validation.
pub(crate) fn check_service(layout: &Layout, shown: &AttrMap<Value>) -> Result<()> {
    let service = (layout.find("externalService")).and_then(|ix| shown.get(&ix)?.non_empty());
    match service {
        Some(service) if service != "0" && matches!(layout.name.as_str(), "Meeting" | "Call") => {
            Err(Refusal::bad_request(format!(
                "Not supported service '{service}'."
            )))
        }
        _ => Ok(()),
    }
}

/// Sets the values that follow from others: parent, end, days and attendees.
pub(super) fn save(d: &mut Draft) -> Result<()> {
    let is_custom = !matches!(d.layout.name.as_str(), "Meeting" | "Call");
    if !is_custom {
        activity::parent(d);
    }
    keep_duration(d);
    timed(d);
    keep_days(d);
    days(d);
    if is_custom { Ok(()) } else { attendees(d) }
}

/// Adds the assigned user to the attendees; a caller who attends a new event has accepted.
fn attendees(d: &mut Draft) -> Result<()> {
    if d.old.is_none() {
        let uid = uuid(&d.app.ids.secret());
        d.set("uid", Value::text(uid));
    }
    let Some(ix) = d.layout.find("usersIds") else {
        return Ok(());
    };
    if d.input.get(&ix).is_some_and(|ids| !ids.is_array()) {
        return Err(Refusal::internal());
    }
    let sent = d.input.get(&ix).and_then(Json::as_array).cloned();
    let assigned = d.get("assignedUserId").non_empty().map(str::to_owned);
    let mut ids = match (&sent, d.old) {
        (Some(ids), _) => ids.clone(),
        (None, None) => Vec::new(),
        (None, Some(old)) => {
            let users = view::linked(d.app, d.layout, old, "users");
            users.iter().map(|u| json!(u.id.as_str())).collect()
        }
    };
    if d.old.is_none() && sent.as_deref().is_some_and(has_twice) {
        return Err(Refusal::internal());
    }
    let mut changed = sent.is_some();
    if let Some(user) = assigned
        && (d.changed("assignedUserId") || sent.is_some())
        && !ids.iter().any(|id| *id == json!(user))
    {
        ids.push(json!(user));
        changed = true;
    }
    if !changed {
        return Ok(());
    }
    d.shown.insert(ix, Value::json(Json::Array(ids.clone())));
    let me = d.caller.user_id();
    if d.old.is_none()
        && ids.iter().any(|id| *id == json!(me))
        && let Some(columns) = d.layout.find("usersColumns")
    {
        let sent = d.input.get(&columns).filter(|v| v.is_object());
        let mut all = sent.cloned().unwrap_or_else(|| json!({}));
        let mine = &all[me]["status"];
        if mine.is_null() || *mine == json!("None") {
            all[me]["status"] = json!("Accepted");
            d.extra.insert(columns, all);
        }
    }
    d.extra.insert(ix, Json::Array(ids));
    Ok(())
}

/// Whether a list contains an ID twice: the database rejects this where the server writes the set itself.
pub(super) fn has_twice(ids: &[Json]) -> bool {
    ids.iter().enumerate().any(|(i, id)| ids[..i].contains(id))
}

/// Formats 32 hexadecimal digits as a UUID.
fn uuid(digits: &str) -> String {
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-4{}-a{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}
