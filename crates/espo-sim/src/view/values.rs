//! Values without a column that are computed for single entity types.

use serde_json::{Value as Json, json};

use super::email;
use crate::app::App;
use crate::layout::{Layout, LinkKind, Slot};
use crate::store::Row;
use crate::value::Value;
use crate::view;

/// The value of an attribute without a column (those with a custom `select`).
pub(crate) fn value(app: &App, layout: &Layout, row: &Row, attr: &str, user: &str) -> Value {
    let number = |name: &str| layout.slot(name).and_then(|s| row.get(s).as_f64());
    let text = |name: &str| layout.slot(name).and_then(|s| row.get(s).non_empty());
    match (layout.name.as_str(), attr) {
        ("Opportunity", "amountWeightedConverted") => {
            match (number("amount"), number("probability")) {
                (Some(amount), Some(probability)) => {
                    let rate = app
                        .config
                        .read()
                        .rate(text("amountCurrency").unwrap_or_default());
                    Value::Float(amount * rate * probability / 100.0)
                }
                _ => Value::Null,
            }
        }
        (_, "duration") if layout.is_event => match (text("dateStart"), text("dateEnd")) {
            (Some(start), Some(end)) => seconds_between(start, end).map_or(Value::Null, Value::Int),
            _ => Value::Null,
        },
        ("Meeting" | "Call", "acceptanceStatus") => acceptance(app, layout, row, user),
        ("Contact", "title") => account_column(app, layout, row, "role"),
        ("Contact", "accountIsInactive") => account_column(app, layout, row, "isInactive"),
        ("Contact", "hasPortalUser") => {
            Value::Bool(!view::linked(app, layout, row, "portalUser").is_empty())
        }
        ("OAuthAccount", "hasAccessToken") => Value::Bool(false),
        ("TargetList", "entryCount") => Value::Int(target_entries(app, layout, row, false)),
        ("TargetList", "optedOutCount") => Value::Int(target_entries(app, layout, row, true)),
        ("User", "position") => Value::Null,
        ("User", "lastAccess") => match app.auth.has_token(&row.id) {
            true => Value::text(app.clock.datetime()),
            false => Value::Null,
        },
        ("User", "secretKey") => app
            .auth
            .get(&row.id)
            .and_then(|c| c.secret_key)
            .map_or(Value::Null, Value::text),
        ("Task", "isOverdue") | ("Portal" | "WorkingTimeCalendar", "isDefault") => {
            Value::Bool(false)
        }
        ("Portal", "url") => {
            let config = app.config.read();
            let site = config.other.get("siteUrl").and_then(Json::as_str);
            let site = site.unwrap_or_default().trim_end_matches('/');
            Value::text(format!("{site}/portal/{}/", row.id))
        }
        ("CampaignTrackingUrl", "urlToUse") => Value::text(format!("{{trackingUrl:{}}}", row.id)),
        ("Email", _) => email::value(app, layout, row, attr, user).unwrap_or_default(),
        ("Call", "phoneNumbersMap") => phone_numbers(app, layout, row),
        ("Notification", "groupedCount") => grouped(app, layout, row),
        ("Notification", "noteData") => note_data(app, layout, row),
        ("Note", "reactionCounts") => Value::Null,
        ("Note", "myReactions") => Value::json(json!([])),
        ("Campaign", _) => campaign(app, layout, row, attr),
        _ => Value::Null,
    }
}

/// Attributes of a note in notifications and in the streams of records.
pub(crate) const OF_NOTE: &[&str] = &[
    "id",
    "deleted",
    "post",
    "data",
    "type",
    "targetType",
    "number",
    "isGlobal",
    "createdByGender",
    "isInternal",
    "isPinned",
    "createdAt",
    "modifiedAt",
    "parentId",
    "parentType",
    "parentName",
    "relatedId",
    "relatedType",
    "relatedName",
    "attachmentsIds",
    "attachmentsNames",
    "createdById",
    "createdByName",
    "modifiedById",
    "modifiedByName",
    "superParentId",
    "superParentType",
    "attachmentsTypes",
];

/// The note of a notification.
fn note_data(app: &App, layout: &Layout, row: &Row) -> Value {
    let of = |attr: &str| layout.slot(attr).and_then(|s| row.get(s).non_empty());
    let note = app.layouts.find("Note").and_then(|notes| {
        let id = of("relatedId").filter(|_| of("relatedType") == Some("Note"))?;
        Some((notes, app.store.table(notes.index).live(id)?))
    });
    let Some((notes, note)) = note else {
        return Value::Null;
    };
    let of_record = view::key(app, notes, &note, "parent").is_some();
    let is_about = view::key(app, notes, &note, "related").is_some();
    let targets: &[&str] = match notes.slot("targetType").and_then(|s| note.get(s).as_str()) {
        Some("teams") => &["teamsIds", "teamsNames"],
        Some("users") => &["usersIds", "usersNames"],
        _ => &[],
    };
    let shown = OF_NOTE
        .iter()
        .filter(|name| of_record || **name != "parentName")
        .filter(|name| is_about || **name != "relatedName")
        .chain(targets);
    let attributes = shown.filter_map(|name| {
        let value = view::value(app, notes, &note, notes.find(name)?, "");
        Some(((*name).to_owned(), value.to_json()))
    });
    Value::json(Json::Object(attributes.collect()))
}

/// Returns the reminders, which only attendees have.
pub(crate) fn reminders(app: &App, layout: &Layout, row: &Row, slot: Slot, user: &str) -> Value {
    let takes_part = match layout.links.get("users").map(|l| l.kind) {
        Some(LinkKind::Many { relation, forward }) => {
            app.store.relation(relation).has(&row.id, forward, user)
        }
        _ => layout
            .slot("assignedUserId")
            .is_some_and(|s| row.get(s).as_str() == Some(user)),
    };
    match row.get(slot) {
        value @ Value::Json(_) if takes_part => value.clone(),
        _ => Value::json(json!([])),
    }
}

/// The number of grouped notifications of one action; null for a single notification.
fn grouped(app: &App, layout: &Layout, row: &Row) -> Value {
    let (Some(action), Some(user)) = (layout.slot("actionId"), layout.slot("userId")) else {
        return Value::Null;
    };
    if row.get(action).non_empty().is_none() {
        return Value::Null;
    }
    let rows = app.store.table(layout.index).snapshot();
    let same = rows
        .iter()
        .filter(|r| !r.deleted && r.get(action) == row.get(action) && r.get(user) == row.get(user));
    match same.count() {
        0 => Value::Null,
        n => Value::Int(i64::try_from(n).unwrap_or(i64::MAX)),
    }
}

/// First and last name separated by a space, without the middle name.
pub(crate) fn person_name(layout: &Layout, row: &Row, parts: [Option<Slot>; 3]) -> Value {
    let [first, _, last] = parts;
    let joined: Vec<&str> = [first, last]
        .into_iter()
        .flatten()
        .filter_map(|s| row.get(s).as_str())
        .collect();
    if !joined.is_empty() {
        return Value::text(joined.join(" "));
    }
    // For leads and users without a person's name, other attributes replace it.
    stand_ins(layout)
        .iter()
        .find_map(|attr| layout.slot(attr).and_then(|s| row.get(s).non_empty()))
        .map_or(Value::Null, Value::text)
}

/// Attributes that replace a missing person's name; the first one with a value is used.
pub(crate) fn stand_ins(layout: &Layout) -> &'static [&'static str] {
    match layout.name.as_str() {
        "Lead" => &["accountName", "emailAddress", "phoneNumber"],
        "User" => &["userName"],
        _ => &[],
    }
}

/// Returns the results of a campaign. Nothing is sent, but leads can have the campaign as their source.
fn campaign(app: &App, layout: &Layout, row: &Row, attr: &str) -> Value {
    match attr {
        "revenueCurrency" => Value::text(app.config.read().default_currency.as_str()),
        "openedCount" | "clickedCount" | "optedOutCount" | "bouncedCount" => Value::Int(0),
        "leadCreatedCount" => match view::linked(app, layout, row, "leads").len() {
            0 => Value::Null,
            n => Value::Int(i64::try_from(n).unwrap_or(i64::MAX)),
        },
        _ => Value::Null,
    }
}

/// Phone numbers of a call's contacts and leads, by entity type and ID.
fn phone_numbers(app: &App, layout: &Layout, row: &Row) -> Value {
    let mut map = serde_json::Map::new();
    for link in ["contacts", "leads"] {
        let Some((target, slot)) =
            view::target(app, layout, link).and_then(|t| Some((t, t.slot("phoneNumber")?)))
        else {
            continue;
        };
        for other in view::linked(app, layout, row, link) {
            if let Some(number) = other.get(slot).non_empty() {
                map.insert(format!("{}_{}", target.name, other.id), Json::from(number));
            }
        }
    }
    Value::json(Json::Object(map))
}

/// How a user responded to the invitation to an event.
fn acceptance(app: &App, layout: &Layout, row: &Row, user: &str) -> Value {
    let Some(LinkKind::Many { relation, forward }) = layout.links.get("users").map(|l| l.kind)
    else {
        return Value::Null;
    };
    let columns = &app.layouts.relations[relation].columns;
    let at = columns.iter().position(|c| c.name == "status");
    let pairs = app.store.relation(relation).of(&row.id, forward);
    let pair = pairs.iter().find(|p| p.id == user);
    match (pair, at) {
        (Some(pair), Some(at)) => pair.columns.get(at).unwrap_or(&columns[at].default).clone(),
        _ => Value::Null,
    }
}

/// A column of the pair of a contact and its primary account.
fn account_column(app: &App, layout: &Layout, row: &Row, column: &str) -> Value {
    let (Some(slot), Some(def)) = (layout.slot("accountId"), layout.links.get("accounts")) else {
        return Value::Null;
    };
    let (Some(account), LinkKind::Many { relation, forward }) =
        (row.get(slot).non_empty(), def.kind)
    else {
        return Value::Null;
    };
    let at = app.layouts.relations[relation]
        .columns
        .iter()
        .position(|c| c.name == column);
    app.store
        .relation(relation)
        .of(&row.id, forward)
        .iter()
        .find(|p| p.id == account)
        .and_then(|p| p.columns.get(at?).cloned())
        .unwrap_or(Value::Null)
}

fn target_entries(app: &App, layout: &Layout, row: &Row, opted_out: bool) -> i64 {
    let mut count = 0;
    for link in ["accounts", "contacts", "leads", "users"] {
        let Some(def) = layout.links.get(link) else {
            continue;
        };
        let LinkKind::Many { relation, .. } = def.kind else {
            continue;
        };
        let column = app.layouts.relations[relation]
            .columns
            .iter()
            .position(|c| c.name == "optedOut");
        let pairs = view::pairs(app, row, def);
        count += pairs
            .iter()
            .filter(|p| {
                !opted_out
                    || column
                        .and_then(|c| p.columns.get(c))
                        .is_some_and(Value::is_true)
            })
            .count();
    }
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Seconds between two `YYYY-MM-DD HH:MM:SS`.
pub(crate) fn seconds_between(a: &str, b: &str) -> Option<i64> {
    let parse = |s: &str| s.parse::<jiff::civil::DateTime>().ok();
    let (a, b) = (parse(a)?, parse(b)?);
    let zone = jiff::tz::TimeZone::UTC;
    Some(
        b.to_zoned_datetime(zone.clone())
            .ok()?
            .timestamp()
            .as_second()
            - a.to_zoned_datetime(zone).ok()?.timestamp().as_second(),
    )
}
