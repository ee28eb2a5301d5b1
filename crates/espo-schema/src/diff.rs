//! The difference between two schemas, as somebody who calls generated code sees it.
//!
//! [`Schema::diff`] compares what code is generated from, not JSON text: two exports that differ in labels, layouts or the
//! order of keys have no difference.

mod compare;
mod partial;
mod sides;

use std::fmt;

use serde::Serialize;

pub use partial::Comparison;

use crate::model::{Cardinality, Schema, ValueType};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The entity type that it is about (its old name if it looks renamed).
    pub entity: String,
    /// The field, attribute, link or filter that it is about; `None` when it is the entity type itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Code that compiled and ran against the old schema may fail to compile, or be refused by the server, with the new
    /// one.
    pub breaking: bool,
    /// What changed.
    #[serde(flatten)]
    pub kind: ChangeKind,
}

/// What changed. `from` is the old state and `to` the new one; a bare flag is the new state.
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
    /// The entity type is gone.
    EntityRemoved,
    /// The entity type is gone and a new one has nearly the same fields.
    EntityRenamed {
        /// The new one.
        to: String,
    },
    /// The scope was switched on or off.
    EntityDisabled {
        /// Whether it is off now.
        disabled: bool,
    },
    /// Records can, or can no longer, be followed.
    StreamSwitched {
        /// Whether they can now.
        on: bool,
    },
    /// Records can, or can no longer, be starred.
    StarsSwitched {
        /// Whether they can now.
        on: bool,
    },
    /// The field is new.
    FieldAdded {
        /// Its type.
        #[serde(rename = "type")]
        type_: String,
        /// A create must name it.
        required: bool,
    },
    /// The field is gone.
    FieldRemoved {
        /// Its type.
        #[serde(rename = "type")]
        type_: String,
    },
    /// The field is gone and a new one has the same type and either the same definition or nearly the same name.
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
    /// A create must, or need no longer, name the field.
    RequiredChanged {
        /// Whether it must now.
        required: bool,
    },
    /// A create takes, or no longer takes, the attribute.
    WritableChanged {
        /// Whether it does now.
        writable: bool,
    },
    /// An update takes, or no longer takes, an attribute that a create takes.
    CreateOnlyChanged {
        /// Whether it is refused in updates now.
        create_only: bool,
    },
    /// Lists can, or can no longer, be filtered by the attribute.
    FilterableChanged {
        /// Whether they can now.
        filterable: bool,
    },
    /// Lists can, or can no longer, be ordered by the field.
    OrderableChanged {
        /// Whether they can now.
        orderable: bool,
    },
    /// The largest length changed; `None` is the server's own limit.
    MaxLengthChanged {
        /// Old limit.
        from: Option<u64>,
        /// New limit.
        to: Option<u64>,
    },
    /// The smallest or largest value changed.
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
    /// The field has one more option.
    OptionAdded {
        /// The option.
        option: String,
    },
    /// The field has one option less.
    OptionRemoved {
        /// The option.
        option: String,
    },
    /// An option is gone and a new one stands in its place.
    OptionRenamed {
        /// Old option.
        from: String,
        /// New option.
        to: String,
    },
    /// The attribute is new on a field or entity type that was there before.
    AttributeAdded,
    /// The attribute is gone from a field or entity type that is still there.
    AttributeRemoved,
    /// The attribute holds something else.
    AttributeRetyped {
        /// What it held.
        from: String,
        /// What it holds now.
        to: String,
    },
    /// The link is new.
    LinkAdded {
        /// Where it leads.
        target: Option<String>,
    },
    /// The link is gone.
    LinkRemoved {
        /// Where it led.
        target: Option<String>,
    },
    /// The link is gone and a new one leads to the same target in the same way.
    LinkRenamed {
        /// The new one.
        to: String,
    },
    /// The link leads to another entity type.
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
    /// Another number of records stands on one side.
    CardinalityChanged {
        /// Old.
        from: String,
        /// New.
        to: String,
    },
    /// The link at the target that leads back is another.
    ReverseLinkChanged {
        /// Old reverse link.
        from: Option<String>,
        /// New reverse link.
        to: Option<String>,
    },
    /// Records can, or can no longer, be linked and unlinked through the link.
    LinkableChanged {
        /// Whether they can now.
        linkable: bool,
    },
    /// The link's middle table has one more column.
    ColumnAdded {
        /// The column.
        column: String,
    },
    /// The link's middle table has one column less.
    ColumnRemoved {
        /// The column.
        column: String,
    },
    /// A middle-table column holds something else.
    ColumnRetyped {
        /// The column.
        column: String,
        /// What it held.
        from: String,
        /// What it holds now.
        to: String,
    },
    /// The primary filter is new in the metadata.
    FilterAdded,
    /// The primary filter is gone from the metadata, which shows those of the menus only: its constant is gone, while the
    /// server may well take it still.
    FilterRemoved,
    /// The boolean filter is new in the metadata.
    BoolFilterAdded,
    /// The boolean filter is gone from the metadata.
    BoolFilterRemoved,
}

impl Schema {
    /// What changed from the old schema to the new one, sorted by entity type and member; independent of the order of
    /// keys in either.
    #[must_use]
    pub fn diff(old: &Schema, new: &Schema) -> Vec<Change> {
        compare::compare(old, new)
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
                "entity type removed; `{to}` has the same fields: renamed?"
            ),
            C::EntityDisabled { disabled: true } => write!(f, "entity type switched off"),
            C::EntityDisabled { disabled: false } => write!(f, "entity type switched on"),
            C::StreamSwitched { on: true } => write!(f, "records can be followed now"),
            C::StreamSwitched { on: false } => write!(f, "records can no longer be followed"),
            C::StarsSwitched { on: true } => write!(f, "records can be starred now"),
            C::StarsSwitched { on: false } => write!(f, "records can no longer be starred"),
            C::FieldAdded {
                type_,
                required: true,
            } => write!(
                f,
                "required field of type {type_} added: a create must name it"
            ),
            C::FieldAdded {
                type_,
                required: false,
            } => write!(f, "field of type {type_} added"),
            C::FieldRemoved { type_ } => write!(f, "field of type {type_} removed"),
            C::FieldRenamed { to } => write!(f, "field removed; `{to}` is like it: renamed?"),
            C::FieldRetyped { from, to } => write!(f, "field type changed from {from} to {to}"),
            C::RequiredChanged { required: true } => {
                write!(f, "required now: a create must name it")
            }
            C::RequiredChanged { required: false } => {
                write!(f, "no longer required: a create need not name it")
            }
            C::WritableChanged { writable: true } => write!(f, "can be written now"),
            C::WritableChanged { writable: false } => write!(f, "read-only now"),
            C::CreateOnlyChanged { create_only: true } => write!(f, "read-only after create now"),
            C::CreateOnlyChanged { create_only: false } => write!(f, "can be updated now"),
            C::FilterableChanged { filterable: true } => write!(f, "can be filtered by now"),
            C::FilterableChanged { filterable: false } => write!(f, "can no longer be filtered by"),
            C::OrderableChanged { orderable: true } => write!(f, "can be ordered by now"),
            C::OrderableChanged { orderable: false } => write!(f, "can no longer be ordered by"),
            C::MaxLengthChanged { from, to } => write!(
                f,
                "largest length changed from {} to {}",
                limit(from),
                limit(to)
            ),
            C::RangeChanged { from, to } => write!(f, "allowed range changed from {from} to {to}"),
            C::PatternChanged { from, to } => {
                write!(f, "pattern changed from {} to {}", name(from), name(to))
            }
            C::OptionAdded { option } => write!(f, "option {option:?} added"),
            C::OptionRemoved { option } => write!(f, "option {option:?} removed"),
            C::OptionRenamed { from, to } => write!(
                f,
                "option {from:?} removed; {to:?} stands in its place: renamed?"
            ),
            C::AttributeAdded => write!(f, "attribute added"),
            C::AttributeRemoved => write!(f, "attribute removed"),
            C::AttributeRetyped { from, to } => write!(f, "holds {to} now, held {from}"),
            C::LinkAdded { target } => write!(f, "link to {} added", name(target)),
            C::LinkRemoved { target } => write!(f, "link to {} removed", name(target)),
            C::LinkRenamed { to } => {
                write!(f, "link removed; `{to}` leads to the same target: renamed?")
            }
            C::LinkRetargeted { from, to } => {
                write!(f, "leads to {} now, led to {}", name(to), name(from))
            }
            C::ParentTypesChanged { from, to } => write!(
                f,
                "allowed parents are {} now, were {}",
                list(to),
                list(from)
            ),
            C::CardinalityChanged { from, to } => write!(f, "link is {to} now, was {from}"),
            C::ReverseLinkChanged { from, to } => {
                write!(f, "reverse link is {} now, was {}", name(to), name(from))
            }
            C::LinkableChanged { linkable: true } => {
                write!(f, "records can be linked and unlinked now")
            }
            C::LinkableChanged { linkable: false } => {
                write!(f, "records can no longer be linked and unlinked")
            }
            C::ColumnAdded { column } => write!(f, "middle column `{column}` added"),
            C::ColumnRemoved { column } => write!(f, "middle column `{column}` removed"),
            C::ColumnRetyped { column, from, to } => {
                write!(f, "middle column `{column}` holds {to} now, held {from}")
            }
            C::FilterAdded => write!(f, "primary filter added"),
            C::FilterRemoved => write!(
                f,
                "primary filter no longer shown; the server may still take it"
            ),
            C::BoolFilterAdded => write!(f, "boolean filter added"),
            C::BoolFilterRemoved => write!(
                f,
                "boolean filter no longer shown; the server may still take it"
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
            ValueType::Id { target } => return of(f, "an id", target),
            ValueType::IdList { target } => return of(f, "ids", target),
            ValueType::Text => "text",
            ValueType::Bool => "true or false",
            ValueType::Int => "a whole number",
            ValueType::Float => "a number",
            ValueType::Decimal => "a decimal as text",
            ValueType::Money => "an amount",
            ValueType::Date => "a date",
            ValueType::DateTime => "a date-time",
            ValueType::ParentId { .. } => "an id of a parent",
            ValueType::ParentType { .. } => "the entity type of a parent",
            ValueType::NameMap => "names by id",
            ValueType::ColumnMap { .. } => "columns by id",
            ValueType::TypeMap => "MIME types by id",
            ValueType::EmailData => "e-mail address rows",
            ValueType::PhoneData => "phone number rows",
            ValueType::Enum => "one of the options",
            ValueType::EnumInt => "one of the whole-number options",
            ValueType::EnumFloat => "one of the number options",
            ValueType::EnumList => "a list of options",
            ValueType::TextList => "a list of texts",
            ValueType::IntList => "a list of whole numbers",
            ValueType::JsonArray => "any list",
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
            Cardinality::OneToOne { key_here: true } => "one-to-one with the key here",
            Cardinality::OneToOne { key_here: false } => "one-to-one with the key there",
            Cardinality::OneToMany => "one-to-many",
            Cardinality::ManyToMany => "many-to-many",
            Cardinality::Parent => "to a parent of several entity types",
            Cardinality::Children => "to children",
            Cardinality::Unknown => "of an unknown kind",
        })
    }
}
