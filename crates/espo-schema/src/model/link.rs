//! Links between entity types.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{Options, ValueType};

/// One link definition, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The link's name, as in `GET {Entity}/{id}/{link}`.
    pub name: String,
    /// The version of EspoCRM that added it, as far as the built-in metadata shows; see [`Schema::stock_since`](crate::Schema::stock_since).
    pub since: Option<&'static str>,
    /// The type as in the metadata.
    pub type_: LinkType,
    /// Target entity type; `None` for a polymorphic parent.
    pub entity: Option<String>,
    /// Whether the target is in the metadata. An export made for an API user lacks entity types that the user may not
    /// read.
    pub target_known: bool,
    /// Name of the reverse link at the target.
    pub foreign: Option<String>,
    /// Middle table or special relationship.
    pub relation_name: Option<String>,
    /// The number of records on either side.
    pub cardinality: Cardinality,
    /// Middle columns `[near, far]`, if specified.
    pub mid_keys: Option<[String; 2]>,
    /// Middle-table columns of a many-to-many link, defined on either side.
    pub columns: IndexMap<String, Column>,
    /// Middle-table column → attribute of *this* entity type, filled when its records are listed through the reverse link.
    pub column_attribute_map: IndexMap<String, String>,
    /// Allowed targets of a parent link; empty if any entity type is allowed.
    pub entity_list: Vec<String>,
    /// Fixed values of middle-table columns.
    pub conditions: Map<String, Value>,
    /// The attribute of the target that is used as its name, if it is not `name`.
    pub foreign_name: Option<String>,
    /// There is no name attribute.
    pub no_foreign_name: bool,
    /// The name is not in list rows; only a read returns it.
    pub no_join: bool,
    /// Linking and unlinking are rejected.
    pub read_only: bool,
    /// Switched off.
    pub disabled: bool,
    /// Not in `entityDefs.*.links`: a field of type file, image or attachmentMultiple creates it.
    pub implicit: bool,
    /// A field with the same name exists.
    pub has_field: bool,
    /// The definition as merged.
    pub raw: Map<String, Value>,
}

impl Link {
    /// Returns whether `POST` and `DELETE` on `{Entity}/{id}/{link}` are allowed: has-many, many-to-many and children
    /// links that are not read-only.
    #[must_use]
    pub fn can_link(&self) -> bool {
        !self.read_only
            && !self.disabled
            && matches!(
                self.cardinality,
                Cardinality::OneToMany | Cardinality::ManyToMany | Cardinality::Children
            )
    }
}

/// The type of a link, as in the metadata. Many-to-many is not a separate type; see [`Cardinality`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkType {
    /// `belongsTo`
    BelongsTo,
    /// `hasMany`
    HasMany,
    /// `hasOne`
    HasOne,
    /// `hasChildren`
    HasChildren,
    /// `belongsToParent`
    BelongsToParent,
    /// An unknown type.
    Other(String),
}

/// The number of records on either side of a link, seen from the entity type that owns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cardinality {
    /// Many records of this entity type to one record of the target; this entity type has the key.
    ManyToOne,
    /// One to one.
    OneToOne {
        /// The key is an attribute of this entity type.
        key_here: bool,
    },
    /// One record of this entity type to many records of the target, which has the key.
    OneToMany,
    /// Many to many through a middle table.
    ManyToMany,
    /// Many records of this entity type to one record of any of several entity types; this entity type has the keys.
    Parent,
    /// One record of this entity type to many records of the target, which has a [`Cardinality::Parent`] link.
    Children,
    /// The link's type is not known.
    Unknown,
}

/// A column of a middle table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The column's name (`role`).
    pub name: String,
    /// Its type as in the metadata (`varchar`, `bool`); empty if the metadata does not contain it.
    pub type_: String,
    /// The type of its JSON value.
    pub value: ValueType,
    /// Allowed values, from the field that shows the column.
    pub options: Options,
    /// Maximum length in characters.
    pub max_length: Option<u64>,
    /// Default value.
    pub default: Option<Value>,
    /// Attribute of the link's *target* that contains the column if targets are listed through the link.
    pub target_attribute: Option<String>,
    /// Attribute of the link's *owner* that contains the column if owners are listed through the reverse link.
    pub owner_attribute: Option<String>,
}
