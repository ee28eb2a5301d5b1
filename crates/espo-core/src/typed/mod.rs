//! The typed layer: the building blocks of generated code, and the operations on records, implemented once for all
//! entity types.
//!
//! Generated code consists of structs, constants, enums and setters. This module contains the code that decodes,
//! filters, sends and links records.

pub mod access;
mod changes;
mod check;
mod decode;
mod enumeration;
mod field;
mod filter;
mod id;
mod into_id;
mod journal;
mod keyset;
pub mod kind;
mod labels;
pub mod link;
mod list;
mod many;
mod named_filter;
mod paging;
mod parent;
mod place;
pub mod projection;
mod reader;
mod record;
mod record_ref;
mod records;
mod related;
pub mod roles;
mod schema;
mod secret;
mod select;
mod slot;
mod time;
mod upsert;
mod value;
mod wire;
mod write;

pub use check::{OnRebuild, SchemaDifference, SchemaDifferenceKind, differences};
pub use decode::{Decode, DecodeError, Page};
pub use enumeration::Enumeration;
pub use field::{Field, OrderBy};
pub use filter::Filter;
pub use id::{AnyId, Id};
pub(crate) use into_id::texts;
pub use into_id::{AnyRef, IntoId};
pub use journal::Journal;
pub use labels::Labels;
pub use link::{Link, LinkOf};
pub use list::{BoxStream, ListRequest};
pub use many::{Write, WriteMany, Written};
pub use named_filter::{BoolFilter, IsBoolFilter, IsPrimaryFilter, PrimaryFilter};
pub use paging::Paging;
pub(crate) use paging::{Guard, collect};
pub use parent::ParentRef;
pub use place::Place;
pub use projection::Projection;
pub use record::{
    Access, Attribute, Entity, ExpectedEntity, Pair, Record, RecordMeta, debug, equal,
};
pub use record_ref::RecordRef;
pub use records::{CreateRequest, Editable, NewRecord, Records, SaveRequest, UpdateRequest};
pub(crate) use records::{decode_error_in_page, decode_page, decode_record};
pub use related::Related;
pub use roles::HasStream;
pub use schema::{NotGenerated, Schema, Untyped};
pub use select::Select;
pub use slot::Slot;
pub use time::DateOrTime;
pub use upsert::{Key, UpsertRequest, Upserted};
pub use value::{
    AttributeValue, ColumnSet, Columns, EmailAddressRow, FromText, MediaTypes, Names,
    PhoneNumberRow, ToJson, column, empty, slot, value,
};
#[doc(hidden)]
pub use wire::{
    deserialize_columns, deserialize_parent, deserialize_record, deserialize_text,
    serialize_parent, serialize_record,
};
pub use write::{Attributes, Clearable, Create, Settable, Update};

/// The imports of generated modules.
#[doc(hidden)]
pub mod generated {
    pub use jiff::Timestamp;
    pub use jiff::civil::Date;
    pub use rust_decimal::Decimal;
    pub use serde_json::Value;

    pub use super::{
        AnyId, Attributes, BoolFilter, Columns, Create, DateOrTime, EmailAddressRow, Entity, Field,
        HasStream, Id, Link, MediaTypes, Names, NewRecord, ParentRef, PhoneNumberRow,
        PrimaryFilter, RecordMeta, RecordRef, Related, Update, access, kind, link, roles,
    };
    pub use crate::JsonObject;
}
