//! Links by name.

use std::borrow::Cow;

use super::Name;
use crate::JsonObject;
use crate::search::{Order, WhereItem};
use crate::typed::link::{AnyLink, LinkOf};
use crate::typed::{Filter, IntoId, OrderBy, texts};

/// A link by its name on the wire; see [`link`](super::link()).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Link {
    pub(super) name: Name,
}

impl Link {
    /// Returns the link's name on the wire.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Matches records that are linked with any of these records. The server rejects an ID that does not exist (400,
    /// EspoCRM 9.2 and later).
    pub fn linked_with<E>(
        self,
        ids: impl IntoIterator<Item = impl IntoId<JsonObject>>,
    ) -> Filter<E> {
        Filter::new(WhereItem::linked_with(self.name, texts(ids)))
    }

    /// Matches records that are linked with none of these records.
    pub fn not_linked_with<E>(
        self,
        ids: impl IntoIterator<Item = impl IntoId<JsonObject>>,
    ) -> Filter<E> {
        Filter::new(WhereItem::not_linked_with(self.name, texts(ids)))
    }

    /// Matches records that are linked with all of these records.
    pub fn linked_with_all<E>(
        self,
        ids: impl IntoIterator<Item = impl IntoId<JsonObject>>,
    ) -> Filter<E> {
        Filter::new(WhereItem::linked_with_all(self.name, texts(ids)))
    }

    /// Matches records that are linked with at least one record.
    pub fn is_linked<E>(self) -> Filter<E> {
        Filter::new(WhereItem::is_linked(self.name))
    }

    /// Matches records without linked records.
    pub fn is_not_linked<E>(self) -> Filter<E> {
        Filter::new(WhereItem::is_not_linked(self.name))
    }

    /// Orders by the name of the linked record, or by the entity type of a polymorphic parent; ascending.
    pub fn asc<E>(self) -> OrderBy<E> {
        OrderBy::new(self.name, Order::Asc)
    }

    /// Orders by the name of the linked record, or by the entity type of a polymorphic parent; descending.
    pub fn desc<E>(self) -> OrderBy<E> {
        OrderBy::new(self.name, Order::Desc)
    }
}

macro_rules! names {
    ($($type:ty => |$name:ident| $expression:expr;)*) => {$(
        impl LinkOf<JsonObject> for $type {
            type Target = JsonObject;
            type Kind = AnyLink;

            fn into_name(self) -> Name {
                let $name = self;
                $expression
            }
        }
    )*};
}

names! {
    Link => |link| link.name;
    &str => |name| Cow::Owned(name.to_owned());
    String => |name| Cow::Owned(name);
    &String => |name| Cow::Owned(name.clone());
}
