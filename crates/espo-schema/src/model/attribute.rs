//! Attributes: the keys of a record on the wire.

use super::{Column, Options};

/// One key of a record on the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// The key.
    pub name: String,
    /// The most specific field that it belongs to (`billingAddressCity` rather than `billingAddress`).
    pub field: Option<String>,
    /// The link whose IDs, names or columns it contains.
    pub link: Option<String>,
    /// Its role within its field or link.
    pub role: AttributeRole,
    /// The type of its JSON value.
    pub value: ValueType,
    /// Allowed values, if [`Attribute::value`] is an enum of any kind.
    pub options: Options,
    /// Accepted in a create. False for derived and read-only attributes, and for those that the server sets itself
    /// (`createdAt`, `versionNumber`, counters).
    pub writable: bool,
    /// Accepted in a create and dropped in an update.
    pub create_only: bool,
    /// Has a column in the entity's own table.
    pub stored: bool,
    /// Loaded by the record's own query: it has a column, an expression (`select`) or a join.
    pub selected: bool,
    /// Present in a list row if the request has no `select`.
    pub in_list: bool,
    /// Present if a single record is read. Values that the server computes in code may be present although this is
    /// false, because the metadata does not describe them.
    pub in_read: bool,
    /// Can be the `attribute` of a where item that compares its value. Fields with [`Field::column`](super::Field::column) take the
    /// `column…` items instead; IDs of link-multiple fields are filtered by the link's name.
    pub filterable: bool,
    /// Can be used in `orderBy` (by the name of its field).
    pub orderable: bool,
    /// Exists only for filters and never in a record (`phoneNumberNumeric`).
    pub filter_only: bool,
    /// Accepted but never returned (passwords).
    pub write_only: bool,
    /// The definition that creates it.
    pub source: AttributeSource,
}

/// The definition that creates an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeSource {
    /// A field definition.
    Field,
    /// A link for which there is no field with the same name.
    Link,
    /// A switch of the scope or of the entity definition (`isFollowed`, `versionNumber`, …).
    Scope,
    /// The server's data layer (`id`, `deleted`, `name`).
    Orm,
}

/// The role of an attribute within its field or link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttributeRole {
    /// The field's only or main value, such as an amount or a primary address.
    Value,
    /// Key of the record: `id`.
    RecordId,
    /// ID of a linked record (`accountId`, `parentId`, `fileId`).
    Id,
    /// Name of a linked record (`accountName`).
    Name,
    /// Entity type of a parent (`parentType`).
    ParentType,
    /// IDs of linked records (`teamsIds`).
    Ids,
    /// Names of linked records by ID (`teamsNames`).
    Names,
    /// Middle-table columns of linked records by ID (`contactsColumns`).
    Columns,
    /// MIME types of linked files by ID (`attachmentsTypes`).
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
    /// A part that is specific to an extension's field type.
    Other,
}

/// The type of an attribute's JSON value. Every attribute may also be absent, and nearly every attribute may be null.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueType {
    /// Text.
    Text,
    /// `true` or `false`.
    Bool,
    /// An integer of up to 64 bits.
    Int,
    /// A number. The server prints `100.0` as `100`.
    Float,
    /// A decimal number as a string (`"1000.0000"`).
    Decimal,
    /// An amount of money as a number; its digits must be preserved.
    Money,
    /// `YYYY-MM-DD`
    Date,
    /// `YYYY-MM-DD HH:MM:SS`, UTC.
    DateTime,
    /// ID of a record.
    Id {
        /// Its entity type, if it is in the metadata.
        target: Option<String>,
    },
    /// ID of a record whose entity type is in the attribute with the role [`AttributeRole::ParentType`].
    ParentId {
        /// Allowed entity types; empty if any is allowed.
        entity_list: Vec<String>,
    },
    /// Name of an entity type.
    ParentType {
        /// Allowed entity types; empty if any is allowed.
        entity_list: Vec<String>,
    },
    /// List of IDs.
    IdList {
        /// Their entity type, if it is in the metadata.
        target: Option<String>,
    },
    /// Object: ID → name.
    NameMap,
    /// Object: ID → object of middle-table columns.
    ColumnMap {
        /// The columns.
        columns: Vec<Column>,
    },
    /// Object: ID → MIME type.
    TypeMap,
    /// List of `{emailAddress, lower, primary, optOut, invalid}`.
    EmailData,
    /// List of `{phoneNumber, type, primary, optOut, invalid}`.
    PhoneData,
    /// One of [`Attribute::options`], which contain at least one value.
    Enum,
    /// An integer from [`Attribute::options`]; the server does not check it.
    EnumInt,
    /// A number from [`Attribute::options`]; the server does not check it.
    EnumFloat,
    /// List of strings from [`Attribute::options`], which contain at least one value.
    EnumList,
    /// List of strings.
    TextList,
    /// List of integers.
    IntList,
    /// Any array.
    JsonArray,
    /// Any object.
    JsonObject,
    /// Any JSON value.
    Json,
}
