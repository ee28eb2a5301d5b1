//! The Rust types of attributes, with their decoding, encoding and comparison.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Debug;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::Id;
use super::place::Place;
use super::slot::{JsonSlot, ListSlot, NamesSlot, ParsedSlot, Slot, lenient_bool, lenient_text};
use super::time::format_timestamp;

/// A type of attributes.
///
/// Implemented for the types in the metadata. For a custom type that is created from the string on the wire, use
/// [`text_value!`](crate::text_value).
pub trait AttributeValue: Sized + Clone + PartialEq + Debug + Send + Sync + 'static {
    /// Returns the slot that fills `value`.
    #[doc(hidden)]
    fn slot(value: &mut Option<Self>) -> Slot<'_>;

    /// Returns the JSON that the server expects for this value.
    fn to_json(&self) -> Value;

    /// Returns the JSON that clears the attribute: null, unless the server ignores or rejects null for this type.
    #[doc(hidden)]
    fn cleared() -> Value {
        Value::Null
    }
}

/// An attribute of a record, of any type, for writing it back, showing it and comparing it.
#[doc(hidden)]
pub trait ToJson {
    /// The JSON of the value.
    fn json(&self) -> Value;

    /// The JSON that clears the attribute.
    fn cleared(&self) -> Value;

    /// The value, for `Debug` output.
    fn debug(&self) -> &dyn Debug;

    /// The value, for comparisons.
    fn any(&self) -> &dyn Any;

    /// Whether `other` is the same value.
    fn equals(&self, other: &dyn ToJson) -> bool;
}

impl<T: AttributeValue> ToJson for T {
    fn json(&self) -> Value {
        self.to_json()
    }

    fn cleared(&self) -> Value {
        T::cleared()
    }

    fn debug(&self) -> &dyn Debug {
        self
    }

    fn any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &dyn ToJson) -> bool {
        other.any().downcast_ref::<T>() == Some(self)
    }
}

/// The names of linked records by ID, as in `teamsNames`.
pub type Names<E> = BTreeMap<Id<E>, String>;

/// The media types of attached files by ID, as in `attachmentsTypes`.
pub type MediaTypes<E> = BTreeMap<Id<E>, String>;

/// The columns of a link by the ID of the linked record, as in `contactsColumns`.
pub type Columns<E, C> = BTreeMap<Id<E>, C>;

macro_rules! direct {
    ($($type:ty => $slot:ident, $value:ident => $json:expr $(, cleared $cleared:expr)?;)*) => {$(
        impl AttributeValue for $type {
            fn slot(value: &mut Option<Self>) -> Slot<'_> {
                Slot::$slot(value)
            }

            fn to_json(&self) -> Value {
                let $value = self;
                $json
            }

            $(fn cleared() -> Value {
                $cleared
            })?
        }
    )*};
}

direct! {
    String => Text, text => Value::from(text.as_str());
    bool => Bool, value => Value::from(*value), cleared Value::Bool(false);
    i64 => Int, number => Value::from(*number);
    f64 => Float, number => super::write::float_number(*number);
    Date => Date, date => Value::from(date.to_string());
    Timestamp => DateTime, time => Value::from(format_timestamp(*time));
    Decimal => Decimal, number => super::write::decimal_number(*number);
    Value => Json, json => json.clone();
}

impl<T: FromText> ParsedSlot for Option<T> {
    fn set(&mut self, text: Option<&str>) {
        *self = text.map(T::from_text);
    }
}

impl<E: ?Sized + 'static> AttributeValue for Id<E> {
    fn slot(value: &mut Option<Self>) -> Slot<'_> {
        Slot::Parsed(value)
    }

    fn to_json(&self) -> Value {
        Value::from(self.as_str())
    }
}

/// Makes a type that converts from and to strings usable as the type of an attribute, alone or in a list.
///
/// The type needs `From<&str>` and `as_str(&self) -> &str`; enums of
/// [`enumeration!`](crate::enumeration) have this already.
#[macro_export]
macro_rules! text_value {
    ($name:ident) => {
        impl $crate::typed::AttributeValue for $name {
            fn slot(value: &mut Option<Self>) -> $crate::typed::Slot<'_> {
                $crate::typed::Slot::Parsed(value)
            }

            fn to_json(&self) -> $crate::serde_json::Value {
                $crate::serde_json::Value::from(self.as_str())
            }
        }

        impl $crate::typed::FromText for $name {
            fn from_text(text: &str) -> Self {
                Self::from(text)
            }
        }
    };
}

/// A value that is created from a string. Infallible: unknown values are preserved.
pub trait FromText {
    /// Returns the value of a string.
    fn from_text(text: &str) -> Self;
}

impl FromText for String {
    fn from_text(text: &str) -> Self {
        text.to_owned()
    }
}

impl<E: ?Sized> FromText for Id<E> {
    fn from_text(text: &str) -> Self {
        Id::new(text)
    }
}

impl<T: FromText> ListSlot for Option<Vec<T>> {
    fn begin(&mut self, present: bool) {
        *self = present.then(Vec::new);
    }

    fn push(&mut self, text: &str) {
        self.get_or_insert_default().push(T::from_text(text));
    }
}

impl<T: FromText + AttributeValue> AttributeValue for Vec<T> {
    fn slot(value: &mut Option<Self>) -> Slot<'_> {
        Slot::List(value)
    }

    fn to_json(&self) -> Value {
        Value::Array(self.iter().map(AttributeValue::to_json).collect())
    }

    fn cleared() -> Value {
        Value::Array(Vec::new())
    }
}

impl<E: ?Sized> NamesSlot for Option<Names<E>> {
    fn begin(&mut self, present: bool) {
        *self = present.then(BTreeMap::new);
    }

    fn insert(&mut self, key: &str, text: &str) {
        self.get_or_insert_default()
            .insert(Id::new(key), text.to_owned());
    }
}

impl<E: ?Sized + 'static> AttributeValue for Names<E> {
    fn slot(value: &mut Option<Self>) -> Slot<'_> {
        Slot::Names(value)
    }

    fn to_json(&self) -> Value {
        Value::Object(
            self.iter()
                .map(|(id, name)| (id.to_string(), Value::from(name.as_str())))
                .collect(),
        )
    }
}

/// The columns that a link has for each linked record; implemented by [`columns!`](crate::columns).
pub trait ColumnSet: Sized + Clone + PartialEq + Debug + Default + Send + Sync + 'static {
    /// Reads the columns of one linked record. The error contains the column's name.
    #[doc(hidden)]
    fn from_json(value: Value) -> Result<Self, String>;

    /// Returns the columns in the form that the server expects; those that are `None` are left out.
    #[doc(hidden)]
    fn to_json(&self) -> Value;
}

impl<E: ?Sized, C: ColumnSet> JsonSlot for Option<Columns<E, C>> {
    fn set(&mut self, value: Value) -> Result<(), String> {
        *self = match value {
            Value::Null => None,
            Value::Array(items) if items.is_empty() => Some(BTreeMap::new()),
            Value::Object(entries) => {
                let columns = entries
                    .into_iter()
                    .map(|(id, row)| Ok((Id::new(id), C::from_json(row)?)));
                Some(columns.collect::<Result<_, String>>()?)
            }
            other => {
                return Err(format!(
                    "expected an object of columns by ID, found {}",
                    kind_of(&other)
                ));
            }
        };
        Ok(())
    }
}

impl<E: ?Sized + 'static, C: ColumnSet> AttributeValue for Columns<E, C> {
    fn slot(value: &mut Option<Self>) -> Slot<'_> {
        Slot::Other(value)
    }

    fn to_json(&self) -> Value {
        Value::Object(
            self.iter()
                .map(|(id, columns)| (id.to_string(), columns.to_json()))
                .collect(),
        )
    }
}

/// Reads one column; used by [`columns!`](crate::columns).
#[doc(hidden)]
pub fn column<T: AttributeValue>(
    slot: &mut Option<T>,
    name: &str,
    value: Value,
) -> Result<(), String> {
    use serde::de::DeserializeSeed;
    T::slot(slot)
        .deserialize(value)
        .map_err(|error: serde_json::Error| format!("column `{name}`: {error}"))
}

/// Defines the columns of a link: a struct of optional values that preserves unknown columns.
#[macro_export]
macro_rules! columns {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $(#[column($text:literal)] $column:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        $vis struct $name {
            $(#[doc = concat!("Column `", $text, "`.")] pub $column: Option<$type>,)*
            /// Columns that were unknown when this code was generated.
            pub other: $crate::JsonObject,
        }

        impl $name {
            /// Returns a value in which no column is set.
            pub fn new() -> Self {
                Self::default()
            }

            $(
                #[doc = concat!("Sets column `", $text, "`.")]
                pub fn $column(mut self, value: impl Into<$type>) -> Self {
                    self.$column = Some(value.into());
                    self
                }
            )*
        }

        impl $crate::typed::ColumnSet for $name {
            fn from_json(value: $crate::serde_json::Value) -> Result<Self, String> {
                let mut columns = Self::default();
                if let $crate::serde_json::Value::Object(entries) = value {
                    for (name, value) in entries {
                        match name.as_str() {
                            $($text => $crate::typed::column(&mut columns.$column, $text, value)?,)*
                            _ => { columns.other.insert(name, value); }
                        }
                    }
                }
                Ok(columns)
            }

            fn to_json(&self) -> $crate::serde_json::Value {
                let mut entries = self.other.clone();
                $(if let Some(value) = &self.$column {
                    entries.insert($text.to_owned(), $crate::typed::AttributeValue::to_json(value));
                })*
                $crate::serde_json::Value::Object(entries)
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::serde::Serialize::serialize(&$crate::typed::ColumnSet::to_json(self), serializer)
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::typed::deserialize_columns(deserializer)
            }
        }
    };
}

/// One address in `emailAddressData`; the primary one comes first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EmailAddressRow {
    /// The address as entered.
    #[serde(deserialize_with = "lenient_text")]
    pub email_address: String,
    /// The address in lower case; set by the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower: Option<String>,
    /// Whether it is the record's primary address.
    #[serde(deserialize_with = "lenient_bool")]
    pub primary: bool,
    /// Whether its owner opted out of mass email.
    #[serde(deserialize_with = "lenient_bool")]
    pub opt_out: bool,
    /// Whether email to it bounced.
    #[serde(deserialize_with = "lenient_bool")]
    pub invalid: bool,
    /// Other keys that the server sent.
    #[serde(flatten)]
    pub other: crate::JsonObject,
}

/// One number in `phoneNumberData`; the primary one comes first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PhoneNumberRow {
    /// The number, in E.164 form unless the instance disabled it.
    #[serde(deserialize_with = "lenient_text")]
    pub phone_number: String,
    /// One of the field's `typeList`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it is the record's primary number.
    #[serde(deserialize_with = "lenient_bool")]
    pub primary: bool,
    /// Whether its owner opted out.
    #[serde(deserialize_with = "lenient_bool")]
    pub opt_out: bool,
    /// Whether the number does not work.
    #[serde(deserialize_with = "lenient_bool")]
    pub invalid: bool,
    /// Other keys that the server sent.
    #[serde(flatten)]
    pub other: crate::JsonObject,
}

macro_rules! rows {
    ($($type:ty),*) => {$(
        impl JsonSlot for Option<Vec<$type>> {
            fn set(&mut self, value: Value) -> Result<(), String> {
                *self = from_value(in_array(value))?;
                Ok(())
            }
        }

        impl AttributeValue for Vec<$type> {
            fn slot(value: &mut Option<Self>) -> Slot<'_> {
                Slot::Other(value)
            }

            fn to_json(&self) -> Value {
                serde_json::to_value(self).unwrap_or_default()
            }

            fn cleared() -> Value {
                Value::Array(Vec::new())
            }
        }
    )*};
}

rows!(EmailAddressRow, PhoneNumberRow, i64);

/// PHP prints an array whose keys have gaps as an object.
pub(super) fn in_array(value: Value) -> Value {
    match value {
        Value::Object(items) => items.into_iter().map(|(_, item)| item).collect(),
        other => other,
    }
}

fn from_value<T: DeserializeOwned>(value: Value) -> Result<Option<T>, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A field without a value, for generated code.
#[doc(hidden)]
pub fn empty<P: Place>() -> P {
    P::empty()
}

/// Returns the slot of a field, for generated code.
#[doc(hidden)]
pub fn slot<P: Place>(place: &mut P) -> Slot<'_> {
    place.slot()
}

/// Returns the value of a field, for generated code.
#[doc(hidden)]
pub fn value<P: Place>(place: &P) -> Option<&dyn ToJson> {
    place.value()
}
