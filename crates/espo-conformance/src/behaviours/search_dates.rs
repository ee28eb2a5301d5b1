//! Where items with dates, relative to the server's current day.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::search::{asked, finds};
use super::{Behaviour, check};
use crate::answer::Outcome;
use crate::test::Test;
use crate::world::World;

/// Asserts that an item finds the campaigns whose day passes a test.
async fn days(t: &Test, item: Value, test: impl Fn(&World, Date) -> bool) -> Outcome {
    let world = t.world().await?;
    let labels: Vec<&str> = world
        .of("Campaign")
        .filter(|known| {
            world
                .day_of(known.label)
                .is_some_and(|day| test(&world, day))
        })
        .map(|known| known.label)
        .collect();
    finds(t, "Campaign", item, &labels).await
}

/// Asserts that an item with `dateTime` finds the accounts created just now, or none.
async fn moments(t: &Test, item: Value, found: bool) -> Outcome {
    let mut item = item;
    item["attribute"] = json!("createdAt");
    item["dateTime"] = json!(true);
    finds(
        t,
        "Account",
        item,
        if found {
            &["alpha", "beta", "gamma", "delta"]
        } else {
            &[]
        },
    )
    .await
}

/// First day of the month `months` months after that of `day`.
fn month(day: Date, months: i32) -> Date {
    day.first_of_month()
        .saturating_add(jiff::Span::new().months(months))
}

/// First day of the quarter `quarters` quarters after that of `day`, in years that begin `shift` months late.
fn quarter(day: Date, shift: i8, quarters: i32) -> Date {
    let into = (i32::from(day.month()) - 1 - i32::from(shift)).rem_euclid(3);
    month(day, 3 * quarters - into)
}

/// First day of the year `years` years after that of `day`, in years that begin `shift` months late.
fn year(day: Date, shift: i8, years: i32) -> Date {
    let into = (i32::from(day.month()) - 1 - i32::from(shift)).rem_euclid(12);
    month(day, 12 * years - into)
}

/// A behaviour that is a type of item and the days it finds.
macro_rules! days {
    ($name:literal, $item:tt, |$world:ident, $day:ident| $test:expr) => {
        check($name, async |t| {
            let mut item = json!($item);
            item["attribute"] = json!("startDate");
            days(t, item, |$world, $day| $test).await
        })
    };
}

pub(super) fn all() -> Vec<Behaviour> {
    let mut behaviours = of_dates();
    behaviours.extend(of_periods());
    behaviours.extend(of_moments());
    behaviours
}

fn of_dates() -> Vec<Behaviour> {
    vec![
        check("on", async |t| {
            let day = t.world().await?.day(3);
            days(
                t,
                json!({"type": "on", "attribute": "startDate", "value": day.to_string()}),
                |_, d| d == day,
            )
            .await
        }),
        check("not-on", async |t| {
            let day = t.world().await?.day(3);
            days(
                t,
                json!({"type": "notOn", "attribute": "startDate", "value": day.to_string()}),
                |_, d| d != day,
            )
            .await
        }),
        check("after", async |t| {
            let day = t.world().await?.day(3);
            days(
                t,
                json!({"type": "after", "attribute": "startDate", "value": day.to_string()}),
                |_, d| d > day,
            )
            .await
        }),
        check("before", async |t| {
            let day = t.world().await?.day(3);
            days(
                t,
                json!({"type": "before", "attribute": "startDate", "value": day.to_string()}),
                |_, d| d < day,
            )
            .await
        }),
        check("between", async |t| {
            let world = t.world().await?;
            let (from, to) = (world.day(-3), world.day(3));
            let item = json!({"type": "between", "attribute": "startDate", "value": [from.to_string(), to.to_string()]});
            days(t, item, |_, d| from <= d && d <= to).await
        }),
        days!("today", {"type": "today"}, |w, d| d == w.today),
        days!("past", {"type": "past"}, |w, d| d < w.today),
        days!("future", {"type": "future"}, |w, d| d > w.today),
        days!("last-seven-days", {"type": "lastSevenDays"}, |w, d| w.day(-7) <= d && d <= w.today),
        days!("last-x-days", {"type": "lastXDays", "value": 31}, |w, d| w.day(-31) <= d && d <= w.today),
        days!("next-x-days", {"type": "nextXDays", "value": 3}, |w, d| w.today <= d && d <= w.day(3)),
        days!("next-x-days-as-text", {"type": "nextXDays", "value": "3"}, |w, d| w.today <= d && d <= w.day(3)),
        days!("older-than-x-days", {"type": "olderThanXDays", "value": 3}, |w, d| d < w.day(-3)),
        days!("after-x-days", {"type": "afterXDays", "value": 3}, |w, d| d > w.day(3)),
    ]
}

fn of_periods() -> Vec<Behaviour> {
    vec![
        days!("current-month", {"type": "currentMonth"}, |w, d| month(w.today, 0) <= d && d < month(w.today, 1)),
        days!("last-month", {"type": "lastMonth"}, |w, d| month(w.today, -1) <= d && d < month(w.today, 0)),
        days!("next-month", {"type": "nextMonth"}, |w, d| month(w.today, 1) <= d && d < month(w.today, 2)),
        days!("current-quarter", {"type": "currentQuarter"}, |w, d| quarter(w.today, 0, 0) <= d && d < quarter(w.today, 0, 1)),
        days!("last-quarter", {"type": "lastQuarter"}, |w, d| quarter(w.today, 0, -1) <= d && d < quarter(w.today, 0, 0)),
        days!("current-year", {"type": "currentYear"}, |w, d| year(w.today, 0, 0) <= d && d < year(w.today, 0, 1)),
        days!("last-year", {"type": "lastYear"}, |w, d| year(w.today, 0, -1) <= d && d < year(w.today, 0, 0)),
        days!("current-fiscal-year", {"type": "currentFiscalYear"}, |w, d| year(w.today, w.fiscal_shift, 0) <= d
            && d < year(w.today, w.fiscal_shift, 1)),
        days!("last-fiscal-year", {"type": "lastFiscalYear"}, |w, d| year(w.today, w.fiscal_shift, -1) <= d
            && d < year(w.today, w.fiscal_shift, 0)),
        days!("current-fiscal-quarter", {"type": "currentFiscalQuarter"}, |w, d| quarter(w.today, w.fiscal_shift, 0) <= d
            && d < quarter(w.today, w.fiscal_shift, 1)),
        days!("last-fiscal-quarter", {"type": "lastFiscalQuarter"}, |w, d| quarter(w.today, w.fiscal_shift, -1) <= d
            && d < quarter(w.today, w.fiscal_shift, 0)),
    ]
}

fn of_moments() -> Vec<Behaviour> {
    vec![
        check("moment-past", async |t| {
            moments(t, json!({"type": "past", "timeZone": "UTC"}), true).await
        }),
        check("moment-future", async |t| {
            moments(t, json!({"type": "future", "timeZone": "UTC"}), false).await
        }),
        check("moment-last-x-days", async |t| {
            moments(
                t,
                json!({"type": "lastXDays", "value": 3, "timeZone": "Asia/Tokyo"}),
                true,
            )
            .await
        }),
        check("moment-older-than-x-days", async |t| {
            moments(
                t,
                json!({"type": "olderThanXDays", "value": 3, "timeZone": "UTC"}),
                false,
            )
            .await
        }),
        check("moment-on-its-day", async |t| {
            let world = t.world().await?;
            let day = world
                .get("alpha")
                .map(|body| body.text("createdAt").chars().take(10).collect::<String>())
                .unwrap_or_default();
            finds(
                t,
                "Account",
                json!({"type": "on", "attribute": "createdAt", "value": day, "dateTime": true, "timeZone": "UTC"}),
                &world.of("Account").filter(|known| known.body.text("createdAt").starts_with(&day)).map(|known| known.label).collect::<Vec<_>>(),
            )
            .await
        }),
        check("moment-on-another-day", async |t| {
            moments(
                t,
                json!({"type": "on", "value": "2001-01-01", "timeZone": "UTC"}),
                false,
            )
            .await
        }),
        check("moment-between", async |t| {
            moments(t, json!({"type": "between", "value": ["2001-01-01", "2200-01-01"], "timeZone": "UTC"}), true).await
        }),
        check("moment-current-year", async |t| {
            moments(t, json!({"type": "currentYear"}), true).await
        }),
        check("moment-without-date-time", async |t| {
            let item =
                json!({"type": "after", "attribute": "createdAt", "value": "2001-01-01 00:00:00"});
            finds(t, "Account", item, &["alpha", "beta", "gamma", "delta"]).await
        }),
        check("bad-time-zone", async |t| {
            let item = json!({"type": "on", "attribute": "createdAt", "value": "2030-01-01", "dateTime": true, "timeZone": "Mars/Base"});
            asked(t, item).await?.refused(400, "Bad timezone")
        }),
    ]
}
