//! Names that two schemas share, and items that look renamed.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use crate::model::{EntityType, Field, Link};

/// Names with at least this similarity (Jaro-Winkler) make a renaming likely.
const ALIKE: f64 = 0.85;

/// The maximum number of pairs whose names are compared. Comparing more would take longer than the rest of the
/// comparison.
const MAX_PAIRS: usize = 1_000_000;

/// Share of fields that two entity types have in common when one looks like the other under a new name.
const SAME_FIELDS: f64 = 0.8;

/// Fields that nearly every entity type has: they do not indicate a renaming.
const COMMON_FIELDS: [&str; 8] = [
    "name",
    "description",
    "createdAt",
    "modifiedAt",
    "createdBy",
    "modifiedBy",
    "assignedUser",
    "teams",
];

/// The names that two maps share, and those that only one of them has.
pub(super) struct Sides<'a, T> {
    pub(super) kept: Vec<(&'a T, &'a T)>,
    pub(super) removed: BTreeMap<&'a str, &'a T>,
    pub(super) added: BTreeMap<&'a str, &'a T>,
}

impl<'a, T> Sides<'a, T> {
    pub(super) fn of(old: &'a IndexMap<String, T>, new: &'a IndexMap<String, T>) -> Sides<'a, T> {
        let mut kept: Vec<_> = old
            .iter()
            .filter_map(|(name, o)| Some((name, o, new.get(name)?)))
            .collect();
        kept.sort_by_key(|(name, ..)| name.as_str());
        let only = |a: &'a IndexMap<String, T>, b: &'a IndexMap<String, T>| {
            a.iter()
                .filter(|(name, _)| !b.contains_key(*name))
                .map(|(name, item)| (name.as_str(), item))
                .collect()
        };
        Sides {
            kept: kept.into_iter().map(|(_, o, n)| (o, n)).collect(),
            removed: only(old, new),
            added: only(new, old),
        }
    }

    /// Pairs of a removed and an added item that look like one renamed item, best match first. Each item is in at most one
    /// pair.
    pub(super) fn renamed(
        &self,
        likeness: fn(&'a T, &'a T) -> Option<f64>,
    ) -> Vec<(&'a str, &'a str)> {
        let mut pairs: Vec<(f64, &str, &str)> = Vec::new();
        if self.removed.len().saturating_mul(self.added.len()) > MAX_PAIRS {
            return Vec::new();
        }
        for (from, old) in &self.removed {
            for (to, new) in &self.added {
                if let Some(likeness) = likeness(old, new) {
                    pairs.push((likeness, from, to));
                }
            }
        }
        pairs.sort_by(|a, b| {
            b.0.total_cmp(&a.0)
                .then_with(|| (a.1, a.2).cmp(&(b.1, b.2)))
        });
        let (mut gone, mut come) = (BTreeSet::new(), BTreeSet::new());
        let mut found: Vec<(&str, &str)> = pairs
            .into_iter()
            .filter(|(_, from, to)| {
                !gone.contains(from) && !come.contains(to) && gone.insert(*from) && come.insert(*to)
            })
            .map(|(_, from, to)| (from, to))
            .collect();
        found.sort_unstable();
        found
    }

    pub(super) fn removed_but(
        &self,
        renamed: &[(&'a str, &'a str)],
    ) -> impl Iterator<Item = &'a str> {
        let renamed: BTreeSet<&str> = renamed.iter().map(|(from, _)| *from).collect();
        self.removed
            .keys()
            .copied()
            .filter(move |name| !renamed.contains(name))
    }

    pub(super) fn added_but(
        &self,
        renamed: &[(&'a str, &'a str)],
    ) -> impl Iterator<Item = &'a str> {
        let renamed: BTreeSet<&str> = renamed.iter().map(|(_, to)| *to).collect();
        self.added
            .keys()
            .copied()
            .filter(move |name| !renamed.contains(name))
    }
}

pub(super) fn looks_like_entity(old: &EntityType, new: &EntityType) -> Option<f64> {
    let is_own = |f: &&Field| !COMMON_FIELDS.contains(&f.name.as_str());
    let own = |e: &EntityType| e.fields.values().filter(is_own).count();
    let in_both = |f: &&Field| {
        new.fields
            .get(&f.name)
            .is_some_and(|other| other.type_ == f.type_)
    };
    let common = old.fields.values().filter(is_own).filter(in_both).count();
    let all = own(old) + own(new) - common;
    // Sizes are far below 2^52.
    let share = common as f64 / all.max(1) as f64;
    (all > 0 && share >= SAME_FIELDS).then_some(share)
}

pub(super) fn looks_like_field(old: &Field, new: &Field) -> Option<f64> {
    if old.type_ != new.type_ || old.composite_of.is_some() || new.composite_of.is_some() {
        return None;
    }
    let alike = strsim::jaro_winkler(&old.name.to_lowercase(), &new.name.to_lowercase());
    // Definitions that consist of the type alone are often equal by chance.
    let telling = old.raw.keys().any(|key| key != "type" && key != "isCustom");
    let same = telling && old.raw == new.raw;
    (alike >= ALIKE || same).then_some(alike + f64::from(u8::from(same)))
}

pub(super) fn looks_like_link(old: &Link, new: &Link) -> Option<f64> {
    let alike = strsim::jaro_winkler(&old.name.to_lowercase(), &new.name.to_lowercase());
    let same_way = old.entity == new.entity && old.cardinality == new.cardinality;
    let same_end = old.foreign.is_some() && old.foreign == new.foreign;
    (same_way && (alike >= ALIKE || same_end)).then_some(alike)
}
