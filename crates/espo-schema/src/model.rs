//! The resolved model: what the rest of the workspace knows about an EspoCRM instance.
//!
//! Everything here is plain data with public fields. [`crate::Schema::load`] fills it; nothing changes it afterwards.
//! Maps keep the order of the metadata, because the server validates fields in that order. Whoever needs another order
//! (the generator sorts by name) makes it.

use std::fmt;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::kind::FieldKind;

/// The metadata of one EspoCRM instance, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// Every key of `entityDefs`, in the order of the metadata.
    pub entity_types: IndexMap<String, EntityType>,
    /// Every key of `fields`, in the order of the metadata.
    pub field_types: IndexMap<String, FieldType>,
    /// Scopes that are no entity types (`Stream`, `Activities`, …).
    pub other_scopes: IndexMap<String, Scope>,
    /// The merged metadata tree with every section that was given, completed as the server completes it: what an
    /// administrator's `GET Metadata` would answer.
    pub raw: Value,
    /// What was odd in the metadata, and how it was taken.
    pub diagnostics: Vec<Diagnostic>,
    /// SHA-256 of [`Schema::raw`] in lower-case hex, independent of the order of object keys.
    pub content_hash: String,
}

/// One entity type (`Account`, `CProject`).
#[derive(Debug, Clone, PartialEq)]
pub struct EntityType {
    /// The name as used in URLs and in `entityType` values.
    pub name: String,
    /// `scopes.{name}`; all switches off when the metadata has no such scope.
    pub scope: Scope,
    /// `entityDefs.{name}.collection`.
    pub collection: Collection,
    /// Records carry `versionNumber` and updates honour `X-Version-Number`.
    pub optimistic_concurrency_control: bool,
    /// Deletes are hard and there is no `deleted` attribute.
    pub no_deleted_attribute: bool,
    /// Records carry `deleteId` (a column that makes unique indexes possible beside soft deletes).
    pub delete_id: bool,
    /// Fields in the order of the metadata, sub-fields of composite fields included.
    pub fields: IndexMap<String, Field>,
    /// Links in the order of the metadata, then those that fields create ([`Link::implicit`]).
    pub links: IndexMap<String, Link>,
    /// Names of primary filters that the metadata shows. An instance shows those of its own menus only, and takes
    /// `followed`, `starred` and `all` besides.
    pub primary_filters: Vec<String>,
    /// Names of boolean filters that the metadata shows.
    pub bool_filters: Vec<String>,
    /// Every key that a record of this type can have on the wire: `id` first, then those of the fields in their order,
    /// then those of links without a field, then those of the scope.
    pub attributes: IndexMap<String, Attribute>,
    /// `entityDefs.{name}` as merged.
    pub raw: Map<String, Value>,
}

/// `scopes.{name}`: what a scope takes part in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    /// An entity type with a table of its own.
    pub entity: bool,
    /// A business object: webhooks, mass actions, OpenAPI and stream tools apply to these.
    pub object: bool,
    /// `Crm`, `Custom`, an extension's name; `None` for the core.
    pub module: Option<String>,
    /// Template of a custom entity type: `Base`, `BasePlus`, `Person`, `Company`, `Event`, `CategoryTree`.
    pub type_: Option<String>,
    /// `true`, `false` or `"boolean"`.
    pub acl: Option<Value>,
    /// Records can be followed: `isFollowed`, `followersIds`, `followersNames`, `streamUpdatedAt`.
    pub stream: bool,
    /// Records can be starred: `isStarred`.
    pub stars: bool,
    /// Switched off by an administrator (or legacy).
    pub disabled: bool,
    /// Made by an administrator on this instance.
    pub is_custom: bool,
    /// The enum field that is the status (kanban, stream notes).
    pub status_field: Option<String>,
    /// The link to the category tree (`folder`, `category`, `categories`).
    pub category_field: Option<String>,
    /// Fields that the duplicate check compares on create.
    pub duplicate_check_fields: Vec<String>,
    /// `scopes.{name}` as merged.
    pub raw: Map<String, Value>,
}

/// `entityDefs.{name}.collection`: how lists behave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collection {
    /// Field that a list is ordered by when the request names none.
    pub order_by: Option<String>,
    /// Direction of the default order.
    pub order: Option<Order>,
    /// Fields (or `link.field`) that a text filter searches.
    pub text_filter_fields: Vec<String>,
    /// A full-text index stands behind the text filter.
    pub full_text_search: bool,
    /// Totals are not counted: `total` is −1 (more rows) or −2 (no more).
    pub count_disabled: bool,
}

/// Direction of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `asc`
    Asc,
    /// `desc`
    Desc,
}

/// `fields.{type}`: how a field type maps to attributes.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldType {
    /// The type's name (`varchar`).
    pub name: String,
    /// Whether parts are put before or after the field's name.
    pub naming: Naming,
    /// Parts that carry data. `""` is the field itself. `None` when the metadata does not list any.
    pub actual_parts: Option<Vec<String>>,
    /// Parts that are derived by the server.
    pub not_actual_parts: Vec<String>,
    /// Definitions of the sub-fields that a field of this type brings along, by part.
    pub sub_fields: IndexMap<String, Map<String, Value>>,
    /// `fieldDefs`: what a field of this type has unless it says otherwise (`type` is the column's type).
    pub field_defs: Map<String, Value>,
    /// `linkDefs`: the link that a field of this type creates.
    pub link_defs: Option<Map<String, Value>>,
    /// Default value of fields that do not give one.
    pub default: Option<Value>,
    /// Validations that run when the field asks for them.
    pub validation_list: Vec<String>,
    /// Validations that always run.
    pub mandatory_validation_list: Vec<String>,
    /// `fields.{type}` as merged.
    pub raw: Map<String, Value>,
}

/// How the name of a part is joined to the name of its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Naming {
    /// `billingAddress` + `city` → `billingAddressCity` (`"suffix"` or `"postfix"`, the default).
    #[default]
    Suffix,
    /// `name` + `first` → `firstName`.
    Prefix,
}

/// One field definition, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The field's name.
    pub name: String,
    /// The type as written (`varchar`, or one that an extension brings).
    pub type_: String,
    /// The type as this crate knows it.
    pub kind: FieldKind,
    /// Must have a value on create, and on an update that sends it.
    pub required: bool,
    /// Input is dropped silently.
    pub read_only: bool,
    /// Input is accepted on create and dropped on update.
    pub read_only_after_create: bool,
    /// No column of its own (from the field or from its type's `fieldDefs`).
    pub not_storable: bool,
    /// Neither returned nor accepted.
    pub disabled: bool,
    /// Hidden in the UI, still in the API.
    pub utility: bool,
    /// Changes are noted in the stream.
    pub audited: bool,
    /// The column refuses null (from the field or from its type's `fieldDefs`).
    pub not_null: bool,
    /// The field's default, else its type's. A text starting with `javascript:` is the browser's business: the server
    /// ignores it.
    pub default: Option<Value>,
    /// Largest length in characters, as written. The server's own default of 255 for varchar and enum is not filled in.
    pub max_length: Option<u64>,
    /// Smallest value (a number, or text for decimals).
    pub min: Option<Value>,
    /// Largest value.
    pub max: Option<Value>,
    /// Largest number of items.
    pub max_count: Option<u64>,
    /// Largest length of one item, in characters.
    pub max_item_length: Option<u64>,
    /// The values that an enum-like field allows.
    pub options: Options,
    /// Where [`Field::options`] were found.
    pub options_source: OptionsSource,
    /// Values outside the options are allowed as well.
    pub allow_custom_options: bool,
    /// The regular expression that a value must match.
    pub pattern: Option<Pattern>,
    /// A currency amount is kept as decimal and travels as text.
    pub decimal: bool,
    /// Type of the column where it differs (`bigint` lifts the 32-bit bound of an int).
    pub db_type: Option<String>,
    /// Foreign field: the link to go through.
    pub link: Option<String>,
    /// Foreign field: the field at the link's target.
    pub foreign_field: Option<String>,
    /// Middle-table column behind a filter-only field.
    pub column: Option<String>,
    /// Link-multiple: middle-table column → attribute of the linked record.
    pub columns: IndexMap<String, String>,
    /// Target of a link field that has no link of its name.
    pub entity: Option<String>,
    /// Allowed targets of a parent field; empty when any entity type is.
    pub entity_list: Vec<String>,
    /// Allowed `type` values of phone numbers.
    pub type_list: Vec<String>,
    /// Link-multiple that a read does not load.
    pub no_load: bool,
    /// `orderBy` this field is refused (from the field or from its type's `fieldDefs`).
    pub order_disabled: bool,
    /// The field can stand in `orderBy`: its type can be ordered, it has a column or an order of its own, and ordering is
    /// not switched off.
    pub orderable: bool,
    /// A value that tools cannot reach directly.
    pub direct_access_disabled: bool,
    /// Validated on an update even if the update does not send it.
    pub force_validation: bool,
    /// Operators of a field that computes its own filter (keys of `where`, such as `=`, `LIKE`, `IN`).
    pub where_operators: Vec<String>,
    /// Parent field if this is a part of a composite one (`billingAddress` for `billingAddressCity`).
    pub composite_of: Option<String>,
    /// Which part it is (`city`); set together with [`Field::composite_of`].
    pub composite_part: Option<String>,
    /// Names of all attributes of the field: the actual ones, then the derived ones.
    pub attributes: Vec<String>,
    /// Attributes that carry the data.
    pub actual_attributes: Vec<String>,
    /// Attributes that the server derives.
    pub not_actual_attributes: Vec<String>,
    /// Made by an administrator on this instance.
    pub is_custom: bool,
    /// The definition as merged.
    pub raw: Map<String, Value>,
}

impl Field {
    /// Whether a create must name the field: it is required, can be written, and the server has no default to fill in.
    #[must_use]
    pub fn required_on_create(&self) -> bool {
        let has_default = match &self.default {
            None | Some(Value::Null) => false,
            Some(Value::String(text)) => !text.is_empty() && !text.starts_with("javascript:"),
            Some(Value::Array(list)) => !list.is_empty(),
            Some(_) => true,
        };
        self.required && !has_default && !self.read_only && !self.disabled
    }
}

/// The values that an enum-like field allows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Options {
    /// No list is given: anything goes.
    #[default]
    Any,
    /// Only these, in this order. `""` stands for null. An empty list allows nothing.
    Listed(Vec<String>),
}

impl Options {
    /// The listed values; `None` when anything goes.
    #[must_use]
    pub fn listed(&self) -> Option<&[String]> {
        match self {
            Options::Any => None,
            Options::Listed(list) => Some(list),
        }
    }

    /// Whether the value is allowed.
    #[must_use]
    pub fn allows(&self, value: &str) -> bool {
        self.listed()
            .is_none_or(|list| list.iter().any(|o| o == value))
    }
}

/// Where the options of a field were found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum OptionsSource {
    /// The definition names none.
    #[default]
    None,
    /// `options` of the definition itself.
    Own,
    /// `optionsReference`: another field's.
    Reference {
        /// Entity type of that field.
        entity: String,
        /// That field.
        field: String,
    },
    /// `optionsPath`: somewhere in the metadata.
    Path(String),
}

/// A regular expression that a value must match as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// As written: an expression, or `$name` of a shared one.
    pub source: String,
    /// The expression without delimiters or anchors; `None` when a `$name` leads nowhere.
    pub regex: Option<String>,
}

/// One key of a record on the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// The key.
    pub name: String,
    /// The most specific field that it belongs to (`billingAddressCity` rather than `billingAddress`).
    pub field: Option<String>,
    /// The link whose ids, names or columns it carries.
    pub link: Option<String>,
    /// What part of its field or link it is.
    pub role: AttributeRole,
    /// What JSON it holds.
    pub value: ValueType,
    /// Allowed values, where [`Attribute::value`] is an enum of any kind.
    pub options: Options,
    /// Accepted in a create. False for derived and read-only attributes, and for those that the server sets itself
    /// (`createdAt`, `versionNumber`, counters).
    pub writable: bool,
    /// Accepted in a create and dropped in an update.
    pub create_only: bool,
    /// Has a column in the entity's own table.
    pub stored: bool,
    /// Comes with the record's own query: it has a column, an expression (`select`) or a join.
    pub selected: bool,
    /// Present in a list row when the request names no `select`.
    pub in_list: bool,
    /// Present when one record is read. Values that the server computes by code of its own may be present although this
    /// is false: the metadata does not tell.
    pub in_read: bool,
    /// Can stand as `attribute` of a where item that compares its value. Fields with [`Field::column`] take the
    /// `column…` items instead; ids of link-multiple fields are filtered by the link's name.
    pub filterable: bool,
    /// Can stand in `orderBy` (by the name of its field).
    pub orderable: bool,
    /// Exists for filters alone and never in a record (`phoneNumberNumeric`).
    pub filter_only: bool,
    /// Accepted and never returned (passwords).
    pub write_only: bool,
    /// What brings it into being.
    pub source: AttributeSource,
}

/// What brings an attribute into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeSource {
    /// A field definition.
    Field,
    /// A link that has no field of its name.
    Link,
    /// A switch of the scope or of the entity definition (`isFollowed`, `versionNumber`, …).
    Scope,
    /// The server's data layer (`id`, `deleted`, `name`).
    Orm,
}

/// What part of its field or link an attribute is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttributeRole {
    /// The field's one value (or the main one: an amount, a primary address).
    Value,
    /// Key of the record: `id`.
    RecordId,
    /// Id of a linked record (`accountId`, `parentId`, `fileId`).
    Id,
    /// Name of a linked record (`accountName`).
    Name,
    /// Entity type of a parent (`parentType`).
    ParentType,
    /// Ids of linked records (`teamsIds`).
    Ids,
    /// Their names by id (`teamsNames`).
    Names,
    /// Their middle-table columns by id (`contactsColumns`).
    Columns,
    /// Their MIME types by id (`attachmentsTypes`).
    Types,
    /// Currency code of an amount (`amountCurrency`).
    Currency,
    /// Amount in the base currency (`amountConverted`).
    Converted,
    /// Date of an all-day date-time (`dateEndDate`).
    Date,
    /// All addresses or numbers (`emailAddressData`).
    Data,
    /// `emailAddressIsOptedOut`
    IsOptedOut,
    /// `emailAddressIsInvalid`
    IsInvalid,
    /// Digits of a phone number, for filters (`phoneNumberNumeric`).
    Numeric,
    /// The joined name of a person (`name` over `firstName` and `lastName`).
    PersonName,
    /// A part of a person's name (`firstName`).
    PersonNamePart,
    /// A part of an address (`billingAddressCity`).
    AddressPart,
    /// An end of a range (`fromBudget`).
    RangePart,
    /// Soft-delete mark: `deleted`.
    Deleted,
    /// `versionNumber`
    Version,
    /// `isFollowed`
    IsFollowed,
    /// `isStarred`
    IsStarred,
    /// A part that only an extension's field type knows.
    Other,
}

/// What JSON an attribute holds. Every attribute may also be absent, and nearly every one null.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueType {
    /// Text.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number. Up to 64 bits.
    Int,
    /// A number. The server prints `100.0` as `100`.
    Float,
    /// A decimal number as text (`"1000.0000"`).
    Decimal,
    /// An amount of money as a number; its digits matter.
    Money,
    /// `YYYY-MM-DD`
    Date,
    /// `YYYY-MM-DD HH:MM:SS`, UTC.
    DateTime,
    /// Id of a record.
    Id {
        /// Its entity type, when the metadata knows it.
        target: Option<String>,
    },
    /// Id of a record whose entity type stands in the attribute of role [`AttributeRole::ParentType`].
    ParentId {
        /// Entity types allowed; empty when any is.
        entity_list: Vec<String>,
    },
    /// Name of an entity type.
    ParentType {
        /// Entity types allowed; empty when any is.
        entity_list: Vec<String>,
    },
    /// List of ids.
    IdList {
        /// Their entity type, when the metadata knows it.
        target: Option<String>,
    },
    /// Object: id → name.
    NameMap,
    /// Object: id → object of middle-table columns.
    ColumnMap {
        /// The columns.
        columns: Vec<Column>,
    },
    /// Object: id → MIME type.
    TypeMap,
    /// List of `{emailAddress, lower, primary, optOut, invalid}`.
    EmailData,
    /// List of `{phoneNumber, type, primary, optOut, invalid}`.
    PhoneData,
    /// Text out of [`Attribute::options`], which list at least one value.
    Enum,
    /// A whole number out of [`Attribute::options`]; the server does not check it.
    EnumInt,
    /// A number out of [`Attribute::options`]; the server does not check it.
    EnumFloat,
    /// List of texts out of [`Attribute::options`], which list at least one value.
    EnumList,
    /// List of texts.
    TextList,
    /// List of whole numbers.
    IntList,
    /// Any list.
    JsonArray,
    /// Any object.
    JsonObject,
    /// Any JSON value.
    Json,
}

/// One link definition, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The link's name: what stands in `GET {Entity}/{id}/{link}`.
    pub name: String,
    /// The type as the metadata has it.
    pub type_: LinkType,
    /// Target entity type; `None` for a polymorphic parent.
    pub entity: Option<String>,
    /// Whether the metadata has that target. An export made for an API user lacks those that the user may not read.
    pub target_known: bool,
    /// Name of the reverse link at the target.
    pub foreign: Option<String>,
    /// Middle table or special relationship.
    pub relation_name: Option<String>,
    /// How many stand on either side.
    pub cardinality: Cardinality,
    /// Middle columns `[near, far]` where given.
    pub mid_keys: Option<[String; 2]>,
    /// Middle-table columns of a many-to-many link, given on either side.
    pub columns: IndexMap<String, Column>,
    /// Middle-table column → attribute of *this* entity type, filled when its records are listed through the reverse link.
    pub column_attribute_map: IndexMap<String, String>,
    /// Allowed targets of a parent link; empty when any entity type is.
    pub entity_list: Vec<String>,
    /// Fixed values of middle-table columns.
    pub conditions: Map<String, Value>,
    /// The attribute of the target that stands as its name, where it is not `name`.
    pub foreign_name: Option<String>,
    /// There is no name attribute.
    pub no_foreign_name: bool,
    /// The name is not in list rows; a read loads it.
    pub no_join: bool,
    /// Link and unlink are refused.
    pub read_only: bool,
    /// Switched off.
    pub disabled: bool,
    /// Not in `entityDefs.*.links`: a field of type file, image or attachmentMultiple creates it.
    pub implicit: bool,
    /// A field of the same name exists.
    pub has_field: bool,
    /// The definition as merged.
    pub raw: Map<String, Value>,
}

impl Link {
    /// Whether `POST` and `DELETE` on `{Entity}/{id}/{link}` are allowed: has-many, many-to-many and children links that
    /// are not read-only.
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

/// The type of a link, as the metadata has it. Many-to-many is no type of its own: see [`Cardinality`].
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
    /// One that this crate does not know.
    Other(String),
}

/// How many records stand on either side of a link, seen from the entity type that owns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cardinality {
    /// Many of these to one of those; the key is here.
    ManyToOne,
    /// One to one.
    OneToOne {
        /// The key is an attribute of this entity type.
        key_here: bool,
    },
    /// One of these to many of those; the key is there.
    OneToMany,
    /// Many to many through a middle table.
    ManyToMany,
    /// Many of these to one record of any of several entity types; the keys are here.
    Parent,
    /// One of these to many of those, which have a [`Cardinality::Parent`] link.
    Children,
    /// The link's type is not known.
    Unknown,
}

/// A column of a middle table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The column's name (`role`).
    pub name: String,
    /// Its type as written (`varchar`, `bool`); empty when the metadata gives none.
    pub type_: String,
    /// What JSON it holds.
    pub value: ValueType,
    /// Allowed values, from the field that shows the column.
    pub options: Options,
    /// Largest length in characters.
    pub max_length: Option<u64>,
    /// Default value.
    pub default: Option<Value>,
    /// Attribute of the link's *target* that carries the column when targets are listed through the link.
    pub target_attribute: Option<String>,
    /// Attribute of the link's *owner* that carries the column when owners are listed through the reverse link.
    pub owner_attribute: Option<String>,
}

/// Something odd in the metadata, and how it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where, as a dotted path (`entityDefs.Account.links.deals`).
    pub path: String,
    /// What was found and what was made of it.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl Schema {
    /// The entity type of that name (exact spelling).
    #[must_use]
    pub fn entity_type(&self, name: &str) -> Option<&EntityType> {
        self.entity_types.get(name)
    }

    /// A field of an entity type.
    #[must_use]
    pub fn field(&self, entity: &str, field: &str) -> Option<&Field> {
        self.entity_type(entity)?.fields.get(field)
    }

    /// A link of an entity type.
    #[must_use]
    pub fn link(&self, entity: &str, link: &str) -> Option<&Link> {
        self.entity_type(entity)?.links.get(link)
    }

    /// The entity type that a link leads to, if the metadata has it.
    #[must_use]
    pub fn link_target(&self, entity: &str, link: &str) -> Option<&EntityType> {
        self.entity_type(self.link(entity, link)?.entity.as_deref()?)
    }

    /// The link at the target that leads back.
    #[must_use]
    pub fn reverse_link(&self, entity: &str, link: &str) -> Option<&Link> {
        let l = self.link(entity, link)?;
        self.link(l.entity.as_deref()?, l.foreign.as_deref()?)
    }

    /// The scope of that name, whether it is an entity type or not.
    #[must_use]
    pub fn scope(&self, name: &str) -> Option<&Scope> {
        self.entity_type(name)
            .map(|e| &e.scope)
            .or_else(|| self.other_scopes.get(name))
    }
}

impl EntityType {
    /// The attributes of a field, in the field's order. Empty for an unknown field.
    pub fn attributes_of<'a>(&'a self, field: &str) -> impl Iterator<Item = &'a Attribute> + 'a {
        let names = self
            .fields
            .get(field)
            .map(|f| f.attributes.as_slice())
            .unwrap_or_default();
        names.iter().filter_map(|name| self.attributes.get(name))
    }
}
