//! Record IDs, typed by the entity type that they belong to.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The ID of a record of entity type `E`.
///
/// EspoCRM's IDs consist of 17 lower-case hexadecimal characters by default, but an instance may use UUIDs, and
/// imported data may contain any ID that matches `[A-Za-z0-9_=\-.]+`, so an ID is an opaque string here. Up to 24 bytes
/// are stored inline, so most IDs need no allocation.
///
/// An `Id<Account>` is not an `Id<Contact>`: passing one where the other is expected does not compile. [`Id::cast`]
/// converts explicitly.
pub struct Id<E: ?Sized> {
    text: CompactString,
    entity: PhantomData<fn() -> Box<E>>,
}

impl<E: ?Sized> Id<E> {
    /// Creates an ID from a string.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self {
            text: CompactString::new(text),
            entity: PhantomData,
        }
    }

    /// Returns the ID as a string.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the same ID for another entity type, where the compiler cannot verify the type (a polymorphic parent, an
    /// ID from another source).
    pub fn cast<T: ?Sized>(&self) -> Id<T> {
        Id {
            text: self.text.clone(),
            entity: PhantomData,
        }
    }
}

/// The ID of a record whose entity type is known only at run time.
pub type AnyId = Id<crate::JsonObject>;

impl<E: ?Sized> Clone for Id<E> {
    fn clone(&self) -> Self {
        self.cast()
    }
}

impl<E: ?Sized> PartialEq for Id<E> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<E: ?Sized> Eq for Id<E> {}

impl<E: ?Sized> PartialEq<str> for Id<E> {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

impl<E: ?Sized> PartialEq<&str> for Id<E> {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl<E: ?Sized> PartialOrd for Id<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E: ?Sized> Ord for Id<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl<E: ?Sized> Hash for Id<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.as_str().hash(state);
    }
}

impl<E: ?Sized> fmt::Debug for Id<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.text.as_str(), f)
    }
}

impl<E: ?Sized> fmt::Display for Id<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl<E: ?Sized> AsRef<str> for Id<E> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl<E: ?Sized> FromStr for Id<E> {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

impl<E: ?Sized> From<&Id<E>> for Id<E> {
    fn from(id: &Id<E>) -> Self {
        id.clone()
    }
}

impl<E: ?Sized> Serialize for Id<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, E: ?Sized> Deserialize<'de> for Id<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            text: CompactString::deserialize(deserializer)?,
            entity: PhantomData,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Id;

    struct Account;
    struct Contact;

    #[test]
    fn ids_round_trip_through_every_conversion() {
        let id: Id<Account> = "6b0595cdc80fa1ab0".parse().expect("infallible");
        assert_eq!(id.as_str(), "6b0595cdc80fa1ab0");
        assert_eq!(
            serde_json::to_string(&id).expect("text"),
            "\"6b0595cdc80fa1ab0\""
        );
        assert_eq!(
            serde_json::from_str::<Id<Account>>("\"6b0595cdc80fa1ab0\"").expect("text"),
            id
        );
        assert_eq!(id.cast::<Contact>(), "6b0595cdc80fa1ab0");
        assert_eq!(
            format!("{id:>20}|{id:?}"),
            "   6b0595cdc80fa1ab0|\"6b0595cdc80fa1ab0\""
        );
    }
}
