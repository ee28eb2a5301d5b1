//! Email addresses and phone numbers, with one row per address that all its records share.
//!
//! Each record stores a copy of its rows, so that reading needs no lookup; a change of a row is written to every
//! copy.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::app::App;
use crate::collate;
use crate::layout::{Layout, TextKey};
use crate::store::{How, Row};
use crate::value::{Id, Value};

/// Email addresses or phone numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Email,
    Phone,
}

impl Kind {
    /// The entity type of the rows.
    fn entity_type(self) -> &'static str {
        match self {
            Kind::Email => "EmailAddress",
            Kind::Phone => "PhoneNumber",
        }
    }

    /// The field of a record, and the key of an entry's text.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Kind::Email => "emailAddress",
            Kind::Phone => "phoneNumber",
        }
    }

    /// The attribute by which rows are found.
    fn found_by(self) -> &'static str {
        match self {
            Kind::Email => "lower",
            Kind::Phone => "name",
        }
    }

    fn found_as(self, text: &str) -> String {
        match self {
            Kind::Email => text.to_lowercase(),
            Kind::Phone => text.to_owned(),
        }
    }
}

/// Returns the row of an address or number.
pub(crate) fn find(app: &App, kind: Kind, text: &str) -> Option<Arc<Row>> {
    let layout = app.layouts.find(kind.entity_type())?;
    let slot = layout.slot(kind.found_by())?;
    let text = kind.found_as(text);
    let needle = collate::needle(&text);
    let found = app.store.table(layout.index).by_text(
        &[(TextKey::Folded(slot), How::Whole, needle.as_ref())],
        usize::MAX,
    )?;
    found
        .into_iter()
        .find(|row| row.get(slot).as_str() == Some(text.as_str()))
}

/// The ID of an address's row, which is created if it does not exist.
pub(crate) fn id_of(app: &App, kind: Kind, text: &str) -> Option<Id> {
    match find(app, kind, text) {
        Some(row) => Some(row.id.clone()),
        None => add(app, kind, text, None, false, false).map(|row| row.id.clone()),
    }
}

fn add(
    app: &App,
    kind: Kind,
    text: &str,
    type_: Option<&str>,
    opt_out: bool,
    invalid: bool,
) -> Option<Arc<Row>> {
    let layout = app.layouts.find(kind.entity_type())?;
    let mut row = Row {
        id: Id::from(app.ids.next(&app.clock)),
        deleted: false,
        values: vec![Value::Null; layout.slots].into(),
    };
    let digits = || {
        text.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    for (attr, value) in [
        ("name", Value::text(text)),
        ("lower", Value::text(text.to_lowercase())),
        ("numeric", Value::text(digits())),
        ("type", type_.map_or(Value::Null, Value::text)),
        ("optOut", Value::Bool(opt_out)),
        ("invalid", Value::Bool(invalid)),
    ] {
        if let Some(slot) = layout.slot(attr) {
            row.values[slot] = value;
        }
    }
    Some(app.store.table(layout.index).insert(row))
}

/// Changes the spelling of an address, for all records that have it.
pub(crate) fn respell(app: &App, kind: Kind, text: &str) {
    let Some((layout, row)) = app
        .layouts
        .find(kind.entity_type())
        .zip(find(app, kind, text))
    else {
        return;
    };
    if let Some(slot) = layout.slot("name") {
        if row.get(slot).as_str() == Some(text) {
            return;
        }
        app.store.table(layout.index).update(&row.id, |r| {
            r.values[slot] = Value::text(text);
            true
        });
    }
    let spelling = Map::from_iter([(kind.key().to_owned(), Json::from(text))]);
    spread(app, kind, text, &spelling);
}

/// Synchronises an entry of a record and the shared row: values of the entry are written to the row, and the rest of the
/// row into the entry. `stated` contains the keys in the request.
pub(crate) fn settle(app: &App, kind: Kind, entry: &mut Json, stated: &[&str]) {
    let Some(text) = entry[kind.key()].as_str().map(str::to_owned) else {
        return;
    };
    let flag = |entry: &Json, key: &str| entry[key] == json!(true);
    let Some((layout, row)) = app
        .layouts
        .find(kind.entity_type())
        .zip(find(app, kind, &text))
    else {
        let type_ = entry["type"].as_str().map(str::to_owned);
        let (opt_out, invalid) = (flag(entry, "optOut"), flag(entry, "invalid"));
        add(app, kind, &text, type_.as_deref(), opt_out, invalid);
        return;
    };
    let mut changed = Map::new();
    for key in ["type", "optOut", "invalid"] {
        let Some(slot) = layout.slot(key).filter(|_| entry.get(key).is_some()) else {
            continue;
        };
        let known = row.get(slot).to_json();
        if !stated.contains(&key) {
            if !known.is_null() {
                entry[key] = known;
            }
        } else if entry[key] != known {
            changed.insert(key.to_owned(), entry[key].clone());
        }
    }
    if let Some(name) = layout.slot("name").and_then(|s| row.get(s).non_empty()) {
        entry[kind.key()] = Json::from(name);
    }
    if changed.is_empty() {
        return;
    }
    app.store.table(layout.index).update(&row.id, |r| {
        for (key, value) in &changed {
            if let Some(slot) = layout.slot(key) {
                r.values[slot] = Value::from_json(value);
            }
        }
        true
    });
    spread(app, kind, &text, &changed);
}

/// Writes a change of a row to the records that have it.
fn spread(app: &App, kind: Kind, text: &str, changed: &Map<String, Json>) {
    let found_by = match kind {
        Kind::Email => "lower",
        Kind::Phone => "phoneNumber",
    };
    let needle = collate::needle(&kind.found_as(text));
    for layout in &app.layouts.entities {
        let Some(slot) = layout.slot(&format!("{}Data", kind.key())) else {
            continue;
        };
        let key = TextKey::Items(slot, found_by);
        let table = app.store.table(layout.index);
        let rows = table.by_text(&[(key, How::Whole, needle.as_ref())], usize::MAX);
        for row in rows.unwrap_or_default() {
            table.update(&row.id, |r| {
                let mut items = r.values[slot].as_list().unwrap_or_default().to_vec();
                for item in items
                    .iter_mut()
                    .filter(|i| i[found_by] == kind.found_as(text))
                {
                    for (key, value) in changed {
                        item[key] = value.clone();
                    }
                }
                let primary = items.first().filter(|i| i["primary"] == json!(true));
                set_flags(layout, kind, r, primary);
                if let (Some(slot), Some(primary)) = (layout.slot(kind.key()), primary) {
                    r.values[slot] = Value::from_json(&primary[kind.key()]);
                }
                r.values[slot] = Value::json(Json::Array(items));
                true
            });
        }
    }
}

/// Sets the flags of a record after its primary entry.
pub(crate) fn set_flags(layout: &Layout, kind: Kind, row: &mut Row, primary: Option<&Json>) {
    for (suffix, key) in [("IsOptedOut", "optOut"), ("IsInvalid", "invalid")] {
        if let Some(slot) = layout.slot(&format!("{}{suffix}", kind.key())) {
            row.values[slot] = primary.map_or(Value::Null, |p| Value::Bool(p[key] == json!(true)));
        }
    }
}
