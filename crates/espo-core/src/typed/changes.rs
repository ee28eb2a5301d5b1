//! Differences between a record that was read and the same record after changes.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use super::record::{Access, Pair, Record};
use super::time::DateOrTime;
use super::value::ToJson;
use super::write::{Attributes, Update};

impl<E: Record> Attributes<E, Update> {
    /// Returns the attributes that differ between two states of a record and that an update can send.
    ///
    /// An attribute that has lost its value is cleared in the form that the server accepts for it. Attributes that only
    /// the server sets are left out, and so are IDs and unknown attributes. If a field has two attributes (a parent, a
    /// date or time), both are sent.
    pub fn changes(before: &E, after: &E) -> Self {
        let mut changes = Self::new();
        for (index, attribute) in E::ATTRIBUTES.iter().enumerate() {
            let (old, new) = (before.value(index), after.value(index));
            if same(old, new) {
                continue;
            }
            match attribute.access {
                Access::Always => changes.put_json(attribute.name, written(old, new)),
                Access::Paired => {
                    let pair = E::PAIRS.iter().find(|pair| pair.has(attribute.name));
                    if let Some(pair) = pair {
                        changes.put_pair(pair, before, after);
                    }
                }
                Access::Never | Access::OnCreate => {}
            }
        }
        changes
    }

    fn put_pair(&mut self, pair: &Pair, before: &E, after: &E) {
        let new = |name| value_of(after, name);
        if let Pair::DateOrTime { time, date } = *pair {
            let start = new(time).and_then(|v| v.any().downcast_ref::<Timestamp>().copied());
            let day = new(date).and_then(|v| v.any().downcast_ref::<Date>().copied());
            let parts = match (day, start) {
                // The time of a whole day is the time at which it begins; an unchanged one belongs to another day.
                (Some(day), Some(start)) if !same(value_of(before, time), new(time)) => {
                    Some(DateOrTime::DateFrom(day, start))
                }
                (day, start) => DateOrTime::from_parts(start, day),
            };
            if let Some(value) = parts {
                return self.put_date_or_time(time, date, value);
            }
        }
        for name in pair.names() {
            self.put_json(name, written(value_of(before, name), new(name)));
        }
    }
}

/// Whether two attributes have the same value.
pub(super) fn same(one: Option<&dyn ToJson>, other: Option<&dyn ToJson>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.equals(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

fn value_of<'r, E: Record>(record: &'r E, name: &str) -> Option<&'r dyn ToJson> {
    let index = super::decode::index_of::<E>(name)?;
    record.value(index)
}

/// The JSON that sets the new value or clears the old one.
fn written(old: Option<&dyn ToJson>, new: Option<&dyn ToJson>) -> Value {
    match (old, new) {
        (_, Some(new)) => new.json(),
        (Some(old), None) => old.cleared(),
        (None, None) => Value::Null,
    }
}
