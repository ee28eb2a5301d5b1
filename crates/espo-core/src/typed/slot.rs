//! Conversion of the server's JSON into Rust values.
//!
//! The generated code maps an attribute's index to a [`Slot`]; the rest is in this module and is compiled once for all
//! entity types. It accepts the irregular forms that the server is known to send: a number as a string, an integral
//! float as an integer, PHP's `[]` for an empty object, an array with gaps as an object.

mod scalar;

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};
use serde_json::Value;

use super::time::{parse_date, parse_timestamp};
use scalar::{Scalar, ScalarVisitor};
pub(super) use scalar::{lenient_bool, lenient_int, lenient_text};

/// The target of one attribute in a record.
#[doc(hidden)]
pub enum Slot<'a> {
    /// A string.
    Text(&'a mut Option<String>),
    /// A boolean; 0, 1 and their strings are accepted.
    Bool(&'a mut Option<bool>),
    /// An integer.
    Int(&'a mut Option<i64>),
    /// A number.
    Float(&'a mut Option<f64>),
    /// An exact decimal number, as a number or string.
    Decimal(&'a mut Option<Decimal>),
    /// `YYYY-MM-DD`.
    Date(&'a mut Option<Date>),
    /// `YYYY-MM-DD HH:MM:SS` in UTC.
    DateTime(&'a mut Option<Timestamp>),
    /// A value created from a string: an ID, an enum option.
    Parsed(&'a mut dyn ParsedSlot),
    /// An array of strings: IDs, options, plain strings.
    List(&'a mut dyn ListSlot),
    /// An object that maps IDs to strings.
    Names(&'a mut dyn NamesSlot),
    /// Any JSON, stored unchanged.
    Json(&'a mut Option<Value>),
    /// Any other type, created from a JSON value.
    Other(&'a mut dyn JsonSlot),
}

/// A slot for a string.
#[doc(hidden)]
pub trait ParsedSlot {
    /// Sets the value, or empties the slot.
    fn set(&mut self, text: Option<&str>);
}

/// A slot for an array of strings.
#[doc(hidden)]
pub trait ListSlot {
    /// Clears the slot (`false`) or sets it to an empty list (`true`).
    fn begin(&mut self, present: bool);
    /// Adds an item.
    fn push(&mut self, text: &str);
}

/// A slot for an object of strings.
#[doc(hidden)]
pub trait NamesSlot {
    /// Clears the slot (`false`) or sets it to an empty map (`true`).
    fn begin(&mut self, present: bool);
    /// Adds an entry.
    fn insert(&mut self, key: &str, text: &str);
}

/// A slot for any JSON value.
#[doc(hidden)]
pub trait JsonSlot {
    /// Sets the value; the error contains the expected type.
    fn set(&mut self, value: Value) -> Result<(), String>;
}

impl<'de> DeserializeSeed<'de> for Slot<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self {
            // Strings and IDs are most of a record: they are written directly.
            Slot::Text(slot) => deserializer.deserialize_any(TextVisitor(slot)),
            Slot::Parsed(slot) => deserializer.deserialize_any(ParsedVisitor(slot)),
            Slot::List(list) => deserializer.deserialize_any(ListVisitor(list)),
            Slot::Names(names) => deserializer.deserialize_any(NamesVisitor(names)),
            Slot::Json(slot) => {
                *slot = Option::<Value>::deserialize(deserializer)?;
                Ok(())
            }
            Slot::Other(slot) => slot
                .set(Value::deserialize(deserializer)?)
                .map_err(D::Error::custom),
            scalar => deserializer.deserialize_any(FillVisitor(scalar)),
        }
    }
}

impl Slot<'_> {
    /// The address of the attribute's `Option`, which identifies the attribute within one record.
    pub(super) fn address(&self) -> *const () {
        match self {
            Slot::Text(place) => std::ptr::from_ref(&**place).cast(),
            Slot::Bool(place) => std::ptr::from_ref(&**place).cast(),
            Slot::Int(place) => std::ptr::from_ref(&**place).cast(),
            Slot::Float(place) => std::ptr::from_ref(&**place).cast(),
            Slot::Decimal(place) => std::ptr::from_ref(&**place).cast(),
            Slot::Date(place) => std::ptr::from_ref(&**place).cast(),
            Slot::DateTime(place) => std::ptr::from_ref(&**place).cast(),
            Slot::Json(place) => std::ptr::from_ref(&**place).cast(),
            Slot::Parsed(place) => std::ptr::from_ref(&**place).cast(),
            Slot::List(place) => std::ptr::from_ref(&**place).cast(),
            Slot::Names(place) => std::ptr::from_ref(&**place).cast(),
            Slot::Other(place) => std::ptr::from_ref(&**place).cast(),
        }
    }

    /// Writes a scalar into a scalar slot. The error contains the expected and the actual type.
    fn fill(self, value: Scalar<'_>) -> Result<(), String> {
        match self {
            Slot::Bool(slot) => *slot = value.to_bool()?,
            Slot::Int(slot) => *slot = value.to_int()?,
            Slot::Float(slot) => *slot = value.to_float()?,
            Slot::Decimal(slot) => *slot = value.to_decimal()?,
            Slot::Date(slot) => *slot = value.parse("a date YYYY-MM-DD", parse_date)?,
            Slot::DateTime(slot) => {
                *slot = value.parse("a time YYYY-MM-DD HH:MM:SS", parse_timestamp)?
            }
            // The caller handles the other slots.
            Slot::Text(_)
            | Slot::Parsed(_)
            | Slot::List(_)
            | Slot::Names(_)
            | Slot::Json(_)
            | Slot::Other(_) => {}
        }
        Ok(())
    }
}

/// Writes a scalar into its slot.
struct FillVisitor<'a>(Slot<'a>);

macro_rules! fill {
    ($($visit:ident($($value:ident: $type:ty)?) => $scalar:expr;)*) => {$(
        fn $visit<E: serde::de::Error>(self $(, $value: $type)?) -> Result<(), E> {
            self.0.fill($scalar).map_err(E::custom)
        }
    )*};
}

impl<'de> Visitor<'de> for FillVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ScalarVisitor.expecting(f)
    }

    fill! {
        visit_str(text: &str) => Scalar::Borrowed(text);
        visit_unit() => Scalar::Null;
        visit_bool(value: bool) => Scalar::Bool(value);
        visit_i64(number: i64) => Scalar::Int(number);
        visit_u64(number: u64) => i64::try_from(number).map_or(Scalar::Big(number), Scalar::Int);
        visit_f64(number: f64) => Scalar::Float(number);
    }
}

/// A visitor that accepts strings unchanged, and all other values as PHP would print them.
macro_rules! text_visitor {
    ($name:ident, $slot:ty, |$visitor:ident, $text:ident| $set:expr $(, |$owner:ident, $string:ident| $move:expr)?) => {
        struct $name<'a>($slot);

        impl $name<'_> {
            fn other(self, scalar: Scalar<'_>) {
                let ($visitor, text) = (self, scalar.into_text());
                let $text = text.as_deref();
                $set;
            }
        }

        impl<'de> Visitor<'de> for $name<'_> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, number, boolean or null")
            }

            fn visit_str<E>(self, text: &str) -> Result<(), E> {
                let ($visitor, $text) = (self, Some(text));
                $set;
                Ok(())
            }

            $(fn visit_string<E>(self, text: String) -> Result<(), E> {
                let ($owner, $string) = (self, text);
                $move;
                Ok(())
            })?

            fn visit_unit<E>(self) -> Result<(), E> {
                let ($visitor, $text) = (self, None::<&str>);
                $set;
                Ok(())
            }

            fn visit_bool<E>(self, value: bool) -> Result<(), E> {
                self.other(Scalar::Bool(value));
                Ok(())
            }

            fn visit_i64<E>(self, number: i64) -> Result<(), E> {
                self.other(Scalar::Int(number));
                Ok(())
            }

            fn visit_u64<E>(self, number: u64) -> Result<(), E> {
                self.other(Scalar::Big(number));
                Ok(())
            }

            fn visit_f64<E>(self, number: f64) -> Result<(), E> {
                self.other(Scalar::Float(number));
                Ok(())
            }
        }
    };
}

text_visitor!(
    TextVisitor,
    &'a mut Option<String>,
    |visitor, text| { *visitor.0 = text.map(str::to_owned) },
    |visitor, text| *visitor.0 = Some(text)
);
text_visitor!(ParsedVisitor, &'a mut dyn ParsedSlot, |visitor, text| {
    visitor.0.set(text)
});

/// An item of a list or map. The caller's type skips items that are not scalars; they are not an error here.
struct ScalarSeed;

impl<'de> DeserializeSeed<'de> for ScalarSeed {
    type Value = Scalar<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ListVisitor<'a>(&'a mut dyn ListSlot);

impl<'de> Visitor<'de> for ListVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of strings or null")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.begin(false);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.begin(true);
        while let Some(item) = items.next_element_seed(ScalarSeed)? {
            item.with_text(|text| self.0.push(text.unwrap_or_default()));
        }
        Ok(())
    }

    /// PHP prints an array whose keys have gaps as an object.
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.0.begin(true);
        while entries.next_key::<IgnoredAny>()?.is_some() {
            let item = entries.next_value_seed(ScalarSeed)?;
            item.with_text(|text| self.0.push(text.unwrap_or_default()));
        }
        Ok(())
    }
}

struct NamesVisitor<'a>(&'a mut dyn NamesSlot);

impl<'de> Visitor<'de> for NamesVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of names by ID or null")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.begin(false);
        Ok(())
    }

    /// PHP prints an empty map as `[]`.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.begin(true);
        match items.next_element::<IgnoredAny>()? {
            None => Ok(()),
            Some(_) => Err(A::Error::custom(
                "expected an object of names by ID, found an array with items",
            )),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.0.begin(true);
        while let Some(key) = entries.next_key_seed(ScalarSeed)? {
            let value = entries.next_value_seed(ScalarSeed)?;
            key.with_text(|key| {
                value.with_text(|text| {
                    self.0
                        .insert(key.unwrap_or_default(), text.unwrap_or_default())
                });
            });
        }
        Ok(())
    }
}
