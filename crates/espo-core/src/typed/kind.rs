//! Kinds of attributes: their values, and the filters and orders that they support.
//!
//! A kind is only a type parameter of a [`Field`](super::Field); it has no values. A kind has a capability only if the
//! server evaluates the condition; for other attributes, the server returns 500 or ignores it.

use std::marker::PhantomData;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::enumeration::Enumeration;
use super::time::format_timestamp;
use super::value::AttributeValue;
use super::write::decimal_number;

/// How the server evaluates days, months and similar periods for an attribute.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The attribute is neither a date nor a time.
    None,
    /// A date: the time zone counts only for an item with `date: true`.
    Date,
    /// A time: the item contains `dateTime: true`.
    DateTime,
}

/// The content of an attribute.
pub trait Kind {
    /// The Rust type of its value.
    type Value: AttributeValue;

    #[doc(hidden)]
    const CLOCK: Clock = Clock::None;

    /// Whether a page can begin after a value: the server compares values in the same order in which it sorts them, and
    /// a row contains the exact value.
    #[doc(hidden)]
    const IS_KEY: bool = false;
}

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident: $value:ty $(, $clock:ident)? $(=> $is_key:literal)?;)*) => {$(
        $(#[$meta])*
        #[derive(Debug)]
        pub enum $name {}

        impl Kind for $name {
            type Value = $value;
            $(const CLOCK: Clock = Clock::$clock;)?
            $(const IS_KEY: bool = $is_key;)?
        }
    )*};
}

kinds! {
    /// A string: varchar, text, URL, email address, phone number, …
    Text: String => true;
    /// A boolean.
    Bool: bool;
    /// An integer.
    Int: i64 => true;
    /// A floating point number.
    Float: f64;
    /// An exact decimal number: the amount of a currency field, a decimal field.
    Money: Decimal => true;
    /// A calendar date.
    Date: jiff::civil::Date, Date => true;
    /// A point in time, UTC, in whole seconds.
    DateTime: Timestamp, DateTime => true;
    /// The type of a polymorphic parent.
    TypeName: String;
    /// A boolean that the server reads from a joined table: it can only be tested for true and false.
    Flag: bool;
}

/// One of the options `T`.
#[derive(Debug)]
pub struct Enum<T>(PhantomData<fn() -> T>);

impl<T: AttributeValue + Enumeration> Kind for Enum<T> {
    type Value = T;
}

/// A list of `T`: the options of a multi-enum, or strings.
#[derive(Debug)]
pub struct Items<T>(PhantomData<fn() -> T>);

impl<T: AttributeValue> Kind for Items<T>
where
    Vec<T>: AttributeValue,
{
    type Value = Vec<T>;
}

/// The ID of a record of entity type `T`.
#[derive(Debug)]
pub struct Id<T: ?Sized>(PhantomData<fn() -> Box<T>>);

impl<T: ?Sized + 'static> Kind for Id<T> {
    type Value = super::Id<T>;
    const IS_KEY: bool = true;
}

/// A value that can be selected, but neither filtered nor ordered by.
#[derive(Debug)]
pub struct Opaque<T>(PhantomData<fn() -> T>);

impl<T: AttributeValue> Kind for Opaque<T> {
    type Value = T;
}

/// A set that a write replaces as a whole: IDs of linked records, or rows of addresses. It can be selected, but not
/// filtered (use the link) or ordered by. Clearing it sends an empty list, because the server ignores null.
#[derive(Debug)]
pub struct Set<T>(PhantomData<fn() -> T>);

impl<T: AttributeValue> Kind for Set<T> {
    type Value = T;
}

/// A kind `K` whose value is a user-defined type, by an override of the generator.
#[derive(Debug)]
pub struct Own<T, K>(PhantomData<fn() -> (T, K)>);

impl<T: AttributeValue, K: Kind> Kind for Own<T, K> {
    type Value = T;
    const CLOCK: Clock = K::CLOCK;
    const IS_KEY: bool = K::IS_KEY;
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

macro_rules! wrappers {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Debug)]
        pub struct $name<K>(PhantomData<fn() -> K>);

        impl<K: Kind> Kind for $name<K> {
            type Value = K::Value;
            const CLOCK: Clock = K::CLOCK;
        }

        impl<K: Kind, T: Operand<K>> Operand<$name<K>> for T {
            fn operand(self) -> Value {
                Operand::<K>::operand(self)
            }
        }
    )*};
}

wrappers! {
    /// A kind whose field the server cannot order by (`orderDisabled`).
    Unordered;
    /// A kind of an attribute that lists never contain, even if it is selected.
    Unlisted;
    /// An email address or phone number, which is stored in another table: supports all filters except order
    /// comparisons.
    Unranked;
    /// A person's name or another value that the server builds for the search: supports equality and patterns, but not
    /// order or membership.
    Pattern;
    /// A value of a relationship, such as the acceptance status of an invitation: equality and membership only.
    Status;
    /// An amount in the base currency, computed for the search: equality and order, no membership.
    Converted;
    /// The ID of a record behind one of several links: supports equality and membership.
    Linked;
    /// A value that can only be tested for equality.
    Exact;
}

/// Implements a capability for base kinds with their generics, and for wrappers of kinds that have it.
macro_rules! capability {
    (
        $(#[$meta:meta])* $name:ident, $message:literal:
        $({$($generics:tt)*} $kind:ty),*; through $($wrapper:ident),*; always $($always:ident),*
    ) => {
        $(#[$meta])*
        #[diagnostic::on_unimplemented(message = $message)]
        pub trait $name: Kind {}

        $(impl<$($generics)*> $name for $kind {})*
        $(impl<K: $name> $name for $wrapper<K> {})*
        $(impl<K: Kind> $name for $always<K> {})*
        impl<T: AttributeValue, K: $name> $name for Own<T, K> {}
    };
}

capability!(
    /// A kind that can be tested for equality.
    Equal, "an attribute of kind `{Self}` cannot be compared with a value":
    {} Text,
    {} Bool,
    {} Int,
    {} Float,
    {} Money,
    {} Date,
    {} DateTime,
    {} TypeName,
    {T: AttributeValue + Enumeration} Enum<T>,
    {T: ?Sized + 'static} Id<T>;
    through Unordered, Unlisted; always Unranked, Pattern, Status, Converted, Linked, Exact
);

capability!(
    /// A kind that can be tested for equality and inequality.
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
    {T: ?Sized + 'static} Id<T>;
    through Unordered, Unlisted; always Unranked, Pattern, Status, Converted, Linked
);

capability!(
    /// A kind that can be tested for membership in a list of values.
    Member, "the server cannot test an attribute of kind `{Self}` for membership in a list of values":
    {} Text,
    {} Bool,
    {} Int,
    {} Float,
    {} Money,
    {} Date,
    {} DateTime,
    {} TypeName,
    {T: AttributeValue + Enumeration} Enum<T>,
    {T: ?Sized + 'static} Id<T>;
    through Unordered, Unlisted; always Unranked, Status, Linked
);

capability!(
    /// A kind that can be tested for null.
    Nullable, "the server cannot test an attribute of kind `{Self}` for null":
    {} Text,
    {} Bool,
    {} Int,
    {} Float,
    {} Money,
    {} Date,
    {} DateTime,
    {} TypeName,
    {T: AttributeValue + Enumeration} Enum<T>,
    {T: AttributeValue + super::value::FromText} Items<T>,
    {T: ?Sized + 'static} Id<T>;
    through Unordered, Unlisted; always Unranked, Pattern, Converted, Linked
);

capability!(
    /// A kind whose values the server can compare by order.
    Ordered, "the server cannot compare the values of kind `{Self}` by order":
    {} Text,
    {} Int,
    {} Float,
    {} Money,
    {} Date,
    {} DateTime,
    {T: ?Sized + 'static} Id<T>;
    through Unordered, Unlisted; always Converted
);

capability!(
    /// A kind that supports string searches.
    Textual, "an attribute of kind `{Self}` cannot be searched as text":
    {} Text,
    {T: AttributeValue + Enumeration} Enum<T>;
    through Unordered, Unlisted, Unranked, Pattern; always
);

capability!(
    /// A date or a point in time.
    Temporal, "an attribute of kind `{Self}` is not a date":
    {} Date,
    {} DateTime;
    through Unordered, Unlisted; always
);

capability!(
    /// A kind that can be tested for true and false.
    Boolean, "an attribute of kind `{Self}` is not a boolean":
    {} Bool,
    {} Flag;
    through Unordered, Unlisted; always
);

capability!(
    /// A kind that a list can be ordered by.
    Sortable, "lists cannot be ordered by an attribute of kind `{Self}`":
    {} Text,
    {} Bool,
    {} Int,
    {} Float,
    {} Money,
    {} Date,
    {} DateTime,
    {} TypeName,
    {} Flag,
    {T: AttributeValue + Enumeration} Enum<T>,
    {T: ?Sized + 'static} Id<T>;
    through Unlisted, Unranked, Pattern, Status, Converted, Linked, Exact; always
);

capability!(
    /// A kind of an attribute that lists can contain.
    Listed, "lists never contain an attribute of kind `{Self}`; read the record by its ID instead":
    {} Text,
    {} Bool,
    {} Int,
    {} Float,
    {} Money,
    {} Date,
    {} DateTime,
    {} TypeName,
    {} Flag,
    {T: AttributeValue + Enumeration} Enum<T>,
    {T: AttributeValue + super::value::FromText} Items<T>,
    {T: AttributeValue} Set<T>,
    {T: AttributeValue} Opaque<T>,
    {T: ?Sized + 'static} Id<T>;
    through Unordered, Unranked, Pattern, Status, Converted, Linked, Exact; always
);

/// A kind whose value is a list.
#[diagnostic::on_unimplemented(message = "an attribute of kind `{Self}` is not a list")]
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

impl<K: List> List for Unlisted<K> {
    type Item = K::Item;
}

/// A kind of an attribute that can be cleared.
#[doc(hidden)]
pub trait Clear: Kind {
    /// The value that clears the attribute.
    fn cleared() -> Value;
}

macro_rules! clears {
    ($($({$($generics:tt)*})? $kind:ty => $value:expr;)*) => {$(
        impl$(<$($generics)*>)? Clear for $kind {
            fn cleared() -> Value {
                $value
            }
        }
    )*};
}

clears! {
    Text => Value::Null;
    // The generated constants of booleans have an access that does not allow clearing: the server returns 500 for null.
    Bool => Value::from(false);
    Flag => Value::from(false);
    Int => Value::Null;
    Float => Value::Null;
    Money => Value::Null;
    Date => Value::Null;
    DateTime => Value::Null;
    TypeName => Value::Null;
    {T: AttributeValue + Enumeration} Enum<T> => Value::Null;
    {T: ?Sized + 'static} Id<T> => Value::Null;
    {T: AttributeValue} Opaque<T> => Value::Null;
    {T: AttributeValue + super::value::FromText} Items<T> => Value::Array(Vec::new());
    {T: AttributeValue} Set<T> => Value::Array(Vec::new());
    {K: Clear} Unordered<K> => K::cleared();
    {K: Clear} Unlisted<K> => K::cleared();
    {K: Clear} Unranked<K> => K::cleared();
    {K: Clear} Pattern<K> => K::cleared();
    {K: Clear} Status<K> => K::cleared();
    {K: Clear} Converted<K> => K::cleared();
    {K: Clear} Linked<K> => K::cleared();
    {K: Clear} Exact<K> => K::cleared();
    {T: AttributeValue, K: Clear} Own<T, K> => K::cleared();
}

/// A value to compare an attribute of kind `K` with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a valid value for an attribute of kind `{K}`"
)]
pub trait Operand<K: ?Sized> {
    /// The value in the form of a where item.
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

pub(super) fn operands<K>(values: impl IntoIterator<Item = impl Operand<K>>) -> Vec<Value> {
    values.into_iter().map(Operand::operand).collect()
}

/// The ID of a record of any entity type.
pub type AnyId = Id<crate::JsonObject>;

/// The ID of a linked record: lists are ordered by the link, not by its ID.
pub type Ref<T> = Unordered<Id<T>>;

/// The name of a linked record: lists are ordered by the link.
pub type RefName = Unordered<Text>;
