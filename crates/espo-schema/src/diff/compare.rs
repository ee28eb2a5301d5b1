//! Comparison of two schemas.

mod links;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::sides::{Sides, looks_like_entity, looks_like_field};
use super::{Change, ChangeKind as C};
use crate::model::{Attribute, EntityType, Field, Schema, ValueType};

pub(super) fn compare(old: &Schema, new: &Schema) -> Vec<Change> {
    let mut changes = Vec::new();
    let sides = Sides::of(&old.entity_types, &new.entity_types);
    let renamed = sides.renamed(looks_like_entity);
    for (from, to) in &renamed {
        push(
            &mut changes,
            from,
            None,
            true,
            C::EntityRenamed {
                to: (*to).to_owned(),
            },
        );
    }
    for name in sides.removed_but(&renamed) {
        push(&mut changes, name, None, true, C::EntityRemoved);
    }
    for name in sides.added_but(&renamed) {
        push(&mut changes, name, None, false, C::EntityAdded);
    }
    let filters_are_complete = [old, new].iter().all(|s| s.raw.get("selectDefs").is_some());
    for (old, new) in &sides.kept {
        Entities {
            old,
            new,
            filters_are_complete,
            changes: &mut changes,
        }
        .compare();
    }
    // A stable sort keeps the changes of one member in the order in which they were found.
    changes.sort_by(|a, b| (&a.entity, &a.member).cmp(&(&b.entity, &b.member)));
    changes
}

fn push(changes: &mut Vec<Change>, entity: &str, member: Option<&str>, breaking: bool, kind: C) {
    changes.push(Change {
        entity: entity.to_owned(),
        member: member.map(str::to_owned),
        breaking,
        kind,
    });
}

/// One entity type before and after.
struct Entities<'a, 'c> {
    old: &'a EntityType,
    new: &'a EntityType,
    /// Both schemas list all their filters, including those that are not in any menu.
    filters_are_complete: bool,
    changes: &'c mut Vec<Change>,
}

impl Entities<'_, '_> {
    fn say(&mut self, member: Option<&str>, breaking: bool, kind: C) {
        push(self.changes, &self.old.name, member, breaking, kind);
    }

    fn compare(&mut self) {
        let (old, new) = (&self.old.scope, &self.new.scope);
        if old.disabled != new.disabled {
            self.say(
                None,
                new.disabled,
                C::EntityDisabled {
                    disabled: new.disabled,
                },
            );
        }
        if old.stream != new.stream {
            self.say(None, old.stream, C::StreamSwitched { on: new.stream });
        }
        if old.stars != new.stars {
            self.say(None, old.stars, C::StarsSwitched { on: new.stars });
        }
        let (fields, links) = (self.fields(), self.links());
        self.attributes(&fields, &links);
        self.filters();
    }

    /// Returns the fields that were added, removed or renamed. Their attributes are not reported again.
    fn fields(&mut self) -> BTreeSet<String> {
        let (old, new) = (self.old, self.new);
        let sides = Sides::of(&old.fields, &new.fields);
        let renamed = sides.renamed(looks_like_field);
        let mut told: BTreeSet<String> = renamed
            .iter()
            .flat_map(|(from, to)| [from, to])
            .map(|n| (*n).to_owned())
            .collect();
        for (from, to) in &renamed {
            self.say(
                Some(from),
                true,
                C::FieldRenamed {
                    to: (*to).to_owned(),
                },
            );
        }
        // The parts of a composite field are added and removed together with it.
        let goes_along = |field: &Field, others: &BTreeMap<&str, &Field>| {
            field
                .composite_of
                .as_deref()
                .is_some_and(|whole| others.contains_key(whole))
        };
        for name in sides.removed_but(&renamed) {
            told.insert(name.to_owned());
            let field = &old.fields[name];
            if !goes_along(field, &sides.removed) {
                self.say(
                    Some(name),
                    true,
                    C::FieldRemoved {
                        type_: field.type_.clone(),
                    },
                );
            }
        }
        for name in sides.added_but(&renamed) {
            told.insert(name.to_owned());
            let field = &new.fields[name];
            if !goes_along(field, &sides.added) {
                let required = field.required_on_create();
                self.say(
                    Some(name),
                    required,
                    C::FieldAdded {
                        type_: field.type_.clone(),
                        required,
                    },
                );
            }
        }
        for (old, new) in &sides.kept {
            self.field(old, new);
        }
        told
    }

    fn field(&mut self, old: &Field, new: &Field) {
        let name = Some(old.name.as_str());
        let is_other_value = |a: &String| self.value(a, false) != self.value(a, true);
        let has_other_values = old.attributes.iter().any(is_other_value);
        if old.type_ != new.type_ {
            let breaking = has_other_values;
            self.say(
                name,
                breaking,
                C::FieldRetyped {
                    from: old.type_.clone(),
                    to: new.type_.clone(),
                },
            );
        }
        if old.required_on_create() != new.required_on_create() {
            // Either way, the arguments of a create change.
            self.say(
                name,
                true,
                C::RequiredChanged {
                    required: new.required_on_create(),
                },
            );
        }
        if old.orderable != new.orderable {
            self.say(
                name,
                old.orderable,
                C::OrderableChanged {
                    orderable: new.orderable,
                },
            );
        }
        // Limits of values of another type cannot be compared.
        if old.type_ == new.type_ || !has_other_values {
            self.limits(old, new);
        }
        if old.kind == new.kind && old.default != new.default {
            let (from, to) = (old.default.clone(), new.default.clone());
            self.say(name, false, C::DefaultChanged { from, to });
        }
        if let Some((old, new)) = old.options.listed().zip(new.options.listed()) {
            self.options(name, old, new);
        }
    }

    fn limits(&mut self, old: &Field, new: &Field) {
        let name = Some(old.name.as_str());
        if old.max_length != new.max_length {
            let shorter = new
                .max_length
                .is_some_and(|new| old.max_length.is_none_or(|old| new < old));
            self.say(
                name,
                shorter,
                C::MaxLengthChanged {
                    from: old.max_length,
                    to: new.max_length,
                },
            );
        }
        let range = |f: &Field| {
            let end = |v: &Option<Value>| v.as_ref().map_or_else(String::new, |v| v.to_string());
            format!("{}..{}", end(&f.min), end(&f.max))
        };
        if range(old) != range(new) {
            self.say(
                name,
                is_narrower(old, new),
                C::RangeChanged {
                    from: range(old),
                    to: range(new),
                },
            );
        }
        let regex = |f: &Field| {
            f.pattern
                .as_ref()
                .map(|p| p.regex.clone().unwrap_or_else(|| p.source.clone()))
        };
        if regex(old) != regex(new) {
            self.say(
                name,
                new.pattern.is_some(),
                C::PatternChanged {
                    from: regex(old),
                    to: regex(new),
                },
            );
        }
    }

    /// Whether another type is reported for the field with this name, which implies another type of value.
    fn is_retyped(&self, name: Option<&str>) -> bool {
        let fields = name.and_then(|n| self.old.fields.get(n).zip(self.new.fields.get(n)));
        fields.is_some_and(|(old, new)| old.type_ != new.type_)
    }

    fn value(&self, attribute: &str, after: bool) -> Option<&ValueType> {
        let entity = if after { self.new } else { self.old };
        entity.attributes.get(attribute).map(|a| &a.value)
    }

    fn options(&mut self, name: Option<&str>, old: &[String], new: &[String]) {
        let (before, after): (HashSet<&String>, HashSet<&String>) =
            (old.iter().collect(), new.iter().collect());
        let mut renamed = HashSet::new();
        // Positions identify renamed options only if both lists have the same length.
        if old.len() == new.len() {
            for (from, to) in old.iter().zip(new) {
                if from != to && !after.contains(from) && !before.contains(to) {
                    renamed.extend([from, to]);
                    let (from, to) = (from.clone(), to.clone());
                    self.say(name, true, C::OptionRenamed { from, to });
                }
            }
        }
        for option in old {
            if !after.contains(option) && !renamed.contains(option) {
                let option = option.clone();
                self.say(name, true, C::OptionRemoved { option });
            }
        }
        for option in new {
            if !before.contains(option) && !renamed.contains(option) {
                let option = option.clone();
                self.say(name, false, C::OptionAdded { option });
            }
        }
    }

    fn attributes(&mut self, fields: &BTreeSet<String>, links: &BTreeSet<String>) {
        let (old, new) = (self.old, self.new);
        let is_news = |a: &Attribute| {
            let of = |owner: &Option<String>, told: &BTreeSet<String>| {
                owner.as_ref().is_some_and(|o| told.contains(o))
            };
            match a.field {
                Some(_) => !of(&a.field, fields),
                None => !of(&a.link, links),
            }
        };
        let sides = Sides::of(&old.attributes, &new.attributes);
        for (name, _) in sides.removed.iter().filter(|(_, a)| is_news(a)) {
            self.say(Some(name), true, C::AttributeRemoved);
        }
        for (name, _) in sides.added.iter().filter(|(_, a)| is_news(a)) {
            self.say(Some(name), false, C::AttributeAdded);
        }
        for (old, new) in &sides.kept {
            self.attribute(old, new);
        }
    }

    fn attribute(&mut self, old: &Attribute, new: &Attribute) {
        let name = Some(old.name.as_str());
        match (&old.value, &new.value) {
            (ValueType::ParentId { .. }, ValueType::ParentId { .. }) => {}
            // Columns are reported for the link.
            (ValueType::ColumnMap { .. }, ValueType::ColumnMap { .. }) => {}
            (
                ValueType::ParentType { entity_list: from },
                ValueType::ParentType { entity_list: to },
            ) if from != to => {
                let narrower =
                    !to.is_empty() && (from.is_empty() || from.iter().any(|t| !to.contains(t)));
                let (from, to) = (from.clone(), to.clone());
                self.say(name, narrower, C::ParentTypesChanged { from, to });
            }
            (ValueType::ParentType { .. }, ValueType::ParentType { .. }) => {}
            (from, to) if from != to && !self.is_retyped(name) => {
                self.say(
                    name,
                    true,
                    C::AttributeRetyped {
                        from: from.to_string(),
                        to: to.to_string(),
                    },
                );
            }
            _ => {}
        }
        if old.writable != new.writable {
            self.say(
                name,
                old.writable,
                C::WritableChanged {
                    writable: new.writable,
                },
            );
        } else if old.create_only != new.create_only {
            self.say(
                name,
                new.create_only,
                C::CreateOnlyChanged {
                    create_only: new.create_only,
                },
            );
        }
        if old.filterable != new.filterable {
            self.say(
                name,
                old.filterable,
                C::FilterableChanged {
                    filterable: new.filterable,
                },
            );
        }
    }

    /// Filters have constants, so a filter that is no longer listed breaks code that uses its constant. An export lists
    /// only the filters of the menus, and no filters at all without that section.
    fn filters(&mut self) {
        let (old, new) = (self.old, self.new);
        let groups = [
            (
                [&old.primary_filters, &new.primary_filters],
                [&old.unlisted_primary_filters, &new.unlisted_primary_filters],
                [C::FilterRemoved, C::FilterAdded],
            ),
            (
                [&old.bool_filters, &new.bool_filters],
                [&old.unlisted_bool_filters, &new.unlisted_bool_filters],
                [C::BoolFilterRemoved, C::BoolFilterAdded],
            ),
        ];
        for ([old, new], [old_unlisted, new_unlisted], [removed, added]) in groups {
            let is_shown = |names: &[String], unlisted: &[String]| names.len() > unlisted.len();
            let comparable = is_shown(old, old_unlisted) && is_shown(new, new_unlisted);
            if !self.filters_are_complete && !comparable {
                continue;
            }
            let complete = self.filters_are_complete;
            for name in old.iter().filter(|name| !new.contains(name)) {
                if complete || !old_unlisted.contains(name) {
                    self.say(Some(name), true, removed.clone());
                }
            }
            for name in new.iter().filter(|name| !old.contains(name)) {
                if complete || !new_unlisted.contains(name) {
                    self.say(Some(name), false, added.clone());
                }
            }
        }
    }
}

/// Whether a value within the old bounds may be outside the new ones.
fn is_narrower(old: &Field, new: &Field) -> bool {
    let number = |v: &Option<Value>| match v {
        Some(Value::Number(n)) => n.as_f64(),
        Some(Value::String(s)) => s.parse().ok(),
        _ => None,
    };
    let tighter = |old: Option<f64>, new: Option<f64>, worse: fn(f64, f64) -> bool| {
        new.is_some_and(|new| old.is_none_or(|old| worse(new, old)))
    };
    tighter(number(&old.min), number(&new.min), |new, old| new > old)
        || tighter(number(&old.max), number(&new.max), |new, old| new < old)
}
