//! Processing before and after a save, for all entity types. Rules of single types are in [`super::rules`].

use serde_json::Value as Json;

use super::address_book::Kind;
use super::addresses::addresses;
use super::rules;
use crate::app::events::Input;
use crate::app::{App, Caller};
use crate::http::Result;
use crate::layout::{AttrMap, Layout, LinkKind, Source, Ty};
use crate::store::Row;
use crate::value::Value;

/// A record that is being saved: its row, and the additional values of the response.
pub(crate) struct Draft<'a> {
    pub(crate) app: &'a App,
    pub(crate) caller: &'a Caller,
    pub(crate) layout: &'a Layout,
    pub(crate) row: Row,
    /// The row before the save.
    pub(crate) old: Option<&'a Row>,
    /// The values of the body.
    pub(crate) input: &'a Input,
    /// Links that rules set in addition to those in the body.
    pub(crate) extra: Input,
    /// Values that the response contains as they are in memory.
    pub(crate) shown: AttrMap<Value>,
}

impl Draft<'_> {
    pub(crate) fn get(&self, attr: &str) -> Value {
        self.layout
            .slot(attr)
            .map_or(Value::Null, |s| self.row.get(s).clone())
    }

    /// Sets an attribute and includes it in the response.
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

    pub(crate) fn changed(&self, attr: &str) -> bool {
        let Some(slot) = self.layout.slot(attr) else {
            return false;
        };
        self.old
            .is_none_or(|old| old.get(slot) != self.row.get(slot))
    }
}

/// Runs before the row is stored.
pub(crate) fn before_save(d: &mut Draft) -> Result<()> {
    full_times(d);
    addresses(d, Kind::Email);
    addresses(d, Kind::Phone);
    rules::before_save(d)
}

/// Adds seconds to times, and stores decimals with four places; the response contains the values as sent.
fn full_times(d: &mut Draft) {
    for ix in d.input.keys() {
        let attr = &d.layout.attrs[*ix];
        if let (Source::Slot(slot), Ty::Decimal) = (&attr.source, attr.ty) {
            d.row.values[*slot] = super::input::stored(attr, &d.row.values[*slot]);
        }
        // An ID that was sent as a number is returned as such and stored as a string.
        if let (Source::Slot(slot), Ty::Id) = (&attr.source, attr.ty)
            && let Value::Int(n) = d.row.values[*slot]
        {
            d.row.values[*slot] = Value::text(n.to_string());
        }
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

/// Single links that mirror a member of a many-to-many link: entity type, many, one (`Contact.accountId`).
const PRIMARY: &[(&str, &str, &str)] = &[
    ("Contact", "accounts", "account"),
    ("Opportunity", "contacts", "contact"),
    ("Case", "contacts", "contact"),
];

/// Runs after the row is stored, and updates relations that depend on it.
pub(crate) fn after_save(
    app: &App,
    layout: &Layout,
    row: &Row,
    old: Option<&Row>,
    input: &Input,
) -> Result<()> {
    let sent = |attr: &str| layout.find(attr).and_then(|ix| input.get(&ix));
    own_files(app, layout, row, old);
    if let Some((_, many, one)) = PRIMARY.iter().find(|(e, _, _)| *e == layout.name) {
        primary_link(app, layout, row, old, many, one, &sent);
    }
    rules::send(layout, row, old)
}

/// The file of a field is related to the record.
fn own_files(app: &App, layout: &Layout, row: &Row, old: Option<&Row>) {
    let Some(files) = app.layouts.find("Attachment") else {
        return;
    };
    let slots = ["relatedId", "relatedType"].map(|a| files.slot(a));
    let [Some(id), Some(type_)] = slots else {
        return;
    };
    for slot in layout.files.iter().copied() {
        // A file that a record no longer has is deleted.
        let was = old.and_then(|o| o.get(slot).non_empty());
        if let Some(was) = was.filter(|w| row.get(slot).non_empty() != Some(*w)) {
            app.store.table(files.index).update(was, |r| {
                r.deleted = true;
                true
            });
        }
        let Some(file) = row.get(slot).non_empty() else {
            continue;
        };
        if old.is_none_or(|o| o.get(slot) != row.get(slot)) {
            app.store.table(files.index).update(file, |r| {
                r.values[id] = Value::Text(row.id.clone());
                r.values[type_] = Value::text(layout.name.as_str());
                true
            });
        }
    }
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
        Some(id) if was != Some(id) || sent("title").is_some() => {
            let mut columns: Vec<Value> = table
                .of(&row.id, forward)
                .iter()
                .find(|p| p.id == id)
                .map_or_else(
                    || super::links::default_columns(app, relation).to_vec(),
                    |p| p.columns.to_vec(),
                );
            // The role in the primary account is the title.
            let role = defs.iter().position(|c| c.name == "role");
            let title = sent("title").filter(|_| layout.name == "Contact");
            if let (Some(at), Some(title)) = (role, title) {
                columns[at] = Value::from_json(title);
            }
            // A new primary account takes over the title.
            if let (Some(at), Some(was)) = (role, was)
                && sent("title").is_none()
                && !table.has(&row.id, forward, id)
            {
                let pairs = table.of(&row.id, forward);
                let before = pairs.iter().find(|p| p.id == was);
                columns[at] = before.map_or(Value::Null, |p| p.columns[at].clone());
            }
            table.link(&row.id, forward, id, columns.into());
        }
        None if sent(&format!("{one}Id")).is_some() => {
            if let Some(was) = was {
                table.unlink(&row.id, forward, was);
            }
        }
        _ => {}
    }
}
