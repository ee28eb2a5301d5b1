//! The attributes of a create or an update.

use std::fmt;
use std::marker::PhantomData;

use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::Value;

use super::access::{CreateOnly, NonNull, Writable};
use super::field::Field;
use super::kind::{Clear, Kind};
use super::parent::ParentRef;
use super::time::{DateOrTime, midnight};
use super::value::AttributeValue;
use crate::JsonObject;

/// The mode of an update. Attributes that are neither set nor cleared stay unchanged.
#[derive(Clone, Copy, Debug)]
pub enum Update {}

/// The mode of a create.
#[derive(Clone, Copy, Debug)]
pub enum Create {}

/// The access modes that a write of mode `M` may set.
#[diagnostic::on_unimplemented(
    message = "an attribute with access `{Self}` cannot be sent by `{M}`",
    note = "the server sets a read-only attribute itself; one that is part of a field is set through the setter named after the field"
)]
pub trait Settable<M> {}

impl Settable<Create> for Writable {}
impl Settable<Update> for Writable {}
impl Settable<Create> for NonNull {}
impl Settable<Update> for NonNull {}
impl Settable<Create> for CreateOnly {}

/// The access modes that a write can set to null.
#[diagnostic::on_unimplemented(
    message = "an attribute with access `{Self}` cannot be cleared",
    note = "the server rejects or ignores null for a required field, a boolean and a currency code; set a value instead (`false` for a boolean)",
    note = "one that is part of a field is cleared through the method `clear_…` named after the field"
)]
pub trait Clearable {}

impl Clearable for Writable {}

/// The attributes of a create (`M` = [`Create`]) or an update (`M` = [`Update`]) of entity type `E`.
///
/// Each attribute has three states: unchanged, set ([`Attributes::set`]), or set to null ([`Attributes::clear`]). The
/// generated types wrap this one and have a setter for each attribute.
pub struct Attributes<E, M> {
    object: JsonObject,
    marker: PhantomData<fn() -> (E, M)>,
}

impl<E, M> Attributes<E, M> {
    /// Creates a value without attributes.
    pub fn new() -> Self {
        Self {
            object: JsonObject::new(),
            marker: PhantomData,
        }
    }

    /// Sets an attribute.
    pub fn set<K: Kind, A: Settable<M>>(
        &mut self,
        field: Field<E, K, A>,
        value: impl Into<K::Value>,
    ) {
        self.put(field.name(), &value.into());
    }

    /// Clears an attribute: null, or an empty list for a set, for which the server ignores null.
    pub fn clear<K: Clear, A: Clearable>(&mut self, field: Field<E, K, A>) {
        self.object.insert(field.name().to_owned(), K::cleared());
    }

    /// Sets an attribute by its name on the wire, for attributes that were unknown when the code was generated. The
    /// server silently drops unknown names.
    pub fn set_raw(&mut self, attribute: impl Into<String>, value: impl Into<Value>) {
        self.object.insert(attribute.into(), value.into());
    }

    /// Sets an attribute; for generated code, which ensures that it is allowed.
    #[doc(hidden)]
    pub fn put<T: AttributeValue>(&mut self, attribute: &str, value: &T) {
        self.object.insert(attribute.to_owned(), value.to_json());
    }

    pub(super) fn put_json(&mut self, attribute: &str, value: Value) {
        self.object.insert(attribute.to_owned(), value);
    }

    /// Sets an attribute to null; for generated code, which ensures that it is allowed.
    #[doc(hidden)]
    pub fn put_null(&mut self, attribute: &str) {
        self.object.insert(attribute.to_owned(), Value::Null);
    }

    /// Sets both attributes of a field that contains a date or a time. The date takes precedence, so a time sets it to
    /// null. A day sets the time as well: the server computes it only for the fields of meetings and tasks, and filters
    /// use the time.
    #[doc(hidden)]
    pub fn put_date_or_time(&mut self, time: &str, date: &str, value: DateOrTime) {
        match value {
            DateOrTime::Date(day) => {
                self.put(time, &midnight(day, &TimeZone::UTC));
                self.put(date, &day);
            }
            DateOrTime::DateFrom(day, start) => {
                self.put(time, &start);
                self.put(date, &day);
            }
            DateOrTime::Time(instant) => {
                self.put(time, &instant);
                self.put_null(date);
            }
        }
    }

    /// Sets both attributes of a polymorphic parent.
    #[doc(hidden)]
    pub fn put_parent(&mut self, entity_type: &str, id: &str, parent: &impl ParentRef) {
        self.object
            .insert(entity_type.to_owned(), Value::from(parent.entity_type()));
        self.put(id, &parent.id());
    }

    /// Returns the attributes that will be sent.
    pub fn as_json(&self) -> &JsonObject {
        &self.object
    }

    /// Returns the attributes that will be sent.
    pub fn into_json(self) -> JsonObject {
        self.object
    }
}

impl<E, M> Default for Attributes<E, M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E, M> Clone for Attributes<E, M> {
    fn clone(&self) -> Self {
        Self {
            object: self.object.clone(),
            marker: PhantomData,
        }
    }
}

impl<E, M> PartialEq for Attributes<E, M> {
    fn eq(&self, other: &Self) -> bool {
        self.object == other.object
    }
}

impl<E, M> fmt::Debug for Attributes<E, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&super::secret::ShownObject(&self.object), f)
    }
}

/// A number in JSON. A non-finite one is sent as a string, which the server rejects; JSON's null would clear the field.
pub(crate) fn float_number(number: f64) -> Value {
    if number.is_finite() {
        Value::from(number)
    } else {
        Value::from(number.to_string())
    }
}

/// A decimal in the form that the server reads without losing a digit: a JSON number if a double represents exactly
/// these digits (PHP parses and prints them again), otherwise a string, which decimal fields accept too.
pub(crate) fn decimal_number(decimal: Decimal) -> Value {
    let decimal = decimal.normalize();
    if let Ok(whole) = i64::try_from(decimal)
        && Decimal::from(whole) == decimal
    {
        return Value::from(whole);
    }
    let text = decimal.to_string();
    match text.parse::<f64>() {
        // `Display` of a double is its shortest form, so equal digits mean that none was lost.
        Ok(double) if double.to_string() == text => Value::from(double),
        _ => Value::from(text),
    }
}

/// Defines the generated type that wraps [`Attributes`](crate::typed::Attributes) for one entity type.
#[doc(hidden)]
#[macro_export]
macro_rules! write_type {
    ($entity:ident, $name:ident) => {
        #[doc = concat!("The attributes of a create (`", stringify!($entity), "New`) or an update (`", stringify!($entity), "Patch`).")]
        pub struct $name<M>($crate::typed::Attributes<$entity, M>);

        impl<M> $name<M> {
            fn with<T: $crate::typed::AttributeValue>(mut self, attribute: &str, value: T) -> Self {
                self.0.put(attribute, &value);
                self
            }

            /// Sets an attribute through its constant.
            pub fn set<K: $crate::typed::kind::Kind, A: $crate::typed::Settable<M>>(
                mut self,
                field: $crate::typed::Field<$entity, K, A>,
                value: impl Into<K::Value>,
            ) -> Self {
                self.0.set(field, value);
                self
            }

            /// Clears an attribute.
            pub fn clear<K: $crate::typed::kind::Clear, A: $crate::typed::Clearable>(
                mut self,
                field: $crate::typed::Field<$entity, K, A>,
            ) -> Self {
                self.0.clear(field);
                self
            }

            /// Sets an attribute by its name on the wire, for attributes that were unknown when the code was generated.
            pub fn set_raw(mut self, attribute: impl Into<String>, value: impl Into<$crate::serde_json::Value>) -> Self {
                self.0.set_raw(attribute, value);
                self
            }

            /// Returns the attributes that will be sent.
            pub fn as_json(&self) -> &$crate::JsonObject {
                self.0.as_json()
            }

            /// Returns whether no attribute is set or cleared.
            pub fn is_empty(&self) -> bool {
                self.0.as_json().is_empty()
            }
        }

        impl $name<$crate::typed::Update> {
            /// Creates an update that changes nothing yet.
            pub fn new() -> Self {
                Self($crate::typed::Attributes::new())
            }

            /// Creates the update that turns one state of a record into another: it contains the attributes that
            /// differ.
            ///
            /// With [`if_unchanged`](espo_core::typed::UpdateRequest::if_unchanged), the update fails if another client
            /// has changed the record in the meantime.
            pub fn changes(before: &$entity, after: &$entity) -> Self {
                Self($crate::typed::Attributes::changes(before, after))
            }
        }

        impl Default for $name<$crate::typed::Update> {
            fn default() -> Self {
                Self::new()
            }
        }

        impl<M> Clone for $name<M> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<M> std::fmt::Debug for $name<M> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.0, f)
            }
        }

        impl<M> From<$name<M>> for $crate::JsonObject {
            fn from(attributes: $name<M>) -> Self {
                attributes.0.into_json()
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::{TimeZone, offset};
    use rust_decimal::Decimal;
    use serde_json::{Value, json};

    use super::{Attributes, Update, decimal_number};
    use crate::typed::{AnyId, DateOrTime, Field, kind};

    #[test]
    fn clearing_uses_the_empty_form_of_each_type() {
        let mut patch = Attributes::<(), Update>::new();
        patch.clear(Field::<(), kind::Text>::new("website"));
        patch.clear(Field::<(), kind::Set<Vec<AnyId>>>::new("teamsIds"));
        patch.clear(Field::<(), kind::Unlisted<kind::Items<String>>>::new(
            "tags",
        ));
        let expected = json!({"website": null, "teamsIds": [], "tags": []});
        assert_eq!(Value::Object(patch.into_json()), expected);
    }

    #[test]
    fn days_and_times_write_both_attributes_of_a_field() {
        let day = date(2026, 7, 1);
        let instant: jiff::Timestamp = "2026-07-01T09:30:00Z".parse().unwrap();
        let west = TimeZone::fixed(offset(-5));
        for (value, time, date) in [
            (
                DateOrTime::Date(day),
                "2026-07-01 00:00:00",
                json!("2026-07-01"),
            ),
            (
                DateOrTime::day_in(day, &west),
                "2026-07-01 05:00:00",
                json!("2026-07-01"),
            ),
            (
                DateOrTime::Time(instant),
                "2026-07-01 09:30:00",
                json!(null),
            ),
        ] {
            let mut patch = Attributes::<(), Update>::new();
            patch.put_date_or_time("due", "dueDate", value);
            assert_eq!(
                Value::Object(patch.into_json()),
                json!({"due": time, "dueDate": date})
            );
        }
    }

    #[test]
    fn money_keeps_its_digits() {
        for (digits, json) in [
            ("100.00", "100"),
            ("1234.5669999999602", "1234.5669999999602"),
            ("0.1", "0.1"),
            ("-12.50", "-12.5"),
            ("1234567890123456.789", "\"1234567890123456.789\""),
        ] {
            let decimal: Decimal = digits.parse().expect("a decimal");
            assert_eq!(decimal_number(decimal).to_string(), json, "{digits}");
        }
    }
}
