//! What happens around a save: general rules first, then those of single entity types. Each is a small function.

use serde_json::Value as Json;

use super::addresses::addresses;
use super::input::Input;
use super::{special, view};
use crate::app::App;
use crate::layout::{AttrIx, Layout, LinkKind, Source, Ty};
use crate::store::Row;
use crate::value::Value;

/// A record on its way into the store: its row, and what the answer shows beside it.
pub(crate) struct Draft<'a> {
    pub(crate) app: &'a App,
    pub(crate) layout: &'a Layout,
    pub(crate) row: Row,
    /// The row as it was before.
    pub(crate) old: Option<&'a Row>,
    /// What the body sets.
    pub(crate) input: &'a Input,
    /// Values that the answer shows as they are in memory.
    pub(crate) shown: indexmap::IndexMap<AttrIx, Value>,
}

impl Draft<'_> {
    pub(crate) fn get(&self, attr: &str) -> Value {
        self.layout
            .slot(attr)
            .map_or(Value::Null, |s| self.row.get(s).clone())
    }

    /// Sets an attribute, and has the answer show it.
    pub(crate) fn set(&mut self, attr: &str, value: Value) {
        let Some(ix) = self.layout.find(attr) else {
            return;
        };
        if let Some(slot) = self.layout.slot(attr) {
            self.row.values[slot] = value.clone();
        }
        self.shown.insert(ix, value);
    }

    pub(crate) fn sent(&self, attr: &str) -> bool {
        self.layout
            .find(attr)
            .is_some_and(|ix| self.input.contains_key(&ix))
    }

    fn changed(&self, attr: &str) -> bool {
        let Some(slot) = self.layout.slot(attr) else {
            return false;
        };
        self.old
            .is_none_or(|old| old.get(slot) != self.row.get(slot))
    }
}

/// Runs before the row is stored.
pub(crate) fn before_save(d: &mut Draft) {
    full_times(d);
    addresses(d, "emailAddress", "emailAddress");
    addresses(d, "phoneNumber", "phoneNumber");
    currencies(d);
    match d.layout.name.as_str() {
        "Opportunity" => opportunity(d),
        "Task" => {
            task(d);
            activity_parent(d);
        }
        "Meeting" | "Call" => {
            event(d);
            activity_parent(d);
        }
        "Email" => activity_parent(d),
        // A folder belongs to whom it was made by.
        "EmailFolder" if d.old.is_none() && d.get("assignedUserId").is_null() => {
            let creator = d.get("createdById");
            d.set("assignedUserId", creator);
        }
        "LeadCapture" if d.old.is_none() => {
            for attr in ["apiKey", "formId"] {
                let secret = d.app.ids.secret();
                d.set(attr, Value::text(secret));
            }
        }
        // Articles are ordered by hand: a new one has a place.
        "KnowledgeBaseArticle" if d.old.is_none() && d.get("order").is_null() => {
            d.set("order", Value::Int(0))
        }
        _ => {}
    }
    if matches!(d.layout.name.as_str(), "Task" | "Meeting" | "Call") {
        for field in ["dateStart", "dateEnd"] {
            optional_date(d, field);
        }
    }
}

/// A time without seconds is stored with them; the answer echoes it as it came (QUIRKS 4).
fn full_times(d: &mut Draft) {
    for ix in d.input.keys() {
        let attr = &d.layout.attrs[*ix];
        let (Source::Slot(slot), Ty::DateTime) = (&attr.source, attr.ty) else {
            continue;
        };
        if let Value::Text(text) = &d.row.values[*slot]
            && text.len() == 16
        {
            let text = format!("{text}:00");
            d.row.values[*slot] = Value::text(text);
        }
    }
}

/// An amount without a currency gets the default one, and loses it with the amount.
fn currencies(d: &mut Draft) {
    let entity = d.app.layouts.entity(d.layout);
    let default = d.app.config.read().default_currency.clone();
    for field in entity
        .fields
        .values()
        .filter(|f| f.kind == espo_schema::FieldKind::Currency)
    {
        let code = format!("{}Currency", field.name);
        if !d.get(&field.name).is_null()
            && d.get(&code).is_null()
            && (d.old.is_none() || d.sent(&field.name))
        {
            d.set(&code, Value::text(default.as_str()));
        }
    }
}

/// The stage gives the probability and is remembered.
fn opportunity(d: &mut Draft) {
    let stage = d.get("stage");
    let Some(stage_text) = stage.as_str().map(str::to_owned) else {
        return;
    };
    let entity = d.app.layouts.entity(d.layout);
    if d.changed("stage") && !d.sent("probability") {
        let map = entity
            .fields
            .get("stage")
            .and_then(|f| f.raw.get("probabilityMap"));
        if let Some(p) = special::stage_probability(map, &stage_text) {
            d.set("probability", Value::Int(p));
        }
    }
    if d.changed("stage") {
        let lost = d.get("probability") == Value::Int(0);
        let previous = d
            .old
            .and_then(|o| d.layout.slot("stage").map(|s| o.get(s).clone()));
        let last = if lost {
            previous.filter(|p| !p.is_null()).unwrap_or(stage)
        } else {
            stage
        };
        d.set("lastStage", last);
    }
}

fn task(d: &mut Draft) {
    if !d.changed("status") {
        return;
    }
    let done = d.get("status").as_str() == Some("Completed");
    let when = if done {
        Value::text(d.app.clock.datetime())
    } else {
        Value::Null
    };
    d.set("dateCompleted", when);
}

/// A meeting of a given length without an end keeps none; its duration is computed from what it has.
fn event(d: &mut Draft) {
    if let (Some(start), Some(end)) = (d.get("dateStart").non_empty(), d.get("dateEnd").non_empty())
        && let Some(seconds) = special::seconds_between(start, end)
        && let Some(ix) = d.layout.find("duration")
    {
        d.shown.insert(ix, Value::Int(seconds));
    }
}

/// A date without a time: start of that day for a start, start of the next for an end (QUIRKS 4).
fn optional_date(d: &mut Draft, field: &str) {
    let date_attr = format!("{field}Date");
    if d.layout.slot(&date_attr).is_none() || !d.sent(&date_attr) {
        return;
    }
    let Some(date) = d
        .get(&date_attr)
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

/// Activities carry the account (and tasks the contact) that their parent belongs to.
fn activity_parent(d: &mut Draft) {
    if !d.sent("parentId") && !d.sent("parentType") {
        return;
    }
    let parent = view::key(d.app, d.layout, &d.row, "parent");
    let (mut account, mut contact) = (Value::Null, Value::Null);
    if let Some((layout, id)) = parent
        && let Some(row) = d.app.store.table(layout.index).live(&id)
    {
        let of = |attr: &str| {
            layout
                .slot(attr)
                .map_or(Value::Null, |s| row.get(s).clone())
        };
        match layout.name.as_str() {
            "Account" => account = Value::Text(id),
            "Contact" => {
                account = of("accountId");
                contact = Value::Text(id);
            }
            "Lead" => {
                account = of("createdAccountId");
                contact = of("createdContactId");
            }
            _ => {
                account = of("accountId");
                contact = of("contactId");
            }
        }
    }
    if !d.sent("accountId") {
        d.set("accountId", account);
    }
    if !d.sent("contactId") && d.layout.slot("contactId").is_some() {
        d.set("contactId", contact);
    }
}

/// Single links that mirror a member of a many-to-many link: entity type, many, one (QUIRKS 4: `Contact.accountId`).
const PRIMARY: &[(&str, &str, &str)] = &[
    ("Contact", "accounts", "account"),
    ("Opportunity", "contacts", "contact"),
    ("Case", "contacts", "contact"),
];

/// Runs after the row is stored: relations that follow from it.
pub(crate) fn after_save(app: &App, layout: &Layout, row: &Row, old: Option<&Row>, input: &Input) {
    let sent = |attr: &str| layout.find(attr).and_then(|ix| input.get(&ix));
    if let Some((_, many, one)) = PRIMARY.iter().find(|(e, _, _)| *e == layout.name) {
        primary_link(app, layout, row, old, many, one, &sent);
    }
    if matches!(layout.name.as_str(), "Meeting" | "Call")
        && let Some(slot) = layout.slot("assignedUserId")
        && let (Some(user), Some(LinkKind::Many { relation, forward })) = (
            row.get(slot).non_empty(),
            layout.links.get("users").map(|l| l.kind),
        )
    {
        let users = app.store.relation(relation);
        if !users.has(&row.id, forward, user) {
            users.link(
                &row.id,
                forward,
                user,
                super::links::default_columns(app, relation),
            );
        }
    }
    follow_assigned(app, layout, row, old);
}

fn primary_link<'j>(
    app: &App,
    layout: &Layout,
    row: &Row,
    old: Option<&Row>,
    many: &str,
    one: &str,
    sent: &dyn Fn(&str) -> Option<&'j Json>,
) {
    let (Some(slot), Some(LinkKind::Many { relation, forward })) = (
        layout.slot(&format!("{one}Id")),
        layout.links.get(many).map(|l| l.kind),
    ) else {
        return;
    };
    let table = app.store.relation(relation);
    let defs = &app.layouts.relations[relation].columns;
    let now = row.get(slot).non_empty();
    let was = old.and_then(|o| o.get(slot).non_empty());
    match now {
        Some(id)
            if was != Some(id)
                || sent("title").is_some()
                || sent("accountRole").is_some()
                || sent("accountIsInactive").is_some() =>
        {
            let mut columns: Vec<Value> = table
                .of(&row.id, forward)
                .iter()
                .find(|p| p.id == id)
                .map_or_else(
                    || super::links::default_columns(app, relation).to_vec(),
                    |p| p.columns.to_vec(),
                );
            for (column, attrs) in [
                ("role", ["title", "accountRole"]),
                ("isInactive", ["accountIsInactive", "accountIsInactive"]),
            ] {
                let at = defs.iter().position(|c| c.name == column);
                if let (Some(at), Some(v)) = (
                    at,
                    attrs
                        .iter()
                        .find_map(|a| sent(a))
                        .filter(|_| layout.name == "Contact"),
                ) {
                    columns[at] = Value::from_json(v);
                }
            }
            table.link(&row.id, forward, id, columns.into());
        }
        None if sent(&format!("{one}Id")).is_some() => {
            if let Some(was) = was {
                table.unlink(&row.id, forward, was);
            }
        }
        None if old.is_none() && layout.name == "Contact" => {
            // The first of several accounts becomes the primary one.
            if let Some(first) = table.of(&row.id, forward).first() {
                let id = first.id.clone();
                app.store.table(layout.index).update(&row.id, |r| {
                    r.values[slot] = Value::Text(id);
                    true
                });
            }
        }
        _ => {}
    }
}

/// A user follows what is assigned to it, where there is a stream.
fn follow_assigned(app: &App, layout: &Layout, row: &Row, old: Option<&Row>) {
    let entity = app.layouts.entity(layout);
    let Some(slot) = layout
        .slot("assignedUserId")
        .filter(|_| entity.scope.stream)
    else {
        return;
    };
    let Some(user) = row.get(slot).non_empty() else {
        return;
    };
    if old.is_some_and(|o| o.get(slot).as_str() == Some(user)) {
        return;
    }
    let mut followers = app.followers.write();
    let list = followers
        .entry((layout.name.clone(), row.id.clone()))
        .or_default();
    if !list.iter().any(|f| f == user) {
        list.push(user.into());
    }
}
