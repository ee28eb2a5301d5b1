//! The schema, compiled for serving: attributes with their position in a row, links with the position of their keys.

mod build;
mod checks;
mod query;
mod selection;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use espo_schema::{AttributeRole, EntityType, FieldKind, Schema};
use indexmap::IndexMap;

use crate::facts::FieldAccess;
use crate::value::Value;
pub(crate) use checks::Check;
pub(crate) use query::{Ordering, Query};
pub(crate) use selection::loader;

/// Index of an attribute in its layout.
pub(crate) type AttrIx = usize;
/// Values by attribute, in the order of their insertion.
pub(crate) type AttrMap<V> = IndexMap<AttrIx, V, foldhash::fast::RandomState>;
/// Lookup by the name of an attribute, a link or an entity type.
type ByName<V> = HashMap<String, V, foldhash::fast::RandomState>;
/// Position of a value in a row.
pub(crate) type Slot = usize;
/// Index of an entity type.
pub(crate) type EntityIx = usize;

/// All entity types.
#[derive(Debug)]
pub(crate) struct Layouts {
    pub(crate) schema: Arc<Schema>,
    pub(crate) entities: Vec<Layout>,
    by_name: ByName<EntityIx>,
    /// Many-to-many relations; links refer to them by index.
    pub(crate) relations: Vec<Relation>,
}

/// One entity type.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) index: EntityIx,
    pub(crate) name: String,
    pub(crate) attrs: Vec<Attr>,
    by_name: ByName<AttrIx>,
    /// Whether every update marks a record as modified, even if it changes nothing.
    pub(crate) always_modified: bool,
    /// Whether the records are events, with a start and an end.
    pub(crate) is_event: bool,
    /// The link to users who may read a record as if they owned it.
    pub(crate) readers: Option<String>,
    /// Validation of the fields, in its order.
    pub(crate) checks: Vec<Check>,
    /// Values that every new record starts with; computed by the first create.
    pub(crate) initial: OnceLock<AttrMap<Value>>,
    /// Attributes that since 10.0 are an empty list unless set.
    pub(crate) empty_lists: Vec<Slot>,
    /// IDs of the files that fields hold.
    pub(crate) files: Vec<Slot>,
    /// Attributes of a currency field: amount and code.
    pub(crate) amounts: Vec<(AttrIx, AttrIx)>,
    /// Number of values in a row.
    pub(crate) slots: usize,
    pub(crate) links: IndexMap<String, LinkDef>,
    /// Key slots that have an index, because a reverse link lists by them.
    pub(crate) indexed: Vec<Slot>,
    /// The date that lists are ordered by, by default; it has an index.
    pub(crate) date: Option<Slot>,
    /// Text attributes that have an index, because the duplicate check looks up records by them.
    pub(crate) texts: Vec<TextKey>,
    /// Attributes of a list row without `select`.
    pub(crate) list_plan: Vec<AttrIx>,
    /// Attributes of every list row, regardless of the selection.
    pub(crate) always: Vec<AttrIx>,
    /// Those of these attributes that the entity type's definitions name.
    pub(crate) mandatory: Vec<AttrIx>,
    /// Whether lists ignore `select`.
    pub(crate) select_all: bool,
    /// Attributes in a read of a single record.
    pub(crate) read_plan: Vec<AttrIx>,
}

/// A string attribute by which rows are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextKey {
    /// A string attribute, without case and accents.
    Folded(Slot),
    /// A key of each item of a list.
    Items(Slot, &'static str),
}

/// How a value is compared, ordered and coerced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ty {
    Text,
    LongText,
    Id,
    Type,
    Bool,
    Int,
    Float,
    Decimal,
    Date,
    DateTime,
    List,
    Object,
    Any,
}

impl Ty {
    pub(crate) fn is_number(self) -> bool {
        matches!(self, Ty::Bool | Ty::Int | Ty::Float | Ty::Decimal)
    }
}

/// One attribute.
#[derive(Debug)]
pub(crate) struct Attr {
    pub(crate) name: String,
    pub(crate) ty: Ty,
    pub(crate) role: AttributeRole,
    /// Its field, by name.
    pub(crate) field: Option<String>,
    pub(crate) source: Source,
    /// Whether it has its own column, as defined in the metadata.
    pub(crate) stored: bool,
    pub(crate) writable: bool,
    pub(crate) create_only: bool,
    pub(crate) write_only: bool,
    pub(crate) filter_only: bool,
    pub(crate) in_list: bool,
    /// Part of a record that is read.
    pub(crate) in_read: bool,
    /// Restrictions on reading or setting it, independent of roles.
    pub(crate) access: FieldAccess,
    /// The order of the options, if the attribute is an enum.
    pub(crate) options: Option<Vec<String>>,
    /// Its support in `where` and `orderBy`.
    pub(crate) query: Query,
}

/// The source of an attribute's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    Slot(Slot),
    /// Name of the record that a key refers to.
    LinkName(String),
    /// ID or name of the one record that refers back.
    HasOneId(String),
    HasOneName(String),
    /// An attribute of a linked record.
    Foreign {
        link: String,
        attr: String,
    },
    /// IDs, names, columns or types through a link.
    Ids(String),
    Names(String),
    Columns(String),
    Types(String),
    /// A person's name, composed of first, middle and last name.
    Person([Option<Slot>; 3]),
    /// Amount in the base currency.
    Converted {
        amount: Slot,
        currency: Slot,
    },
    IsFollowed,
    FollowersIds,
    FollowersNames,
    IsStarred,
    /// Digits of the phone number, for filters.
    Numeric(Slot),
    /// Computed by a rule of one entity type (`record::special`).
    Special,
    /// Has no value.
    Nothing,
}

/// One link.
#[derive(Debug)]
pub(crate) struct LinkDef {
    pub(crate) name: String,
    pub(crate) kind: LinkKind,
    pub(crate) target: Option<EntityIx>,
    pub(crate) foreign: Option<String>,
    /// The kind of the field with this name, if it exists.
    pub(crate) field: Option<FieldKind>,
    pub(crate) read_only: bool,
    /// Attribute of the target that is shown as its name.
    pub(crate) foreign_name: String,
    /// Middle-table column → attribute of the owner, filled when owners are listed through the reverse link.
    pub(crate) column_attrs: Vec<(String, AttrIx)>,
}

/// How a link is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkKind {
    BelongsTo {
        key: Slot,
    },
    Parent {
        id: Slot,
        type_: Slot,
    },
    /// The key is in the target's rows.
    HasOne {
        key: Slot,
    },
    HasMany {
        key: Slot,
    },
    Children {
        id: Slot,
        type_: Slot,
    },
    Many {
        relation: usize,
        forward: bool,
    },
    /// One-to-many link whose reverse link does not exist, so that no record is ever linked.
    Dangling,
    /// The metadata does not specify it.
    Unknown,
}

/// A many-to-many relation.
#[derive(Debug)]
pub(crate) struct Relation {
    pub(crate) columns: Vec<ColumnDef>,
}

/// A column of a middle table.
#[derive(Debug)]
pub(crate) struct ColumnDef {
    pub(crate) name: String,
    pub(crate) default: Value,
    pub(crate) is_bool: bool,
}

impl Layouts {
    pub(crate) fn find(&self, name: &str) -> Option<&Layout> {
        self.by_name.get(name).map(|i| &self.entities[*i])
    }

    /// The layout with this index ([`Layout::index`]).
    pub(crate) fn at(&self, index: usize) -> Option<&Layout> {
        self.entities.get(index)
    }

    pub(crate) fn entity(&self, layout: &Layout) -> &EntityType {
        &self.schema.entity_types[layout.index]
    }
}

impl Layout {
    pub(crate) fn find(&self, attr: &str) -> Option<AttrIx> {
        self.by_name.get(attr).copied()
    }

    pub(crate) fn attr(&self, name: &str) -> Option<&Attr> {
        self.find(name).map(|i| &self.attrs[i])
    }

    /// Whether no user may see an attribute.
    pub(crate) fn is_secret(&self, attr: &str) -> bool {
        self.name == "User" && matches!(attr, "deleteId" | "userDataId" | "userDataName")
    }

    /// Whether a link can refer to records of several entity types.
    pub(crate) fn is_parent(&self, link: &str) -> bool {
        self.links.get(link).is_none_or(|l| l.target.is_none())
    }

    pub(crate) fn slot(&self, name: &str) -> Option<Slot> {
        match self.attr(name)?.source {
            Source::Slot(s) => Some(s),
            _ => None,
        }
    }
}

/// Fields that the duplicate check compares.
pub(crate) fn duplicate_fields(entity: &EntityType) -> Vec<&str> {
    let scope = &entity.scope;
    if !scope.duplicate_check_fields.is_empty() {
        return scope
            .duplicate_check_fields
            .iter()
            .map(String::as_str)
            .collect();
    }
    match scope.type_.as_deref() {
        Some("Person" | "Company") if scope.is_custom => vec!["name", "emailAddress"],
        _ => Vec::new(),
    }
}

/// The index by which the duplicate check looks up a field; for a person's name, the index of the last name.
pub(crate) fn duplicate_key(layout: &Layout, entity: &EntityType, field: &str) -> Option<TextKey> {
    match (
        &layout.attr(field)?.source,
        entity.fields.get(field).map(|f| f.kind),
    ) {
        (Source::Person([_, _, last]), _) => Some(TextKey::Folded((*last)?)),
        (_, Some(FieldKind::Email)) => Some(TextKey::Items(
            layout.slot(&format!("{field}Data"))?,
            "lower",
        )),
        (_, Some(FieldKind::Phone)) => Some(TextKey::Items(
            layout.slot(&format!("{field}Data"))?,
            "phoneNumber",
        )),
        (Source::Slot(slot), _) => Some(TextKey::Folded(*slot)),
        _ => None,
    }
}
