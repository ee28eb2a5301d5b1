//! Kinds of attributes: what each holds, and what it can therefore be filtered and ordered by.
//!
//! A kind is only a name in the type of a [`Field`](super::Field); it has no values.

use std::marker::PhantomData;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::enumeration::Enumeration;
use super::value::{AttributeValue, format_timestamp};
use super::write::decimal_number;

/// What an attribute holds.
pub trait Kind {
    /// The Rust type of its value.
    type Value: AttributeValue;
}

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident: $value:ty;)*) => {$(
        $(#[$meta])*
        #[derive(Debug)]
        pub enum $name {}

        impl Kind for $name {
            type Value = $value;
        }
    )*};
}

kinds! {
    /// A text: varchar, text, url, e-mail address, phone number, …
    Text: String;
    /// A boolean.
    Bool: bool;
    /// A whole number.
    Int: i64;
    /// A floating point number.
    Float: f64;
    /// An exact decimal number: the amount of a currency field, a decimal field.
    Money: Decimal;
    /// A calendar date.
    Date: jiff::civil::Date;
    /// A point in time, UTC, in whole seconds.
    DateTime: Timestamp;
    /// The type of a polymorphic parent.
    TypeName: String;
}

/// One of the options `T`.
#[derive(Debug)]
pub struct Enum<T>(PhantomData<fn() -> T>);

impl<T: AttributeValue + Enumeration> Kind for Enum<T> {
    type Value = T;
}

/// A list of `T`: the options of a multi-enum, or texts.
#[derive(Debug)]
pub struct Items<T>(PhantomData<fn() -> T>);

impl<T: AttributeValue> Kind for Items<T>
where
    Vec<T>: AttributeValue,
{
    type Value = Vec<T>;
}

/// The id of a record of entity type `T`.
#[derive(Debug)]
pub struct Id<T: ?Sized>(PhantomData<fn() -> Box<T>>);

impl<T: ?Sized + 'static> Kind for Id<T> {
    type Value = super::Id<T>;
}

/// A value that can be selected, but neither filtered nor ordered by.
#[derive(Debug)]
pub struct Opaque<T>(PhantomData<fn() -> T>);

impl<T: AttributeValue> Kind for Opaque<T> {
    type Value = T;
}

/// A kind `K` whose value is a type of the user's own, by an override of the generator.
#[derive(Debug)]
pub struct Own<T, K>(PhantomData<fn() -> (T, K)>);

impl<T: AttributeValue, K: Kind> Kind for Own<T, K> {
    type Value = T;
}

impl<T: AttributeValue, K: Kind> Operand<Own<T, K>> for T {
    fn operand(self) -> Value {
        self.to_json()
    }
}

impl<T: AttributeValue, K: Kind> Operand<Own<T, K>> for &T {
    fn operand(self) -> Value {
        self.to_json()
    }
}

/// A kind whose field the server does not order by (`orderDisabled`).
#[derive(Debug)]
pub struct Unordered<K>(PhantomData<fn() -> K>);

impl<K: Kind> Kind for Unordered<K> {
    type Value = K::Value;
}

macro_rules! capability {
    ($(#[$meta:meta])* $name:ident, $message:literal: $({$($generics:tt)*} $kind:ty),*) => {
        $(#[$meta])*
        #[diagnostic::on_unimplemented(message = $message)]
        pub trait $name: Kind {}

        $(impl<$($generics)*> $name for $kind {})*
        impl<T: AttributeValue, K: $name> $name for Own<T, K> {}
    };
}

capability!(
    /// A kind that can be compared with a value.
    Comparable, "an attribute of kind `{Self}` cannot be compared with a value":
    {} Text,
    {} Bool,
    {} Int,
    {} Float,
    {} Money,
    {} Date,
    {} DateTime,
    {} TypeName,
    {T: AttributeValue + Enumeration} Enum<T>,
    {T: ?Sized + 'static} Id<T>,
    {K: Comparable} Unordered<K>
);

capability!(
    /// A kind whose values have an order.
    Ordered, "the values of kind `{Self}` have no order":
    {} Text,
    {} Int,
    {} Float,
    {} Money,
    {} Date,
    {} DateTime,
    {T: ?Sized + 'static} Id<T>,
    {K: Ordered} Unordered<K>
);

capability!(
    /// A kind that is searched as text.
    Textual, "an attribute of kind `{Self}` is no text to search in":
    {} Text,
    {T: AttributeValue + Enumeration} Enum<T>,
    {K: Textual} Unordered<K>
);

capability!(
    /// A date or a point in time.
    Temporal, "an attribute of kind `{Self}` is no date":
    {} Date,
    {} DateTime,
    {K: Temporal} Unordered<K>
);

capability!(
    /// A truth value.
    Boolean, "an attribute of kind `{Self}` is no boolean":
    {} Bool,
    {K: Boolean} Unordered<K>
);

capability!(
    /// A kind that a list can be ordered by.
    Sortable, "the server does not order by an attribute of kind `{Self}`":
    {} Text,
    {} Bool,
    {} Int,
    {} Float,
    {} Money,
    {} Date,
    {} DateTime,
    {} TypeName,
    {T: AttributeValue + Enumeration} Enum<T>,
    {T: ?Sized + 'static} Id<T>
);

/// A kind that holds a list, and what its items are.
#[diagnostic::on_unimplemented(message = "an attribute of kind `{Self}` is no list")]
pub trait List: Kind {
    /// The type of an item.
    type Item: AttributeValue;
}

impl<T: AttributeValue> List for Items<T>
where
    Vec<T>: AttributeValue,
{
    type Item = T;
}

impl<K: List> List for Unordered<K> {
    type Item = K::Item;
}

/// A value to compare an attribute of kind `K` with.
#[diagnostic::on_unimplemented(message = "a `{Self}` is no value for an attribute of kind `{K}`")]
pub trait Operand<K: ?Sized> {
    /// The value as a where item holds it.
    fn operand(self) -> Value;
}

macro_rules! operands {
    ($($kind:ty: $($type:ty),* => $value:ident $json:expr;)*) => {$($(
        impl Operand<$kind> for $type {
            fn operand(self) -> Value {
                let $value = self;
                $json
            }
        }
    )*)*};
}

operands! {
    Text: &str, String, &String => text Value::from(AsRef::<str>::as_ref(&text));
    TypeName: &str, String => text Value::from(AsRef::<str>::as_ref(&text));
    Bool: bool => value Value::from(value);
    Int: i64, i32, u32, u8, u16, i16 => number Value::from(number);
    Float: f64, f32, i64, i32, u32 => number Value::from(number);
    Money: Decimal => number decimal_number(number);
    Money: i64, i32, u32 => number decimal_number(Decimal::from(number));
    Date: jiff::civil::Date => date Value::from(date.to_string());
    DateTime: Timestamp => time Value::from(format_timestamp(time));
    DateTime: jiff::civil::Date => date Value::from(date.to_string());
}

impl<T: AttributeValue + Enumeration> Operand<Enum<T>> for T {
    fn operand(self) -> Value {
        Value::from(self.as_str())
    }
}

impl<T: AttributeValue + Enumeration> Operand<Enum<T>> for &T {
    fn operand(self) -> Value {
        Value::from(self.as_str())
    }
}

impl<T: ?Sized + 'static> Operand<Id<T>> for super::Id<T> {
    fn operand(self) -> Value {
        Value::from(self.as_str())
    }
}

impl<T: ?Sized + 'static> Operand<Id<T>> for &super::Id<T> {
    fn operand(self) -> Value {
        Value::from(self.as_str())
    }
}

impl<K: Kind, T: Operand<K>> Operand<Unordered<K>> for T {
    fn operand(self) -> Value {
        Operand::<K>::operand(self)
    }
}

pub(super) fn operands<K>(values: impl IntoIterator<Item = impl Operand<K>>) -> Vec<Value> {
    values.into_iter().map(Operand::operand).collect()
}

/// The id of a record of any entity type.
pub type AnyId = Id<dyn std::any::Any>;

/// The id of a linked record: a list is ordered by the link, not by its id.
pub type Ref<T> = Unordered<Id<T>>;

/// The name of a linked record: a list is ordered by the link.
pub type RefName = Unordered<Text>;
