//! Arguments that identify one record.

use super::id::{AnyId, Id};
use super::record_ref::RecordRef;
use crate::JsonObject;

/// An argument that identifies one record of `E`: an [`Id`], a reference to one, or a [`RecordRef`].
///
/// Strings are accepted only if the entity type is known only at run time (`E` is [`JsonObject`]). Otherwise,
/// [`Id::new`] converts a string into an ID, so that the ID of another entity type is not passed by accident.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the ID of a record of `{E}`",
    label = "expected an `Id<{E}>` or a reference to one",
    note = "if this string is such an ID, write `Id::new(text)`",
    note = "an optional ID must be unwrapped first: `let Some(id) = id else {{ … }};`",
    note = "to use the ID of another entity type on purpose, convert it with `id.cast()`"
)]
pub trait IntoId<E: ?Sized> {
    /// Converts the argument into the ID.
    fn into_id(self) -> Id<E>;
}

impl<E: ?Sized> IntoId<E> for Id<E> {
    fn into_id(self) -> Id<E> {
        self
    }
}

impl<E: ?Sized> IntoId<E> for &Id<E> {
    fn into_id(self) -> Id<E> {
        self.clone()
    }
}

impl<E: ?Sized> IntoId<E> for &&Id<E> {
    fn into_id(self) -> Id<E> {
        Id::clone(self)
    }
}

impl<E> IntoId<E> for RecordRef<E> {
    fn into_id(self) -> Id<E> {
        self.id().clone()
    }
}

impl<E> IntoId<E> for &RecordRef<E> {
    fn into_id(self) -> Id<E> {
        self.id().clone()
    }
}

macro_rules! untyped {
    ($($text:ty),*) => {$(
        impl IntoId<JsonObject> for $text {
            fn into_id(self) -> Id<JsonObject> {
                Id::new(self)
            }
        }
    )*};
}

untyped!(&str, &&str, String, &String);

/// Collects IDs as strings, for a request body.
pub(crate) fn texts<E: ?Sized>(ids: impl IntoIterator<Item = impl IntoId<E>>) -> Vec<String> {
    ids.into_iter()
        .map(|id| id.into_id().as_str().to_owned())
        .collect()
}

/// The entity type and ID of any record, as an argument: `(&id).into()`, `(&crm.record(&id)).into()`, or `("Account",
/// "6b05…").into()`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnyRef {
    /// The name of the record's entity type.
    pub entity_type: String,
    /// The record's ID.
    pub id: AnyId,
}

impl AnyRef {
    fn new(entity_type: &str, id: &str) -> Self {
        Self {
            entity_type: entity_type.to_owned(),
            id: Id::new(id),
        }
    }
}

impl<E: super::Entity> From<Id<E>> for AnyRef {
    fn from(id: Id<E>) -> Self {
        Self::new(E::ENTITY_TYPE, id.as_str())
    }
}

impl<E: super::Entity> From<&Id<E>> for AnyRef {
    fn from(id: &Id<E>) -> Self {
        Self::new(E::ENTITY_TYPE, id.as_str())
    }
}

impl<R> From<RecordRef<R>> for AnyRef {
    fn from(record: RecordRef<R>) -> Self {
        Self::from(&record)
    }
}

impl<R> From<&RecordRef<R>> for AnyRef {
    fn from(record: &RecordRef<R>) -> Self {
        Self::new(record.entity_type(), record.id().as_str())
    }
}

impl From<(&str, &str)> for AnyRef {
    fn from((entity_type, id): (&str, &str)) -> Self {
        Self::new(entity_type, id)
    }
}

impl From<&crate::actions::AnyRecord> for AnyRef {
    fn from(record: &crate::actions::AnyRecord) -> Self {
        Self::new(&record.entity_type, record.id.as_str())
    }
}
