//! Changes of links.

use std::collections::BTreeSet;

use super::Entities;
use crate::diff::ChangeKind as C;
use crate::diff::sides::{Sides, looks_like_link};
use crate::model::Link;

impl Entities<'_, '_> {
    /// Returns the links that were added, removed or renamed.
    pub(super) fn links(&mut self) -> BTreeSet<String> {
        let (old, new) = (self.old, self.new);
        let sides = Sides::of(&old.links, &new.links);
        let renamed = sides.renamed(looks_like_link);
        let mut told: BTreeSet<String> = renamed
            .iter()
            .flat_map(|(from, to)| [from, to])
            .map(|n| (*n).to_owned())
            .collect();
        for (from, to) in &renamed {
            self.say(
                Some(from),
                true,
                C::LinkRenamed {
                    to: (*to).to_owned(),
                },
            );
        }
        for name in sides.removed_but(&renamed) {
            told.insert(name.to_owned());
            self.say(
                Some(name),
                true,
                C::LinkRemoved {
                    target: old.links[name].entity.clone(),
                },
            );
        }
        for name in sides.added_but(&renamed) {
            told.insert(name.to_owned());
            self.say(
                Some(name),
                false,
                C::LinkAdded {
                    target: new.links[name].entity.clone(),
                },
            );
        }
        for (old, new) in &sides.kept {
            self.link(old, new);
        }
        told
    }

    fn link(&mut self, old: &Link, new: &Link) {
        let name = Some(old.name.as_str());
        if old.entity != new.entity {
            self.say(
                name,
                true,
                C::LinkRetargeted {
                    from: old.entity.clone(),
                    to: new.entity.clone(),
                },
            );
        }
        if old.target_known != new.target_known {
            // The target was added or removed, which is reported for the target. In one of the schemas, the other
            // properties are only inferred.
            return;
        }
        if old.cardinality != new.cardinality {
            let (from, to) = (old.cardinality.to_string(), new.cardinality.to_string());
            self.say(name, true, C::CardinalityChanged { from, to });
        } else if old.can_link() != new.can_link() {
            self.say(
                name,
                old.can_link(),
                C::LinkableChanged {
                    linkable: new.can_link(),
                },
            );
        }
        if old.foreign != new.foreign {
            // Calls on this side still work; a removed reverse link is reported for the entity type that had it.
            self.say(
                name,
                false,
                C::ReverseLinkChanged {
                    from: old.foreign.clone(),
                    to: new.foreign.clone(),
                },
            );
        }
        let sides = Sides::of(&old.columns, &new.columns);
        for column in sides.removed.keys() {
            self.say(
                name,
                true,
                C::ColumnRemoved {
                    column: (*column).to_owned(),
                },
            );
        }
        for column in sides.added.keys() {
            self.say(
                name,
                false,
                C::ColumnAdded {
                    column: (*column).to_owned(),
                },
            );
        }
        for (old, new) in sides
            .kept
            .iter()
            .filter(|(old, new)| old.value != new.value)
        {
            let (column, from, to) = (
                old.name.clone(),
                old.value.to_string(),
                new.value.to_string(),
            );
            self.say(name, true, C::ColumnRetyped { column, from, to });
        }
    }
}
