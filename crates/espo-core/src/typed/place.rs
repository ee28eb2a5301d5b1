//! The fields of a record that attributes are decoded into: optional values, and the ID, which is always present.

use super::id::Id;
use super::slot::{ParsedSlot, Slot};
use super::value::{AttributeValue, ToJson};

/// A field of a record struct.
#[doc(hidden)]
pub trait Place {
    /// The type of the attribute.
    type Value: AttributeValue;

    /// Returns a field without a value.
    fn empty() -> Self;

    /// Returns the slot for a decoded value.
    fn slot(&mut self) -> Slot<'_>;

    /// Returns the value, if there is one.
    fn value(&self) -> Option<&dyn ToJson>;

    /// Takes the value out.
    fn take(&mut self) -> Option<Self::Value>;
}

impl<T: AttributeValue> Place for Option<T> {
    type Value = T;

    fn empty() -> Self {
        None
    }

    fn slot(&mut self) -> Slot<'_> {
        T::slot(self)
    }

    fn value(&self) -> Option<&dyn ToJson> {
        self.as_ref().map(|value| value as &dyn ToJson)
    }

    fn take(&mut self) -> Option<T> {
        Option::take(self)
    }
}

/// An empty ID means that it was not in the response.
impl<E: ?Sized + 'static> Place for Id<E> {
    type Value = Self;

    fn empty() -> Self {
        Id::new("")
    }

    fn slot(&mut self) -> Slot<'_> {
        Slot::Parsed(self)
    }

    fn value(&self) -> Option<&dyn ToJson> {
        (!self.as_str().is_empty()).then_some(self)
    }

    fn take(&mut self) -> Option<Self> {
        let id = std::mem::replace(self, Self::empty());
        (!id.as_str().is_empty()).then_some(id)
    }
}

impl<E: ?Sized> ParsedSlot for Id<E> {
    fn set(&mut self, text: Option<&str>) {
        *self = Id::new(text.unwrap_or_default());
    }
}
