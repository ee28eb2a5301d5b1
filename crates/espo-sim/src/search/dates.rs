//! Date filters, each of which becomes a range of string bounds.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};
use serde_json::Value as Json;

use super::params::leading_int;
use crate::clock::format_datetime;
use crate::http::{Refusal, Result};
use crate::value::leading_number;

/// Bounds of a filter. Dates and date-times are compared as strings.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Range {
    /// The bound, and whether it is included.
    pub(crate) from: Option<(String, bool)>,
    pub(crate) to: Option<(String, bool)>,
}

impl Range {
    pub(crate) fn contains(&self, v: &str) -> bool {
        self.from
            .as_ref()
            .is_none_or(|(b, eq)| v > b.as_str() || (*eq && v == b))
            && self
                .to
                .as_ref()
                .is_none_or(|(b, eq)| v < b.as_str() || (*eq && v == b))
    }

    /// Compares a number with the numbers that the bounds begin with.
    pub(crate) fn contains_number(&self, n: f64) -> bool {
        let bound = |b: &Option<(String, bool)>| b.as_ref().map(|(b, eq)| (leading_number(b), *eq));
        bound(&self.from).is_none_or(|(b, eq)| n > b || (eq && n >= b))
            && bound(&self.to).is_none_or(|(b, eq)| n < b || (eq && n <= b))
    }
}

/// The data from which bounds are computed.
pub(crate) struct DateContext<'a> {
    pub(crate) now: Timestamp,
    /// The instance's time zone.
    pub(crate) system_zone: &'a str,
    pub(crate) fiscal_shift: i8,
}

/// Types without a value.
const RELATIVE: &[&str] = &[
    "today",
    "past",
    "future",
    "lastSevenDays",
    "currentMonth",
    "lastMonth",
    "nextMonth",
    "currentQuarter",
    "lastQuarter",
    "currentYear",
    "lastYear",
    "currentFiscalYear",
    "lastFiscalYear",
    "currentFiscalQuarter",
    "lastFiscalQuarter",
    "lastXDays",
    "nextXDays",
    "olderThanXDays",
    "afterXDays",
];

/// Types whose meaning depends on `dateTime`.
const ABSOLUTE: &[&str] = &["on", "before", "after", "between"];

/// Whether PHP treats a property of an item as true.
fn flag(item: &Json, key: &str) -> bool {
    item.get(key).is_some_and(super::params::is_filled)
}

/// Checks the time zone of an item with `dateTime`, regardless of its type.
pub(super) fn check_zone(item: &Json) -> Result<()> {
    let is_empty = super::where_::attribute(item).is_none_or(str::is_empty);
    if is_empty && flag(item, "dateTime") {
        return Err(Refusal::bad_request(
            "Bad datetime where item. Empty 'attribute'.",
        ));
    }
    let zone = item.get("timeZone").filter(|v| !v.is_null());
    let is_known = |zone: &Json| {
        zone.as_str()
            .is_some_and(|name| TimeZone::get(name).is_ok())
    };
    match zone.filter(|_| flag(item, "dateTime")) {
        Some(zone) if !is_known(zone) => Err(Refusal::bad_request("Bad timezone")),
        _ => Ok(()),
    }
}

/// Returns the range of a date filter; `None` for other types.
pub(crate) fn range(item: &Json, type_: &str, cx: &DateContext) -> Result<Option<Range>> {
    let date_time = flag(item, "dateTime");
    let item_zone = item.get("timeZone").and_then(Json::as_str);
    let system = TimeZone::get(cx.system_zone).unwrap_or(TimeZone::UTC);
    if date_time && (RELATIVE.contains(&type_) || ABSOLUTE.contains(&type_)) {
        let tz = match item_zone {
            Some(name) => TimeZone::get(name).unwrap_or(TimeZone::UTC),
            None => system.clone(),
        };
        check_value(type_, item.get("value"))?;
        return Ok(date_time_range(item.get("value"), type_, &tz, &system, cx));
    }
    if !RELATIVE.contains(&type_) {
        return Ok(None);
    }
    let tz = match item_zone {
        Some(name) if flag(item, "date") => TimeZone::get(name).map_err(|_| {
            let what = "DateTimeZone::__construct(): Unknown or bad timezone";
            Refusal::bad_request(format!("{what} ({name})"))
        })?,
        _ => system,
    };
    let today = cx.now.to_zoned_datetime(tz).date();
    let n = item.get("value").map(days).unwrap_or_default();
    let at = |d: Date| d.to_string();
    let shifted = |d: i64| at(add_days(today, d));
    let closed = |a: String, b: String| Range {
        from: Some((a, true)),
        to: Some((b, true)),
    };
    let range = match type_ {
        "today" => closed(at(today), at(today)),
        "past" => Range {
            to: Some((at(today), false)),
            ..Range::default()
        },
        "future" => Range {
            from: Some((at(today), false)),
            ..Range::default()
        },
        "lastSevenDays" => closed(shifted(-7), at(today)),
        "lastXDays" => closed(shifted(-n), at(today)),
        "nextXDays" => closed(at(today), shifted(n)),
        "olderThanXDays" => Range {
            to: Some((shifted(-n), false)),
            ..Range::default()
        },
        "afterXDays" => Range {
            from: Some((shifted(n), false)),
            ..Range::default()
        },
        _ => match period(type_, today, cx.fiscal_shift) {
            Some((from, to)) => Range {
                from: Some((at(from), true)),
                to: Some((at(to), false)),
            },
            None => return Ok(None),
        },
    };
    Ok(Some(range))
}

/// Types with a value require a date or a point in time if they apply to date-times.
fn check_value(type_: &str, value: Option<&Json>) -> Result<()> {
    let bad = || Err(Refusal::bad_request("Bad date value or timezone."));
    match (type_, value) {
        ("between", Some(Json::Array(list))) if list.len() >= 2 => {
            match list[..2].iter().all(is_moment) {
                true => Ok(()),
                false => bad(),
            }
        }
        ("between", _) => Err(Refusal::bad_request("Bad where item. Bad value.")),
        _ if !ABSOLUTE.contains(&type_) => Ok(()),
        (_, Some(v)) if super::params::is_filled(v) => match v {
            Json::Array(_) | Json::Object(_) => Err(Refusal::internal_page()),
            v if is_moment(v) => Ok(()),
            _ => bad(),
        },
        _ => Err(Refusal::bad_request("Bad where item. Empty value.")),
    }
}

/// Whether a value is a date, or a point in time with at least hours and minutes.
fn is_moment(value: &Json) -> bool {
    let Some(text) = value.as_str() else {
        return false;
    };
    match text.get(..16).filter(|_| text.len() > 10) {
        Some(start) => start.parse::<DateTime>().is_ok(),
        None => text == NOW || (text.len() == 10 && text.parse::<Date>().is_ok()),
    }
}

/// A value that means the current time.
const NOW: &str = "now";

fn date_time_range(
    value: Option<&Json>,
    type_: &str,
    tz: &TimeZone,
    system: &TimeZone,
    cx: &DateContext,
) -> Option<Range> {
    let today = cx.now.to_zoned_datetime(tz.clone()).date();
    let now = format_datetime(cx.now);
    let n = value.map(days).unwrap_or_default();
    let start = |d: Date| instant(d.to_datetime(Time::midnight()), tz);
    let end = |d: Date| instant(d.to_datetime(Time::constant(23, 59, 59, 0)), tz);
    let from = |b: String, eq: bool| Range {
        from: Some((b, eq)),
        ..Range::default()
    };
    let to = |b: String, eq: bool| Range {
        to: Some((b, eq)),
        ..Range::default()
    };
    let closed = |a: String, b: String| Range {
        from: Some((a, true)),
        to: Some((b, true)),
    };
    // A value with more than ten characters is already an instant in UTC.
    let bound = |v: &Json, last: bool| {
        let text = v.as_str()?;
        if text == NOW {
            return Some(now.clone());
        }
        if text.len() > 10 {
            return Some(text.to_owned());
        }
        let date: Date = text.parse().ok()?;
        Some(if last { end(date) } else { start(date) })
    };
    Some(match type_ {
        "today" => closed(start(today), end(today)),
        "past" => to(now.clone(), true),
        "future" => from(now.clone(), false),
        "lastSevenDays" => closed(start(add_days(today, -7)), now.clone()),
        "lastXDays" => closed(start(add_days(today, -n)), now.clone()),
        "nextXDays" => {
            // The end is written as 24:59:59 of the last day, which is an hour into the next.
            let last = add_days(today, n + 1).to_datetime(Time::constant(0, 59, 59, 0));
            closed(now.clone(), instant(last, tz))
        }
        "olderThanXDays" => to(start(add_days(today, -n)), false),
        "afterXDays" => from(start(add_days(today, n)), true),
        "on" => closed(bound(value?, false)?, bound(value?, true)?),
        "before" => to(bound(value?, false)?, false),
        "after" => from(bound(value?, true)?, false),
        "between" => {
            let list = value?.as_array()?;
            closed(bound(list.first()?, false)?, bound(list.get(1)?, true)?)
        }
        _ => {
            let today = cx.now.to_zoned_datetime(system.clone()).date();
            let (first, after) = period(type_, today, cx.fiscal_shift)?;
            closed(start(first), end(add_days(after, -1)))
        }
    })
}

/// Returns the first day of a period, and the day after its last day.
fn period(type_: &str, today: Date, fiscal_shift: i8) -> Option<(Date, Date)> {
    let month = today.first_of_month();
    let add = |d: Date, months: i64| d.checked_add(months.months()).unwrap_or(d);
    let shift = i64::from(fiscal_shift);
    let quarter_of = |d: Date| add(d.first_of_month(), -i64::from((d.month() - 1) % 3));
    let year_of = |d: Date| d.first_of_year();
    // A shifted calendar: shift back, truncate to the start of the period, shift forward again.
    let fiscal = |cut: &dyn Fn(Date) -> Date| add(cut(add(month, -shift)), shift);
    Some(match type_ {
        "currentMonth" => (month, add(month, 1)),
        "lastMonth" => (add(month, -1), month),
        "nextMonth" => (add(month, 1), add(month, 2)),
        "currentQuarter" => (quarter_of(today), add(quarter_of(today), 3)),
        "lastQuarter" => (add(quarter_of(today), -3), quarter_of(today)),
        "currentYear" => (year_of(today), add(year_of(today), 12)),
        "lastYear" => (add(year_of(today), -12), year_of(today)),
        "currentFiscalYear" => (fiscal(&year_of), add(fiscal(&year_of), 12)),
        "lastFiscalYear" => (add(fiscal(&year_of), -12), fiscal(&year_of)),
        "currentFiscalQuarter" => (fiscal(&quarter_of), add(fiscal(&quarter_of), 3)),
        "lastFiscalQuarter" => (add(fiscal(&quarter_of), -3), fiscal(&quarter_of)),
        _ => return None,
    })
}

fn add_days(d: Date, n: i64) -> Date {
    // Numbers in a request can have any size; bounds beyond the calendar are clamped to its limits.
    let span = Span::new().try_days(n).ok();
    span.and_then(|s| d.checked_add(s).ok())
        .unwrap_or(if n < 0 { Date::MIN } else { Date::MAX })
}

fn instant(dt: DateTime, tz: &TimeZone) -> String {
    match tz.to_ambiguous_timestamp(dt).compatible() {
        Ok(t) => format_datetime(t),
        Err(_) => dt.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    }
}

fn days(v: &Json) -> i64 {
    match v {
        Json::Number(n) => n
            .as_i64()
            .or_else(|| n.as_f64().map(|f| f as i64))
            .unwrap_or_default(),
        Json::String(s) => leading_int(s),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bounds(item: Json) -> (Option<String>, Option<String>) {
        let cx = DateContext {
            now: "2026-11-24T21:30:00Z".parse().unwrap(),
            system_zone: "UTC",
            fiscal_shift: 3,
        };
        let type_ = item["type"].as_str().unwrap().to_owned();
        let r = range(&item, &type_, &cx).unwrap().unwrap();
        (r.from.map(|b| b.0), r.to.map(|b| b.0))
    }

    #[test]
    fn periods_have_the_documented_bounds() {
        let s = |a: &str, b: &str| (Some(a.to_owned()), Some(b.to_owned()));
        for (item, expected) in [
            (
                json!({"type": "currentQuarter"}),
                s("2026-10-01", "2027-01-01"),
            ),
            (json!({"type": "lastMonth"}), s("2026-10-01", "2026-11-01")),
            (
                json!({"type": "currentFiscalYear"}),
                s("2026-04-01", "2027-04-01"),
            ),
            (
                json!({"type": "lastFiscalQuarter"}),
                s("2026-07-01", "2026-10-01"),
            ),
            (
                json!({"type": "today", "dateTime": true, "timeZone": "Europe/Kyiv"}),
                s("2026-11-23 22:00:00", "2026-11-24 21:59:59"),
            ),
            (
                json!({"type": "today", "date": true, "timeZone": "Asia/Tokyo"}),
                s("2026-11-25", "2026-11-25"),
            ),
            (
                json!({"type": "on", "value": "2026-07-01", "dateTime": true, "timeZone": "Europe/Paris"}),
                s("2026-06-30 22:00:00", "2026-07-01 21:59:59"),
            ),
            (
                json!({"type": "nextXDays", "value": "2", "dateTime": true}),
                s("2026-11-24 21:30:00", "2026-11-27 00:59:59"),
            ),
        ] {
            assert_eq!(bounds(item.clone()), expected, "{item}");
        }
    }
}
