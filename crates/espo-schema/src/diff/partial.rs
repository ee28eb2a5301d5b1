//! Comparison with metadata that a user without administrator rights received.
//!
//! The server silently omits everything that the user's role hides: entity types, links to them, their names in the
//! lists of allowed parents. They still exist in the instance, but changes to them cannot be detected.

use std::collections::HashSet;

use serde::Serialize;

use super::{Change, ChangeKind as C, Schema};
use crate::kind::FieldKind;
use crate::model::{EntityType, OptionsSource};

/// The differences between two schemas, the second of which may be incomplete.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Whether the comparison is partial because the second schema was exported by a user without administrator rights.
    pub partial: bool,
    /// Entity types that the user cannot see. They are not compared.
    pub hidden_entities: Vec<String>,
    /// Differences caused by the user's missing access. The instance may or may not have changed there.
    pub hidden: Vec<Change>,
    /// All other differences.
    pub changes: Vec<Change>,
}

impl Comparison {
    /// Returns the number of differences that break callers.
    #[must_use]
    pub fn breaking(&self) -> usize {
        self.changes.iter().filter(|change| change.breaking).count()
    }
}

impl Schema {
    /// Compares the old schema with one that a user without administrator rights received. Items that the user's role
    /// hides are listed as hidden instead of removed.
    #[must_use]
    pub fn diff_partial(old: &Schema, new: &Schema) -> Comparison {
        let view = View::new(old, new);
        let (mut hidden, mut changes) = (Vec::new(), Vec::new());
        // An entity type that is only mentioned would look like one that lost nearly all its fields.
        for change in Schema::diff(old, &view.without_stubs()) {
            if view.is_hidden(&change) {
                if change.kind != C::EntityRemoved {
                    hidden.push(change);
                }
            } else {
                changes.push(change);
            }
        }
        let mut hidden_entities: Vec<String> = view.hidden.iter().map(|&n| n.to_owned()).collect();
        hidden_entities.sort_unstable();
        Comparison {
            partial: true,
            hidden_entities,
            hidden,
            changes,
        }
    }
}

struct View<'a> {
    old: &'a Schema,
    new: &'a Schema,
    hidden: HashSet<&'a str>,
}

impl<'a> View<'a> {
    fn new(old: &'a Schema, new: &'a Schema) -> Self {
        let hidden = old
            .entity_types
            .keys()
            .filter(|name| !new.entity_types.contains_key(*name) || is_stub(old, new, name))
            .map(String::as_str)
            .collect();
        View { old, new, hidden }
    }

    /// The new schema without entity types whose options alone are visible to the user.
    fn without_stubs(&self) -> Schema {
        let mut schema = self.new.clone();
        schema
            .entity_types
            .retain(|name, _| !self.hidden.contains(name.as_str()));
        schema
    }

    fn is_hidden(&self, change: &Change) -> bool {
        let Some(old) = self.old.entity_type(&change.entity) else {
            return false;
        };
        match &change.kind {
            C::EntityRemoved | C::EntityRenamed { .. } => true,
            // A new link that looks like a hidden one was not renamed.
            C::LinkRemoved { .. } | C::LinkRenamed { .. } => change
                .member
                .as_deref()
                .is_some_and(|link| self.link_is_hidden(old, link)),
            C::ParentTypesChanged { from, to } => from
                .iter()
                .filter(|name| !to.contains(name))
                .all(|name| self.hidden.contains(name.as_str())),
            // Only this side of a link to a hidden entity type is known.
            C::CardinalityChanged { .. }
            | C::LinkableChanged { .. }
            | C::ReverseLinkChanged { .. }
            | C::ColumnAdded { .. }
            | C::ColumnRemoved { .. }
            | C::ColumnRetyped { .. } => change
                .member
                .as_deref()
                .is_some_and(|link| self.link_is_hidden(old, link)),
            _ => change
                .member
                .as_deref()
                .is_some_and(|member| self.depends(old, member)),
        }
    }

    fn link_is_hidden(&self, old: &EntityType, link: &str) -> bool {
        let target = old.links.get(link).and_then(|link| link.entity.as_deref());
        target.is_some_and(|target| self.hidden.contains(target))
    }

    /// Whether a field or attribute refers to an entity type that the user cannot see.
    fn depends(&self, old: &EntityType, member: &str) -> bool {
        let attribute = old.attributes.get(member);
        let field = attribute
            .and_then(|attribute| attribute.field.as_deref())
            .unwrap_or(member);
        let own_link = attribute
            .and_then(|attribute| attribute.link.as_deref())
            .unwrap_or(field);
        let is_gone = |link: &str| {
            self.link_is_hidden(old, link)
                && self
                    .new
                    .link(&old.name, link)
                    .is_none_or(|link| !link.target_known)
        };
        let Some(field) = old.fields.get(field) else {
            return is_gone(own_link);
        };
        let options_are_hidden = match &field.options_source {
            OptionsSource::Reference { entity, .. } => self.hidden.contains(entity.as_str()),
            OptionsSource::Path(path) => path
                .strip_prefix("entityDefs.")
                .and_then(|rest| rest.split('.').next())
                .is_some_and(|entity| self.hidden.contains(entity)),
            _ => false,
        };
        let shows_hidden = field.kind == FieldKind::Foreign
            && field
                .link
                .as_deref()
                .is_some_and(|link| self.link_is_hidden(old, link));
        is_gone(own_link) || options_are_hidden || shows_hidden
    }
}

/// The server still returns the options of some fields of a hidden entity type, because other entity types refer to them.
fn is_stub(old: &Schema, new: &Schema, name: &str) -> bool {
    let scope = |schema: &Schema| schema.raw["scopes"].get(name).is_some();
    scope(old) && !scope(new)
}
