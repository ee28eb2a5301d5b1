//! Values that one entity type computes by a rule of its own. The rules are few; each says where it is from.

use serde_json::{Value as Json, json};

use super::view;
use crate::app::App;
use crate::layout::{Layout, LinkKind, Slot};
use crate::store::Row;
use crate::value::Value;

/// The value of an attribute without a column (attributes-9.3: those with a `select` of their own).
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
                    Value::Float(amount * probability * rate / 100.0)
                }
                _ => Value::Null,
            }
        }
        ("Meeting" | "Call", "duration") => match (text("dateStart"), text("dateEnd")) {
            (Some(start), Some(end)) => seconds_between(start, end).map_or(Value::Null, Value::Int),
            _ => Value::Null,
        },
        ("Contact", "title") => account_column(app, layout, row, "role"),
        ("Contact", "accountIsInactive") => account_column(app, layout, row, "isInactive"),
        ("Contact", "hasPortalUser") => {
            Value::Bool(!view::linked(app, layout, row, "portalUser").is_empty())
        }
        ("OAuthAccount", "hasAccessToken") => Value::Bool(false),
        ("TargetList", "entryCount") => Value::Int(target_entries(app, layout, row, false)),
        ("TargetList", "optedOutCount") => Value::Int(target_entries(app, layout, row, true)),
        ("User", "position") => Value::Null,
        ("User", "secretKey") => app
            .auth
            .get(&row.id)
            .and_then(|c| c.secret_key)
            .map_or(Value::Null, Value::text),
        ("Task" | "Meeting" | "Call", "reminders") => Value::json(json!([])),
        ("Task", "isOverdue") => Value::Bool(false),
        ("Email", "isRead" | "isImportant" | "inTrash" | "inArchive" | "folderId") => {
            email_mark(app, layout, row, attr, user)
        }
        ("Notification", "groupedCount") => grouped(app, layout, row),
        ("Note", "reactionCounts") => Value::Null,
        ("Note", "myReactions") => Value::json(json!([])),
        ("Campaign", name) if name.ends_with("Count") => Value::Int(0),
        _ => Value::Null,
    }
}

/// How many notifications of one action a notification stands for; null for one that stands alone.
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
        0 | 1 => Value::Null,
        n => Value::Int(i64::try_from(n).unwrap_or(i64::MAX)),
    }
}

/// The relation of e-mails and the users in whose inbox they are, and its direction from the e-mail.
pub(crate) fn email_users(emails: &Layout) -> Option<(usize, bool)> {
    match emails.links.get("users")?.kind {
        LinkKind::Many { relation, forward } => Some((relation, forward)),
        _ => None,
    }
}

/// A mark that an e-mail carries for each user apart; null where it is not in the user's inbox.
fn email_mark(app: &App, emails: &Layout, row: &Row, column: &str, user: &str) -> Value {
    let Some((relation, forward)) = email_users(emails) else {
        return Value::Null;
    };
    let columns = &app.layouts.relations[relation].columns;
    let at = columns.iter().position(|c| c.name == column);
    let pairs = app.store.relation(relation).of(&row.id, forward);
    let pair = pairs.iter().find(|p| p.id == user);
    match (pair, at) {
        (Some(pair), Some(at)) => match pair.columns.get(at) {
            Some(value) => value.clone(),
            // Linked before there were columns: nothing was marked.
            None => columns[at].default.clone(),
        },
        _ => Value::Null,
    }
}

/// First, middle and last name with blanks between.
pub(crate) fn person_name(layout: &Layout, row: &Row, parts: [Option<Slot>; 3]) -> Value {
    let [first, middle, last] = parts;
    let joined: Vec<&str> = [first, middle, last]
        .into_iter()
        .flatten()
        .filter_map(|s| row.get(s).non_empty())
        .collect();
    if !joined.is_empty() {
        return Value::text(joined.join(" "));
    }
    // A lead without a person's name goes by whatever it has (QUIRKS 11).
    if layout.name == "Lead" {
        for attr in ["emailAddress", "phoneNumber", "accountName"] {
            if let Some(text) = layout.slot(attr).and_then(|s| row.get(s).non_empty()) {
                return Value::text(text);
            }
        }
    }
    if layout.name == "User"
        && let Some(text) = layout.slot("userName").and_then(|s| row.get(s).non_empty())
    {
        return Value::text(text);
    }
    Value::Null
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

/// Probability that a stage stands for (`fields.probability` follows `stage.probabilityMap`).
pub(crate) fn stage_probability(layout_raw: Option<&Json>, stage: &str) -> Option<i64> {
    if let Some(map) = layout_raw.and_then(|m| m.as_object()) {
        return map.get(stage).and_then(Json::as_i64);
    }
    // The stock map, for metadata that leaves it out.
    Some(match stage {
        "Prospecting" => 10,
        "Qualification" => 20,
        "Proposal" => 50,
        "Negotiation" => 80,
        "Closed Won" => 100,
        "Closed Lost" => 0,
        _ => return None,
    })
}
