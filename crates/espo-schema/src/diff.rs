//! The differences between two schemas that matter to callers of generated code.
//!
//! [`Schema::diff`] compares the parts that code is generated from, not the JSON: exports that differ only in labels,
//! layouts or the order of keys are equal.

mod compare;
mod partial;
mod sides;

use std::fmt;

use serde::Serialize;
use serde_json::Value;

pub use partial::Comparison;

use crate::model::{Cardinality, Schema, ValueType};
use crate::resolve::access::SECTION;
use crate::resolve::resolve;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The entity type that changed (its old name if it looks renamed).
    pub entity: String,
    /// The field, attribute, link or filter that changed; `None` for the entity type itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Whether code that worked with the old schema may no longer compile with the new one, or its requests may be
    /// rejected.
    pub breaking: bool,
    /// The kind of change.
    #[serde(flatten)]
    pub kind: ChangeKind,
}

/// The kind of change. `from` is the old state and `to` the new one; a single flag is the new state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[non_exhaustive]
pub enum ChangeKind {
    /// The entity type is new.
    EntityAdded,
    /// The entity type was removed.
    EntityRemoved,
    /// The entity type was removed and a new one has nearly the same fields.
    EntityRenamed {
        /// The new one.
        to: String,
    },
    /// The scope was switched on or off.
    EntityDisabled {
        /// Whether it is off now.
        disabled: bool,
    },
    /// Records can now be followed, or no longer can.
    StreamSwitched {
        /// Whether they can now.
        on: bool,
    },
    /// Records can now be starred, or no longer can.
    StarsSwitched {
        /// Whether they can now.
        on: bool,
    },
    /// The field is new.
    FieldAdded {
        /// Its type.
        #[serde(rename = "type")]
        type_: String,
        /// Whether a create must include it.
        required: bool,
    },
    /// The field was removed.
    FieldRemoved {
        /// Its type.
        #[serde(rename = "type")]
        type_: String,
    },
    /// The field was removed and a new one has the same type and either the same definition or nearly the same name.
    FieldRenamed {
        /// The new one.
        to: String,
    },
    /// The field has another type.
    FieldRetyped {
        /// Old type.
        from: String,
        /// New type.
        to: String,
    },
    /// A create must now include the field, or no longer has to.
    RequiredChanged {
        /// Whether it must now.
        required: bool,
    },
    /// The attribute can now be set in a create, or no longer can.
    WritableChanged {
        /// Whether it can be set now.
        writable: bool,
    },
    /// An attribute that can be set in a create can now be changed in an update, or no longer can.
    CreateOnlyChanged {
        /// Whether updates ignore it now.
        create_only: bool,
    },
    /// Lists can now be filtered by the attribute, or no longer can.
    FilterableChanged {
        /// Whether they can now.
        filterable: bool,
    },
    /// Lists can now be ordered by the field, or no longer can.
    OrderableChanged {
        /// Whether they can now.
        orderable: bool,
    },
    /// The maximum length changed; `None` is the server's default.
    MaxLengthChanged {
        /// Old limit.
        from: Option<u64>,
        /// New limit.
        to: Option<u64>,
    },
    /// The minimum or maximum value changed.
    RangeChanged {
        /// Old bounds, as `min..max`.
        from: String,
        /// New bounds.
        to: String,
    },
    /// The regular expression that values must match changed.
    PatternChanged {
        /// Old expression.
        from: Option<String>,
        /// New expression.
        to: Option<String>,
    },
    /// The value that the server stores if a create omits the field changed.
    DefaultChanged {
        /// Old default.
        from: Option<Value>,
        /// New default.
        to: Option<Value>,
    },
    /// An option was added to the field.
    OptionAdded {
        /// The option.
        option: String,
    },
    /// An option was removed from the field.
    OptionRemoved {
        /// The option.
        option: String,
    },
    /// An option was removed and a new one is at its position.
    OptionRenamed {
        /// Old option.
        from: String,
        /// New option.
        to: String,
    },
    /// The attribute is new on a field or entity type that existed before.
    AttributeAdded,
    /// The attribute was removed from a field or entity type that still exists.
    AttributeRemoved,
    /// The attribute has another type of value.
    AttributeRetyped {
        /// The old type of value.
        from: String,
        /// The new type of value.
        to: String,
    },
    /// The link is new.
    LinkAdded {
        /// Its target.
        target: Option<String>,
    },
    /// The link was removed.
    LinkRemoved {
        /// Its old target.
        target: Option<String>,
    },
    /// The link was removed and a new one has the same target and definition.
    LinkRenamed {
        /// The new one.
        to: String,
    },
    /// The link has another target entity type.
    LinkRetargeted {
        /// Old target.
        from: Option<String>,
        /// New target.
        to: Option<String>,
    },
    /// The allowed targets of a polymorphic parent changed; an empty list is every entity type.
    ParentTypesChanged {
        /// Old targets.
        from: Vec<String>,
        /// New targets.
        to: Vec<String>,
    },
    /// The cardinality of the link changed.
    CardinalityChanged {
        /// Old.
        from: String,
        /// New.
        to: String,
    },
    /// The reverse link at the target changed.
    ReverseLinkChanged {
        /// Old reverse link.
        from: Option<String>,
        /// New reverse link.
        to: Option<String>,
    },
    /// Records can now be linked and unlinked through the link, or no longer can.
    LinkableChanged {
        /// Whether they can now.
        linkable: bool,
    },
    /// A column was added to the link's middle table.
    ColumnAdded {
        /// The column.
        column: String,
    },
    /// A column was removed from the link's middle table.
    ColumnRemoved {
        /// The column.
        column: String,
    },
    /// A middle-table column has another type of value.
    ColumnRetyped {
        /// The column.
        column: String,
        /// The old type of value.
        from: String,
        /// The new type of value.
        to: String,
    },
    /// The primary filter is new in the metadata.
    FilterAdded,
    /// The primary filter is no longer in the metadata, so its constant is removed. The metadata lists only the filters of
    /// the menus; the server may still accept this one.
    FilterRemoved,
    /// The boolean filter is new in the metadata.
    BoolFilterAdded,
    /// The boolean filter is no longer in the metadata.
    BoolFilterRemoved,
}

impl Schema {
    /// Returns the changes from the old schema to the new one, sorted by entity type and member. The order of keys in
    /// either does not matter. Restrictions for all users (`entityAcl`) are compared if both have them.
    #[must_use]
    pub fn diff(old: &Schema, new: &Schema) -> Vec<Change> {
        let has_restrictions = |of: &Schema| {
            of.raw[SECTION]
                .as_object()
                .is_some_and(|acl| !acl.is_empty())
        };
        match (has_restrictions(old), has_restrictions(new)) {
            (true, false) => compare::compare(&old.without_restrictions(), new),
            (false, true) => compare::compare(old, &new.without_restrictions()),
            _ => compare::compare(old, new),
        }
    }

    fn without_restrictions(&self) -> Schema {
        let mut root = self.raw.as_object().cloned().unwrap_or_default();
        root.shift_remove(SECTION);
        resolve(root, Vec::new())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.entity)?;
        if let Some(member) = &self.member {
            write!(f, ".{member}")?;
        }
        write!(f, ": {}", self.kind)
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ChangeKind as C;
        let name = |text: &Option<String>| {
            text.as_ref()
                .map_or_else(|| "nothing".to_owned(), |t| format!("`{t}`"))
        };
        let limit = |n: &Option<u64>| n.map_or_else(|| "the default".to_owned(), |n| n.to_string());
        let list = |names: &[String]| {
            if names.is_empty() {
                "any entity type".to_owned()
            } else {
                names.join(", ")
            }
        };
        match self {
            C::EntityAdded => write!(f, "entity type added"),
            C::EntityRemoved => write!(f, "entity type removed"),
            C::EntityRenamed { to } => write!(
                f,
                "entity type removed, possibly renamed to `{to}` (same fields)"
            ),
            C::EntityDisabled { disabled: true } => write!(f, "entity type switched off"),
            C::EntityDisabled { disabled: false } => write!(f, "entity type switched on"),
            C::StreamSwitched { on: true } => write!(f, "records can now be followed"),
            C::StreamSwitched { on: false } => write!(f, "records can no longer be followed"),
            C::StarsSwitched { on: true } => write!(f, "records can now be starred"),
            C::StarsSwitched { on: false } => write!(f, "records can no longer be starred"),
            C::FieldAdded {
                type_,
                required: true,
            } => write!(
                f,
                "required field of type {type_} added: creates must include it"
            ),
            C::FieldAdded {
                type_,
                required: false,
            } => write!(f, "field of type {type_} added"),
            C::FieldRemoved { type_ } => write!(f, "field of type {type_} removed"),
            C::FieldRenamed { to } => write!(f, "field removed, possibly renamed to `{to}`"),
            C::FieldRetyped { from, to } => write!(f, "field type changed from {from} to {to}"),
            C::RequiredChanged { required: true } => {
                write!(f, "now required: creates must include it")
            }
            C::RequiredChanged { required: false } => {
                write!(f, "no longer required: creates can omit it")
            }
            C::WritableChanged { writable: true } => write!(f, "can now be written"),
            C::WritableChanged { writable: false } => write!(f, "now read-only"),
            C::CreateOnlyChanged { create_only: true } => write!(f, "now read-only after create"),
            C::CreateOnlyChanged { create_only: false } => write!(f, "can now be updated"),
            C::FilterableChanged { filterable: true } => {
                write!(f, "lists can now be filtered by it")
            }
            C::FilterableChanged { filterable: false } => {
                write!(f, "lists can no longer be filtered by it")
            }
            C::OrderableChanged { orderable: true } => write!(f, "lists can now be ordered by it"),
            C::OrderableChanged { orderable: false } => {
                write!(f, "lists can no longer be ordered by it")
            }
            C::MaxLengthChanged { from, to } => write!(
                f,
                "maximum length changed from {} to {}",
                limit(from),
                limit(to)
            ),
            C::RangeChanged { from, to } => write!(f, "allowed range changed from {from} to {to}"),
            C::PatternChanged { from, to } => {
                write!(f, "pattern changed from {} to {}", name(from), name(to))
            }
            C::DefaultChanged { from, to } => {
                let shown = |value: &Option<Value>| match value {
                    Some(value) => name(&Some(value.to_string())),
                    None => "none".to_owned(),
                };
                write!(f, "default changed from {} to {}", shown(from), shown(to))
            }
            C::OptionAdded { option } => write!(f, "option {option:?} added"),
            C::OptionRemoved { option } => write!(f, "option {option:?} removed"),
            C::OptionRenamed { from, to } => {
                write!(f, "option {from:?} removed, possibly renamed to {to:?}")
            }
            C::AttributeAdded => write!(f, "attribute added"),
            C::AttributeRemoved => write!(f, "attribute removed"),
            C::AttributeRetyped { from, to } => write!(f, "value changed from {from} to {to}"),
            C::LinkAdded { target } => write!(f, "link to {} added", name(target)),
            C::LinkRemoved { target } => write!(f, "link to {} removed", name(target)),
            C::LinkRenamed { to } => {
                write!(f, "link removed, possibly renamed to `{to}` (same target)")
            }
            C::LinkRetargeted { from, to } => {
                write!(f, "target changed from {} to {}", name(from), name(to))
            }
            C::ParentTypesChanged { from, to } => write!(
                f,
                "allowed parents changed from {} to {}",
                list(from),
                list(to)
            ),
            C::CardinalityChanged { from, to } => write!(f, "link changed from {from} to {to}"),
            C::ReverseLinkChanged { from, to } => {
                write!(
                    f,
                    "reverse link changed from {} to {}",
                    name(from),
                    name(to)
                )
            }
            C::LinkableChanged { linkable: true } => {
                write!(f, "records can now be linked and unlinked")
            }
            C::LinkableChanged { linkable: false } => {
                write!(f, "records can no longer be linked and unlinked")
            }
            C::ColumnAdded { column } => write!(f, "middle-table column `{column}` added"),
            C::ColumnRemoved { column } => write!(f, "middle-table column `{column}` removed"),
            C::ColumnRetyped { column, from, to } => {
                write!(
                    f,
                    "middle-table column `{column}` changed from {from} to {to}"
                )
            }
            C::FilterAdded => write!(f, "primary filter added"),
            C::FilterRemoved => write!(
                f,
                "primary filter no longer listed; the server may still accept it"
            ),
            C::BoolFilterAdded => write!(f, "boolean filter added"),
            C::BoolFilterRemoved => write!(
                f,
                "boolean filter no longer listed; the server may still accept it"
            ),
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |f: &mut fmt::Formatter<'_>, what: &str, target: &Option<String>| match target {
            Some(target) => write!(f, "{what} of `{target}`"),
            None => write!(f, "{what} of an unknown entity type"),
        };
        let text = match self {
            ValueType::Id { target } => return of(f, "an ID", target),
            ValueType::IdList { target } => return of(f, "IDs", target),
            ValueType::Text => "text",
            ValueType::Bool => "true or false",
            ValueType::Int => "an integer",
            ValueType::Float => "a number",
            ValueType::Decimal => "a decimal as a string",
            ValueType::Money => "an amount",
            ValueType::Date => "a date",
            ValueType::DateTime => "a date-time",
            ValueType::ParentId { .. } => "a parent ID",
            ValueType::ParentType { .. } => "the entity type of a parent",
            ValueType::NameMap => "names by ID",
            ValueType::ColumnMap { .. } => "columns by ID",
            ValueType::TypeMap => "MIME types by ID",
            ValueType::EmailData => "email addresses",
            ValueType::PhoneData => "phone numbers",
            ValueType::Enum => "one of the options",
            ValueType::EnumInt => "one of the integer options",
            ValueType::EnumFloat => "one of the number options",
            ValueType::EnumList => "a list of options",
            ValueType::TextList => "a list of strings",
            ValueType::IntList => "a list of integers",
            ValueType::JsonArray => "any array",
            ValueType::JsonObject => "any object",
            ValueType::Json => "any JSON",
        };
        f.write_str(text)
    }
}

impl fmt::Display for Cardinality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cardinality::ManyToOne => "many-to-one",
            Cardinality::OneToOne { key_here: true } => "one-to-one with the key on this side",
            Cardinality::OneToOne { key_here: false } => {
                "one-to-one with the key on the other side"
            }
            Cardinality::OneToMany => "one-to-many",
            Cardinality::ManyToMany => "many-to-many",
            Cardinality::Parent => "to a parent of several entity types",
            Cardinality::Children => "to children",
            Cardinality::Unknown => "of an unknown kind",
        })
    }
}
