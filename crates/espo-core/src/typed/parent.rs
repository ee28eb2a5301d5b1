//! Polymorphic parents.

/// A record of one of several entity types.
pub trait ParentRef: Clone + std::fmt::Debug + PartialEq {
    /// Creates the parent from its two attributes.
    fn from_parts(entity_type: &str, id: &str) -> Self;

    /// The name of the parent's entity type.
    fn entity_type(&self) -> &str;

    /// The parent's ID.
    fn id(&self) -> super::AnyId;
}

/// Defines the enum of a polymorphic parent for the entity types that the metadata allows.
///
/// It is serialised as `{"entityType": "Account", "id": "…"}`, the server's form of a reference to a record.
#[macro_export]
macro_rules! parent {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($variant:ident($entity:ty) = $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        $vis enum $name {
            $(#[doc = concat!("A record of entity type `", $text, "`.")] $variant($crate::typed::Id<$entity>),)*
            /// A record of an entity type that was not allowed when this code was generated.
            Other {
                /// The name of the entity type.
                entity_type: String,
                /// The record's ID.
                id: $crate::typed::AnyId,
            },
        }

        impl $crate::typed::ParentRef for $name {
            fn from_parts(entity_type: &str, id: &str) -> Self {
                match entity_type {
                    $($text => Self::$variant($crate::typed::Id::new(id)),)*
                    other => Self::Other { entity_type: other.to_owned(), id: $crate::typed::Id::new(id) },
                }
            }

            fn entity_type(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $text,)*
                    Self::Other { entity_type, .. } => entity_type,
                }
            }

            fn id(&self) -> $crate::typed::AnyId {
                match self {
                    $(Self::$variant(id) => id.cast(),)*
                    Self::Other { id, .. } => id.clone(),
                }
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::typed::serialize_parent(self, serializer)
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::typed::deserialize_parent(deserializer)
            }
        }

        $(
            impl From<$crate::typed::Id<$entity>> for $name {
                fn from(id: $crate::typed::Id<$entity>) -> Self {
                    Self::$variant(id)
                }
            }

            impl From<&$crate::typed::Id<$entity>> for $name {
                fn from(id: &$crate::typed::Id<$entity>) -> Self {
                    Self::$variant(id.clone())
                }
            }
        )*
    };
}
