//! Indexes of a table's rows. Those that every server needs exist from the start; others are created when a search first
//! needs them, and are then maintained.

use std::collections::BTreeSet;

use super::Row;
use crate::collate;
use crate::layout::{Slot, TextKey};
use crate::value::Id;

/// The key of an order, with the ID as a tie-breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Id,
    Date(Slot),
}

/// A position in an order: value, ID (empty if the ID is the value), position in the table.
pub(crate) type Key = (Id, Id, usize);

/// Live rows in an order.
#[derive(Debug)]
pub(super) struct Ordered {
    pub(super) by: By,
    pub(super) keys: BTreeSet<Key>,
}

impl Ordered {
    pub(super) fn new(by: By) -> Ordered {
        Ordered {
            by,
            keys: BTreeSet::new(),
        }
    }

    /// Null sorts first, as an empty string does.
    fn key(&self, row: &Row, at: usize) -> Key {
        match self.by {
            By::Id => (row.id.clone(), Id::default(), at),
            By::Date(slot) => {
                let date = row.get(slot).as_str().unwrap_or_default();
                (date.into(), row.id.clone(), at)
            }
        }
    }

    pub(super) fn add(&mut self, row: &Row, at: usize) {
        if !row.deleted {
            let key = self.key(row, at);
            self.keys.insert(key);
        }
    }

    pub(super) fn change(&mut self, old: &Row, new: &Row, at: usize) {
        let same = match self.by {
            By::Id => true,
            By::Date(slot) => old.get(slot) == new.get(slot),
        };
        if old.deleted != new.deleted || !same {
            let key = self.key(old, at);
            self.keys.remove(&key);
            self.add(new, at);
        }
    }
}

/// Rows by a string without case and accents, forwards or backwards.
#[derive(Debug)]
pub(super) struct Texts {
    key: TextKey,
    backwards: bool,
    /// String and position in the table.
    places: BTreeSet<(Id, usize)>,
}

/// How a string is matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Whole,
    Start,
    End,
}

/// The string to look up under a string key, without case and accents, as returned by [`collate::needle`].
pub(crate) type Find<'a> = (TextKey, How, &'a str);

fn reversed(text: &str) -> Id {
    text.chars().rev().collect()
}

impl Texts {
    pub(super) fn new(key: TextKey) -> Texts {
        Texts {
            key,
            backwards: false,
            places: BTreeSet::new(),
        }
    }

    /// An index that can find this.
    pub(super) fn for_find((key, how, _): Find) -> Texts {
        Texts {
            backwards: how == How::End,
            ..Texts::new(key)
        }
    }

    pub(super) fn serves(&self, (key, how, _): Find) -> bool {
        self.key == key && self.backwards == (how == How::End)
    }

    fn entries(&self, row: &Row, at: usize) -> impl Iterator<Item = (Id, usize)> + use<> {
        let backwards = self.backwards;
        let texts = self.key.texts(row).into_iter();
        texts.map(move |text| (if backwards { reversed(&text) } else { text }, at))
    }

    pub(super) fn add(&mut self, row: &Row, at: usize) {
        let entries = self.entries(row, at);
        self.places.extend(entries);
    }

    pub(super) fn change(&mut self, old: &Row, new: &Row, at: usize) {
        if old.get(self.key.slot()) == new.get(self.key.slot()) {
            return;
        }
        for entry in self.entries(old, at) {
            self.places.remove(&entry);
        }
        self.add(new, at);
    }

    /// Positions of the rows with such a string.
    pub(super) fn find(&self, (_, how, text): Find) -> impl Iterator<Item = usize> {
        let wanted = match how {
            How::Whole | How::Start => Id::from(text),
            How::End => reversed(text),
        };
        self.places
            .range((wanted.clone(), 0)..)
            .take_while(move |(found, _)| {
                let fits = how != How::Whole || found.len() == wanted.len();
                found.starts_with(wanted.as_str()) && fits
            })
            .map(|(_, at)| *at)
    }
}

impl TextKey {
    /// The strings under which a row is indexed.
    pub(crate) fn texts(self, row: &Row) -> Vec<Id> {
        let value = row.get(self.slot());
        match self {
            TextKey::Folded(_) => value
                .non_empty()
                .map(|s| collate::needle(s).into())
                .into_iter()
                .collect(),
            TextKey::Items(_, field) => {
                let items = value.as_list().unwrap_or_default().iter();
                items
                    .filter_map(|i| i.get(field).and_then(|v| v.as_str()))
                    .map(|s| collate::needle(s).into())
                    .collect()
            }
        }
    }

    pub(crate) fn slot(self) -> Slot {
        match self {
            TextKey::Folded(slot) | TextKey::Items(slot, _) => slot,
        }
    }
}
